"""Arithmetic on elements: operands a and b (broadcast to the result's shape, flattened), result y.

Where a value has no inverse or no slope the gradient is PyTorch's: named at each definition.
"""

import math

from engine.definitions.contract import defines

_DY = r"\frac{\partial L}{\partial y_i}"


@defines("y[i]", reads="x", latex=r"y_i = x_i", plain="y[i] = x[i], in the new dtype")
def cast_forward(x, i):
    return x[i]


@defines("dx[i]", reads="dy", latex=rf"\frac{{\partial L}}{{\partial x_i}} = {_DY}", plain="dx[i] = dy[i]")
def cast_backward(dy, i):
    return dy[i]


@defines("y[i]", reads="x", latex=r"y_i = x_i", plain="y[i] = x[i]")
def clone_forward(x, i):
    return x[i]


@defines("dx[i]", reads="dy", latex=rf"\frac{{\partial L}}{{\partial x_i}} = {_DY}", plain="dx[i] = dy[i]")
def clone_backward(dy, i):
    return dy[i]


@defines("y[i]", reads="x b", latex=r"y_i = b_i", plain="y[i] = b[i]")
def copy_forward(x, b, i):
    return b[i]


@defines("dx[i]", reads="dy", latex=r"\frac{\partial L}{\partial x_i} = 0", plain="dx[i] = 0")
def zero_gradient(dy, i):
    return 0.0


@defines("da[i]", reads="dy", latex=r"\frac{\partial L}{\partial a_i} = 0", plain="da[i] = 0")
def zero_gradient_a(dy, i):
    return 0.0


@defines("db[i]", reads="dy", latex=r"\frac{\partial L}{\partial b_i} = 0", plain="db[i] = 0")
def zero_gradient_b(dy, i):
    return 0.0


@defines("da[i]", reads="dy", latex=rf"\frac{{\partial L}}{{\partial a_i}} = {_DY}", plain="da[i] = dy[i]")
def pass_gradient_a(dy, i):
    return dy[i]


@defines("db[i]", reads="dy", latex=rf"\frac{{\partial L}}{{\partial b_i}} = {_DY}", plain="db[i] = dy[i]")
def pass_gradient_b(dy, i):
    return dy[i]


@defines("db[i]", reads="dy", latex=rf"\frac{{\partial L}}{{\partial b_i}} = -{_DY}", plain="db[i] = -dy[i]")
def negate_gradient_b(dy, i):
    return -dy[i]


@defines("y[i]", reads="a b", latex=r"y_i = a_i + b_i", plain="y[i] = a[i] + b[i]")
def add_forward(a, b, i):
    return a[i] + b[i]


@defines("y[i]", reads="a b", latex=r"y_i = a_i - b_i", plain="y[i] = a[i] - b[i]")
def sub_forward(a, b, i):
    return a[i] - b[i]


@defines("y[i]", reads="a b", latex=r"y_i = a_i\,b_i", plain="y[i] = a[i]·b[i]")
def mul_forward(a, b, i):
    return a[i] * b[i]


@defines("da[i]", reads="dy b", latex=rf"\frac{{\partial L}}{{\partial a_i}} = {_DY}\,b_i", plain="da[i] = dy[i]·b[i]")
def mul_backward_a(dy, b, i):
    return dy[i] * b[i]


@defines("db[i]", reads="dy a", latex=rf"\frac{{\partial L}}{{\partial b_i}} = {_DY}\,a_i", plain="db[i] = dy[i]·a[i]")
def mul_backward_b(dy, a, i):
    return dy[i] * a[i]


@defines("y[i]", reads="a b", latex=r"y_i = \frac{a_i}{b_i}", plain="y[i] = a[i] / b[i]")
def div_forward(a, b, i):
    return a[i] / b[i]


@defines(
    "da[i]", reads="dy b", latex=rf"\frac{{\partial L}}{{\partial a_i}} = {_DY}\,\frac{{1}}{{b_i}}",
    plain="da[i] = dy[i] / b[i]",
)
def div_backward_a(dy, b, i):
    return dy[i] / b[i]


@defines(
    "db[i]", reads="dy a b", latex=rf"\frac{{\partial L}}{{\partial b_i}} = -{_DY}\,\frac{{a_i}}{{b_i^2}}",
    plain="db[i] = -dy[i]·(a[i] / b[i]) / b[i]",
)
def div_backward_b(dy, a, b, i):
    return -dy[i] * ((a[i] / b[i]) / b[i])


@defines(
    "y[i]",
    reads="a b",
    latex=r"y_i = \lfloor a_i / b_i \rfloor",
    plain="y[i] = floor((a[i] - a[i] mod b[i])/b[i]), that is a[i]/b[i] rounded down",
)
def div_floor_forward(a, b, i):
    if b[i] == 0:
        return a[i] / b[i]
    quotient = (a[i] - a[i] % b[i]) / b[i]
    floored = math.floor(quotient)
    if quotient - floored > 0.5:
        floored += 1
    return floored


