"""Resampling pictures to another size: nearest neighbours and (bi)linear."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from engine.definitions import upsample as definitions
from engine.device import empty
from engine.errors import DtypeError, ShapeError
from engine.function import apply
from engine.kernels.cpu import pool2d as kernels
from engine.ops.elementwise import refuse_non_tensors
from engine.ops.pool import _Planes, _planes
from engine.tensor import Tensor


class Interpolate(_Planes):
    """Every output pixel is the mean of its neighbours in the input, weighted by nearness."""

    definitions = {"y": definitions.interpolate_forward, "dx": definitions.interpolate_backward}

    def __init__(self, rows: tuple, columns: tuple, flat: bool) -> None:
        self.low, self.high, self.down = rows
        self.left, self.right, self.along = columns
        self.flat = flat

    @property
    def _where(self) -> tuple:
        return self.low, self.high, self.down, self.left, self.right, self.along

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.shape = x.shape
        planes = _planes(x, self.flat)
        y = empty((planes.shape[0], len(self.low), len(self.left)), x.dtype, x)
        kernels.interpolate_forward.sized(8 * y.size, y)(y, planes, *self._where)
        if self.flat:
            return y.reshape(*x.shape[:-1], len(self.left))
        return y.reshape(*x.shape[:-2], len(self.low), len(self.left))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        planes = _planes(dy, self.flat)
        size = (1, self.shape[-1]) if self.flat else self.shape[-2:]
        dx = empty((planes.shape[0], *size), dy.dtype, dy)
        kernels.interpolate_backward.sized(8 * planes.size, dx)(dx, planes, *self._where)
        return dx.reshape(self.shape)


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resample (N, C, H, W) or (N, C, L) to ``size``, or by ``scale_factor``.

    Args:
        size: extents of the result, a number or one for each dimension.
        scale_factor: factor instead of ``size``; the result's extent is floor(extent · factor).
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"`` (3-D input) or ``"bilinear"`` (4-D input).
        align_corners: for the linear modes: whether the centres of the corner pixels coincide (True), or the
            outer edges of the pictures (False, default).

    Raises:
        ShapeError, DtypeError: when the arguments contradict one another.
    """
    try:
        x = input._array
    except AttributeError:
        refuse_non_tensors("interpolate", input=input)
        raise
    rank = x.ndim - 2
    linear = mode in ("linear", "bilinear")
    if mode not in ("nearest", "nearest-exact", "linear", "bilinear") or antialias:
        raise ShapeError(
            f"interpolate: mode {mode!r}{' with antialias' if antialias else ''} is not one of this engine's: "
            "nearest, nearest-exact, linear, bilinear"
        )
    if rank not in (1, 2) or (linear and mode != ("linear", "bilinear")[rank - 1]):
        raise ShapeError(f"interpolate: mode {mode!r} does not fit input of shape {x.shape}")
    if x.dtype.kind != "f":
        raise DtypeError(f"interpolate: expected a float input, got {input.dtype}")
    if align_corners is not None and not linear:
        raise ShapeError(
            "interpolate: align_corners option can only be set with the interpolating modes: linear | bilinear"
        )
    if (size is None) == (scale_factor is None):
        raise ShapeError("interpolate: only one of size or scale_factor should be defined, and one must be")
    extents = x.shape[2:]
    if size is not None:
        output = (size,) * rank if isinstance(size, int) else tuple(int(s) for s in size)
        factors: tuple = (None,) * rank
    else:
        factors = (scale_factor,) * rank if isinstance(scale_factor, (int, float)) else tuple(scale_factor)
        output = tuple(math.floor(e * f) for e, f in zip(extents, factors, strict=True))
        if recompute_scale_factor:
            factors = (None,) * rank
    if len(output) != rank or min(output) < 1:
        raise ShapeError(f"interpolate: {output} is no size for the {rank} dimensions of input {x.shape}")
    axes = [
        _neighbours(extents[d], output[d], factors[d], mode, bool(align_corners), x.dtype.str) for d in range(rank)
    ]
    if rank == 1:
        axes.insert(0, _neighbours(1, 1, None, "nearest", False, x.dtype.str))
    return apply(Interpolate(axes[0], axes[1], rank == 1), input)


@functools.lru_cache(maxsize=256)
def _neighbours(extent: int, output: int, factor, mode: str, align: bool, dtype: str) -> tuple:
    """For every output place: the lower and the upper neighbour, and the share of the way to the upper."""
    places = np.arange(output, dtype=np.float64)
    if mode in ("linear", "bilinear") and align:
        source = places * ((extent - 1) / (output - 1) if output > 1 else 0.0)
    else:
        scale = 1 / factor if factor is not None else extent / output
        if mode == "nearest":
            source = np.floor(np.float32(scale) * places.astype(np.float32))
        elif mode == "nearest-exact":
            source = np.floor((places + 0.5) * scale)
        else:
            source = np.maximum((places + 0.5) * scale - 0.5, 0)
    low = np.minimum(source.astype(np.int64), extent - 1)
    high = np.minimum(low + 1, extent - 1)
    share = (source - low).astype(dtype) if mode in ("linear", "bilinear") else np.zeros(output, dtype)
    return low, high, share


METHODS: dict = {}
FUNCTIONS: tuple = ()
