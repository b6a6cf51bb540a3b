"""Finds text of a window that has no room: labels, buttons, selectors and tabs that are visible."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QToolButton,
    QWidget,
)  # fmt: skip

#: Pixels by which a text may be wider than its place: rounding of its metrics.
_SLACK = 1


def clipped(root: QWidget) -> list[str]:
    """A line for each text below ``root`` that does not fit and is not told whole by a tooltip."""
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        # Docks behind other tabs are "visible", but out of sight.
        if widget.isVisible() and not widget.visibleRegion().isEmpty():
            found.extend(f"{where(widget)}: {text!r} needs {needs} of {has} px" for text, needs, has in _faults(widget))
    return found


def where(widget: QWidget) -> str:
    """The names of a widget and of what it lies in."""
    names = []
    up: QWidget | None = widget
    while up is not None:
        if (name := up.objectName() or (type(up).__name__ if up is widget else "")) and not name.startswith("qt_"):
            names.append(name)
        up = up.parentWidget()
    return " < ".join(names[:4])


def _faults(widget: QWidget) -> Iterator[tuple[str, int, int]]:
    if isinstance(widget, QLabel):
        shown = QLabel.text(widget)  # an elided label's own text() is the whole
        if shown and not shown.startswith("<"):
            yield from _label(widget, shown)
    elif isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        style = widget.style()
        assert style is not None
        field = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, widget
        )
        yield from _line(widget, widget.currentText(), field.width())
    elif isinstance(widget, QAbstractButton) and widget.text() and not _icon_only(widget):
        yield from _line(widget, widget.text(), widget.width() - _icon(widget))
        if widget.height() < QFontMetrics(widget.font()).height():
            yield widget.text(), QFontMetrics(widget.font()).height(), widget.height()
    elif isinstance(widget, QTabBar):
        yield from _tabs(widget)


def _label(label: QLabel, text: str) -> Iterator[tuple[str, int, int]]:
    room, metrics = label.contentsRect(), QFontMetrics(label.font())
    if label.wordWrap():
        needed = metrics.boundingRect(QRect(0, 0, room.width(), 10_000), int(Qt.TextFlag.TextWordWrap), text)
        fits = needed.height() <= room.height() + _SLACK and needed.width() <= room.width() + _SLACK
        if not fits and text not in label.toolTip():
            yield text, needed.height(), room.height()
        return
    for line in text.split("\n"):
        yield from _line(label, line, room.width())
    needed = metrics.height() * (text.count("\n") + 1) - metrics.descent()
    if needed > label.height() + _SLACK:
        yield text, needed, label.height()


def _line(widget: QWidget, text: str, room: int) -> Iterator[tuple[str, int, int]]:
    plain = text.replace("&&", "\0").replace("&", "").replace("\0", "&") if isinstance(widget, QAbstractButton) else text
    needs = QFontMetrics(widget.font()).horizontalAdvance(plain)
    if needs > room + _SLACK and plain not in re.sub("<[^>]*>", "", widget.toolTip()):
        yield plain, needs, room


def _tabs(bar: QTabBar) -> Iterator[tuple[str, int, int]]:
    metrics = QFontMetrics(bar.font())
    for i in range(bar.count()):
        box = bar.tabRect(i)
        if metrics.horizontalAdvance(bar.tabText(i)) > box.width() and bar.tabText(i) not in bar.tabToolTip(i):
            yield bar.tabText(i), metrics.horizontalAdvance(bar.tabText(i)), box.width()


def _icon_only(widget: QAbstractButton) -> bool:
    return isinstance(widget, QToolButton) and (
        widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly and not widget.icon().isNull()
    )


def _icon(widget: QAbstractButton) -> int:
    return 0 if widget.icon().isNull() else widget.iconSize().width()
