"""``x[...]`` and ``x[...] = v`` against definitions and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import trace
from engine.backward import backward
from engine.errors import DtypeError, GradientError, InPlaceError, ShapeError
from engine.ops.indexing import Index, Put, Select, Slice
from engine.tensor import no_grad, wrap
from tests.engine.ops.movement_parity import both_refuse, compare, randoms, same, torch
from tests.oracle import check_function

X = randoms(3, 4, 5)
ALL = slice(None)
ROWS = np.array([2, 0, 2, -1])
MASK = np.array([True, False, True, True])

FUNCTIONS = [
    (Slice((slice(1, 3), None, 2, ...)), [(3, 4, 5)]),
    (Slice((..., slice(0, 5, 2))), [(3, 4, 5)]),
    (Select((ALL, -1, ...)), [(3, 4, 5)]),
    (Index((ROWS,)), [(3, 4, 5)]),
    (Index((ALL, ROWS)), [(3, 4, 5)]),
    (Index((ROWS, ALL, ROWS)), [(3, 4, 5)]),
    (Index((ALL, ROWS, np.array([[1], [0]]))), [(3, 4, 5)]),
    (Index((ALL, MASK)), [(3, 4, 5)]),
    (Index((X > 0.3,)), [(3, 4, 5)]),
    (Put((slice(0, 2), ...), None), [(3, 4), (2, 4)]),
    (Put(None, (ROWS,)), [(3, 4), (4, 4)]),
    (Put((ALL, slice(1, 3), ...), (np.array([0, 2]), np.array([1, 0]))), [(3, 4), (2,)]),
]


@pytest.mark.parametrize(("function", "shapes"), FUNCTIONS, ids=lambda v: getattr(v, "name", None))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matches_definition(function, shapes, dtype):
    check_function(function, *[randoms(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)])


INDICES = {
    "int": 1,
    "negative int": -3,
    "numpy int": np.int64(2),
    "slice": slice(1, 3),
    "slice with step": slice(0, 3, 2),
    "slice outside": slice(2, 90),
    "empty slice": slice(3, 1),
    "ellipsis": ...,
    "none": None,
    "empty tuple": (),
    "ints": (1, -2, 0),
    "int and slice": (slice(None), 2),
    "ellipsis and int": (..., 2),
    "ellipsis for nothing": (1, 2, ..., 3),
    "none among": (0, None, slice(1, 3), None),
    "list": [2, 0, 2],
    "empty list": [],
    "range": range(2),
    "bool list": [True, False, True],
    "array": np.array([[0, 2], [1, 1]]),
    "uint8 scalar array": np.array(2),
    "mask": X > 0,
    "mask of some dims": (X > 0)[:, :, 0],
    "mask at the end": (..., X[0, 0] > 0),
    "mask with int": (0, MASK),
    "mask and list": (MASK[:3], [1, 3]),
    "two lists": ([0, 1], [3, 2]),
    "two lists apart": ([0, 1], slice(None), [3, 2]),
    "two lists broadcast": ([[0], [1]], [3, 2]),
    "int before a list": (0, slice(None), [3, 2]),
    "int behind a list": ([1, 2], slice(None), 3),
    "int between lists": ([1, 2], 0, [3, 2]),
    "none between lists": ([1, 2], None, [3, 2]),
    "slice before lists": (slice(1, 3), [3, 2], [0, 1]),
    "ellipsis before list": (..., [3, 2]),
    "none before list": (None, [2, 1]),
    "true": True,
    "false": False,
    "true with list": (True, [2, 0]),
    "int and true": (0, True),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", INDICES)
def test_reads_like_torch(name):
    index = INDICES[name]
    same(lambda t, x: x[index], X)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n in INDICES if n != "false"])
def test_writes_like_torch(name):
    index = INDICES[name]

    def write(library, x, v):
        y = x * 1
        y[index] = v[(slice(0, 1),) * 3].reshape(())
        y[index] = y[index] + 2
        return y

    same(write, X, X + 1, layout=False)


@pytest.mark.parametrize("index", [1, (0, 1), [2, 0], (slice(1, 3), [1, 1])])
def test_reads_tensor_indices(index):
    def read(library, x):
        make = torch.tensor if library is torch else lambda v: wrap(np.array(v))
        parts = index if isinstance(index, tuple) else (index,)
        return x[tuple(i if isinstance(i, slice) else make(i) for i in parts)]

    same(read, X, layout=False)


def test_bytes_are_masks():
    x = wrap(X)
    assert x[wrap(np.array([1, 0, 1], np.uint8))].shape == (2, 4, 5)


def entries(extent):
    integers = st.integers(-extent, extent - 1)
    return st.one_of(
        integers,
        st.builds(slice, st.none() | st.integers(-6, 6), st.none() | st.integers(-6, 6), st.none() | st.integers(1, 3)),
        st.lists(integers, min_size=2, max_size=2),
        st.lists(integers, min_size=1, max_size=1),
    )


@given(st.data())
def test_any_index(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    index = [data.draw(entries(n)) for n in shape[: data.draw(st.integers(0, len(shape)))]]
    for extra in data.draw(st.lists(st.none(), max_size=2)):
        index.insert(data.draw(st.integers(0, len(index))), extra)
    if data.draw(st.booleans()):
        index.insert(data.draw(st.integers(0, len(index))), ...)
        places = [i for i, e in enumerate(index) if e is ...]
        behind = [e for e in index[places[0] + 1 :] if e is not None]
        for i, e in enumerate(behind):
            extent = shape[len(shape) - len(behind) + i]
            if isinstance(e, int) and not -extent <= e < extent:
                return
            if isinstance(e, list) and any(not -extent <= n < extent for n in e):
                return
    same(lambda t, x: x[tuple(index)], randoms(*shape), layout=False)
    wide = randoms(*(n * 2 for n in shape))
    same(lambda t, x: x[tuple(index)], wide[tuple(slice(0, n) for n in shape)], layout=False)


READ_ERRORS = [
    (lambda t, x: x[5], "index 5 is out of bounds for dimension 0 with size 3"),
    (lambda t, x: x[0, -7], "index -7 is out of bounds for dimension 1 with size 4"),
    (lambda t, x: x[0, 0, 0, 0], "too many indices for tensor of dimension 3"),
    (lambda t, x: x[0, 0, 0][0], "invalid index of a 0-dim tensor"),
    (lambda t, x: x[[5]], "index 5 is out of bounds for dimension 0 with size 3"),
    (lambda t, x: x[:, [0, -9]], "index -9 is out of bounds for dimension 1 with size 4"),
    (lambda t, x: x[[True, False]], r"shape of the mask \[2\] at index 0 does not match"),
    (lambda t, x: x[:, [True, False]], r"indexed tensor \[3, 4, 5\] at index 1"),
    (lambda t, x: x[::-1], "step must be greater than zero"),
    (lambda t, x: x[1.5], r"valid indices \(got float\)"),
    (lambda t, x: x[x], "must be long, int, byte or bool"),
    (lambda t, x: x[[0, 1], [0, 1, 2]], "could not be broadcast together"),
    (lambda t, x: x.select(0, 3), "index 3 out of range"),
    (lambda t, x: x.select(3, 0), "Dimension out of range"),
    (lambda t, x: x.narrow(0, 2, 2), r"start \(2\) \+ length \(2\) exceeds dimension size \(3\)"),
    (lambda t, x: x.narrow(0, 4, 0), "start out of range"),
    (lambda t, x: x.narrow(0, 0, -1), "length must be non-negative"),
]


@pytest.mark.parametrize(("call", "match"), READ_ERRORS)
def test_refuses_reads_like_torch(call, match):
    both_refuse(call, X, match=match)


def assign(index, value):
    def write(library, x):
        y = x * 1
        y[index] = value(library)
        return y

    return write


def ones(*shape, dtype="float32"):
    def make(library):
        array = np.ones(shape, dtype)
        return torch.from_numpy(array) if library is torch else wrap(array)

    return make


WRITE_ERRORS = [
    (assign(5, lambda t: 1.0), "index 5 is out of bounds"),
    (assign([5], lambda t: 1.0), "index 5 is out of bounds for dimension 0"),
    (assign(0, ones(2)), r"value tensor of shape \(2,\) cannot be broadcast"),
    (assign([0], ones(2)), r"value tensor of shape \(2,\) cannot be broadcast"),
    (assign(X > 0, ones(2)), r"value tensor of shape \(2,\)"),
    (assign(0, ones(2, 4, 5)), "cannot be broadcast"),
    (assign([0], ones(4, 5, dtype="float64")), "source and destination dtypes match"),
    (assign(0, lambda t: np.ones(4)), "can't assign a ndarray|can't assign a numpy.ndarray"),
    (assign(0, lambda t: [1, 2]), "can't assign a list"),
]


@pytest.mark.parametrize(("call", "match"), WRITE_ERRORS)
def test_refuses_writes_like_torch(call, match):
    both_refuse(call, X, match=match)


@pytest.mark.parametrize("index", [0, (slice(None), 1), [0, 2], X[:, :, 0] > 0])
@pytest.mark.parametrize("which", ["x", "v", "both"])
def test_history_goes_on_from_a_write(index, which):
    results = []
    for library in ("engine", "torch"):
        make = wrap if library == "engine" else torch.from_numpy
        x, v = make(X.copy()), make(randoms(5))
        if which in ("x", "both"):
            x.requires_grad = True
        if which in ("v", "both"):
            v.requires_grad = True
        y = x * 1
        y[index] = v
        assert not y.is_leaf
        y[0, 0, 0] = 3.0
        (y * y).sum().backward()
        results.append((y, x.grad, v.grad))
    for mine, theirs in zip(*results, strict=True):
        assert (mine is None) == (theirs is None)
        if theirs is not None:
            compare(mine, theirs)


def test_write_makes_saved_tensor_stale():
    x = wrap(X.copy())
    x.requires_grad = True
    y = x * 1
    z = y * y
    y[0] = 1.0
    with pytest.raises(GradientError, match="modified by an inplace operation"):
        backward([z], [wrap(X)])


def test_refuses_writes_that_autograd_cannot_follow():
    leaf = wrap(X.copy())
    leaf.requires_grad = True
    with pytest.raises(InPlaceError, match="leaf"):
        leaf[0] = 1.0
    with no_grad():
        leaf[0] = 1.0
    assert (leaf._array[0] == 1).all()
    view = (leaf * 1)[0]
    with pytest.raises(InPlaceError, match="view"):
        view[0] = 1.0
    plain = wrap(X.copy())
    with pytest.raises(InPlaceError, match="into a view"):
        plain[0][1] = leaf[0, 0]


def test_integer_tensor_takes_a_float_tensor_without_history():
    x, v = wrap(np.zeros(3, np.int64)), wrap(np.array([2.7], np.float32))
    v.requires_grad = True
    x[0] = v[0]
    assert x.tolist() == [2, 0, 0]
    assert not x.requires_grad


def test_index_can_change_before_backward():
    x, index = wrap(X.copy()), wrap(np.array([0, 1]))
    x.requires_grad = True
    y = x[index]
    index[0] = 2
    y.backward(wrap(np.ones((2, 4, 5), np.float32)))
    assert x.grad._array[:, 0, 0].tolist() == [1, 1, 0]


def test_mask_takes_one_element_of_any_dtype():
    mask = X > 0

    def write(library, x, v):
        y = x * 1
        y[mask] = v
        return y

    for value in (np.array(2), np.array([2]), np.array([2.5])):
        same(write, X, value, layout=False)


def test_nested_list_is_ambiguous():
    with pytest.raises(IndexError, match="use a tuple for several dimensions"):
        wrap(X)[[[0, 1], [1, 2]]]


def test_false_writes_nothing():
    x = wrap(X.copy())
    x[False] = 1.0
    np.testing.assert_array_equal(x._array, X)


def test_overlapping_write():
    x = np.arange(5.0)
    a = wrap(x.copy())
    a[1:] = a[:-1]
    assert a.tolist() == [0, 0, 1, 2, 3]


def test_error_classes():
    with pytest.raises(ShapeError):
        wrap(X.copy())[0] = wrap(np.ones(2, np.float32))
    with pytest.raises(DtypeError):
        wrap(X.copy())[[0]] = wrap(np.ones(5))


def test_observer_sees_what_is_written():
    class Seen(trace.Observer):
        def __init__(self):
            self.events = []

        def before_update(self, kind, tensor, details):
            self.events.append((kind, details.name, tensor._array.copy()))

        def after_update(self, kind, tensor, details):
            self.events.append((kind, details.name, tensor._array.copy()))

    seen = Seen()
    x = wrap(np.zeros(3, np.float32))
    leaf = wrap(np.ones(1, np.float32))
    leaf.requires_grad = True
    before = trace.set_observer(seen)
    try:
        x[1] = 2.0
        x[:1] = leaf
    finally:
        trace.set_observer(before)
    assert [(kind, name, values.tolist()) for kind, name, values in seen.events] == [
        ("in-place", "Put", [0, 0, 0]), ("in-place", "Put", [0, 2, 0]),
        ("in-place", "Put", [0, 2, 0]), ("in-place", "Put", [1, 2, 0]),
    ]
