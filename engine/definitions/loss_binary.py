"""Losses between probabilities, one element at a time: binary cross-entropy and Kullback-Leibler divergence.

Operands are flat: x (n), target t (n), weights w and pw (n, or size 0 where absent). Each loss has its element, its
reduction ``sum / divisor``, and its gradients, in which dy is the gradient that arrives at each element's loss.
"""

import math

from engine.definitions.contract import computed_as, defines
from engine.definitions.stable_forms import sigmoid_note, softplus_note

#: PyTorch's floors (ATen/native/Loss.cpp): of the logarithms forward, and of x (1 - x) backward.
LOG_FLOOR = -100.0
SPREAD_FLOOR = 1e-12


def floored_log(p):
    if p == 0.0:
        return LOG_FLOOR
    return max(math.log(p), LOG_FLOOR)


@computed_as(softplus_note)
def log_one_plus_exp(x):
    """log(1 + e^x) without overflow."""
    if x > 0.0:
        return x + math.log1p(math.exp(-x))
    return math.log1p(math.exp(x))


@computed_as(sigmoid_note)
def logistic(x):
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def cross_entropy_of_probability(p, t):
    return -(t * floored_log(p) + (1.0 - t) * floored_log(1.0 - p))


@defines(
    "y[i]",
    reads="x t w",
    latex=r"y_i = -⟦w:w_i⟧\left(t_i\ln x_i + (1 - t_i)\ln(1 - x_i)\right)",
    plain="y[i] = -(t[i]·ln(x[i]) + (1 - t[i])·ln(1 - x[i]))⟦w:·w[i]⟧, logarithms at least -100",
)
def binary_cross_entropy_element(x, t, w, i):
    loss = cross_entropy_of_probability(x[i], t[i])
    if w.shape[0] > 0:
        loss *= w[i]
    return loss


