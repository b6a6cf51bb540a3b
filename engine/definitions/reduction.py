"""Reductions: x (K, R) is the input with the kept dimensions first and the reduced ones last, each flattened; y (K).

Running sums and products have y (K, R) too.
"""

import math

from engine.definitions.contract import defines

_DX = r"\frac{\partial L}{\partial x_{k,r}} = \frac{\partial L}{\partial y_k}"


@defines("y[k]", reads="x", latex=r"y_k = \sum_{r} x_{k,r}", plain="y[k] = Σ_r x[k, r]")
def sum_forward(x, k):
    total = 0.0
    for r in range(x.shape[1]):
        total += x[k, r]
    return total


@defines("dx[k, r]", reads="dy", latex=_DX, plain="dx[k, r] = dy[k]")
def sum_backward(dy, k, r):
    return dy[k]


@defines(
    "y[k]",
    reads="x",
    latex=r"y_k = \frac{1}{R} \sum_{r} x_{k,r}",
    plain="y[k] = Σ_r x[k, r] / R, R = ⟦=x.shape[1]¦how many are reduced⟧",
)
def mean_forward(x, k):
    total = 0.0
    for r in range(x.shape[1]):
        total += x[k, r]
    return total / x.shape[1]


@defines("dx[k, r]", reads="dy", latex=_DX + r" / R", plain="dx[k, r] = dy[k] / R, R = ⟦=n¦how many are reduced⟧")
def mean_backward(dy, n, k, r):
    return dy[k] / n


@defines("y[k]", reads="x", latex=r"y_k = \prod_{r} x_{k,r}", plain="y[k] = Π_r x[k, r]")
def prod_forward(x, k):
    product = 1.0
    for r in range(x.shape[1]):
        product *= x[k, r]
    return product


@defines("dx[k, r]", reads="dy x", latex=_DX + r"\prod_{s \neq r} x_{k,s}", plain="dx[k, r] = dy[k]·Π_{s≠r} x[k, s]")
def prod_backward(dy, x, k, r):
    product = 1.0
    for s in range(x.shape[1]):
        if s != r:
            product *= x[k, s]
    return dy[k] * product


def mean_of(x, k):
    total = 0.0
    for r in range(x.shape[1]):
        total += x[k, r]
    return total / x.shape[1]


def variance_of(x, correction, k):
    mean = mean_of(x, k)
    total = 0.0
    for r in range(x.shape[1]):
        total += (x[k, r] - mean) * (x[k, r] - mean)
    return total / max(0.0, x.shape[1] - correction)


@defines(
    "y[k]",
    reads="x",
    latex=r"y_k = \frac{1}{R⟦correction: - ⟦=correction¦c⟧⟧} \sum_{r} (x_{k,r} - \bar{x}_k)^2",
    plain="y[k] = Σ_r (x[k, r] - m)² / (R⟦correction: - ⟦=correction¦correction⟧⟧), m = Σ_r x[k, r] / R, R = "
    "⟦=x.shape[1]¦how many are reduced⟧",
)
def var_forward(x, correction, k):
    return variance_of(x, correction, k)


@defines(
    "dx[k, r]",
    reads="dy x",
    latex=_DX + r"\,\frac{2 (x_{k,r} - \bar{x}_k)}{R⟦correction: - ⟦=correction¦c⟧⟧}",
    plain="dx[k, r] = dy[k]·2/(R⟦correction: - ⟦=correction¦correction⟧⟧)·(x[k, r] - m), m = Σ_r x[k, r] / R, R "
    "= ⟦=x.shape[1]¦how many are reduced⟧",
)
def var_backward(dy, x, correction, k, r):
    return dy[k] * (2.0 / (x.shape[1] - correction)) * (x[k, r] - mean_of(x, k))


@defines(
    "y[k]",
    reads="x",
    latex=r"y_k = \sqrt{\frac{1}{R⟦correction: - ⟦=correction¦c⟧⟧} \sum_{r} (x_{k,r} - \bar{x}_k)^2}",
    plain="y[k] = √(Σ_r (x[k, r] - m)² / (R⟦correction: - ⟦=correction¦correction⟧⟧)), m = Σ_r x[k, r] / R, R = "
    "⟦=x.shape[1]¦how many are reduced⟧",
)
def std_forward(x, correction, k):
    return math.sqrt(variance_of(x, correction, k))


@defines(
    "dx[k, r]",
    reads="dy x y",
    latex=_DX + r"\,\frac{x_{k,r} - \bar{x}_k}{(R⟦correction: - ⟦=correction¦c⟧⟧)\,y_k}",
    plain="dx[k, r] = dy[k]/y[k]·(x[k, r] - m)/(R⟦correction: - ⟦=correction¦correction⟧⟧), and 0 where y[k] = "
    "0, m = Σ_r x[k, r] / R, R = ⟦=x.shape[1]¦how many are reduced⟧",
)
def std_backward(dy, x, y, correction, k, r):
    if y[k] == 0:
        return 0.0
    return dy[k] / y[k] * (x[k, r] - mean_of(x, k)) / (x.shape[1] - correction)


@defines(
    "y[k]",
    reads="x",
    latex=r"y_k = \ln \sum_{r} e^{x_{k,r}}",
    plain="y[k] = m + ln(Σ_r exp(x[k, r] - m)), m = the greatest x[k, r]: the same as ln(Σ_r exp(x[k, r])), and "
    "no exp overflows",
)
def logsumexp_forward(x, k):
    greatest = -math.inf
    for r in range(x.shape[1]):
        if x[k, r] > greatest or math.isnan(x[k, r]):
            greatest = x[k, r]
    if math.isinf(greatest):
        return greatest
    total = 0.0
    for r in range(x.shape[1]):
        total += math.exp(x[k, r] - greatest)
    return greatest + math.log(total)


