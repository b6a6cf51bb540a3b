"""Losses over classes: cross-entropy of logits with labels or with probabilities, and negative log-likelihood.

x (R, C) are rows of class scores, t (R) labels or q (R, C) probabilities, w (C) weights of the classes or size 0,
p (R, C) the softmax of x. For inputs (N, C, d1, ...) a row is a position of N, d1, ... . ``smoothing`` moves that share
of the label's probability evenly to all classes. Rows whose label is ``ignore_index`` have no loss. In gradients dy (R)
is what arrives at each row's loss.
"""

import math

from engine.definitions.contract import defines


def log_sum_of_exp(x, n):
    largest = x[n, 0]
    for k in range(x.shape[1]):
        if x[n, k] > largest:
            largest = x[n, k]
    total = 0.0
    for k in range(x.shape[1]):
        total += math.exp(x[n, k] - largest)
    return largest + math.log(total)


def class_weight(w, c):
    if w.shape[0] > 0:
        return w[c]
    return 1.0


def label_loss(x, t, w, ignore_index, smoothing, n):
    if t[n] == ignore_index:
        return 0.0
    logarithm = log_sum_of_exp(x, n)
    loss = (1.0 - smoothing) * class_weight(w, t[n]) * (logarithm - x[n, t[n]])
    if smoothing > 0.0:
        classes = x.shape[1]
        for k in range(classes):
            loss += smoothing / classes * class_weight(w, k) * (logarithm - x[n, k])
    return loss


@defines(
    "y[n]",
    reads="x t w",
    latex=r"y_n = w_{t_n}\left(\ln\sum_{k} e^{x_{n,k}} - x_{n,t_n}\right)",
    plain="y[n] = w[t[n]]·(log(Σ_k exp(x[n, k])) - x[n, t[n]]); with smoothing s: "
    "(1 - s)·that + s/C·Σ_c w[c]·(log(Σ_k exp(x[n, k])) - x[n, c])",
)
def cross_entropy_row(x, t, w, ignore_index, smoothing, n):
    return label_loss(x, t, w, ignore_index, smoothing, n)


@defines(
    "y[]",
    reads="x t w",
    latex=r"y = \frac{1}{\mathrm{divisor}}\sum_n w_{t_n}\left(\ln\sum_{k} e^{x_{n,k}} - x_{n,t_n}\right)",
    plain="y = Σ_n w[t[n]]·(log(Σ_k exp(x[n, k])) - x[n, t[n]]) / divisor; "
    "the divisor of the mean is Σ_n w[t[n]]",
)
def cross_entropy_reduced(x, t, w, ignore_index, smoothing, divisor):
    total = 0.0
    for n in range(x.shape[0]):
        total += label_loss(x, t, w, ignore_index, smoothing, n)
    return total / divisor


@defines(
    "dx[n, c]",
    reads="dy p t w",
    latex=r"\frac{\partial L}{\partial x_{n,c}} = \frac{\partial L}{\partial y}\,"
    r"\frac{w_{t_n}\left(p_{n,c} - [c = t_n]\right)}{\mathrm{divisor}},\; p = \mathrm{softmax}(x)",
    plain="dx[n, c] = dy·w[t[n]]·(p[n, c] - [c == t[n]]) / divisor, p = softmax(x)",
)
def cross_entropy_backward(dy, p, t, w, ignore_index, smoothing, divisor, n, c):
    if t[n] == ignore_index:
        return 0.0
    hit = 0.0
    if c == t[n]:
        hit = 1.0
    slope = (1.0 - smoothing) * class_weight(w, t[n]) * (p[n, c] - hit)
    if smoothing > 0.0:
        classes = p.shape[1]
        total = 0.0
        for k in range(classes):
            total += class_weight(w, k)
        slope += smoothing / classes * (p[n, c] * total - class_weight(w, c))
    return dy[n] * slope / divisor


def smoothed(q, smoothing, classes):
    return (1.0 - smoothing) * q + smoothing / classes


def distribution_loss(x, t, w, smoothing, n):
    logarithm = log_sum_of_exp(x, n)
    loss = 0.0
    for k in range(x.shape[1]):
        loss += class_weight(w, k) * smoothed(t[n, k], smoothing, x.shape[1]) * (logarithm - x[n, k])
    return loss


