"""What the docks consist of: the place of a panel, and the tabs."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import QSize, Qt
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
    """Tabs as all panels have them; large text is cut rather than hidden behind arrows. ``tips``: by title."""
    bar.setAccessibleName("Panels")
    bar.setToolTip("Panels: Left and Right choose one, Ctrl+Tab goes to the next that is shown")
    bar.setFont(theme.text_font("small" if theme.point_size() > 12 else "body"))
    bar.setExpanding(False)
    bar.setElideMode(Qt.TextElideMode.ElideRight)
    bar.setUsesScrollButtons(False)
    bar.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    for i in range(bar.count()):
        bar.setTabToolTip(i, tips.get(bar.tabText(i), bar.tabText(i)))


def holds(panel: Panel, widget: QWidget) -> bool:
    """Whether a widget is a panel or lies in it or in its head."""
    return widget is panel or panel.isAncestorOf(widget) or panel.head.isAncestorOf(widget)
