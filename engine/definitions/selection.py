"""Choosing between elements: where, clamp, maximum, minimum, lerp. Operands broadcast to the result and flattened."""

import math

from engine.definitions.contract import defines

_DA = r"\frac{\partial L}{\partial a_i} = \frac{\partial L}{\partial y_i}"
_DB = r"\frac{\partial L}{\partial b_i} = \frac{\partial L}{\partial y_i}"
_DX = r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}"
_CASES = r"\begin{cases} %s & %s \\ %s & \text{else} \end{cases}"


@defines(
    "y[i]", reads="condition a b", latex="y_i = " + _CASES % ("a_i", "c_i", "b_i"),
    plain="y[i] = a[i] where condition[i], else b[i]",
)
def where_forward(condition, a, b, i):
    if condition[i]:
        return a[i]
    return b[i]


@defines(
    "da[i]", reads="dy condition", latex=_DA + r"\,[c_i]", plain="da[i] = dy[i] where condition[i], else 0"
)
def where_backward_a(dy, condition, i):
    if condition[i]:
        return dy[i]
    return 0.0


@defines(
    "db[i]", reads="dy condition", latex=_DB + r"\,[\neg c_i]", plain="db[i] = 0 where condition[i], else dy[i]"
)
def where_backward_b(dy, condition, i):
    if condition[i]:
        return 0.0
    return dy[i]


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = ⟦low > -float('inf') and high < float('inf'):"
    r"\min(\max(x_i, \mathrm{low}), \mathrm{high})"
    r"¦⟦high < float('inf'):\min(x_i, \mathrm{high})¦\max(x_i, \mathrm{low})⟧⟧",
    plain="y[i] = x[i], but ⟦low > -float('inf'):at least low⟧⟦low > -float('inf') and high < float('inf'): and ⟧"
    "⟦high < float('inf'):at most high⟧",
)
def clamp_forward(x, low, high, i):
    value = x[i]
    if value < low:
        value = low
    if value > high:
        value = high
    return value


@defines(
    "dx[i]",
    reads="dy x",
    latex=_DX + r"\,[⟦low > -float('inf'):\mathrm{low} \leq ⟧x_i⟦high < float('inf'): \leq \mathrm{high}⟧]",
    plain="dx[i] = dy[i] if ⟦low > -float('inf'):low ≤ ⟧x[i]⟦high < float('inf'): ≤ high⟧, else 0",
)
def clamp_backward(dy, x, low, high, i):
    if x[i] >= low and x[i] <= high:
        return dy[i]
    return 0.0


@defines("y[i]", reads="a b", latex=r"y_i = \max(a_i, b_i)", plain="y[i] = max(a[i], b[i])")
def maximum_forward(a, b, i):
    if a[i] >= b[i] or math.isnan(a[i]):
        return a[i]
    return b[i]


@defines(
    "da[i]", reads="dy a b", latex=_DA + r"\,[a_i > b_i]",
    plain="da[i] = dy[i] where a[i] > b[i], dy[i] / 2 where they are equal, else 0",
)
def maximum_backward_a(dy, a, b, i):
    if a[i] == b[i]:
        return dy[i] / 2.0
    if a[i] < b[i]:
        return 0.0
    return dy[i]


@defines(
    "db[i]", reads="dy a b", latex=_DB + r"\,[b_i > a_i]",
    plain="db[i] = dy[i] where b[i] > a[i], dy[i] / 2 where they are equal, else 0",
)
def maximum_backward_b(dy, a, b, i):
    if a[i] == b[i]:
        return dy[i] / 2.0
    if b[i] < a[i]:
        return 0.0
    return dy[i]


@defines("y[i]", reads="a b", latex=r"y_i = \min(a_i, b_i)", plain="y[i] = min(a[i], b[i])")
def minimum_forward(a, b, i):
    if a[i] <= b[i] or math.isnan(a[i]):
        return a[i]
    return b[i]


@defines(
    "da[i]", reads="dy a b", latex=_DA + r"\,[a_i < b_i]",
    plain="da[i] = dy[i] where a[i] < b[i], dy[i] / 2 where they are equal, else 0",
)
def minimum_backward_a(dy, a, b, i):
    if a[i] == b[i]:
        return dy[i] / 2.0
    if a[i] > b[i]:
        return 0.0
    return dy[i]


@defines(
    "db[i]", reads="dy a b", latex=_DB + r"\,[b_i < a_i]",
    plain="db[i] = dy[i] where b[i] < a[i], dy[i] / 2 where they are equal, else 0",
)
def minimum_backward_b(dy, a, b, i):
    if a[i] == b[i]:
        return dy[i] / 2.0
    if b[i] > a[i]:
        return 0.0
    return dy[i]


@defines(
    "y[i]",
    reads="a b weight",
    latex=r"y_i = a_i + w_i (b_i - a_i)",
    plain="y[i] = a[i] + weight[i]·(b[i] - a[i]) if |weight[i]| < 0.5 else b[i] - (b[i] - a[i])·(1 - "
    "weight[i]), which is the same",
)
def lerp_forward(a, b, weight, i):
    if abs(weight[i]) < 0.5:
        return a[i] + weight[i] * (b[i] - a[i])
    return b[i] - (b[i] - a[i]) * (1.0 - weight[i])


@defines("da[i]", reads="dy weight", latex=_DA + r"\,(1 - w_i)", plain="da[i] = dy[i]·(1 - weight[i])")
def lerp_backward_a(dy, weight, i):
    return dy[i] * (1.0 - weight[i])


@defines("db[i]", reads="dy weight", latex=_DB + r"\,w_i", plain="db[i] = dy[i]·weight[i]")
def lerp_backward_b(dy, weight, i):
    return dy[i] * weight[i]


@defines(
    "dweight[i]", reads="dy a b",
    latex=r"\frac{\partial L}{\partial w_i} = \frac{\partial L}{\partial y_i}\,(b_i - a_i)",
    plain="dweight[i] = dy[i]·(b[i] - a[i])",
)
def lerp_backward_weight(dy, a, b, i):
    return dy[i] * (b[i] - a[i])
