"""The list of all breakpoints: a box for each, where it is, and how often it has stopped the script."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from PyQt6.QtCore import QLocale, QModelIndex, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QIcon, QKeyEvent, QPainter, QPixmap
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
)  # fmt: skip

from gui.breakpoints import COMMANDS, Breakpoints, Entry, is_on, specification
from gui.numbers import plural
from gui.theme import Theme
from gui.widgets.breakpoint_form import brief, sentence
from gui.widgets.gutter import draw_breakpoint

#: The watchpoint for which there is always a box, and the number of its row while it is not set.
NON_FINITE = {"kind": "nan-inf"}
NOT_SET = -1

#: Pixels at the lower end of a row that may be missing: there is nothing but air.
_AIR = 2

#: Pixels beside the box and the words of a row: what is between them, and the air of the style sheet.
_BESIDE = 16

#: Where a name may go on in the next line: its parts are no words for Qt. Numbers stay whole.
_BREAK = re.compile(r"[_/](?=\w)|[.:](?=[^\W\d])")

#: Pixels: no limit, as Qt has it.
_UNLIMITED = (1 << 24) - 1


class Row(NamedTuple):
    """A breakpoint in the list: its kind, the file (of lines), its number among those of its kind (and file); NOT_SET is
    that of the watchpoint for NaN and infinity while there is none."""

    kind: str
    path: str
    number: int

    @property
    def has_gates(self) -> bool:
        """Whether it can have a condition, a hit count and a log message."""
        return self.kind != "exception" and self.number != NOT_SET


def rows_of(points: Breakpoints, paths: Sequence[str]) -> list[tuple[Row, Entry]]:
    """All breakpoints, those of lines in the files ``paths`` first; last the boxes that are always there: for exceptions,
    and for NaN and infinity."""
    found: list[tuple[Row, Entry]] = []
    for path in paths:
        found += [(Row("line", path, i), entry) for i, entry in enumerate(points.lines(path))]
    for kind in COMMANDS:
        found += [(Row(kind, "", i), entry) for i, entry in enumerate(points.entries(kind))]
    plain = next((pair for pair in found if pair[0].kind == "watch" and specification(pair[1]) == NON_FINITE), None)
    if plain is not None:
        found.remove(plain)
    boxes = [(Row("exception", "", i), entry) for i, entry in enumerate(points.entries("exception"))]
    return [*found, *boxes, plain or (Row("watch", "", NOT_SET), {**NON_FINITE, "enabled": False})]


class BreakpointList(QTreeWidget):
    """Shows what :meth:`show_rows` is given.

    Signals:
        switched(row, on): a box was clicked, or Enter pressed on a row that can only be switched.
        chosen(row): a row was double-clicked. edited(row): Enter. removed(row): Delete.
    """

    switched = pyqtSignal(object, bool)
    chosen = pyqtSignal(object)
    edited = pyqtSignal(object)
    removed = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._showing = False
        self.setHeaderLabels(["Where", "Stops"])
        self.setAccessibleName("Breakpoints")
        self.setRootIsDecorated(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(True)  # of a place, a condition, and of what is wrong with it, nothing is cut
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # but of a longer word, which ends on the line's number
        self.setItemDelegate(_Wrapping(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setExpandsOnDoubleClick(False)
        header = self.header()
        assert header is not None
        header.sectionResized.connect(lambda _section, _old, _new: self.scheduleDelayedItemsLayout())
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(40)
        self.itemChanged.connect(self._box_changed)
        self.itemDoubleClicked.connect(lambda item, _column: self.chosen.emit(row_of(item)))

    def show_rows(self, rows: Sequence[tuple[Row, Entry]], theme: Theme) -> None:
        """Show these; the current one stays the current one."""
        current = self.currentItem()
        last = current is not None and self.indexOfTopLevelItem(current) == self.topLevelItemCount() - 1
        # The last box is always the same, whatever its number is now.
        chosen = None if current is None else rows[-1][0] if last else row_of(current)
        self._showing = True
        self.clear()
        for row, entry in rows:
            item = self._item(row, entry, theme)
            self.addTopLevelItem(item)
            if row == chosen:
                self.setCurrentItem(item)
        self._showing = False

    def fit_rows(self, on: bool) -> None:
        """Be no higher than the rows, or as high as there is room."""
        header, height = self.header(), _UNLIMITED
        if on and header is not None:
            rows = sum(self.sizeHintForRow(row) for row in range(self.topLevelItemCount()))
            height = header.sizeHint().height() + rows + 2 * self.frameWidth()
        self.setMaximumHeight(height)

    def drawRow(self, painter: QPainter | None, options: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Where not all rows have room, no sliver of one is shown."""
        viewport = self.viewport()
        high = options.rect.bottom() if viewport is None else viewport.height()
        if options.rect.bottom() <= high + _AIR or high - options.rect.top() > options.fontMetrics.height() + _AIR:
            super().drawRow(painter, options, index)

    def _item(self, row: Row, entry: Entry, theme: Theme) -> QTreeWidgetItem:
        hits = entry.get("hits", 0)
        gates = _gates(entry)
        item = QTreeWidgetItem([_where(row, entry), f"{hits:,}" if hits else ""])
        item.setData(0, Qt.ItemDataRole.UserRole, row)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(0, Qt.CheckState.Checked if is_on(entry) else Qt.CheckState.Unchecked)
        item.setIcon(0, self._icon(entry, theme))
        item.setTextAlignment(1, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
        place = f"{row.path}, line {entry['line']}" if row.kind == "line" else f"Stops {sentence(row.kind, entry)}"
        if row.kind != "exception":
            item.setToolTip(1, f"It has stopped the script {hits:,} {plural(hits, 'time')}")
        problem = str(entry.get("message", "")) if entry.get("verified") is False and is_on(entry) else ""
        if gates:
            item.setText(0, f"{item.text(0)}   {gates}")
        if problem:
            item.setText(0, f"{item.text(0)}\n{problem}")
        item.setToolTip(0, "\n".join(filter(None, [place, gates, str(entry.get("message", ""))])))
        if problem:
            item.setForeground(0, theme.phase_text["alarm"])
        if not is_on(entry):
            item.setForeground(0, theme.muted)
        return item

    def _icon(self, entry: Entry, theme: Theme) -> QIcon:
        side = theme.space(16)
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(side * ratio), round(side * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_breakpoint(painter, QRect(0, 0, side, side), entry, theme)
        painter.end()
        return QIcon(pixmap)

    def _box_changed(self, item: QTreeWidgetItem, column: int) -> None:
        if not self._showing and column == 0:
            self.switched.emit(row_of(item), item.checkState(0) == Qt.CheckState.Checked)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        item = self.currentItem()
        if event is not None and item is not None:
            if event.key() == Qt.Key.Key_Delete:
                self.removed.emit(row_of(item))
                return
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if row_of(item).has_gates:
                    self.edited.emit(row_of(item))
                else:
                    self.switched.emit(row_of(item), item.checkState(0) != Qt.CheckState.Checked)
                return
        super().keyPressEvent(event)


class _Wrapping(QStyledItemDelegate):
    """Rows as high as their words need in the width of the column, which Qt's own does not ask for. Names break, too."""

    def __init__(self, tree: QTreeWidget) -> None:
        super().__init__(tree)
        self._tree = tree

    def displayText(self, value: object, locale: QLocale) -> str:
        return _BREAK.sub("\\g<0>\u200b", super().displayText(value, locale))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        style = self._tree.style()
        if index.column() == 0 and style is not None:
            box = style.pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth, option, self._tree)
            option.rect = QRect(0, 0, max(1, self._tree.columnWidth(0) - box - _BESIDE), _UNLIMITED)
        return super().sizeHint(option, index)


def row_of(item: QTreeWidgetItem) -> Row:
    """The row that an item of the list stands for."""
    return item.data(0, Qt.ItemDataRole.UserRole)


def _where(row: Row, entry: Entry) -> str:
    return f"{os.path.basename(row.path)}:{entry['line']}" if row.kind == "line" else brief(row.kind, entry)


def _gates(entry: Entry) -> str:
    parts = []
    if entry.get("condition"):
        parts.append(f"if {entry['condition']}")
    if entry.get("hitCondition"):
        parts.append(f"hit {entry['hitCondition']}")
    if entry.get("logMessage"):
        parts.append(f"log: {entry['logMessage']}")
    return " · ".join(parts)
