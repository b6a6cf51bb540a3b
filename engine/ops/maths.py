"""Functions of one element: exponentials, logarithms, roots, angles, rounding. Integers become the default float."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from engine import dtypes
from engine.definitions import arithmetic, maths, trigonometry
from engine.definitions.contract import Definition
from engine.device import contiguous, empty
from engine.function import apply
from engine.kernels import derive
from engine.ops.elementwise import Binary, Unary, cast, compute, pair
from engine.tensor import Tensor


class OfInput(Unary):
    """y = f(x), where backward reads x. Subclasses give ``ufunc`` and ``slope``."""

    saves_inputs = (0,)
    ufunc: ClassVar[np.ufunc]

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return compute(self.ufunc, x)


class OfOutput(Unary):
    """y = f(x), where backward reads y. Subclasses give ``ufunc``."""

    saves_output = True
    ufunc: ClassVar[np.ufunc]

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.y = compute(self.ufunc, x)
        return self.y


def _forms(name: str) -> dict[str, Definition]:
    family = maths if hasattr(maths, f"{name}_forward") else trigonometry
    return {"y": getattr(family, f"{name}_forward"), "dx": getattr(family, f"{name}_backward")}


def _times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return compute(np.multiply, a, b)


def _over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return compute(np.divide, a, b)


class Exp(OfOutput):
    """y = exp x"""

    definitions = _forms("exp")
    ufunc = np.exp

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _times(dy, self.y)


class Exp2(OfOutput):
    """y = 2 to the power of x"""

    definitions = _forms("exp2")
    ufunc = np.exp2

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _times(_times(dy, self.y), dy.dtype.type(np.log(2.0)))


class Expm1(OfOutput):
    """y = exp x - 1, exact near 0"""

    definitions = _forms("expm1")
    ufunc = np.expm1

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _times(dy, compute(np.add, self.y, dy.dtype.type(1)))


class Log(OfInput):
    """y = ln x"""

    definitions = _forms("log")
    ufunc = np.log

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _over(dy, self.x)


class Log2(OfInput):
    """y = log2 x"""

    definitions = _forms("log2")
    ufunc = np.log2

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _over(dy, _times(self.x, dy.dtype.type(np.log(2.0))))


class Log10(OfInput):
    """y = log10 x"""

    definitions = _forms("log10")
    ufunc = np.log10

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _over(dy, _times(self.x, dy.dtype.type(np.log(10.0))))


class Log1p(OfInput):
    """y = ln(1 + x), exact near 0"""

    definitions = _forms("log1p")
    ufunc = np.log1p

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _over(dy, compute(np.add, self.x, dy.dtype.type(1)))


class Sqrt(OfOutput):
    """y = √x"""

    definitions = _forms("sqrt")
    ufunc = np.sqrt

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _over(dy, _times(self.y, dy.dtype.type(2)))


class Rsqrt(OfOutput):
    """y = 1 / √x"""

    definitions = _forms("rsqrt")

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.y = _over(x.dtype.type(1), compute(np.sqrt, x)) if x.ndim == 0 else compute(
            np.reciprocal, compute(np.sqrt, x))
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        cube = _times(_times(self.y, self.y), self.y)
        return _times(_times(dy, dy.dtype.type(-0.5)), cube)


class Erf(OfInput):
    """y = erf x"""

    definitions = _forms("erf")

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return _derived(maths.erf_forward, x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _derived(maths.erf_backward, dy, self.x)


def _derived(definition: Definition, *arrays: np.ndarray) -> np.ndarray:
    """The definition's kernel over the flattened ``arrays``; 20 operations an element."""
    y = empty(arrays[0].shape, arrays[0].dtype)
    if y.size:
        flats = [contiguous(array).reshape(-1) for array in arrays]
        derive.cpu(definition).sized(20 * y.size)(y.reshape(-1), *flats)
    return y


class Sin(OfInput):
    """y = sin x"""

    definitions = _forms("sin")
    ufunc = np.sin

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _times(dy, compute(np.cos, self.x))


class Cos(OfInput):
    """y = cos x"""

    definitions = _forms("cos")
    ufunc = np.cos

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _times(compute(np.negative, dy), compute(np.sin, self.x))


class Tan(OfOutput):
    """y = tan x"""

    definitions = _forms("tan")
    ufunc = np.tan

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _times(dy, compute(np.add, _times(self.y, self.y), dy.dtype.type(1)))


class Sinh(OfInput):
    """y = sinh x"""

    definitions = _forms("sinh")
    ufunc = np.sinh

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _times(dy, compute(np.cosh, self.x))


class Cosh(OfInput):
    """y = cosh x"""

    definitions = _forms("cosh")
    ufunc = np.cosh

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _times(dy, compute(np.sinh, self.x))


class Asin(OfInput):
    """y = arcsin x"""

    definitions = _forms("asin")
    ufunc = np.arcsin
    sign = 1.0

    def backward(self, dy: np.ndarray) -> np.ndarray:
        rest = compute(np.subtract, dy.dtype.type(1), _times(self.x, self.x))
        return _over(_times(dy, dy.dtype.type(self.sign)), compute(np.sqrt, rest))


