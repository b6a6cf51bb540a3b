"""Embedding: rows of a table by number, one op."""

from __future__ import annotations

import numpy as np

from engine.definitions import embedding as formulas
from engine.device import contiguous, empty
from engine.errors import DtypeError, MissingError, ShapeError
from engine.function import Function, apply
from engine.kernels.cpu import embedding as kernels
from engine.ops.index_check import check_indices, position
from engine.tensor import Tensor

# Elementary operations an element, in the unit of engine.kernels.jit.PARALLEL_WORK.
_WORK = 0.15


class Embedding(Function):
    """y[r] = w[t[r]]; the row ``padding_idx`` (-1: none) gets no gradient."""

    stays_finite = True
    definitions = {"y": formulas.embedding_forward, "dw": formulas.embedding_backward}
    saves_inputs = (0,)

    def __init__(self, padding_idx: int = -1) -> None:
        self.padding_idx = padding_idx

    def forward(self, t: np.ndarray, w: np.ndarray) -> np.ndarray:
        self.t, w = contiguous(t), contiguous(w)
        self.table_shape = w.shape
        y = empty((t.size, w.shape[1]), w.dtype, w)
        kernels.embedding_forward.sized(y.size * _WORK, y)(y, self.t.reshape(-1), w)
        return y.reshape(*t.shape, w.shape[1])

    def backward(self, dy: np.ndarray) -> tuple[None, np.ndarray | None]:
        if not self.needs[1]:
            return None, None
        dw = empty(self.table_shape, dy.dtype, dy)
        dy = self.canonical("dy", contiguous(dy))
        kernels.embedding_backward.sized((dw.size + dy.size) * _WORK, dw)(dw, dy, self.t.reshape(-1), self.padding_idx)
        return None, dw

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name == "t":
            return array.reshape(-1)
        return array.reshape(self.t.size, self.table_shape[1]) if name in ("y", "dy") else array


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of ``weight`` whose numbers ``input`` holds.

    Args:
        input: int64 indices in [0, V), any shape.
        weight: (V, D) float.
        padding_idx: a row that gets no gradient; negative counts from the end.

    Returns:
        (*, D).

    Raises:
        IndexError: an index outside the table; the message says where. (On the GPU it is raised by what next waits for
            it, a value that is read: :mod:`engine.device.faults`.)
        ShapeError, DtypeError: operands that do not fit.
        MissingError: max_norm, scale_grad_by_freq or sparse is asked for.
    """
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise MissingError("embedding: max_norm, scale_grad_by_freq and sparse are not available in this engine")
    for name, value in (("input", input), ("weight", weight)):
        if not isinstance(value, Tensor):
            raise TypeError(f"embedding(): argument '{name}' must be Tensor, not {type(value).__name__}")
    t, w = input._array, weight._array
    if t.dtype != np.int64:
        raise DtypeError(f"embedding: indices must be int64, input is {input.dtype} (input.long() converts)")
    if w.ndim != 2 or w.dtype.kind != "f":
        raise ShapeError(f"embedding: 'weight' must be a 2-D float table, it has shape {w.shape} and dtype {weight.dtype}")
    rows = w.shape[0]
    without_gradient = -1
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(f"Padding_idx must be within num_embeddings: {padding_idx} is not in [{-rows}, {rows})")
        without_gradient = padding_idx % rows
    input_shape, table_shape = t.shape, w.shape

    def complain(place: int, index: int) -> IndexError:
        return IndexError(
            f"embedding: index out of range in self: input[{position(place, input_shape)}] is {index} but weight has "
            f"{rows} rows (shape {table_shape}); indices must be in [0, {rows - 1}]"
        )

    check_indices(kernels.first_bad_index, t, (rows,), complain)
    return apply(Embedding(without_gradient), input, weight)
