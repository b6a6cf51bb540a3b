"""Activations on the CPU: flat arrays x (n) → y (n) and dy (n), with x or y, → dx (n).

Comparisons are written so that NaN takes the branch that hands it on. Parameters arrive as Python floats (float64)
and are brought to the arrays' dtype first: one float64 operand would halve the width of the vector instructions.
The arithmetic is strict: with liberties the compiler takes different ones in the serial and in the parallel form.
"""

from numba import prange

from engine.kernels.cpu.vector_math import erf, exp, expm1, log1p, sigmoid, tanh
from engine.kernels.jit import kernel

_SQRT_HALF = 0.7071067811865476
_NORMAL_DENSITY_0 = 0.3989422804014327
_GELU_SCALE = 0.7978845608028654
_GELU_CUBIC = 0.044715


@kernel(fastmath=False)
def relu_forward(y, x):
    zero = x.dtype.type(0)
    for i in prange(y.size):
        y[i] = zero if x[i] < zero else x[i]


@kernel(fastmath=False)
def relu_backward(dx, dy, y):
    zero = y.dtype.type(0)
    for i in prange(dx.size):
        dx[i] = zero if y[i] <= zero else dy[i]


@kernel(fastmath=False)
def leaky_relu_forward(y, x, negative_slope):
    zero, slope = x.dtype.type(0), x.dtype.type(negative_slope)
    for i in prange(y.size):
        y[i] = x[i] if x[i] > zero else x[i] * slope


@kernel(fastmath=False)
def leaky_relu_backward(dx, dy, x, negative_slope):
    zero, slope = x.dtype.type(0), x.dtype.type(negative_slope)
    for i in prange(dx.size):
        dx[i] = dy[i] if x[i] > zero else dy[i] * slope


@kernel(fastmath=False)
def elu_forward(y, x, alpha, scale, input_scale):
    real = x.dtype.type
    zero, positive, negative, inner = real(0), real(scale), real(scale * alpha), real(input_scale)
    for i in prange(y.size):
        y[i] = positive * x[i] if x[i] > zero else negative * expm1(x[i] * inner)


@kernel(fastmath=False)
def elu_backward(dx, dy, x, alpha, scale, input_scale):
    real = x.dtype.type
    zero, positive, inner = real(0), real(scale), real(input_scale)
    negative = real(scale * alpha * input_scale)
    for i in prange(dx.size):
        dx[i] = dy[i] * (negative * exp(x[i] * inner)) if x[i] <= zero else positive * dy[i]


@kernel(fastmath=False)
def gelu_forward(y, x):
    real = x.dtype.type
    one, half, root = real(1), real(0.5), real(_SQRT_HALF)
    for i in prange(y.size):
        y[i] = half * x[i] * (one + erf(x[i] * root))


@kernel(fastmath=False)
def gelu_backward(dx, dy, x):
    real = x.dtype.type
    one, half, root, density_0 = real(1), real(0.5), real(_SQRT_HALF), real(_NORMAL_DENSITY_0)
    for i in prange(dx.size):
        share = half * (one + erf(x[i] * root))
        dx[i] = dy[i] * (share + x[i] * (density_0 * exp(-half * x[i] * x[i])))


@kernel(fastmath=False)
def gelu_tanh_forward(y, x):
    real = x.dtype.type
    one, half, scale, cubic = real(1), real(0.5), real(_GELU_SCALE), real(_GELU_CUBIC)
    for i in prange(y.size):
        y[i] = half * x[i] * (one + tanh(scale * (x[i] + cubic * x[i] * x[i] * x[i])))


@kernel(fastmath=False)
def gelu_tanh_backward(dx, dy, x):
    real = x.dtype.type
    one, half, scale, cubic = real(1), real(0.5), real(_GELU_SCALE), real(_GELU_CUBIC)
    three = real(3)
    for i in prange(dx.size):
        square = x[i] * x[i]
        t = tanh(scale * (x[i] + cubic * square * x[i]))
        slope = scale * (one + three * cubic * square)
        dx[i] = dy[i] * half * (one + t + x[i] * ((one - t * t) * slope))


