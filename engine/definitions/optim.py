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

#: The gradient that is walked against, as a formula: alone, as a factor, and by its name g where it has more than one term.
_G = "⟦not maximize:¦-⟧dw[i]⟦weight_decay: + weight_decay·w[i]⟧"
_G_FACTOR = f"⟦weight_decay or maximize:({_G})¦dw[i]⟧"
_G_NAME = "⟦weight_decay or maximize:g¦dw[i]⟧"
_G_IS = f"⟦weight_decay or maximize:, g = {_G}⟧"
_SLOPE = r"\frac{\partial L}{\partial w_i}"
_G_LATEX = rf"⟦not maximize:¦-⟧{_SLOPE}⟦weight_decay: + \mathrm{{weight\_decay}}\,w_i⟧"
_G_FACTOR_LATEX = rf"⟦weight_decay or maximize:\left({_G_LATEX}\right)¦{_SLOPE}⟧"
_G_NAME_LATEX = rf"⟦weight_decay or maximize:g_i¦{_SLOPE}⟧"
_G_SQUARE_LATEX = rf"⟦weight_decay or maximize:g_i^2¦\left({_SLOPE}\right)^2⟧"
_G_IS_LATEX = rf"⟦weight_decay or maximize:,\quad g_i = {_G_LATEX}⟧"

#: The new state as a formula of the old one.
_SGD_M = f"m_new[i] = ⟦not first:momentum·m[i] + ⟦dampening:(1 - dampening)·{_G_FACTOR}¦{_G_FACTOR}⟧¦{_G}⟧"
_SGD_M_LATEX = (
    r"m_i^{\mathrm{new}} = ⟦not first:\mathrm{momentum}\,m_i + "
    rf"⟦dampening:(1 - \mathrm{{dampening}})⟧{_G_FACTOR_LATEX}¦{_G_LATEX}⟧"
)


def _mean(state, share):
    return f"{state}_new[i] = {share}·{state}[i] + (1 - {share})·{_G_NAME}"


def _mean_latex(state, share):
    return rf"{state}_i^{{\mathrm{{new}}}} = {share}\,{state}_i + (1 - {share})\,{_G_NAME_LATEX}"


def _square(share):
    return f"v_new[i] = {share}·v[i] + (1 - {share})·{_G_NAME}²"


def _square_latex(share):
    return rf"v_i^{{\mathrm{{new}}}} = {share}\,v_i + (1 - {share})\,{_G_SQUARE_LATEX}"



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
    latex=r"w_i^{\mathrm{new}} = w_i - \mathrm{lr}\,⟦momentum:⟦not nesterov:m_i^{\mathrm{new}}¦\left("
    + _G_LATEX + r" + \mathrm{momentum}\,m_i^{\mathrm{new}}\right)⟧,\quad " + _SGD_M_LATEX + rf"¦{_G_FACTOR_LATEX}⟧",
    plain=f"w_new[i] = w[i] - lr·⟦momentum:⟦not nesterov:m_new[i]¦({_G} + momentum·m_new[i])⟧, {_SGD_M}¦{_G_FACTOR}⟧",
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


@defines("m_new[i]", reads="w dw m", latex=_SGD_M_LATEX, plain=_SGD_M)
def sgd_momentum(w, dw, m, momentum, dampening, weight_decay, maximize, first, i):
    return momentum_buffer(w, dw, m, momentum, dampening, weight_decay, maximize, first, i)


# ---- Adam ----

