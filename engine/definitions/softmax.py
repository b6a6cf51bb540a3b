"""Softmax and its logarithm over the last dimension: x (N, C) → y (N, C); gradients dy (N, C) → dx (N, C).

Other dimensions are moved to the end first. The largest entry of a row is subtracted before exponentials are taken, so
that none overflows.
"""

import math

from engine.definitions.contract import computed_as, defines


def _shift_note(x, n):
    return (
        "the greatest of the row is subtracted from each number before its exp is taken: the result is the same, and no exp "
        "overflows"
    )


@computed_as(_shift_note)
def row_maximum(x, n):
    largest = x[n, 0]
    for k in range(x.shape[1]):
        if x[n, k] > largest:
            largest = x[n, k]
    return largest


def row_sum_of_exp(x, n, largest):
    total = 0.0
    for k in range(x.shape[1]):
        total += math.exp(x[n, k] - largest)
    return total


@defines(
    "y[n, c]",
    reads="x",
    latex=r"y_{n,c} = \frac{e^{x_{n,c}}}{\sum_{k} e^{x_{n,k}}}",
    plain="y[n, c] = exp(x[n, c]) / Σ_k exp(x[n, k])",
)
def softmax_forward(x, n, c):
    largest = row_maximum(x, n)
    return math.exp(x[n, c] - largest) / row_sum_of_exp(x, n, largest)


@defines(
    "dx[n, c]",
    reads="dy y",
    latex=r"\frac{\partial L}{\partial x_{n,c}} = y_{n,c}\left(\frac{\partial L}{\partial y_{n,c}}"
    r" - \sum_{k} \frac{\partial L}{\partial y_{n,k}}\,y_{n,k}\right)",
    plain="dx[n, c] = y[n, c]·(dy[n, c] - Σ_k dy[n, k]·y[n, k])",
)
def softmax_backward(dy, y, n, c):
    total = 0.0
    for k in range(y.shape[1]):
        total += dy[n, k] * y[n, k]
    return y[n, c] * (dy[n, c] - total)


@defines(
    "y[n, c]",
    reads="x",
    latex=r"y_{n,c} = x_{n,c} - \ln\sum_{k} e^{x_{n,k}}",
    plain="y[n, c] = x[n, c] - ln(Σ_k exp(x[n, k]))",
)
def log_softmax_forward(x, n, c):
    largest = row_maximum(x, n)
    return x[n, c] - largest - math.log(row_sum_of_exp(x, n, largest))


@defines(
    "dx[n, c]",
    reads="dy y",
    latex=r"\frac{\partial L}{\partial x_{n,c}} = \frac{\partial L}{\partial y_{n,c}}"
    r" - e^{y_{n,c}}\sum_{k} \frac{\partial L}{\partial y_{n,k}}",
    plain="dx[n, c] = dy[n, c] - exp(y[n, c])·Σ_k dy[n, k]",
)
def log_softmax_backward(dy, y, n, c):
    total = 0.0
    for k in range(y.shape[1]):
        total += dy[n, k]
    return dy[n, c] - math.exp(y[n, c]) * total
