"""History: the table of a training run."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator
from typing import Any

from engine.checkpoint.atomic import write_atomically

# Okabe and Ito's palette, safe for the colour-blind: blue and vermilion.
_COLOURS = {"train": "#0072B2", "val": "#D55E00", "": "#000000"}


class History:
    """One row (a dict) for each finished epoch, and one for each logged step.

    ``history["val_loss"]`` is a column, ``history[-1]`` a row, ``print(history)`` the table. Columns: ``epoch``
    (from 0), ``train_loss`` and the metrics of training (measured batch by batch while the weights change),
    ``val_loss`` and the metrics of validation (after the epoch), ``lr`` (of the first group, during the epoch),
    ``seconds``, and what callbacks add.

    Attributes:
        rows: the epochs.
        steps: every ``log_every_n_steps`` steps ``step`` (1 is the first), ``epoch``, ``batch``, ``train_loss``
            (of the batch) and ``lr``.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.rows[key]
        if key not in self.columns:
            raise KeyError(f"history has no column {key!r}; it has {', '.join(self.columns) or 'none'}")
        return [row.get(key) for row in self.rows]

    def best(self, monitor: str = "val_loss", mode: str = "min") -> dict[str, Any]:
        """The row with the least (``mode="max"``: the greatest) value of ``monitor``, the first of equals."""
        if mode not in ("min", "max"):
            raise ValueError(f"best: mode must be 'min' or 'max', got {mode!r}")
        values = self[monitor]
        candidates = [row for row, v in zip(self.rows, values, strict=True) if v is not None and not math.isnan(v)]
        if not candidates:
            raise ValueError(f"best: no epoch has a value of {monitor!r}")
        return (min if mode == "min" else max)(candidates, key=lambda row: row[monitor])

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write the table of epochs; the file is replaced as a whole. Numbers are written in full."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(path, text.getvalue().encode())

    def __str__(self) -> str:
        if not self.rows:
            return "History: no epoch yet"
        columns = self.columns
        cells = [columns] + [[_cell(row.get(name)) for name in columns] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(f"{cell:>{w}}" for cell, w in zip(line, widths, strict=True)) for line in cells]
        return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])

    __repr__ = __str__

    def plot(self, *names: str) -> Any:
        """Curves over the epochs: one diagram per quantity, training and validation in the same.

        Args:
            names: quantities (``"loss"``, ``"accuracy"``, ``"lr"``); all when none is given.

        Returns:
            The ``matplotlib.figure.Figure``; ``plt.show()`` shows it, ``figure.savefig(path)`` saves it.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import MaxNLocator

        curves = self._curves()
        chosen = list(names or curves)
        for name in chosen:
            if name not in curves:
                raise KeyError(f"plot: history has no {name!r}; it has {', '.join(curves) or 'nothing yet'}")
        count = max(1, len(chosen))
        figure, axes = plt.subplots(1, count, figsize=(4.2 * count, 3.4), layout="constrained", squeeze=False)
        for ax, name in zip(axes[0], chosen, strict=False):
            for split, column in curves[name].items():
                style = "--" if split == "val" else "-"
                values = [float("nan") if value is None else value for value in self[column]]
                ax.plot(self["epoch"], values, style, marker=".", color=_COLOURS[split], label=split or None)
            ax.set(xlabel="epoch", ylabel=name)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.grid(alpha=0.3)
            if len(curves[name]) > 1:
                ax.legend()
        return figure

    def _curves(self) -> dict[str, dict[str, str]]:
        """Quantity -> split ("train", "val" or "") -> column, for the columns with numbers."""
        curves: dict[str, dict[str, str]] = {}
        for column in self.columns:
            split, _, quantity = column.partition("_")
            if split not in ("train", "val") or not quantity:
                split, quantity = "", column
            if column not in ("epoch", "seconds") and all(
                isinstance(v, (int, float, type(None))) for v in self[column]
            ):
                curves.setdefault(quantity, {})[split] = column
        return curves

    def state_dict(self) -> dict[str, Any]:
        """The rows, for a checkpoint."""
        return {"rows": self.rows, "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned."""
        self.rows, self.steps = list(state_dict["rows"]), list(state_dict["steps"])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
