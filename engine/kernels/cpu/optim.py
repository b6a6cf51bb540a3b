"""Updates of the optimisers on the CPU: parameter, gradient and state are read once and written once, in place.

All arrays are flat, C-contiguous and of one float dtype; state that a setting does not use has size 0. Names
and parameters are those of :mod:`engine.definitions.optim`. Each operation is rounded to the arrays' dtype in
the order of PyTorch's single-tensor optimisers, and coefficients such as the bias corrections are computed in
float64 and then rounded, as PyTorch does in Python. Flags that are the same for all elements become vector
selects; strict arithmetic costs nothing here, as there is no sum to reorder.
"""

import math

from numba import prange

from engine.kernels.jit import kernel, strict_helper

#: Elements that a kernel of several passes handles at a time: five float32 arrays of them stay in a core's cache.
BLOCK = 4096


@strict_helper
def descent(weight, gradient, decay, maximize):
    """The gradient to walk against, with the L2 penalty's gradient."""
    g = gradient
    if maximize:
        g = -g
    if decay != 0:
        g = g + decay * weight
    return g


@strict_helper
def lerp(start, end, weight, rest, near_start):
    """start + weight·(end − start), from the nearer end, so that weight 1 gives ``end`` exactly."""
    if near_start:
        return start + weight * (end - start)
    return end - rest * (end - start)


@kernel(fastmath=False)
def sgd_update(w, dw, m, lr, momentum, dampening, weight_decay, nesterov, maximize, first):
    """w ← w − lr·m, m ← momentum·m + (1 − dampening)·(dw + weight_decay·w); without momentum m has size 0."""
    real = w.dtype.type
    rate, mu, share, decay = real(lr), real(momentum), real(1.0 - dampening), real(weight_decay)
    if m.size == 0:
        for i in prange(w.size):
            w[i] = w[i] - rate * descent(w[i], dw[i], decay, maximize)
    else:
        for i in prange(w.size):
            g = descent(w[i], dw[i], decay, maximize)
            buffer = m[i] * mu + share * g
            if first:
                buffer = g
            m[i] = buffer
            direction = buffer
            if nesterov:
                direction = g + mu * buffer
            w[i] = w[i] - rate * direction


@strict_helper
def adam_moments(w, dw, m, v, beta1, beta2, decay, maximize):
    real = w.dtype.type
    weight = real(1.0 - beta1)
    rest, near_start = real(1) - weight, weight < 0.5
    keep, share = real(beta2), real(1.0 - beta2)
    for i in range(w.size):
        g = descent(w[i], dw[i], decay, maximize)
        m[i] = lerp(m[i], g, weight, rest, near_start)
        v[i] = v[i] * keep + share * g * g


@strict_helper
def largest(vmax, v):
    for i in range(v.size):
        # A comparison with NaN is false, so that a NaN on either side stays.
        if not v[i] <= vmax[i] and vmax[i] == vmax[i]:
            vmax[i] = v[i]


@strict_helper
def adam_walk(w, m, v, scale, step_size, root_correction, epsilon):
    for i in range(w.size):
        w[i] = w[i] * scale - step_size * m[i] / (math.sqrt(v[i]) / root_correction + epsilon)


@strict_helper
def adam_blocks(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, scale, maximize, step, block):
    real = w.dtype.type
    step_size = real(lr / (1.0 - beta1**step))
    root_correction = real(math.sqrt(1.0 - beta2**step))
    begin, end = block * BLOCK, min(w.size, (block + 1) * BLOCK)
    w, dw, m, v, vmax = w[begin:end], dw[begin:end], m[begin:end], v[begin:end], vmax[begin:end]
    adam_moments(w, dw, m, v, beta1, beta2, real(weight_decay), maximize)
    if vmax.size > 0:
        largest(vmax, v)
        v = vmax
    adam_walk(w, m, v, real(scale), step_size, root_correction, real(eps))


