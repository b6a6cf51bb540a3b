"""Data movement: every element of the result is an element of the input, or a fill value.

All operands are flat, in row-major order. The map k gives for each position i of the result the position k[i]
of the input that it is read from; where a result is filled with a constant, k[i] is -1. Ops with several
inputs (cat, stack) index their concatenation. In the ops that write into a copy of x (put, put_add), k[i] is
the position of x that the i-th value is written to.
"""

from engine.definitions.contract import defines


@defines(
    "y[i]",
    reads="x k",
    latex=r"y_i = x_{k_i}",
    plain="y[i] = x[⟦=k[i]¦k[i]⟧]⟦i >= 0:¦, k[i] the place in x that it is taken from⟧",
)
def movement_forward(x, k, i):
    return x[k[i]]


@defines(
    "y[i]",
    reads="x k",
    latex=r"y_i = \begin{cases} x_{k_i} & k_i \ge 0 \\ \mathrm{value} & \text{otherwise} \end{cases}",
    plain="y[i] = ⟦i >= 0:⟦k[i] >= 0:x[⟦=k[i]¦⟧]¦value: nothing of x stands here⟧"
    "¦x[k[i]] where an element of x stands, else value⟧",
)
def filled_forward(x, k, value, i):
    result = value
    if k[i] >= 0:
        result = x[k[i]]
    return result


@defines(
    "dx[j]",
    reads="dy k",
    latex=r"\frac{\partial L}{\partial x_j} = \sum_{i:\,k_i = j} \frac{\partial L}{\partial y_i}",
    plain="dx[j] = Σ_i dy[i] over the elements y[i] that were taken from x[j]",
)
def movement_backward(dy, k, j):
    total = 0.0
    for i in range(k.shape[0]):
        if k[i] == j:
            total += dy[i]
    return total


@defines(
    "y[j]",
    reads="x v k",
    latex=r"y_j = \begin{cases} v_i & k_i = j \\ x_j & j \notin k \end{cases}",
    plain="y[j] = the last v[i] that is written there, else x[j]",
)
def put_forward(x, v, k, j):
    result = x[j]
    for i in range(k.shape[0]):
        if k[i] == j:
            result = v[i]
    return result


@defines(
    "dx[j]",
    reads="dy k",
    latex=r"\frac{\partial L}{\partial x_j} = \begin{cases} 0 & j \in k \\ "
    r"\frac{\partial L}{\partial y_j} & \text{otherwise} \end{cases}",
    plain="dx[j] = 0 if something was written over x[j], else dy[j]",
)
def put_backward_input(dy, k, j):
    result = dy[j]
    for i in range(k.shape[0]):
        if k[i] == j:
            result = 0.0
    return result


@defines(
    "dv[i]",
    reads="dy k",
    latex=r"\frac{\partial L}{\partial v_i} = \frac{\partial L}{\partial y_{k_i}}",
    plain="dv[i] = dy[⟦=k[i]¦k[i]⟧], the place that v[i] was written to",
)
def put_backward_value(dy, k, i):
    return dy[k[i]]


@defines(
    "y[j]",
    reads="x v k",
    latex=r"y_j = x_j + ⟦alpha != 1:\alpha ⟧\sum_{i:\,k_i = j} v_i",
    plain="y[j] = x[j] + ⟦alpha != 1:alpha·⟧Σ_i v[i] over the v[i] that are added there",
)
def put_add_forward(x, v, k, alpha, j):
    total = 0.0
    for i in range(k.shape[0]):
        if k[i] == j:
            total += v[i]
    return x[j] + alpha * total


@defines(
    "dx[j]",
    reads="dy",
    latex=r"\frac{\partial L}{\partial x_j} = \frac{\partial L}{\partial y_j}",
    plain="dx[j] = dy[j]",
)
def put_add_backward_input(dy, j):
    return dy[j]


@defines(
    "dv[i]",
    reads="dy k",
    latex=r"\frac{\partial L}{\partial v_i} = ⟦alpha != 1:\alpha\,⟧\frac{\partial L}{\partial y_{k_i}}",
    plain="dv[i] = ⟦alpha != 1:alpha·⟧dy[⟦=k[i]¦k[i]⟧], the place that v[i] was added to",
)
def put_add_backward_value(dy, k, alpha, i):
    return alpha * dy[k[i]]
