"""Activations: one number in, one number out.

Operands are flat: x (n) → y (n); gradients dy (n) → dx (n). Where the derivative can be had from the output, backward
reads y instead of x.
"""

import math

from engine.definitions.contract import computed_as, defines
from engine.definitions.stable_forms import sigmoid_note, softplus_note

SQRT_HALF = math.sqrt(0.5)
#: 1 / sqrt(2 pi), the density of the standard normal distribution at 0.
NORMAL_DENSITY_0 = 1.0 / math.sqrt(2.0 * math.pi)
#: sqrt(2 / pi) and the cubic coefficient of GELU's tanh form (Hendrycks and Gimpel, 2016, section 2).
GELU_SCALE = math.sqrt(2.0 / math.pi)
GELU_CUBIC = 0.044715


@computed_as(sigmoid_note)
def logistic(x):
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


@computed_as(softplus_note)
def log_one_plus_exp(x):
    """log(1 + e^x) without overflow."""
    if x > 0.0:
        return x + math.log1p(math.exp(-x))
    return math.log1p(math.exp(x))


@defines("y[i]", reads="x", latex=r"y_i = \max(0, x_i)", plain="y[i] = max(0, x[i])")
def relu_forward(x, i):
    if x[i] < 0.0:
        return 0.0
    return x[i]


