"""Where the panels stand: docks around the canvas, their default places, and how these are remembered."""

from __future__ import annotations

from PyQt6.QtCore import QByteArray, Qt
from PyQt6.QtGui import QAction, QKeySequence, QResizeEvent
from PyQt6.QtWidgets import QApplication, QDockWidget, QMainWindow, QTabBar, QTabWidget, QVBoxLayout, QWidget

from gui.breadcrumb import Breadcrumb
from gui.context import Context
from gui.dock_parts import Dock, holds, style_tabs
from gui.panels.panel import Panel
from gui.timers import single_shot

#: Of the saved layout; another number is not restored.
_VERSION = 1

#: Width of the window from which on Layers and Data stand beside Curves, and the same at a text size of 100 %.
WIDE, _WIDE_TEXT = 1800, 1400

#: The keys of the first panels, with Alt.
_DIGITS = "1234567890"

#: The keys of panels that stand beside Curves where there is room.
_BESIDE = ("layers", "data")

#: Share of a wide window that these have with Curves.
_RIGHT = 0.38

#: Widths that Curves, Layers and Data need beside each other at a text size of 100 %: for their heads, and for pictures.
_CURVES, _LAYERS, _DATA = 230, 180, 160

_SIDES = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "left-bottom": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "right-bottom": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}


