"""Kernels that turn raw 32-bit words of the Mersenne Twister into the numbers of a distribution.

``raw`` is always a C-contiguous uint64 array in which each element holds one 32-bit word (the form
in which NumPy's ``random_raw`` hands them over); ``out`` is one-dimensional. The arithmetic is in
strict IEEE order, and ``fma`` stands where PyTorch's x86-64 build rounds once, so that results
agree with it bit by bit.

Definitions: PyTorch's ``ATen/core/TransformationHelper.h``, ``ATen/core/DistributionsHelper.h`` and
``ATen/native/cpu/DistributionTemplates.h`` (2.13). Logarithm, sine and cosine in single precision
are those of the Cephes library (Moshier: ``logf``, ``sinf``, ``cosf``), which PyTorch uses there in
vectorised form.
"""

# Numba passes an intrinsic's typing context itself.
# pyright: reportCallIssue=false

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import intrinsic

from engine.kernels.jit import kernel, strict_helper

_WORD = np.uint64(32)
_MASK_24 = np.uint64((1 << 24) - 1)
_MASK_53 = np.uint64((1 << 53) - 1)
_STEP_24 = np.float32(2.0**-24)
_STEP_53 = 2.0**-53

_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_TWO_PI = np.float32(2.0 * math.pi)

# Cephes logf: polynomial of (log(1 + x) - x + x^2 / 2) / x^3 on [sqrt(1/2) - 1, sqrt(2) - 1];
# ln 2 in two parts.
_SQRT_HALF = np.float32(0.707106781186547524)
_LOG_P0 = np.float32(7.0376836292e-2)
_LOG_P1 = np.float32(-1.1514610310e-1)
_LOG_P2 = np.float32(1.1676998740e-1)
_LOG_P3 = np.float32(-1.2420140846e-1)
_LOG_P4 = np.float32(1.4249322787e-1)
_LOG_P5 = np.float32(-1.6668057665e-1)
_LOG_P6 = np.float32(2.0000714765e-1)
_LOG_P7 = np.float32(-2.4999993993e-1)
_LOG_P8 = np.float32(3.3333331174e-1)
_LN2_LOW = np.float32(-2.12194440e-4)
_LN2_HIGH = np.float32(0.693359375)

# Cephes sinf and cosf: 4 / pi, -pi / 4 in three parts, and the polynomials on [-pi / 4, pi / 4].
_FOUR_OVER_PI = np.float32(1.27323954473516)
_QUARTER_PI_1 = np.float32(-0.78515625)
_QUARTER_PI_2 = np.float32(-2.4187564849853515625e-4)
_QUARTER_PI_3 = np.float32(-3.77489497744594108e-8)
_SIN_P0 = np.float32(-1.9515295891e-4)
_SIN_P1 = np.float32(8.3321608736e-3)
_SIN_P2 = np.float32(-1.6666654611e-1)
_COS_P0 = np.float32(2.443315711809948e-5)
_COS_P1 = np.float32(-1.388731625493765e-3)
_COS_P2 = np.float32(4.166664568298827e-2)


@intrinsic
def fma(typing_context, a, b, c):
    """``a * b + c``, rounded once, for three scalars of one floating-point type."""
    if not (isinstance(a, types.Float) and a == b == c):
        return None

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return a(a, b, c), generate


@strict_helper
def _word_pair(raw, i):
    """The i-th 64-bit number: of two consecutive words the first is the high half."""
    return (raw[2 * i] << _WORD) | raw[2 * i + 1]


@strict_helper
def _uniform_24(word):
    """Float32 in [0, 1) on a grid of 2^-24, from the low 24 bits of a word."""
    return np.float32(np.int32(word & _MASK_24)) * _STEP_24


@strict_helper
def _uniform_53(pair):
    """Float64 in [0, 1) on a grid of 2^-53, from the low 53 bits of a 64-bit number."""
    return np.float64(np.int64(pair & _MASK_53)) * _STEP_53


@strict_helper
def _log(x):
    """Natural logarithm of a float32 in [2^-24, 1] (Cephes ``logf``)."""
    bits = np.float32(x).view(np.int32)
    e = np.float32((bits >> 23) - 126)
    m = np.int32((bits & 0x007FFFFF) | 0x3F000000).view(np.float32)
    if m < _SQRT_HALF:
        e -= _ONE
        x = (m - _ONE) + m
    else:
        x = m - _ONE
    y = fma(_LOG_P0, x, _LOG_P1)
    y = fma(y, x, _LOG_P2)
    y = fma(y, x, _LOG_P3)
    y = fma(y, x, _LOG_P4)
    y = fma(y, x, _LOG_P5)
    y = fma(y, x, _LOG_P6)
    y = fma(y, x, _LOG_P7)
    y = fma(y, x, _LOG_P8)
    z = x * x
    y = fma(y * x, z, e * _LN2_LOW)
    y = fma(-z, _HALF, y)
    return fma(e, _LN2_HIGH, x + y)


