"""An answer to the protocol's ``samples``, ready to be drawn. NumPy, no Qt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gui.numbers import format_number, plural

#: Rows and columns from which numbers may be a square picture.
_SQUARE = 7

_COLUMNS = ("indices", "labels", "predictions", "correct", "classes", "probabilities", "losses", "worst", "confusion")


class Batch:
    """The samples of a batch.

    Attributes:
        total: samples. kind: "pictures", "points" (two numbers each), "rows" (other numbers), "words" (whole numbers in a
            sequence) or "" (no inputs).
        inputs: (N, C, H, W), (N, H, W) or (N, F), made small; None where there are none. Rows that look like square
            pictures (at least 7 × 7 numbers, none negative) are pictures.
        indices, labels, predictions, correct, probabilities, losses, confusion: see
            :func:`engine.debug.views.samples.samples`; None where they are not known.
        mistakes, scored, mean_loss: of the whole batch.
        names: of the classes, or None.
        part: loader, epoch and number of the batch, or None.
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self.total = int(body.get("total") or 0)
        for name in _COLUMNS:
            setattr(self, name, array(body.get(name)))
        inputs = body.get("inputs")
        self.inputs = None if inputs is None else array(inputs["data"])
        self.low, self.high = (inputs or {}).get("range") or (0.0, 1.0)
        self.mistakes, self.scored, self.mean_loss = body.get("mistakes"), body.get("scored"), body.get("meanLoss")
        self.names: list[str] | None = body.get("names")
        self.part: dict[str, Any] | None = body.get("pass")
        self.kind = self._kind()

    def take_inputs(self, body: dict[str, Any]) -> None:
        """Inputs that an answer to ``tensor`` holds, where there is no DataLoader to name them."""
        found = array(body.get("data"))
        if found is not None and found.ndim and len(found) == self.total:
            self.inputs = found
            self.low, self.high = body.get("range") or (0.0, 1.0)
            self.kind = self._kind()

    indices: np.ndarray | None
    labels: np.ndarray | None
    predictions: np.ndarray | None
    correct: np.ndarray | None
    classes: np.ndarray | None
    probabilities: np.ndarray | None
    losses: np.ndarray | None
    worst: np.ndarray | None
    confusion: np.ndarray | None

    def _kind(self) -> str:
        inputs = self.inputs
        if inputs is None:
            return ""
        if inputs.ndim == 2 and inputs.dtype.kind in "iub" and inputs.shape[1] > 1:
            return "words"
        if inputs.ndim == 2 and inputs.dtype.kind == "f":
            side = math.isqrt(inputs.shape[1])
            if side >= _SQUARE and side * side == inputs.shape[1] and self.low >= 0:
                self.inputs = inputs.reshape(len(inputs), side, side)
                return "pictures"
        if inputs.ndim > 2:
            return "pictures"
        return "points" if inputs.ndim == 2 and inputs.shape[1] == 2 else "rows"

    def order(self, worst_first: bool) -> list[int]:
        """Positions in the batch; worst first: what is wrong before what is right, each by its loss, the greatest first."""
        if not worst_first:
            return list(range(self.total))
        count = min(self.total, max((len(c) for c in (self.losses, self.correct) if c is not None), default=0))
        if not count:
            return list(range(self.total))

        def badness(i: int) -> tuple:
            loss = self.loss(i)
            known = loss if loss is not None and math.isfinite(loss) else (math.inf if loss is not None else 0.0)
            return self.right(i) is not False, -known, i

        return sorted(range(count), key=badness)

    def right(self, i: int) -> bool | None:
        """Whether the prediction is right; None where that cannot be said."""
        if self.correct is None or i >= len(self.correct):
            return None
        return bool(self.correct[i] == 1)

    def verdict(self, i: int) -> str:
        """ "7", or "7 → 2" where 2 was predicted instead; numbers likewise."""
        label, prediction = self.named(self.labels, i), self.named(self.predictions, i)
        if prediction is None or (self.right(i) and label is not None):
            return label or "–"
        return f"{label or '–'} → {prediction}"

    def class_name(self, number: int) -> str:
        """What a class is called; its number where it has no name."""
        return self.names[number] if self.names is not None and 0 <= number < len(self.names) else str(number)

    def named(self, column: np.ndarray | None, i: int) -> str | None:
        """The entry of a column of labels or predictions in words."""
        text = _one(column, i)
        return self.class_name(int(text)) if self.names is not None and text is not None and text.isdecimal() else text

    def words(self, i: int) -> str:
        """The whole numbers of a sample."""
        return " ".join(str(int(number)) for number in self.inputs[i][:64]) if self.inputs is not None else ""

    def loss(self, i: int) -> float | None:
        """The loss of a sample; None where it is not known."""
        if self.losses is None or i >= len(self.losses):
            return None
        return float(np.asarray(self.losses[i], np.float64).mean())

    def picture(self, i: int) -> np.ndarray | None:
        """(H, W) or (H, W, 3) of the numbers of a sample; rows of numbers are one line."""
        if self.inputs is None or i >= len(self.inputs):
            return None
        found = self.inputs[i]
        if found.ndim == 1:
            return found[None]
        if found.ndim == 2:
            return found
        return found.transpose(1, 2, 0) if found.shape[0] == 3 else found[0]

    def describe(self, i: int) -> str:
        """What a hint says of a sample."""
        lines = [f"sample [{i}] of the batch"]
        if self.indices is not None and i < len(self.indices):
            lines[0] += f" · [{int(self.indices[i])}] of the dataset"
        label, prediction, loss = self.named(self.labels, i), self.named(self.predictions, i), self.loss(i)
        if label is not None:
            lines.append(f"label {label}")
        if prediction is not None:
            lines.append(f"prediction {prediction}")
        if self.classes is not None and self.probabilities is not None and i < len(self.classes):
            best = zip(self.classes[i], self.probabilities[i])
            several = (f"{self.class_name(int(number))}: {format_number(float(share))}" for number, share in best)
            lines.append("probabilities " + ", ".join(several))
        if loss is not None:
            lines.append(f"loss {format_number(loss)}")
        return "\n".join(lines)

    def summary(self) -> str:
        """One line about the whole batch."""
        parts = [f"{self.total} {plural(self.total, 'sample')}"]
        if self.mistakes is not None and self.scored:
            parts.append(f"{self.mistakes} of {self.scored} wrong ({100 - 100 * self.mistakes / self.scored:.1f} % right)")
        if self.mean_loss is not None:
            parts.append(f"mean loss {format_number(self.mean_loss)}")
        return " · ".join(parts)


def array(value: Any) -> np.ndarray | None:
    """An array of the protocol as NumPy's."""
    if value is None:
        return None
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def _one(column: np.ndarray | None, i: int) -> str | None:
    if column is None or i >= len(column):
        return None
    value = np.asarray(column[i]).reshape(-1)
    if value.size == 0:
        return None
    if value.size > 1:
        return f"({', '.join(format_number(float(x)) for x in value[:3])}{', …' if value.size > 3 else ''})"
    return str(int(value[0])) if value.dtype.kind in "iub" else format_number(float(value[0]))
