"""Updates of the optimisers: one element of the new parameter, and of each new state, from the old ones.

Names: w the parameter, dw its gradient, and the optimiser's memory: m a running mean of gradients or of steps,
v a running mean of squared gradients, vmax the largest v so far, a the running mean of gradients that centres
v, s the sum of squared gradients, u the running mean of squared steps. ``w_new`` is what the step writes back to
w, and likewise ``m_new`` to m. Everything is flat: element i of each array belongs to weight i. State that a
setting does not use is an array of size 0. Flags (nesterov, maximize, first) are 0 or 1; ``step`` counts from 1.

The formulas are those of PyTorch's ``torch.optim`` documentation; each optimiser's file in
:mod:`engine.optim` names the paper.
"""

import math

from engine.definitions.contract import defines

# ---- shared by all ----


def descent_gradient(w, dw, weight_decay, maximize, i):
    """The gradient to walk against: sign turned when maximising, L2 penalty's gradient λ·w added."""
    g = dw[i]
    if maximize:
        g = -g
    if weight_decay != 0.0:
        g = g + weight_decay * w[i]
    return g


# ---- stochastic gradient descent ----


def momentum_buffer(w, dw, m, momentum, dampening, weight_decay, maximize, first, i):
    """The new momentum buffer: it starts as the first gradient."""
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    if first:
        return g
    return momentum * m[i] + (1.0 - dampening) * g


@defines(
    "w_new[i]",
    reads="w dw m",
    latex=r"w_i \leftarrow w_i - \eta\,m_i^{\mathrm{new}},\quad"
    r" m_i^{\mathrm{new}} = \mu m_i + (1-\tau)\left(\frac{\partial L}{\partial w_i} + \lambda w_i\right)",
    plain="w_new[i] = w[i] − lr·d, d = m_new[i] (nesterov: g + momentum·m_new[i]; no momentum: g), "
    "g = dw[i] + weight_decay·w[i]",
)
def sgd_weight(w, dw, m, lr, momentum, dampening, weight_decay, nesterov, maximize, first, i):
    direction = descent_gradient(w, dw, weight_decay, maximize, i)
    if momentum != 0.0:
        m_new = momentum_buffer(w, dw, m, momentum, dampening, weight_decay, maximize, first, i)
        if nesterov:
            direction = direction + momentum * m_new
        else:
            direction = m_new
    return w[i] - lr * direction


@defines(
    "m_new[i]",
    reads="w dw m",
    latex=r"m_i \leftarrow \mu m_i + (1-\tau)\left(\frac{\partial L}{\partial w_i} + \lambda w_i\right)",
    plain="m_new[i] = momentum·m[i] + (1 − dampening)·g (first step: g), g = dw[i] + weight_decay·w[i]",
)
def sgd_momentum(w, dw, m, momentum, dampening, weight_decay, maximize, first, i):
    return momentum_buffer(w, dw, m, momentum, dampening, weight_decay, maximize, first, i)


# ---- Adam ----


