"""Dropout: each element times its mask, which is 0 or 1 / (1 - p). Flat x and mask (n) → y (n)."""

from engine.definitions.contract import defines


@defines(
    "y[i]",
    reads="x mask",
    latex=r"y_i = x_i\,\mathrm{mask}_i",
    plain="y[i] = x[i]·mask[i], mask[i] = 0 with probability p, else 1/(1 - p)",
)
def dropout_forward(x, mask, i):
    return x[i] * mask[i]


@defines(
    "dx[i]",
    reads="dy mask",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,\mathrm{mask}_i",
    plain="dx[i] = dy[i]·mask[i]",
)
def dropout_backward(dy, mask, i):
    return dy[i] * mask[i]
