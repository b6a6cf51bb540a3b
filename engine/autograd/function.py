"""``torch.autograd.Function``: an op that a script defines, with its own backward.

Every user class gets a node type of the same name on the tape (a subclass of :class:`engine.function.Function`), so
that the debugger shows the op under the name and module that the script gave it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine import function as tape
from engine.errors import GradientError, InPlaceError, ShapeError
from engine.tensor import Tensor, no_grad, wrap


class FunctionCtx:
    """What ``forward`` leaves for ``backward``; any attribute may be set on it."""

    _saved: tuple[Tensor | None, ...] = ()
    _non_differentiable: frozenset[int] = frozenset()
    _materialize = True

    #: For each argument of ``apply``: whether it is a tensor that requires a gradient.
    needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for ``saved_tensors``; changing one in place before backward is an error."""
        for i, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type "
                    f"{type(tensor).__name__}"
                )
        self._saved = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What ``save_for_backward`` was given."""
        return self._saved

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these outputs get no gradient."""
        self._non_differentiable = frozenset(id(t) for t in tensors)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Not available: ops of this engine never change their inputs."""
        raise InPlaceError(
            "mark_dirty: a Function of this engine must not change its inputs in place; return a new tensor"
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a gradient that did not arrive is given to ``backward`` as zeros (the default) or as None."""
        self._materialize = bool(value)


class _Node(tape.Function):
    """One call of a user's Function on the tape. ``__dict__`` is emptied by backward unless the graph is retained."""

    passes_gradient = True
    user: type[Function]

    def __init__(self, arguments: tuple) -> None:
        self.arguments = arguments
        self.tensor_positions = [i for i, a in enumerate(arguments) if isinstance(a, Tensor)]
        self.argument_count = len(arguments)
        self.ctx = FunctionCtx()
        self.ctx.needs_input_grad = tuple([isinstance(a, Tensor) and a._requires_grad for a in arguments])

    def forward(self, *inputs: np.ndarray) -> Any:
        # The user's forward gets the tensors themselves; the arrays are theirs.
        user, arguments = self.user, self.arguments
        self.arguments = ()
        with no_grad():
            if user.setup_context is not Function.setup_context:
                result = user.forward(*arguments)
                user.setup_context(self.ctx, arguments, result)
            else:
                result = user.forward(self.ctx, *arguments)
        results = result if isinstance(result, tuple) else (result,)
        for value in results:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"{user.__name__}.forward: every output must be a tensor, got {type(value).__name__}"
                )
        self.inputs = [(a.shape, a.dtype) for a in inputs]
        self.results = [(t._array.shape, t._array.dtype) for t in results]
        marked = self.ctx._non_differentiable
        self.non_differentiable = [i for i, t in enumerate(results) if id(t) in marked]
        self.result_ids = [id(t) for t in results]
        arrays = tuple([t._array for t in results])
        return arrays if isinstance(result, tuple) else arrays[0]

    def backward(self, *gradients: np.ndarray | None) -> tuple[np.ndarray | None, ...]:
        arriving = []
        for gradient, (shape, dtype) in zip(gradients, self.results, strict=True):
            if gradient is None and self.ctx._materialize:
                gradient = np.zeros(shape, dtype if dtype.kind == "f" else np.float32)
            arriving.append(None if gradient is None else wrap(gradient))
        found = self.user.backward(self.ctx, *arriving)
        found = list(found) if isinstance(found, (tuple, list)) else [found]
        while len(found) > self.argument_count and found[-1] is None:
            found.pop()
        if len(found) != self.argument_count:
            raise GradientError(
                f"function {self.name}Backward returned an incorrect number of gradients "
                f"(expected {self.argument_count}, got {len(found)})"
            )
        tensors = set(self.tensor_positions)
        for i, gradient in enumerate(found):
            if gradient is not None and i not in tensors:
                raise GradientError(
                    f"function {self.name}Backward returned a gradient different from None at position {i + 1}, "
                    "but the corresponding forward input was not a Variable"
                )
        return tuple([self._checked(number, found[i]) for number, i in enumerate(self.tensor_positions)])

    def _checked(self, number: int, gradient: Any) -> np.ndarray | None:
        """The gradient of tensor ``number`` in its shape and dtype."""
        if gradient is None or not self.needs[number]:
            return None
        if not isinstance(gradient, Tensor):
            raise GradientError(f"{self.name}.backward: expected Variable or None (got {type(gradient).__name__})")
        shape, dtype = self.inputs[number]
        array = gradient._array
        if array.shape != shape:
            array = self._summed(array, shape, number)
        return array.astype(dtype, copy=False)

    def _summed(self, array: np.ndarray, shape: tuple[int, ...], number: int) -> np.ndarray:
        """``array`` summed over the dimensions along which ``shape`` would be broadcast to it."""
        extra = array.ndim - len(shape)
        fits = extra >= 0 and all(a in (b, 1) for a, b in zip(shape, array.shape[max(extra, 0) :], strict=True))
        if not fits:
            raise ShapeError(
                f"Function {self.name}Backward returned an invalid gradient at index {number} - "
                f"got {list(array.shape)} but expected shape compatible with {list(shape)}"
            )
        widened = [i for i in range(array.ndim) if i < extra or shape[i - extra] != array.shape[i]]
        return array.sum(axis=tuple(widened)).reshape(shape)


class Function:
    """Base of ops that a script defines: static ``forward(ctx, ...)`` and ``backward(ctx, ...)``, called by ``apply``.

    ``forward`` may also be written without ``ctx``, next to ``setup_context(ctx, inputs, output)``. ``backward`` gets
    one gradient for each output and returns one, or None, for each argument of ``forward``.
    """

    _node_type: type[_Node]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        members = {
            "user": cls,
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
            "__doc__": cls.__doc__,
        }
        cls._node_type = type(cls.__name__, (_Node,), members)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self).__name__}: a Function is not instantiated; make forward and backward static methods "
            f"and call {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """What the op computes, on tensors."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple, output: Any) -> None:
        """Store in ``ctx`` what backward needs, when ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Tensor | None) -> Any:
        """The gradients of the arguments of forward, given those of its outputs."""
        raise NotImplementedError(
            "You must implement the backward method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run the op on ``args``: tensors and anything else."""
        node = cls._node_type(args)
        inputs = tuple([a for a in args if isinstance(a, Tensor)])
        result = tape.apply(node, *inputs)
        outputs = result if isinstance(result, tuple) else (result,)
        _share_versions(inputs, outputs)
        if node.edges:
            _watch_saved(node, outputs)
            for i in node.non_differentiable:
                outputs[i]._requires_grad, outputs[i]._function, outputs[i]._output = False, None, 0
        return result


def _share_versions(inputs: tuple, outputs: tuple) -> None:
    # A forward that returns an input, or a view of one, hands out the same memory.
    for output in outputs:
        for tensor in inputs:
            if np.may_share_memory(output._array, tensor._array):
                output._version = tensor._version_counter()
                output._base = tensor if tensor._base is None else tensor._base


def _watch_saved(node: _Node, outputs: tuple) -> None:
    handed_out = dict(zip(node.result_ids, outputs, strict=True))
    saved = [handed_out.get(id(t), t) for t in node.ctx._saved if t is not None]
    node.watched = tuple([t._version_counter() for t in saved])


def once_differentiable(function: Callable) -> Callable:
    """Marks a backward that cannot itself be differentiated, which in this engine none can."""
    return function
