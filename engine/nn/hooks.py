"""Hooks of a module: how they are kept, and how backward hooks get between a module and its neighbours.

A backward hook wants the gradients of a module's inputs and outputs at once. So the tensors that enter the
module, and those that leave it, pass through an identity Function; its backward is where the hooks run.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.errors import GradientError
from engine.function import Function, _record
from engine.tensor import RemovableHandle, Tensor, grad_mode, wrap


def add_hook(hooks: OrderedDict, hook: Callable, prepend: bool) -> RemovableHandle:
    """Put ``hook`` at the end, or with ``prepend`` at the beginning, of ``hooks``."""
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


class BackwardHookFunction(Function):
    """Identity of several tensors; ``at_backward`` may read and replace their gradients."""

    passes_gradient = True

    def __init__(self, at_backward: Callable[[tuple], tuple]) -> None:
        self.at_backward = at_backward

    def backward(self, *gradients: np.ndarray | None) -> tuple[np.ndarray | None, ...]:
        return self.at_backward(gradients)


class BackwardHook:
    """The backward hooks of one call of one module.

    Args:
        module: the module that is called.
        user_hooks: called as hook(module, grad_input, grad_output) when the gradients of the inputs are known.
        user_pre_hooks: called as hook(module, grad_output) when the gradients of the outputs are known.
    """

    def __init__(self, module: Any, user_hooks: list[Callable], user_pre_hooks: list[Callable]) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.inputs: Any = None
        self.input_count = 0
        self.grad_outputs: tuple | None = None

    def enter(self, args: tuple) -> tuple:
        """``args`` with its tensors led through the Function that reports their gradients."""
        self.input_count = len(args)
        self.inputs = _Passage(args)
        return self.inputs.lead(self._at_inputs)

    def leave(self, result: Any) -> Any:
        """``result`` with its tensors led through the Function that reports their gradients."""
        passage = _Passage(result if isinstance(result, tuple) else (result,))

        def at_outputs(gradients: tuple) -> tuple:
            return passage.unpack(self._at_outputs(passage.pack(gradients)))

        led = passage.lead(at_outputs)
        return led if isinstance(result, tuple) else led[0]

    def _at_outputs(self, grad_outputs: tuple) -> tuple:
        for hook in self.user_pre_hooks:
            changed = hook(self.module, grad_outputs)
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                _check_count("Backward pre hook", "grad_output", changed, grad_outputs)
                grad_outputs = changed
        self.grad_outputs = grad_outputs
        if self.inputs is not None and not self.inputs.used:
            self._without_inputs(grad_outputs)
        return grad_outputs

    def _without_inputs(self, grad_outputs: tuple) -> None:
        if self.user_hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs "
                "since no inputs require gradients.",
                stacklevel=2,
            )
        for hook in self.user_hooks:
            changed = hook(self.module, (None,) * self.input_count, grad_outputs)
            if changed is not None and not (isinstance(changed, tuple) and all(g is None for g in changed)):
                raise GradientError(
                    "Backward hook for Modules where no input requires gradient should always return None "
                    "or None for all gradients."
                )
        self.grad_outputs = None

    def _at_inputs(self, gradients: tuple) -> tuple:
        if self.user_hooks and self.grad_outputs is None:
            raise GradientError(
                "Module backward hook for grad_input is called before the grad_output one. This happens because "
                "the gradient in your nn.Module flows to the Module's input without passing through the Module's "
                "output. Make sure that the output depends on the input and that the loss is computed based on "
                "the output."
            )
        grad_inputs = self.inputs.pack_filled(gradients)
        for hook in self.user_hooks:
            changed = hook(self.module, grad_inputs, self.grad_outputs)
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                _check_count("Backward hook", "grad_input", changed, grad_inputs)
                grad_inputs = changed
        self.grad_outputs = None
        return self.inputs.unpack(grad_inputs)


class _Passage:
    """The tensors among ``values``, and the way of those that require a gradient through one Function."""

    def __init__(self, values: tuple) -> None:
        self.values = values
        self.tensors = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        self.tracked = [i for i in self.tensors if values[i]._requires_grad] if grad_mode.enabled else []
        self.used = bool(self.tracked)

    def lead(self, at_backward: Callable[[tuple], tuple]) -> tuple:
        if not self.used:
            return self.values
        inputs = tuple([self.values[i] for i in self.tracked])
        function = BackwardHookFunction(at_backward)
        outputs = tuple([wrap(t._array) for t in inputs])
        for output, t in zip(outputs, inputs, strict=True):
            output._version = t._version_counter()
            output._base = t if t._base is None else t._base
        function.outputs = len(outputs)
        _record(function, inputs, outputs, (True,) * len(inputs))
        # What is kept for backward is shapes, not the tensors: they would live as long as the graph.
        self.shapes = {i: (self.values[i]._array.shape, self.values[i]._array.dtype) for i in self.tensors}
        replaced = dict(zip(self.tracked, outputs, strict=True))
        led = tuple([replaced.get(i, value) for i, value in enumerate(self.values)])
        self.count, self.values = len(led), ()
        return led

    def pack_filled(self, gradients: tuple) -> tuple[Tensor | None, ...]:
        """Like :meth:`pack`, with zeros for every tensor whose gradient did not arrive, as PyTorch's hooks see them."""
        found = dict(zip(self.tracked, gradients, strict=True))
        packed: list[Tensor | None] = [None] * self.count
        for i, (shape, dtype) in self.shapes.items():
            gradient = found.get(i)
            packed[i] = wrap(np.zeros(shape, dtype) if gradient is None else gradient)
        return tuple(packed)

    def pack(self, gradients: tuple) -> tuple[Tensor | None, ...]:
        """One entry for each value: its gradient as a tensor, or None."""
        found = dict(zip(self.tracked, gradients, strict=True))
        return tuple([None if (g := found.get(i)) is None else wrap(g) for i in range(self.count)])

    def unpack(self, packed: tuple[Any, ...]) -> tuple[np.ndarray | None, ...]:
        """The arrays of the tracked tensors' entries."""
        return tuple([None if packed[i] is None else packed[i]._array for i in self.tracked])


def _check_count(what: str, name: str, found: tuple, expected: tuple) -> None:
    if len(found) != len(expected):
        raise GradientError(
            f"{what} returned an invalid number of {name}, got {len(found)}, but expected {len(expected)}"
        )
