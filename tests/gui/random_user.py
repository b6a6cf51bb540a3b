"""Somebody who does anything at all at the window: keys, clicks, wheels, menus, in whatever shows; and engines that die.

``python -m tests.gui.random_user --seed 3 --seconds 600`` does so for long, on copies of samples, and names what went
wrong with what was done last. What is done is the seed's; when the window is at it is the machine's, so a fault comes again
with the same seed often, not always.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
from __future__ import annotations

import argparse
import faulthandler
import gc
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PyQt6.QtGui import QAction, QDesktopServices, QKeySequence, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMenuBar,
    QSlider,
    QTabBar,
    QWidget,
)  # fmt: skip

from gui.actions import SPECS

SAMPLES = Path(__file__).parents[2] / "samples"

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
#: Acts in a dialog after which it is closed.
PATIENCE = 12
#: Seconds of the window's own work at a stretch that are too long.
LONGEST = 1.0
_MOUSE = (Qt.MouseButton.LeftButton,) * 6 + (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton)
_NONE = Qt.KeyboardModifier.NoModifier


class RandomUser:
    """Acts on ``window`` by chance.

    Args:
        folder: what is written goes there.
        scripts: what is opened when a script is asked for.
        cruel: whether engines are killed and halted, and scripts edited on disk.

    Attributes:
        faults: what went wrong: exceptions, blocks, states that contradict each other.
        done: what was done last.
    """

    def __init__(self, window: Any, seed: int, folder: Path, scripts: list[Path], cruel: bool = True) -> None:
        self.window, self.context, self.random = window, window.context, random.Random(seed)
        self.folder, self.scripts, self.cruel = folder, scripts, cruel
        self.faults: list[str] = []
        self.done: deque[str] = deque(maxlen=60)
        self.count = self._in_dialog = self._depth = 0
        self.stopping = False
        self._went = 0
        self._halted: list[int] = []
        self._worked = time.thread_time()
        self._acts: list[tuple[float, Callable[[], str | None]]] = [
            (30, self.step), (12, self.key), (8, self.shortcut), (25, self.click), (6, self.wheel), (8, self.button),
            (5, self.choose), (5, self.tab), (6, self.entry), (5, self.drag), (2, self.resize), (3, self.slide),
            (2, self.open), (3, self.type), (2, self.restart),
        ]  # fmt: skip
        if cruel:
            self._acts += [(0.5, self.kill), (0.5, self.halt), (0.5, self.edit_script)]

    # ---- going on ----

    def start(self) -> None:
        """Begin; an act each few milliseconds, also while a dialog or a menu is open."""
        self._worked = time.thread_time()
        self._next()

    def end(self) -> None:
        """No more acts; what is open is closed, and no engine is left halted."""
        self.stopping = True
        self._resume()
        for _ in range(20):
            top = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            if top is None:
                break
            top.close()
            QApplication.processEvents()

    def _tick(self) -> None:
        if self.stopping:
            return
        self._clock("")
        self._next()  # first: an act that opens a dialog returns when that is closed
        if self._depth >= 3:
            if top := QApplication.activePopupWidget() or QApplication.activeModalWidget():
                top.close()
        else:
            self._depth += 1
            try:
                self.act()
            except Exception:
                self.fault(f"the random user itself: {traceback.format_exc()}")
            finally:
                self._depth -= 1
        self._clock(" at this act")

    def _next(self) -> None:
        # A timer of its own each time: one that is at work does not fire in the event loop of a dialog.
        QTimer.singleShot(self.random.choice((0, 0, 5, 10, 30, 80)), self._tick)

    def _clock(self, when: str) -> None:
        """Whether the window has worked for too long since the last look: processor time, for the machine may be busy."""
        worked = time.thread_time()
        if worked - self._worked > LONGEST:
            self.fault(f"the window worked for {worked - self._worked:.2f} s at a stretch{when}")
        self._worked = worked

    def fault(self, text: str) -> None:
        """Note what is wrong."""
        self.faults.append(f"act {self.count}: {text}\n  done last: " + " | ".join(list(self.done)[-12:]))

    def act(self) -> None:
        """Do one thing."""
        self.count += 1
        top = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        self._in_dialog = self._in_dialog + 1 if top is not None else 0
        if self._in_dialog > PATIENCE and top is not None:
            self._say(f"close {type(top).__name__}")
            top.close()
            return
        if top is None and self.count % 25 == 0:
            self._check()
        in_dialog = [(5, self.key), (3, self.click), (2, self.button), (2, self.type)]
        weights, acts = zip(*(self._acts if top is None else in_dialog))
        act = self.random.choices(acts, weights)[0]
        self._say(act.__name__)
        said = act()
        if said:
            self.done.append(said)

    def _say(self, what: str) -> None:
        self.done.append(what)

    # ---- acts ----

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
        self._say(f"type {text!r} into {_name(field)}")
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
        self._say(f"{'double ' if twice else ''}{button.name} at {place.x()}, {place.y()} of {_name(widget)}")
        QTest.mouseMove(handle, spot)
        if not sip.isdeleted(handle):
            QTest.mousePress(handle, button, _NONE, spot)
        if twice and not sip.isdeleted(handle):
            QTest.mouseDClick(handle, button, _NONE, spot)
        elif not sip.isdeleted(handle):
            QTest.mouseRelease(handle, button, _NONE, spot)
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
        self._say(f"drag in {_name(widget)}")
        QTest.mousePress(handle, Qt.MouseButton.LeftButton, _NONE, spot)
        for part in (0.3, 0.7, 1.0):
            if not sip.isdeleted(handle):
                QTest.mouseMove(handle, spot + (end - spot) * part)
        if not sip.isdeleted(handle):
            QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, _NONE, end)
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
        self._say(f"button {_name(button)}")
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
        self._say(f"menu {action.text()!r}")
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

    # ---- cruelties ----

    def kill(self) -> str | None:
        """Kill an engine process."""
        return self._signal(self.random.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT)))

    def halt(self) -> str | None:
        """Halt an engine process; it goes on, or is killed, some acts later."""
        said = self._signal(signal.SIGSTOP)
        QTimer.singleShot(self.random.choice((100, 800, 3000)), self._resume)
        return said

    def edit_script(self) -> str | None:
        """Edit the script on disk, take it away, or put it back."""
        program = self.context.state.program
        if program is None or not Path(program).is_relative_to(self.folder):
            return None
        path, how = Path(program), self.random.choice(("line", "gone", "back", "nonsense"))
        if how == "gone":
            path.unlink(missing_ok=True)
        elif how == "back" or not path.exists():
            shutil.copy(SAMPLES / path.name, path)
        else:
            added = "\n# edited\n" if how == "line" else "\ndef (\n"
            path.write_text(path.read_text() + added)
        return f"script on disk: {how}"

    def _signal(self, number: int) -> str | None:
        session = self.context.link._session
        pid = None if session is None or not session.runs else self.random.choice(session.runs).client.pid
        if pid is None:
            return None
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return None
        if number == signal.SIGSTOP:
            self._halted.append(pid)
        return f"signal {signal.Signals(number).name} to {pid}"

    def _resume(self) -> None:
        while self._halted:
            try:
                os.kill(self._halted.pop(), signal.SIGCONT)
            except ProcessLookupError:
                continue

    # ---- looking ----

    def _check(self) -> None:
        """What the window shows belongs together, when it stands still."""
        link, state = self.context.link, self.context.state
        stop = state.stop
        if not link.quiet or state.running or stop is None or state.restoring or link._stop is None:
            return
        if stop.get("seq") != link._stop.get("seq"):
            self.fault(f"the state is at event {stop.get('seq')}, the link at {link._stop.get('seq')}")
        workspace = self.window.workspace
        for panel in workspace.panels.values() if workspace is not None else ():
            if panel.isVisible() and panel._due:
                self.fault(f"{panel.title} has not shown {panel._due}")
            said = panel.head.subject.text()
            if panel.key == "timeline" and said.startswith("event ") and panel.isVisible():
                number = int(said.split()[1].replace(",", ""))
                if number != stop.get("seq"):
                    self.fault(f"the timeline says {said!r}, the script stands at event {stop.get('seq')}")

    def _press(self, keys: str) -> str:
        combination = QKeySequence(keys)[0]
        self._say(f"key {keys}")
        self._strike(combination.key(), combination.keyboardModifiers())
        return ""

    def _strike(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
        """A key down and up; not up where what it was pressed in is gone."""
        handle = self._handle()
        if handle is None or not handle.isVisible():
            return
        QTest.keyPress(handle, key, modifiers)  # type: ignore[call-overload]
        if not sip.isdeleted(handle):
            QTest.keyRelease(handle, key, modifiers)  # type: ignore[call-overload]

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


def answer_files(folder: Path, chance: random.Random, set_attribute: Callable[[Any, str, Any], object] = setattr) -> None:
    """Dialogs of the system are answered at once: with a file of ``folder``, or not at all."""
    def save(_parent: Any, _title: str, suggestion: str = "", *_more: Any) -> tuple[str, str]:
        return (str(folder / Path(suggestion or "x").name) if chance.random() < 0.7 else "", "")

    def read(*_arguments: Any) -> tuple[str, str]:
        found = sorted([*folder.glob("*.py"), *folder.glob("*.nablascope")])
        return (str(chance.choice(found)) if found and chance.random() < 0.7 else "", "")

    set_attribute(QFileDialog, "getSaveFileName", staticmethod(save))
    set_attribute(QFileDialog, "getOpenFileName", staticmethod(read))
    set_attribute(QDesktopServices, "openUrl", staticmethod(lambda _url: True))


class Ear(logging.Handler):
    """Hears what the program logs as a warning or worse."""

    def __init__(self, hear: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(f"{record.name}: {record.getMessage()}" + (
            "\n" + "".join(traceback.format_exception(*record.exc_info)) if record.exc_info and record.exc_info[0] else ""
        ))


def copies(folder: Path, names: list[str]) -> list[Path]:
    """Scripts of the samples, copied so that they can be edited."""
    (folder / "data").symlink_to(SAMPLES / "data") if not (folder / "data").exists() else None
    return [Path(shutil.copy(SAMPLES / f"{name}.py", folder / f"{name}.py")) for name in names]


def main() -> int:
    """Act for long, and say what went wrong."""
    from gui import watchdog
    from gui.app import collect_garbage, make_window, set_up
    from gui.settings import Settings
    from tests.gui.console import silent_qt

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--gentle", action="store_true", help="no engine is killed, no script edited")
    parser.add_argument("--samples", nargs="*", default=["two_points", "digits_mlp", "fashion_cnn", "xor"])
    options = parser.parse_args()
    faulthandler.enable()
    set_up()
    app = QApplication(sys.argv[:1])
    folder = Path(tempfile.mkdtemp(prefix="random-user-"))
    os.chdir(folder)
    watchdog.PATIENCE, watchdog.START = 1.5, 20.0
    scripts = copies(folder, options.samples)
    gc.disable()
    code = 0
    try:
        with silent_qt() as qt_said:
            window = make_window(Settings(folder / "settings.json"))
            collect_garbage(window)
            window.errors.install()
            window.resize(1280, 800)
            window.show()
            user = RandomUser(window, options.seed, folder, scripts, not options.gentle)
            answer_files(folder, user.random)
            logging.getLogger().addHandler(Ear(user.fault))
            window.open(str(scripts[options.seed % len(scripts)]))
            user.start()
            began, told, stops = time.monotonic(), 0, 0

            def stopped(_stop: object) -> None:
                nonlocal stops
                stops += 1

            window.context.link.stopped.connect(stopped)

            def look() -> None:
                nonlocal told
                for text in qt_said:
                    user.fault(f"Qt says: {text}")
                qt_said.clear()
                for fault in user.faults[told:]:
                    print(f"--- {time.monotonic() - began:.1f} s, {fault}", flush=True)
                told = len(user.faults)
                if time.monotonic() - began > options.seconds or not window.isVisible():
                    user.stopping = True
                    app.exit()

            looking = QTimer()
            looking.timeout.connect(look)
            looking.start(200)
            app.exec()
            if not window.isVisible():
                print("--- the window has been closed", list(user.done)[-8:])
            user.end()
            print(f"{stops} stops, {user.count} acts, {len(user.faults)} faults", flush=True)
            window.close()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            user.faults += [f"Qt says: {text}" for text in qt_said]
            qt_said.clear()
            for fault in user.faults[told:]:
                print(f"--- at the end: {fault}", flush=True)
            code = bool(user.faults)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