@strict_helper
def _cos_sin(x):
    """Cosine and sine of a float32 in [0, 2 pi] (Cephes ``cosf``, ``sinf``)."""
    octant = (np.int32(x * _FOUR_OVER_PI) + np.int32(1)) & np.int32(~1)
    y = np.float32(octant)
    x = fma(y, _QUARTER_PI_1, x)
    x = fma(y, _QUARTER_PI_2, x)
    x = fma(y, _QUARTER_PI_3, x)
    z = x * x
    c = fma(fma(_COS_P0, z, _COS_P1), z, _COS_P2) * z
    c = fma(c, z, -(z * _HALF)) + _ONE
    s = fma(fma(_SIN_P0, z, _SIN_P1), z, _SIN_P2) * z
    s = fma(s, x, x)
    if octant & 2:
        c, s = s, c
    if (octant - 2) & 4 == 0:
        c = -c
    if octant & 4:
        s = -s
    return c, s


@kernel(fastmath=False)
def uniform_float32(out, raw, low, high):
    """``out = low + (high - low) u``; a value that rounds up to ``high`` becomes ``low``."""
    scale = high - low
    for i in range(out.shape[0]):
        value = fma(_uniform_24(raw[i]), scale, low)
        out[i] = low if value == high else value


@kernel(fastmath=False)
def uniform_float64(out, raw, low, high):
    """``out = low + (high - low) u``; a value that rounds up to ``high`` becomes ``low``."""
    scale = high - low
    for i in range(out.shape[0]):
        value = fma(_uniform_53(_word_pair(raw, i)), scale, low)
        out[i] = low if value == high else value


@kernel(fastmath=False)
def normal_float32(out, raw, mean, std):
    """Box-Muller on groups of 16: ``u[j]`` gives the radius, ``u[j + 8]`` the angle, j < 8."""
    for start in range(0, out.shape[0] - 15, 16):
        for j in range(start, start + 8):
            radius = np.sqrt(np.float32(-2.0) * _log(_ONE - _uniform_24(raw[j])))
            c, s = _cos_sin(_TWO_PI * _uniform_24(raw[j + 8]))
            out[j] = fma(radius * c, std, mean)
            out[j + 8] = fma(radius * s, std, mean)


@kernel(fastmath=False)
def normal_float64(out, raw, mean, std):
    """Box-Muller on groups of 16: ``u[j]`` gives the radius, ``u[j + 8]`` the angle, j < 8."""
    for start in range(0, out.shape[0] - 15, 16):
        for j in range(start, start + 8):
            radius = math.sqrt(-2.0 * math.log(1.0 - _uniform_53(_word_pair(raw, j))))
            theta = 2.0 * math.pi * _uniform_53(_word_pair(raw, j + 8))
            out[j] = fma(radius * math.cos(theta), std, mean)
            out[j + 8] = fma(radius * math.sin(theta), std, mean)


@kernel(fastmath=False)
def normal_few(out, raw, cached, mean, std):
    """Box-Muller one number at a time, in float64 for every dtype of ``out``.

    A pair of uniforms gives two numbers; the second waits in ``cached[0]`` (NaN where none waits)
    for the next number that is asked for, perhaps by a later call.
    """
    used = 0
    for i in range(out.shape[0]):
        z = cached[0]
        if math.isnan(z):
            theta = 2.0 * math.pi * _uniform_53(_word_pair(raw, used))
            radius = math.sqrt(-2.0 * math.log1p(-_uniform_53(_word_pair(raw, used + 1))))
            used += 2
            cached[0] = radius * math.sin(theta)
            z = radius * math.cos(theta)
        else:
            cached[0] = math.nan
        out[i] = fma(z, std, mean)


@kernel(fastmath=False)
def bernoulli(out, raw, p):
    """``out = 1 where u < p else 0``, u in float64."""
    for i in range(out.shape[0]):
        out[i] = _uniform_53(_word_pair(raw, i)) < p


@kernel(fastmath=False)
def exponential(out, raw, rate):
    """``out = -log(1 - u) / rate``, in float64 for every dtype of ``out``."""
    factor = -1.0 / rate
    for i in range(out.shape[0]):
        out[i] = factor * math.log1p(-_uniform_53(_word_pair(raw, i)))


@kernel(fastmath=False)
def permutation(out, raw):
    """Fisher and Yates' shuffle of 0 .. n-1: element i changes places with one of i .. n-1."""
    n = out.shape[0]
    for i in range(n):
        out[i] = i
    for i in range(n - 1):
        j = i + np.int64(raw[i] % np.uint64(n - i))
        out[i], out[j] = out[j], out[i]
