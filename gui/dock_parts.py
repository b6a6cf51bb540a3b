"""What the docks consist of: the place of a panel, and the tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt6.QtCore import QEvent, QObject, QSize, Qt
from PyQt6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PyQt6.QtWidgets import QDockWidget, QTabBar, QToolButton, QWidget

from gui.panels.panel import Panel
from gui.theme import Theme
from gui.timers import single_shot


class Dock(QDockWidget):
    """A dock under the head of its panel. One that floats has no frame of the desktop's then: it gets an outline, or over
    the other panels nobody sees where it ends.
    """

    def __init__(self, panel: Panel, parent: QWidget) -> None:
        super().__init__(panel.title, parent)
        self._panel = panel
        self.setObjectName(f"dock-{panel.key}")
        self.setWidget(Place(panel))
        self.setTitleBarWidget(panel.head)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        if self.isFloating():
            painter = QPainter(self)
            painter.setPen(self._panel.theme.muted)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


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


def style_tabs(
    bar: QTabBar, theme: Theme, tips: Mapping[str, str], owner: QObject, clicked: Callable[[str], object]
) -> None:
    """Tabs as all panels have them. ``tips``: by title. ``owner``: keeps what looks after the tabs. ``clicked`` is called
    with the title of a tab that was clicked.
    """
    bar.setAccessibleName("Panels")
    bar.setToolTip("Panels: Left and Right choose one, Ctrl+Tab goes to the next that is shown")
    # Each of these lays out all tabs, also where it changes nothing.
    if bar.expanding():
        bar.setExpanding(False)
    if bar.elideMode() != Qt.TextElideMode.ElideNone:
        bar.setElideMode(Qt.TextElideMode.ElideNone)
    if not bar.usesScrollButtons():
        bar.setUsesScrollButtons(True)
    bar.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    for i in range(bar.count()):
        bar.setTabToolTip(i, tips.get(bar.tabText(i), bar.tabText(i)))
    found = (fitting for fitting in owner.findChildren(Fitting) if fitting.bar is bar)
    (next(found, None) or Fitting(bar, owner, clicked)).fit(theme)


class Fitting(QObject):
    """Keeps the names of tabs whole: where they have no room they become small; where that is not enough, arrows at the
    right reach those that are out of sight. What would be seen of a tab in part is covered."""

    def __init__(self, bar: QTabBar, owner: QObject, clicked: Callable[[str], object]) -> None:
        super().__init__(owner)  # Qt has made the bar: as its child this would lose all that is Python's about it
        self.bar = bar
        bar.destroyed.connect(self.deleteLater)
        self._theme: Theme | None = None
        #: Over what is seen of tabs that are cut at the left, and at the arrows.
        self._covers = (QWidget(bar), QWidget(bar))
        for cover in self._covers:
            cover.setObjectName("tab-cover")
            cover.setAutoFillBackground(True)
            cover.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, True)
            cover.hide()
        bar.installEventFilter(self)
        #: After a click the panel that it has chosen gets the focus: else that would go on to the next that is in sight.
        chosen = single_shot(self, 0, lambda: clicked(bar.tabText(bar.currentIndex())))
        bar.tabBarClicked.connect(lambda tab: tab >= 0 and chosen.start())

    def fit(self, theme: Theme | None = None) -> None:
        """Choose the font; ``theme`` where it is another."""
        self._theme = theme = theme or self._theme
        bar = self.bar
        if theme is None:
            return
        body, small = theme.text_font("body"), theme.text_font("small")
        for cover in self._covers:
            palette = cover.palette()
            palette.setColor(palette.ColorRole.Window, theme.paper)
            cover.setPalette(palette)
        # What the style puts beside the text is the same in every font.
        beside = bar.sizeHint().width() - self._texts(bar.font())
        font = body if self._texts(body) + beside <= bar.width() else small
        if font != bar.font():
            bar.setFont(font)

    def _texts(self, font: QFont) -> int:
        metrics = QFontMetrics(font)
        return sum(metrics.horizontalAdvance(self.bar.tabText(i)) for i in range(self.bar.count()))

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a1 is not None and a1.type() == QEvent.Type.Resize:
            self.fit()
        elif a1 is not None and a1.type() == QEvent.Type.Paint:
            self._hide_parts()
        return False

    def _hide_parts(self) -> None:
        """Cover the tabs that are cut; the chosen one is always in sight as a whole."""
        bar = self.bar
        arrows = [button.x() for button in bar.findChildren(QToolButton) if button.isVisible()]
        end = min(arrows, default=bar.width())
        others = [bar.tabRect(i) for i in range(bar.count()) if i != bar.currentIndex()]
        first = next((box.right() + 1 for box in others if box.left() < 0 <= box.right()), 0)
        last = next((box.left() for box in others if box.left() < end <= box.right()), end)
        for cover, low, high in zip(self._covers, (0, last), (first, end), strict=True):
            cover.setGeometry(low, 0, max(0, high - low), bar.height())
            cover.setVisible(bool(arrows) and high > low)


def holds(panel: Panel, widget: QWidget) -> bool:
    """Whether a widget is a panel or lies in it or in its head."""
    return widget is panel or panel.isAncestorOf(widget) or panel.head.isAncestorOf(widget)
