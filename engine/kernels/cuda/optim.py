"""Updates of the optimisers on the GPU, in place; arguments as on the CPU (:mod:`engine.kernels.cpu.optim`).

One thread an element: parameter, gradient and state are read once and written once. Coefficients that are the same for
all elements are computed on the CPU in float64. One launch updates as many parameters as have the same coefficients
(:mod:`engine.kernels.cuda.many`); called as a kernel, an :class:`Update` is such a launch for one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba import float64

from engine.device.cuda_array import CudaArray
from engine.kernels.cuda.launch import cuda, device_function, math
from engine.kernels.cuda.many import PLACES, chunk_of, over, row_of


class Update:
    """An optimiser's update.

    Args:
        kernel: takes memory, table (w, dw and the state's arrays are its places) and coefficients.
        arrays: how many arrays a parameter's update takes.
        coefficients: makes the kernel's coefficients of the numbers that the CPU's kernel takes.
    """

    def __init__(self, kernel: Any, arrays: int, coefficients: Callable[..., tuple]) -> None:
        self.kernel, self.arrays, self.coefficients = kernel, arrays, coefficients

    def __call__(self, *arguments: Any) -> None:
        self.many([arguments[: self.arrays]], arguments[self.arrays :])

    def many(self, rows: Sequence[tuple[CudaArray, ...]], numbers: tuple) -> None:
        """Update several parameters, each with a row of its arrays, in one launch."""
        over(self.kernel, rows, *self.coefficients(*numbers))


@device_function
def descent(weight, gradient, decay, maximize):
    """The gradient to walk against, with the L2 penalty's gradient."""
    g = -gradient if maximize else gradient
    return g + decay * weight if decay != 0 else g


@cuda.jit
def _sgd(memory, table, lr, momentum, share, decay, nesterov, maximize, first):
    row = row_of(table)
    start, stop = chunk_of(table, row)
    w, dw, m = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(float64(memory[w + i]), float64(memory[dw + i]), decay, maximize)
        if m >= 0:
            buffer = g if first else memory[m + i] * momentum + share * g
            memory[m + i] = buffer
            g = g + momentum * buffer if nesterov else buffer
        memory[w + i] = memory[w + i] - lr * g


def _sgd_numbers(lr, momentum, dampening, weight_decay, nesterov, maximize, first) -> tuple:
    return lr, momentum, 1.0 - dampening, weight_decay, nesterov, maximize, bool(first)


#: w ← w - lr·m, m ← momentum·m + (1 - dampening)·(dw + weight_decay·w); without momentum m has size 0.
sgd_update = Update(_sgd, 3, _sgd_numbers)


@cuda.jit
def _adam(memory, table, beta1, beta2, eps, decay, scale, step_size, root_correction, maximize):
    row = row_of(table)
    start, stop = chunk_of(table, row)
    w, dw, m, v = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2], table[row, PLACES + 3]
    vmax = table[row, PLACES + 4]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(float64(memory[w + i]), float64(memory[dw + i]), decay, maximize)
        mean = memory[m + i] + (1 - beta1) * (g - memory[m + i])
        square = memory[v + i] * beta2 + (1 - beta2) * g * g
        memory[m + i] = mean
        memory[v + i] = square
        if vmax >= 0:
            largest = float64(memory[vmax + i])
            # A comparison with NaN is false, so that a NaN on either side stays.
            if not square <= largest and largest == largest:
                largest = square
            memory[vmax + i] = largest
            square = largest
        memory[w + i] = memory[w + i] * scale - step_size * mean / (math.sqrt(square) / root_correction + eps)


def _adam_numbers(lr, beta1, beta2, eps, weight_decay, maximize, step) -> tuple:
    correction = math.sqrt(1.0 - beta2**step)
    return beta1, beta2, eps, weight_decay, 1.0, lr / (1.0 - beta1**step), correction, maximize


def _adamw_numbers(lr, beta1, beta2, eps, weight_decay, maximize, step) -> tuple:
    correction, scale = math.sqrt(1.0 - beta2**step), 1.0 - lr * weight_decay
    return beta1, beta2, eps, 0.0, scale, lr / (1.0 - beta1**step), correction, maximize


#: w ← w - lr·m̂/(√v̂ + eps); with vmax (AMSGrad) the largest v so far takes the place of v.
adam_update = Update(_adam, 5, _adam_numbers)
#: w ← (1 - lr·weight_decay)·w - lr·m̂/(√v̂ + eps); with vmax the largest v so far takes the place of v.
adamw_update = Update(_adam, 5, _adamw_numbers)


@cuda.jit
def _rmsprop(memory, table, lr, alpha, eps, decay, momentum, maximize):
    row = row_of(table)
    start, stop = chunk_of(table, row)
    w, dw, v = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2]
    a, m = table[row, PLACES + 3], table[row, PLACES + 4]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(float64(memory[w + i]), float64(memory[dw + i]), decay, maximize)
        square = memory[v + i] * alpha + (1 - alpha) * g * g
        memory[v + i] = square
        if a >= 0:
            mean = memory[a + i] + (1 - alpha) * (g - memory[a + i])
            memory[a + i] = mean
            square = square - mean * mean
        direction = g / (math.sqrt(square) + eps)
        if m >= 0:
            direction = memory[m + i] * momentum + direction
            memory[m + i] = direction
        memory[w + i] = memory[w + i] - lr * direction


def _as_they_are(*numbers: Any) -> tuple:
    return numbers


#: w ← w - lr·g/(√v + eps); with a, v - a² under the root; with m, the quotient goes into m first.
rmsprop_update = Update(_rmsprop, 5, _as_they_are)


@cuda.jit
def _adagrad(memory, table, rate, eps, decay, maximize):
    row = row_of(table)
    start, stop = chunk_of(table, row)
    w, dw, s = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(float64(memory[w + i]), float64(memory[dw + i]), decay, maximize)
        total = memory[s + i] + g * g
        memory[s + i] = total
        memory[w + i] = memory[w + i] - rate * g / (math.sqrt(total) + eps)


def _adagrad_numbers(lr, lr_decay, eps, weight_decay, maximize, step) -> tuple:
    return lr / (1.0 + (step - 1.0) * lr_decay), eps, weight_decay, maximize


#: s ← s + g², w ← w - lr/(1 + (step - 1)·lr_decay)·g/(√s + eps)
adagrad_update = Update(_adagrad, 3, _adagrad_numbers)


@cuda.jit
def _adadelta(memory, table, lr, rho, eps, decay, maximize):
    row = row_of(table)
    start, stop = chunk_of(table, row)
    w, dw, v, u = table[row, PLACES], table[row, PLACES + 1], table[row, PLACES + 2], table[row, PLACES + 3]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        g = descent(float64(memory[w + i]), float64(memory[dw + i]), decay, maximize)
        square = memory[v + i] * rho + (1 - rho) * g * g
        memory[v + i] = square
        delta = math.sqrt(memory[u + i] + eps) / math.sqrt(square + eps) * g
        memory[u + i] = memory[u + i] * rho + (1 - rho) * delta * delta
        memory[w + i] = memory[w + i] - lr * delta


#: v ← mean of g², Δ = √(u + eps)/√(v + eps)·g, u ← mean of Δ², w ← w - lr·Δ
adadelta_update = Update(_adadelta, 4, _as_they_are)
