"""The computation of one element: its definition with the line about to run, and the variables as they stand there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QHeaderView, QSplitter, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from gui.numbers import format_number, format_shape
from gui.theme import Theme, with_alpha
from gui.widgets.code_view import CodeView
from gui.widgets.gutter import Mark


class ElementView(QWidget):
    """Shows a step of the computation of an element."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.code = CodeView(theme)
        self.code.shows_breakpoints = False
        self.code.gutter.setToolTip("Lines of the definition's file")
        self.code.setAccessibleName("Definition of the element")
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["Variable", "Value"])
        self.table.setAccessibleName("Variables of the definition")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setFrameShape(QTableWidget.Shape.NoFrame)
        vertical, horizontal = self.table.verticalHeader(), self.table.horizontalHeader()
        assert vertical is not None and horizontal is not None
        vertical.hide()
        horizontal.setStretchLastSection(True)
        horizontal.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        horizontal.setHighlightSections(False)
        horizontal.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.code)
        split.addWidget(self.table)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        self._shown: tuple | None = None
        self.apply_theme(theme)

    def set_source(self, key: tuple, lines: Sequence[Sequence[Any]]) -> None:
        """Show the definition's lines, ``[number, text]`` each; nothing where the key is that of what is shown."""
        if key == self._shown or not lines:
            return
        self._shown = key
        rows: list[tuple[int, str]] = []
        for number, text in lines:
            if rows and int(number) != rows[-1][0] + 1:
                rows.append((0, ""))  # one empty line for what stands between a function and those that it calls
            rows.append((int(number), str(text)))
        self.code.set_source("\n".join(text for _, text in rows), numbers=[number for number, _ in rows])

    def has_source(self, key: tuple) -> bool:
        """Whether that definition is shown."""
        return key == self._shown

    def show_step(self, element: Mapping[str, Any], color: QColor) -> None:
        """Mark the line, and list what its variables hold; the sum or product so far comes first."""
        line = int(element["line"])
        self.code.set_marks((Mark(line, color),))
        self.code.show_line(line)
        rows = variable_rows(element)
        self.table.setRowCount(len(rows))
        for i, (name, value, strong) in enumerate(rows):
            for column, text in enumerate((name, value)):
                item = QTableWidgetItem(text)
                item.setFont(self._theme.code_font("body", bold=strong))
                item.setForeground(self._theme.ink if strong or column else self._theme.muted)
                if strong:
                    item.setBackground(with_alpha(color, 0.12))
                self.table.setItem(i, column, item)

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        self._theme = theme
        self.code.apply_theme(theme)
        self.table.setFont(theme.code_font())
        if (rows := self.table.verticalHeader()) is not None:
            rows.setMinimumSectionSize(1)
            rows.setDefaultSectionSize(self.table.fontMetrics().height() + theme.space(6))
        if (header := self.table.horizontalHeader()) is not None:
            header.setStyleSheet(f"QHeaderView::section {{ font-size: {theme.point_size('small')}pt; }}")


def variable_rows(element: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Name, value and whether it matters most: the accumulator, what the line reads, the other locals, what is returned;
    last the variables of CUDA, where a GPU computed it."""
    rows: list[tuple[str, str, bool]] = []
    accumulator = element.get("accumulator")
    if element.get("ends"):
        rows.append(("returns", _value(element.get("returned")), True))
    if accumulator:
        rows.append((str(accumulator), _value(element.get("partial")), True))
    for read in element.get("new_reads") or ():
        rows.append((f"reads {read['text']}", _value(read["value"]), False))
    others = [(name, value) for name, value in (element.get("locals") or {}).items() if name != accumulator]
    # Indices and sums say more than which arrays there are.
    others.sort(key=lambda item: isinstance(item[1], Mapping))
    launch = element.get("launch") or {}
    others += [(name, launch[name]) for name in ("threadIdx", "blockIdx", "blockDim", "gridDim") if name in launch]
    return rows + [(name, _value(value), False) for name, value in others]


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and "array" in value:
        return f"array {format_shape(value['shape'])}"
    if isinstance(value, (int, float)):
        return format_number(value)
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_value, value))})"
    return str(value)
