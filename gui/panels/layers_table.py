"""What the table of the Layers panel holds: a line for each layer or parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt

from gui.numbers import format_number, plural

#: Field, head, tooltip. Fields that begin with "gradient " are those of the gradient.
COLUMNS = (
    ("name", "layer", "A layer's output, or a parameter"),
    ("std", "std", "Spread of the numbers: activations of a layer, or a parameter's elements"),
    ("gradient std", "grad std", "Spread of the gradient of the loss by these numbers"),
    ("norm", "norm", "Euclidean norm of the numbers"),
    (
        "share", "dead, upd.", "Of a ReLU: the share of units that are 0 for the whole batch. "
        "Of a parameter: the norm of its last update over its own, every tenth step",
    ),
)  # fmt: skip

#: Steps after which what was not computed again is left out.
_OLD = 5

@dataclass
class Row:
    """A layer or a parameter: the newest numbers of its values and of its gradient, by field."""

    name: str
    parameter: bool
    values: dict[str, Any]
    gradient: dict[str, Any] = field(default_factory=dict)

    def get(self, column: str) -> float | None:
        """The number of a column; None where the row has none."""
        if column == "share":
            column = "update_ratio" if self.parameter else "dead"
        source = self.gradient if column.startswith("gradient ") else self.values
        if column == "norm" and math.isnan(source.get("std") or 0.0):
            return None  # of no finite number; the engine's sum of none is 0
        value = source.get(column.removeprefix("gradient "))
        return None if value is None or (isinstance(value, float) and math.isnan(value)) else value

    @property
    def broken(self) -> int:
        """How many numbers are NaN or infinite."""
        return sum(int(side.get(key, 0)) for side in (self.values, self.gradient) for key in ("nans", "infs"))


def rows_of(latest: Mapping[str, dict[str, Any]], ratios: Mapping[str, float]) -> list[Row]:
    """The rows for the engine's newest statistics; ``ratios``: the last known update ratios.

    Outputs that no gradient has come to are left out where others have one: they take no part in the training. So is
    what has not been computed in the last steps.
    """
    rows = []
    newest = max((values["step"] for values in latest.values()), default=0)
    for name, values in latest.items():
        if name.endswith(".grad") or values["step"] < newest - _OLD:
            continue
        # Sessions that were saved by earlier versions do not say it.
        parameter = bool(values.get("parameter", name.endswith((".weight", ".bias"))))
        values = {**values, "update_ratio": ratios[name]} if name in ratios else values
        rows.append(Row(name, parameter, values, latest.get(f"{name}.grad", {})))
    if any(row.gradient for row in rows):
        rows = [row for row in rows if row.gradient or row.parameter]
    return sorted(rows, key=lambda row: row.parameter)


class LayersModel(QAbstractTableModel):
    """The rows as Qt wants them; ``share(index)`` says how long a number's bar is."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._ends: dict[tuple[bool, str], tuple[float, float]] = {}

    def set_rows(self, rows: list[Row]) -> None:
        """Show other numbers; the table keeps its place where the names are the same."""
        same = [row.name for row in rows] == [row.name for row in self.rows]
        if not same:
            self.beginResetModel()
        self.rows = rows
        self._ends = {
            (kind, column): _decades([row.get(column) for row in rows if row.parameter == kind])
            for kind in (False, True) for column, _, _ in COLUMNS[1:]
        }  # fmt: skip
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section][1]
        if role == Qt.ItemDataRole.ToolTipRole:
            return COLUMNS[section][2]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == 0 else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        row, column = self.rows[index.row()], COLUMNS[index.column()][0]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name if column == "name" else self.text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tip(row, column)
        return None

    @staticmethod
    def text(row: Row, column: str) -> str:
        """A number of a row as it is written; "" where it has none."""
        value = row.get(column)
        if value is None:
            return ""
        if column == "share" and not row.parameter:
            return f"{100 * value:.0f} %"
        return format_number(value).replace("e-0", "e-").replace("e+0", "e")

    @staticmethod
    def tip(row: Row, column: str) -> str:
        """A cell in words."""
        if column == "name":
            what = "parameter" if row.parameter else "output"
            broken = f"; {row.broken} {plural(row.broken, 'number is', 'numbers are')} NaN or infinite" if row.broken else ""
            elements, step = row.values.get("count", 0), row.values.get("step", 0) + 1
            numbers = [(head, LayersModel.text(row, key)) for key, head, _ in COLUMNS[1:-1]]
            known = "".join(f"; {head} {text}" for head, text in numbers if text)
            return f"{row.name}: {what}, {elements} {plural(elements, 'element')}, in step {step}{known}{broken}"
        value = row.get(column)
        meaning = next(tip for key, _, tip in COLUMNS if key == column)
        return "" if value is None else f"{value!r}. {meaning}"

    def share(self, index: QModelIndex) -> float | None:
        """How much of its cell a bar fills: of decades from the column's least to its greatest; None without a number."""
        row, column = self.rows[index.row()], COLUMNS[index.column()][0]
        value = row.get(column) if column != "name" else None
        if value is None:
            return None
        if column == "share" and not row.parameter:
            return min(1.0, max(0.0, value))
        low, high = self._ends[row.parameter, column]
        if not value or not math.isfinite(value):
            return 0.0 if not value else 1.0
        return min(1.0, max(0.04, (math.log10(abs(value)) - low) / (high - low)))


def _decades(values: list[float | None]) -> tuple[float, float]:
    """Whole decades around the numbers, at least three."""
    powers = [math.log10(abs(v)) for v in values if v and math.isfinite(v)]
    if not powers:
        return -3.0, 0.0
    high = float(math.ceil(max(powers) + 1e-9))
    return min(float(math.floor(min(powers))), high - 3.0), high
