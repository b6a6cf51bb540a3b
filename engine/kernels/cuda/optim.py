"""Updates of the optimisers on the GPU, in place; arguments as on the CPU (:mod:`engine.kernels.cpu.optim`).

One thread an element: parameter, gradient and state are read once and written once. Coefficients that are the same for
all elements are computed on the CPU in float64 and then rounded to the arrays' dtype, as there.
"""

from __future__ import annotations

import math as host_math

from engine.kernels.cuda.launch import cuda, device_function, launch, math, one_each


def _run(kernel, w, *arguments) -> None:
    """Launch ``kernel``; floats among the arguments are handed over in the dtype of ``w``."""
    real = w.dtype.type
    if w.size:
        launch(kernel, *one_each(w.size), w, *[real(value) if type(value) is float else value for value in arguments])


@device_function
def descent(weight, gradient, decay, maximize):
    """The gradient to walk against, with the L2 penalty's gradient."""
    g = -gradient if maximize else gradient
    return g + decay * weight if decay else g


@device_function
def lerp(start, end, weight, rest):
    """start + weight·(end - start), from the nearer end, so that weight 1 gives ``end`` exactly; rest = 1 - weight."""
    return start + weight * (end - start) if weight < rest else end - rest * (end - start)


@cuda.jit
def _sgd(w, dw, m, lr, momentum, share, decay, nesterov, maximize, first):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(w[i], dw[i], decay, maximize)
        if m.size > 0:
            buffer = g if first else m[i] * momentum + share * g
            m[i] = buffer
            g = g + momentum * buffer if nesterov else buffer
        w[i] = w[i] - lr * g


def sgd_update(w, dw, m, lr, momentum, dampening, weight_decay, nesterov, maximize, first) -> None:
    """w ← w - lr·m, m ← momentum·m + (1 - dampening)·(dw + weight_decay·w); without momentum m has size 0."""
    rates = (float(lr), float(momentum), 1.0 - dampening, float(weight_decay))
    _run(_sgd, w, dw, m, *rates, nesterov, maximize, bool(first))


@cuda.jit
def _adam(w, dw, m, v, vmax, weight, rest, keep, share, eps, decay, scale, step_size, root_correction, maximize):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(w[i], dw[i], decay, maximize)
        mean = lerp(m[i], g, weight, rest)
        square = v[i] * keep + share * g * g
        m[i] = mean
        v[i] = square
        if vmax.size > 0:
            largest = vmax[i]
            # A comparison with NaN is false, so that a NaN on either side stays.
            if not square <= largest and largest == largest:
                largest = square
            vmax[i] = largest
            square = largest
        w[i] = w[i] * scale - step_size * mean / (math.sqrt(square) / root_correction + eps)


def _run_adam(w, dw, m, v, vmax, lr, beta1, beta2, eps, decay, scale, maximize, step) -> None:
    means = (1.0 - beta1, float(beta1), float(beta2), 1.0 - beta2)
    steps = (lr / (1.0 - beta1**step), host_math.sqrt(1.0 - beta2**step))
    _run(_adam, w, dw, m, v, vmax, *means, float(eps), float(decay), float(scale), *steps, maximize)


def adam_update(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, maximize, step) -> None:
    """w ← w - lr·m̂/(√v̂ + eps); with vmax (AMSGrad) the largest v so far takes the place of v."""
    _run_adam(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, 1.0, maximize, step)


def adamw_update(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, maximize, step) -> None:
    """w ← (1 - lr·weight_decay)·w - lr·m̂/(√v̂ + eps); with vmax the largest v so far takes the place of v."""
    _run_adam(w, dw, m, v, vmax, lr, beta1, beta2, eps, 0.0, 1.0 - lr * weight_decay, maximize, step)


@cuda.jit
def _rmsprop(w, dw, v, a, m, lr, keep, share, eps, decay, momentum, maximize):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(w[i], dw[i], decay, maximize)
        square = v[i] * keep + share * g * g
        v[i] = square
        if a.size > 0:
            mean = lerp(a[i], g, share, keep)
            a[i] = mean
            square = square - mean * mean
        direction = g / (math.sqrt(square) + eps)
        if m.size > 0:
            direction = m[i] * momentum + direction
            m[i] = direction
        w[i] = w[i] - lr * direction


def rmsprop_update(w, dw, v, a, m, lr, alpha, eps, weight_decay, momentum, maximize) -> None:
    """w ← w - lr·g/(√v + eps); with a, v - a² under the root; with m, the quotient goes into m first."""
    rates = (float(lr), float(alpha), 1.0 - alpha, float(eps), float(weight_decay), float(momentum))
    _run(_rmsprop, w, dw, v, a, m, *rates, maximize)


@cuda.jit
def _adagrad(w, dw, s, rate, eps, decay, maximize):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(w[i], dw[i], decay, maximize)
        total = s[i] + g * g
        s[i] = total
        w[i] = w[i] - rate * g / (math.sqrt(total) + eps)


def adagrad_update(w, dw, s, lr, lr_decay, eps, weight_decay, maximize, step) -> None:
    """s ← s + g², w ← w - lr/(1 + (step - 1)·lr_decay)·g/(√s + eps)"""
    _run(_adagrad, w, dw, s, lr / (1.0 + (step - 1.0) * lr_decay), float(eps), float(weight_decay), maximize)


@cuda.jit
def _adadelta(w, dw, v, u, lr, keep, share, eps, decay, maximize):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(w[i], dw[i], decay, maximize)
        square = v[i] * keep + share * g * g
        v[i] = square
        delta = math.sqrt(u[i] + eps) / math.sqrt(square + eps) * g
        u[i] = u[i] * keep + share * delta * delta
        w[i] = w[i] - lr * delta


def adadelta_update(w, dw, v, u, lr, rho, eps, weight_decay, maximize) -> None:
    """v ← mean of g², Δ = √(u + eps)/√(v + eps)·g, u ← mean of Δ², w ← w - lr·Δ"""
    rates = (float(lr), float(rho), 1.0 - rho, float(eps), float(weight_decay))
    _run(_adadelta, w, dw, v, u, *rates, maximize)
