"""Statistics of every parameter, activation and gradient of a training step, cheap enough for every step.

While a step runs only references are kept: ops never write their inputs, so the arrays stay what they were. When the
optimizer's step ends, one launch of a kernel for every 16 tensors reads them all
(:func:`engine.kernels.cpu.statistics.summarize`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine import trace
from engine.debug.statistics_history import History, Record, as_dict
from engine.debug.statistics_layout import Backward, Call, Copies, Layout, flat
from engine.function import Function
from engine.kernels.cpu import statistics as kernels
from engine.tensor import Tensor, wrap

TIERS = ("off", "scalars", "histograms")

#: Layouts that are kept; a loop whose ops differ from step to step makes a new one each time.
_LAYOUTS = 64

#: Ops of one step beyond which the step is given up: a loop that never calls an optimizer.
_MOST_CALLS = 20_000


class Summary(NamedTuple):
    """An array in numbers. min, max, mean, std and norm are over the finite elements; NaN where there are none.

    Attributes:
        count: elements. zeros, nans, infs: those that are 0, NaN, infinite.
        std: sqrt of the mean squared distance from the mean (NumPy's ``std``, divisor n).
        norm: Euclidean norm; 0 where there are no finite elements.
    """

    count: int
    min: float
    max: float
    mean: float
    std: float
    norm: float
    zeros: int
    nans: int
    infs: int


def summarize(array: np.ndarray) -> Summary:
    """The :class:`Summary` of an array of any shape, layout and real dtype."""
    array = np.asarray(array)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    none = np.empty((0,), array.dtype)
    rows = np.empty((kernels.ARRAYS, len(kernels.FIELDS)))
    kernels.summarize.serial(
        rows, none, _NO_COPY, _NO_KIND, _NO_UNITS, flat(array), *[none] * (kernels.ARRAYS - 1)
    )
    return Summary(**{field: value for field, value in as_dict(rows[0]).items() if field in Summary._fields})


_NO_COPY = np.full((kernels.ARRAYS,), -1, np.int64)
_NO_KIND = np.zeros((kernels.ARRAYS,), np.int64)
_NO_UNITS = np.ones((kernels.ARRAYS, 2), np.int64)


class Statistics(trace.Observer):
    """Observes training steps and keeps, for each step and tensor, the numbers of ``kernels.FIELDS``.

    A step ends when an optimizer's ``step`` ends. Its tensors are

    * parameters, after the step: ``"conv1.weight"``; with ``update_ratio`` = ||w_after - w_before|| / ||w_after||;
    * their gradients, as the step used them: ``"conv1.weight.grad"``;
    * activations: the outputs of the recorded ops, named by the module's path (``"conv1"``, a second op of it
      ``"conv1#2"``) or by op and place in the step (``"relu#1"``); reshapes and other views of all elements are left out.
      ReLU's have ``dead``, the share of units (channels, features) that were zero in the whole batch; those of sigmoid
      and tanh have ``saturated``, the share of elements within 0.01 of a limit;
    * gradients of activations: ``"relu#1.grad"``.

    Ops under ``no_grad`` are not recorded on the tape and not counted, so that evaluation passes stay apart.

    Args:
        tier: ``"off"``, ``"scalars"`` or ``"histograms"`` (these also count the elements by sign and power of two).
        every: every how many steps; or a function of the step's number (from 0) that says whether.
        names: the name of a parameter (empty for tensors that are none); or the module whose names hold. By default
            ``"parameter 0 (784, 128)"``, by the order in the optimizer.
        paths: the module path of an op, or an empty string. By default the path of the module whose parameter it uses.
        limit, limit_bytes: how many steps are kept at most, and in how many bytes.

    Raises:
        ValueError: for another tier, or ``every`` below 1.
    """

    watches = frozenset({"forward", "backward", "pass", "update"})

    def __init__(
        self,
        tier: str = "scalars",
        every: int | Callable[[int], bool] = 1,
        names: Callable[[Tensor], str] | Any = None,
        paths: Callable[[Function], str] | None = None,
        limit: int = 10_000,
        limit_bytes: int = 1 << 27,
    ) -> None:
        self._names, self._paths = _naming(names), paths
        self.history = History(limit, limit_bytes)
        self.step = 0
        self._calls: list[Call] = []
        self._backwards: list[Backward] = []
        self._layouts: list[Layout] = []
        self._copies: dict[tuple[int, ...], Copies] = {}
        self._stepping: Copies | None = None
        self.set(tier, every)

    def set(self, tier: str, every: int | Callable[[int], bool] = 1) -> None:
        """Change tier and schedule; they hold from the next step on."""
        if tier not in TIERS:
            raise ValueError(f"statistics: tier {tier!r} is not one of {', '.join(TIERS)}")
        if not callable(every) and every < 1:
            raise ValueError(f"statistics: every must be at least 1, got {every}")
        self.tier, self.every = tier, every
        self._begin()

    # ---- the observer's calls: as little as can be ----

    def run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        return function.forward(*[t._array for t in inputs])

    def after_forward(
        self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        if self._due and function.seq >= 0:
            self._calls.append((function, inputs, outputs))

    def run_backward(self, function: Function, gradients: list[np.ndarray | None]) -> Any:
        if self._due:
            self._backwards.append((function, gradients))
        return function.backward(*gradients)

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        if kind == "in-place" and self._due:
            self._protect(tensor._array)

    def begin_backward(self, roots: tuple[Tensor, ...]) -> None:
        if len(self._calls) > _MOST_CALLS:
            self._begin()

    def begin_step(self, optimizer: Any) -> None:
        if self._due:
            parameters = [p for group in optimizer.param_groups for p in group["params"] if p._grad is not None]
            key = tuple(map(id, parameters))
            copies = self._copies.get(key)
            if copies is None:
                if len(self._copies) >= _LAYOUTS:
                    self._copies.clear()
                copies = self._copies[key] = Copies(parameters)
            copies.refresh()
            self._stepping = copies

    def end_step(self, optimizer: Any) -> None:
        if self._due and self._stepping is not None:
            self._record(self._stepping)
        self.step += 1
        self._begin()

    # ---- a step's record ----

    def _begin(self) -> None:
        self._calls, self._backwards = [], []
        every = self.every
        self._due = self.tier != "off" and (every(self.step) if callable(every) else self.step % every == 0)

    def _record(self, copies: Copies) -> None:
        calls, backwards = self._calls, self._backwards
        layout, arrays = None, None
        for known in self._layouts:
            if known.fits(calls, backwards, copies):
                arrays = known.arrays(calls, backwards)
                if arrays is not None:
                    layout = known
                    break
        if layout is None or arrays is None:
            layout = Layout(calls, backwards, copies, self._name, self._paths)
            arrays = layout.arrays(calls, backwards) or []
            self._layouts = [layout, *self._layouts[: _LAYOUTS - 1]]
        rows = layout.reduce(arrays)
        histograms = layout.histograms(arrays) if self.tier == "histograms" else {}
        self.history.add(Record(self.step, layout, rows, histograms))

    def _name(self, tensor: Tensor) -> str:
        name = self._names(tensor) if self._names is not None else ""
        if name or self._stepping is None:
            return name
        for i, p in enumerate(self._stepping.parameters):
            if p is tensor:
                return f"parameter {i} {tuple(p._array.shape)}"
        return ""

    def _protect(self, array: np.ndarray) -> None:
        """Keep a copy of what is referred to here and is about to be overwritten."""
        for i, (function, inputs, outputs) in enumerate(self._calls):
            if any(np.may_share_memory(output._array, array) for output in outputs):
                kept = tuple(wrap(output._array.copy()) for output in outputs)
                self._calls[i] = (function, inputs, kept)

    # ---- questions ----

    def latest(self) -> dict[str, dict[str, Any]]:
        """The newest values of every tensor: {name: {"step": ..., field: value}}."""
        return self.history.latest()

    def series(
        self, name: str, field: str, from_step: int = 0, to_step: int | None = None
    ) -> tuple[list[int], list[float]]:
        """Steps and values of a field of a tensor; see :meth:`History.series`."""
        return self.history.series(name, field, from_step, to_step)

    def histogram(self, name: str, step: int | None = None) -> dict[str, Any]:
        """A tensor's histogram; see :meth:`History.histogram`."""
        return self.history.histogram(name, step)


def _naming(names: Any) -> Callable[[Tensor], str] | None:
    if names is None or not hasattr(names, "named_parameters"):
        return names

    def name_of(tensor: Tensor) -> str:
        return next((name for name, p in names.named_parameters() if p is tensor), "")

    return name_of