_ADAM = (
    "m̂/(√v̂ + eps), m̂ = m_new[i]/(1 - beta1^step), v̂ = ⟦not vmax:v_new[i]¦max(v_new[i], vmax[i])⟧/(1 - beta2^step), "
)
_ADAM_LATEX = (
    r"\frac{\hat m_i}{\sqrt{\hat v_i} + \varepsilon},\quad \hat m_i = \frac{m_i^{\mathrm{new}}}{1-\beta_1^t},\quad"
    r" \hat v_i = \frac{"
    r"⟦not vmax:v_i^{\mathrm{new}}¦\max\left(v_i^{\mathrm{new}}, v_i^{\max}\right)⟧}{1-\beta_2^t},\quad "
)
_MOMENTS = f"{_mean('m', 'beta1')}, {_square('beta2')}"
_MOMENTS_LATEX = _mean_latex("m", r"\beta_1") + r",\quad " + _square_latex(r"\beta_2")



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
    latex=r"w_i^{\mathrm{new}} = w_i - \mathrm{lr}\," + _ADAM_LATEX + _MOMENTS_LATEX + _G_IS_LATEX,
    plain="w_new[i] = w[i] - lr·" + _ADAM + _MOMENTS + _G_IS,
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
    latex=_mean_latex("m", r"\beta_1") + _G_IS_LATEX,
    plain=_mean("m", "beta1") + _G_IS,
)
def adam_mean(w, dw, m, beta1, weight_decay, maximize, i):
    return mean_of_gradients(w, dw, m, beta1, weight_decay, maximize, i)


@defines("v_new[i]", reads="w dw v", latex=_square_latex(r"\beta_2") + _G_IS_LATEX, plain=_square("beta2") + _G_IS)
def adam_square(w, dw, v, beta2, weight_decay, maximize, i):
    return mean_of_squares(w, dw, v, beta2, weight_decay, maximize, i)


@defines(
    "vmax_new[i]",
    reads="w dw v vmax",
    latex=r"v_i^{\max,\mathrm{new}} = \max\left(v_i^{\mathrm{new}}, v_i^{\max}\right),\quad "
    + _square_latex(r"\beta_2") + _G_IS_LATEX,
    plain="vmax_new[i] = max(v_new[i], vmax[i]), " + _square("beta2") + _G_IS,
)
def adam_largest(w, dw, v, vmax, beta2, weight_decay, maximize, i):
    v_new = mean_of_squares(w, dw, v, beta2, weight_decay, maximize, i)
    return larger(v_new, vmax[i])


def _own_decay(formula):
    """``formula`` of a gradient that weight decay does not enter."""
    return formula.replace("weight_decay or maximize", "maximize").replace("⟦weight_decay:", "⟦False:")


@defines(
    "w_new[i]",
    reads="w dw m v vmax",
    latex=r"w_i^{\mathrm{new}} = w_i⟦weight_decay:\,(1 - \mathrm{lr}\cdot\mathrm{weight\_decay})⟧ - \mathrm{lr}\,"
    + _ADAM_LATEX + _own_decay(_MOMENTS_LATEX + _G_IS_LATEX),
    plain="w_new[i] = w[i]⟦weight_decay:·(1 - lr·weight_decay)⟧ - lr·" + _ADAM + _own_decay(_MOMENTS + _G_IS),
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
    latex=_own_decay(_mean_latex("m", r"\beta_1") + _G_IS_LATEX),
    plain=_own_decay(_mean("m", "beta1") + _G_IS),
)
def adamw_mean(dw, m, beta1, maximize, i):
    return mean_of_gradients(dw, dw, m, beta1, 0.0, maximize, i)


@defines(
    "v_new[i]",
    reads="dw v",
    latex=_own_decay(_square_latex(r"\beta_2") + _G_IS_LATEX),
    plain=_own_decay(_square("beta2") + _G_IS),
)
def adamw_square(dw, v, beta2, maximize, i):
    return mean_of_squares(dw, dw, v, beta2, 0.0, maximize, i)


@defines(
    "vmax_new[i]",
    reads="dw v vmax",
    latex=r"v_i^{\max,\mathrm{new}} = \max\left(v_i^{\mathrm{new}}, v_i^{\max}\right),\quad "
    + _own_decay(_square_latex(r"\beta_2") + _G_IS_LATEX),
    plain="vmax_new[i] = max(v_new[i], vmax[i]), " + _own_decay(_square("beta2") + _G_IS),
)
def adamw_largest(dw, v, vmax, beta2, maximize, i):
    v_new = mean_of_squares(dw, dw, v, beta2, 0.0, maximize, i)
    return larger(v_new, vmax[i])


