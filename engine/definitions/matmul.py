"""Matrix products: a (B, M, K), b (B, K, N), y (B, M, N), with B the flattened batch dimensions (1 without)."""

from engine.definitions.contract import defines


@defines(
    "y[n, i, j]", reads="a b", latex=r"y_{n,i,j} = \sum_{k} a_{n,i,k}\,b_{n,k,j}",
    plain="y[n, i, j] = Σ_k a[n, i, k]·b[n, k, j]",
)
def matmul_forward(a, b, n, i, j):
    total = 0.0
    for k in range(a.shape[2]):
        total += a[n, i, k] * b[n, k, j]
    return total


@defines(
    "da[n, i, k]", reads="dy b",
    latex=r"\frac{\partial L}{\partial a_{n,i,k}} = \sum_{j} \frac{\partial L}{\partial y_{n,i,j}}\,b_{n,k,j}",
    plain="da[n, i, k] = Σ_j dy[n, i, j]·b[n, k, j]",
)
def matmul_backward_a(dy, b, n, i, k):
    total = 0.0
    for j in range(b.shape[2]):
        total += dy[n, i, j] * b[n, k, j]
    return total


@defines(
    "db[n, k, j]", reads="dy a",
    latex=r"\frac{\partial L}{\partial b_{n,k,j}} = \sum_{i} \frac{\partial L}{\partial y_{n,i,j}}\,a_{n,i,k}",
    plain="db[n, k, j] = Σ_i dy[n, i, j]·a[n, i, k]",
)
def matmul_backward_b(dy, a, n, k, j):
    total = 0.0
    for i in range(a.shape[1]):
        total += dy[n, i, j] * a[n, i, k]
    return total


@defines(
    "y[i, j]",
    reads="bias a b",
    latex=r"y_{i,j} = ⟦beta:⟦beta != 1:\beta\,⟧c_{i,j} + ⟧⟦alpha != 1:\alpha ⟧\sum_{k} a_{i,k}\,b_{k,j}"
    r"⟦beta:,\; c = \mathrm{bias}⟧",
    plain="y[i, j] = ⟦beta:⟦beta != 1:beta·⟧bias[i, j] + ⟧⟦alpha != 1:alpha·⟧Σ_k a[i, k]·b[k, j]",
)
def addmm_forward(bias, a, b, beta, alpha, i, j):
    total = 0.0
    for k in range(a.shape[1]):
        total += a[i, k] * b[k, j]
    if beta == 0:
        return alpha * total
    return beta * bias[i, j] + alpha * total


@defines(
    "dbias[i, j]",
    reads="dy",
    latex=r"\frac{\partial L}{\partial c_{i,j}} = ⟦beta != 1:\beta ⟧\frac{\partial L}{\partial y_{i,j}},\; c = "
    r"\mathrm{bias}",
    plain="dbias[i, j] = ⟦beta != 1:beta·⟧dy[i, j]",
)
def addmm_backward_bias(dy, beta, i, j):
    return beta * dy[i, j]


@defines(
    "da[i, k]",
    reads="dy b",
    latex=r"\frac{\partial L}{\partial a_{i,k}} = ⟦alpha != 1:\alpha ⟧\sum_{j} "
    r"\frac{\partial L}{\partial y_{i,j}}\,b_{k,j}",
    plain="da[i, k] = ⟦alpha != 1:alpha·⟧Σ_j dy[i, j]·b[k, j]",
)
def addmm_backward_a(dy, b, alpha, i, k):
    total = 0.0
    for j in range(b.shape[1]):
        total += dy[i, j] * b[k, j]
    return alpha * total


@defines(
    "db[k, j]",
    reads="dy a",
    latex=r"\frac{\partial L}{\partial b_{k,j}} = ⟦alpha != 1:\alpha ⟧\sum_{i} "
    r"\frac{\partial L}{\partial y_{i,j}}\,a_{i,k}",
    plain="db[k, j] = ⟦alpha != 1:alpha·⟧Σ_i dy[i, j]·a[i, k]",
)
def addmm_backward_b(dy, a, alpha, k, j):
    total = 0.0
    for i in range(a.shape[0]):
        total += dy[i, j] * a[i, k]
    return alpha * total
