"""``WholeLines``: of a page of text that is scrolled, the line that the lower edge would cut is left out."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel, QScrollArea, QWidget

from gui.theme import Theme
from gui.widgets.parts import viewport_of

#: Pixels at the lower end of a line that may be missing: there is nothing but air.
_AIR = 1


class WholeLines(QWidget):
    """Lies over the viewport of ``area`` and paints the ground where a line is cut.

    The widgets of the page that hold rows say where these are: ``line_at(y)``; labels have lines; of others all is one.
    """

    def __init__(self, area: QScrollArea, theme: Theme) -> None:
        super().__init__(viewport_of(area))
        self._area, self.theme = area, theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        viewport_of(area).installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Resize:
            self.setGeometry(viewport_of(self._area).rect())
            self.raise_()
        return False

    def cut(self) -> int | None:
        """Where a line begins that does not end above the lower edge; None where there is none, or little else."""
        page = self._area.widget()
        for part in page.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly) if page else ():
            top = part.y() + (page.y() if page else 0)
            if part.isHidden() or not top < self.height() < top + part.height() - _AIR:
                continue
            line, end = _line_at(part, self.height() - top)
            whole = top + end - _AIR <= self.height()
            return None if whole or top + line < self.height() / 2 else top + line
        return None

    def paintEvent(self, event: QPaintEvent | None) -> None:
        top = self.cut()
        if top is not None:
            painter = QPainter(self)
            painter.fillRect(0, top, self.width(), self.height() - top, self.theme.panel)
            painter.end()


def _line_at(part: QWidget, y: int) -> tuple[int, int]:
    """Where the line of ``part`` begins and ends that lies at ``y``."""
    if isinstance(part, QLabel):
        high = part.fontMetrics().lineSpacing()
        return y // high * high, (y // high + 1) * high
    if (found := getattr(part, "line_at", None)) is not None:
        return found(y)
    return 0, part.height()
