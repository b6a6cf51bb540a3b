"""Optimisers whose update is one kernel, with a definition for everything that it writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from engine import trace
from engine.definitions.contract import Definition
from engine.device import contiguous, empty, zeros
from engine.errors import MissingError, ShapeError
from engine.kernels.jit import PARALLEL_WORK
from engine.optim.optimizer import Optimizer, step_counter
from engine.optim.slot import Slot, flat
from engine.tensor import Tensor, enable_grad, wrap


def number(value: Any) -> Any:
    """A hyper-parameter as a Python number: PyTorch also takes tensors of one element."""
    return value.item() if isinstance(value, Tensor) else value


def check_at_least_zero(named: dict[str, Any]) -> None:
    """Raise PyTorch's ValueError for the first hyper-parameter that is negative or NaN."""
    for name, value in named.items():
        if not number(value) >= 0.0:
            raise ValueError(f"Invalid {name}: {value}")


def refuse(optimizer: str, **flags: Any) -> None:
    """Raise MissingError for settings of PyTorch's that this engine has not."""
    for name, value in flags.items():
        if value:
            raise MissingError(f"{optimizer}: this engine has no {name}=True; leave it at its default, False")


class KernelOptimizer(Optimizer):
    """Base of this package's optimisers: a subclass gives hyper-parameters, names of state, and a kernel.

    Class attributes that a subclass declares:

    * ``_arrays``: the state tensors that the kernel takes after parameter and gradient, in its order: name in the
      definitions -> PyTorch's name in the state.
    * ``_kernel``: takes (w, dw, arrays, numbers, and ``step`` if ``_takes_step``) and updates in place.
    * ``_parameters``: names of the numbers, as the definitions call them.
    * ``_work``: elementary operations for each element, in the measure of :data:`engine.kernels.jit.PARALLEL_WORK`.
    """

    _arrays: ClassVar[dict[str, str]] = {}
    _kernel: ClassVar[Any] = None
    _parameters: ClassVar[tuple[str, ...]] = ()
    _takes_step: ClassVar[bool] = False
    _work: ClassVar[float] = 1.0

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: computes the loss again, with gradients, and returns it.

        Returns:
            What the closure returned, or None.

        Raises:
            ShapeError: when a gradient or a state tensor has another shape or dtype than its parameter.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._update_group(group)
        return loss

    def _forget(self) -> None:
        super()._forget()
        self._slots: dict[int, Slot] = {}

    def _update_group(self, group: dict[str, Any]) -> None:
        slots, names, scalars = self._slots, self._state_names(group), self._scalars(group)
        kernel = self._kernel_for(group)
        small = PARALLEL_WORK / self._work
        waiting = _Waiting(kernel)
        try:
            for p in group["params"]:
                if p._grad is None:
                    continue
                observer = trace.on_update
                if observer is not None:
                    if observer.before_update("optimizer", p, self):
                        observer.after_update("optimizer", p, self)
                        continue
                    scalars = self._scalars(group)
                slot = slots.get(id(p))
                if (
                    slot is None
                    or slot.array is not p._array
                    or slot.names is not names
                    or (names and not slot.holds(self.state[p]))
                ):
                    slot = slots[id(p)] = self._slot(p, group, names)
                gradient = p._grad._array
                if gradient.shape != slot.shape or gradient.dtype is not slot.dtype:
                    _check_gradient(type(self).__name__, gradient, slot)
                if not gradient.flags.carray:
                    gradient = contiguous(gradient)
                if slot.on_cpu:
                    run = kernel.serial if slot.size < small else kernel.sized(slot.size * self._work, slot.w)
                    run(slot.w, gradient.ravel(), *slot.operands, *scalars, *self._advance(slot))
                    if slot.copied:
                        slot.write_back()
                else:
                    waiting.add(slot, gradient, (*scalars, *self._advance(slot)))
                    if observer is not None:
                        waiting.run()
                p._bump()
                if observer is not None:
                    observer.after_update("optimizer", p, self)
        finally:
            waiting.run()

    def _slot(self, p: Tensor, group: dict[str, Any], names: tuple[str, ...]) -> Slot:
        """The arrays that the update of ``p`` works on; its state is made if there is none."""
        if not names:
            return Slot(p, {}, names, self._arrays)
        state = self.state[p]
        fresh = self._lacks_state(state)
        if fresh:
            state.update(self._initial_state(p, group))
        return Slot(p, state, names, self._arrays, fresh)

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """PyTorch's names of the state that an update in ``group`` uses; the same tuple each time."""
        return ()

    def _scalars(self, group: dict[str, Any]) -> tuple:
        """The numbers that the kernel takes behind the arrays, named by ``_parameters``."""
        return ()

    def _lacks_state(self, state: dict[str, Any]) -> bool:
        return not state

    def _initial_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        """The state of a parameter before its first update."""
        shape, dtype = p._array.shape, p._array.dtype
        return {
            name: step_counter() if name == "step" else wrap(zeros(shape, dtype, p._array))
            for name in self._state_names(group)
        }

    def _kernel_for(self, group: dict[str, Any]) -> Any:
        return self._kernel

    def _advance(self, slot: Slot) -> tuple:
        """Count the update; the number that the kernel takes last, if any (named by ``_progress``)."""
        if slot.step is None:
            return ()
        step = slot.count()
        return (step,) if self._takes_step else ()

    def _progress(self, state: dict[str, Any]) -> dict[str, Any]:
        """What the definitions take that changes from update to update: ``step`` or ``first``."""
        if not self._takes_step:
            return {}
        return {"step": state["step"]._array.item() + 1.0 if state else 1.0}

    # ---- the update, explained ----

    def definitions_for(self, parameter: Tensor) -> dict[str, Definition]:
        """The definition of everything that the next update of ``parameter`` writes, by the result's name.

        ``"w_new"`` is the parameter; the others are state. Each indexes flat arrays. Their operands come from
        :meth:`operands_for`, and after the update :meth:`results_for` has what the kernel wrote.
        """
        return self._definitions(self._group_of(parameter))

    def operands_for(self, parameter: Tensor) -> dict[str, Any]:
        """What the definitions of the next update take, by name: flat arrays, and numbers.

        The arrays are views of the parameter, its gradient and its state where these are contiguous; the update
        changes them, so whoever wants them later copies them before (``before_update`` is the moment).

        Raises:
            ValueError: when the parameter is not this optimizer's, or has no gradient (it would be skipped).
        """
        group = self._group_of(parameter)
        if parameter._grad is None:
            raise ValueError(f"{type(self).__name__}: the parameter of shape {tuple(parameter.shape)} has no gradient")
        registered = self.state.get(parameter, {})
        state = self._initial_state(parameter, group) if self._lacks_state(registered) else registered
        operands: dict[str, Any] = {"w": flat(parameter._array), "dw": flat(parameter._grad._array)}
        names = self._state_names(group)
        for operand, name in self._arrays.items():
            w = parameter._array
            operands[operand] = flat(state[name]._array) if name in names else empty((0,), w.dtype, w)
        operands.update(zip(self._parameters, self._scalars(group), strict=True))
        operands.update(self._progress(registered))
        return operands

    def results_for(self, parameter: Tensor) -> dict[str, np.ndarray]:
        """After an update: what was written, flat, under the names that :meth:`definitions_for` gives the results."""
        state = self.state.get(parameter, {})
        results = {"w_new": flat(parameter._array)}
        for result in self.definitions_for(parameter):
            if result != "w_new":
                results[result] = flat(state[self._arrays[result.removesuffix("_new")]]._array)
        return results

    def _definitions(self, group: dict[str, Any]) -> dict[str, Definition]:
        return {}

    def _group_of(self, parameter: Tensor) -> dict[str, Any]:
        for group in self.param_groups:
            if any(p is parameter for p in group["params"]):
                return group
        raise ValueError(
            f"{type(self).__name__}: the tensor of shape {tuple(parameter.shape)} is not a parameter of it"
        )


class _Waiting:
    """Updates of parameters on the GPU: those with the same numbers run in one launch."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._updates: dict[tuple, list[tuple[Slot, Any]]] = {}

    def add(self, slot: Slot, gradient: Any, numbers: tuple) -> None:
        self._updates.setdefault((slot.dtype, numbers), []).append((slot, gradient))

    def run(self) -> None:
        updates, self._updates = self._updates, {}
        for (_, numbers), parts in updates.items():
            self._kernel.cuda.many([(slot.w, gradient.ravel(), *slot.operands) for slot, gradient in parts], numbers)
            for slot, _ in parts:
                if slot.copied:
                    slot.write_back()


def _check_gradient(optimizer: str, gradient: np.ndarray, slot: Slot) -> None:
    if gradient.shape != slot.shape or gradient.dtype != slot.dtype:
        raise ShapeError(
            f"{optimizer}.step: the gradient has shape {gradient.shape} and dtype {gradient.dtype} "
            f"but the parameter has shape {slot.shape} and dtype {slot.dtype}; they must be equal"
        )
