"""Somebody who does anything at all at the window, and notes what goes wrong."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from tests.gui.random_user.cruelty import Cruelty
from tests.gui.random_user.hands import Hands
from tests.gui.random_user.rest import Rest
from tests.gui.random_user.surroundings import EXPECTED, Surroundings

#: Acts in a dialog after which it is closed.
PATIENCE = 12
#: Seconds of the window's own work at a stretch that are too long.
LONGEST = 1.0


class RandomUser(Hands):
    """Acts on ``window`` by chance, an act each few milliseconds, and looks whether it bears that.

    Args:
        folder: what is written goes there.
        scripts: what is opened when a script is asked for.
        cruel: whether engines are killed and halted, scripts edited on disk, settings broken, disks filled, screens changed.

    Attributes:
        faults: what went wrong: exceptions, blocks, states that contradict each other.
    """

    def __init__(self, window: Any, seed: int, folder: Path, scripts: list[Path], cruel: bool = True) -> None:
        super().__init__(window, random.Random(seed), scripts)
        self.faults: list[str] = []
        self._in_dialog = self._depth = self._waited = 0
        self.stopping = False
        self._cruelty, self.surroundings = Cruelty(window, self.random, folder), Surroundings(window, self.random)
        self._rest = Rest(window)
        self._worked = time.thread_time()
        self._acts: list[tuple[float, Callable[[], str | None]]] = [
            (30, self.step), (12, self.key), (8, self.shortcut), (25, self.click), (6, self.wheel), (8, self.button),
            (5, self.choose), (5, self.tab), (6, self.entry), (5, self.drag), (2, self.resize), (3, self.slide),
            (2, self.open), (3, self.type), (2, self.restart),
        ]  # fmt: skip
        if cruel:
            cruelty, around = self._cruelty, self.surroundings
            self._acts += [
                (0.5, cruelty.kill), (0.5, cruelty.halt), (0.5, cruelty.edit_script), (0.5, around.break_settings),
                (0.3, around.fill_disk), (0.8, around.change_screens),
            ]  # fmt: skip

    # ---- going on ----

    def start(self) -> None:
        """Begin; an act each few milliseconds, also while a dialog or a menu is open."""
        self._worked = time.thread_time()
        self._next()

    def end(self) -> None:
        """No more acts; what is open is closed, and no engine is left halted."""
        self.stopping = True
        self._cruelty.resume()
        self.surroundings.mend()
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
        if self.sending or self._depth >= 3:
            # While QTest sends an event others happen: an act among them may delete what that one is sent to. A dialog that
            # the event has opened is closed after a while, or nothing would go on.
            self._waited += 1
            top = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            if top is not None and self._waited > PATIENCE:
                self._waited = 0
                top.close()
        else:
            self._waited = 0
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

    def heard(self, text: str) -> None:
        """The program has logged a warning: a fault, unless what was done to it leaves nothing else to say."""
        full = self.surroundings.was_full and "Where the script stood is not kept. The session was not saved: " in text
        if not full and not any(words in text for words in EXPECTED):
            self.fault(text)

    def fault(self, text: str) -> None:
        """Note what is wrong."""
        self.faults.append(f"act {self.count}: {text}\n  done last: " + " | ".join(list(self.done)[-12:]))

    def act(self) -> None:
        """Do one thing."""
        self.count += 1
        top = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        self._in_dialog = self._in_dialog + 1 if top is not None else 0
        if self._in_dialog > PATIENCE and top is not None:
            self.say(f"close {type(top).__name__}")
            top.close()
            return
        if top is None and self.count % 25 == 0:
            self._check()
        in_dialog = [(5, self.key), (3, self.click), (2, self.button), (2, self.type)]
        weights, acts = zip(*(self._acts if top is None else in_dialog))
        act = self.random.choices(acts, weights)[0]
        self.say(act.__name__)
        said = act()
        if said:
            self.done.append(said)

    # ---- looking ----

    def _check(self) -> None:
        """What the window shows belongs together, when it stands still."""
        link, state = self.context.link, self.context.state
        stop = state.stop
        for text in self._rest.too_much():
            self.fault(text)
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
