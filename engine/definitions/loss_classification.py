"""Losses over classes: cross-entropy of logits with labels or with probabilities, and negative log-likelihood.

x (R, C) are rows of class scores, t (R) labels or q (R, C) probabilities, w (C) weights of the classes or size 0,
p (R, C) the softmax of x. For inputs (N, C, d1, ...) a row is a position of N, d1, ... . ``smoothing`` moves that share
of the label's probability evenly to all classes. Rows whose label is ``ignore_index`` have no loss. In gradients dy (R)
is what arrives at each row's loss.
"""

import math

from engine.definitions.contract import computed_as, defines


def _shift_note(x, n):
    return (
        "ln(Σ exp(x)) is computed as m + ln(Σ exp(x - m)) with m the greatest of the row: the same number, and no exp "
        "overflows"
    )


#: Smoothing moves that share of the label's probability evenly to all classes.
_LABEL = (
    "⟦smoothing:(1 - smoothing)·⟧⟦w:w[t[n]]·⟧(L - x[n, t[n]])"
    "⟦smoothing: + Σ_c smoothing/C·⟦w:w[c]·⟧(L - x[n, c])⟧"
)
_LOG_SUM = ", L = ln(Σ_k exp(x[n, k]))⟦smoothing:, C = ⟦=x.shape[1]¦classes⟧⟧"
_LABEL_LATEX = (
    r"⟦smoothing:(1 - s)\,⟧⟦w:w_{t_n}⟧\left(L_n - x_{n,t_n}\right)"
    r"⟦smoothing: + \frac{s}{C}\sum_{c} ⟦w:w_c⟧\left(L_n - x_{n,c}\right)⟧"
)
_LOG_SUM_LATEX = r",\; L_n = \ln\sum_{k} e^{x_{n,k}}⟦smoothing:,\; s = \mathrm{smoothing}⟧"
#: A probability of the target, smoothed; what the loss of each row is divided by.
_Q = "⟦smoothing:q[n, {0}]¦t[n, {0}]⟧"
_Q_IS = "⟦smoothing:, q = (1 - smoothing)·t + smoothing/C, C = ⟦=w.shape[0] or p.shape[1]¦classes⟧⟧"
_Q_LATEX = "⟦smoothing:q_{n,%s}¦t_{n,%s}⟧"
_Q_IS_LATEX = r"⟦smoothing:,\; q = (1 - s)\,t + s/C,\; s = \mathrm{smoothing}⟧"
_ROWS = "⟦divisor != 1:, N = ⟦=divisor¦how many rows are averaged⟧⟦w: = Σ_k w[t[k]]⟧⟧"
_SOFT_ROWS = "⟦divisor != 1:, N = ⟦=divisor¦how many rows are averaged⟧⟧"
_MEAN = r"⟦divisor != 1:\frac{1}{N}⟧"
_DY = "dy⟦dy.ndim:[n]⟧"
_DY_LATEX = r"\frac{\partial L}{\partial y⟦dy.ndim:_n⟧}"
_IGNORED = "⟦any(t == ignore_index):; rows whose label is ⟦=ignore_index¦ignore_index⟧ count as 0⟧"


def _divided(formula):
    return rf"⟦divisor != 1:\frac{{{formula}}}{{N}}¦{formula}⟧"


@computed_as(_shift_note)
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
    latex=r"y_n = " + _LABEL_LATEX + _LOG_SUM_LATEX,
    plain=f"y[n] = {_LABEL}{_LOG_SUM}{_IGNORED}",
)
def cross_entropy_row(x, t, w, ignore_index, smoothing, n):
    return label_loss(x, t, w, ignore_index, smoothing, n)


@defines(
    "y[]",
    reads="x t w",
    latex=rf"y = {_MEAN}\sum_n ⟦smoothing:\left[⟧{_LABEL_LATEX}⟦smoothing:\right]⟧{_LOG_SUM_LATEX}",
    plain=f"y = Σ_n ⟦smoothing:(⟧{_LABEL}⟦smoothing:)⟧⟦divisor != 1: / N⟧{_LOG_SUM}{_ROWS}{_IGNORED}",
)
def cross_entropy_reduced(x, t, w, ignore_index, smoothing, divisor):
    total = 0.0
    for n in range(x.shape[0]):
        total += label_loss(x, t, w, ignore_index, smoothing, n)
    return total / divisor


