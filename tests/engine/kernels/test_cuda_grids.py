"""What the host asks CUDA to launch for arrays larger than any test could hold: shapes alone, nothing runs.

CUDA allows 2³¹ - 1 blocks along x and 65535 along y and z, and a kernel that counts with 32 bits must not be given more.
"""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from engine.errors import ShapeError
from engine.kernels.cuda import (
    batch_norm,
    convolution,
    elementwise,
    embedding,
    launch,
    loss_classification,
    many,
    matmul,
    norm,
    parts,
    pool2d,
    reduce,
    register_tile,
    segments,
    softmax,
    tile_shapes,
)  # fmt: skip
from engine.kernels.cuda.launch import LARGEST_GRID, check_grid

MODULES = (batch_norm, convolution, elementwise, embedding, loss_classification, many, matmul, norm, parts, pool2d, reduce,
           register_tile, segments, softmax)  # fmt: skip


class Array:
    """A shape and a dtype, C-contiguous."""

    flags = SimpleNamespace(c_contiguous=True)

    def __init__(self, *shape, dtype="float32"):
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.size, self.ndim, self.layout = math.prod(shape), len(shape), self

    def reshape(self, *shape):
        shape = shape[0] if isinstance(shape[0], tuple) else shape
        known = math.prod([side for side in shape if side != -1])
        return Array(*[self.size // known if side == -1 else side for side in shape], dtype=self.dtype)

    def __getitem__(self, part):
        if part is None:
            return Array(1, *self.shape, dtype=self.dtype)
        if part is Ellipsis or isinstance(part, tuple):
            return Array(*self.shape, 1, dtype=self.dtype)
        return Array(len(range(*part.indices(self.shape[0]))), *self.shape[1:], dtype=self.dtype)

    def fill(self, value):
        assert value == 0


@pytest.fixture
def launches(monkeypatch):
    """Name, grid and threads of what is launched, each looked at as CUDA would."""
    found = []

    def note(kernel, grid, threads, *arguments):
        check_grid(kernel, grid)
        sides = grid if isinstance(grid, tuple) else (grid,)
        assert math.prod(threads if isinstance(threads, tuple) else (threads,)) <= 1024
        assert all(isinstance(side, int) and side >= 0 for side in sides)
        found.append((sides, arguments))

    for module in MODULES:
        if hasattr(module, "launch"):
            monkeypatch.setattr(module, "launch", note)
    for module in (batch_norm, convolution, matmul, reduce, segments):
        monkeypatch.setattr(module, "empty", lambda shape, dtype=None, like=None: Array(*shape, dtype=dtype))
    monkeypatch.setattr(convolution.np, "add", SimpleNamespace(reduce=lambda *arguments, **options: None))
    return found


def blocks(launches):
    return sum([math.prod(sides) for sides, _ in launches])


@pytest.mark.parametrize(("rows", "columns"), [(9_000_000, 64), (64, 9_000_000), (2_000_000_000, 32), (32, 2_000_000_000)])
def test_products_of_long_matrices(launches, rows, columns):
    y, a, b = Array(1, rows, columns), Array(1, rows, 7), Array(1, 7, columns)
    matmul.product(y, a, b, Array(0), False, False)
    tile = tile_shapes.FLAT if rows <= 64 else tile_shapes.SQUARE
    assert blocks(launches) == -(-rows // tile.high) * -(-columns // tile.wide)


@pytest.mark.parametrize(("rows", "columns"), [(2_000_000_000, 1), (1, 60_000), (30_000, 31), (2_000_000, 31)])
def test_products_that_are_small_or_narrow(launches, rows, columns):
    matmul.product(Array(1, rows, columns), Array(1, rows, 7), Array(1, 7, columns), Array(0), False, False)
    assert blocks(launches) == -(-rows // matmul.TILE) * -(-columns // matmul.TILE)


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (300, 300)])
def test_many_products(launches, rows, columns):
    many = 200_000
    matmul.product(Array(many, rows, columns), Array(many, rows, 5), Array(many, 5, columns), Array(0), False, False)
    assert blocks(launches) >= many


@pytest.mark.parametrize("sizes", [(1 << 31, 64, 7), (64, 1 << 31, 7), (64, 64, 1 << 31)])
def test_what_32_bits_cannot_count_is_refused(launches, sizes):
    rows, columns, inner = sizes
    with pytest.raises(ShapeError, match=rf"cuda: a matrix product of {rows} rows, {columns} columns and {inner} terms"):
        y, a, b = Array(1, rows, columns), Array(1, rows, inner), Array(1, inner, columns)
        matmul.run_register_tile(y, a, b, Array(0), False, False)
    assert not launches


@pytest.mark.parametrize(
    ("groups", "pictures", "side"), [(70_000, 2, 3), (100_000, 1, 70), (1, 3000, 800), (3, 100_000, 64)]
)
def test_convolutions_of_many_groups_and_many_pixels(launches, groups, pictures, side):
    x = y = Array(pictures, groups, side, side)
    w, b = Array(groups, 1, 3, 3), Array(groups)
    settings = ((1, 1), (1, 1), (1, 1), groups)
    convolution.conv2d_forward(y, x, w, b, *settings)
    convolution.conv2d_backward_input(x, y, w, *settings)
    pixels = pictures * side * side
    tile = tile_shapes.FLAT
    assert [math.prod(sides) for sides, _ in launches] == [groups * -(-pixels // tile.wide)] * 2
    launches.clear()
    convolution.conv2d_backward_weight(w, b, y, x, *settings)
    sides, arguments = launches[0]
    number = arguments[7]
    assert 1 <= number <= max(1, pictures * side * side // convolution._PART) and math.prod(sides) == groups * number
    assert number == 1 or math.prod(sides) * tile.high * tile.wide // (tile.tall * tile.broad) <= parts.BUSY
    assert len(launches) == 1 + (number > 1)


@pytest.mark.parametrize(
    ("pictures", "channels", "filters", "side", "number"),
    # The two convolutions of samples/fashion_cnn.py at batch 64: one tile of 50176 terms, two of 12544. And a large one.
    [(64, 1, 16, 28, 64 * 28 * 28 // 256), (64, 16, 32, 14, 64 * 14 * 14 // 256), (256, 64, 64, 32, 132 * 4 // 10)],
)
def test_gradients_of_few_filters_are_cut_into_parts(launches, pictures, channels, filters, side, number):
    w, x, y = Array(filters, channels, 3, 3), Array(pictures, channels, side, side), Array(pictures, filters, side, side)
    convolution.conv2d_backward_weight(w, Array(0), y, x, (1, 1), (1, 1), (1, 1), 1)
    assert launches[0][1][7] == number
    assert len(launches) == 2, "the parts, and their sum"


@pytest.mark.parametrize(
    ("rows", "inner", "columns", "number"),
    [(64, 1568, 64, 12), (64, 784, 128, 6), (64, 256, 10, 1), (64, 512, 10, 4), (256, 4096, 512, 32), (4096, 4096, 4096, 1)],
)
def test_products_of_small_layers_are_cut_into_parts(launches, rows, inner, columns, number):
    matmul.product(Array(1, rows, columns), Array(1, rows, inner), Array(1, columns, inner), Array(columns), False, True)
    (sides, arguments), *rest = launches
    assert arguments[0].size == number * rows * columns
    assert len(rest) == (number > 1)
    assert number == 1 or math.prod(sides) <= 132 * 4, "all at once on an H200"


def test_elements_rows_and_indices_in_thousands_of_millions(launches):
    many_rows, large = 2_000_000_000, 100_000_000_000
    x, each = Array(many_rows, 2), Array(many_rows)
    softmax.softmax_forward(x, x)
    norm.layer_norm_forward(x, each, each, x, Array(0), Array(0), 0)
    norm.batch_norm_columns_forward(Array(9, 70_000), *[Array(70_000)] * 3, Array(9, 70_000), Array(0), Array(0), 0, True)
    loss_classification.first_bad_label(Array(3), Array(large, dtype="int64"), 10, -100, 1)
    embedding.embedding_forward(Array(1 << 25, 1024), Array(1 << 25, dtype="int64"), Array(50_000, 1024))
    segments.add_rows(Array(1, 50_000, 1024), Array(1, 1 << 25, 1024), Array(1 << 25, dtype="int64"))
    pool2d.max_pool2d_forward(Array(large // 64, 8, 8), Array(large // 64, 8, 8), Array(large // 64, 16, 16), *[(2, 2)] * 4)
    assert all(len(sides) == 1 for sides, _ in launches), "what may be long is counted along x"
    assert launches[0][0] == (many_rows,)


def test_a_grid_that_cuda_refuses_is_told_before_the_driver_is(launches):
    x = Array(3_000_000_000, 2)
    with pytest.raises(ShapeError, match="need 3000000000 blocks of threads of the kernel _softmax_forward, and CUDA allow"):
        softmax.softmax_forward(x, x)
    with pytest.raises(ShapeError, match="1 x 65536 x 1 blocks of threads of the kernel naive"):
        y = Array(1, 65536 * matmul.TILE, 1)
        matmul.run_naive(y, y, Array(1, 1, 1), Array(0), False, False)


def test_every_launch_is_looked_at():
    check_grid(matmul.naive, LARGEST_GRID)
    with pytest.raises(ShapeError, match="2147483648 blocks of threads of the kernel naive"):
        launch.configured(matmul.naive, 1 << 31, 32)
