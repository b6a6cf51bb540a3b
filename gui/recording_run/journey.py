"""A journey through a run: from stop to stop, a picture at each, and back to where it began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from PyQt6.QtCore import QObject, pyqtSignal

from gui.context import Context
from gui.timers import repeating

#: Milliseconds between two looks whether the window shows a stop completely.
_LOOK = 20
#: Looks in a row that must find nothing under way.
_CALM = 3
#: Looks after which a picture is taken all the same.
_PATIENCE = 300

#: Reasons of stops after which there is nothing to step to.
_OVER = ("end", "exited", "exception", "lost")


class Route(NamedTuple):
    """Which stops: ``count`` of them from here on, or those from the end of step ``first`` to that of step ``last``.

    Attributes:
        level: "step" (the end of every optimizer step), "batch" or "op".
    """

    level: str
    count: int = 0
    first: int = 0
    last: int = 0


class Journey(QObject):
    """Moves along a route and calls ``take()`` at each stop, once everything has been drawn.

    Args:
        take: takes a picture; False where it cannot be taken yet.

    Signals:
        moved(done, total): so many pictures are taken; total is 0 where nobody knows how many there will be.
        arrived(problem): all are taken, or why there are no more; the way back has not begun yet.
        returned(): it stands where it began.
    """

    moved = pyqtSignal(int, int)
    arrived = pyqtSignal(str)
    returned = pyqtSignal()

    def __init__(self, context: Context, route: Route, take: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context, self._route, self._take = context, route, take
        self._link, self._state = context.link, context.state
        self._start = dict(self._state.stop or {})
        self._selected = self._state.selection, self._state.current_run.get("process")
        self._motion = context.settings.get("motion", True)
        self._taken = 0
        self._looks = self._calm = 0
        self._phase = "going"
        self._end: list[int] | None = None
        self._problem = ""
        self._timer = repeating(self, _LOOK, self._look)
        self._link.failed.connect(self._failed)
        self._link.lost.connect(self._lost)
        self._link.ended.connect(self._ended)

    # ---- the way there ----

    def begin(self) -> None:
        """Set off."""
        # Values that flow along the edges would be in one picture and not in the next.
        self._context.settings["motion"] = False
        if self._route.count:
            self._timer.start()
            return
        self._locate(self._route.last, self._known_end)

    def stop(self) -> None:
        """Take no more pictures, and go back."""
        if self._phase == "going":
            self._arrive("")

    def abandon(self) -> None:
        """Stop where it is; for when the window closes."""
        if self._phase != "home":
            self._finish(abandoned=True)

    def _locate(self, step: int, then: Callable[[list[int]], object]) -> None:
        def found(body: dict[str, Any]) -> None:
            if body.get("position") is None:
                self._arrive(f"The run has not come to the end of step {step}.")
            else:
                then(list(body["position"]))

        self._link.ask(("recording", "locate"), "locate", {"step": step}, found, self._arrive)

    def _known_end(self, position: list[int]) -> None:
        self._end = position
        self._locate(self._route.first, self._travel)

    def _travel(self, position: list[int]) -> None:
        if self._phase != "going":
            return
        if position != (self._state.stop or {}).get("position"):
            self._link.move("goto", position=position)
        self._timer.start()

    # ---- stops ----

    def _look(self) -> None:
        """Whether the window shows the stop, with all that was asked for."""
        if self._link.moving:
            self._calm = 0
            return
        self._looks += 1
        self._calm = self._calm + 1 if self._link.quiet else 0
        if self._calm < _CALM and self._looks < _PATIENCE:
            return
        if self._phase == "returning":
            self._finish()
        elif self._problem:
            self._arrive(self._problem)
        elif self._take():
            self._taken += 1
            self.moved.emit(self._taken, self._total())
            self._go_on()

    def _go_on(self) -> None:
        self._looks = self._calm = 0
        stop, route = self._state.stop or {}, self._route
        here: list[int] = list(stop.get("position") or ())
        if (route.count and self._taken >= route.count) or (self._end is not None and here >= self._end):
            self._arrive("")
        elif stop.get("reason") in _OVER or stop.get("kind") == "end":
            self._arrive("The script has ended there.")
        elif route.level != "step":
            self._link.move("next", granularity=route.level)
        elif self._end is not None:
            self._locate(int(stop.get("step", 0)) + 1, self._travel)
            self._timer.stop()
        else:
            self._next_step(int(stop.get("step", 0)) + 1)

    def _next_step(self, step: int) -> None:
        """To the end of a step: in the past where it has been done already."""

        def found(body: dict[str, Any]) -> None:
            if self._phase != "going":
                return
            if body.get("position") is not None:
                self._link.move("goto", position=list(body["position"]))
            else:
                self._link.move("runTo", step=step)
            self._timer.start()

        self._timer.stop()
        self._link.ask(("recording", "locate"), "locate", {"step": step}, found, self._arrive)

    def _total(self) -> int:
        route = self._route
        if route.count:
            return route.count
        return route.last - route.first + 1 if route.level == "step" else 0

    # ---- the way back ----

    def _failed(self, problem: str) -> None:
        if self._phase == "going":
            self._problem = problem
            self._timer.start()

    def _lost(self, why: str) -> None:
        self._failed(f"There the engine process was lost: {why}.")

    def _ended(self, _stop: dict[str, Any]) -> None:
        self._failed("There the process came to its end.")

    def _arrive(self, problem: str) -> None:
        if self._phase != "going":
            return
        self._phase = "returning"
        self._looks = self._calm = 0
        self.arrived.emit(problem)
        here, stop = self._start.get("position"), self._state.stop or {}
        if here is not None and stop.get("position") != here and stop.get("reason") != "lost":
            self._link.move("goto", position=here)
        self._timer.start()

    def _finish(self, abandoned: bool = False) -> None:
        self._timer.stop()
        self._phase = "home"
        self._context.settings["motion"] = self._motion
        self._link.failed.disconnect(self._failed)
        self._link.lost.disconnect(self._lost)
        self._link.ended.disconnect(self._ended)
        if not abandoned:
            self._select_again()
            self.returned.emit()

    def _select_again(self) -> None:
        """What was selected at the beginning; its event may have another number in the process that stands there now."""
        selection, process = self._selected
        stop = self._state.stop or {}
        if stop.get("position") != self._start.get("position"):
            return
        if selection.event is not None and process != self._state.current_run.get("process"):
            if selection.event != self._start.get("seq"):
                return
            selection = replace(selection, event=stop.get("seq"))
        self._state.update(selection=selection)
