"""Statistics of every parameter, activation and gradient of a training step, cheap enough for every step.

While a step runs only references are kept: ops never write their inputs, so the arrays stay what they were. When the
optimizer's step ends, one launch of a kernel for every 16 tensors reads them all
(:func:`engine.kernels.cpu.statistics.summarize`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine import trace
from engine.debug.statistics.history import History, as_dict
from engine.debug.statistics.layout import WORK, Collected, Layout, Parameters, flat
from engine.device import as_array
from engine.function import Function
from engine.kernels.cpu import statistics as kernels
from engine.tensor import Tensor, wrap

TIERS = ("off", "scalars", "histograms")

#: Layouts that are kept; a loop whose ops differ from step to step makes a new one each time.
_LAYOUTS = 64

#: Ops of one step beyond which the step is given up: a loop that never calls an optimizer.
_MOST_OPS = 20_000


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
    array = as_array(array)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    results = np.empty((1, kernels.ARRAYS, len(kernels.FIELDS)))
    if isinstance(array, np.ndarray):
        none = np.empty((0,), array.dtype)
        # What works beside the script must not take its processors.
        alone = array.size < _LARGE or threading.current_thread() is not threading.main_thread()
        form = kernels.summarize.serial if alone else kernels.summarize.sized(array.size * WORK)
        form(results, 0, 0, none, _PLAIN, flat(array), *[none] * (kernels.ARRAYS - 1))
    else:
        kernels.summarize.cuda(results, 0, 0, flat(array)[:0], _PLAIN, flat(array))
    values = as_dict(results[0, 0])
    return Summary(**{field: values[field] for field in Summary._fields})


#: Elements from which several threads are worth their start, on a processor that does nothing else while the script stands.
_LARGE = 1 << 20
_PLAIN = np.zeros((kernels.ARRAYS, len(kernels.TABLE)), np.int64)
_PLAIN[:, 0] = -1


class Statistics(trace.Observer):
    """Observes training steps and keeps, for each step and tensor, the numbers of ``kernels.FIELDS``.

    A step ends when an optimizer's ``step`` ends. Its tensors are

    * parameters, after the step: ``"conv1.weight"``; every ``ratio_every``-th step with ``update_ratio`` =
      ||w_after - w_before|| / ||w_after|| (it takes a copy of all parameters before the update);
    * their gradients, as the step used them: ``"conv1.weight.grad"``;
    * activations: the outputs of the recorded ops, named by the module's path (``"conv1"``, a second op of it
      ``"conv1#2"``) or by op and place in the step (``"relu#1"``); reshapes and other views of all elements are left out.
      ReLU's have ``dead``, the share of units (axis 1; behind a linear layer the last axis) that were zero in the whole
      batch; those of sigmoid and tanh have ``saturated``, the share of elements within 0.01 of a limit;
    * gradients of activations: ``"relu#1.grad"``.

    Ops under ``no_grad`` are not recorded on the tape and not counted, so that evaluation passes stay apart.

    Args:
        tier: ``"off"``, ``"scalars"`` or ``"histograms"`` (these also count the elements by sign and power of two).
        every: every how many steps; or a function of the step's number (from 0) that says whether.
        names: the name of a parameter (empty for tensors that are none); or the module whose names hold. By default
            ``"parameter 0 (784, 128)"``, by the order in the optimizer.
        paths: the module path of an op, or an empty string. By default the path of the module whose parameter it uses.
        ratio_every: every how many steps the update ratio is computed; 0: never.
        histograms_every: every how many steps histograms are made, which take longer than all the rest.
        limit, limit_bytes: how many steps are kept, and in how many bytes at most (128 MiB).
        steps: says how many optimizer steps have ended, where another counts them: it may have heard of some that this
            observer did not, such as those that the replay of a fork passes over. By default those that this one saw end.

    Raises:
        ValueError: for another tier, or ``every`` below 1.
    """

    watches = frozenset({"forward", "backward", "change", "pass"})
    runs = False

    def __init__(
        self,
        tier: str = "scalars",
        every: int | Callable[[int], bool] = 1,
        names: Callable[[Tensor], str] | Any = None,
        paths: Callable[[Function], str] | None = None,
        ratio_every: int = 10,
        limit: int = 10_000,
        limit_bytes: int = 1 << 27,
        histograms_every: int = 1,
        steps: Callable[[], int] | None = None,
    ) -> None:
        self._names, self._paths, self.ratio_every = _naming(names), paths, ratio_every
        self._steps = steps
        self.histograms_every = max(1, histograms_every)
        self.history = History(limit, limit_bytes)
        self.step = steps() if steps is not None else 0
        self._collected = Collected([], [], [], [])
        self._functions, self._outputs, self._backwards, self._gradients = self._collected
        self._layouts: list[Layout] = []
        self._parameters: dict[int, Parameters] = {}
        self.set(tier, every)

    def set(self, tier: str, every: int | Callable[[int], bool] = 1) -> None:
        """Change tier and schedule; they hold from the next step on."""
        if tier not in TIERS:
            raise ValueError(f"statistics: tier {tier!r} is not one of {', '.join(TIERS)}")
        if not callable(every) and (type(every) is not int or every < 1):
            raise ValueError(f"statistics: every must be an integer of at least 1 or a function, got {every!r}")
        self.tier, self.every = tier, every
        self._layouts.clear()
        self._begin()

    # ---- the observer's calls: as little as can be ----

    def after_forward(
        self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        self._catch_up()
        if self._due and function.seq >= 0 and not (function.is_view and _repeats_input(inputs, outputs)):
            self._functions.append(function)
            self._outputs += outputs

    def after_backward(
        self,
        function: Function,
        gradients: tuple[np.ndarray | None, ...],
        input_gradients: tuple[np.ndarray | None, ...],
    ) -> None:
        if self._due:
            self._backwards.append(function)
            self._gradients += gradients

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        if kind == "in-place" and self._due:
            self._protect(tensor._array)

    def begin_backward(self, roots: tuple[Tensor, ...], seeds: tuple[Tensor | None, ...]) -> None:
        if len(self._functions) > _MOST_OPS:
            self._begin()

    def begin_step(self, optimizer: Any) -> None:
        self._catch_up()
        if self._due and self.ratio_every and self.step % self.ratio_every == 0:
            self._parameters_of(optimizer).keep()

    def end_step(self, optimizer: Any) -> None:
        if self._due:
            parameters = self._parameters_of(optimizer)
            self._record(parameters)
            if parameters.kept:
                parameters.forget()
        self.step += 1
        self._begin()

    # ---- a step's record ----

    def _catch_up(self) -> None:
        """Where the ends of steps were not heard of, what was collected of them belongs to no step that is."""
        if self._steps is not None and self.step != (counted := self._steps()):
            self.step = counted
            self._begin()

    def _begin(self) -> None:
        self._functions.clear()
        self._outputs.clear()
        self._backwards.clear()
        self._gradients.clear()
        every = self.every
        self._due = self.tier != "off" and bool(every(self.step) if callable(every) else self.step % every == 0)

    def _parameters_of(self, optimizer: Any) -> Parameters:
        known = self._parameters.get(id(optimizer))
        if known is None or not known.holds(optimizer.param_groups):
            if len(self._parameters) >= _LAYOUTS:
                self._parameters.clear()
            known = self._parameters[id(optimizer)] = Parameters(optimizer.param_groups)
        return known

    def _record(self, parameters: Parameters) -> None:
        collected = self._collected
        for layout in self._layouts:
            if layout.fits(collected, parameters):
                break
        else:
            if self._is_hollow():
                return
            layout = self._new_layout(parameters)
        try:
            self._reduce(layout)
        except (TypeError, AttributeError):
            # Other dtypes than before, no gradient where there was one, or no contents.
            if self._is_hollow():
                return
            self._layouts.remove(layout)
            parameters.renew()
            self._reduce(self._new_layout(parameters))

    def _is_hollow(self) -> bool:
        """Whether a replay passes over this step without computing it."""
        return any(isinstance(output._array, trace.NoContents) for output in self._outputs)

    def _reduce(self, layout: Layout) -> None:
        page = self.history.page(layout)
        histograms = self.tier == "histograms" and self.step % self.histograms_every == 0
        counts = layout.reduce(self._collected, page.results, len(page.steps), histograms)
        page.end(self.step, counts)

    def _new_layout(self, parameters: Parameters) -> Layout:
        def name_of(tensor: Tensor) -> str:
            name = self._names(tensor) if self._names is not None else ""
            number = next((i for i, p in enumerate(parameters.tensors) if p is tensor), -1)
            return name or ("" if number < 0 else f"parameter {number} {tuple(tensor._array.shape)}")

        layout = Layout(self._collected, parameters, name_of, self._paths)
        self._layouts = [layout, *self._layouts[: _LAYOUTS - 1]]
        return layout

    def _protect(self, array: np.ndarray) -> None:
        """Keep a copy of what is referred to here and is about to be overwritten."""
        outputs = self._outputs
        for i, output in enumerate(outputs):
            if np.may_share_memory(output._array, array):
                outputs[i] = wrap(output._array.copy())

    # ---- questions ----

    def latest(self) -> dict[str, dict[str, Any]]:
        """The newest values of every tensor: {name: {"step": ..., "parameter": whether it is one, field: value}}."""
        return self.history.latest()

    def series(
        self, name: str, field: str, from_step: int = 0, to_step: int | None = None
    ) -> tuple[list[int], list[float]]:
        """Steps and values of a field of a tensor; see :meth:`History.series`."""
        return self.history.series(name, field, from_step, to_step)

    def histogram(self, name: str, step: int | None = None) -> dict[str, Any]:
        """A tensor's histogram; see :meth:`History.histogram`."""
        return self.history.histogram(name, step)

    def histograms(self, name: str, from_step: int = 0, to_step: int | None = None) -> dict[str, np.ndarray]:
        """A tensor's histograms over the steps; see :meth:`History.histograms`."""
        return self.history.histograms(name, from_step, to_step)


def _naming(names: Any) -> Callable[[Tensor], str] | None:
    if names is None or not hasattr(names, "named_parameters"):
        return names

    def name_of(tensor: Tensor) -> str:
        return next((name for name, p in names.named_parameters() if p is tensor), "")

    return name_of


def _repeats_input(inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> bool:
    """Whether a view shows exactly the elements of the input (reshape, transpose ...)."""
    return len(outputs) == 1 and outputs[0]._array.size == inputs[0]._array.size