@defines(
    "dx[i]",
    reads="dy y",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,[y_i > 0]",
    plain="dx[i] = dy[i] if y[i] > 0 else 0",
)
def relu_backward(dy, y, i):
    if y[i] <= 0.0:
        return 0.0
    return dy[i]


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = \max(0, x_i) + \mathrm{negative\_slope}\,\min(0, x_i)",
    plain="y[i] = x[i] if x[i] > 0 else x[i]·negative_slope",
)
def leaky_relu_forward(x, negative_slope, i):
    if x[i] > 0.0:
        return x[i]
    return x[i] * negative_slope


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}"
    r"\begin{cases}1 & x_i > 0\\ \mathrm{negative\_slope} & x_i \le 0\end{cases}",
    plain="dx[i] = dy[i] if x[i] > 0 else dy[i]·negative_slope",
)
def leaky_relu_backward(dy, x, negative_slope, i):
    if x[i] > 0.0:
        return dy[i]
    return dy[i] * negative_slope


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = ⟦scale != 1:\mathrm{scale}⟧\begin{cases}x_i & x_i > 0\\"
    r" ⟦alpha != 1:\alpha\,⟧(e^{x_i⟦input_scale != 1:\cdot\mathrm{input\_scale}⟧} - 1) & x_i \le 0\end{cases}",
    plain="y[i] = ⟦scale != 1:scale·⟧x[i] if x[i] > 0 else ⟦scale != 1:scale·⟧⟦alpha != 1:alpha·⟧(exp(x[i]"
    "⟦input_scale != 1:·input_scale⟧) - 1)",
)
def elu_forward(x, alpha, scale, input_scale, i):
    if x[i] > 0.0:
        return scale * x[i]
    return scale * alpha * math.expm1(x[i] * input_scale)


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}⟦scale != 1:\,\mathrm{scale}⟧"
    r"\begin{cases}1 & x_i > 0\\"
    r" ⟦alpha != 1:\alpha\,⟧⟦input_scale != 1:\mathrm{input\_scale}\,⟧e^{x_i"
    r"⟦input_scale != 1:\cdot\mathrm{input\_scale}⟧}"
    r" & x_i \le 0\end{cases}",
    plain="dx[i] = ⟦scale != 1:scale·⟧dy[i] if x[i] > 0 else dy[i]⟦scale != 1:·scale⟧⟦alpha != 1:·alpha⟧"
    "⟦input_scale != 1:·input_scale⟧"
    "·exp(x[i]⟦input_scale != 1:·input_scale⟧)",
)
def elu_backward(dy, x, alpha, scale, input_scale, i):
    if x[i] <= 0.0:
        return dy[i] * scale * alpha * input_scale * math.exp(x[i] * input_scale)
    return scale * dy[i]


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = x_i\,\Phi(x_i) = \tfrac12 x_i\left(1 + \mathrm{erf}(x_i/\sqrt2)\right)",
    plain="y[i] = 0.5·x[i]·(1 + erf(x[i]·√(1/2)))",
)
def gelu_forward(x, i):
    return 0.5 * x[i] * (1.0 + math.erf(x[i] * SQRT_HALF))


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}"
    r"\left(\Phi(x_i) + x_i\,\frac{e^{-x_i^2/2}}{\sqrt{2\pi}}\right)",
    plain="dx[i] = dy[i]·(0.5·(1 + erf(x[i]·√(1/2))) + x[i]·(1/√(2·π))·exp(-0.5·x[i]²))",
)
def gelu_backward(dy, x, i):
    share = 0.5 * (1.0 + math.erf(x[i] * SQRT_HALF))
    density = NORMAL_DENSITY_0 * math.exp(-0.5 * x[i] * x[i])
    return dy[i] * (share + x[i] * density)


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = \tfrac12 x_i\left(1 + \tanh\left(\sqrt{2/\pi}\,(x_i + 0.044715\,x_i^3)\right)\right)",
    plain="y[i] = 0.5·x[i]·(1 + tanh(√(2/π)·(x[i] + 0.044715·x[i]³)))",
)
def gelu_tanh_forward(x, i):
    return 0.5 * x[i] * (1.0 + math.tanh(GELU_SCALE * (x[i] + GELU_CUBIC * x[i] * x[i] * x[i])))


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,\tfrac12"
    r"\left(1 + t + x_i(1 - t^2)\sqrt{2/\pi}\,(1 + 3\cdot0.044715\,x_i^2)\right),\;"
    r"t = \tanh\left(\sqrt{2/\pi}\,(x_i + 0.044715\,x_i^3)\right)",
    plain="dx[i] = dy[i]·0.5·(1 + t + x[i]·(1 - t²)·√(2/π)·(1 + 0.134145·x[i]²)), "
    "t = tanh(√(2/π)·(x[i] + 0.044715·x[i]³))",
)
def gelu_tanh_backward(dy, x, i):
    square = x[i] * x[i]
    t = math.tanh(GELU_SCALE * (x[i] + GELU_CUBIC * square * x[i]))
    slope = GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * square)
    return dy[i] * 0.5 * (1.0 + t + x[i] * (1.0 - t * t) * slope)


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = x_i\,\sigma(x_i) = \frac{x_i}{1 + e^{-x_i}}",
    plain="y[i] = x[i]·1/(1 + exp(-x[i]))",
)
def silu_forward(x, i):
    return x[i] * logistic(x[i])


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,"
    r"\sigma(x_i)\left(1 + x_i(1 - \sigma(x_i))\right)",
    plain="dx[i] = dy[i]·s·(1 + x[i]·(1 - s)), s = 1/(1 + exp(-x[i]))",
)
def silu_backward(dy, x, i):
    s = logistic(x[i])
    return dy[i] * s * (1.0 + x[i] * (1.0 - s))


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = x_i\,\tanh\left(\ln(1 + e^{x_i})\right)",
    plain="y[i] = x[i]·tanh(ln(1 + exp(x[i])))",
)
def mish_forward(x, i):
    return x[i] * math.tanh(log_one_plus_exp(x[i]))


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}"
    r"\left(t + x_i\,\sigma(x_i)(1 - t^2)\right),\; t = \tanh\left(\ln(1 + e^{x_i})\right)",
    plain="dx[i] = dy[i]·(t + x[i]·s·(1 - t²)), t = tanh(ln(1 + exp(x[i]))), s = 1/(1 + exp(-x[i]))",
)
def mish_backward(dy, x, i):
    t = math.tanh(log_one_plus_exp(x[i]))
    return dy[i] * (t + x[i] * logistic(x[i]) * (1.0 - t * t))


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = \sigma(x_i) = \frac{1}{1 + e^{-x_i}}",
    plain="y[i] = 1 / (1 + exp(-x[i]))",
)
def sigmoid_forward(x, i):
    return logistic(x[i])