@defines(
    "dx[k, r]", reads="dy x y", latex=_DX + r"\,e^{x_{k,r} - y_k}", plain="dx[k, r] = dy[k]·exp(x[k, r] - y[k])"
)
def logsumexp_backward(dy, x, y, k, r):
    if math.isinf(y[k]):
        if x[k, r] == y[k]:
            return dy[k] * math.nan
        return 0.0
    return dy[k] * math.exp(x[k, r] - y[k])


@defines(
    "y[k]",
    reads="x",
    latex=r"y_k = ⟦p == 0:\#\{r : x_{k,r} \neq 0\}¦⟦p == float('inf'):\max_r |x_{k,r}|¦⟦p == "
    r"-float('inf'):\min_r |x_{k,r}|"
    r"¦⟦p == 2:\sqrt{\sum_{r} x_{k,r}^2}¦\Bigl( \sum_{r} |x_{k,r}|^⟦=p¦p⟧ \Bigr)^{1/⟦=p¦p⟧}⟧⟧⟧⟧",
    plain="y[k] = ⟦p == 0:how many x[k, r] are not 0¦⟦p == float('inf'):the greatest |x[k, r]|¦⟦p == "
    "-float('inf'):the least |x[k, r]|"
    "¦⟦p == 2:(Σ_r x[k, r]²)^(1/2)¦(Σ_r |x[k, r]|^⟦=p¦p⟧)^(1/⟦=p¦p⟧)⟧⟧⟧⟧",
)
def norm_forward(x, p, k):
    if math.isinf(p):
        extreme = abs(x[k, 0])
        for r in range(x.shape[1]):
            value = abs(x[k, r])
            if math.isnan(value) or (p > 0 and value > extreme) or (p < 0 and value < extreme):
                extreme = value
        return extreme
    total = 0.0
    for r in range(x.shape[1]):
        if p == 0:
            total += x[k, r] != 0
        elif p == 2:
            total += x[k, r] * x[k, r]
        else:
            total += abs(x[k, r]) ** p
    if p == 0:
        return total
    return total ** (1.0 / p)


@defines(
    "dx[k, r]",
    reads="dy x y",
    latex=_DX + r"\,⟦p in (0, 1) or p in (float('inf'), -float('inf')):\mathrm{sign}(x_{k,r})"
    r"¦\mathrm{sign}(x_{k,r})\left(\frac{|x_{k,r}|}{y_k}\right)^{⟦=p¦p⟧ - 1}⟧",
    plain="dx[k, r] = ⟦p == 0:0¦⟦p == 1:dy[k]·sign(x[k, r])¦⟦p in (float('inf'), -float('inf')):"
    "dy[k]·sign(x[k, r]) / (how many of the row have that size) if |x[k, r]| = y[k], else 0"
    "¦dy[k]·sign(x[k, r])·(|x[k, r]|/y[k])^(⟦=p¦p⟧ - 1), and 0 where y[k] = 0⟧⟧⟧",
)
def norm_backward(dy, x, y, p, k, r):
    v = x[k, r]
    sign = 0.0
    if v > 0:
        sign = 1.0
    if v < 0:
        sign = -1.0
    if p == 0 or sign == 0:
        return 0.0
    if p == 1:
        return dy[k] * sign
    if math.isinf(p):
        ties = 0.0
        for s in range(x.shape[1]):
            if abs(x[k, s]) == y[k]:
                ties += 1.0
        if abs(v) == y[k]:
            return dy[k] * sign / ties
        return 0.0
    if y[k] == 0:
        return 0.0
    return dy[k] * sign * (abs(v) / y[k]) ** (p - 1.0)


@defines("y[k, r]", reads="x", latex=r"y_{k,r} = \sum_{s \leq r} x_{k,s}", plain="y[k, r] = Σ_{s≤r} x[k, s]")
def cumsum_forward(x, k, r):
    total = 0.0
    for s in range(r + 1):
        total += x[k, s]
    return total


@defines(
    "dx[k, r]", reads="dy",
    latex=r"\frac{\partial L}{\partial x_{k,r}} = \sum_{s \geq r} \frac{\partial L}{\partial y_{k,s}}",
    plain="dx[k, r] = Σ_{s≥r} dy[k, s]",
)
def cumsum_backward(dy, k, r):
    total = 0.0
    for s in range(r, dy.shape[1]):
        total += dy[k, s]
    return total


@defines("y[k, r]", reads="x", latex=r"y_{k,r} = \prod_{s \leq r} x_{k,s}", plain="y[k, r] = Π_{s≤r} x[k, s]")
def cumprod_forward(x, k, r):
    product = 1.0
    for s in range(r + 1):
        product *= x[k, s]
    return product


@defines(
    "dx[k, r]", reads="dy x",
    latex=r"\frac{\partial L}{\partial x_{k,r}} = \sum_{s \geq r} \frac{\partial L}{\partial y_{k,s}}"
    r"\prod_{t \leq s,\,t \neq r} x_{k,t}",
    plain="dx[k, r] = Σ_{s≥r} dy[k, s]·Π_{t≤s, t≠r} x[k, t]",
)
def cumprod_backward(dy, x, k, r):
    total = 0.0
    product = 1.0
    for t in range(r):
        product *= x[k, t]
    for s in range(r, x.shape[1]):
        if s > r:
            product *= x[k, s]
        total += dy[k, s] * product
    return total
