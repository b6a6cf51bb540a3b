"""A table to look something up in: grouped rows, a field that filters them, and all of it as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PyQt6.QtCore import QRect, QSize, Qt
from PyQt6.QtGui import QFontMetrics, QResizeEvent, QShowEvent
from PyQt6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.context import Context

#: Pixels around the text of a cell.
_MARGIN = 6


class Row(NamedTuple):
    """A group and the columns of one line."""

    group: str
    columns: tuple[str, ...]


class TableDialog(QDialog):
    """Args:
    title: of the window. headings: of the columns. code: the column that is written in the font of code, if any.
    """

    def __init__(
        self, context: Context, parent: QWidget | None, title: str, headings: Sequence[str], rows: Sequence[Row],
        code: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setWindowTitle(title)
        self._rows, self._title = tuple(rows), title
        theme = context.theme
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName(f"Search in {title.lower()}")
        self.search.setToolTip("Show only lines that have all these words")
        self.search.setClearButtonEnabled(True)
        self.table = QTreeWidget()
        self.table.setAccessibleName(title)
        self.table.setToolTip("Arrow keys walk through the lines")
        self.table.setHeaderLabels(list(headings))
        self.table.setRootIsDecorated(False)
        self.table.setIndentation(0)
        self.table.setWordWrap(True)
        self.table.setUniformRowHeights(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideNone)
        self._items: list[tuple[Row, QTreeWidgetItem]] = []
        groups: dict[str, QTreeWidgetItem] = {}
        for row in self._rows:
            if row.group not in groups:
                group = groups[row.group] = QTreeWidgetItem(self.table, [row.group])
                group.setFirstColumnSpanned(True)
                group.setFont(0, theme.text_font("head", bold=True))
                group.setExpanded(True)
                group.setFlags(Qt.ItemFlag.ItemIsEnabled)
            item = QTreeWidgetItem(groups[row.group], list(row.columns))
            item.setForeground(len(row.columns) - 1, theme.muted)
            if code is not None:
                item.setFont(code, theme.code_font())
            self._items.append((row, item))
        header = self.table.header()
        assert header is not None
        for i in range(len(headings)):
            last = i == len(headings) - 1
            header.setSectionResizeMode(
                i, QHeaderView.ResizeMode.Stretch if last else QHeaderView.ResizeMode.ResizeToContents
            )
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = self.buttons.addButton("Copy as text", QDialogButtonBox.ButtonRole.ActionRole)
        assert copy is not None
        copy.setToolTip("Put all of it on the clipboard as text, to be printed or sent")
        copy.clicked.connect(self.copy)
        copy.setAutoDefault(False)  # Return in the search field is no wish to copy
        for button in self.buttons.buttons():
            button.setAccessibleName(button.text().replace("&", ""))
            if not button.toolTip():
                button.setToolTip(f"Close {title.lower()} (Esc)")
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        for widget in (self.search, self.table, self.buttons):
            layout.addWidget(widget)
        self.search.textChanged.connect(self._filter)
        room = parent.size() if parent is not None else QSize(1280, 800)
        self.resize(min(theme.space(820), room.width() - 64), min(theme.space(640), room.height() - 96))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._wrap()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._wrap()

    def _wrap(self) -> None:
        """Give each line the height that its last column needs at its width."""
        last = self.table.columnCount() - 1
        width = self.table.columnWidth(last) - 2 * _MARGIN
        metrics = QFontMetrics(self.table.font())
        for row, item in self._items:
            box = metrics.boundingRect(QRect(0, 0, width, 10_000), int(Qt.TextFlag.TextWordWrap), row.columns[last])
            item.setSizeHint(last, QSize(0, max(box.height(), metrics.height()) + _MARGIN))

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        for row, item in self._items:
            whole = " ".join(row.columns).lower()
            item.setHidden(not all(word in whole for word in words))
        for i in range(self.table.topLevelItemCount()):
            group = self.table.topLevelItem(i)
            assert group is not None
            group.setHidden(all(group.child(j).isHidden() for j in range(group.childCount())))  # type: ignore[union-attr]

    def shown(self) -> list[tuple[str, ...]]:
        """The lines that are not filtered out."""
        return [row.columns for row, item in self._items if not item.isHidden()]

    def as_text(self) -> str:
        """All lines as plain text, columns aligned."""
        widths = [max(len(row.columns[i]) for row in self._rows) for i in range(len(self._rows[0].columns))]
        lines, group = [self._title], None
        for row in self._rows:
            if row.group != group:
                group = row.group
                lines += ["", group]
            lines.append("  " + "  ".join(cell.ljust(width) for cell, width in zip(row.columns, widths)).rstrip())
        return "\n".join(lines) + "\n"

    def copy(self) -> None:
        """All lines onto the clipboard."""
        if clipboard := QApplication.clipboard():
            clipboard.setText(self.as_text())