@defines(
    "y[i]",
    reads="a b",
    latex=r"y_i = \mathrm{trunc}(a_i / b_i)",
    plain="y[i] = trunc(a[i]/b[i]): cut off towards 0",
)
def div_trunc_forward(a, b, i):
    quotient = a[i] / b[i]
    if b[i] == 0:
        return quotient
    return math.trunc(quotient)


@defines(
    "y[i]",
    reads="a b",
    latex=r"y_i = a_i - b_i \lfloor a_i / b_i \rfloor",
    plain="y[i] = a[i] mod b[i], with the sign of b[i]: a[i] - b[i]·floor(a[i]/b[i])",
)
def remainder_forward(a, b, i):
    if b[i] == 0:
        return math.nan
    return a[i] % b[i]


@defines(
    "db[i]", reads="dy a b", latex=rf"\frac{{\partial L}}{{\partial b_i}} = -{_DY}\,\lfloor a_i / b_i \rfloor",
    plain="db[i] = -dy[i]·floor(a[i] / b[i])",
)
def remainder_backward_b(dy, a, b, i):
    return -dy[i] * math.floor(a[i] / b[i])


@defines(
    "y[i]",
    reads="a b",
    latex=r"y_i = a_i - b_i\,\mathrm{trunc}(a_i / b_i)",
    plain="y[i] = |a[i]| mod |b[i]| if a[i] ≥ 0 else -(|a[i]| mod |b[i]|): a[i] - b[i]·trunc(a[i]/b[i])",
)
def fmod_forward(a, b, i):
    if b[i] == 0:
        return math.nan
    rest = abs(a[i]) % abs(b[i])
    if a[i] < 0:
        return -rest
    return rest


@defines(
    "db[i]", reads="dy a b", latex=rf"\frac{{\partial L}}{{\partial b_i}} = -{_DY}\,\mathrm{{trunc}}(a_i / b_i)",
    plain="db[i] = -dy[i]·trunc(a[i] / b[i])",
)
def fmod_backward_b(dy, a, b, i):
    return -dy[i] * math.trunc(a[i] / b[i])


@defines("y[i]", reads="a b", latex=r"y_i = a_i^{b_i}", plain="y[i] = a[i]^b[i]")
def pow_forward(a, b, i):
    return a[i] ** b[i]


@defines(
    "da[i]",
    reads="dy a b",
    latex=rf"\frac{{\partial L}}{{\partial a_i}} = {_DY}\,b_i\,a_i^{{b_i - 1}}",
    plain="da[i] = dy[i]·b[i]·a[i]^(b[i] - 1), and 0 where b[i] = 0",
)
def pow_backward_a(dy, a, b, i):
    if b[i] == 0:
        return 0.0
    return dy[i] * (b[i] * a[i] ** (b[i] - 1))


@defines(
    "db[i]",
    reads="dy a b y",
    latex=rf"\frac{{\partial L}}{{\partial b_i}} = {_DY}\,y_i \ln a_i",
    plain="db[i] = dy[i]·y[i]·ln(a[i]), and 0 where a[i] = 0 and b[i] ≥ 0",
)
def pow_backward_b(dy, a, b, y, i):
    if a[i] == 0:
        if b[i] >= 0:
            return 0.0
        return dy[i] * y[i] * -math.inf
    if a[i] < 0:
        return math.nan
    return dy[i] * (y[i] * math.log(a[i]))


@defines("y[i]", reads="x", latex=r"y_i = -x_i", plain="y[i] = -x[i]")
def neg_forward(x, i):
    return -x[i]


@defines("dx[i]", reads="dy", latex=rf"\frac{{\partial L}}{{\partial x_i}} = -{_DY}", plain="dx[i] = -dy[i]")
def neg_backward(dy, i):
    return -dy[i]


@defines("y[i]", reads="x", latex=r"y_i = |x_i|", plain="y[i] = |x[i]|")
def abs_forward(x, i):
    return abs(x[i])


@defines(
    "dx[i]",
    reads="dy x",
    latex=rf"\frac{{\partial L}}{{\partial x_i}} = {_DY}\,\mathrm{{sign}}(x_i)",
    plain="dx[i] = dy[i] if x[i] > 0, -dy[i] if x[i] < 0, 0 if x[i] = 0",
)
def abs_backward(dy, x, i):
    if x[i] > 0:
        return dy[i]
    if x[i] < 0:
        return -dy[i]
    return 0.0


@defines("y[i]", reads="x", latex=r"y_i = \mathrm{sign}(x_i)", plain="y[i] = the sign of x[i]: 1, 0 or -1")
def sign_forward(x, i):
    if x[i] > 0:
        return 1.0
    if x[i] < 0:
        return -1.0
    return 0.0


@defines("y[i]", reads="x", latex=r"y_i = v", plain="y[i] = value")
def fill_forward(x, value, i):
    return value


@defines("db[i]", reads="dy", latex=rf"\frac{{\partial L}}{{\partial b_i}} = {_DY}", plain="db[i] = dy[i]")
def copy_backward_b(dy, i):
    return dy[i]