class Workspace(QMainWindow):
    """The panels, in the order in which they are added; the one of area "center" is the canvas under the breadcrumb."""

    def __init__(self, context: Context, breadcrumb: Breadcrumb) -> None:
        super().__init__()
        self._context = context
        self.setObjectName("workspace")
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setDockNestingEnabled(True)
        self.setAnimated(False)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for corner, side in (
            (Qt.Corner.TopLeftCorner, "left"), (Qt.Corner.BottomLeftCorner, "left"),
            (Qt.Corner.TopRightCorner, "right"), (Qt.Corner.BottomRightCorner, "right"),
        ):  # fmt: skip
            self.setCorner(corner, _SIDES[side])
        self.panels: dict[str, Panel] = {}
        self.docks: dict[str, QDockWidget] = {}
        self._tips: dict[str, str] = {}
        self._active: Panel | None = None
        self._naming = single_shot(self, 0, self._name_tabs)
        self._fitting = single_shot(self, 0, self._fit)
        # Whether the default layout is the wide one; None where the user has made another.
        self._wide: bool | None = None
        center = QWidget()
        self._column = QVBoxLayout(center)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.breadcrumb = breadcrumb
        self._column.addWidget(breadcrumb)
        self.setCentralWidget(center)
        self.goes: list[QAction] = []
        context.theme_changed.connect(self._naming.start)
        context.theme_changed.connect(self._theme_changed)
        #: Heights of the strip below, by that which it has at first: what large text has made higher is not to stay so.
        self._heights: dict[int, int] = {}
        self._strip_height = self._first_strip_height()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_changed)

    def add(self, panel: Panel) -> None:
        """Take in a panel; :meth:`complete` puts it where it stands."""
        self.panels[panel.key] = panel
        panel.head.pressed.connect(lambda: self.current_key() == panel.key or self.give_focus(panel.key))
        if panel.area == "center":
            self._column.addWidget(panel, 1)
        else:
            self.docks[panel.key] = self._dock(panel)

    def complete(self) -> None:
        """All panels have been added: put them where they stand at first."""
        if not any(panel.area == "center" for panel in self.panels.values()):
            self._column.addStretch(1)
        self.goes = self._goes()
        self.arrange()

    def _dock(self, panel: Panel) -> QDockWidget:
        dock = Dock(panel, self)
        dock.visibilityChanged.connect(panel.setVisible)
        dock.visibilityChanged.connect(panel.head.setEnabled)  # out of sight behind another tab, Tab must not go there
        for signal in (dock.dockLocationChanged, dock.topLevelChanged, dock.visibilityChanged):
            signal.connect(self._naming.start)
        for signal in (dock.dockLocationChanged, dock.topLevelChanged):
            signal.connect(self._touch)
        # What is put back among tabs is what one looks at.
        dock.topLevelChanged.connect(lambda floats: floats or dock.raise_())
        return dock

    def toggles(self) -> list[QAction]:
        """Actions that show and hide the docks."""
        actions = []
        for key, dock in self.docks.items():
            if (action := dock.toggleViewAction()) is not None:
                action.triggered.connect(self._touch)
                action.setToolTip(f"Show or hide the panel {self.panels[key].title}")
                actions.append(action)
        return actions

    def _goes(self) -> list[QAction]:
        """Actions that bring a panel to the front and give it the focus: Alt and a digit."""
        actions = []
        for i, (key, panel) in enumerate(self.panels.items()):
            action = QAction(f"Go to {panel.title}", self)
            action.setStatusTip("Bring the panel to the front and give it the focus")
            action.triggered.connect(lambda _checked=False, key=key: self.show_panel(key))
            if i < len(_DIGITS):
                action.setShortcut(QKeySequence(f"Alt+{_DIGITS[i]}"))
            shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            self._tips[panel.title] = f"{panel.title} ({shown})" if shown else panel.title
            self.addAction(action)
            actions.append(action)
        return actions

    def _focus_changed(self, _old: QWidget | None, new: QWidget | None) -> None:
        """Mark the head of the panel that has the focus."""
        active = next((panel for panel in self.panels.values() if new is not None and holds(panel, new)), None)
        if active is self._active:
            return
        for panel, on in ((self._active, False), (active, True)):
            if panel is not None:
                panel.head.setProperty("active", on)
                if style := panel.head.style():
                    style.polish(panel.head)
        self._active = active

    def arrange(self, wide: bool = False) -> None:
        """Put every dock where it stands at first; the focus stays where it is."""
        focus = self.focusWidget()
        self._wide = None
        for dock in self.docks.values():
            self.removeDockWidget(dock)
            dock.setFloating(False)
        first: dict[str, QDockWidget] = {}
        # What stands below comes before the tabs: beside a dock with tabs Qt makes another tab.
        for area in ("left", "left-bottom", "right", "right-bottom", "bottom"):
            for key in self._keys(area)[:1]:
                self._place(self.docks[key], area, first)
        beside = self._wanted_beside(wide)
        last = first.get("right-bottom")
        for key in beside:
            if last is not None:
                self.splitDockWidget(last, self.docks[key], Qt.Orientation.Horizontal)
                last = self.docks[key]
        for area in first:
            for key in self._keys(area)[1:]:
                if key not in beside:
                    self.tabifyDockWidget(first[area], self.docks[key])
        for dock in self.docks.values():
            dock.show()
        for dock in first.values():
            dock.raise_()
        self._proportions(wide)
        self._wide = wide
        if focus is not None and focus.isVisibleTo(self):
            focus.setFocus()

    def _touch(self) -> None:
        """The user has moved, closed or opened a panel: the layout is theirs from now on."""
        self._wide = None

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self._unsuited:
            self._fitting.start()

    def _theme_changed(self) -> None:
        """The texts may be of another size: the strip below gets the height that it had when they were so last, else the one
        that it has at first.
        """
        if not self._fitting.isActive():  # else it has not the height yet that it is to have
            for key in self._keys("bottom")[:1]:
                self._heights[self._strip_height] = self.docks[key].height()
        self._strip_height = self._first_strip_height()
        self._fitting.start()

    def _fit(self) -> None:
        first = None if self._wide is None else self._strip_height
        if (keys := self._keys("bottom")) and (height := self._heights.pop(self._strip_height, first)) is not None:
            self.resizeDocks([self.docks[keys[0]]], [height], Qt.Orientation.Vertical)
        if self._unsuited:
            front = [dock for key, dock in self.docks.items() if self.panels[key].isVisible() and key not in _BESIDE]
            self.arrange(self.fits_wide)
            for dock in front:  # another room is no reason to be shown another panel
                dock.raise_()

    @property
    def fits_wide(self) -> bool:
        """Whether there is room for Layers and Data beside Curves; large text needs more of it."""
        return self.width() >= max(WIDE, self._context.theme.space(_WIDE_TEXT))

    @property
    def _unsuited(self) -> bool:
        """Whether another default layout has become the one that suits the window and the size of its texts."""
        return self._wide is not None and self._standing_beside() != self._wanted_beside(self.fits_wide)

    def _wanted_beside(self, wide: bool) -> tuple[str, ...]:
        """Who stands beside Curves: where large text would make all of them narrow, Data does not."""
        space = self._context.theme.space
        left = round(_RIGHT * self.width()) - space(_CURVES) - space(_LAYERS)
        keys = () if not wide else _BESIDE if left >= space(_DATA) else _BESIDE[:1]
        return tuple(key for key in keys if key in self.docks)

    def _standing_beside(self) -> tuple[str, ...]:
        """Those of them that are no tab of Curves."""
        tabs = [dock for key in self._keys("right-bottom")[:1] for dock in self.tabifiedDockWidgets(self.docks[key])]
        return tuple(key for key in _BESIDE if key in self.docks and self.docks[key] not in tabs)

    def _place(self, dock: QDockWidget, area: str, first: dict[str, QDockWidget]) -> None:
        above = first.get(area.removesuffix("-bottom"))
        self.addDockWidget(_SIDES[area], dock)
        if area.endswith("-bottom") and above is not None:
            self.splitDockWidget(above, dock, Qt.Orientation.Vertical)
        first[area] = dock

    def _keys(self, area: str) -> list[str]:
        return [key for key in self.docks if self.panels[key].area == area]

    def _proportions(self, wide: bool) -> None:
        theme = self._context.theme
        for area, width, most in (
            ("left", 440 if wide else 340, 0.25 if wide else 0.30),
            ("right", 700 if wide else 360, _RIGHT if wide else 0.285),
        ):
            if keys := self._keys(area):
                fitting = min(theme.space(width), round(most * self.width()))
                self.resizeDocks([self.docks[keys[0]]], [fitting], Qt.Orientation.Horizontal)
        for area in ("left", "right"):
            above, below = self._keys(area), self._keys(f"{area}-bottom")
            if above and below:
                docks = [self.docks[above[0]], self.docks[below[0]]]
                self.resizeDocks(docks, [560, 440], Qt.Orientation.Vertical)
        if (beside := self._wanted_beside(wide)) and "curves" in self.docks:
            whole = round(_RIGHT * self.width())
            curves = max(whole // (1 + len(beside)), theme.space(_CURVES))
            layers = max((whole - curves) // len(beside), theme.space(_LAYERS))
            widths = [curves, layers, whole - curves - layers][: 1 + len(beside)]
            self.resizeDocks([self.docks[key] for key in ("curves", *beside)], widths, Qt.Orientation.Horizontal)
        if keys := self._keys("bottom"):
            self.resizeDocks([self.docks[keys[0]]], [self._first_strip_height()], Qt.Orientation.Vertical)

    def _first_strip_height(self) -> int:
        theme = self._context.theme
        return theme.space(72) + theme.row(32)

    # ---- tabs ----

    def show_panel(self, key: str) -> None:
        """Bring a panel to the front and give it the focus."""
        if key in self.docks:
            self.docks[key].show()
            self.docks[key].raise_()
            self.panels[key].show()
        self.give_focus(key)

    def give_focus(self, key: str) -> None:
        """Give a panel the focus: the widget it names, or the first of its content that takes it by Tab."""
        if panel := self.panels.get(key):
            within = [widget for widget in (panel, *panel.findChildren(QWidget)) if not panel.head.isAncestorOf(widget)]
            if panel.first is not None:
                within.insert(0, panel.first)
            by_tab = (widget for widget in within if widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
            takes = (widget for widget in by_tab if widget.isVisibleTo(panel) and widget.isEnabled())
            next(takes, panel).setFocus(Qt.FocusReason.TabFocusReason)

    def focus_titled(self, title: str) -> None:
        """Give the focus to the panel whose tab has this title."""
        self.give_focus(next((key for key, dock in self.docks.items() if dock.windowTitle() == title), ""))

    def current_key(self) -> str | None:
        """The panel with the focus."""
        focus = self.focusWidget()
        return next((key for key, panel in self.panels.items() if focus is not None and holds(panel, focus)), None)

    def beside(self, step: int) -> str | None:
        """The next visible panel after (1) or before (-1) the one with the focus."""
        keys = [key for key, panel in self.panels.items() if panel.isVisible()]
        if not keys:
            return None
        current = self.current_key()
        return keys[(keys.index(current) + step) % len(keys)] if current in keys else keys[0]

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._name_tabs()

    def _name_tabs(self) -> None:
        """Tabs have names for screen readers; a panel whose tab names it does not say its name once more."""
        for key, dock in self.docks.items():
            self.panels[key].head.title.setVisible(not self.tabifiedDockWidgets(dock))
        # Those of the docks are the workspace's own; to look through all that is in the panels takes long.
        for bar in self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            style_tabs(bar, self._context.theme, self._tips, self, self.focus_titled)

    # ---- remembering ----

    def layout_text(self) -> str:
        """Where everything stands, as text."""
        return bytes(self.saveState(_VERSION).toBase64().data()).decode("ascii")

    @property
    def wide(self) -> bool | None:
        """Whether the default layout is the wide one; None where the user has made another."""
        return self._wide

    def restore_layout(self, text: str, wide: bool | None = None) -> bool:
        """Put everything where it stood; False where the text says nothing of use. ``wide``: what :attr:`wide` said then."""
        data = QByteArray.fromBase64(text.encode("ascii", "replace"))
        self._wide = None
        done = not data.isEmpty() and self.restoreState(data, _VERSION)
        self._wide = wide if done else None  # putting docks into their places counts as moving them
        return done
