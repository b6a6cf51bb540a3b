"""exp, expm1, log, log1p, tanh, sigmoid, erf and row maxima for kernels, written so that LLVM vectorises loops over them.

Without Intel's SVML, Numba compiles ``math.exp`` inside a loop to one library call an element. The float32
versions here are branch-free: range reduction, a polynomial, and powers of two put together from bits. They are
within 2 units in the last place of the true value (sigmoid: 2.3), subnormal results included, and treat infinities,
NaN and the sign of zero as C's functions do. For float64 they are Python's ``math``.

The coefficients are minimax fits (Lawson's iteration in float64, relative error of the function) rounded to float32;
the reductions are the usual ones: exp(x) = 2^n exp(r) and log(2^n m) = n ln 2 + log(m), with ln 2 in two parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

import engine.kernels.jit  # noqa: F401 - sets Numba's cache folder before anything is compiled

_OPTIONS: Any = {"nogil": True, "error_model": "numpy", "forceinline": True}

# Multiplication and addition may fuse; nothing else may be changed, or the reductions would lose their meaning.
# The flags belong to the instructions, so a caller's own freedoms do not reach in here.
def _accurate(function: Callable) -> Callable:
    return numba.njit(fastmath={"contract"}, **_OPTIONS)(function)


_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_TWO = np.float32(2.0)
_INFINITY = np.float32(math.inf)
_NAN = np.float32(math.nan)

_LOG2_E = np.float32(1.0 / math.log(2.0))
# ln 2 in two parts; the first has 9 significant bits, so that its product with an exponent is exact.
_LN2_HIGH = np.float32(0.693359375)
_LN2_LOW = np.float32(math.log(2.0) - 0.693359375)

# Adding 1.5 * 2^23 rounds a small float32 to an integer, which then stands in the low bits of the sum.
_ROUNDER = np.float32(12582912.0)
_ROUNDER_BITS = np.int32(0x4B400000)

# exp underflows to 0 below the first and overflows to infinity above the second.
_EXP_LOWEST = np.float32(-104.0)
_EXP_HIGHEST = np.float32(89.0)

_EXPM1_LARGE = np.float32(17.5)

# (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2.
_EXP_0 = np.float32(0.4999999403953552)
_EXP_1 = np.float32(0.1666652113199234)
_EXP_2 = np.float32(0.04166838899254799)
_EXP_3 = np.float32(0.0083687175065279)
_EXP_4 = np.float32(0.0013814596459269524)

# (log(1 + x) - x + x^2 / 2) / x^3 on [sqrt(1/2) - 1, sqrt(2) - 1].
_LOG_0 = np.float32(0.3333331346511841)
_LOG_1 = np.float32(-0.25000008940696716)
_LOG_2 = np.float32(0.2000211924314499)
_LOG_3 = np.float32(-0.1666799634695053)
_LOG_4 = np.float32(0.14219550788402557)
_LOG_5 = np.float32(-0.12405591458082199)
_LOG_6 = np.float32(0.11888174712657928)
_LOG_7 = np.float32(-0.11675640940666199)
_LOG_8 = np.float32(0.06746601313352585)
_SMALLEST_NORMAL = np.float32(2.0**-126)
_TWO_23 = np.float32(2.0**23)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_MANTISSA = np.int32(0x007FFFFF)
_SIGNLESS = np.int32(0x7FFFFFFF)

# (tanh(x) - x) / x^3 as a polynomial in x^2 on |x| <= 0.625.
_TANH_0 = np.float32(-0.3333328068256378)
_TANH_1 = np.float32(0.13331441581249237)
_TANH_2 = np.float32(-0.05373971164226532)
_TANH_3 = np.float32(0.020639078691601753)
_TANH_4 = np.float32(-0.005704978480935097)
_TANH_SMALL = np.float32(0.625)

# erf(x) / x - 1 as a polynomial in x^2 on |x| <= 0.93, and log(erfc(x)) on [0.92, 4].
_ERF_0 = np.float32(0.12837916612625122)
_ERF_1 = np.float32(-0.37612631916999817)
_ERF_2 = np.float32(0.11283687502145767)
_ERF_3 = np.float32(-0.026858940720558167)
_ERF_4 = np.float32(0.005199906416237354)
_ERF_5 = np.float32(-0.0008130011847242713)
_ERF_6 = np.float32(8.316772436955944e-05)
_TAIL_0 = np.float32(-0.00019566653645597398)
_TAIL_1 = np.float32(-1.1276756525039673)
_TAIL_2 = np.float32(-0.6371821761131287)
_TAIL_3 = np.float32(-0.10393166542053223)
_TAIL_4 = np.float32(0.022226955741643906)
_TAIL_5 = np.float32(-0.0030432266648858786)
_TAIL_6 = np.float32(0.00019593826436903328)
_ERF_SMALL = np.float32(0.925)
_ERF_ONE = np.float32(4.0)


@_accurate
def _power_of_two(n):
    """2^n as float32 for an int32 n in [-126, 127]."""
    return np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)


@_accurate
def _exp32(x):
    # The comparisons are false for NaN, which so passes through.
    x = _EXP_LOWEST if x < _EXP_LOWEST else x
    x = _EXP_HIGHEST if x > _EXP_HIGHEST else x
    shifted = x * _LOG2_E + _ROUNDER
    n = np.int32(np.float32(shifted).view(np.int32) - _ROUNDER_BITS)
    rounded = shifted - _ROUNDER
    r = (x - rounded * _LN2_HIGH) - rounded * _LN2_LOW
    p = (((_EXP_4 * r + _EXP_3) * r + _EXP_2) * r + _EXP_1) * r + _EXP_0
    p = (p * (r * r) + r) + _ONE
    # In two factors, since 2^128 and subnormal powers have no float32 of their own.
    half = np.int32(n >> np.int32(1))
    return (p * _power_of_two(half)) * _power_of_two(np.int32(n - half))


@_accurate
def _expm132(x):
    shifted = x * _LOG2_E + _ROUNDER
    rounded = shifted - _ROUNDER
    r = (x - rounded * _LN2_HIGH) - rounded * _LN2_LOW
    p = (((_EXP_4 * r + _EXP_3) * r + _EXP_2) * r + _EXP_1) * r + _EXP_0
    power = _power_of_two(np.int32(np.float32(shifted).view(np.int32) - _ROUNDER_BITS))
    result = power * (p * (r * r) + r) + (power - _ONE)
    # Where the 1 is lost or nearly lost in rounding anyway; NaN takes this way too.
    result = result if abs(x) < _EXPM1_LARGE else _exp32(x) - _ONE
    return x if x == _ZERO else result


@_accurate
def _log32(x):
    subnormal = x < _SMALLEST_NORMAL
    bits = np.float32(x * _TWO_23 if subnormal else x).view(np.int32)
    # Counted from sqrt(1/2), so that the mantissa m lies in [sqrt(1/2), sqrt(2)).
    offset = np.int32(bits - _SQRT_HALF_BITS)
    n = np.float32(np.int32(offset >> np.int32(23)))
    n = n - np.float32(23.0) if subnormal else n
    m = np.int32((offset & _MANTISSA) + _SQRT_HALF_BITS).view(np.float32) - _ONE
    p = _LOG_8
    p = p * m + _LOG_7
    p = p * m + _LOG_6
    p = p * m + _LOG_5
    p = p * m + _LOG_4
    p = p * m + _LOG_3
    p = p * m + _LOG_2
    p = p * m + _LOG_1
    p = p * m + _LOG_0
    square = m * m
    result = ((p * (square * m) + n * _LN2_LOW) - square * _HALF) + m + n * _LN2_HIGH
    result = x if x == _INFINITY else result
    result = -_INFINITY if x == _ZERO else result
    return result if x >= _ZERO else _NAN


@_accurate
def _log1p32(x):
    # Goldberg's correction: u = 1 + x is rounded, and (x - (u - 1)) / u is what the rounding lost.
    u = _ONE + x
    result = _log32(u) + (x - (u - _ONE)) / u
    result = x if x == _INFINITY else result
    result = -_INFINITY if u == _ZERO else result
    return x if x == _ZERO else result


@_accurate
def _tanh32(x):
    size = abs(x)
    square = x * x
    p = ((_TANH_4 * square + _TANH_3) * square + _TANH_2) * square + _TANH_1
    small = (p * square + _TANH_0) * square * x + x
    large = _ONE - _TWO / (_exp32(size + size) + _ONE)
    large = -large if x < _ZERO else large
    result = small if size < _TANH_SMALL else large
    return x if x == _ZERO else result


@_accurate
def _sigmoid32(x):
    e = _exp32(-abs(x))
    return (e if x < _ZERO else _ONE) / (_ONE + e)


@_accurate
def _erf32(x):
    s = x * x
    p = ((((_ERF_6 * s + _ERF_5) * s + _ERF_4) * s + _ERF_3) * s + _ERF_2) * s + _ERF_1
    small = (p * s + _ERF_0) * x + x
    t = abs(x)
    t = _ERF_ONE if t > _ERF_ONE else t
    q = ((((_TAIL_6 * t + _TAIL_5) * t + _TAIL_4) * t + _TAIL_3) * t + _TAIL_2) * t + _TAIL_1
    large = _ONE - _exp32(q * t + _TAIL_0)
    large = -large if x < _ZERO else large
    return small if t < _ERF_SMALL else large


@_accurate
def _key(bits):
    """A float32's bits as an integer that is ordered as the floats are; its own inverse."""
    return np.int32(bits ^ np.int32(np.int32(bits >> np.int32(31)) & _SIGNLESS))


