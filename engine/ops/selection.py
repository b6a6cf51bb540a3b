"""Choosing between elements: where, clamp, maximum, minimum; and the blends lerp, addcmul, addcdiv."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from engine.definitions import selection as definitions
from engine.errors import DtypeError
from engine.function import apply
from engine.ops.arithmetic import add, mul
from engine.ops.division import div
from engine.ops.elementwise import (
    NUMBERS,
    Binary,
    Unary,
    broadcast,
    cast,
    common_dtype,
    compute,
    number_error,
    pair,
    scalar,
    silent,
    tensor_only,
)
from engine.tensor import Tensor


class Where(Binary):
    """y = a where condition, else b"""

    definitions = {
        "y": definitions.where_forward, "da": definitions.where_backward_a, "db": definitions.where_backward_b,
    }

    def forward(self, condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.condition = condition
        y = np.where(condition, a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        zero = dy.dtype.type(0)
        da = np.where(self.condition, dy, zero) if self.needs[1] else None
        db = np.where(self.condition, zero, dy) if self.needs[2] else None
        return None, da, db


class Clamp(Unary):
    """y = x, but at least ``low`` and at most ``high`` (infinite where there is no bound)"""

    overload = 1
    definitions = {"y": definitions.clamp_forward, "dx": definitions.clamp_backward}
    saves_inputs = (0,)

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        y = compute(np.maximum, x, x.dtype.type(self.low)) if self.low != -math.inf else x
        y = compute(np.minimum, y, x.dtype.type(self.high)) if self.high != math.inf else y
        return y.copy() if y is x else y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        inside = (self.x >= self.low) & (self.x <= self.high)
        return compute(np.multiply, dy, inside) if np.isfinite(dy).all() else np.where(inside, dy, dy.dtype.type(0))


class Maximum(Binary):
    """y = the greater of a and b; NaN where one is"""

    definitions = {
        "y": definitions.maximum_forward,
        "da": definitions.maximum_backward_a,
        "db": definitions.maximum_backward_b,
    }
    saves_inputs = (0, 1)
    ufunc: ClassVar[np.ufunc] = np.maximum
    loses: ClassVar[np.ufunc] = np.less

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = compute(self.ufunc, a, b)
        self.shape = y.shape
        return y

    @silent
    def backward(self, dy: np.ndarray) -> tuple:
        a, b, zero = self.a, self.b, dy.dtype.type(0)
        shared = np.where(a == b, dy / 2, dy)
        da = np.where(self.loses(a, b), zero, shared) if self.needs[0] else None
        db = np.where(self.loses(b, a), zero, shared) if self.needs[1] else None
        return da, db


class Minimum(Maximum):
    """y = the lesser of a and b; NaN where one is"""

    definitions = {
        "y": definitions.minimum_forward,
        "da": definitions.minimum_backward_a,
        "db": definitions.minimum_backward_b,
    }
    ufunc = np.minimum
    loses = np.greater


class Lerp(Binary):
    """y = a + weight (b - a)"""

    definitions = {
        "y": definitions.lerp_forward,
        "da": definitions.lerp_backward_a,
        "db": definitions.lerp_backward_b,
        "dweight": definitions.lerp_backward_weight,
    }
    saves_inputs = (0, 1, 2)

    def forward(self, a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
        self.a, self.b, self.weight = a, b, weight
        difference = compute(np.subtract, b, a)
        near = compute(np.add, a, compute(np.multiply, weight, difference))
        far = compute(np.subtract, b, compute(np.multiply, difference, compute(np.subtract, a.dtype.type(1), weight)))
        # From the nearer end, so that weight 1 gives b exactly.
        y = np.where(np.absolute(weight) < 0.5, near, far)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        needs, weight = self.needs, self.weight
        return (
            compute(np.multiply, dy, dy.dtype.type(1) - weight) if needs[0] else None,
            compute(np.multiply, dy, weight) if needs[1] else None,
            compute(np.multiply, dy, self.b - self.a) if needs[2] else None,
        )


# ---- public functions ----


def _tensors(op: str, *operands: Any) -> tuple[Tensor, ...]:
    """Operands in their common dtype, broadcast where gradients need it."""
    dtype = common_dtype(*operands)
    return broadcast(op, *[cast(x, dtype) if isinstance(x, Tensor) else scalar(x, dtype) for x in operands])


def where(condition: Tensor, input: Tensor | float | None = None, other: Tensor | float | None = None) -> Any:
    """``input`` where ``condition``, else ``other``; with the condition alone: the indices where it holds.

    Raises:
        DtypeError: when the condition is not bool.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if condition._array.dtype.kind != "b":
        if condition._array.dtype != np.uint8:
            raise DtypeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                             f"{condition.dtype}")
        condition = cast(condition, np.dtype(np.bool_))
    for value, name in ((input, "input"), (other, "other")):
        if not isinstance(value, (Tensor, *NUMBERS)):
            raise number_error("where", name, value)
    dtype = common_dtype(input, other)
    a, b = [cast(x, dtype) if isinstance(x, Tensor) else scalar(x, dtype) for x in (input, other)]
    if not condition._array.shape == a._array.shape == b._array.shape:
        condition, a, b = broadcast("where", condition, a, b)
    return apply(Where(), condition, a, b)


