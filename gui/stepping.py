"""What the step actions do: the level that "over" means, steps into an element, and steps that repeat by themselves.

Each press of a step's key is one step. One that comes before the last step has arrived waits for it, of several the newest;
once the window says that the script runs there is no step to press. A key that is held down steps again as soon as the
panels show where the last step has led, so that it is as fast as can be followed and ends when it is let go: nothing of
what it repeats meanwhile waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from gui.context import Context
from gui.state import LEVELS
from gui.timers import single_shot

#: What the level selector offers.
CHOICES = ("epoch", "batch", "line", "module", "op", "element")

#: Position of the speed slider at which "continue" does not step but runs.
FREE = 100

#: Seconds that a step by itself, or of a key that is held, waits at most until the one before is shown; milliseconds between
#: two looks.
_PATIENCE = 0.5
_LOOK = 4

#: Reasons of stops after which a walk goes on.
_STEPS = ("step", "goto", "replay")


def steps_per_second(position: int) -> float | None:
    """What a position 0 to 100 of the speed slider means: from 0.5 steps a second up; None is running freely."""
    return None if position >= FREE else round(0.5 * 80 ** (position / (FREE - 1)), 1)


class Stepping(QObject):
    """Carries out the step actions.

    Args:
        held: says whether the action was triggered by a key that is held down and repeats.

    Signals:
        walking_changed(bool): whether steps repeat by themselves.
    """

    walking_changed = pyqtSignal(bool)

    def __init__(
        self, context: Context, parent: QObject | None = None, held: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._held = held
        self._state = context.state
        self._walk: str | None = None
        self._last = ""
        self._began = self._arrived = 0.0
        self._timer = single_shot(self, 0, self._repeat)
        context.link.stopped.connect(self._stopped)
        context.link.lost.connect(self.halt)
        context.link.ended.connect(self.halt)
        context.link.closed.connect(self.halt)
        context.link.failed.connect(self.halt)

    @property
    def walking(self) -> bool:
        """Whether steps repeat by themselves."""
        return self._walk is not None

    # ---- single steps ----

    def over(self) -> None:
        """One step of the level."""
        self._step("next", granularity=self._state.level)

    def into(self) -> None:
        """One level finer; at an op into the computation of the selected element."""
        stop = self._state.stop or {}
        element = self._element() if stop.get("level") == "op" and stop.get("tensors") else None
        self._step("stepIn", **(element or {}))

    def out(self) -> None:
        """One level coarser."""
        self._step("stepOut")

    def back(self) -> None:
        """One step of the level back."""
        self._step("stepBack", granularity=self._state.level)

    def back_into(self) -> None:
        """One step back on the next finer level."""
        self._step("stepBack", granularity=self._beside(1))

    def back_out(self) -> None:
        """One step back on the next coarser level."""
        self._step("stepBack", granularity=self._beside(-1))

    def _step(self, command: str, **arguments: Any) -> None:
        if self._held() and (self._context.link.moving or not self._shown()):
            return
        self.halt()
        self._move(command, **arguments)

    def _shown(self) -> bool:
        """Whether the panels show what the last step has done; who hurries on sees nothing of it."""
        return self._context.link.quiet or time.monotonic() - self._arrived >= _PATIENCE

    # ---- running ----

    def go(self) -> None:
        """Run to the next breakpoint: at the speed of the slider, step by step or freely."""
        self._go("next", "continue")

    def go_back(self) -> None:
        """Likewise back to the breakpoint before."""
        self._go("stepBack", "reverseContinue")

    def pause(self) -> None:
        """Stop where the script is."""
        if self.walking:
            self.halt()
        else:
            self._context.link.move("pause")

    def halt(self, *_: object) -> None:
        """No further step by itself."""
        self._timer.stop()
        if self._walk is not None:
            self._walk = None
            self.walking_changed.emit(False)

    def _go(self, step: str, run: str) -> None:
        if steps_per_second(int(self._context.settings.get("speed", FREE))) is None:
            self.halt()
            self._move(run)
        elif self._state.stop is not None:
            self._walk = step
            self.walking_changed.emit(True)
            self._repeat()

    def _repeat(self) -> None:
        if self._walk is None:
            return
        if not self._shown():
            self._timer.start(_LOOK)
            return
        self._began = time.monotonic()
        self._move(self._walk, granularity=self._state.level)

    # ---- stops ----

    def _move(self, command: str, **arguments: Any) -> None:
        self._last = command
        self._context.link.move(command, **arguments)

    def _stopped(self, stop: dict[str, Any]) -> None:
        level = str(stop.get("level"))
        if (self._last in ("stepIn", "stepOut") or "element" in (level, self._state.level)) and level in CHOICES:
            # A step in or out changes the level on which one goes on; so does a panel that leads into an element.
            self._state.update(level=level)
        self._last = ""
        self._arrived = time.monotonic()
        if self._walk is None:
            return
        speed = steps_per_second(int(self._context.settings.get("speed", FREE)))
        if stop.get("reason") not in _STEPS or stop.get("found") is False:
            self.halt()
        elif speed is None:
            back = self._walk == "stepBack"
            self.halt()
            self._move("reverseContinue" if back else "continue")
        else:
            self._timer.start(max(0, round(1000 * (1 / speed - (self._arrived - self._began)))))

    def _beside(self, step: int) -> str:
        position = LEVELS.index(self._state.level) + step
        return LEVELS[min(max(position, 1), len(LEVELS) - 2)]

    def _element(self) -> dict[str, Any] | None:
        """The element that a step into the op leads to: the selected one, or the first."""
        selection, stop = self._state.selection, self._state.stop or {}
        if selection.event != stop.get("seq") or selection.name is None:
            return None
        shape = next((t["shape"] for t in stop.get("tensors") or () if t["name"] == selection.name), None)
        if shape is None or 0 in shape:
            return None
        return {"tensor": selection.name, "index": list(selection.index or (0,) * len(shape))}