def mean_of_gradients(w, dw, m, beta1, weight_decay, maximize, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    return beta1 * m[i] + (1.0 - beta1) * g


def mean_of_squares(w, dw, v, beta2, weight_decay, maximize, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    return beta2 * v[i] + (1.0 - beta2) * g * g


def larger(v, vmax):
    """max(v, vmax); NaN when either is NaN."""
    if vmax != vmax or v < vmax:
        return vmax
    return v


def adam_direction(m_new, v_used, beta1, beta2, eps, step):
    """m̂ / (√v̂ + ε): the mean of gradients over the root mean square, both corrected for their start at zero."""
    m_hat = m_new / (1.0 - beta1**step)
    v_hat = v_used / (1.0 - beta2**step)
    return m_hat / (math.sqrt(v_hat) + eps)


@defines(
    "w_new[i]",
    reads="w dw m v vmax",
    latex=r"w_i \leftarrow w_i - \eta\,\frac{\hat m_i}{\sqrt{\hat v_i} + \varepsilon},\quad"
    r" \hat m_i = \frac{m_i^{\mathrm{new}}}{1-\beta_1^t},\; \hat v_i = \frac{v_i^{\mathrm{new}}}{1-\beta_2^t}",
    plain="w_new[i] = w[i] − lr·m̂/(√v̂ + eps), m̂ = m_new[i]/(1 − beta1^step), v̂ = v_new[i]/(1 − beta2^step)",
)
def adam_weight(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, maximize, step, i):
    m_new = mean_of_gradients(w, dw, m, beta1, weight_decay, maximize, i)
    v_new = mean_of_squares(w, dw, v, beta2, weight_decay, maximize, i)
    if vmax.shape[0] > 0:
        v_new = larger(v_new, vmax[i])
    return w[i] - lr * adam_direction(m_new, v_new, beta1, beta2, eps, step)


@defines(
    "m_new[i]",
    reads="w dw m",
    latex=r"m_i \leftarrow \beta_1 m_i + (1-\beta_1)\,g_i,\quad g_i = \frac{\partial L}{\partial w_i} + \lambda w_i",
    plain="m_new[i] = beta1·m[i] + (1 − beta1)·g, g = dw[i] + weight_decay·w[i]",
)
def adam_mean(w, dw, m, beta1, weight_decay, maximize, i):
    return mean_of_gradients(w, dw, m, beta1, weight_decay, maximize, i)


@defines(
    "v_new[i]",
    reads="w dw v",
    latex=r"v_i \leftarrow \beta_2 v_i + (1-\beta_2)\,g_i^2,\quad g_i = \frac{\partial L}{\partial w_i} + \lambda w_i",
    plain="v_new[i] = beta2·v[i] + (1 − beta2)·g², g = dw[i] + weight_decay·w[i]",
)
def adam_square(w, dw, v, beta2, weight_decay, maximize, i):
    return mean_of_squares(w, dw, v, beta2, weight_decay, maximize, i)


@defines(
    "vmax_new[i]",
    reads="w dw v vmax",
    latex=r"v_i^{\max} \leftarrow \max\left(v_i^{\max}, v_i^{\mathrm{new}}\right)",
    plain="vmax_new[i] = max(vmax[i], v_new[i])",
)
def adam_largest(w, dw, v, vmax, beta2, weight_decay, maximize, i):
    v_new = mean_of_squares(w, dw, v, beta2, weight_decay, maximize, i)
    return larger(v_new, vmax[i])


@defines(
    "w_new[i]",
    reads="w dw m v vmax",
    latex=r"w_i \leftarrow (1 - \eta\lambda)\,w_i - \eta\,\frac{\hat m_i}{\sqrt{\hat v_i} + \varepsilon},\quad"
    r" \hat m_i = \frac{m_i^{\mathrm{new}}}{1-\beta_1^t},\; \hat v_i = \frac{v_i^{\mathrm{new}}}{1-\beta_2^t}",
    plain="w_new[i] = (1 − lr·weight_decay)·w[i] − lr·m̂/(√v̂ + eps), "
    "m̂ = m_new[i]/(1 − beta1^step), v̂ = v_new[i]/(1 − beta2^step)",
)
def adamw_weight(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, maximize, step, i):
    m_new = mean_of_gradients(w, dw, m, beta1, 0.0, maximize, i)
    v_new = mean_of_squares(w, dw, v, beta2, 0.0, maximize, i)
    if vmax.shape[0] > 0:
        v_new = larger(v_new, vmax[i])
    decayed = w[i] * (1.0 - lr * weight_decay)
    return decayed - lr * adam_direction(m_new, v_new, beta1, beta2, eps, step)


@defines(
    "m_new[i]",
    reads="dw m",
    latex=r"m_i \leftarrow \beta_1 m_i + (1-\beta_1)\,\frac{\partial L}{\partial w_i}",
    plain="m_new[i] = beta1·m[i] + (1 − beta1)·dw[i]",
)
def adamw_mean(dw, m, beta1, maximize, i):
    return mean_of_gradients(dw, dw, m, beta1, 0.0, maximize, i)


@defines(
    "v_new[i]",
    reads="dw v",
    latex=r"v_i \leftarrow \beta_2 v_i + (1-\beta_2)\left(\frac{\partial L}{\partial w_i}\right)^2",
    plain="v_new[i] = beta2·v[i] + (1 − beta2)·dw[i]²",
)
def adamw_square(dw, v, beta2, maximize, i):
    return mean_of_squares(dw, dw, v, beta2, 0.0, maximize, i)


@defines(
    "vmax_new[i]",
    reads="dw v vmax",
    latex=r"v_i^{\max} \leftarrow \max\left(v_i^{\max}, v_i^{\mathrm{new}}\right)",
    plain="vmax_new[i] = max(vmax[i], v_new[i])",
)
def adamw_largest(dw, v, vmax, beta2, maximize, i):
    v_new = mean_of_squares(dw, dw, v, beta2, 0.0, maximize, i)
    return larger(v_new, vmax[i])


# ---- RMSprop ----


def root_mean_square(w, dw, v, a, alpha, weight_decay, maximize, i):
    """√v_new, or when centred the standard deviation √(v_new − a_new²)."""
    v_new = mean_of_squares(w, dw, v, alpha, weight_decay, maximize, i)
    if a.shape[0] > 0:
        a_new = mean_of_gradients(w, dw, a, alpha, weight_decay, maximize, i)
        v_new = v_new - a_new * a_new
    return math.sqrt(v_new)


@defines(
    "w_new[i]",
    reads="w dw v a m",
    latex=r"w_i \leftarrow w_i - \eta\,\frac{g_i}{\sqrt{v_i^{\mathrm{new}}} + \varepsilon},\quad"
    r" g_i = \frac{\partial L}{\partial w_i} + \lambda w_i",
    plain="w_new[i] = w[i] − lr·d, d = g/(√v_new[i] + eps) (momentum: m_new[i]; centred: v_new[i] − a_new[i]² "
    "under the root), g = dw[i] + weight_decay·w[i]",
)
def rmsprop_weight(w, dw, v, a, m, lr, alpha, eps, weight_decay, momentum, maximize, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    direction = g / (root_mean_square(w, dw, v, a, alpha, weight_decay, maximize, i) + eps)
    if m.shape[0] > 0:
        direction = momentum * m[i] + direction
    return w[i] - lr * direction


@defines(
    "v_new[i]",
    reads="w dw v",
    latex=r"v_i \leftarrow \alpha v_i + (1-\alpha)\,g_i^2,\quad g_i = \frac{\partial L}{\partial w_i} + \lambda w_i",
    plain="v_new[i] = alpha·v[i] + (1 − alpha)·g², g = dw[i] + weight_decay·w[i]",
)
def rmsprop_square(w, dw, v, alpha, weight_decay, maximize, i):
    return mean_of_squares(w, dw, v, alpha, weight_decay, maximize, i)


@defines(
    "a_new[i]",
    reads="w dw a",
    latex=r"a_i \leftarrow \alpha a_i + (1-\alpha)\,g_i,\quad g_i = \frac{\partial L}{\partial w_i} + \lambda w_i",
    plain="a_new[i] = alpha·a[i] + (1 − alpha)·g, g = dw[i] + weight_decay·w[i]",
)
def rmsprop_mean(w, dw, a, alpha, weight_decay, maximize, i):
    return mean_of_gradients(w, dw, a, alpha, weight_decay, maximize, i)


@defines(
    "m_new[i]",
    reads="w dw v a m",
    latex=r"m_i \leftarrow \mu m_i + \frac{g_i}{\sqrt{v_i^{\mathrm{new}}} + \varepsilon}",
    plain="m_new[i] = momentum·m[i] + g/(√v_new[i] + eps) (centred: v_new[i] − a_new[i]² under the root)",
)
def rmsprop_momentum(w, dw, v, a, m, alpha, eps, weight_decay, momentum, maximize, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    return momentum * m[i] + g / (root_mean_square(w, dw, v, a, alpha, weight_decay, maximize, i) + eps)


# ---- Adagrad ----


def sum_of_squares(w, dw, s, weight_decay, maximize, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    return s[i] + g * g


@defines(
    "w_new[i]",
    reads="w dw s",
    latex=r"w_i \leftarrow w_i - \frac{\eta}{1+(t-1)\kappa}\,\frac{g_i}{\sqrt{s_i^{\mathrm{new}}} + \varepsilon},\quad"
    r" g_i = \frac{\partial L}{\partial w_i} + \lambda w_i",
    plain="w_new[i] = w[i] − lr/(1 + (step − 1)·lr_decay)·g/(√s_new[i] + eps), g = dw[i] + weight_decay·w[i]",
)
def adagrad_weight(w, dw, s, lr, lr_decay, eps, weight_decay, maximize, step, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    s_new = sum_of_squares(w, dw, s, weight_decay, maximize, i)
    decayed_lr = lr / (1.0 + (step - 1) * lr_decay)
    return w[i] - decayed_lr * g / (math.sqrt(s_new) + eps)


@defines(
    "s_new[i]",
    reads="w dw s",
    latex=r"s_i \leftarrow s_i + g_i^2,\quad g_i = \frac{\partial L}{\partial w_i} + \lambda w_i",
    plain="s_new[i] = s[i] + g², g = dw[i] + weight_decay·w[i]",
)
def adagrad_sum(w, dw, s, weight_decay, maximize, i):
    return sum_of_squares(w, dw, s, weight_decay, maximize, i)


# ---- Adadelta ----


def adadelta_direction(w, dw, v, u, rho, eps, weight_decay, maximize, i):
    """The gradient, scaled by the root mean square of past steps over that of gradients."""
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    v_new = mean_of_squares(w, dw, v, rho, weight_decay, maximize, i)
    return math.sqrt(u[i] + eps) / math.sqrt(v_new + eps) * g


@defines(
    "w_new[i]",
    reads="w dw v u",
    latex=r"w_i \leftarrow w_i - \eta\,\Delta_i,\quad"
    r" \Delta_i = \frac{\sqrt{u_i + \varepsilon}}{\sqrt{v_i^{\mathrm{new}} + \varepsilon}}\,g_i",
    plain="w_new[i] = w[i] − lr·Δ, Δ = √(u[i] + eps)/√(v_new[i] + eps)·g, g = dw[i] + weight_decay·w[i]",
)
def adadelta_weight(w, dw, v, u, lr, rho, eps, weight_decay, maximize, i):
    return w[i] - lr * adadelta_direction(w, dw, v, u, rho, eps, weight_decay, maximize, i)


@defines(
    "v_new[i]",
    reads="w dw v",
    latex=r"v_i \leftarrow \rho v_i + (1-\rho)\,g_i^2,\quad g_i = \frac{\partial L}{\partial w_i} + \lambda w_i",
    plain="v_new[i] = rho·v[i] + (1 − rho)·g², g = dw[i] + weight_decay·w[i]",
)
def adadelta_square(w, dw, v, rho, weight_decay, maximize, i):
    return mean_of_squares(w, dw, v, rho, weight_decay, maximize, i)


@defines(
    "u_new[i]",
    reads="w dw v u",
    latex=r"u_i \leftarrow \rho u_i + (1-\rho)\,\Delta_i^2,\quad"
    r" \Delta_i = \frac{\sqrt{u_i + \varepsilon}}{\sqrt{v_i^{\mathrm{new}} + \varepsilon}}\,g_i",
    plain="u_new[i] = rho·u[i] + (1 − rho)·Δ², Δ = √(u[i] + eps)/√(v_new[i] + eps)·g",
)
def adadelta_steps(w, dw, v, u, rho, eps, weight_decay, maximize, i):
    delta = adadelta_direction(w, dw, v, u, rho, eps, weight_decay, maximize, i)
    return rho * u[i] + (1.0 - rho) * delta * delta
