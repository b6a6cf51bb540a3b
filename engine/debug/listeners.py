"""Those who listen beside the debugger: statistics and diagnoses, which must never disturb the script they watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine import trace
from engine.debug.replay.recorder import Recorder
from engine.function import Function
from engine.tensor import Tensor

#: Observers that :class:`Leans` keeps.
_KEPT = 8


Failed = Callable[[trace.Observer, Exception], None]


class Guarded(trace.Observer):
    """Hands calls on to ``listener``; an error there ends its listening, not the script."""

    def __init__(self, listener: trace.Observer, failed: Failed) -> None:
        self.listener, self._failed = listener, failed
        self.broken = False

    def fail(self, error: Exception) -> None:
        """The listener has raised ``error``: it is not called again."""
        self.broken = True
        self._failed(self.listener, error)

    @property
    def watches(self) -> frozenset[str]:  # type: ignore[override]
        """What the listener wants to hear of, at present."""
        return self.listener.watches

    @property
    def looks_back(self) -> bool:  # type: ignore[override]
        return self.listener.looks_back

    @property
    def can_wait(self) -> bool:  # type: ignore[override]
        return self.listener.can_wait


def guarded(listener: trace.Observer, failed: Failed) -> Guarded:
    """``listener`` with a guard; ``failed`` is called once, with the first error."""
    guard = Guarded(listener, failed)
    for name in _CALLS:
        if overrides(listener, name) and name not in ("run_forward", "run_backward", "read", "opened"):
            setattr(guard, name, _caught(guard, getattr(listener, name)))
    return guard


def _caught(guard: Guarded, call: Callable) -> Callable:
    def safely(*arguments: Any) -> None:
        if guard.broken:
            return
        try:
            call(*arguments)
        except Exception as error:
            guard.fail(error)

    return safely


class Lean(trace.Observer):
    """A recorder, and listeners that work while nothing is watched closely."""

    def __init__(self, recorder: Recorder, listeners: Sequence[Guarded]) -> None:
        self._recorder, self._listeners = recorder, listeners
        for name in _CALLS:
            if name in ("run_forward", "run_backward", "read", "opened", "before_write"):
                continue
            own = getattr(recorder, name) if overrides(recorder, name) else None
            others = [(guard, getattr(guard.listener, name)) for guard in listeners if overrides(guard, name)]
            if own is not None or others:
                setattr(self, name, _all(own, others, name != "after_forwards"))
        self._before_forward = [o.before_forward for o in listeners if overrides(o, "before_forward")]
        self._before_backward = [o.before_backward for o in listeners if overrides(o, "before_backward")]
        self._looking_back = [g.listener for g in listeners if type(g.listener).looks_back is not trace.Observer.looks_back]
        self.read, self.opened = _all(recorder.read), _all(recorder.opened)
        self.run_forward = self._run_forward if self._before_forward else recorder.run_forward
        self.run_backward = self._run_backward if self._before_backward else recorder.run_backward

    @property
    def watches(self) -> frozenset[str]:  # type: ignore[override]
        return self._recorder.watches.union(*(listener.watches for listener in self._listeners))

    @property
    def looks_back(self) -> bool:  # type: ignore[override]
        return any(listener.looks_back for listener in self._looking_back)

    @property
    def defers(self) -> bool:  # type: ignore[override]
        return self._recorder.can_wait and all(o.can_wait for o in self._listeners if "forward" in o.watches)

    @property
    def computes(self) -> bool:  # type: ignore[override]
        return self._recorder.computes

    @property
    def repeats(self) -> bool:  # type: ignore[override]
        return self._recorder.repeats

    @property
    def runs(self) -> bool:  # type: ignore[override]
        return bool(self._before_forward or self._before_backward) or self._recorder.runs

    def _run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        for call in self._before_forward:
            call(function, inputs)
        return self._recorder.run_forward(function, inputs)

    def _run_backward(self, function: Function, gradients: list[np.ndarray | None]) -> Any:
        for call in self._before_backward:
            call(function, tuple(gradients))
        return self._recorder.run_backward(function, gradients)


_CALLS = [name for name, value in vars(trace.Observer).items() if callable(value)]


def overrides(observer: trace.Observer, name: str) -> bool:
    """Whether ``observer`` does anything at the call ``name``."""
    return name in observer.__dict__ or getattr(type(observer), name) is not getattr(trace.Observer, name)


def _all(own: Callable | None, others: Sequence[tuple[Guarded, Callable]] = (), telling: bool = True) -> Callable:
    """The recorder's ``own`` method, then those of listeners; what the recorder says (it forbids a change) is said.

    ``telling``: the observer is told first of the ops that wait.
    """
    untold = trace.untold

    # The guards are looked at here: a call more for each listener would take as long as most listeners do.
    def call(*arguments: Any) -> Any:
        if telling and untold:
            trace.tell()
        answer = None if own is None else own(*arguments)
        for guard, handler in others:
            if not guard.broken:
                try:
                    handler(*arguments)
                except Exception as error:
                    guard.fail(error)
        return answer

    return call


class Leans:
    """Makes what :func:`lean` makes, and keeps the last few: making one takes as long as watching a step."""

    def __init__(self) -> None:
        self._made: dict[tuple[trace.Observer, ...], trace.Observer] = {}

    def of(self, recorder: Recorder, listeners: Sequence[Guarded]) -> trace.Observer:
        """The one for these."""
        key = (recorder, *listeners)
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= _KEPT:
                self._made.clear()
            found = self._made[key] = lean(recorder, listeners)
        return found


def lean(recorder: Recorder, listeners: Sequence[Guarded]) -> trace.Observer:
    """What to attach while nothing is watched closely: the recorder, together with those who listen."""
    return Lean(recorder, listeners) if listeners else recorder
