"""Theme and text size of the whole application."""

from __future__ import annotations

from PyQt6.QtGui import QAction, QActionGroup
from PyQt6.QtWidgets import QApplication, QMenu

from gui.context import Context
from gui.style import palette, style_sheet
from gui.theme import THEMES, Theme
from gui.timers import single_shot

#: Milliseconds in which several changes of the text size become one: each lays out the whole window.
_TOGETHER = 40

#: Text sizes that Ctrl + and Ctrl - go through.
SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class Looks:
    """Shows everything as the settings ``theme``, ``scale`` and ``motion`` say, and changes these."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._choices: QActionGroup | None = None
        self._steps = 0
        self._later = single_shot(context, _TOGETHER, self._step_on)
        self._apply(Theme(str(context.settings.get("theme", "light")), float(context.settings.get("scale", 1.0))))

    def add_themes(self, menu: QMenu) -> None:
        """The themes as a menu to choose from."""
        self._choices = QActionGroup(menu)
        for name in THEMES:
            action = QAction(name.capitalize(), self._choices)
            action.setCheckable(True)
            action.setChecked(name == self._context.theme.name)
            action.setData(name)
            action.triggered.connect(lambda _checked=False, name=name: self.set_theme(name))
            menu.addAction(action)

    def set_theme(self, name: str) -> None:
        """Light, dark or projector."""
        self._apply(Theme(name, self._context.theme.scale))
        for action in self._choices.actions() if self._choices is not None else ():
            action.setChecked(action.data() == name)

    def set_scale(self, scale: float) -> None:
        """Text size; 1.0 is 100 %."""
        self._steps = 0
        self._later.stop()
        self._apply(Theme(self._context.theme.name, scale))

    def next_theme(self) -> None:
        """The theme after the one that is shown."""
        self.set_theme(THEMES[(THEMES.index(self._context.theme.name) + 1) % len(THEMES)])

    def change_scale(self, step: int) -> None:
        """The next larger (1) or smaller (-1) text size; of several at once only the last is shown."""
        self._steps += step
        if not self._later.isActive():
            self._later.start()

    def _step_on(self) -> None:
        steps, self._steps = self._steps, 0
        scale = self._context.theme.scale
        nearest = min(range(len(SCALES)), key=lambda i: abs(SCALES[i] - scale))
        self.set_scale(SCALES[min(max(nearest + steps, 0), len(SCALES) - 1)])

    def change_motion(self) -> None:
        """Motion as the action says it."""
        self._context.settings["motion"] = self._context.action("motion").isChecked()

    def _apply(self, theme: Theme) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.setFont(theme.text_font())
        app.setPalette(palette(theme))
        app.setStyleSheet(style_sheet(theme))
        self._context.settings["theme"], self._context.settings["scale"] = theme.name, theme.scale
        self._context.set_theme(theme)
