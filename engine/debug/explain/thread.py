"""Which thread of a GPU computes an element, in the version of the kernel that has one thread for each element.

Tuned kernels give a thread several elements; the version that a lecture begins with is the one told of here: of a
matrix product :func:`engine.kernels.cuda.matmul.naive`, of everything else the kernel that follows from the
definition (:func:`engine.kernels.derive.cuda`). So it is of a product of which CUDA would refuse the naive grid: it allows
65535 blocks along y and z, of 16 rows each.
"""

from __future__ import annotations

from typing import Any

#: Definitions whose tuned kernel is a matrix product, by the beginning of their names.
_PRODUCTS = ("linear_forward", "linear_backward_input", "linear_backward_weight", "matmul")


def launch_of(definition: str, index: tuple[int, ...], shape: tuple[int, ...]) -> dict[str, Any]:
    """The thread of the element ``index`` of a result of ``shape``, both as ``definition`` has them.

    Returns:
        ``kernel``: ``"naive"`` (the matrix product) or ``"derived"``; in CUDA's words and order (x, y, z) ``threadIdx``,
        ``blockIdx``, ``blockDim`` (threads of a block) and ``gridDim`` (blocks of the launch); ``index`` and ``shape``
        as the kernel has them (a matrix product: of n, i, j). ``"derived"`` counts elements in C order along x,
        ``"naive"`` has j along x, i along y, n along z.
    """
    from engine.kernels.cuda.launch import ELEMENT_THREADS, LARGEST_GRID

    if definition.startswith(_PRODUCTS) and len(shape) in (2, 3):
        told = _of_product(((0,) * (3 - len(index)) + tuple(index)), ((1,) * (3 - len(shape)) + tuple(shape)))
        if all(side <= most for side, most in zip(told["gridDim"], LARGEST_GRID, strict=True)):
            return told

    position, size = 0, 1
    for i, extent in zip(index, shape, strict=True):
        position, size = position * extent + i, size * extent
    return {
        "kernel": "derived",
        "threadIdx": [position % ELEMENT_THREADS, 0, 0], "blockIdx": [position // ELEMENT_THREADS, 0, 0],
        "blockDim": [ELEMENT_THREADS, 1, 1], "gridDim": [-(-size // ELEMENT_THREADS), 1, 1],
        "index": list(index), "shape": list(shape),
    }  # fmt: skip


def _of_product(index: tuple[int, ...], shape: tuple[int, ...]) -> dict[str, Any]:
    from engine.kernels.cuda.matmul import TILE

    (n, i, j), (products, rows, columns) = index, shape
    return {
        "kernel": "naive",
        "threadIdx": [j % TILE, i % TILE, 0], "blockIdx": [j // TILE, i // TILE, n],
        "blockDim": [TILE, TILE, 1], "gridDim": [-(-columns // TILE), -(-rows // TILE), products],
        "index": [n, i, j], "shape": list(shape),
    }  # fmt: skip