@kernel(fastmath=False)
def adam_update(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, maximize, step):
    """w ← w − lr·m̂/(√v̂ + eps); with vmax (AMSGrad) the largest v so far takes the place of v."""
    for block in prange((w.size + BLOCK - 1) // BLOCK):
        adam_blocks(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, 1.0, maximize, step, block)


@kernel(fastmath=False)
def adamw_update(w, dw, m, v, vmax, lr, beta1, beta2, eps, weight_decay, maximize, step):
    """w ← (1 − lr·weight_decay)·w − lr·m̂/(√v̂ + eps); with vmax the largest v so far takes the place of v."""
    for block in prange((w.size + BLOCK - 1) // BLOCK):
        adam_blocks(
            w,
            dw,
            m,
            v,
            vmax,
            lr,
            beta1,
            beta2,
            eps,
            0.0,
            1.0 - lr * weight_decay,
            maximize,
            step,
            block,
        )


@strict_helper
def rmsprop_means(w, dw, v, a, alpha, decay, maximize):
    real = w.dtype.type
    keep, share = real(alpha), real(1.0 - alpha)
    rest, near_start = real(1) - share, share < 0.5
    for i in range(w.size):
        g = descent(w[i], dw[i], decay, maximize)
        v[i] = v[i] * keep + share * g * g
    for i in range(a.size):
        a[i] = lerp(a[i], descent(w[i], dw[i], decay, maximize), share, rest, near_start)


@strict_helper
def rmsprop_walk(w, dw, v, a, m, rate, mu, epsilon, decay, maximize):
    real = w.dtype.type
    centred = a.size > 0
    mean = a if centred else v
    if m.size > 0:
        for i in range(w.size):
            centre = mean[i] if centred else real(0)
            g = descent(w[i], dw[i], decay, maximize)
            m[i] = m[i] * mu + g / (math.sqrt(v[i] - centre * centre) + epsilon)
            w[i] = w[i] - rate * m[i]
    else:
        for i in range(w.size):
            centre = mean[i] if centred else real(0)
            g = descent(w[i], dw[i], decay, maximize)
            w[i] = w[i] - rate * g / (math.sqrt(v[i] - centre * centre) + epsilon)


@kernel(fastmath=False)
def rmsprop_update(w, dw, v, a, m, lr, alpha, eps, weight_decay, momentum, maximize):
    """w ← w − lr·g/(√v + eps); with a, v − a² under the root; with m, the quotient goes into m first."""
    real = w.dtype.type
    rate, mu, epsilon, decay = real(lr), real(momentum), real(eps), real(weight_decay)
    for block in prange((w.size + BLOCK - 1) // BLOCK):
        begin, end = block * BLOCK, min(w.size, (block + 1) * BLOCK)
        rmsprop_means(w[begin:end], dw[begin:end], v[begin:end], a[begin:end], alpha, decay, maximize)
        rmsprop_walk(
            w[begin:end],
            dw[begin:end],
            v[begin:end],
            a[begin:end],
            m[begin:end],
            rate,
            mu,
            epsilon,
            decay,
            maximize,
        )


@kernel(fastmath=False)
def adagrad_update(w, dw, s, lr, lr_decay, eps, weight_decay, maximize, step):
    """s ← s + g², w ← w − lr/(1 + (step − 1)·lr_decay)·g/(√s + eps)"""
    real = w.dtype.type
    rate = real(lr / (1.0 + (step - 1.0) * lr_decay))
    epsilon, decay = real(eps), real(weight_decay)
    for i in prange(w.size):
        g = descent(w[i], dw[i], decay, maximize)
        total = s[i] + g * g
        s[i] = total
        w[i] = w[i] - rate * g / (math.sqrt(total) + epsilon)


@kernel(fastmath=False)
def adadelta_update(w, dw, v, u, lr, rho, eps, weight_decay, maximize):
    """v ← mean of g², Δ = √(u + eps)/√(v + eps)·g, u ← mean of Δ², w ← w − lr·Δ"""
    real = w.dtype.type
    rate, keep, share = real(lr), real(rho), real(1.0 - rho)
    epsilon, decay = real(eps), real(weight_decay)
    for i in prange(w.size):
        g = descent(w[i], dw[i], decay, maximize)
        square = v[i] * keep + share * g * g
        v[i] = square
        delta = math.sqrt(u[i] + epsilon) / math.sqrt(square + epsilon) * g
        u[i] = u[i] * keep + share * delta * delta
        w[i] = w[i] - rate * delta
