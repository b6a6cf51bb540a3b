"""Functions of one element: exponentials, logarithms, roots, angles, rounding. x, y flattened.

Outside its domain a function is NaN, at a pole infinite: said here in so many words, because Python's ``math``
raises there.
"""

import math

from engine.definitions.contract import defines

_TWO_OVER_SQRT_PI = 1.1283791670955126  # 2 / √π
_LN2 = 0.6931471805599453
_LN10 = 2.302585092994046

_DX = r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}"


def exponential(v):
    if v > 709.78:
        return math.inf
    return math.exp(v)


def logarithm(v):
    if v > 0:
        return math.log(v)
    if v == 0:
        return -math.inf
    return math.nan


def root(v):
    if v < 0:
        return math.nan
    return math.sqrt(v)


@defines("y[i]", reads="x", latex=r"y_i = 1 / x_i", plain="y[i] = 1 / x[i]")
def reciprocal_forward(x, i):
    return 1.0 / x[i]


@defines("dx[i]", reads="dy y", latex=_DX + r"\cdot (-y_i^2)", plain="dx[i] = -dy[i]·y[i]²")
def reciprocal_backward(dy, y, i):
    return -dy[i] * (y[i] * y[i])


@defines("y[i]", reads="x", latex=r"y_i = e^{x_i}", plain="y[i] = exp(x[i])")
def exp_forward(x, i):
    return exponential(x[i])


@defines("dx[i]", reads="dy y", latex=_DX + r"\,y_i", plain="dx[i] = dy[i]·y[i]")
def exp_backward(dy, y, i):
    return dy[i] * y[i]


@defines("y[i]", reads="x", latex=r"y_i = 2^{x_i}", plain="y[i] = exp(x[i]·ln(2)), that is 2^x[i]")
def exp2_forward(x, i):
    return exponential(x[i] * _LN2)


@defines("dx[i]", reads="dy y", latex=_DX + r"\,y_i \ln 2", plain="dx[i] = dy[i]·y[i]·ln(2)")
def exp2_backward(dy, y, i):
    return dy[i] * y[i] * _LN2


@defines("y[i]", reads="x", latex=r"y_i = e^{x_i} - 1", plain="y[i] = exp(x[i]) - 1")
def expm1_forward(x, i):
    if x[i] > 709.78:
        return math.inf
    return math.expm1(x[i])


@defines("dx[i]", reads="dy y", latex=_DX + r"\,(y_i + 1)", plain="dx[i] = dy[i]·(y[i] + 1)")
def expm1_backward(dy, y, i):
    return dy[i] * (y[i] + 1.0)


@defines("y[i]", reads="x", latex=r"y_i = \ln x_i", plain="y[i] = ln(x[i])")
def log_forward(x, i):
    return logarithm(x[i])


@defines("dx[i]", reads="dy x", latex=_DX + r"\,\frac{1}{x_i}", plain="dx[i] = dy[i] / x[i]")
def log_backward(dy, x, i):
    return dy[i] / x[i]


@defines("y[i]", reads="x", latex=r"y_i = \log_2 x_i", plain="y[i] = ln(x[i])/ln(2), the logarithm to base 2")
def log2_forward(x, i):
    return logarithm(x[i]) / _LN2


@defines("dx[i]", reads="dy x", latex=_DX + r"\,\frac{1}{x_i \ln 2}", plain="dx[i] = dy[i]/(x[i]·ln(2))")
def log2_backward(dy, x, i):
    return dy[i] / (x[i] * _LN2)


@defines("y[i]", reads="x", latex=r"y_i = \log_{10} x_i", plain="y[i] = ln(x[i])/ln(10), the logarithm to base 10")
def log10_forward(x, i):
    return logarithm(x[i]) / _LN10


@defines("dx[i]", reads="dy x", latex=_DX + r"\,\frac{1}{x_i \ln 10}", plain="dx[i] = dy[i]/(x[i]·ln(10))")
def log10_backward(dy, x, i):
    return dy[i] / (x[i] * _LN10)


