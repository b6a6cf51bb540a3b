"""Linear layer: y = x Wᵀ + b.

x (N, I), w (O, I), b (O) or absent, y (N, O); gradients dy (N, O) → dx, dw, db.
"""

from engine.definitions.contract import defines


@defines(
    "y[n, o]",
    reads="x w b",
    latex=r"y_{n,o} = \sum_{i} x_{n,i}\,w_{o,i}⟦b: + b_o⟧",
    plain="y[n, o] = Σ_i x[n, i]·w[o, i]⟦b: + b[o]⟧",
)
def linear_forward(x, w, b, n, o):
    total = 0.0
    for i in range(w.shape[1]):
        total += x[n, i] * w[o, i]
    if b.shape[0] > 0:
        total += b[o]
    return total


@defines(
    "dx[n, i]",
    reads="dy w",
    latex=r"\frac{\partial L}{\partial x_{n,i}} = \sum_{o} \frac{\partial L}{\partial y_{n,o}}\,w_{o,i}",
    plain="dx[n, i] = Σ_o dy[n, o]·w[o, i]",
)
def linear_backward_input(dy, w, n, i):
    total = 0.0
    for o in range(w.shape[0]):
        total += dy[n, o] * w[o, i]
    return total


@defines(
    "dw[o, i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial w_{o,i}} = \sum_{n} \frac{\partial L}{\partial y_{n,o}}\,x_{n,i}",
    plain="dw[o, i] = Σ_n dy[n, o]·x[n, i]",
)
def linear_backward_weight(dy, x, o, i):
    total = 0.0
    for n in range(x.shape[0]):
        total += dy[n, o] * x[n, i]
    return total


@defines(
    "db[o]",
    reads="dy",
    latex=r"\frac{\partial L}{\partial b_o} = \sum_{n} \frac{\partial L}{\partial y_{n,o}}",
    plain="db[o] = Σ_n dy[n, o]",
)
def linear_backward_bias(dy, o):
    total = 0.0
    for n in range(dy.shape[0]):
        total += dy[n, o]
    return total
