"""The bar at the top: open, move in time, the level, the speed, the runs."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.context import Context
from gui.icons import icon_side
from gui.numbers import plural
from gui.run_choice import RunChoice
from gui.stepping import CHOICES, FREE, steps_per_second
from gui.timers import single_shot
from gui.widgets.menu import Menu

_GROUPS = (("open",), ("restart", "back", "continue", "pause", "stop"), ("over", "into", "out"))
_WORDS = {
    "open": "Open", "restart": "Restart", "back": "Back", "continue": "Continue", "pause": "Pause", "over": "Over",
    "into": "Into", "out": "Out", "compare": "Compare",
}  # fmt: skip

#: Which words are left out first where there is no room for all.
_LESS = ("pause", "restart", "compare", "back", "open", "out", "into", "over", "continue")


class Toolbar(QWidget):
    """See the module. Where there is no room it leaves out words, then labels, then goes on in a second row."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.setObjectName("toolbar")
        self.setAccessibleName("Toolbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        # Narrower than its content it says less instead of making the window wider.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._buttons: dict[str, QToolButton] = {}
        self._labels: list[QWidget] = []
        self._moves, self._steps, self._choice = (QWidget() for _ in range(3))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(8, 0, 8, 0)
        rows.setSpacing(0)
        rows.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        self._upper, self._lower = QHBoxLayout(), QHBoxLayout()
        for row in (self._upper, self._lower):
            row.setSpacing(2)
            rows.addLayout(row)
        for part in (self._moves, self._steps, self._choice):
            layout = QHBoxLayout(part)
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(2)
        for group in _GROUPS:
            for name in group:
                self._add_button(name, self._moves)
            self._add_line(self._moves)
        self._add_level()
        self._add_speed()
        self._add_runs()
        self._two_rows: bool | None = None
        self._again = single_shot(self, 0, self._fit)
        self._arrange(two_rows=False)
        self.apply_theme()
        context.theme_changed.connect(self.apply_theme)
        context.state.subscribe("level", self._show_level)
        self._show_level()

    def set_open_menus(self, recent: Callable[[QMenu], object], samples: Callable[[QMenu], object]) -> None:
        """What the arrow beside "Open" offers: functions that fill a menu."""
        menu = Menu(self)
        menu.setAccessibleName("Open recent scripts and samples")
        menu.setToolTipsVisible(True)
        for title, fill in (("Recent", recent), ("Samples", samples)):
            below = Menu(title, menu)
            menu.addMenu(below)
            below.setToolTipsVisible(True)
            below.aboutToShow.connect(lambda fill=fill, below=below: fill(below))
        for name in ("start", "attach"):
            menu.addAction(self._context.action(name))
        self._buttons["open"].setMenu(menu)
        self._buttons["open"].setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        if style := self._buttons["open"].style():
            style.polish(self._buttons["open"])  # the style sheet's room for the arrow depends on the mode
        self.apply_theme()

    def _add_button(self, name: str, part: QWidget) -> None:
        action, button = self._context.action(name), QToolButton()
        button.setDefaultAction(action)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(action.text())
        if name in _WORDS:
            button.setText(_WORDS[name])
            # The action would write its own longer text whenever it changes.
            action.changed.connect(lambda: button.setText(_WORDS[name]))
        else:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self._buttons[name] = button
        _row(part).addWidget(button)

    @property
    def last(self) -> QWidget:
        """What Tab comes to last."""
        return self._buttons["compare"]

    def _add_line(self, part: QWidget) -> None:
        line = QFrame()
        line.setFixedWidth(1)
        line.setObjectName("toolbar-line")
        _row(part).addSpacing(6)
        _row(part).addWidget(line)
        _row(part).addSpacing(6)

    def _add_label(self, text: str, buddy: QWidget, part: QWidget) -> None:
        label = QLabel(text)
        label.setObjectName("muted")
        label.setBuddy(buddy)
        self._labels.append(label)
        for widget in (label, buddy):
            _row(part).addWidget(widget)
            _row(part).addSpacing(4)

    def _add_level(self) -> None:
        self.level = QComboBox()
        self.level.addItems(CHOICES)
        self.level.setAccessibleName("Level of a step")
        self.level.setToolTip(
            "<b>Level</b> (Ctrl+[ coarser, Ctrl+] finer)<br>What one step over means: an epoch, a batch, a line of the "
            "script, a module, an op, or one multiply-add of an element"
        )
        self.level.activated.connect(lambda i: self._context.state.update(level=CHOICES[i]))
        self._add_label("level", self.level, self._steps)
        _row(self._steps).addSpacing(8)

    def _add_speed(self) -> None:
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(0, FREE)
        self.speed.setPageStep(10)
        self.speed.setAccessibleName("Speed of continue")
        self.speed.setValue(int(self._context.settings.get("speed", FREE)))
        self.speed.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.speed_text = QLabel()
        self.speed_text.setObjectName("muted")
        self.speed_text.setAccessibleName("Speed")
        self.speed.valueChanged.connect(self._speed_changed)
        self._add_label("speed", self.speed, self._steps)
        _row(self._steps).addWidget(self.speed_text)
        self._speed_changed(self.speed.value())

    def _speed_changed(self, position: int) -> None:
        self._context.settings["speed"] = position
        speed = steps_per_second(position)
        self.speed_text.setText("free" if speed is None else f"{speed:g} /s")
        meaning = "runs freely to the next breakpoint"
        if speed is not None:
            meaning = f"makes {speed:g} {plural(speed, 'step')} of the level a second"
        self.speed.setToolTip(f"<b>Speed</b> (Ctrl+Shift+, and Ctrl+Shift+.)<br>Continue {meaning}")

    def _add_runs(self) -> None:
        self.runs = RunChoice(self._context)
        self._add_label("run", self.runs, self._choice)
        self._add_button("compare", self._choice)

    def _show_level(self) -> None:
        level = self._context.state.level
        if level in CHOICES:
            self.level.setCurrentIndex(CHOICES.index(level))

    def apply_theme(self) -> None:
        """Sizes that depend on the text's."""
        theme = self._context.theme
        side = icon_side(theme.point_size())
        for button in self._buttons.values():
            button.setIconSize(QSize(side, side))
        self.speed.setFixedWidth(min(theme.space(84), 100))
        self.speed_text.setFont(theme.code_font("small"))
        self.speed_text.setFixedWidth(self.speed_text.fontMetrics().horizontalAdvance("39.9 /s") + 4)
        self._fit()
        self._again.start()  # some buttons say what they need only when the style sheet has reached them

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show the words of buttons, and the labels, where there is room for them; what is left is for the run's name."""
        self.runs.widen(0)
        for left_out in range(len(_LESS) + 1):
            self._say(set(_LESS[left_out:]), labels=True)
            if self._wanted() <= self.width():
                break
        else:
            self._say(set(), labels=False)
        fits = self._wanted() <= self.width()
        if not fits:
            self._say(set(_WORDS), labels=True)
        self._arrange(two_rows=not fits)
        for left_out in range(1, len(_LESS) + 1):
            if fits or self._moves.sizeHint().width() + 16 <= self.width():
                break
            self._say(set(_LESS[left_out:]), labels=True)
        taken = self._wanted() if fits else self._wanted() - self._moves.sizeHint().width()
        self.runs.widen(self.width() - taken)
        self.setFixedHeight(self._context.theme.row(40) * (1 if fits else 2))
        for widget in (self, self._moves, self._steps, self._choice):
            if (layout := widget.layout()) is not None:
                layout.activate()

    def _say(self, words: set[str], labels: bool) -> None:
        for name, button in self._buttons.items():
            style = Qt.ToolButtonStyle
            button.setToolButtonStyle(style.ToolButtonTextBesideIcon if name in words else style.ToolButtonIconOnly)
        for label in self._labels:
            label.setVisible(labels)

    def _wanted(self) -> int:
        """Pixels for everything in one row."""
        parts = (self._moves, self._steps, self._choice)
        for part in parts:
            _row(part).invalidate()
        return sum(part.sizeHint().width() for part in parts) + 16 + 2 * 4

    def _arrange(self, two_rows: bool) -> None:
        if two_rows == self._two_rows:
            return
        self._two_rows = two_rows
        for row in (self._upper, self._lower):
            while row.takeAt(0) is not None:
                pass
        self._upper.addWidget(self._moves)
        second = self._lower if two_rows else self._upper
        if two_rows:
            self._upper.addStretch(1)
        second.addWidget(self._steps)
        second.addStretch(1)
        second.addWidget(self._choice)


def _row(part: QWidget) -> QHBoxLayout:
    layout = part.layout()
    assert isinstance(layout, QHBoxLayout)
    return layout
