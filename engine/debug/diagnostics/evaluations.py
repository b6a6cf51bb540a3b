"""Losses that are computed without training: what a validation pass comes to."""

from __future__ import annotations

from typing import Any

from engine.debug.diagnostics.passes import Record


class Evaluation:
    """Losses without training, of one line of the script and one DataLoader."""

    def __init__(self, name: str, module: Any, file: str, line: int) -> None:
        self.name, self.module, self.file, self.line = name, module, file, line
        self.total = self.count = 0.0

    def add(self, value: float, samples: int) -> None:
        """Take the mean loss of ``samples`` more."""
        self.total += value * samples
        self.count += samples


class Evaluations:
    """The evaluations since the last training pass, each of one line of the script, one loss and one DataLoader."""

    def __init__(self) -> None:
        self.found: dict[tuple, Evaluation] = {}

    def __bool__(self) -> bool:
        return bool(self.found)

    def clear(self) -> None:
        """Forget them."""
        self.found.clear()

    def add(self, record: Record, loader: Any) -> None:
        """Take the value of a loss op; one that is not reduced to a number says nothing here."""
        if record.array.size != 1:
            return
        name = record.function.name
        key = (record.file, record.line, name, id(loader))
        evaluation = self.found.get(key)
        if evaluation is None:
            evaluation = self.found[key] = Evaluation(name, record.module, record.file, record.line)
        target = record.inputs[1]._array
        evaluation.add(float(record.array.reshape(-1)[0]), max(1, target.shape[0] if target.ndim else 1))

    def end(self) -> list[tuple[Evaluation, float]]:
        """Training goes on: each evaluation with its mean loss; then there are none."""
        ended = [(evaluation, evaluation.total / evaluation.count) for evaluation in self.found.values()]
        self.found.clear()
        return ended
