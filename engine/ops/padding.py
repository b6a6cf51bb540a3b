"""Padding, and overlapping windows (``Tensor.unfold``)."""

from __future__ import annotations

import numpy as np

from engine.device import empty, zeros
from engine.errors import MissingError, ShapeError
from engine.function import apply
from engine.ops.dims import checked_dim
from engine.ops.indexing import index_backward
from engine.ops.movement import Movement
from engine.ops.rearranging import Filled
from engine.tensor import Tensor


class ConstantPad(Filled):
    """``value`` around x. ``padding`` has a pair (before, after) for each dimension; negative ones cut off."""

    def __init__(self, padding: tuple[tuple[int, int], ...], value: float) -> None:
        self.padding, self.value = padding, value

    def fill(self, x: np.ndarray, value: float) -> np.ndarray:
        shape = tuple([n + before + after for n, (before, after) in zip(x.shape, self.padding, strict=True)])
        y = empty(shape, x.dtype, x)
        y.fill(value)
        outer, inner = self._windows(x.shape)
        y[outer] = x[inner]
        return y

    def _windows(self, shape: tuple[int, ...]) -> tuple[tuple, tuple]:
        """Where the kept part of x lies in y, and in x."""
        outer, inner = [], []
        for n, (before, after) in zip(shape, self.padding, strict=True):
            first, last = max(0, -before), n - max(0, -after)
            inner.append(slice(first, last))
            outer.append(slice(first + before, last + before))
        return tuple(outer), tuple(inner)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        outer, inner = self._windows(self.shape)
        dx = zeros(self.shape, dy.dtype, dy)
        dx[inner] = dy[outer]
        return dx


class IndexPad(Movement):
    """x continued beyond its ends by its own elements: ``mode`` "reflect", "replicate" or "circular"."""

    passes_gradient = True

    def __init__(self, padding: tuple[tuple[int, int], ...], mode: str) -> None:
        self.padding, self.mode = padding, mode

    def _sources(self, shape: tuple[int, ...]) -> list[tuple[int, np.ndarray]]:
        """For each padded dimension the positions that are read along it."""
        sources = []
        for axis, (n, (before, after)) in enumerate(zip(shape, self.padding, strict=True)):
            if not (before or after):
                continue
            place = np.arange(-before, n + after)
            if self.mode == "replicate":
                place = place.clip(0, n - 1)
            elif self.mode == "circular":
                # What is cut off at one end is not seen again at the other.
                first, last = max(0, -before), n - max(0, -after)
                place = first + (place - first) % max(1, last - first)
            else:
                place = n - 1 - np.abs(n - 1 - np.abs(place))
            sources.append((axis, place))
        return sources

    def move(self, x: np.ndarray) -> np.ndarray:
        y = x
        for axis, place in self._sources(x.shape):
            y = y.take(place, axis)
        return x.copy() if y is x else y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        for axis, place in reversed(self._sources(self.shape)):
            shape = list(dy.shape)
            shape[axis] = self.shape[axis]
            dy = index_backward(tuple(shape), dy, axis, place)
        return dy


