"""Live pictures of a script that runs freely: asks the engine for what the visible panels show, and hands it to them."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QObject

from gui.context import Context
from gui.timers import single_shot

#: Milliseconds in which the wishes of all panels are collected.
_COLLECT = 20


class Live(QObject):
    """Sets ``snapshot`` of the state, and ``progress`` with it, and while the script runs its ``graph``; reads ``live``."""

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link, self._state = context.link, context.state
        self._number = 0
        self._sent: tuple[list[dict[str, Any]], bool] | None = None
        #: The wishes that the engine knows of: until it knows others, what comes answers these, and is nobody's.
        self._known: dict[str, list[dict[str, Any]]] | None = None
        self._collect = single_shot(self, _COLLECT, self._send)
        self._link.snapped.connect(self._snapped)
        self._state.subscribe("live", self._wishes_changed)
        self._state.subscribe("running", self._running_changed)
        #: The process that has been told last that it is looked at.
        self._told: int | None = None
        self._state.subscribe("stop", self._announce)

    def _running_changed(self) -> None:
        # Whatever process it is that runs now, it may not have been asked yet.
        self._sent = self._known = None
        if self._state.running:
            self._collect.start()
        else:
            self._collect.stop()

    def _announce(self) -> None:
        """A process stands for the first time: what it runs may be over before it is known that it runs, and of what is
        looked at it keeps the last step.
        """
        process = self._state.current_run.get("process")
        if self._state.stop is not None and process != self._told and not self._state.restoring:
            self._told = process
            self._subscribe([], True)

    def _wishes_changed(self) -> None:
        if self._state.running:
            self._collect.start()

    def _send(self) -> None:
        if not self._state.running:
            return
        views = [view for views in self._state.live.values() for view in views]
        # A panel without views yet waits for the structure.
        enabled = bool(self._state.live)
        self._known = self._state.live
        if (views, enabled) == self._sent:
            return
        self._sent = views, enabled
        self._subscribe(views, enabled)

    def _subscribe(self, views: list[dict[str, Any]], enabled: bool) -> None:
        self._number += 1
        arguments = {"subscription": self._number, "views": views, "enabled": enabled}
        self._link.ask(("live", "views"), "live", arguments, lambda _: None, lambda _: None)

    def _snapped(self, body: dict[str, Any]) -> None:
        if not self._state.running:
            return
        changes: dict[str, Any] = {"progress": body["progress"]} if "progress" in body else {}
        if body["subscription"] != self._number or self._state.live is not self._known:
            if "graph" not in body:
                self._state.update(**changes)
                return
            body = {**body, "views": {}}
        if "graph" in body:
            self._state.update(graph=body["graph"])
        self._state.update(**changes, snapshot=body)


def joined(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Two bodies of ``snapshot`` as one: the newer one, with the structure and the views that only the older one has."""
    if old["subscription"] != new["subscription"]:
        return new
    return {**old, **new, "views": {**old["views"], **new["views"]}}


def widened(old: tuple[float, float] | None, new: tuple[float, float]) -> tuple[float, float]:
    """A range that holds the new one, and comes down to it from the old one slowly: scales that move do not jump."""
    if old is None:
        return new
    return min(new[0], old[0] + _SHRINK * (new[0] - old[0])), max(new[1], old[1] + _SHRINK * (new[1] - old[1]))


#: The share of the way from the old range to the new one that a picture goes.
_SHRINK = 0.02
