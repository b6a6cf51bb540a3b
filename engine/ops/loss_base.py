"""What all losses share: the reduction, and the Function of a loss that is a sum over elements."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from engine.definitions.contract import Definition
from engine.device import contiguous, empty, is_array, one
from engine.errors import DtypeError, MissingError
from engine.function import Function
from engine.kernels import derive
from engine.kernels.jit import Kernel
from engine.ops.elementwise import broadcast_shape, cast, common_dtype, expand
from engine.tensor import Tensor, wrap

REDUCTIONS = ("none", "mean", "sum")


def checked_reduction(op: str, reduction: str, allowed: tuple[str, ...] = REDUCTIONS) -> str:
    """``reduction`` if it is one of ``allowed``.

    Raises:
        ValueError: naming what is allowed.
    """
    if reduction not in allowed:
        names = ", ".join(map(repr, allowed))
        raise ValueError(f"{op}: {reduction!r} is not a valid value for reduction; it must be one of {names}")
    return reduction


def refuse_legacy(op: str, size_average: Any = None, reduce: Any = None, weight: Any = None) -> None:
    """Refuse arguments that PyTorch deprecated, and the element weights that this engine's op lacks."""
    if size_average is not None or reduce is not None:
        raise MissingError(f"{op}: size_average and reduce are not available; use reduction='mean', 'sum' or 'none'")
    if weight is not None:
        raise MissingError(f"{op}: weight is not available; multiply the losses of reduction='none' with it")


def tensors(op: str, input: Any, target: Any) -> None:
    """Refuse operands that are not tensors."""
    for name, value in (("input", input), ("target", target)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{op}(): argument '{name}' must be Tensor, not {type(value).__name__}")


def same_shape(op: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in their common float dtype and shape, with PyTorch's warning where the shapes differ."""
    tensors(op, input, target)
    x, t = input._array, target._array
    if x.dtype != t.dtype or x.dtype.kind != "f":
        dtype = common_dtype(input, target)
        if dtype.kind != "f":
            raise DtypeError(f"{op}: input is {input.dtype} and target is {target.dtype}; one of them must be float")
        input, target = cast(input, dtype), cast(target, dtype)
    if x.shape == t.shape:
        return input, target
    warnings.warn(
        f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
        "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        stacklevel=3,
    )
    shape = broadcast_shape(op, input, target)
    return broadcast(input, shape), broadcast(target, shape)


def broadcast(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``tensor`` in ``shape``; recorded where it requires grad."""
    if tensor._requires_grad:
        return expand(tensor, shape)
    return wrap(np.broadcast_to(tensor._array, shape))


class ElementLoss(Function):
    """A loss with one term for each element of x and t (equal shapes).

    Subclasses give the definitions (``definitions`` when reduced, ``element_definitions`` when not), the kernels, and
    set their parameters under their definitions' names; without ``reduced_kernel`` the definition is compiled.
    ``divisor`` divides the sum of the terms.
    """

    element_definitions: ClassVar[dict[str, Definition]] = {}
    reduced_kernel: Kernel | None = None
    backward_kernel: Kernel
    parameters: tuple = ()
    saves_inputs = (0, 1)
    told_at_once = True
    work = 0.2  # elementary operations an element, in the unit of engine.kernels.jit.PARALLEL_WORK
    divisor = 1.0

    def __init__(self, reduction: str = "mean", divisor: float | None = None) -> None:
        self.reduction = reduction
        self._given_divisor = divisor
        if reduction == "none":
            self.definitions = self.element_definitions

    def forward(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        self.x = x = contiguous(x)
        self.t = t = contiguous(t)
        if self.reduction == "none":
            y = empty(x.shape, x.dtype, x)
            definition = self.definitions["y"]
            derive.sized(definition, x.size, y)(y.reshape(-1), *self.operands(definition, {}))
            return y
        if self._given_divisor is not None:
            self.divisor = float(self._given_divisor)
        elif self.reduction == "mean":
            self.divisor = float(x.size)
        y = empty((), x.dtype, x)
        if self.reduced_kernel is None:
            definition = self.definitions["y"]
            derive.sized(definition, 0, y)(y, *self.operands(definition, {}))
            return y
        self.reduced_kernel.sized(x.size * self.work, y)(
            y.reshape(1), x.reshape(-1), t.reshape(-1), *self.parameters, self.divisor
        )
        return y

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        dx = dt = None
        if self.needs[0]:
            dx = self._gradient(dy)
        if self.needs[1]:
            dt = self._target_gradient(dy, dx)
        return dx, dt

    def _gradient(self, dy: np.ndarray) -> np.ndarray:
        x = self.x
        dx = empty(x.shape, x.dtype, x)
        reduced = self.reduction != "none"
        arriving = contiguous(dy) if reduced else one(x)
        self.backward_kernel.sized(x.size * self.work, dx)(
            dx.reshape(-1), x.reshape(-1), self.t.reshape(-1), *self.parameters, arriving.reshape(1), self.divisor
        )
        if not reduced:
            np.multiply(dx, dy, out=dx)
        return dx

    def _target_gradient(self, dy: np.ndarray, dx: np.ndarray | None) -> np.ndarray:
        return np.negative(self._gradient(dy) if dx is None else dx)

    def derived_gradient(self, name: str, dy: np.ndarray) -> np.ndarray:
        """The gradient ``name`` from its definition, for those too rarely asked for to have a tuned kernel."""
        definition = self.definitions[name]
        gradient = empty(self.x.shape, self.x.dtype, self.x)
        operands = [contiguous(o) if is_array(o) else o for o in self.operands(definition, {"dy": dy})]
        derive.sized(definition, gradient.size, gradient)(gradient.reshape(-1), *operands)
        return gradient

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name == "y" and self.reduction != "none":
            return array
        if array.shape != self.x.shape and array.size:
            array = np.broadcast_to(array, self.x.shape)
        return array.reshape(-1)