def pad(input: Tensor, pad: tuple[int, ...], mode: str = "constant", value: float | None = None) -> Tensor:
    """``input`` extended at its ends: ``torch.nn.functional.pad``.

    Args:
        pad: (before, after) of the last dimension, then of the one before it, and so on. Negative ones cut off.
        mode: "constant" (``value``, 0 by default), "reflect" (the edge is not repeated), "replicate" (the edge is
            repeated), "circular". All but "constant" pad the last dimension of 2 or 3, the last two of 3 or 4,
            or the last three of 4 or 5.

    Raises:
        ShapeError: when the padding does not fit the shape.
    """
    shape = input._array.shape
    widths = tuple(pad)
    if len(widths) % 2:
        raise ShapeError(f"pad: Padding length must be divisible by 2, got {widths}")
    if len(widths) > 2 * len(shape):
        raise ShapeError(
            "Padding length should be less than or equal to two times the input dimension "
            f"but got padding length {len(widths)} and input of dimension {len(shape)}"
        )
    pairs = list(zip(widths[::2], widths[1::2], strict=True))[::-1]
    padding = ((0, 0),) * (len(shape) - len(pairs)) + tuple(pairs)
    for axis, (n, (before, after)) in enumerate(zip(shape, padding, strict=True)):
        if n + before + after < 0 or n + min(before, 0) + min(after, 0) < 0:
            raise ShapeError(
                f"pad: the padding ({before}, {after}) cuts more off dimension {axis} than its size {n} (shape {shape})"
            )
    if mode == "constant":
        kind = input._array.dtype.kind
        fill = 0.0 if value is None else value
        return apply(ConstantPad(padding, fill if kind == "f" else int(fill)), input)
    if mode not in ("reflect", "replicate", "circular"):
        raise MissingError(f"pad: Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise ShapeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    _check_own_elements(shape, padding, len(pairs), mode)
    return apply(IndexPad(padding, mode), input)


def _check_own_elements(shape: tuple[int, ...], padding: tuple, padded: int, mode: str) -> None:
    if not 1 <= padded <= 3 or len(shape) not in (padded + 1, padded + 2):
        raise MissingError(
            f"pad: Padding size {2 * padded} is not supported for {len(shape)}D input tensor in mode {mode}: "
            "2D or 3D input takes 2 numbers, 3D or 4D input 4, 4D or 5D input 6"
        )
    for axis, (n, widths) in enumerate(zip(shape, padding, strict=True)):
        if mode == "reflect" and max(widths) >= max(n, 1):
            raise ShapeError(
                "pad: Padding size should be less than the corresponding input dimension, "
                f"but got: padding {widths} at dimension {axis} of input {list(shape)}"
            )
        if mode == "circular" and max(widths) > n:
            raise ShapeError(
                "pad: Padding value causes wrapping around more than once: "
                f"padding {widths} at dimension {axis} of input {list(shape)}"
            )
        if mode == "replicate" and n == 0 and max(widths) > 0:
            raise ShapeError(f"pad: dimension {axis} of input {list(shape)} has no element to repeat")


class Unfold(Movement):
    """The view of all windows of ``size`` along ``dimension``, ``step`` apart; the window is a new last dimension."""

    is_view = True

    def __init__(self, dimension: int, size: int, step: int) -> None:
        self.dimension, self.size, self.step = dimension, size, step

    def move(self, x: np.ndarray) -> np.ndarray:
        if not x.ndim:
            return x.reshape(1)[: self.size]
        windows = np.lib.stride_tricks.sliding_window_view(x, self.size, self.dimension)
        return windows[(slice(None),) * self.dimension + (slice(None, None, self.step),)]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx = zeros(self.shape, dy.dtype, dy)
        if not self.shape:
            dx[...] = dy.sum()
            return dx
        before = (slice(None),) * self.dimension
        reach = (dy.shape[self.dimension] - 1) * self.step + 1
        for place in range(self.size):
            dx[(*before, slice(place, place + reach, self.step))] += dy[..., place]
        return dx


def _unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The view of all windows of ``size`` along ``dimension``, ``step`` apart (read-only where they overlap).

    Raises:
        ShapeError: when the window is larger than the dimension.
    """
    shape = input._array.shape
    dimension = checked_dim(dimension, len(shape))
    extent = shape[dimension] if shape else 1
    if not 0 <= size <= extent:
        raise ShapeError(f"unfold: maximum size for tensor at dimension {dimension} is {extent} but size is {size}")
    if step <= 0:
        raise ShapeError(f"unfold: step is {step} but must be > 0")
    return apply(Unfold(dimension, size, step), input)


METHODS = {"unfold": _unfold}
FUNCTIONS = ()
