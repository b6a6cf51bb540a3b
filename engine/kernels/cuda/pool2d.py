"""Pooling and resizing on the GPU: x (N·C, H, W), y (N·C, OH, OW), one thread an element.

Backward gathers: the thread of a pixel looks at the windows that may hold it, instead of every window adding to its
pixels, so that nothing is added twice at once.
"""

from __future__ import annotations

import functools

import numpy as np

from engine.device.cuda_array import CudaArray, kept_from_host
from engine.device.streams import Stream, current
from engine.kernels.cuda.launch import ELEMENT_THREADS, cuda, device_function, jit, launch, one_each, split


@jit
def _max_pool2d_forward(y, indices, x, kh, kw, sh, sw, ph, pw, dh, dw):
    place = cuda.grid(1)
    if place < y.size:
        plane, p, q = split(place, y)
        found = -1
        best = x[plane, 0, 0]
        for i in range(kh):
            h = p * sh + i * dh - ph
            if h >= 0 and h < x.shape[1]:
                for j in range(kw):
                    v = q * sw + j * dw - pw
                    if v >= 0 and v < x.shape[2]:
                        pixel = x[plane, h, v]
                        if found < 0 or pixel > best or pixel != pixel:
                            best = pixel
                            found = h * x.shape[2] + v
        y[plane, p, q] = best
        indices[plane, p, q] = found


def max_pool2d_forward(y, indices, x, kernel_size, stride, padding, dilation) -> None:
    """y[p, q] = max of x over window (p, q), indices[p, q] = h·W + v of the first maximum (int32); NaN wins."""
    if y.size:
        places = one_each(y.size, ELEMENT_THREADS)
        launch(_max_pool2d_forward, *places, y, indices, x, *kernel_size, *stride, *padding, *dilation)


@device_function
def _first_window(place, reach, stride):
    """The first window that may hold a pixel: it ends ``reach`` pixels behind its beginning."""
    before = place - reach
    return (before + stride - 1) // stride if before > 0 else 0


@jit
def _max_pool2d_backward(dx, dy, indices, kh, kw, sh, sw, ph, pw, dh, dw):
    place = cuda.grid(1)
    if place < dx.size:
        plane, h, v = split(place, dx)
        own = h * dx.shape[2] + v
        below = (h + ph) // sh
        right = (v + pw) // sw
        total = dx.dtype.type(0)
        # The windows in their order, so that the sum does not depend on the launch.
        for p in range(_first_window(h + ph, dh * (kh - 1), sh), dy.shape[1]):
            if p > below:
                break
            for q in range(_first_window(v + pw, dw * (kw - 1), sw), dy.shape[2]):
                if q > right:
                    break
                if indices[plane, p, q] == own:
                    total += dy[plane, p, q]
        dx[plane, h, v] = total


def max_pool2d_backward(dx, dy, indices, kernel_size, stride, padding, dilation) -> None:
    """dx[h, v] = Σ dy[p, q] over the windows whose maximum was (h, v)"""
    if dx.size:
        places = one_each(dx.size, ELEMENT_THREADS)
        launch(_max_pool2d_backward, *places, dx, dy, indices, *kernel_size, *stride, *padding, *dilation)


@jit
def _avg_pool2d_forward(y, x, rows, columns):
    place = cuda.grid(1)
    if place < y.size:
        plane, p, q = split(place, y)
        total = y.dtype.type(0)
        for h in range(rows[p, 0], rows[p, 1]):
            for v in range(columns[q, 0], columns[q, 1]):
                total += x[plane, h, v]
        y[plane, p, q] = total / y.dtype.type(rows[p, 2] * columns[q, 2])


@jit
def _avg_pool2d_backward(dx, dy, rows, columns):
    place = cuda.grid(1)
    if place < dx.size:
        plane, h, v = split(place, dx)
        total = dx.dtype.type(0)
        for p in range(dy.shape[1]):
            if rows[p, 0] <= h and h < rows[p, 1]:
                for q in range(dy.shape[2]):
                    if columns[q, 0] <= v and v < columns[q, 1]:
                        total += dy[plane, p, q] / dx.dtype.type(rows[p, 2] * columns[q, 2])
        dx[plane, h, v] = total


def avg_pool2d_forward(y, x, rows, columns) -> None:
    """y[p, q] = Σ of x over rows[p, 0]..rows[p, 1] × columns[q, 0]..columns[q, 1] / (rows[p, 2]·columns[q, 2])"""
    if y.size:
        launch(_avg_pool2d_forward, *one_each(y.size, ELEMENT_THREADS), y, x, *_tables(rows, columns))


def avg_pool2d_backward(dx, dy, rows, columns) -> None:
    """dx[h, v] = Σ dy[p, q] / (rows[p, 2]·columns[q, 2]) over the windows (p, q) that hold (h, v)"""
    if dx.size:
        launch(_avg_pool2d_backward, *one_each(dx.size, ELEMENT_THREADS), dx, dy, *_tables(rows, columns))


def _tables(*tables) -> list:
    """Small tables that the ops make on the CPU, on the GPU; those of earlier calls are kept there."""
    stream = current.stream
    return [_uploaded(table.shape, table.dtype, table.tobytes(), stream) if isinstance(table, np.ndarray) else table
            for table in tables]  # fmt: skip


# For each stream: the memory of a table that is dropped goes to the stream's next array, when another one may still read it.
@functools.lru_cache(128)
def _uploaded(shape: tuple[int, ...], dtype: np.dtype, contents: bytes, stream: Stream | None) -> CudaArray:
    return kept_from_host(np.frombuffer(contents, dtype).reshape(shape))


@jit
def _interpolate_forward(y, x, low, high, down, left, right, along):
    place = cuda.grid(1)
    if place < y.size:
        plane, p, q = split(place, y)
        zero, one = y.dtype.type(0), y.dtype.type(1)
        s = y.dtype.type(down[p])
        t = y.dtype.type(along[q])
        total = (one - s) * (one - t) * x[plane, low[p], left[q]]
        if t > zero:
            total += (one - s) * t * x[plane, low[p], right[q]]
        if s > zero:
            total += s * (one - t) * x[plane, high[p], left[q]]
            if t > zero:
                total += s * t * x[plane, high[p], right[q]]
        y[plane, p, q] = total


@jit
def _interpolate_backward(dx, dy, low, high, down, left, right, along):
    place = cuda.grid(1)
    if place < dx.size:
        plane, h, v = split(place, dx)
        zero, one = dx.dtype.type(0), dx.dtype.type(1)
        total = zero
        for p in range(dy.shape[1]):
            s = dx.dtype.type(down[p])
            vertical = (one - s if low[p] == h else zero) + (s if high[p] == h else zero)
            if vertical > zero:
                for q in range(dy.shape[2]):
                    t = dx.dtype.type(along[q])
                    across = (one - t if left[q] == v else zero) + (t if right[q] == v else zero)
                    if across > zero:
                        total += vertical * across * dy[plane, p, q]
        dx[plane, h, v] = total


def interpolate_forward(y, x, *where) -> None:
    """y[p, q] = the four neighbours of (p, q), weighted by nearness (see :mod:`engine.definitions.upsample`)."""
    if y.size:
        launch(_interpolate_forward, *one_each(y.size, ELEMENT_THREADS), y, x, *_tables(*where))


def interpolate_backward(dx, dy, *where) -> None:
    """dx[h, v] = Σ dy[p, q] times the share that pixel (h, v) has in it."""
    if dx.size:
        launch(_interpolate_backward, *one_each(dx.size, ELEMENT_THREADS), dx, dy, *_tables(*where))
