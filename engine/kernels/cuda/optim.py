"""Updates of the optimisers on the GPU, in place; arguments as on the CPU (:mod:`engine.kernels.cpu.optim`).

One thread an element: parameter, gradient and state are read once and written once. Coefficients that are the same for
all elements are computed on the CPU in float64.
"""

from __future__ import annotations

from numba import float64

from engine.kernels.cuda.launch import cuda, device_function, launch, math, one_each


def _run(kernel, w, *arguments) -> None:
    if w.size:
        launch(kernel, *one_each(w.size), w, *arguments)


@device_function
def descent(weight, gradient, decay, maximize):
    """The gradient to walk against, with the L2 penalty's gradient."""
    g = -gradient if maximize else gradient
    return g + decay * weight if decay != 0 else g


@cuda.jit
def _sgd(w, dw, m, lr, momentum, share, decay, nesterov, maximize, first):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(float64(w[i]), float64(dw[i]), decay, maximize)
        if m.size > 0:
            buffer = g if first else m[i] * momentum + share * g
            m[i] = buffer
            g = g + momentum * buffer if nesterov else buffer
        w[i] = w[i] - lr * g


def sgd_update(w, dw, m, lr, momentum, dampening, weight_decay, nesterov, maximize, first) -> None:
    """w ← w - lr·m, m ← momentum·m + (1 - dampening)·(dw + weight_decay·w); without momentum m has size 0."""
    _run(_sgd, w, dw, m, lr, momentum, 1.0 - dampening, weight_decay, nesterov, maximize, bool(first))


@cuda.jit
def _adam(w, dw, m, v, vmax, beta1, beta2, eps, decay, scale, step_size, root_correction, maximize):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(float64(w[i]), float64(dw[i]), decay, maximize)
        mean = m[i] + (1 - beta1) * (g - m[i])
        square = v[i] * beta2 + (1 - beta2) * g * g
        m[i] = mean
        v[i] = square
        if vmax.size > 0:
            largest = float64(vmax[i])
            # A comparison with NaN is false, so that a NaN on either side stays.
            if not square <= largest and largest == largest:
                largest = square
            vmax[i] = largest
            square = largest
        w[i] = w[i] * scale - step_size * mean / (math.sqrt(square) / root_correction + eps)


def adam_update(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, maximize, step) -> None:
    """w ← w - lr·m̂/(√v̂ + eps); with vmax (AMSGrad) the largest v so far takes the place of v."""
    correction = math.sqrt(1.0 - beta2**step)
    _run(_adam, w, dw, m, v, vmax, beta1, beta2, eps, weight_decay, 1.0, lr / (1.0 - beta1**step), correction, maximize)


def adamw_update(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, maximize, step) -> None:
    """w ← (1 - lr·weight_decay)·w - lr·m̂/(√v̂ + eps); with vmax the largest v so far takes the place of v."""
    correction, scale = math.sqrt(1.0 - beta2**step), 1.0 - lr * weight_decay
    _run(_adam, w, dw, m, v, vmax, beta1, beta2, eps, 0.0, scale, lr / (1.0 - beta1**step), correction, maximize)


@cuda.jit
def _rmsprop(w, dw, v, a, m, lr, alpha, eps, decay, momentum, maximize):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(float64(w[i]), float64(dw[i]), decay, maximize)
        square = v[i] * alpha + (1 - alpha) * g * g
        v[i] = square
        if a.size > 0:
            mean = a[i] + (1 - alpha) * (g - a[i])
            a[i] = mean
            square = square - mean * mean
        direction = g / (math.sqrt(square) + eps)
        if m.size > 0:
            direction = m[i] * momentum + direction
            m[i] = direction
        w[i] = w[i] - lr * direction


def rmsprop_update(w, dw, v, a, m, lr, alpha, eps, weight_decay, momentum, maximize) -> None:
    """w ← w - lr·g/(√v + eps); with a, v - a² under the root; with m, the quotient goes into m first."""
    _run(_rmsprop, w, dw, v, a, m, lr, alpha, eps, weight_decay, momentum, maximize)


@cuda.jit
def _adagrad(w, dw, s, rate, eps, decay, maximize):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(float64(w[i]), float64(dw[i]), decay, maximize)
        total = s[i] + g * g
        s[i] = total
        w[i] = w[i] - rate * g / (math.sqrt(total) + eps)


def adagrad_update(w, dw, s, lr, lr_decay, eps, weight_decay, maximize, step) -> None:
    """s ← s + g², w ← w - lr/(1 + (step - 1)·lr_decay)·g/(√s + eps)"""
    _run(_adagrad, w, dw, s, lr / (1.0 + (step - 1.0) * lr_decay), eps, weight_decay, maximize)


@cuda.jit
def _adadelta(w, dw, v, u, lr, rho, eps, decay, maximize):
    i = cuda.grid(1)
    if i < w.size:
        g = descent(float64(w[i]), float64(dw[i]), decay, maximize)
        square = v[i] * rho + (1 - rho) * g * g
        v[i] = square
        delta = math.sqrt(u[i] + eps) / math.sqrt(square + eps) * g
        u[i] = u[i] * rho + (1 - rho) * delta * delta
        w[i] = w[i] - lr * delta


def adadelta_update(w, dw, v, u, lr, rho, eps, weight_decay, maximize) -> None:
    """v ← mean of g², Δ = √(u + eps)/√(v + eps)·g, u ← mean of Δ², w ← w - lr·Δ"""
    _run(_adadelta, w, dw, v, u, lr, rho, eps, weight_decay, maximize)
