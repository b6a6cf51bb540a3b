"""Views and reshapes: against their definitions, and against PyTorch (values, gradients, shared memory, errors)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InPlaceError, MissingError
from engine.ops.movement import Contiguous, Expand, Reshape, View
from engine.ops.padding import ConstantPad, IndexPad, Unfold
from engine.ops.permuting import Permute, Transpose
from engine.ops.rearranging import Diagonal, DiagonalMatrix, Flip, Repeat, Roll, Tril, Triu
from engine.tensor import wrap
from tests.engine.ops.movement_parity import both_refuse, ours, randoms, same
from tests.oracle import check_function

X = randoms(2, 3, 4)

FUNCTIONS = [
    (Expand((5, 2, 3, 4)), (2, 1, 4)),
    (Expand((2, 3)), ()),
    (Reshape((4, 6)), (2, 3, 4)),
    (View((24,)), (2, 3, 4)),
    (Permute((2, 0, 1)), (2, 3, 4)),
    (Transpose(0, 2), (2, 3, 4)),
    (Contiguous(), (3, 2)),
    (Flip((0, 2)), (2, 3, 4)),
    (Roll((1, -2), (0, 2)), (2, 3, 4)),
    (Roll((5,), None), (2, 3)),
    (Repeat((2, 1, 3)), (2, 3)),
    (Tril(1), (2, 3, 4)),
    (Triu(-1), (4, 3)),
    (Diagonal(1, 0, 2), (3, 2, 4)),
    (DiagonalMatrix(-2), (3,)),
    (ConstantPad(((1, 2), (-1, 0)), 0.5), (2, 3)),
    (IndexPad(((0, 0), (2, 3)), "reflect"), (2, 5)),
    (IndexPad(((2, 3), (1, 0)), "replicate"), (2, 5)),
    (IndexPad(((0, 0), (5, 3)), "circular"), (2, 5)),
    (Unfold(1, 3, 2), (2, 8, 2)),
]


@pytest.mark.parametrize(("function", "shape"), FUNCTIONS, ids=lambda v: getattr(v, "name", None))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matches_definition(function, shape, dtype):
    check_function(function, randoms(*shape, dtype=dtype))


CALLS = {
    "expand": lambda t, x: x[:, :1].expand(5, -1, 3, 4),
    "broadcast_to": lambda t, x: t.broadcast_to(x, (2, 2, 3, 4)),
    "expand_as": lambda t, x: x[0].expand_as(x),
    "reshape": lambda t, x: t.reshape(x, (4, -1)),
    "reshape of a transposed": lambda t, x: x.transpose(0, 2).reshape(4, 6),
    "reshape that splits a strided dim": lambda t, x: x.transpose(0, 1).reshape(3, 2, 2, 2),
    "reshape_as": lambda t, x: x.reshape_as(x[0].expand(2, 3, 4)),
    "view": lambda t, x: x.view(2, 12),
    "view of a transposed": lambda t, x: x.transpose(0, 1).view(3, 2, 2, 2),
    "view_as": lambda t, x: x.view_as(x),
    "flatten": lambda t, x: x.flatten(1),
    "flatten one": lambda t, x: x.flatten(1, 1),
    "flatten middle": lambda t, x: t.flatten(x, 0, 1),
    "unflatten": lambda t, x: t.unflatten(x, -1, (2, -1)),
    "ravel": lambda t, x: t.ravel(x.transpose(0, 1)),
    "squeeze": lambda t, x: x[:1, :, :1].squeeze(),
    "squeeze dim": lambda t, x: t.squeeze(x[:1, :, :1], -1),
    "squeeze dims": lambda t, x: t.squeeze(x[:1, :, :1], (0, 1)),
    "unsqueeze": lambda t, x: x.unsqueeze(-1),
    "permute": lambda t, x: t.permute(x, (-1, 0, 1)),
    "permute method": lambda t, x: x.permute(1, 0, 2),
    "transpose": lambda t, x: x.transpose(0, -1),
    "swapaxes": lambda t, x: t.swapaxes(x, 0, 1),
    "movedim": lambda t, x: t.movedim(x, (0, 1), (-1, 0)),
    "moveaxis": lambda t, x: x.moveaxis(0, 1),
    "t": lambda t, x: x[0].t(),
    "T": lambda t, x: x[0].T,
    "mT": lambda t, x: x.mT,
    "contiguous": lambda t, x: x.transpose(0, 1).contiguous(),
    "contiguous already": lambda t, x: x.contiguous(),
    "flip": lambda t, x: t.flip(x, (0, -1)),
    "fliplr": lambda t, x: t.fliplr(x),
    "flipud": lambda t, x: x.flipud(),
    "roll": lambda t, x: t.roll(x, (1, 5), (0, -1)),
    "roll one dim twice": lambda t, x: t.roll(x, (1, 1), (1, 1)),
    "roll flat": lambda t, x: x.roll(-3),
    "rot90": lambda t, x: [t.rot90(x, k, (0, 2)) for k in range(-1, 5)],
    "repeat": lambda t, x: x.repeat(2, 1, 3, 2),
    "repeat none": lambda t, x: x.repeat(1, 0, 1),
    "tile": lambda t, x: t.tile(x, (2,)),
    "tile more": lambda t, x: x.tile(2, 1, 1, 2),
    "tril": lambda t, x: t.tril(x, 1),
    "triu": lambda t, x: x.triu(-1),
    "triu far": lambda t, x: x.triu(9),
    "diagonal": lambda t, x: t.diagonal(x, -1, 0, 2),
    "diagonal outside": lambda t, x: t.diagonal(x, 7),
    "diag of matrix": lambda t, x: x[0].diag(1),
    "diag of vector": lambda t, x: t.diag(x[0, 0], -1),
    "meshgrid": lambda t, x: t.meshgrid(x[0, 0], x[0, :, 0], indexing="ij"),
    "meshgrid xy": lambda t, x: t.meshgrid([x[0, 0], x[0, :, 0], x[:, 0, 0]], indexing="xy"),
    "unfold": lambda t, x: x.unfold(2, 3, 1),
    "broadcast_tensors": lambda t, x: t.broadcast_tensors(x, x[0], x[:, :1]),
}


@pytest.mark.parametrize("name", CALLS)
def test_like_torch(name):
    same(CALLS[name], X)


@pytest.mark.parametrize("name", [n for n in CALLS if not n.startswith("view")])
def test_like_torch_on_a_strided_input(name):
    same(CALLS[name], randoms(3, 4, 8)[:2, :3, ::2])


@pytest.mark.parametrize(
    "call",
    [
        lambda t, x: x.reshape(1, 1),
        lambda t, x: x.flatten(),
        lambda t, x: x.squeeze(),
        lambda t, x: x.squeeze(0),
        lambda t, x: x.unsqueeze(-1),
        lambda t, x: x.permute(()),
        lambda t, x: x.transpose(0, -1),
        lambda t, x: x.t(),
        lambda t, x: x.expand(2, 3),
        lambda t, x: x.repeat(2, 2),
        lambda t, x: x.flip(()),
        lambda t, x: x.roll(1),
        lambda t, x: x.ravel(),
        lambda t, x: t.meshgrid(x, x, indexing="ij"),
    ],
)
def test_without_dimensions(call):
    same(call, np.array(3.0, np.float32))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64])
def test_other_dtypes(dtype):
    x = (randoms(3, 4) > 0).astype(dtype)
    same(lambda t, x: [x.T, x.flip(0), x.repeat(2, 2), x.tril(), x.expand(2, 3, 4), x.reshape(-1)], x)


def test_empty():
    x = np.zeros((0, 3), np.float32)
    same(lambda t, x: [x.reshape(3, 0), x.T, x.flip(1), x.view(1, -1, 3), x.expand(2, 0, 3), x.repeat(2, 2)], x)


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@given(shapes, st.data())
def test_any_permutation_then_reshape(shape, data):
    dims = data.draw(st.permutations(range(len(shape))))
    order = data.draw(st.permutations([shape[d] for d in dims]))
    same(lambda t, x: x.permute(dims).reshape(order), randoms(*shape))


@given(shapes, st.data())
def test_any_expand(shape, data):
    source = tuple(data.draw(st.sampled_from([1, n])) for n in shape)
    leading = data.draw(st.lists(st.integers(1, 3), max_size=2))
    same(lambda t, x: x.expand(*leading, *shape), randoms(*source))


@given(shapes, st.data())
def test_any_view_or_refusal(shape, data):
    dims = data.draw(st.permutations(range(len(shape))))
    sizes = data.draw(st.permutations(shape))
    x = randoms(*shape)
    both = []
    for library in (wrap(x), __import__("torch").from_numpy(x)):
        try:
            both.append(tuple(library.permute(dims).view(*sizes).shape))
        except RuntimeError:
            both.append("refused")
    assert both[0] == both[1]


def test_views_share_memory_and_version():
    x = wrap(randoms(4, 4).copy())
    views = [x.view(16), x.T, x[1:3], x[0], x.unsqueeze(0), x.diagonal(), x.narrow(1, 0, 2), x[..., None]]
    for i, view in enumerate(views):
        before = x._version_counter()[0]
        view[...] = float(i)
        assert x._version_counter()[0] > before
    assert all(v._version is x._version and v._base is x for v in views)
    x[1, 1] = 77.0
    assert views[0]._array[5] == views[1]._array[1, 1] == views[2]._array[0, 1] == views[5]._array[1] == 77.0
    copy = x.transpose(0, 1).reshape(16)
    assert copy._base is None
    x[...] = 0.0
    assert copy._array[5] == 77.0


def test_expanded_memory_cannot_be_written():
    x = wrap(np.zeros(3, np.float32))
    with pytest.raises(InPlaceError, match="single memory location"):
        x.expand(2, 3)[0, 0] = 1.0
    y = x.expand(3)
    y[0] = 5.0
    assert x._array[0] == 5.0


ERRORS = [
    (lambda t, x: x.reshape(5, 5), r"shape '\[5, 5\]' is invalid for input of size 24"),
    (lambda t, x: x.reshape(-1, 5), r"shape '\[-1, 5\]' is invalid for input of size 24"),
    (lambda t, x: x.reshape(-1, -1), "only one dimension can be inferred"),
    (lambda t, x: x.reshape(-2, -12), "invalid shape dimension -2"),
    (lambda t, x: x[:0].reshape(0, -1), "ambiguous"),
    (lambda t, x: x.transpose(0, 1).view(24), r"Use .reshape\(...\) instead"),
    (lambda t, x: x.transpose(0, 3), r"expected to be in range of \[-3, 2\], but got 3"),
    (lambda t, x: x.unsqueeze(4), r"expected to be in range of \[-4, 3\], but got 4"),
    (lambda t, x: x.permute(0, 1), "input.dim\\(\\) = 3 is not equal to len\\(dims\\) = 2"),
    (lambda t, x: x.permute(0, 1, 1), "multiple times"),
    (lambda t, x: x.permute(), "missing"),
    (lambda t, x: x.expand(2, 3), "must be greater or equal"),
    (lambda t, x: x.expand(2, 3, 5), r"\(5\) must match the existing size \(4\) at non-singleton dimension 2"),
    (lambda t, x: x.expand(-1, 2, 3, 4), "leading, non-existing dimension 0"),
    (lambda t, x: x.flatten(2, 1), "cannot come after"),
    (lambda t, x: x.unflatten(0, (3, 2)), "multiply up to the size of dim 0"),
    (lambda t, x: x.t(), "expects a tensor with <= 2 dimensions"),
    (lambda t, x: x[0, 0].mT, "only supported on matrices"),
    (lambda t, x: x.flip(0, 0), "dim 0 appears multiple times"),
    (lambda t, x: t.roll(x, (1, 2), 0), "must align"),
    (lambda t, x: t.rot90(x, 1, (0, 0)), "to be different"),
    (lambda t, x: x.repeat(2), "can not be smaller than"),
    (lambda t, x: x[0, 0].tril(), "at least 2 dimensions"),
    (lambda t, x: x.diag(), "Got 3D"),
    (lambda t, x: x.diagonal(0, 1, 1), "cannot be identical"),
    (lambda t, x: t.meshgrid(x, x, indexing="ij"), "0D or 1D"),
    (lambda t, x: t.broadcast_tensors(x, x[:, :2]), "must match"),
    (lambda t, x: x.unfold(2, 5, 1), "is 4 but size is 5"),
]


@pytest.mark.parametrize(("call", "match"), ERRORS)
def test_refuses_like_torch(call, match):
    both_refuse(call, X, match=match)


def test_view_as_another_dtype_is_missing():
    with pytest.raises(MissingError, match="dtype"):
        wrap(X).view("float64")


def test_broadcast_shapes():
    assert ours.broadcast_shapes((2, 1), (3,), 1) == (2, 3)
