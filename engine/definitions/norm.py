"""Normalisations: batch, layer and group.

Each has its statistics (``mean`` and ``rstd`` = 1 / sqrt(variance + eps)) as results of their own, from which the
output and the gradients are computed. w and b, one number a channel or feature, are of size 0 where absent.

Batch norm: x (N, C, M), statistics (C). Layer norm: x (R, D), statistics (R), w and b (D).
Group norm: x (N, C, M), statistics (N, G); channel c belongs to group c // (C / G).
"""

import math

from engine.definitions.contract import defines

#: The group of channel c.
_GROUP = "⟦=c // (x.shape[1] // num_groups)¦⌊c/⟦=x.shape[1] // num_groups¦(C/G)⟧⌋⟧"
_SLOPE = r"\frac{\partial L}{\partial y_{%s}}"


def factor(w, c):
    if w.shape[0] > 0:
        return w[c]
    return 1.0


def summand(b, c):
    if b.shape[0] > 0:
        return b[c]
    return 0.0


# ---- batch norm ----


@defines(
    "mean[c]",
    reads="x",
    latex=r"\mu_{c} = \frac{1}{M}\sum_{n,m} x_{n,c,m}",
    plain="mean[c] = Σ_n,m x[n, c, m] / M, M = ⟦=x.shape[0] * x.shape[2]¦values of a channel⟧",
)
def batch_norm_mean(x, c):
    total = 0.0
    for n in range(x.shape[0]):
        for m in range(x.shape[2]):
            total += x[n, c, m]
    return total / (x.shape[0] * x.shape[2])


@defines(
    "rstd[c]",
    reads="x mean",
    latex=r"\mathrm{rstd}_{c} = \left(\frac{1}{M}\sum_{n,m} (x_{n,c,m} - \mu_{c})^2 + \varepsilon\right)^{-1/2}",
    plain="rstd[c] = 1/√(Σ_n,m (x[n, c, m] - mean[c])² / M + eps), M = ⟦=x.shape[0] * x.shape[2]¦values of a channel⟧",
)
def batch_norm_rstd(x, mean, eps, c):
    total = 0.0
    for n in range(x.shape[0]):
        for m in range(x.shape[2]):
            difference = x[n, c, m] - mean[c]
            total += difference * difference
    return 1.0 / math.sqrt(total / (x.shape[0] * x.shape[2]) + eps)


@defines(
    "y[n, c, m]",
    reads="x mean rstd w b",
    latex=r"y_{n,c,m} = ⟦w:w_c\,⟧(x_{n,c,m} - \mu_{c})\,\mathrm{rstd}_{c}⟦b: + b_c⟧",
    plain="y[n, c, m] = ⟦w:w[c]·⟧(x[n, c, m] - mean[c])·rstd[c]⟦b: + b[c]⟧",
)
def batch_norm_forward(x, mean, rstd, w, b, n, c, m):
    return factor(w, c) * ((x[n, c, m] - mean[c]) * rstd[c]) + summand(b, c)


@defines(
    "dx[n, c, m]",
    reads="dy x mean rstd w",
    latex=r"\frac{\partial L}{\partial x_{n,c,m}} = ⟦w:w_c\,⟧\mathrm{rstd}_c\,"
    r"⟦training:\left(" + _SLOPE % "n,c,m" + r" - \frac{1}{M}\sum_{k,j}" + _SLOPE % "k,c,j"
    + r" - \hat x_{n,c,m}\,\frac{1}{M}\sum_{k,j}" + _SLOPE % "k,c,j" + r"\,\hat x_{k,c,j}\right)"
    r",\; \hat x = (x - \mu)\,\mathrm{rstd}¦" + _SLOPE % "n,c,m" + "⟧",
    plain="dx[n, c, m] = ⟦w:w[c]·⟧rstd[c]·⟦training:(dy[n, c, m] - Σ_k,j dy[k, c, j] / M"
    " - x̂[n, c, m]·Σ_k,j dy[k, c, j]·x̂[k, c, j] / M), x̂ = (x - mean)·rstd, M = ⟦=x.shape[0] * "
    "x.shape[2]¦values of a channel⟧"
    "¦dy[n, c, m]; in evaluation mean and rstd are constants⟧",
)
def batch_norm_backward_input(dy, x, mean, rstd, w, training, n, c, m):
    slope = factor(w, c) * rstd[c]
    if not training:
        return slope * dy[n, c, m]
    total = 0.0
    product = 0.0
    for k in range(x.shape[0]):
        for j in range(x.shape[2]):
            total += dy[k, c, j]
            product += dy[k, c, j] * (x[k, c, j] - mean[c]) * rstd[c]
    count = x.shape[0] * x.shape[2]
    normalised = (x[n, c, m] - mean[c]) * rstd[c]
    return slope * (dy[n, c, m] - total / count - normalised * product / count)


