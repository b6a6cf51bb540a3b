"""The table of the Layers panel as it is seen: numbers with bars, in as many columns as there is room for."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetrics, QPainter, QResizeEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)  # fmt: skip

from gui.panels.layers_table import COLUMNS, LayersModel, Row
from gui.theme import Theme, with_alpha

#: Columns, those first that are left out first where names have no room; the least characters of a name that are shown.
LEFT_OUT = ("norm", "share", "gradient std")
NAMED = 12

#: From this share on dead units are an alarm.
_MANY_DEAD = 0.9

#: Pixels beside a name, and beside a number; and what the style sheet and Qt put beside a head.
_BESIDE_NAME, _BESIDE_NUMBER, _BESIDE_HEAD = (8, 6), (4, 6), 18
#: The widest number that is written, and the least width of a name's column.
_WIDEST, _LEAST = "8.888e-8", 40


class BarDelegate(QStyledItemDelegate):
    """Draws a number at the right with a bar below, from the left."""

    def __init__(self, model: LayersModel, theme: Theme) -> None:
        super().__init__()
        self._model, self.theme = model, theme

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        assert painter is not None
        theme, row, column = self.theme, self._model.rows[index.row()], COLUMNS[index.column()][0]
        place = QRectF(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(place, with_alpha(theme.accent, 0.16))
        text = index.data() or ""
        before, after = _BESIDE_NAME if column == "name" else _BESIDE_NUMBER
        inner = place.adjusted(before, 0, -after, -2)
        painter.setFont(theme.code_font("small"))
        alarm = row.broken if column == "name" else column == "share" and (row.values.get("dead") or 0) >= _MANY_DEAD
        painter.setPen(theme.phase_text["alarm"] if alarm else theme.ink)
        side = Qt.AlignmentFlag.AlignLeft if column == "name" else Qt.AlignmentFlag.AlignRight
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, int(inner.width()))
        painter.drawText(inner, side | Qt.AlignmentFlag.AlignVCenter, shown)
        share = self._model.share(index)
        if share is not None:
            bar = QRectF(inner.left(), place.bottom() - 3, inner.width() * share, 2)
            painter.fillRect(bar, self._color(row, column))
        painter.restore()

    def _color(self, row: Row, column: str) -> QColor:
        phase = "update" if column == "share" and row.parameter else "backward" if column == "gradient std" else ""
        phase = "forward" if column == "std" and not row.parameter else phase
        return self.theme.phase[phase] if phase else self.theme.muted


class LayersTable(QTableView):
    """The names have what the numbers leave; of the columns of these so many are shown that names can be read, and nothing
    lies out of sight.
    """

    def __init__(self, model: LayersModel, theme: Theme) -> None:
        super().__init__()
        self._model, self._theme = model, theme
        self.bars = BarDelegate(model, theme)
        #: Of each column of numbers.
        self._widths = dict.fromkeys((column for column, _, _ in COLUMNS[1:]), 0)
        self.setModel(model)
        self.setItemDelegate(self.bars)
        self.setAccessibleName("Layers and parameters")
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        vertical, horizontal = self.verticalHeader(), self.horizontalHeader()
        assert vertical is not None and horizontal is not None
        vertical.hide()
        horizontal.setHighlightSections(False)
        horizontal.setMinimumSectionSize(_LEAST)
        horizontal.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._heads = vertical, horizontal

    def resizeEvent(self, e: QResizeEvent | None) -> None:
        self.fit()  # also where a scroll bar takes some of its width
        super().resizeEvent(e)

    def fit(self) -> None:
        """Show the columns that have numbers; in little room fewer."""
        rows, columns = self._model.rows, [column for column, _, _ in COLUMNS]
        used = {column for column in columns[1:] if any(row.get(column) is not None for row in rows)}
        metrics = QFontMetrics(self._theme.code_font("small"))
        names = max((metrics.horizontalAdvance(row.name[:NAMED]) for row in rows), default=0) + sum(_BESIDE_NAME)
        viewport = self.viewport()
        room = (viewport.width() if viewport is not None else self.width()) - names
        for column in LEFT_OUT:
            if sum(map(self._widths.__getitem__, used)) > room and len(used) > 1:
                used.discard(column)
        for place, column in enumerate(columns[1:], 1):
            self.setColumnHidden(place, column not in used)

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        self._theme = self.bars.theme = theme
        vertical, horizontal = self._heads
        vertical.setDefaultSectionSize(theme.row(24))
        horizontal.setFont(theme.text_font("small"))
        number, words = QFontMetrics(theme.code_font("small")), QFontMetrics(theme.text_font("small"))
        for place, (column, head, _) in enumerate(COLUMNS[1:], 1):
            figures = number.horizontalAdvance(_WIDEST) + sum(_BESIDE_NUMBER)
            self._widths[column] = max(figures, words.horizontalAdvance(head) + _BESIDE_HEAD)
            self.setColumnWidth(place, self._widths[column])
        self.fit()
        if (viewport := self.viewport()) is not None:
            viewport.update()
