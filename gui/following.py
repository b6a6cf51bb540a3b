"""Keeps the state up to date with what the link says, and the selection with the stop."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from PyQt6.QtCore import QObject

from gui.context import Context
from gui.curve_data import joined, measures_equal
from gui.live import Live
from gui.state import follow
from gui.steps import begins
from gui.timers import repeating

#: Milliseconds between two looks at the losses while the script runs; and where a look has added less than this share of
#: what is known: each takes time of the script's thread, and has all curves drawn.
_CURVES, _SELDOM, _LITTLE = 500, 1000, 1 / 20
#: What a stop has of a report on progress.
_PROGRESS = ("step", "epoch", "batch", "device", "threads", "seed", "historyBytes", "historyBudget")
#: Graphs of the past that are kept, so that going along the timeline again needs no asking.
_GRAPHS = 256


class Following(QObject):
    """Sets ``stop``, ``running``, ``progress``, ``runs``, ``findings``, ``graph`` and ``curves`` of the state; with the
    help of :class:`gui.live.Live` also ``snapshot``.
    """

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._state = context.state
        self._live = Live(context, self)
        link = context.link
        link.stopped.connect(self._stopped)
        link.resumed.connect(self._resumed)
        link.idle.connect(lambda: self._state.update(running=False))
        link.progressed.connect(lambda body: self._state.update(progress=body))
        link.diagnosed.connect(lambda body: self._state.update(findings=[*self._state.findings, body]))
        link.runs_changed.connect(self._runs_changed)
        link.closed.connect(self.clear)
        self._graphs: deque[tuple[int | None, int, int, dict[str, Any]]] = deque(maxlen=_GRAPHS)
        self._unasked = False
        self._state.subscribe("stop", self._ask_graph_once, first=True)
        self._timer = repeating(self, _CURVES, self._ask_curves)

    def clear(self) -> None:
        """There is no script any more."""
        self._timer.stop()
        self._state.update(
            stop=None, running=False, progress={}, snapshot=None, runs=[], graph=None, findings=[], curves={}, measures={},
            graph_due=False, contributors=[], statistics={}, selection=type(self._state.selection)(), restoring=False,
            kept_findings=[],
        )  # fmt: skip

    def _stopped(self, stop: dict[str, Any]) -> None:
        self._timer.stop()
        runs = self._context.link.runs
        if runs is not None and not _only_moved(self._state.runs, runs):
            self._runs_changed(runs)
        if begins(stop):
            # The run begins anew: what is known of it under this number is of the one before.
            number = self._current
            self._state.update(
                kept_findings=[], snapshot=None,
                curves={key: value for key, value in self._state.curves.items() if key != number},
                measures={key: value for key, value in self._state.measures.items() if key != number},
            )  # fmt: skip
        here = self._past(stop)
        known = self._known_graph(*here) if here is not None else None
        changes: dict[str, Any] = {"stop": stop, "running": False, "selection": follow(self._state.selection, stop)}
        # The next move goes on from here: what was reported on the way to another place, or by another process, is over.
        changes["progress"] = {name: stop[name] for name in _PROGRESS if name in stop}
        if known is not None:
            self._context.link.forget(("state", "graph"))
            changes["graph"] = known
        if runs is not None:
            changes["runs"] = runs  # with the stop: else many would show themselves twice
        self._unasked = known is None
        self._state.update(**changes, graph_due=known is None and here is not None)
        self._ask_graph_once()
        if here is None or self._current not in self._state.curves:
            self._ask_curves()

    def _ask_graph_once(self) -> None:
        """Ask for the graph of a new stop before any panel shows it: then it is there when they have."""
        if self._unasked:
            self._unasked = False
            self._ask_graph(self._past(self._state.stop or {}))

    def _past(self, stop: dict[str, Any]) -> tuple[int | None, int] | None:
        """Run and event where only the cursor stands: what is recorded there does not change any more."""
        if stop.get("live", True) or stop.get("revision") or stop.get("seq") is None:
            self._graphs.clear()  # the events may be those of another process
            return None
        return self._current, stop["seq"]

    def _known_graph(self, run: int | None, seq: int) -> dict[str, Any] | None:
        return next((body for of, first, last, body in self._graphs if of == run and first <= seq <= last), None)

    def _ask_graph(self, here: tuple[int | None, int] | None) -> None:
        def answered(body: dict[str, Any]) -> None:
            if here is not None:
                self._graphs.append((here[0], *body.get("holds", (here[1], here[1])), body))
            self._state.update(graph=body, graph_due=False)

        # Of the past by its number: the cursor may have gone on when the engine answers.
        arguments = {} if here is None else {"event": here[1]}
        refused = lambda _: self._state.update(graph_due=False)  # noqa: E731
        self._context.link.ask(("state", "graph"), "graph", arguments, answered, refused)

    def _resumed(self) -> None:
        self._state.update(running=True)
        self._timer.start()

    def _runs_changed(self, runs: list[dict[str, Any]]) -> None:
        numbers = {run["number"] for run in runs}
        curves = {number: curve for number, curve in self._state.curves.items() if number in numbers}
        measures = {number: measured for number, measured in self._state.measures.items() if number in numbers}
        self._state.update(runs=runs, curves=curves, measures=measures)

    @property
    def _current(self) -> int | None:
        return self._state.current_run.get("number")

    def _ask_curves(self) -> None:
        number = self._current
        if number is None:
            return
        known, measured = self._state.curves.get(number), self._state.measures.get(number)
        # The newest step known is asked for again: while it lasts its loss may still be missing.
        start = int(known["steps"][-1]) if known is not None and len(known["steps"]) else 0

        def answered(body: dict[str, Any]) -> None:
            if known is not None and start and body.get("total", len(known["steps"])) < len(known["steps"]):
                # The run was begun anew: what is known is of the one before.
                forgotten = {key: value for key, value in self._state.curves.items() if key != number}
                self._state.update(curves=forgotten)
                self._ask_curves()
                return
            curve, measures = joined(known, measured, body, start)
            added = len(curve["steps"]) - (0 if known is None else len(known["steps"]))
            if (wait := _SELDOM if added < _LITTLE * len(curve["steps"]) else _CURVES) != self._timer.interval():
                self._timer.setInterval(wait)
            if known is None or not measures_equal(measured, measures) or not _equal(known, curve):
                self._state.update(
                    curves={**self._state.curves, number: curve}, measures={**self._state.measures, number: measures}
                )

        self._context.link.ask(("state", "curves"), "curves", {"step": start}, answered, lambda _: None)


def _only_moved(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> bool:
    """Whether two lists of runs differ at most in where the runs stand."""
    return len(old) == len(new) and all({**a, "position": b["position"]} == b for a, b in zip(old, new))


def _equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return len(a["steps"]) == len(b["steps"]) and np.array_equal(a["losses"], b["losses"], equal_nan=True)