@defines(
    "y[]",
    reads="x t w",
    latex=r"y = -⟦divisor != 1:\frac{1}{N}⟧\sum_i ⟦w:w_i⟧\left(t_i\ln x_i + (1 - t_i)\ln(1 - x_i)\right)",
    plain="y = Σ_i -(t[i]·ln(x[i]) + (1 - t[i])·ln(1 - x[i]))⟦w:·w[i]⟧⟦divisor != 1: / N⟧, logarithms at least "
    "-100⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def binary_cross_entropy_reduced(x, t, w, divisor):
    total = 0.0
    for i in range(x.shape[0]):
        loss = cross_entropy_of_probability(x[i], t[i])
        if w.shape[0] > 0:
            loss *= w[i]
        total += loss
    return total / divisor


@defines(
    "dx[i]",
    reads="dy x t w",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,\frac{"
    r"⟦w:w_i\,⟧(x_i - t_i)}{\max(x_i(1 - x_i),\,10^{-12})⟦divisor != 1:\,N⟧}",
    plain="dx[i] = dy⟦dy.ndim:[i]⟧·(x[i] - t[i])/max(x[i]·(1 - x[i]), 1e-12)⟦w:·w[i]⟧⟦divisor != 1:/N⟧⟦divisor "
    "!= 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def binary_cross_entropy_backward(dy, x, t, w, divisor, i):
    slope = (x[i] - t[i]) / max(x[i] * (1.0 - x[i]), SPREAD_FLOOR)
    if w.shape[0] > 0:
        slope *= w[i]
    return dy[i] * slope / divisor


@defines(
    "dt[i]",
    reads="dy x w",
    latex=r"\frac{\partial L}{\partial t_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != 1:\frac{"
    r"⟦w:w_i⟧(\ln(1 - x_i) - \ln x_i)}{N}¦⟦w:w_i⟧(\ln(1 - x_i) - \ln x_i)⟧",
    plain="dt[i] = dy⟦dy.ndim:[i]⟧·(ln(1 - x[i]) - ln(x[i]))⟦w:·w[i]⟧⟦divisor != 1:/N⟧, logarithms at least -100"
    "⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def binary_cross_entropy_backward_target(dy, x, w, divisor, i):
    slope = floored_log(1.0 - x[i]) - floored_log(x[i])
    if w.shape[0] > 0:
        slope *= w[i]
    return dy[i] * slope / divisor


def cross_entropy_of_logit(x, t, positive):
    return (1.0 - t) * x + (1.0 + (positive - 1.0) * t) * log_one_plus_exp(-x)


@defines(
    "y[i]",
    reads="x t w pw",
    latex=r"y_i = ⟦w:w_i⟧\left((1 - t_i)\,x_i + ⟦pw:(1 + (pw_i - 1)\,t_i)\,⟧\ln(1 + e^{-x_i})\right)",
    plain="y[i] = ⟦w:(⟧(1 - t[i])·x[i] + ⟦pw:(1 + (pw[i] - 1)·t[i])·⟧ln(1 + exp(-x[i]))⟦w:)·w[i]⟧; the same as "
    "-(⟦pw:pw[i]·⟧t[i]·ln(s) + (1 - t[i])·ln(1 - s)) with s = 1/(1 + exp(-x[i])), and no exp overflows",
)
def binary_cross_entropy_with_logits_element(x, t, w, pw, i):
    positive = 1.0
    if pw.shape[0] > 0:
        positive = pw[i]
    loss = cross_entropy_of_logit(x[i], t[i], positive)
    if w.shape[0] > 0:
        loss *= w[i]
    return loss


@defines(
    "y[]",
    reads="x t w pw",
    latex=r"y = ⟦divisor != 1:\frac{1}{N}⟧\sum_i ⟦w:w_i⟧\left((1 - t_i)\,x_i + ⟦pw:(1 + (pw_i - "
    r"1)\,t_i)\,⟧\ln(1 + e^{-x_i})\right)",
    plain="y = Σ_i ((1 - t[i])·x[i] + ⟦pw:(1 + (pw[i] - 1)·t[i])·⟧ln(1 + exp(-x[i])))⟦w:·w[i]⟧⟦divisor != 1: / "
    "N⟧⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧; the same as -(⟦pw:pw[i]·⟧t[i]·ln(s) + (1 - "
    "t[i])·ln(1 - s)) with s = 1/(1 + exp(-x[i])), and no exp overflows",
)
def binary_cross_entropy_with_logits_reduced(x, t, w, pw, divisor):
    total = 0.0
    for i in range(x.shape[0]):
        positive = 1.0
        if pw.shape[0] > 0:
            positive = pw[i]
        loss = cross_entropy_of_logit(x[i], t[i], positive)
        if w.shape[0] > 0:
            loss *= w[i]
        total += loss
    return total / divisor


@defines(
    "dx[i]",
    reads="dy x t w pw",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != 1:\frac{"
    r"⟦w:w_i⟧\left(\sigma(x_i) - t_i⟦pw: + (pw_i - 1)\,t_i\,(\sigma(x_i) - "
    r"1)⟧\right)}{N}¦⟦w:w_i⟧\left(\sigma(x_i) - t_i⟦pw: + (pw_i - 1)\,t_i\,(\sigma(x_i) - 1)⟧\right)⟧",
    plain="dx[i] = dy⟦dy.ndim:[i]⟧·(s - t[i]⟦pw: + (pw[i] - 1)·t[i]·(s - 1)⟧)⟦w:·w[i]⟧⟦divisor != 1:/N⟧, s = "
    "1/(1 + exp(-x[i]))⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def binary_cross_entropy_with_logits_backward(dy, x, t, w, pw, divisor, i):
    s = logistic(x[i])
    slope = s - t[i]
    if pw.shape[0] > 0:
        slope += (pw[i] - 1.0) * t[i] * (s - 1.0)
    if w.shape[0] > 0:
        slope *= w[i]
    return dy[i] * slope / divisor


@defines(
    "dt[i]",
    reads="dy x w pw",
    latex=r"\frac{\partial L}{\partial t_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != 1:\frac{"
    r"⟦w:w_i⟧\left(-x_i⟦pw: + (pw_i - 1)\ln(1 + "
    r"e^{-x_i})⟧\right)}{N}¦⟦w:w_i⟧\left(-x_i⟦pw: + (pw_i - 1)\ln(1 + e^{-x_i})⟧\right)⟧",
    plain="dt[i] = dy⟦dy.ndim:[i]⟧·(-x[i]⟦pw: + (pw[i] - 1)·ln(1 + exp(-x[i]))⟧)⟦w:·w[i]⟧⟦divisor != 1:/N⟧"
    "⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def binary_cross_entropy_with_logits_backward_target(dy, x, w, pw, divisor, i):
    slope = 0.0 - x[i]
    if pw.shape[0] > 0:
        slope += (pw[i] - 1.0) * log_one_plus_exp(-x[i])
    if w.shape[0] > 0:
        slope *= w[i]
    return dy[i] * slope / divisor


def divergence(x, t, log_target):
    if log_target:
        return math.exp(t) * (t - x)
    if t == 0.0:
        return 0.0 - t * x
    return t * (math.log(t) - x)


@defines(
    "y[i]",
    reads="x t",
    latex=r"y_i = ⟦not log_target:t_i\,(\ln t_i - x_i)¦e^{t_i}\,(t_i - x_i)⟧",
    plain="y[i] = ⟦not log_target:t[i]·(ln(t[i]) - x[i])¦exp(t[i])·(t[i] - x[i])⟧",
)
def kl_div_element(x, t, log_target, i):
    return divergence(x[i], t[i], log_target)


@defines(
    "y[]",
    reads="x t",
    latex=r"y = ⟦divisor != 1:\frac{1}{N}⟧\sum_i ⟦not log_target:t_i\,(\ln t_i - x_i)¦e^{t_i}\,(t_i - x_i)⟧",
    plain="y = Σ_i ⟦not log_target:t[i]·(ln(t[i]) - x[i])¦exp(t[i])·(t[i] - x[i])⟧⟦divisor != 1: / N⟧⟦divisor "
    "!= 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def kl_div_reduced(x, t, log_target, divisor):
    total = 0.0
    for i in range(x.shape[0]):
        total += divergence(x[i], t[i], log_target)
    return total / divisor


@defines(
    "dx[i]",
    reads="dy t",
    latex=r"\frac{\partial L}{\partial x_i} = -\frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != 1:\frac{"
    r"⟦not log_target:t_i¦e^{t_i}⟧}{N}¦⟦not log_target:t_i¦e^{t_i}⟧⟧",
    plain="dx[i] = -dy⟦dy.ndim:[i]⟧·⟦not log_target:t[i]¦exp(t[i])⟧⟦divisor != 1:/N⟧⟦divisor != 1:, N = "
    "⟦=divisor¦how many are averaged⟧⟧",
)
def kl_div_backward(dy, t, log_target, divisor, i):
    if log_target:
        return -dy[i] * math.exp(t[i]) / divisor
    return -dy[i] * t[i] / divisor


@defines(
    "dt[i]",
    reads="dy x t",
    latex=r"\frac{\partial L}{\partial t_i} = \frac{\partial L}{\partial y⟦dy.ndim:_i⟧}\,⟦divisor != 1:\frac{"
    r"⟦not log_target:(\ln t_i + 1 - x_i)¦e^{t_i}\,(t_i + 1 - "
    r"x_i)⟧}{N}¦⟦not log_target:(\ln t_i + 1 - x_i)¦e^{t_i}\,(t_i + 1 - x_i)⟧⟧",
    plain="dt[i] = dy⟦dy.ndim:[i]⟧·⟦not log_target:(ln(t[i]) + 1 - x[i])¦exp(t[i])·(t[i] + 1 - x[i])⟧⟦divisor "
    "!= 1:/N⟧⟦divisor != 1:, N = ⟦=divisor¦how many are averaged⟧⟧",
)
def kl_div_backward_target(dy, x, t, log_target, divisor, i):
    if log_target:
        return dy[i] * math.exp(t[i]) * (t[i] + 1.0 - x[i]) / divisor
    if t[i] == 0.0:
        return dy[i] * -math.inf / divisor
    return dy[i] * (math.log(t[i]) + 1.0 - x[i]) / divisor
