"""What a comparison of two runs has found, in words."""

from __future__ import annotations

import re
from typing import Any

from gui.numbers import plural
from gui.steps import step_number


def quoted(name: str) -> str:
    """A run's name within a sentence: one that says what was edited looks like a part of it."""
    return name if re.fullmatch(r"run \d+", name) else f"“{name}”"


def compared_words(a: str, b: str, result: dict[str, Any]) -> str:
    """What a comparison of two runs has found, in a sentence or two."""
    a, b = quoted(a), quoted(b)
    if result.get("step") is None and result.get("event") is None:
        note = f" {result['note']}" if result.get("note") else ""
        steps = plural(common := result.get("common", 0), "step")
        return f"{a} and {b} do not differ in the {common} {steps} that both have done.{note}"
    words = []
    if result.get("event"):
        words.append(f"{a} and {b} {_parted(result)}.")
    if result.get("losses"):
        first, second = result["losses"]
        words.append(f"The losses part at step {result['step'] + 1:,}: {_apart(first, second)}.")
    return " ".join(words)


def _parted(result: dict[str, Any]) -> str:
    """Where two runs part: by what they do, or by a number."""
    event, step = result["event"], f"{step_number(result['event']):,}"
    if instead := result.get("instead"):
        return f"do different things from step {step} on: {_op(event)} in the first, {_op(instead)} in the second"
    index = result.get("index")
    at = f"[{', '.join(map(str, index))}]" if index else ""
    values = _apart(*result["values"]) if result.get("values") else ""
    return f"first differ in {_op(event)}, {result.get('tensor')}{at} (step {step}){values and f': {values}'}"


def _op(event: dict[str, Any]) -> str:
    return " ".join(str(event[key]) for key in ("kind", "module", "name") if event.get(key))


def _apart(first: float, second: float) -> str:
    """Two numbers that differ, with as many digits as show that."""
    texts: list[str] = []
    for digits in (6, 9, 17):
        texts = [f"{value:.{digits}g}" for value in (first, second)]
        if texts[0] != texts[1]:
            break
    return " and ".join(texts)
