"""What somebody can do at the window: keys, clicks, wheels, menus, in whatever shows; chosen by chance."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QAction, QKeySequence, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QMenuBar,
    QSlider,
    QTabBar,
    QWidget,
)  # fmt: skip

from gui.actions import SPECS

#: Keys that belong to what has the focus.
KEYS = (
    "Return", "Esc", "Tab", "Shift+Tab", "Space", "Up", "Down", "Left", "Right", "Home", "End", "PgUp", "PgDown", "Del",
    "F2",
    "+", "-", "0", "7", ".", "x", "Ctrl+Left", "Ctrl+Right", "Ctrl+A", "Ctrl+C", "Backspace", "Menu", "Shift+Return",
)  # fmt: skip
#: Actions that are not chosen: the window is to stay, and its frame as it is.
LEFT_OUT = ("quit", "full_screen")
TEXTS = ("0", "-1.5", "nan", "x", "loss", "epoch > 1", "(", "1e30", "a" * 60, ":, 0", "step", "[0]")
STEPS = ("F10", "F10", "F10", "F11", "Shift+F11", "Alt+F10", "Alt+F11", "F5", "F6", "Alt+F5")
#: What leaves the script that is open, and acts between two of that kind.
FAR = ("Restart", "Close", "Stop", "Start page", "Attach", "Open", "Recent", "restart", "Quit", "Clear", "samples")
APART = 150
_MOUSE = (Qt.MouseButton.LeftButton,) * 6 + (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton)
_NONE = Qt.KeyboardModifier.NoModifier


class Hands:
    """Acts on ``window``.

    Args:
        chance: decides.
        scripts: what is opened when a script is asked for.

    Attributes:
        count: acts so far. done: what was done last.
        sending: whether an event is on its way to a window.
    """

    def __init__(self, window: Any, chance: random.Random, scripts: list[Path]) -> None:
        self.window, self.context, self.random, self.scripts = window, window.context, chance, scripts
        self.done: deque[str] = deque(maxlen=60)
        self.count = 0
        self.sending = False
        self._went = 0

    def say(self, what: str) -> None:
        """Note what is done."""
        self.done.append(what)

    def step(self) -> str:
        """A key of a step."""
        return self._press(self.random.choice(STEPS))

    def key(self) -> str:
        """A key for what has the focus."""
        return self._press(self.random.choice(KEYS))

    def shortcut(self) -> str | None:
        """An action by its key."""
        name = self.random.choice([name for name, spec in SPECS.items() if spec.keys and name not in LEFT_OUT])
        if self._is_far(SPECS[name].text):
            return None
        return self._press(SPECS[name].keys[0])

    def _is_far(self, text: str) -> bool:
        """Whether it leaves what is open, and it is too early for that: what needs a script would hardly be reached."""
        if not any(word in text.replace("&", "") for word in FAR):
            return False
        if self.count - self._went < APART:
            return True
        self._went = self.count
        return False

    def type(self) -> str | None:
        """A text into a field."""
        field = QApplication.focusWidget()
        if not isinstance(field, (QLineEdit, QComboBox)):
            field = self._any(QLineEdit)
            if field is None:
                return None
            field.setFocus()
        text = self.random.choice(TEXTS)
        self.say(f"type {text!r} into {_name(field)}")
        for letter in text:
            # To the window, as a keyboard does: the field may be gone by now.
            self._strike(Qt.Key(ord(letter.upper())), _NONE)
        return None

    def click(self) -> str | None:
        """A click somewhere: once, twice, with the right button."""
        target = self._somewhere()
        if target is None:
            return None
        widget, place = target
        button, twice = self.random.choice(_MOUSE), self.random.random() < 0.25
        handle, spot = _on_screen(widget, place)
        if handle is None:
            return None
        self.say(f"{'double ' if twice else ''}{button.name} at {place.x()}, {place.y()} of {_name(widget)}")
        self._send(QTest.mouseMove, handle, spot)
        self._send(QTest.mousePress, handle, button, _NONE, spot)
        self._send(QTest.mouseDClick if twice else QTest.mouseRelease, handle, button, _NONE, spot)
        return None

    def drag(self) -> str | None:
        """From somewhere to elsewhere in the same widget."""
        target = self._somewhere()
        if target is None:
            return None
        widget, place = target
        handle, spot = _on_screen(widget, place)
        if handle is None:
            return None
        end = spot + QPoint(self.random.randint(-150, 150), self.random.randint(-100, 100))
        end = QPoint(min(max(end.x(), 0), handle.width() - 1), min(max(end.y(), 0), handle.height() - 1))
        self.say(f"drag in {_name(widget)}")
        self._send(QTest.mousePress, handle, Qt.MouseButton.LeftButton, _NONE, spot)
        for part in (0.3, 0.7, 1.0):
            self._send(QTest.mouseMove, handle, spot + (end - spot) * part)
        self._send(QTest.mouseRelease, handle, Qt.MouseButton.LeftButton, _NONE, end)
        return None

    def wheel(self) -> str | None:
        """The wheel, plain or with Ctrl."""
        target = self._somewhere()
        if target is None:
            return None
        widget, place = target
        modifiers = self.random.choice((_NONE, _NONE, Qt.KeyboardModifier.ControlModifier))
        turn = QPoint(0, self.random.choice((-120, 120, -360)))
        where = QPointF(place)
        event = QWheelEvent(where, widget.mapToGlobal(where), QPoint(), turn, Qt.MouseButton.NoButton, modifiers,
                            Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
        QApplication.sendEvent(widget, event)
        return f"wheel over {_name(widget)}"

    def button(self) -> str | None:
        """A button that can be pressed."""
        button = self._any(QAbstractButton)
        if button is None or not button.isEnabled() or self._is_far(f"{button.text()} {button.toolTip()}"):
            return None
        self.say(f"button {_name(button)}")
        button.click()
        return None

    def choose(self) -> str | None:
        """Another entry of a list."""
        box = self._any(QComboBox)
        if box is None or not box.isEnabled() or not box.count():
            return None
        row = self.random.randrange(box.count())
        box.setCurrentIndex(row)
        box.activated.emit(row)
        return f"choose {row} of {_name(box)}"

    def slide(self) -> str | None:
        """A slider to another place."""
        slider = self._any(QSlider)
        if slider is not None:
            slider.setValue(self.random.randint(slider.minimum(), slider.maximum()))
        return None

    def tab(self) -> str | None:
        """Another tab."""
        bar = self._any(QTabBar)
        if bar is not None and bar.count():
            bar.setCurrentIndex(self.random.randrange(bar.count()))
        return None

    def entry(self) -> str | None:
        """An entry of a menu of the window."""
        bars = self.window.findChildren(QMenuBar)
        actions = [action for bar in bars for action in _entries(bar.actions())]
        names = {id(self.context.action(name)) for name in LEFT_OUT}
        actions = [one for one in actions if one.isEnabled() and id(one) not in names and "quit" not in one.text().lower()]
        if not actions:
            return None
        action = self.random.choice(actions)
        if self._is_far(action.text()):
            return None
        self.say(f"menu {action.text()!r}")
        action.trigger()
        return None

    def resize(self) -> str:
        """Another size of the window."""
        size = self.random.choice(((1280, 800), (1920, 1080), (900, 600), (1100, 1000)))
        self.window.resize(*size)
        return f"resize {size}"

    def open(self) -> str | None:
        """Open a script."""
        if self._is_far("Open"):
            return None
        script = self.random.choice(self.scripts)
        self.window.open(str(script))
        return f"open {script.name}"

    def restart(self) -> str | None:
        """Begin anew, where a script is open; else open one."""
        if self.context.state.program is None:
            return self.open()
        return None if self._is_far("Restart") else self._press("Ctrl+Shift+F5")

    # ---- how ----

    def _press(self, keys: str) -> str:
        combination = QKeySequence(keys)[0]
        self.say(f"key {keys}")
        self._strike(combination.key(), combination.keyboardModifiers())
        return ""

    def _strike(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
        """A key down and up; not up where what it was pressed in is gone."""
        handle = self._handle()
        if handle is None or not handle.isVisible():
            return
        self._send(QTest.keyPress, handle, key, modifiers)
        self._send(QTest.keyRelease, handle, key, modifiers)

    def _send(self, event: Callable[..., object], handle: Any, *arguments: Any) -> None:
        """An event to a window, where it is not gone."""
        if sip.isdeleted(handle) or not handle.isVisible():
            return
        self.sending = True
        try:
            event(handle, *arguments)
        finally:
            self.sending = False

    def _handle(self) -> Any:
        return (QApplication.activePopupWidget() or QApplication.activeModalWidget() or self.window).windowHandle()

    def _any(self, kind: type[QWidget]) -> Any:
        top = QApplication.activePopupWidget() or QApplication.activeModalWidget() or self.window
        found = [widget for widget in top.findChildren(kind) if widget.isVisible() and not widget.visibleRegion().isEmpty()]
        return self.random.choice(found) if found else None

    def _somewhere(self) -> tuple[QWidget, QPoint] | None:
        top = QApplication.activePopupWidget() or QApplication.activeModalWidget() or self.window
        spot = QPoint(self.random.randrange(max(1, top.width())), self.random.randrange(max(1, top.height())))
        widget = top.childAt(spot) or top
        if isinstance(widget, QMenuBar) or _closes(widget):
            return None
        return widget, widget.mapFrom(top, spot)


def _closes(widget: QWidget) -> bool:
    return isinstance(widget, QMenu) and not widget.isVisible()


def _entries(actions: list[QAction]) -> list[QAction]:
    found = []
    for action in actions:
        menu = action.menu()
        found += _entries(menu.actions()) if menu is not None else [] if action.isSeparator() else [action]
    return found


def _on_screen(widget: QWidget, place: QPoint) -> tuple[Any, QPoint]:
    top = widget.window()
    return (None, place) if top is None or sip.isdeleted(top) else (top.windowHandle(), widget.mapTo(top, place))


def _name(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return f"{type(widget).__name__} {widget.accessibleName() or text!r}"