@defines(
    "dw[c]",
    reads="dy x mean rstd",
    latex=r"\frac{\partial L}{\partial w_c} = \sum_{n,m} " + _SLOPE % "n,c,m" + r"\,(x_{n,c,m} - \mu_c)\,\mathrm{rstd}_c",
    plain="dw[c] = Σ_n,m dy[n, c, m]·(x[n, c, m] - mean[c])·rstd[c]",
)
def batch_norm_backward_weight(dy, x, mean, rstd, c):
    total = 0.0
    for n in range(x.shape[0]):
        for m in range(x.shape[2]):
            total += dy[n, c, m] * (x[n, c, m] - mean[c]) * rstd[c]
    return total


@defines(
    "db[c]",
    reads="dy",
    latex=r"\frac{\partial L}{\partial b_c} = \sum_{n,m} " + _SLOPE % "n,c,m",
    plain="db[c] = Σ_n,m dy[n, c, m]",
)
def batch_norm_backward_bias(dy, c):
    total = 0.0
    for n in range(dy.shape[0]):
        for m in range(dy.shape[2]):
            total += dy[n, c, m]
    return total


# ---- layer norm ----


@defines(
    "mean[r]",
    reads="x",
    latex=r"\mu_{r} = \frac{1}{D}\sum_{d} x_{r,d}",
    plain="mean[r] = Σ_d x[r, d] / D, D = ⟦=x.shape[1]¦values of a row⟧",
)
def layer_norm_mean(x, r):
    total = 0.0
    for d in range(x.shape[1]):
        total += x[r, d]
    return total / x.shape[1]


@defines(
    "rstd[r]",
    reads="x mean",
    latex=r"\mathrm{rstd}_{r} = \left(\frac{1}{D}\sum_{d} (x_{r,d} - \mu_{r})^2 + \varepsilon\right)^{-1/2}",
    plain="rstd[r] = 1/√(Σ_d (x[r, d] - mean[r])² / D + eps), D = ⟦=x.shape[1]¦values of a row⟧",
)
def layer_norm_rstd(x, mean, eps, r):
    total = 0.0
    for d in range(x.shape[1]):
        difference = x[r, d] - mean[r]
        total += difference * difference
    return 1.0 / math.sqrt(total / x.shape[1] + eps)


@defines(
    "y[r, d]",
    reads="x mean rstd w b",
    latex=r"y_{r,d} = ⟦w:w_d\,⟧(x_{r,d} - \mu_{r})\,\mathrm{rstd}_{r}⟦b: + b_d⟧",
    plain="y[r, d] = ⟦w:w[d]·⟧(x[r, d] - mean[r])·rstd[r]⟦b: + b[d]⟧",
)
def layer_norm_forward(x, mean, rstd, w, b, r, d):
    return factor(w, d) * ((x[r, d] - mean[r]) * rstd[r]) + summand(b, d)


@defines(
    "dx[r, d]",
    reads="dy x mean rstd w",
    latex=r"\frac{\partial L}{\partial x_{r,d}} = \mathrm{rstd}_r\left(h_{r,d} - \frac{1}{D}\sum_k h_{r,k}"
    r" - \hat x_{r,d}\,\frac{1}{D}\sum_k h_{r,k}\,\hat x_{r,k}\right),\; h = ⟦w:w\,⟧\frac{\partial L}{\partial y},\; "
    r"\hat x = (x - \mu)\,\mathrm{rstd}",
    plain="dx[r, d] = rstd[r]·(h[r, d] - Σ_k h[r, k] / D - x̂[r, d]·Σ_k h[r, k]·x̂[r, k] / D), "
    "h = ⟦w:w·⟧dy, x̂ = (x - mean)·rstd, D = ⟦=x.shape[1]¦values of a row⟧",
)
def layer_norm_backward_input(dy, x, mean, rstd, w, r, d):
    total = 0.0
    product = 0.0
    for k in range(x.shape[1]):
        g = factor(w, k) * dy[r, k]
        total += g
        product += g * (x[r, k] - mean[r]) * rstd[r]
    normalised = (x[r, d] - mean[r]) * rstd[r]
    return rstd[r] * (factor(w, d) * dy[r, d] - total / x.shape[1] - normalised * product / x.shape[1])


@defines(
    "dw[d]",
    reads="dy x mean rstd",
    latex=r"\frac{\partial L}{\partial w_d} = \sum_{r} " + _SLOPE % "r,d" + r"\,(x_{r,d} - \mu_r)\,\mathrm{rstd}_r",
    plain="dw[d] = Σ_r dy[r, d]·(x[r, d] - mean[r])·rstd[r]",
)
def layer_norm_backward_weight(dy, x, mean, rstd, d):
    total = 0.0
    for r in range(x.shape[0]):
        total += dy[r, d] * (x[r, d] - mean[r]) * rstd[r]
    return total


@defines(
    "db[d]",
    reads="dy",
    latex=r"\frac{\partial L}{\partial b_d} = \sum_{r} " + _SLOPE % "r,d",
    plain="db[d] = Σ_r dy[r, d]",
)
def layer_norm_backward_bias(dy, d):
    total = 0.0
    for r in range(dy.shape[0]):
        total += dy[r, d]
    return total


# ---- group norm ----