@defines("y[i]", reads="x", latex=r"y_i = \ln(1 + x_i)", plain="y[i] = ln(1 + x[i])")
def log1p_forward(x, i):
    if x[i] > -1:
        return math.log1p(x[i])
    if x[i] == -1:
        return -math.inf
    return math.nan


@defines("dx[i]", reads="dy x", latex=_DX + r"\,\frac{1}{1 + x_i}", plain="dx[i] = dy[i] / (1 + x[i])")
def log1p_backward(dy, x, i):
    return dy[i] / (x[i] + 1.0)


@defines("y[i]", reads="x", latex=r"y_i = \sqrt{x_i}", plain="y[i] = √x[i]")
def sqrt_forward(x, i):
    return root(x[i])


@defines("dx[i]", reads="dy y", latex=_DX + r"\,\frac{1}{2 y_i}", plain="dx[i] = dy[i] / (2·y[i])")
def sqrt_backward(dy, y, i):
    return dy[i] / (2.0 * y[i])


@defines("y[i]", reads="x", latex=r"y_i = 1 / \sqrt{x_i}", plain="y[i] = 1 / √x[i]")
def rsqrt_forward(x, i):
    return 1.0 / root(x[i])


@defines("dx[i]", reads="dy y", latex=_DX + r"\cdot (-\tfrac{1}{2} y_i^3)", plain="dx[i] = -0.5·dy[i]·y[i]³")
def rsqrt_backward(dy, y, i):
    return -0.5 * dy[i] * (y[i] * y[i] * y[i])


@defines("y[i]", reads="x", latex=r"y_i = \mathrm{erf}(x_i)", plain="y[i] = erf(x[i])")
def erf_forward(x, i):
    return math.erf(x[i])


@defines(
    "dx[i]",
    reads="dy x",
    latex=_DX + r"\,\frac{2}{\sqrt{\pi}} e^{-x_i^2}",
    plain="dx[i] = dy[i]·(2/√π)·exp(-x[i]²)",
)
def erf_backward(dy, x, i):
    return dy[i] * (_TWO_OVER_SQRT_PI * math.exp(-x[i] * x[i]))


@defines("y[i]", reads="x", latex=r"y_i = \lfloor x_i \rfloor", plain="y[i] = floor(x[i]), the next whole number below")
def floor_forward(x, i):
    if math.isinf(x[i]) or math.isnan(x[i]):
        return x[i]
    return math.floor(x[i])


@defines("y[i]", reads="x", latex=r"y_i = \lceil x_i \rceil", plain="y[i] = ceil(x[i]), the next whole number above")
def ceil_forward(x, i):
    if math.isinf(x[i]) or math.isnan(x[i]):
        return x[i]
    return math.ceil(x[i])


@defines("y[i]", reads="x", latex=r"y_i = \mathrm{trunc}(x_i)", plain="y[i] = trunc(x[i]): x[i] cut off towards 0")
def trunc_forward(x, i):
    if math.isinf(x[i]) or math.isnan(x[i]):
        return x[i]
    return math.trunc(x[i])


@defines("y[i]", reads="x", latex=r"y_i = x_i - \mathrm{trunc}(x_i)", plain="y[i] = x[i] - trunc(x[i])")
def frac_forward(x, i):
    if math.isinf(x[i]) or math.isnan(x[i]):
        return math.nan
    return x[i] - math.trunc(x[i])


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = \mathrm{round}(x_i)",
    plain="y[i] = floor(x[i]) or floor(x[i]) + 1, whichever is nearer; of two equally near the even one",
)
def round_forward(x, i):
    if math.isinf(x[i]) or math.isnan(x[i]):
        return x[i]
    below = math.floor(x[i])
    over = x[i] - below
    if over > 0.5 or (over == 0.5 and below % 2 != 0):
        return below + 1
    return below
