"""Pooling on the CPU. Planes are independent: x (N·C, H, W), y (N·C, OH, OW)."""

from numba import prange

from engine.kernels.jit import helper, kernel


@helper
def _halve(y, indices, x):
    """Windows of 2×2 that touch but do not overlap: the usual case, free of bounds tests."""
    breadth = x.shape[1]
    for p in range(y.shape[0]):
        upper, lower = x[2 * p], x[2 * p + 1]
        target, places = y[p], indices[p]
        for q in range(y.shape[1]):
            best = upper[2 * q]
            place = 2 * p * breadth + 2 * q
            first = place
            pixel = upper[2 * q + 1]
            better = pixel > best or pixel != pixel
            best = pixel if better else best
            place = first + 1 if better else place
            pixel = lower[2 * q]
            better = pixel > best or pixel != pixel
            best = pixel if better else best
            place = first + breadth if better else place
            pixel = lower[2 * q + 1]
            better = pixel > best or pixel != pixel
            best = pixel if better else best
            place = first + breadth + 1 if better else place
            target[q] = best
            places[q] = place


@kernel
def max_pool2d_forward(y, indices, x, kernel_size, stride, padding, dilation):
    """y[p, q] = max of x over window (p, q), indices[p, q] = h·W + v of the first maximum (int32); NaN wins."""
    kh, kw = kernel_size
    sh, sw = stride
    ph, pw = padding
    dh, dw = dilation
    height, breadth = x.shape[1], x.shape[2]
    halving = (
        kh == 2 and kw == 2 and sh == 2 and sw == 2 and ph == 0 and pw == 0 and dh == 1 and dw == 1
        and 2 * y.shape[1] <= height and 2 * y.shape[2] <= breadth
    )
    for plane in prange(y.shape[0]):
        if halving:
            _halve(y[plane], indices[plane], x[plane])
        else:
            for p in range(y.shape[1]):
                for q in range(y.shape[2]):
                    place = -1
                    best = x[plane, 0, 0]
                    for i in range(kh):
                        h = p * sh + i * dh - ph
                        if h >= 0 and h < height:
                            for j in range(kw):
                                v = q * sw + j * dw - pw
                                if v >= 0 and v < breadth:
                                    pixel = x[plane, h, v]
                                    if place < 0 or pixel > best or pixel != pixel:
                                        best = pixel
                                        place = h * breadth + v
                    y[plane, p, q] = best
                    indices[plane, p, q] = place


@kernel
def max_pool2d_backward(dx, dy, indices, kernel_size, stride, padding, dilation):
    """dx[h, v] = Σ dy[p, q] over the windows whose maximum was (h, v): here without looking at where windows lie"""
    for plane in prange(dx.shape[0]):
        flat = dx[plane].reshape(dx.shape[1] * dx.shape[2])
        for place in range(flat.size):
            flat[place] = 0
        for p in range(dy.shape[1]):
            gradients, places = dy[plane, p], indices[plane, p]
            for q in range(dy.shape[2]):
                flat[places[q]] += gradients[q]


@kernel
def avg_pool2d_forward(y, x, rows, columns):
    """y[p, q] = Σ of x over rows[p, 0]..rows[p, 1] × columns[q, 0]..columns[q, 1] / (rows[p, 2]·columns[q, 2])"""
    for plane in prange(y.shape[0]):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                total = y.dtype.type(0)
                for h in range(rows[p, 0], rows[p, 1]):
                    for v in range(columns[q, 0], columns[q, 1]):
                        total += x[plane, h, v]
                y[plane, p, q] = total / y.dtype.type(rows[p, 2] * columns[q, 2])


@kernel
def avg_pool2d_backward(dx, dy, rows, columns):
    """dx[h, v] = Σ dy[p, q] / (rows[p, 2]·columns[q, 2]) over the windows (p, q) that hold (h, v)"""
    for plane in prange(dx.shape[0]):
        flat = dx[plane].reshape(dx.shape[1] * dx.shape[2])
        for place in range(flat.size):
            flat[place] = 0
        for p in range(dy.shape[1]):
            for q in range(dy.shape[2]):
                share = dy[plane, p, q] / dy.dtype.type(rows[p, 2] * columns[q, 2])
                for h in range(rows[p, 0], rows[p, 1]):
                    for v in range(columns[q, 0], columns[q, 1]):
                        dx[plane, h, v] += share


@kernel
def interpolate_forward(y, x, low, high, down, left, right, along):
    """y[p, q] = the four neighbours of (p, q), weighted by nearness (see :mod:`engine.definitions.upsample`)."""
    for plane in prange(y.shape[0]):
        for p in range(y.shape[1]):
            s = down[p]
            upper, lower = x[plane, low[p]], x[plane, high[p]]
            for q in range(y.shape[2]):
                t = along[q]
                total = (1 - s) * (1 - t) * upper[left[q]]
                if t > 0:
                    total += (1 - s) * t * upper[right[q]]
                if s > 0:
                    total += s * (1 - t) * lower[left[q]]
                    if t > 0:
                        total += s * t * lower[right[q]]
                y[plane, p, q] = total


@kernel
def interpolate_backward(dx, dy, low, high, down, left, right, along):
    """dx[h, v] = Σ dy[p, q]·(weight that (p, q) gave to (h, v))"""
    for plane in prange(dx.shape[0]):
        flat = dx[plane].reshape(dx.shape[1] * dx.shape[2])
        for place in range(flat.size):
            flat[place] = 0
        for p in range(dy.shape[1]):
            s = down[p]
            for q in range(dy.shape[2]):
                t = along[q]
                gradient = dy[plane, p, q]
                dx[plane, low[p], left[q]] += (1 - s) * (1 - t) * gradient
                dx[plane, low[p], right[q]] += (1 - s) * t * gradient
                dx[plane, high[p], left[q]] += s * (1 - t) * gradient
                dx[plane, high[p], right[q]] += s * t * gradient