@defines(
    "dx[i]",
    reads="dy y",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,y_i\,(1 - y_i)",
    plain="dx[i] = dy[i]·y[i]·(1 - y[i])",
)
def sigmoid_backward(dy, y, i):
    return dy[i] * (y[i] * (1.0 - y[i]))


@defines("y[i]", reads="x", latex=r"y_i = \tanh(x_i)", plain="y[i] = tanh(x[i])")
def tanh_forward(x, i):
    return math.tanh(x[i])


@defines(
    "dx[i]",
    reads="dy y",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,(1 - y_i^2)",
    plain="dx[i] = dy[i]·(1 - y[i]²)",
)
def tanh_backward(dy, y, i):
    return dy[i] * (1.0 - y[i] * y[i])


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = \begin{cases}\ln(1 + e^{⟦beta != 1:\beta ⟧x_i})⟦beta != 1:/\beta⟧ & ⟦beta != 1:\beta ⟧x_i \le "
    r"\mathrm{threshold}\\"
    r" x_i & ⟦beta != 1:\beta ⟧x_i > \mathrm{threshold}\end{cases}",
    plain="y[i] = x[i] if x[i]⟦beta != 1:·beta⟧ > threshold else ln(1 + exp(x[i]⟦beta != 1:·beta⟧))⟦beta != 1:/beta⟧",
)
def softplus_forward(x, beta, threshold, i):
    if x[i] * beta > threshold:
        return x[i]
    return math.log1p(math.exp(x[i] * beta)) / beta


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}"
    r"\begin{cases}\sigma(⟦beta != 1:\beta ⟧x_i) & ⟦beta != 1:\beta ⟧x_i \le \mathrm{threshold}\\"
    r" 1 & ⟦beta != 1:\beta ⟧x_i > \mathrm{threshold}\end{cases}",
    plain="dx[i] = dy[i] if x[i]⟦beta != 1:·beta⟧ > threshold else dy[i]·1/(1 + exp(-x[i]⟦beta != 1:·beta⟧))",
)
def softplus_backward(dy, x, beta, threshold, i):
    if x[i] * beta > threshold:
        return dy[i]
    return dy[i] * logistic(x[i] * beta)


@defines(
    "y[i]",
    reads="x",
    latex=r"y_i = \min(\max(x_i, \mathrm{min\_val}), \mathrm{max\_val})",
    plain="y[i] = min(max(x[i], min_val), max_val)",
)
def hardtanh_forward(x, min_val, max_val, i):
    if x[i] < min_val:
        return min_val
    if x[i] > max_val:
        return max_val
    return x[i]


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,"
    r"[\mathrm{min\_val} < x_i < \mathrm{max\_val}]",
    plain="dx[i] = dy[i] if min_val < x[i] < max_val else 0",
)
def hardtanh_backward(dy, x, min_val, max_val, i):
    if x[i] <= min_val or x[i] >= max_val:
        return 0.0
    return dy[i]


@defines("y[i]", reads="x", latex=r"y_i = \ln\sigma(x_i) = -\ln(1 + e^{-x_i})", plain="y[i] = -ln(1 + exp(-x[i]))")
def log_sigmoid_forward(x, i):
    return -log_one_plus_exp(-x[i])


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,\sigma(-x_i)",
    plain="dx[i] = dy[i]·1/(1 + exp(x[i]))",
)
def log_sigmoid_backward(dy, x, i):
    return dy[i] * logistic(-x[i])


@defines("y[i]", reads="x", latex=r"y_i = \frac{x_i}{1 + |x_i|}", plain="y[i] = x[i] / (1 + |x[i]|)")
def softsign_forward(x, i):
    return x[i] / (1.0 + abs(x[i]))


@defines(
    "dx[i]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i}\,\frac{1}{(1 + |x_i|)^2}",
    plain="dx[i] = dy[i] / (1 + |x[i]|)²",
)
def softsign_backward(dy, x, i):
    size = 1.0 + abs(x[i])
    return dy[i] / (size * size)
