"""Updates of the optimisers on the GPU, in place; arguments as on the CPU (:mod:`engine.kernels.cpu.optim`).

One thread an element: parameter, gradient and state are read once and written once. Coefficients that are the same for
all elements are computed on the CPU in float64 and then rounded to the arrays' dtype, as there. One launch updates as
many parameters as have the same coefficients (:mod:`engine.kernels.cuda.many`); called as a kernel, an :class:`Update` is
such a launch for one.
"""

from __future__ import annotations

import math as host_math
from collections.abc import Callable, Sequence
from typing import Any

from engine.device.cuda_array import CudaArray
from engine.kernels.cuda.launch import cuda, device_function, jit, math
from engine.kernels.cuda.many import CHUNK, FIRST, PLACES, chunk_of, over, row_of


class Update:
    """An optimiser's update.

    Args:
        kernel: takes memory, table (w, dw and the state's arrays are its places) and coefficients.
        arrays: how many arrays a parameter's update takes.
        coefficients: makes the kernel's coefficients of the numbers that the CPU's kernel takes: floats, and flags of
            another type.
    """

    def __init__(self, kernel: Any, arrays: int, coefficients: Callable[..., tuple]) -> None:
        self.kernel, self.arrays, self.coefficients = kernel, arrays, coefficients

    def __call__(self, *arguments: Any) -> None:
        self.many([arguments[: self.arrays]], arguments[self.arrays :])

    def many(self, rows: Sequence[tuple[CudaArray, ...]], numbers: tuple) -> None:
        """Update several parameters, each with a row of its arrays, in one launch."""
        if rows:
            # One float64 among the coefficients would make float64 of an update of float32.
            real = rows[0][0].dtype.type
            coefficients = [real(value) if isinstance(value, float) else value for value in self.coefficients(*numbers)]
            over(self.kernel, rows, *coefficients)


@device_function
def descent(weight, gradient, decay, maximize):
    """The gradient to walk against, with the L2 penalty's gradient."""
    g = -gradient if maximize else gradient
    return g + decay * weight if decay else g


@device_function
def lerp(start, end, weight, one):
    """start + weight·(end - start), from the nearer end, so that weight 1 gives ``end``; ``one`` is 1 in their dtype."""
    rest = one - weight
    return start + weight * (end - start) if weight < rest else end - rest * (end - start)


@jit
def _sgd(memory, table, lr, momentum, share, decay, nesterov, maximize, first):
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, CHUNK)
    w, dw, m = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(memory[w + i], memory[dw + i], decay, maximize)
        if m >= 0:
            buffer = g if first else memory[m + i] * momentum + share * g
            memory[m + i] = buffer
            g = g + momentum * buffer if nesterov else buffer
        memory[w + i] = memory[w + i] - lr * g


def _sgd_numbers(lr, momentum, dampening, weight_decay, nesterov, maximize, first) -> tuple:
    return float(lr), float(momentum), 1.0 - dampening, float(weight_decay), nesterov, maximize, bool(first)


#: w ← w - lr·m, m ← momentum·m + (1 - dampening)·(dw + weight_decay·w); without momentum m has size 0.
sgd_update = Update(_sgd, 3, _sgd_numbers)


@jit
def _adam(memory, table, weight, keep, share, eps, decay, scale, step_size, root_correction, maximize):
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, CHUNK)
    w, dw, m, v = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2], table[row, PLACES + 3]
    vmax = table[row, PLACES + 4]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(memory[w + i], memory[dw + i], decay, maximize)
        mean = lerp(memory[m + i], g, weight, memory.dtype.type(1))
        square = memory[v + i] * keep + share * g * g
        memory[m + i] = mean
        memory[v + i] = square
        if vmax >= 0:
            largest = memory[vmax + i]
            # A comparison with NaN is false, so that a NaN on either side stays.
            if not square <= largest and largest == largest:
                largest = square
            memory[vmax + i] = largest
            square = largest
        memory[w + i] = memory[w + i] * scale - step_size * mean / (math.sqrt(square) / root_correction + eps)


