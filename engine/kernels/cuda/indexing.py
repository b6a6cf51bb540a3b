"""Picking and putting elements by index arrays on the GPU.

Index arrays of ``x[...]`` lie on the CPU (:mod:`engine.ops.index_parts` brings them there), where NumPy works out which
elements are meant; the elements themselves stay on the GPU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.device import cuda_array
from engine.device.cuda_array import CudaArray, copyto, empty, from_host
from engine.kernels.cuda.launch import cuda, jit, launch, one_each, split


@jit
def _gather(y, x, places):
    k = cuda.grid(1)
    if k < y.size:
        y[k] = x[places[k]]


@jit
def _scatter(y, v, places):
    k = cuda.grid(1)
    if k < places.size:
        y[places[k]] = v[k]


@jit
def _take(y, x, index):
    place = cuda.grid(1)
    if place < y.size:
        outer, k, inner = split(place, y)
        y[outer, k, inner] = x[outer, index[k], inner]


@jit
def _gather_along(y, x, index):
    place = cuda.grid(1)
    if place < y.size:
        outer, k, inner = split(place, y)
        y[outer, k, inner] = x[outer, index[outer, k, inner], inner]


@jit
def _scatter_along(y, v, index):
    place = cuda.grid(1)
    if place < index.size:
        outer, k, inner = split(place, index)
        y[outer, index[outer, k, inner], inner] = v[outer, k, inner]


def dense(x: CudaArray) -> CudaArray:
    """``x``, C-contiguous."""
    return x if x.layout.flags.c_contiguous else x.copy()


def _places(shape: tuple[int, ...], index: Any) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)[host_index(index)]


def host_index(index: Any) -> Any:
    """``index`` with its arrays on the CPU."""
    if isinstance(index, tuple):
        return tuple([host_index(part) for part in index])
    return index.host() if isinstance(index, CudaArray) else index


def getitem(x: CudaArray, index: Any) -> CudaArray:
    """``x[index]`` with index arrays: a copy."""
    places = _places(x.shape, index)
    y = empty(places.shape, x.dtype)
    if y.size:
        launch(_gather, *one_each(y.size), y.reshape(-1), dense(x).reshape(-1), from_host(places.reshape(-1)))
    return y


def setitem(x: CudaArray, index: Any, value: Any) -> None:
    """``x[index] = value`` with index arrays; where an index repeats, the last value stays."""
    places = _places(x.shape, index)
    if not places.size:
        return
    region = empty(places.shape, x.dtype)
    copyto(region, value, casting="unsafe")
    flat = places.reshape(-1)
    # Threads write in no order: of the elements that mean the same place only the last takes part.
    _, last = np.unique(flat[::-1], return_index=True)
    if last.size < flat.size:
        kept = np.sort(flat.size - 1 - last)
        region, flat = getitem(region.reshape(-1), kept), flat[kept]
    target = dense(x)
    launch(_scatter, *one_each(flat.size), target.reshape(-1), region.reshape(-1), from_host(flat))
    if target is not x:
        copyto(x, target)


def _on_device(index: Any) -> CudaArray:
    return index if isinstance(index, CudaArray) else from_host(np.asarray(index, np.int64))


def take(a: CudaArray, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> CudaArray:
    """``np.take``: slices of ``a`` along ``axis``; the indices have been checked, negative ones count from the end."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    axis %= a.ndim
    extent, shape = a.shape[axis], np.shape(indices)
    if not isinstance(indices, CudaArray):
        host = np.asarray(indices, np.int64)
        if mode == "clip":
            host = np.clip(host, 0, max(extent - 1, 0))
        elif host.size and not (-extent <= host.min() and host.max() < extent):
            wrong = host[(host < -extent) | (host >= extent)].reshape(-1)[0]
            raise IndexError(f"index {wrong} is out of bounds for axis {axis} with size {extent}")
        indices = from_host(np.where(host < 0, host + extent, host))
    outer, inner = math.prod(a.shape[:axis]), math.prod(a.shape[axis + 1 :])
    y = out if out is not None else empty((*a.shape[:axis], *shape, *a.shape[axis + 1 :]), a.dtype)
    if y.size:
        launch(_take, *one_each(y.size), y.reshape(outer, indices.size, inner),
               dense(a).reshape(outer, extent, inner), dense(indices).reshape(-1))  # fmt: skip
    return y


def _along(array: CudaArray, axis: int) -> CudaArray:
    return dense(array).reshape(math.prod(array.shape[:axis]), array.shape[axis], math.prod(array.shape[axis + 1 :]))


def take_along_axis(arr: CudaArray, indices: Any, axis: int = -1) -> CudaArray:
    """``np.take_along_axis``: the shapes are equal but for ``axis``."""
    axis %= arr.ndim
    index = _on_device(indices)
    y = empty(index.shape, arr.dtype)
    if y.size:
        launch(_gather_along, *one_each(y.size), _along(y, axis), _along(arr, axis), _along(index, axis))
    return y


def put_along_axis(arr: CudaArray, indices: Any, values: Any, axis: int) -> None:
    """``np.put_along_axis``: the indices of one line are different."""
    axis %= arr.ndim
    index = _on_device(indices)
    if not index.size:
        return
    spread = empty(index.shape, arr.dtype)
    copyto(spread, values, casting="unsafe")
    target = dense(arr)
    launch(_scatter_along, *one_each(index.size), _along(target, axis), _along(spread, axis), _along(index, axis))
    if target is not arr:
        copyto(arr, target)


FUNCTIONS = cuda_array.FUNCTIONS
FUNCTIONS[cuda_array._getitem] = getitem
FUNCTIONS[cuda_array._setitem] = setitem
FUNCTIONS[np.take] = take
FUNCTIONS[np.take_along_axis] = take_along_axis
FUNCTIONS[np.put_along_axis] = put_along_axis
