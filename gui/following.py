"""Keeps the state up to date with what the link says, and the selection with the stop."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtCore import QObject

from gui.context import Context
from gui.state import follow
from gui.timers import repeating

#: Milliseconds between two looks at the losses while the script runs.
_CURVES = 200


class Following(QObject):
    """Sets ``stop``, ``running``, ``progress``, ``runs``, ``findings``, ``graph`` and ``curves`` of the state."""

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._state = context.state
        link = context.link
        link.stopped.connect(self._stopped)
        link.resumed.connect(self._resumed)
        link.idle.connect(lambda: self._state.update(running=False))
        link.progressed.connect(lambda body: self._state.update(progress=body))
        link.diagnosed.connect(lambda body: self._state.update(findings=[*self._state.findings, body]))
        link.runs_changed.connect(self._runs_changed)
        link.closed.connect(self.clear)
        self._timer = repeating(self, _CURVES, self._ask_curves)

    def clear(self) -> None:
        """There is no script any more."""
        self._timer.stop()
        self._state.update(
            stop=None, running=False, progress={}, runs=[], graph=None, findings=[], curves={}, contributors=[],
            statistics={}, selection=type(self._state.selection)(),
        )  # fmt: skip

    def _stopped(self, stop: dict[str, Any]) -> None:
        self._timer.stop()
        self._state.update(stop=stop, running=False, selection=follow(self._state.selection, stop))
        self._context.link.ask(("state", "graph"), "graph", {}, lambda body: self._state.update(graph=body), lambda _: None)
        self._ask_curves()

    def _resumed(self) -> None:
        self._state.update(running=True)
        self._timer.start()

    def _runs_changed(self, runs: list[dict[str, Any]]) -> None:
        names = {run["name"] for run in runs}
        curves = {name: curve for name, curve in self._state.curves.items() if name in names}
        self._state.update(runs=runs, curves=curves)

    def _ask_curves(self) -> None:
        name = next((run["name"] for run in self._state.runs if run["current"]), None)
        if name is None:
            return
        known = self._state.curves.get(name)
        # The newest step known is asked for again: while it lasts its loss may still be missing.
        start = int(known["steps"][-1]) if known is not None and len(known["steps"]) else 0

        def answered(body: dict[str, Any]) -> None:
            steps, losses = body["steps"].numpy(), body["losses"].numpy()
            old = self._state.curves.get(name)
            if old is not None and start:
                kept = int(np.searchsorted(old["steps"], start))
                steps = np.concatenate([old["steps"][:kept], steps])
                losses = np.concatenate([old["losses"][:kept], losses])
            if old is None or len(steps) != len(old["steps"]) or not np.array_equal(losses, old["losses"], equal_nan=True):
                self._state.update(curves={**self._state.curves, name: {"steps": steps, "losses": losses}})

        self._context.link.ask(("state", "curves"), "curves", {"from": start}, answered, lambda _: None)
