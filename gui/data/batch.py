"""An answer to the protocol's ``samples``, ready to be drawn. NumPy, no Qt."""

from __future__ import annotations

from typing import Any

import numpy as np

from gui.numbers import format_number

_COLUMNS = ("indices", "labels", "predictions", "correct", "classes", "probabilities", "losses", "worst", "confusion")


class Batch:
    """The samples of a batch.

    Attributes:
        total: samples. kind: "pictures", "points" (two numbers each), "rows" (other numbers) or "" (no inputs).
        inputs: (N, C, H, W), (N, H, W) or (N, F), made small; None where there are none.
        indices, labels, predictions, correct, probabilities, losses, confusion: see
            :func:`engine.debug.views.samples.samples`; None where they are not known.
        mistakes, scored, mean_loss: of the whole batch.
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self.total = int(body.get("total") or 0)
        for name in _COLUMNS:
            setattr(self, name, array(body.get(name)))
        inputs = body.get("inputs")
        self.inputs = None if inputs is None else array(inputs["data"])
        self.low, self.high = (inputs or {}).get("range") or (0.0, 1.0)
        self.mistakes, self.scored, self.mean_loss = body.get("mistakes"), body.get("scored"), body.get("meanLoss")
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
        if self.inputs is None:
            return ""
        if self.inputs.ndim > 2:
            return "pictures"
        return "points" if self.inputs.ndim == 2 and self.inputs.shape[1] == 2 else "rows"

    def order(self, worst_first: bool) -> list[int]:
        """Positions in the batch; worst first: by loss, the greatest first, of mistakes only where there are classes."""
        if not worst_first:
            return list(range(self.total))
        if self.worst is not None:
            return [int(i) for i in self.worst]
        return list(range(self.total))

    def right(self, i: int) -> bool | None:
        """Whether the prediction is right; None where that cannot be said."""
        if self.correct is None or i >= len(self.correct):
            return None
        return bool(self.correct[i] == 1)

    def verdict(self, i: int) -> str:
        """ "7", or "7 → 2" where 2 was predicted instead; numbers likewise."""
        label, prediction = _one(self.labels, i), _one(self.predictions, i)
        if prediction is None or (self.right(i) and label is not None):
            return label or "–"
        return f"{label or '–'} → {prediction}"

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
        lines = [f"sample {i} of the batch"]
        if self.indices is not None and i < len(self.indices):
            lines[0] += f" · {int(self.indices[i])} in the dataset"
        label, prediction, loss = _one(self.labels, i), _one(self.predictions, i), self.loss(i)
        if label is not None:
            lines.append(f"label {label}")
        if prediction is not None:
            lines.append(f"prediction {prediction}")
        if self.classes is not None and self.probabilities is not None and i < len(self.classes):
            several = (f"{int(c)}: {format_number(float(p))}" for c, p in zip(self.classes[i], self.probabilities[i]))
            lines.append("probabilities " + ", ".join(several))
        if loss is not None:
            lines.append(f"loss {format_number(loss)}")
        return "\n".join(lines)

    def summary(self) -> str:
        """One line about the whole batch."""
        parts = [f"{self.total} samples"]
        if self.mistakes is not None and self.scored:
            parts.append(f"{self.mistakes} of {self.scored} wrong")
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