@defines(
    "mean[n, g]",
    reads="x",
    latex=r"\mu_{n,g} = \frac{1}{M}\sum_{c \in g,\,m} x_{n,c,m}",
    plain="mean[n, g] = Σ_c,m x[n, c, m] / M, M = ⟦=x.shape[1] // num_groups * x.shape[2]¦values of a group⟧; c "
    "runs over the channels of group g",
)
def group_norm_mean(x, num_groups, n, g):
    channels = x.shape[1] // num_groups
    total = 0.0
    for c in range(g * channels, (g + 1) * channels):
        for m in range(x.shape[2]):
            total += x[n, c, m]
    return total / (channels * x.shape[2])


@defines(
    "rstd[n, g]",
    reads="x mean",
    latex=r"\mathrm{rstd}_{n,g} = \left(\frac{1}{M}\sum_{c \in g,\,m} (x_{n,c,m} - \mu_{n,g})^2 + "
    r"\varepsilon\right)^{-1/2}",
    plain="rstd[n, g] = 1/√(Σ_c,m (x[n, c, m] - mean[n, g])² / M + eps), M = ⟦=x.shape[1] // num_groups * "
    "x.shape[2]¦values of a group⟧; c runs over the channels of group g",
)
def group_norm_rstd(x, mean, num_groups, eps, n, g):
    channels = x.shape[1] // num_groups
    total = 0.0
    for c in range(g * channels, (g + 1) * channels):
        for m in range(x.shape[2]):
            difference = x[n, c, m] - mean[n, g]
            total += difference * difference
    return 1.0 / math.sqrt(total / (channels * x.shape[2]) + eps)


@defines(
    "y[n, c, m]",
    reads="x mean rstd w b",
    latex=r"y_{n,c,m} = ⟦w:w_c\,⟧(x_{n,c,m} - \mu_{n,g})\,\mathrm{rstd}_{n,g}⟦b: + b_c⟧,\; g = \lfloor c/"
    r"⟦=x.shape[1] // num_groups¦(C/G)⟧\rfloor",
    plain="y[n, c, m] = ⟦w:w[c]·⟧(x[n, c, m] - mean[n, g])·rstd[n, g]⟦b: + b[c]⟧, g = " + _GROUP,
)
def group_norm_forward(x, mean, rstd, w, b, num_groups, n, c, m):
    g = c // (x.shape[1] // num_groups)
    return factor(w, c) * ((x[n, c, m] - mean[n, g]) * rstd[n, g]) + summand(b, c)


@defines(
    "dx[n, c, m]",
    reads="dy x mean rstd w",
    latex=r"\frac{\partial L}{\partial x_{n,c,m}} = \mathrm{rstd}_{n,g}\left(h_{n,c,m} - "
    r"\frac{1}{M}\sum_{k \in g,\,j} h_{n,k,j}"
    r" - \hat x_{n,c,m}\,\frac{1}{M}\sum_{k \in g,\,j} h_{n,k,j}\,\hat x_{n,k,j}\right),\; "
    r"h = ⟦w:w\,⟧\frac{\partial L}{\partial y},\; \hat x = (x - \mu)\,\mathrm{rstd}",
    plain="dx[n, c, m] = rstd[n, g]·(h[n, c, m] - Σ_k,j h[n, k, j] / M - x̂[n, c, m]·Σ_k,j h[n, k, j]·x̂[n, k, "
    "j] / M), "
    "h = ⟦w:w·⟧dy, x̂ = (x - mean)·rstd, g = " + _GROUP
    + ", M = ⟦=x.shape[1] // num_groups * x.shape[2]¦values of a group⟧; k runs over the channels of group g",
)
def group_norm_backward_input(dy, x, mean, rstd, w, num_groups, n, c, m):
    channels = x.shape[1] // num_groups
    g = c // channels
    total = 0.0
    product = 0.0
    for k in range(g * channels, (g + 1) * channels):
        for j in range(x.shape[2]):
            h = factor(w, k) * dy[n, k, j]
            total += h
            product += h * (x[n, k, j] - mean[n, g]) * rstd[n, g]
    count = channels * x.shape[2]
    normalised = (x[n, c, m] - mean[n, g]) * rstd[n, g]
    return rstd[n, g] * (factor(w, c) * dy[n, c, m] - total / count - normalised * product / count)


@defines(
    "dw[c]",
    reads="dy x mean rstd",
    latex=r"\frac{\partial L}{\partial w_c} = \sum_{n,m} " + _SLOPE % "n,c,m"
    + r"\,(x_{n,c,m} - \mu_{n,g})\,\mathrm{rstd}_{n,g}",
    plain="dw[c] = Σ_n,m dy[n, c, m]·(x[n, c, m] - mean[n, g])·rstd[n, g], g = " + _GROUP,
)
def group_norm_backward_weight(dy, x, mean, rstd, num_groups, c):
    g = c // (x.shape[1] // num_groups)
    total = 0.0
    for n in range(x.shape[0]):
        for m in range(x.shape[2]):
            total += dy[n, c, m] * (x[n, c, m] - mean[n, g]) * rstd[n, g]
    return total
