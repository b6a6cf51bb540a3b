"""Angles and hyperbolic functions of one element. x, y flattened; outside its domain a function is NaN."""

import math

from engine.definitions.contract import defines

_DX = r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}"


@defines("y[i]", reads="x", latex=r"y_i = \sin x_i", plain="y[i] = sin(x[i])")
def sin_forward(x, i):
    if math.isinf(x[i]):
        return math.nan
    return math.sin(x[i])


@defines("dx[i]", reads="dy x", latex=_DX + r"\,\cos x_i", plain="dx[i] = dy[i]·cos(x[i])")
def sin_backward(dy, x, i):
    if math.isinf(x[i]):
        return math.nan
    return dy[i] * math.cos(x[i])


@defines("y[i]", reads="x", latex=r"y_i = \cos x_i", plain="y[i] = cos(x[i])")
def cos_forward(x, i):
    if math.isinf(x[i]):
        return math.nan
    return math.cos(x[i])


@defines("dx[i]", reads="dy x", latex=_DX + r"\cdot (-\sin x_i)", plain="dx[i] = -dy[i]·sin(x[i])")
def cos_backward(dy, x, i):
    if math.isinf(x[i]):
        return math.nan
    return -dy[i] * math.sin(x[i])


@defines("y[i]", reads="x", latex=r"y_i = \tan x_i", plain="y[i] = tan(x[i])")
def tan_forward(x, i):
    if math.isinf(x[i]):
        return math.nan
    return math.tan(x[i])


@defines("dx[i]", reads="dy y", latex=_DX + r"\,(1 + y_i^2)", plain="dx[i] = dy[i]·(1 + y[i]²)")
def tan_backward(dy, y, i):
    return dy[i] * (1.0 + y[i] * y[i])


def growing(v):
    if v > 709.78:
        return math.inf
    return math.exp(v)


@defines("y[i]", reads="x", latex=r"y_i = \sinh x_i", plain="y[i] = sinh(x[i]), that is (exp(x[i]) - exp(-x[i]))/2")
def sinh_forward(x, i):
    if abs(x[i]) > 700.0:
        return (growing(x[i]) - growing(-x[i])) / 2.0
    return math.sinh(x[i])


@defines("dx[i]", reads="dy x", latex=_DX + r"\,\cosh x_i", plain="dx[i] = dy[i]·cosh(x[i])")
def sinh_backward(dy, x, i):
    if abs(x[i]) > 700.0:
        return dy[i] * ((growing(x[i]) + growing(-x[i])) / 2.0)
    return dy[i] * math.cosh(x[i])


@defines("y[i]", reads="x", latex=r"y_i = \cosh x_i", plain="y[i] = cosh(x[i]), that is (exp(x[i]) + exp(-x[i]))/2")
def cosh_forward(x, i):
    if abs(x[i]) > 700.0:
        return (growing(x[i]) + growing(-x[i])) / 2.0
    return math.cosh(x[i])


@defines("dx[i]", reads="dy x", latex=_DX + r"\,\sinh x_i", plain="dx[i] = dy[i]·sinh(x[i])")
def cosh_backward(dy, x, i):
    if abs(x[i]) > 700.0:
        return dy[i] * ((growing(x[i]) - growing(-x[i])) / 2.0)
    return dy[i] * math.sinh(x[i])


@defines("y[i]", reads="x", latex=r"y_i = \arcsin x_i", plain="y[i] = arcsin(x[i])")
def asin_forward(x, i):
    if abs(x[i]) > 1.0:
        return math.nan
    return math.asin(x[i])


@defines(
    "dx[i]", reads="dy x", latex=_DX + r"\,\frac{1}{\sqrt{1 - x_i^2}}", plain="dx[i] = dy[i] / √(1 - x[i]²)"
)
def asin_backward(dy, x, i):
    if abs(x[i]) > 1.0:
        return math.nan
    return dy[i] / math.sqrt(1.0 - x[i] * x[i])


@defines("y[i]", reads="x", latex=r"y_i = \arccos x_i", plain="y[i] = arccos(x[i])")
def acos_forward(x, i):
    if abs(x[i]) > 1.0:
        return math.nan
    return math.acos(x[i])


@defines(
    "dx[i]", reads="dy x", latex=_DX + r"\,\frac{-1}{\sqrt{1 - x_i^2}}", plain="dx[i] = -dy[i] / √(1 - x[i]²)"
)
def acos_backward(dy, x, i):
    if abs(x[i]) > 1.0:
        return math.nan
    return -dy[i] / math.sqrt(1.0 - x[i] * x[i])


@defines("y[i]", reads="x", latex=r"y_i = \arctan x_i", plain="y[i] = arctan(x[i])")
def atan_forward(x, i):
    return math.atan(x[i])


@defines("dx[i]", reads="dy x", latex=_DX + r"\,\frac{1}{1 + x_i^2}", plain="dx[i] = dy[i] / (1 + x[i]²)")
def atan_backward(dy, x, i):
    return dy[i] / (1.0 + x[i] * x[i])


@defines(
    "y[i]",
    reads="a b",
    latex=r"y_i = \mathrm{atan2}(a_i, b_i)",
    plain="y[i] = atan2(a[i], b[i]): the angle of the point (b[i], a[i])",
)
def atan2_forward(a, b, i):
    return math.atan2(a[i], b[i])


@defines(
    "da[i]",
    reads="dy a b",
    latex=r"\frac{\partial L}{\partial a_i} = \frac{\partial L}{\partial y_i}\,\frac{b_i}{a_i^2 + b_i^2}",
    plain="da[i] = dy[i]/(a[i]² + b[i]²)·b[i], and 0 at the origin",
)
def atan2_backward_a(dy, a, b, i):
    square = a[i] * a[i] + b[i] * b[i]
    if square == 0:
        return 0.0
    return dy[i] / square * b[i]


@defines(
    "db[i]",
    reads="dy a b",
    latex=r"\frac{\partial L}{\partial b_i} = \frac{\partial L}{\partial y_i}\,\frac{-a_i}{a_i^2 + b_i^2}",
    plain="db[i] = -dy[i]/(a[i]² + b[i]²)·a[i], and 0 at the origin",
)
def atan2_backward_b(dy, a, b, i):
    square = a[i] * a[i] + b[i] * b[i]
    if square == 0:
        return 0.0
    return -dy[i] / square * a[i]