def _where_method(input: Tensor, condition: Tensor, other: Tensor | float) -> Tensor:
    return where(condition, input, other)


def clamp(input: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None) -> Tensor:
    """``input``, but at least ``min`` and at most ``max``. Where min > max the result is max.

    Raises:
        ValueError: when both are None.
    """
    if min is None and max is None:
        raise ValueError("clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        return _clamp_tensors(input, min, max)
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and not isinstance(bound, NUMBERS):
            raise number_error("clamp", name, bound)
    input = cast(input, common_dtype(input, *[bound for bound in (min, max) if bound is not None]))
    if (min is not None and min != min) or (max is not None and max != max):
        return mul(input, math.nan)
    return apply(Clamp(-math.inf if min is None else min, math.inf if max is None else max), input)


def _clamp_tensors(input: Tensor, low: Any, high: Any) -> Tensor:
    if low is not None:
        x, bound = _tensors("clamp", input, low)
        input = where(x.detach() < bound.detach(), bound, x)
    if high is not None:
        x, bound = _tensors("clamp", input, high)
        input = where(x.detach() > bound.detach(), bound, x)
    return input


def clamp_min(input: Tensor, min: Tensor | float) -> Tensor:
    """``input``, but at least ``min``."""
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Tensor | float) -> Tensor:
    """``input``, but at most ``max``."""
    return clamp(input, max=max)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The greater of both, element by element; NaN where one is."""
    tensor_only("maximum", "other", other)
    return apply(Maximum(), *pair("maximum", input, other))


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The lesser of both, element by element; NaN where one is."""
    tensor_only("minimum", "other", other)
    return apply(Minimum(), *pair("minimum", input, other))


def lerp(input: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """input + weight · (end - input)

    Raises:
        DtypeError: when the tensors' dtypes differ.
    """
    for x in (end, weight):
        if isinstance(x, Tensor) and x._array.dtype != input._array.dtype:
            raise DtypeError(f"lerp: expected dtype {input.dtype} for `end` and `weight` but got dtype {x.dtype}")
    function = Lerp()
    if isinstance(weight, Tensor):
        function.overload = 1
    return apply(function, *_tensors("lerp", input, end, weight))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 · tensor2"""
    product = mul(tensor1 if value == 1 else mul(tensor1, value), tensor2)
    return add(input, product)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 / tensor2

    Raises:
        DtypeError: for two integer tensors.
    """
    if tensor1._array.dtype.kind != "f" and tensor2._array.dtype.kind != "f":
        raise DtypeError("addcdiv: integer division with addcdiv is not supported; convert one tensor to float")
    return add(input, div(tensor1 if value == 1 else mul(tensor1, value), tensor2))


clip = clamp

METHODS = {
    "where": _where_method, "clamp": clamp, "clip": clamp, "clamp_min": clamp_min, "clamp_max": clamp_max,
    "maximum": maximum, "minimum": minimum, "lerp": lerp, "addcmul": addcmul, "addcdiv": addcdiv,
}
FUNCTIONS = (
    "addcdiv", "addcmul", "clamp", "clamp_max", "clamp_min", "clip", "lerp", "maximum", "minimum", "where",
)