@kernel(fastmath=False)
def silu_forward(y, x):
    for i in prange(y.size):
        y[i] = x[i] * sigmoid(x[i])


@kernel(fastmath=False)
def silu_backward(dx, dy, x):
    one = x.dtype.type(1)
    for i in prange(dx.size):
        s = sigmoid(x[i])
        dx[i] = dy[i] * (s * (one + x[i] * (one - s)))


@kernel(fastmath=False)
def mish_forward(y, x):
    # tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2); 1 to the last bit above 20.
    real = x.dtype.type
    two, large = real(2), real(20)
    for i in prange(y.size):
        e = exp(large if x[i] > large else x[i])
        n = e * (e + two)
        y[i] = x[i] * (n / (n + two))


@kernel(fastmath=False)
def mish_backward(dx, dy, x):
    real = x.dtype.type
    one, two, large = real(1), real(2), real(20)
    for i in prange(dx.size):
        e = exp(large if x[i] > large else x[i])
        n = e * (e + two)
        t = n / (n + two)
        dx[i] = dy[i] * (t + x[i] * (e / (one + e)) * (one - t * t))


@kernel(fastmath=False)
def sigmoid_forward(y, x):
    for i in prange(y.size):
        y[i] = sigmoid(x[i])


@kernel(fastmath=False)
def sigmoid_backward(dx, dy, y):
    one = y.dtype.type(1)
    for i in prange(dx.size):
        dx[i] = dy[i] * (y[i] * (one - y[i]))


@kernel(fastmath=False)
def tanh_forward(y, x):
    for i in prange(y.size):
        y[i] = tanh(x[i])


@kernel(fastmath=False)
def tanh_backward(dx, dy, y):
    one = y.dtype.type(1)
    for i in prange(dx.size):
        dx[i] = dy[i] * (one - y[i] * y[i])


@kernel(fastmath=False)
def softplus_forward(y, x, beta, threshold):
    real = x.dtype.type
    factor, limit = real(beta), real(threshold)
    for i in prange(y.size):
        scaled = x[i] * factor
        y[i] = x[i] if scaled > limit else log1p(exp(scaled)) / factor


@kernel(fastmath=False)
def softplus_backward(dx, dy, x, beta, threshold):
    real = x.dtype.type
    factor, limit = real(beta), real(threshold)
    for i in prange(dx.size):
        scaled = x[i] * factor
        dx[i] = dy[i] if scaled > limit else dy[i] * sigmoid(scaled)


@kernel(fastmath=False)
def hardtanh_forward(y, x, min_val, max_val):
    low, high = x.dtype.type(min_val), x.dtype.type(max_val)
    for i in prange(y.size):
        raised = low if x[i] < low else x[i]
        y[i] = high if raised > high else raised


@kernel(fastmath=False)
def hardtanh_backward(dx, dy, x, min_val, max_val):
    real = x.dtype.type
    zero, low, high = real(0), real(min_val), real(max_val)
    for i in prange(dx.size):
        dx[i] = zero if (x[i] <= low) | (x[i] >= high) else dy[i]


@kernel(fastmath=False)
def log_sigmoid_forward(y, x):
    zero = x.dtype.type(0)
    for i in prange(y.size):
        below = zero if x[i] > zero else x[i]
        y[i] = below - log1p(exp(-abs(x[i])))


@kernel(fastmath=False)
def log_sigmoid_backward(dx, dy, x):
    for i in prange(dx.size):
        dx[i] = dy[i] * sigmoid(-x[i])


@kernel(fastmath=False)
def softsign_forward(y, x):
    one = x.dtype.type(1)
    for i in prange(y.size):
        y[i] = x[i] / (one + abs(x[i]))


@kernel(fastmath=False)
def softsign_backward(dx, dy, x):
    one = x.dtype.type(1)
    for i in prange(dx.size):
        size = one + abs(x[i])
        dx[i] = dy[i] / (size * size)
