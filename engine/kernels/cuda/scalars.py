"""Scalar functions that the GPU's elementwise kernels share, with NumPy's meaning for NaN, signs and division by zero.

Those that compute with a number of their own are given it: a float32 and a whole number make a float64.
"""

from __future__ import annotations

from engine.kernels.cuda.launch import device_function, math


@device_function
def floor_divide(a, b, half, one):
    if b == 0:
        return a / b
    # As NumPy and Python: the quotient of what the remainder leaves, which a rounded a / b may exceed.
    left = math.fmod(a, b)
    quotient = (a - left) / b
    if left != 0 and ((left < 0) != (b < 0)):
        quotient -= one
    if quotient == 0:
        return math.copysign(quotient, a / b)
    down = math.floor(quotient)
    return down + one if quotient - down > half else down


@device_function
def remainder(a, b):
    left = math.fmod(a, b)
    if left != 0:
        if (left < 0) != (b < 0):
            left += b
    else:
        left = math.copysign(left, b)
    return left


@device_function
def fmod(a, b):
    return math.fmod(a, b)


@device_function
def floor_divide_integers(a, b):
    return a // b if b != 0 else 0


@device_function
def remainder_integers(a, b):
    return a % b if b != 0 else 0


@device_function
def fmod_integers(a, b):
    if b == 0:
        return 0
    left = abs(a) % abs(b)
    return -left if a < 0 else left


@device_function
def power_integers(a, b):
    result = 1
    factor, exponent = a, b
    while exponent > 0:
        if exponent & 1:
            result *= factor
        factor *= factor
        exponent >>= 1
    return result


@device_function
def sign(a, zero, one):
    if a > zero:
        return one
    if a < zero:
        return -one
    return zero if a == zero else a


@device_function
def sign_integers(a):
    return 1 if a > 0 else (-1 if a < 0 else 0)


@device_function
def maximum(a, b):
    return a if (a >= b or a != a) else b


@device_function
def minimum(a, b):
    return a if (a <= b or a != a) else b


@device_function
def fmax(a, b):
    return a if (a >= b or b != b) else b


@device_function
def fmin(a, b):
    return a if (a <= b or b != b) else b


@device_function
def isinf(a):
    return a == a and a - a != 0


@device_function
def trunc(a):
    return math.copysign(math.floor(abs(a)), a)


@device_function
def rint(a, half, one, two):
    # To the nearest even integer where two are equally near.
    down = math.floor(a)
    left = a - down
    if left > half or (left == half and math.fmod(down, two) != 0):
        down += one
    return math.copysign(down, a)
