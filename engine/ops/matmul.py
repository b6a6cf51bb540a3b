"""Matrix products: matmul and its special cases mm, bmm, mv, dot, outer, addmm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.definitions import matmul as definitions
from engine.device import contiguous, empty
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.kernels.cpu import matmul as kernels
from engine.kernels.jit import MULTIPLY_ADD
from engine.ops.arithmetic import add, mul
from engine.ops.elementwise import expand, silent
from engine.tensor import Tensor


def product(a: np.ndarray, b: np.ndarray, transpose_a: bool = False, transpose_b: bool = False) -> np.ndarray:
    """op(a) op(b) for a batch: arrays of 3 dimensions with the same first extent."""
    a, transpose_a = _stored(a, transpose_a)
    b, transpose_b = _stored(b, transpose_b)
    rows = a.shape[2] if transpose_a else a.shape[1]
    inner = a.shape[1] if transpose_a else a.shape[2]
    columns = b.shape[1] if transpose_b else b.shape[2]
    shape = (a.shape[0], rows, columns)
    if a.dtype.kind != "f":
        a, b = a.swapaxes(1, 2) if transpose_a else a, b.swapaxes(1, 2) if transpose_b else b
        return np.matmul(a, b)
    y = empty(shape, a.dtype, a)
    if y.size == 0:
        return y
    if inner == 0:
        y.fill(0)
        return y
    kernels.matmul.sized(y.size * inner * MULTIPLY_ADD, y)(y, a, b, transpose_a, transpose_b)
    return y


def _stored(a: np.ndarray, transpose: bool) -> tuple[np.ndarray, bool]:
    """``a`` in row-major order, or its transpose where that is how it lies in memory."""
    if a.flags.carray:
        return a, transpose
    if a.swapaxes(1, 2).flags.carray:
        return a.swapaxes(1, 2), not transpose
    return contiguous(a), transpose


class Bmm(Function):
    """y = a b for batches of matrices: (..., M, K) and (..., K, N) with equal batch dimensions."""

    stays_finite = True
    definitions = {
        "y": definitions.matmul_forward, "da": definitions.matmul_backward_a, "db": definitions.matmul_backward_b,
    }
    saves_inputs = (0, 1)

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = product(_batch(a), _batch(b))
        return y.reshape((*a.shape[:-2], *y.shape[1:]))

    def backward(self, dy: np.ndarray) -> tuple:
        a, b, dy = _batch(self.a), _batch(self.b), _batch(dy)
        da = product(dy, b, transpose_b=True).reshape(self.a.shape) if self.needs[0] else None
        db = product(a, dy, transpose_a=True).reshape(self.b.shape) if self.needs[1] else None
        return da, db

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return _batch(array)


def _batch(a: np.ndarray) -> np.ndarray:
    return a if a.ndim == 3 else a.reshape((math.prod(a.shape[:-2]), *a.shape[-2:]))


class Mm(Bmm):
    """y = a b for one matrix b (K, N) and rows a (..., K); a vector a is one row."""

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = product(_rows(a), b[None])
        return y.reshape((*a.shape[:-1], b.shape[1]))

    def backward(self, dy: np.ndarray) -> tuple:
        a, b, dy = _rows(self.a), self.b[None], _rows(dy)
        da = product(dy, b, transpose_b=True).reshape(self.a.shape) if self.needs[0] else None
        db = product(a, dy, transpose_a=True)[0] if self.needs[1] else None
        return da, db

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return array[None] if name in ("b", "db") else _rows(array)


def _rows(a: np.ndarray) -> np.ndarray:
    if a.ndim == 2:
        return a[None]
    return a.reshape((1, math.prod(a.shape[:-1]), a.shape[-1]))


class Mv(Bmm):
    """y = a b for matrices a (..., M, K) and one vector b (K)."""

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        return product(_rows(a), b.reshape(1, -1, 1)).reshape(a.shape[:-1])

    def backward(self, dy: np.ndarray) -> tuple:
        a, b, dy = _rows(self.a), self.b.reshape(1, 1, -1), np.reshape(dy, (1, -1, 1))
        da = product(dy, b).reshape(self.a.shape) if self.needs[0] else None
        db = product(a, dy, transpose_a=True).reshape(-1) if self.needs[1] else None
        return da, db

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return _rows(array) if name in ("a", "da") else array.reshape(1, -1, 1)


class Dot(Bmm):
    """y = Σ a b for two vectors."""

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        return product(a.reshape(1, 1, -1), b.reshape(1, -1, 1)).reshape(())

    @silent
    def backward(self, dy: np.ndarray) -> tuple:
        return (self.b * dy if self.needs[0] else None, self.a * dy if self.needs[1] else None)

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return array.reshape(1, 1, -1) if name in ("a", "da") else array.reshape(1, -1, 1)


class Addmm(Function):
    """y = beta bias + alpha a b, with the bias broadcast to (M, N)."""

    stays_finite = True
    definitions = {
        "y": definitions.addmm_forward,
        "dbias": definitions.addmm_backward_bias,
        "da": definitions.addmm_backward_a,
        "db": definitions.addmm_backward_b,
    }
    saves_inputs = (1, 2)

    def __init__(self, beta: float, alpha: float) -> None:
        self.beta = beta
        self.alpha = alpha

    @silent
    def forward(self, bias: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = product(a[None], b[None])[0]
        self.shape = y.shape
        if self.alpha != 1:
            y *= y.dtype.type(self.alpha)
        if self.beta != 0:
            y += bias if self.beta == 1 else bias * y.dtype.type(self.beta)
        return y

    @silent
    def backward(self, dy: np.ndarray) -> tuple:
        scaled = dy if self.alpha == 1 else dy * dy.dtype.type(self.alpha)
        return (
            dy * dy.dtype.type(self.beta) if self.needs[0] else None,
            product(scaled[None], self.b[None], transpose_b=True)[0] if self.needs[1] else None,
            product(self.a[None], scaled[None], transpose_a=True)[0] if self.needs[2] else None,
        )

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return np.broadcast_to(array, self.shape) if name == "bias" else array


# ---- public functions ----


def _checked(op: str, a: Tensor, b: Tensor, rank_a: int | None = None, rank_b: int | None = None) -> None:
    for t, rank, name in ((a, rank_a, "first"), (b, rank_b, "second")):
        if not isinstance(t, Tensor):
            raise TypeError(f"{op}(): the {name} argument must be Tensor, not {type(t).__name__}")
        if rank is not None and t._array.ndim != rank:
            raise ShapeError(
                f"{op}: the {name} argument must have {rank} dimensions, but its shape is {t._array.shape}"
            )
    if a._array.dtype != b._array.dtype:
        raise DtypeError(f"{op}: expected both operands to have the same dtype, but got {a.dtype} and {b.dtype}")
    if a._array.dtype.kind == "b":
        raise DtypeError(f"{op}: not implemented for bool tensors; convert them")


def _inner(op: str, a: Tensor, b: Tensor, extent_a: int, extent_b: int) -> None:
    if extent_a != extent_b:
        raise ShapeError(
            f"{op}: shapes {a._array.shape} and {b._array.shape} cannot be multiplied: "
            f"the inner extents {extent_a} and {extent_b} must be equal"
        )


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product. Vectors count as a row in front and as a column behind; batch dimensions broadcast.

    Raises:
        ShapeError: when the inner extents differ or the batch dimensions do not broadcast.
        DtypeError: when the dtypes differ.
    """
    _checked("matmul", input, other)
    a, b = input._array, other._array
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(
            f"matmul: both arguments need at least one dimension, but their shapes are {a.shape} and {b.shape}"
        )
    _inner("matmul", input, other, a.shape[-1], b.shape[-2] if b.ndim > 1 else b.shape[0])
    if b.ndim == 2:
        return apply(Mm(), input, other)
    if b.ndim == 1:
        return apply(Dot() if a.ndim == 1 else Mv(), input, other)
    if a.ndim == 1:
        return matmul(input.unsqueeze(0), other).squeeze(-2)
    if a.shape[:-2] != b.shape[:-2]:
        input, other = _broadcast_batch(input, other)
    return apply(Bmm(), input, other)


