"""Running sums and products along one dimension."""

from __future__ import annotations

import numpy as np

from engine import dtypes
from engine.definitions import reduction as definitions
from engine.device import as_array
from engine.function import Function, apply
from engine.ops.dims import checked_dim
from engine.ops.elementwise import cast, silent, silently
from engine.ops.reduction import rows, unrows
from engine.tensor import Tensor


class Running(Function):
    """An op along ``dim``, computed in float64 or int64 on the rows of that dimension."""

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return rows(array, (self.dim,)) if array.ndim else array.reshape(1, 1)

    def accumulate(self, ufunc: np.ufunc, x: np.ndarray) -> np.ndarray:
        """``ufunc`` along the rows, in the accumulation dtype."""
        wide = np.float64 if x.dtype.kind == "f" else np.int64
        return silently(ufunc.accumulate, self.canonical("x", x), axis=1, dtype=wide)

    def restored(self, y: np.ndarray, like: np.ndarray) -> np.ndarray:
        """Rows back in the shape of ``like``, in its dtype (int64 for integers)."""
        y = silently(y.astype, like.dtype if like.dtype.kind == "f" else np.int64, copy=False)
        return unrows(y, (self.dim,), like.shape) if like.ndim else y.reshape(())


class Cumsum(Running):
    """y = Σ x up to and with each place"""

    definitions = {"y": definitions.cumsum_forward, "dx": definitions.cumsum_backward}

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.restored(self.accumulate(np.add, x), x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = as_array(dy)
        backwards = np.flip(dy, self.dim) if dy.ndim else dy
        dx = self.restored(self.accumulate(np.add, backwards), dy)
        return np.flip(dx, self.dim) if dy.ndim else dx


class Cumprod(Running):
    """y = Π x up to and with each place"""

    definitions = {"y": definitions.cumprod_forward, "dx": definitions.cumprod_backward}
    saves_inputs = (0,)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return self.restored(self.accumulate(np.multiply, x), x)

    @silent
    def backward(self, dy: np.ndarray) -> np.ndarray:
        # dx[r] = before[r] · tail[r], where tail[r] = dy[r] + x[r + 1] · tail[r + 1]: right with zeros too.
        x = self.canonical("x", self.x).astype(np.float64)
        tail = self.canonical("dy", as_array(dy)).astype(np.float64)
        for r in range(x.shape[1] - 2, -1, -1):
            tail[:, r] += x[:, r + 1] * tail[:, r + 1]
        before = np.ones_like(x)
        np.multiply.accumulate(x[:, :-1], axis=1, out=before[:, 1:])
        return self.restored(before * tail, self.x)


def cumsum(input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """Running sums along ``dim``; integers and bools give int64."""
    if dtype is not None:
        input = cast(input, dtype.numpy)
    return apply(Cumsum(checked_dim(dim, input._array.ndim)), input)


def cumprod(input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """Running products along ``dim``; integers and bools give int64."""
    if dtype is not None:
        input = cast(input, dtype.numpy)
    return apply(Cumprod(checked_dim(dim, input._array.ndim)), input)


METHODS = {"cumsum": cumsum, "cumprod": cumprod}
FUNCTIONS = tuple(METHODS)
