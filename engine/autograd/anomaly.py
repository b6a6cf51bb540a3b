"""Anomaly mode: which op made the first NaN, and which line of the script called it."""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from engine import trace
from engine.errors import GradientError
from engine.function import Function
from engine.tensor import Tensor

_ENGINE = str(Path(__file__).parent.parent) + os.sep


class _Watch:
    """Looks for NaN in what every op returns; hands everything on to the observer that was there before."""

    def __init__(self, inner: trace.Observer | None, check_nan: bool) -> None:
        self.inner = trace.Observer() if inner is None else inner
        self.before = inner
        self.check_nan = check_nan
        self.watches = frozenset(trace.GROUPS)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def after_forward(
        self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        """Remember the line of the script; warn of a NaN that none of the inputs had."""
        called_at = function.__dict__["called_at"] = _script_line()
        if self.check_nan and _has_nan(t._array for t in outputs) and not _has_nan(t._array for t in inputs):
            warnings.warn(
                f"{function.name} returned nan values for inputs without nan; called at {called_at}",
                stacklevel=4,
            )
        self.inner.after_forward(function, inputs, outputs)

    def after_backward(
        self,
        function: Function,
        gradients: tuple[np.ndarray | None, ...],
        input_gradients: tuple[np.ndarray | None, ...],
    ) -> None:
        """Refuse a NaN among the gradients of the inputs."""
        self.inner.after_backward(function, gradients, input_gradients)
        if not self.check_nan:
            return
        for i, gradient in enumerate(input_gradients):
            if gradient is not None and _has_nan([gradient]):
                where = function.__dict__.get("called_at")
                called = f" {function.name} was called at {where}" if where else ""
                raise GradientError(
                    f"Function '{function.name}Backward0' returned nan values in its {i}th output.{called}"
                )


def _has_nan(arrays: Any) -> bool:
    return any(a.dtype.kind == "f" and bool(np.isnan(a).any()) for a in arrays)


def _script_line() -> str:
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_ENGINE):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    path, line = frame.f_code.co_filename, frame.f_lineno
    return f'{path}:{line}: {linecache.getline(path, line).strip()}'


class set_detect_anomaly:
    """Switch anomaly mode on or off, at once and until the end of the ``with`` block.

    While it is on, an op whose backward returns NaN raises :class:`~engine.errors.GradientError`, which names the op
    and the line of the script that called it, and an op whose forward makes NaN out of none gives a warning.

    Args:
        mode: on or off.
        check_nan: whether NaN is looked for; without, only the lines are remembered.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._previous = trace.observer
        before: Any = trace.observer
        inner = before.before if isinstance(before, _Watch) else before
        watch: Any = _Watch(inner, check_nan)
        trace.set_observer(watch if mode else inner)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_exception: Any) -> None:
        trace.set_observer(self._previous)


class detect_anomaly(set_detect_anomaly):
    """Anomaly mode inside a ``with`` block; see :class:`set_detect_anomaly`."""

    def __init__(self, check_nan: bool = True) -> None:
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled "
            "for debugging.",
            stacklevel=2,
        )
        self._check_nan = check_nan

    def __enter__(self) -> None:
        super().__init__(True, self._check_nan)


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return isinstance(trace.observer, _Watch)


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode is on and looks for NaN."""
    return isinstance(trace.observer, _Watch) and trace.observer.check_nan
