"""Functions of one element: exponentials, logarithms, roots, rounding. Integers become the default float."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import ClassVar

import numpy as np

from engine.definitions import arithmetic, maths
from engine.definitions.contract import Definition
from engine.device import contiguous, empty
from engine.errors import DtypeError
from engine.function import apply
from engine.kernels import derive
from engine.ops.elementwise import Unary, as_float, compute
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


def forms(family: ModuleType, name: str) -> dict[str, Definition]:
    """The definitions ``name_forward`` and ``name_backward`` of a family."""
    return {"y": getattr(family, f"{name}_forward"), "dx": getattr(family, f"{name}_backward")}


def times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a b"""
    return compute(np.multiply, a, b)


def over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b"""
    return compute(np.divide, a, b)


class Exp(OfOutput):
    """y = exp x"""

    definitions = forms(maths, "exp")
    ufunc = np.exp

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return times(dy, self.y)


class Exp2(OfOutput):
    """y = 2 to the power of x"""

    definitions = forms(maths, "exp2")
    ufunc = np.exp2

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return times(times(dy, self.y), dy.dtype.type(np.log(2.0)))


class Expm1(OfOutput):
    """y = exp x - 1, exact near 0"""

    definitions = forms(maths, "expm1")
    ufunc = np.expm1

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return times(dy, compute(np.add, self.y, dy.dtype.type(1)))


class Log(OfInput):
    """y = ln x"""

    definitions = forms(maths, "log")
    ufunc = np.log

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return over(dy, self.x)


class Log2(OfInput):
    """y = log2 x"""

    definitions = forms(maths, "log2")
    ufunc = np.log2

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return over(dy, times(self.x, dy.dtype.type(np.log(2.0))))


class Log10(OfInput):
    """y = log10 x"""

    definitions = forms(maths, "log10")
    ufunc = np.log10

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return over(dy, times(self.x, dy.dtype.type(np.log(10.0))))


class Log1p(OfInput):
    """y = ln(1 + x), exact near 0"""

    name = "Log1P"
    definitions = forms(maths, "log1p")
    ufunc = np.log1p

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return over(dy, compute(np.add, self.x, dy.dtype.type(1)))


class Sqrt(OfOutput):
    """y = √x"""

    definitions = forms(maths, "sqrt")
    ufunc = np.sqrt

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return over(dy, times(self.y, dy.dtype.type(2)))


class Rsqrt(OfOutput):
    """y = 1 / √x"""

    definitions = forms(maths, "rsqrt")

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.y = over(x.dtype.type(1), compute(np.sqrt, x)) if x.ndim == 0 else compute(
            np.reciprocal, compute(np.sqrt, x))
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        cube = times(times(self.y, self.y), self.y)
        return times(times(dy, dy.dtype.type(-0.5)), cube)


class Erf(OfInput):
    """y = erf x"""

    definitions = forms(maths, "erf")

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return _derived(maths.erf_forward, x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return _derived(maths.erf_backward, dy, self.x)


def _derived(definition: Definition, *arrays: np.ndarray) -> np.ndarray:
    """The definition's kernel over the flattened ``arrays``; 20 operations an element."""
    y = empty(arrays[0].shape, arrays[0].dtype, arrays[0])
    if y.size:
        flats = [contiguous(array).reshape(-1) for array in arrays]
        derive.sized(definition, 20 * y.size, y)(y.reshape(-1), *flats)
    return y


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


def unary(kind: type[Unary], takes: str = "") -> Callable[[Tensor], Tensor]:
    """The public function of ``kind``; other kinds of dtype than floats and ``takes`` become floats, or are refused."""
    name = kind.__name__.lower()

    def op(input: Tensor) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
        if input._array.dtype.kind != "f":
            input = _not_float(name, input, takes)
        return apply(kind(), input)

    op.__name__ = op.__qualname__ = name
    op.__doc__ = kind.__doc__
    return op


def _not_float(op: str, input: Tensor, takes: str) -> Tensor:
    if not takes:
        return as_float(input)
    if input._array.dtype.kind not in takes:
        raise DtypeError(f"{op}: not implemented for {input.dtype}; convert the tensor with .float()")
    return input


exp, exp2, expm1 = unary(Exp), unary(Exp2), unary(Expm1)
log, log2, log10, log1p = unary(Log), unary(Log2), unary(Log10), unary(Log1p)
sqrt, rsqrt, erf = unary(Sqrt), unary(Rsqrt), unary(Erf)
floor, ceil, trunc = unary(Floor, "iu"), unary(Ceil, "iu"), unary(Trunc, "iu")
_whole, frac = unary(Round, "iu"), unary(Frac, "f")


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with ``decimals`` digits behind the point; halves go to the even digit."""
    if decimals == 0:
        return _whole(input)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return apply(Round(), input * scale) / scale
    return apply(Round(), input / scale) * scale


fix = trunc

METHODS = {
    "exp": exp, "exp2": exp2, "expm1": expm1, "log": log, "log2": log2, "log10": log10, "log1p": log1p,
    "sqrt": sqrt, "rsqrt": rsqrt, "erf": erf, "floor": floor, "ceil": ceil, "trunc": trunc, "fix": trunc, "frac": frac,
    "round": round,
}
FUNCTIONS = tuple(METHODS)