@defines(
    "dx[n, c]",
    reads="dy p t w",
    latex=r"\frac{\partial L}{\partial x_{n,c}} = " + _DY_LATEX + r"\,"
    + _divided(r"⟦smoothing:\left[(1 - s)\,⟧⟦w:w_{t_n}⟧\left(p_{n,c} - [c = t_n]\right)"
               r"⟦smoothing: + \frac{s}{C}\left(p_{n,c}\,⟦w:\sum_k w_k - w_c¦C - 1⟧\right)\right]⟧")
    + r",\; p = \mathrm{softmax}(x)⟦smoothing:,\; s = \mathrm{smoothing}⟧",
    plain=f"dx[n, c] = {_DY}·⟦smoothing:((1 - smoothing)·⟧⟦w:w[t[n]]·⟧(p[n, c] - [c = t[n]])"
    "⟦smoothing: + smoothing/C·(p[n, c]·⟦w:Σ_k w[k] - w[c]¦C - 1⟧))⟧⟦divisor != 1:/N⟧, p = softmax(x)"
    f"⟦smoothing:, C = ⟦=p.shape[1]¦classes⟧⟧{_ROWS}{_IGNORED}",
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
    latex=rf"y_n = \sum_{{c}} ⟦w:w_c\,⟧{_Q_LATEX % ('c', 'c')}\left(L_n - x_{{n,c}}\right),\; L_n = "
    rf"\ln\sum_{{k}} e^{{x_{{n,k}}}}{_Q_IS_LATEX}",
    plain=f"y[n] = Σ_c ⟦w:w[c]·⟧{_Q.format('c')}·(L - x[n, c]), L = ln(Σ_k exp(x[n, k])){_Q_IS.replace('p.', 'x.')}",
)
def soft_cross_entropy_row(x, t, w, smoothing, n):
    return distribution_loss(x, t, w, smoothing, n)


@defines(
    "y[]",
    reads="x t w",
    latex=rf"y = {_MEAN}\sum_{{n,c}} ⟦w:w_c\,⟧{_Q_LATEX % ('c', 'c')}\left(L_n - x_{{n,c}}\right)"
    rf",\; L_n = \ln\sum_{{k}} e^{{x_{{n,k}}}}{_Q_IS_LATEX}",
    plain=f"y = Σ_n Σ_c ⟦w:w[c]·⟧{_Q.format('c')}·(L - x[n, c])⟦divisor != 1: / N⟧, L = ln(Σ_k exp(x[n, k]))"
    + _Q_IS.replace("p.", "x.") + _SOFT_ROWS,
)
def soft_cross_entropy_reduced(x, t, w, smoothing, divisor):
    total = 0.0
    for n in range(x.shape[0]):
        total += distribution_loss(x, t, w, smoothing, n)
    return total / divisor


@defines(
    "dx[n, c]",
    reads="dy p t w",
    latex=r"\frac{\partial L}{\partial x_{n,c}} = " + _DY_LATEX + r"\,"
    + _divided(rf"p_{{n,c}}\sum_{{k}} ⟦w:w_k\,⟧{_Q_LATEX % ('k', 'k')} - ⟦w:w_c\,⟧{_Q_LATEX % ('c', 'c')}")
    + r",\; p = \mathrm{softmax}(x)" + _Q_IS_LATEX,
    plain=f"dx[n, c] = {_DY}·(p[n, c]·Σ_k ⟦w:w[k]·⟧{_Q.format('k')} - ⟦w:w[c]·⟧{_Q.format('c')})⟦divisor != "
    f"1:/N⟧, p = softmax(x)"
    + _Q_IS + _SOFT_ROWS,
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
    latex=r"\frac{\partial L}{\partial t_{n,c}} = " + _DY_LATEX + r"\,"
    + _divided(r"⟦smoothing:(1 - s)\,⟧⟦w:w_c⟧\left(\ln\sum_{k} e^{x_{n,k}} - x_{n,c}\right)")
    + r"⟦smoothing:,\; s = \mathrm{smoothing}⟧",
    plain=f"dt[n, c] = {_DY}·⟦smoothing:(1 - smoothing)·⟧⟦w:w[c]·⟧(ln(Σ_k exp(x[n, k])) - x[n, c])⟦divisor != "
    f"1:/N⟧{_SOFT_ROWS}",
)
def soft_cross_entropy_backward_target(dy, x, w, smoothing, divisor, n, c):
    return dy[n] * (1.0 - smoothing) * class_weight(w, c) * (log_sum_of_exp(x, n) - x[n, c]) / divisor


@defines(
    "y[n]",
    reads="x t w",
    latex=r"y_n = -⟦w:w_{t_n}\,⟧x_{n,t_n}",
    plain="y[n] = -⟦w:w[t[n]]·⟧x[n, t[n]]" + _IGNORED,
)
def nll_loss_row(x, t, w, ignore_index, n):
    if t[n] == ignore_index:
        return 0.0
    return -class_weight(w, t[n]) * x[n, t[n]]


@defines(
    "y[]",
    reads="x t w",
    latex=r"y = -" + _MEAN + r"\sum_n ⟦w:w_{t_n}\,⟧x_{n,t_n}",
    plain=f"y = -Σ_n ⟦w:w[t[n]]·⟧x[n, t[n]]⟦divisor != 1: / N⟧{_ROWS}{_IGNORED}",
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
    latex=r"\frac{\partial L}{\partial x_{n,c}} = -" + _DY_LATEX + r"\," + _divided(r"⟦w:w_{t_n}\,⟧[c = t_n]"),
    plain=f"dx[n, c] = -{_DY}⟦w:·w[t[n]]⟧⟦divisor != 1:/N⟧ if c = t[n] else 0{_ROWS}{_IGNORED}",
)
def nll_loss_backward(dy, t, w, ignore_index, divisor, n, c):
    if t[n] == ignore_index or c != t[n]:
        return 0.0
    return -dy[n] * class_weight(w, t[n]) / divisor