# ---- RMSprop ----

_SCALED = f"{_G_NAME}/(⟦not a:√v_new[i]¦√(v_new[i] - a_new[i]²)⟧ + eps)"
_SCALED_BY = f", {_square('alpha')}⟦a:, {_mean('a', 'alpha')}⟧{_G_IS}"
_SCALED_LATEX = (
    rf"\frac{{{_G_NAME_LATEX}}}"
    r"{\sqrt{v_i^{\mathrm{new}}⟦a: - \left(a_i^{\mathrm{new}}\right)^2⟧} + \varepsilon}"
)
_SCALED_BY_LATEX = (
    r",\quad " + _square_latex(r"\alpha") + r"⟦a:,\quad " + _mean_latex("a", r"\alpha") + "⟧" + _G_IS_LATEX
)


def root_mean_square(w, dw, v, a, alpha, weight_decay, maximize, i):
    """√v_new, or when centred the standard deviation √(v_new - a_new²)."""
    v_new = mean_of_squares(w, dw, v, alpha, weight_decay, maximize, i)
    if a.shape[0] > 0:
        a_new = mean_of_gradients(w, dw, a, alpha, weight_decay, maximize, i)
        v_new = v_new - a_new * a_new
    return math.sqrt(v_new)


@defines(
    "w_new[i]",
    reads="w dw v a m",
    latex=r"w_i^{\mathrm{new}} = w_i - \mathrm{lr}\,⟦m:\left(\mathrm{momentum}\,m_i + " + _SCALED_LATEX + r"\right)¦"
    + _SCALED_LATEX + "⟧" + _SCALED_BY_LATEX,
    plain="w_new[i] = w[i] - lr·⟦m:(momentum·m[i] + " + _SCALED + ")¦" + _SCALED + "⟧" + _SCALED_BY,
)
def rmsprop_weight(w, dw, v, a, m, lr, alpha, eps, weight_decay, momentum, maximize, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    direction = g / (root_mean_square(w, dw, v, a, alpha, weight_decay, maximize, i) + eps)
    if m.shape[0] > 0:
        direction = momentum * m[i] + direction
    return w[i] - lr * direction


@defines("v_new[i]", reads="w dw v", latex=_square_latex(r"\alpha") + _G_IS_LATEX, plain=_square("alpha") + _G_IS)
def rmsprop_square(w, dw, v, alpha, weight_decay, maximize, i):
    return mean_of_squares(w, dw, v, alpha, weight_decay, maximize, i)


@defines("a_new[i]", reads="w dw a", latex=_mean_latex("a", r"\alpha") + _G_IS_LATEX, plain=_mean("a", "alpha") + _G_IS)
def rmsprop_mean(w, dw, a, alpha, weight_decay, maximize, i):
    return mean_of_gradients(w, dw, a, alpha, weight_decay, maximize, i)


@defines(
    "m_new[i]",
    reads="w dw v a m",
    latex=r"m_i^{\mathrm{new}} = \mathrm{momentum}\,m_i + " + _SCALED_LATEX + _SCALED_BY_LATEX,
    plain="m_new[i] = momentum·m[i] + " + _SCALED + _SCALED_BY,
)
def rmsprop_momentum(w, dw, v, a, m, alpha, eps, weight_decay, momentum, maximize, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    return momentum * m[i] + g / (root_mean_square(w, dw, v, a, alpha, weight_decay, maximize, i) + eps)


# ---- Adagrad ----

_SUM = f"s_new[i] = s[i] + {_G_NAME}²{_G_IS}"
_SUM_LATEX = rf"s_i^{{\mathrm{{new}}}} = s_i + {_G_SQUARE_LATEX}{_G_IS_LATEX}"


def sum_of_squares(w, dw, s, weight_decay, maximize, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    return s[i] + g * g


@defines(
    "w_new[i]",
    reads="w dw s",
    latex=r"w_i^{\mathrm{new}} = w_i - ⟦not lr_decay:\mathrm{lr}¦\frac{\mathrm{lr}}{1+(t-1)\,\mathrm{lr\_decay}}⟧"
    + rf"\,\frac{{{_G_NAME_LATEX}}}{{\sqrt{{s_i^{{\mathrm{{new}}}}}} + \varepsilon}},\quad " + _SUM_LATEX,
    plain="w_new[i] = w[i] - ⟦not lr_decay:lr¦(lr/(1 + (step - 1)·lr_decay))⟧·"
    + f"{_G_NAME}/(√s_new[i] + eps), {_SUM}",
)
def adagrad_weight(w, dw, s, lr, lr_decay, eps, weight_decay, maximize, step, i):
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    s_new = sum_of_squares(w, dw, s, weight_decay, maximize, i)
    decayed_lr = lr / (1.0 + (step - 1) * lr_decay)
    return w[i] - decayed_lr * g / (math.sqrt(s_new) + eps)


@defines("s_new[i]", reads="w dw s", latex=_SUM_LATEX, plain=_SUM)
def adagrad_sum(w, dw, s, weight_decay, maximize, i):
    return sum_of_squares(w, dw, s, weight_decay, maximize, i)


# ---- Adadelta ----

_DELTA = f"Δ = √(u[i] + eps)/√(v_new[i] + eps)·{_G_NAME}, {_square('rho')}{_G_IS}"
_DELTA_LATEX = (
    rf"\Delta_i = \frac{{\sqrt{{u_i + \varepsilon}}}}{{\sqrt{{v_i^{{\mathrm{{new}}}} + \varepsilon}}}}\,{_G_NAME_LATEX}"
    + r",\quad " + _square_latex(r"\rho") + _G_IS_LATEX
)


def adadelta_direction(w, dw, v, u, rho, eps, weight_decay, maximize, i):
    """The gradient, scaled by the root mean square of past steps over that of gradients."""
    g = descent_gradient(w, dw, weight_decay, maximize, i)
    v_new = mean_of_squares(w, dw, v, rho, weight_decay, maximize, i)
    return math.sqrt(u[i] + eps) / math.sqrt(v_new + eps) * g


@defines(
    "w_new[i]",
    reads="w dw v u",
    latex=r"w_i^{\mathrm{new}} = w_i - \mathrm{lr}\,\Delta_i,\quad " + _DELTA_LATEX,
    plain=f"w_new[i] = w[i] - lr·Δ, {_DELTA}",
)
def adadelta_weight(w, dw, v, u, lr, rho, eps, weight_decay, maximize, i):
    return w[i] - lr * adadelta_direction(w, dw, v, u, rho, eps, weight_decay, maximize, i)


@defines("v_new[i]", reads="w dw v", latex=_square_latex(r"\rho") + _G_IS_LATEX, plain=_square("rho") + _G_IS)
def adadelta_square(w, dw, v, rho, weight_decay, maximize, i):
    return mean_of_squares(w, dw, v, rho, weight_decay, maximize, i)


@defines(
    "u_new[i]",
    reads="w dw v u",
    latex=r"u_i^{\mathrm{new}} = \rho\,u_i + (1 - \rho)\,\Delta_i^2,\quad " + _DELTA_LATEX,
    plain=f"u_new[i] = rho·u[i] + (1 - rho)·Δ², {_DELTA}",
)
def adadelta_steps(w, dw, v, u, rho, eps, weight_decay, maximize, i):
    delta = adadelta_direction(w, dw, v, u, rho, eps, weight_decay, maximize, i)
    return rho * u[i] + (1.0 - rho) * delta * delta