def _broadcast_batch(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    try:
        batch = np.broadcast_shapes(a._array.shape[:-2], b._array.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"matmul: the batch dimensions of shapes {a._array.shape} and {b._array.shape} do not broadcast; "
            "all but the last two extents must be equal or 1"
        ) from None
    return expand(a, (*batch, *a._array.shape[-2:])), expand(b, (*batch, *b._array.shape[-2:]))


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices (M, K) and (K, N)."""
    _checked("mm", input, mat2, 2, 2)
    _inner("mm", input, mat2, input._array.shape[1], mat2._array.shape[0])
    return apply(Mm(), input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices (B, M, K) and (B, K, N)."""
    _checked("bmm", input, mat2, 3, 3)
    if input._array.shape[0] != mat2._array.shape[0]:
        raise ShapeError(
            f"bmm: the batches have {input._array.shape[0]} and {mat2._array.shape[0]} matrices "
            f"(shapes {input._array.shape} and {mat2._array.shape}); they must be equal"
        )
    _inner("bmm", input, mat2, input._array.shape[2], mat2._array.shape[1])
    return apply(Bmm(), input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix (M, K) and a vector (K)."""
    _checked("mv", input, vec, 2, 1)
    _inner("mv", input, vec, input._array.shape[1], vec._array.shape[0])
    return apply(Mv(), input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The inner product of two vectors."""
    _checked("dot", input, tensor, 1, 1)
    _inner("dot", input, tensor, input._array.shape[0], tensor._array.shape[0])
    return apply(Dot(), input, tensor)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The matrix of all products of two vectors' elements: (M) and (N) give (M, N)."""
    for t in (input, vec2):
        if t._array.ndim != 1:
            raise ShapeError(f"outer: expected 1-D tensors, but a shape is {t._array.shape}")
    return mul(input.unsqueeze(1), vec2)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (mat1 @ mat2), with ``input`` broadcast to (M, N)."""
    _checked("addmm", mat1, mat2, 2, 2)
    _inner("addmm", mat1, mat2, mat1._array.shape[1], mat2._array.shape[0])
    if input._array.dtype != mat1._array.dtype:
        raise DtypeError(f"addmm: input is {input.dtype} and the matrices are {mat1.dtype}; they must be the same")
    shape = (mat1._array.shape[0], mat2._array.shape[1])
    if input._array.shape != shape:
        try:
            np.broadcast_to(input._array, shape)
        except ValueError:
            raise ShapeError(f"addmm: input of shape {input._array.shape} does not broadcast to {shape}") from None
        if input._requires_grad:
            input = expand(input, shape)
    return apply(Addmm(beta, alpha), input, mat1, mat2)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (mat @ vec)"""
    return add(_scaled(input, beta), _scaled(mv(mat, vec), alpha))


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (batch1 @ batch2)"""
    return add(_scaled(input, beta), _scaled(bmm(batch1, batch2), alpha))


def _scaled(x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else mul(x, factor)


def _operator(input: Tensor, other: Any) -> Any:
    return matmul(input, other) if isinstance(other, Tensor) else NotImplemented


ger = outer
METHODS = {
    "__matmul__": _operator, "matmul": matmul, "mm": mm, "bmm": bmm, "mv": mv, "dot": dot, "outer": outer, "ger": outer,
    "addmm": addmm, "addmv": addmv, "baddbmm": baddbmm,
}
FUNCTIONS = ("addmm", "addmv", "baddbmm", "bmm", "dot", "ger", "matmul", "mm", "mv", "outer")