def _moments(lr, beta1, beta2, eps, decay, scale, maximize, step) -> tuple:
    shares = (1.0 - beta1, float(beta2), 1.0 - beta2)
    steps = (lr / (1.0 - beta1**step), host_math.sqrt(1.0 - beta2**step))
    return *shares, float(eps), float(decay), float(scale), *steps, maximize


def _adam_numbers(lr, beta1, beta2, eps, weight_decay, maximize, step) -> tuple:
    return _moments(lr, beta1, beta2, eps, weight_decay, 1.0, maximize, step)


def _adamw_numbers(lr, beta1, beta2, eps, weight_decay, maximize, step) -> tuple:
    return _moments(lr, beta1, beta2, eps, 0.0, 1.0 - lr * weight_decay, maximize, step)


#: w ← w - lr·m̂/(√v̂ + eps); with vmax (AMSGrad) the largest v so far takes the place of v.
adam_update = Update(_adam, 5, _adam_numbers)
#: w ← (1 - lr·weight_decay)·w - lr·m̂/(√v̂ + eps); with vmax the largest v so far takes the place of v.
adamw_update = Update(_adam, 5, _adamw_numbers)


@jit
def _rmsprop(memory, table, lr, keep, share, eps, decay, momentum, maximize):
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, CHUNK)
    w, dw, v = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2]
    a, m = table[row, PLACES + 3], table[row, PLACES + 4]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(memory[w + i], memory[dw + i], decay, maximize)
        square = memory[v + i] * keep + share * g * g
        memory[v + i] = square
        if a >= 0:
            mean = lerp(memory[a + i], g, share, memory.dtype.type(1))
            memory[a + i] = mean
            square = square - mean * mean
        direction = g / (math.sqrt(square) + eps)
        if m >= 0:
            direction = memory[m + i] * momentum + direction
            memory[m + i] = direction
        memory[w + i] = memory[w + i] - lr * direction


def _rmsprop_numbers(lr, alpha, eps, weight_decay, momentum, maximize) -> tuple:
    return float(lr), float(alpha), 1.0 - alpha, float(eps), float(weight_decay), float(momentum), maximize


#: w ← w - lr·g/(√v + eps); with a, v - a² under the root; with m, the quotient goes into m first.
rmsprop_update = Update(_rmsprop, 5, _rmsprop_numbers)


@jit
def _adagrad(memory, table, rate, eps, decay, maximize):
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, CHUNK)
    w, dw, s = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(memory[w + i], memory[dw + i], decay, maximize)
        total = memory[s + i] + g * g
        memory[s + i] = total
        memory[w + i] = memory[w + i] - rate * g / (math.sqrt(total) + eps)


def _adagrad_numbers(lr, lr_decay, eps, weight_decay, maximize, step) -> tuple:
    return lr / (1.0 + (step - 1.0) * lr_decay), float(eps), float(weight_decay), maximize


#: s ← s + g², w ← w - lr/(1 + (step - 1)·lr_decay)·g/(√s + eps)
adagrad_update = Update(_adagrad, 3, _adagrad_numbers)


@jit
def _adadelta(memory, table, lr, keep, share, eps, decay, maximize):
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, CHUNK)
    w, dw, v, u = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2], table[row, PLACES + 3]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(memory[w + i], memory[dw + i], decay, maximize)
        square = memory[v + i] * keep + share * g * g
        memory[v + i] = square
        delta = math.sqrt(memory[u + i] + eps) / math.sqrt(square + eps) * g
        memory[u + i] = memory[u + i] * keep + share * delta * delta
        memory[w + i] = memory[w + i] - lr * delta


def _adadelta_numbers(lr, rho, eps, weight_decay, maximize) -> tuple:
    return float(lr), float(rho), 1.0 - rho, float(eps), float(weight_decay), maximize


#: v ← mean of g², Δ = √(u + eps)/√(v + eps)·g, u ← mean of Δ², w ← w - lr·Δ
adadelta_update = Update(_adadelta, 4, _adadelta_numbers)
