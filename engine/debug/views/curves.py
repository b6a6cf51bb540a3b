"""The curves of a run, from its tape: losses, accuracy, learning rates, norms of gradients, and where epochs begin."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np

from engine.debug.replay.tape import (
    BACKWARD,
    END_STEP,
    EPOCH,
    EVALUATION,
    GRADIENT,
    MEASURE,
    RATE,
    TRAINING,
    Tape,
)

LOSS, ACCURACY, LEARNING_RATE, GRADIENT_NORM = "loss", "accuracy", "learning rate", "gradient norm"


def curves(tape: Tape, start: int = 0, step: int = 0) -> dict[str, Any]:
    """What the tape says of the backward passes from number ``start`` on, and of the optimizer steps from ``step`` on.

    Returns:
        ``steps``, ``losses``: of each backward pass how many optimizer steps had ended, and the loss that it began at.
        ``series``: each {"quantity", "name", "steps", "values", "counts"}:

        * "loss" and "accuracy" of "validation" (of several places where the script evaluates: "evaluation: NAME"): one value
          for each evaluation, the mean over its terms, at the number of steps that had ended;
        * "accuracy" of "train": of the batches that it was counted of; "counts": predictions;
        * "learning rate": where it changes, which holds from there on;
        * "gradient norm": at the steps that it was measured at.

        ``evaluations``: the names of the places where the script evaluates, in the order in which it first did; a name gets
        longer where another place has to be told from it. ``epochs``: (number, first step) of each epoch, int64 (n, 2).
        ``total``: backward passes on the tape.
    """
    start = max(start, bisect_left(tape.loss_steps, step)) if step else start
    rows = _rows(tape, step)
    kinds = rows[:, 1]
    found: list[dict[str, Any]] = []
    names = ["validation"] if len(tape.sites) == 1 else [f"evaluation: {name}" for name in site_names(tape.sites)]
    evaluations = rows[kinds == EVALUATION]
    places = np.unique(evaluations[:, 6]).astype(int).tolist()
    for place in places:
        part = evaluations[evaluations[:, 6] == place]
        found.append(_pooled(LOSS, names[place], part, part[:, 3], part[:, 4]))
        part = part[part[:, 5] >= 0]
        if len(part):
            found.append(_pooled(ACCURACY, names[place], part, part[:, 5] / np.maximum(1, part[:, 4]), part[:, 4]))
    part = rows[kinds == TRAINING]
    if len(part):
        found.append(_pooled(ACCURACY, "train", part, part[:, 5] / np.maximum(1, part[:, 4]), part[:, 4]))
    found += _by_number(rows[kinds == RATE], LEARNING_RATE, _rate_name)
    found += _by_number(rows[kinds == GRADIENT], GRADIENT_NORM, _optimizer_name)
    epochs = rows[kinds == EPOCH]
    return {
        "steps": np.array(tape.loss_steps[start:], np.int64),
        "losses": np.array(tape.losses[start:], np.float64),
        "series": found,
        "evaluations": names,
        "epochs": epochs[:, (3, 2)].astype(np.int64),
        "total": len(tape.losses),
    }


def _rows(tape: Tape, step: int) -> np.ndarray:
    # A view of an array would forbid it to grow: of the part that is wanted a copy is made.
    low, high = 0, len(tape.measures) // MEASURE
    while low < high:
        middle = (low + high) // 2
        if tape.measures[MEASURE * middle + 2] < step:
            low = middle + 1
        else:
            high = middle
    return np.array(tape.measures[MEASURE * low :], np.float64).reshape(-1, MEASURE)


def _pooled(quantity: str, name: str, rows: np.ndarray, values: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """One value for each step: the mean of those of its batches, weighted by how many terms they have."""
    steps, first = np.unique(rows[:, 2], return_index=True)
    totals = np.add.reduceat(weights, first) if len(first) else weights
    with np.errstate(invalid="ignore", divide="ignore"):
        sums = np.add.reduceat(values * weights, first) if len(first) else values
        means = sums / totals
    return _series(quantity, name, steps, means, totals)


def _by_number(rows: np.ndarray, quantity: str, name_of: Any) -> list[dict[str, Any]]:
    numbers = np.unique(rows[:, 6]).astype(int).tolist()
    parts = [rows[rows[:, 6] == number] for number in numbers]
    return [
        _series(quantity, name_of(number), part[:, 2], part[:, 3], np.ones(len(part)))
        for number, part in zip(numbers, parts, strict=True)
    ]


def _series(quantity: str, name: str, steps: np.ndarray, values: np.ndarray, counts: np.ndarray) -> dict[str, Any]:
    return {
        "quantity": quantity, "name": name, "steps": steps.astype(np.int64), "values": np.ascontiguousarray(values),
        "counts": counts.astype(np.int64),
    }  # fmt: skip


def _optimizer_name(number: int) -> str:
    return "train" if number == 0 else f"optimizer {number + 1}"


def _rate_name(number: int) -> str:
    optimizer, group = divmod(number, 256)
    name = _optimizer_name(optimizer)
    return name if group == 0 else f"{name}, group {group + 1}"


def site_names(sites: list[str]) -> list[str]:
    """Short names of places that are told apart: the variable's where it is enough, else with lines."""
    parts = [[*site.split(":"), "", ""][:3] for site in sites]
    names = []
    for name, line, call in parts:
        same = [other for other in parts if other[0] == name]
        if len(same) == 1 and name:
            names.append(name)
        elif len([other for other in same if other[1] == line]) == 1 or call in ("", "0"):
            names.append(f"{name} (line {line})" if name else f"line {line}")
        elif name and all(other[1] == line for other in same):
            names.append(f"{name} (called in line {call})")
        else:
            names.append(f"{name} (line {line}, called in line {call})".strip())
    return names


def tick_of(tape: Tape, step: int, what: str = "step") -> int | None:
    """The tick at which ``step`` optimizer steps had just ended, or with ``what`` "loss" at which the next backward
    pass began; None where the tape has no such place. Step 0 has ended where the run begins, at tick 1. Without an
    optimizer a step is known by its backward pass: then the tick at which that began.
    """
    codes = np.array(tape.codes, np.uint32)
    if what == "loss":
        number = bisect_left(tape.loss_steps, step)
        found = np.flatnonzero(codes == BACKWARD)
        fits = number < len(found) and tape.loss_steps[number] == step
        return int(found[number]) + 1 if fits else None
    if step <= 0:
        return 1 if len(codes) else None
    found = np.flatnonzero(codes == END_STEP)
    if not len(found):
        found = np.flatnonzero(codes == BACKWARD)
    return int(found[step - 1]) + 1 if step <= len(found) else None
