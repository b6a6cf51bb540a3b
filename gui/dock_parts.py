"""What the docks consist of: the place of a panel, and the tabs."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import QEvent, QObject, QSize, Qt
from PyQt6.QtGui import QFont, QFontMetrics
from PyQt6.QtWidgets import QTabBar, QWidget

from gui.panels.panel import Panel
from gui.theme import Theme


class Place(QWidget):
    """Holds a panel in its dock.

    Qt moves a dock behind other tabs out of sight but calls it visible. The panel is hidden then, so that it costs
    nothing; the sizes that it wants stay.
    """

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.setObjectName("place")
        self._panel = panel
        panel.setParent(self)

    def sizeHint(self) -> QSize:
        return self._panel.sizeHint()

    def minimumSizeHint(self) -> QSize:
        # What is inside wants more with large text, but the window must not grow.
        return self._panel.minimumSize()

    def resizeEvent(self, event: object) -> None:
        self._panel.setGeometry(self.rect())


def style_tabs(bar: QTabBar, theme: Theme, tips: Mapping[str, str]) -> None:
    """Tabs as all panels have them. ``tips``: by title."""
    bar.setAccessibleName("Panels")
    bar.setToolTip("Panels: Left and Right choose one, Ctrl+Tab goes to the next that is shown")
    bar.setExpanding(False)
    bar.setElideMode(Qt.TextElideMode.ElideNone)
    bar.setUsesScrollButtons(True)
    bar.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    for i in range(bar.count()):
        bar.setTabToolTip(i, tips.get(bar.tabText(i), bar.tabText(i)))
    fitting = bar.findChild(Fitting) or Fitting(bar)
    fitting.fit(theme)


class Fitting(QObject):
    """Keeps the names of tabs whole: where they have no room they become small; where that is not enough, arrows at the
    right reach those that are out of sight."""

    def __init__(self, bar: QTabBar) -> None:
        super().__init__(bar)
        self._bar = bar
        self._theme: Theme | None = None
        bar.installEventFilter(self)

    def fit(self, theme: Theme | None = None) -> None:
        """Choose the font; ``theme`` where it is another."""
        self._theme = theme = theme or self._theme
        bar = self._bar
        if theme is None:
            return
        body, small = theme.text_font("body"), theme.text_font("small")
        # What the style puts beside the text is the same in every font.
        beside = bar.sizeHint().width() - self._texts(bar.font())
        font = body if self._texts(body) + beside <= bar.width() else small
        if font != bar.font():
            bar.setFont(font)

    def _texts(self, font: QFont) -> int:
        metrics = QFontMetrics(font)
        return sum(metrics.horizontalAdvance(self._bar.tabText(i)) for i in range(self._bar.count()))

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a1 is not None and a1.type() == QEvent.Type.Resize:
            self.fit()
        return False


def holds(panel: Panel, widget: QWidget) -> bool:
    """Whether a widget is a panel or lies in it or in its head."""
    return widget is panel or panel.isAncestorOf(widget) or panel.head.isAncestorOf(widget)