class Acos(Asin):
    """y = arccos x"""

    definitions = _forms("acos")
    ufunc = np.arccos
    sign = -1.0


class Atan(OfInput):
    """y = arctan x"""

    definitions = _forms("atan")
    ufunc = np.arctan

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _over(dy, compute(np.add, _times(self.x, self.x), dy.dtype.type(1)))


class Atan2(Binary):
    """y = the angle of the point (b, a)"""

    definitions = {
        "y": trigonometry.atan2_forward, "da": trigonometry.atan2_backward_a, "db": trigonometry.atan2_backward_b,
    }
    saves_inputs = (0, 1)

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = compute(np.arctan2, a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        a, b = self.a, self.b
        square = compute(np.add, _times(a, a), _times(b, b))
        shared = np.where(square == 0, dy.dtype.type(0), _over(dy, square))
        da = _times(shared, b) if self.needs[0] else None
        db = _times(shared, compute(np.negative, a)) if self.needs[1] else None
        return da, db


class Rounding(Unary):
    """A whole number near x; its gradient is 0. Subclasses give ``ufunc``."""

    ufunc: ClassVar[np.ufunc]

    def forward(self, x: np.ndarray) -> np.ndarray:
        return compute(self.ufunc, x) if x.dtype.kind == "f" else x.copy()

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.zeros_like(dy)


class Floor(Rounding):
    """y = ⌊x⌋"""

    definitions = {"y": maths.floor_forward, "dx": arithmetic.zero_gradient}
    ufunc = np.floor


class Ceil(Rounding):
    """y = ⌈x⌉"""

    definitions = {"y": maths.ceil_forward, "dx": arithmetic.zero_gradient}
    ufunc = np.ceil


class Trunc(Rounding):
    """y = x, cut off towards 0"""

    definitions = {"y": maths.trunc_forward, "dx": arithmetic.zero_gradient}
    ufunc = np.trunc


class Round(Rounding):
    """y = the nearest whole number, halves to the even one"""

    definitions = {"y": maths.round_forward, "dx": arithmetic.zero_gradient}
    ufunc = np.rint


class Frac(Unary):
    """y = x - trunc x"""

    definitions = {"y": maths.frac_forward, "dx": arithmetic.clone_backward}
    passes_gradient = True

    def forward(self, x: np.ndarray) -> np.ndarray:
        return compute(np.subtract, x, compute(np.trunc, x))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy


# ---- public functions ----


def as_float(input: Tensor) -> Tensor:
    """``input``, as the default float when it holds integers or bools."""
    return input if input._array.dtype.kind == "f" else cast(input, dtypes.get_default_dtype().numpy)


def _unary(kind: type[Unary], promote: bool = True) -> Callable[[Tensor], Tensor]:
    name = kind.__name__.lower()

    def op(input: Tensor) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
        if input._array.dtype.kind != "f" and promote:
            input = as_float(input)
        return apply(kind(), input)

    op.__name__ = op.__qualname__ = name
    op.__doc__ = kind.__doc__
    return op


exp, exp2, expm1 = _unary(Exp), _unary(Exp2), _unary(Expm1)
log, log2, log10, log1p = _unary(Log), _unary(Log2), _unary(Log10), _unary(Log1p)
sqrt, rsqrt, erf = _unary(Sqrt), _unary(Rsqrt), _unary(Erf)
sin, cos, tan, sinh, cosh = _unary(Sin), _unary(Cos), _unary(Tan), _unary(Sinh), _unary(Cosh)
asin, acos, atan = _unary(Asin), _unary(Acos), _unary(Atan)
floor, ceil, trunc = _unary(Floor, False), _unary(Ceil, False), _unary(Trunc, False)
frac = _unary(Frac, False)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with ``decimals`` digits behind the point; halves go to the even digit."""
    if decimals == 0:
        return apply(Round(), input)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return apply(Round(), input * scale) / scale
    return apply(Round(), input / scale) * scale


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input), between -π and π."""
    return apply(Atan2(), *pair("atan2", input, other, to_float=True))


arcsin, arccos, arctan, arctan2, fix = asin, acos, atan, atan2, trunc

METHODS = {
    "exp": exp, "exp2": exp2, "expm1": expm1, "log": log, "log2": log2, "log10": log10, "log1p": log1p,
    "sqrt": sqrt, "rsqrt": rsqrt, "erf": erf, "sin": sin, "cos": cos, "tan": tan, "sinh": sinh, "cosh": cosh,
    "asin": asin, "acos": acos, "atan": atan, "atan2": atan2, "arcsin": asin, "arccos": acos, "arctan": atan,
    "arctan2": atan2, "floor": floor, "ceil": ceil, "trunc": trunc, "fix": trunc, "frac": frac, "round": round,
}
FUNCTIONS = tuple(METHODS)