@defines(
    "y[n]",
    reads="x t w",
    latex=r"y_n = \sum_{c} w_c\,t_{n,c}\left(\ln\sum_{k} e^{x_{n,k}} - x_{n,c}\right)",
    plain="y[n] = Σ_c w[c]·t[n, c]·(log(Σ_k exp(x[n, k])) - x[n, c]); with smoothing s t is (1 - s)·t + s/C",
)
def soft_cross_entropy_row(x, t, w, smoothing, n):
    return distribution_loss(x, t, w, smoothing, n)


@defines(
    "y[]",
    reads="x t w",
    latex=r"y = \frac{1}{\mathrm{divisor}}\sum_{n,c} w_c\,t_{n,c}\left(\ln\sum_{k} e^{x_{n,k}} - x_{n,c}\right)",
    plain="y = Σ_n Σ_c w[c]·t[n, c]·(log(Σ_k exp(x[n, k])) - x[n, c]) / divisor; "
    "with smoothing s t is (1 - s)·t + s/C",
)
def soft_cross_entropy_reduced(x, t, w, smoothing, divisor):
    total = 0.0
    for n in range(x.shape[0]):
        total += distribution_loss(x, t, w, smoothing, n)
    return total / divisor


@defines(
    "dx[n, c]",
    reads="dy p t w",
    latex=r"\frac{\partial L}{\partial x_{n,c}} = \frac{\partial L}{\partial y}\,"
    r"\frac{p_{n,c}\sum_{k} w_k\,t_{n,k} - w_c\,t_{n,c}}{\mathrm{divisor}},\; p = \mathrm{softmax}(x)",
    plain="dx[n, c] = dy·(p[n, c]·Σ_k w[k]·t[n, k] - w[c]·t[n, c]) / divisor, p = softmax(x); "
    "with smoothing s t is (1 - s)·t + s/C",
)
def soft_cross_entropy_backward(dy, p, t, w, smoothing, divisor, n, c):
    classes = p.shape[1]
    total = 0.0
    for k in range(classes):
        total += class_weight(w, k) * smoothed(t[n, k], smoothing, classes)
    own = class_weight(w, c) * smoothed(t[n, c], smoothing, classes)
    return dy[n] * (p[n, c] * total - own) / divisor


@defines(
    "dt[n, c]",
    reads="dy x w",
    latex=r"\frac{\partial L}{\partial t_{n,c}} = \frac{\partial L}{\partial y}\,"
    r"\frac{w_c\left(\ln\sum_{k} e^{x_{n,k}} - x_{n,c}\right)}{\mathrm{divisor}}",
    plain="dt[n, c] = dy·(1 - smoothing)·w[c]·(log(Σ_k exp(x[n, k])) - x[n, c]) / divisor",
)
def soft_cross_entropy_backward_target(dy, x, w, smoothing, divisor, n, c):
    return dy[n] * (1.0 - smoothing) * class_weight(w, c) * (log_sum_of_exp(x, n) - x[n, c]) / divisor


@defines(
    "y[n]",
    reads="x t w",
    latex=r"y_n = -w_{t_n}\,x_{n,t_n}",
    plain="y[n] = -w[t[n]]·x[n, t[n]]",
)
def nll_loss_row(x, t, w, ignore_index, n):
    if t[n] == ignore_index:
        return 0.0
    return -class_weight(w, t[n]) * x[n, t[n]]


@defines(
    "y[]",
    reads="x t w",
    latex=r"y = -\frac{1}{\mathrm{divisor}}\sum_n w_{t_n}\,x_{n,t_n}",
    plain="y = -Σ_n w[t[n]]·x[n, t[n]] / divisor; the divisor of the mean is Σ_n w[t[n]]",
)
def nll_loss_reduced(x, t, w, ignore_index, divisor):
    total = 0.0
    for n in range(x.shape[0]):
        if t[n] != ignore_index:
            total -= class_weight(w, t[n]) * x[n, t[n]]
    return total / divisor


@defines(
    "dx[n, c]",
    reads="dy t w",
    latex=r"\frac{\partial L}{\partial x_{n,c}} = -\frac{\partial L}{\partial y}\,"
    r"\frac{w_{t_n}\,[c = t_n]}{\mathrm{divisor}}",
    plain="dx[n, c] = -dy·w[t[n]]·[c == t[n]] / divisor",
)
def nll_loss_backward(dy, t, w, ignore_index, divisor, n, c):
    if t[n] == ignore_index or c != t[n]:
        return 0.0
    return -dy[n] * class_weight(w, t[n]) / divisor