@_accurate
def _maximum32(row):
    bits = row.view(np.int32)
    largest = _key(bits[0])
    for i in range(bits.size):
        largest = max(largest, _key(bits[i]))
    return np.int32(_key(largest)).view(np.float32)


@_accurate
def _maximum64(row):
    largest = row[0]
    for i in range(row.size):
        largest = row[i] if row[i] > largest else largest
    return largest


@_accurate
def _sigmoid64(x):
    e = math.exp(-abs(x))
    return (e if x < 0.0 else 1.0) / (1.0 + e)


def exp(x: float) -> float:
    """e^x."""
    return math.exp(x)


def expm1(x: float) -> float:
    """e^x - 1, accurate near 0."""
    return math.expm1(x)


def log(x: float) -> float:
    """Natural logarithm; -infinity at 0, NaN below."""
    return math.log(x)


def log1p(x: float) -> float:
    """log(1 + x), accurate near 0."""
    return math.log1p(x)


def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    return math.tanh(x)


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without overflow on either side."""
    return _sigmoid64.py_func(x)


def erf(x: float) -> float:
    """Error function, 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x."""
    return math.erf(x)


def maximum(row: np.ndarray) -> float:
    """The largest element of a contiguous row that has one; where the row holds a NaN, that or any other element.

    LLVM vectorises the maximum of integers, but of floats only where NaN is ruled out.
    """
    return row.max()


@overload(maximum, jit_options=_OPTIONS)
def _choose_maximum(row):
    if row.dtype == types.float32:
        return lambda row: _maximum32(row)
    return lambda row: _maximum64(row)


def _implement(function, single, double):
    @overload(function, jit_options=_OPTIONS)
    def choose(x):
        if x == types.float32:
            return lambda x: single(x)
        return lambda x: double(x)

    return choose


_implement(exp, _exp32, math.exp)
_implement(expm1, _expm132, math.expm1)
_implement(log, _log32, math.log)
_implement(log1p, _log1p32, math.log1p)
_implement(tanh, _tanh32, math.tanh)
_implement(sigmoid, _sigmoid32, _sigmoid64)
_implement(erf, _erf32, math.erf)
