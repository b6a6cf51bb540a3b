"""Tensors made small for the window, against NumPy on the whole array."""

import io
import math
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.debug import spread
from engine.debug.views import arrays, blocks
from engine.debug.views.arrays import describe, difference, histogram, npy_bytes, view
from engine.debug.views.blocks import Range
from engine.debug.views.slices import selection
from engine.debug.views.tiles import image_grid

SHAPES = st.lists(st.integers(0, 40), min_size=2, max_size=2)


def block_reference(matrix, block, how):
    rows, columns = (-(-n // b) for n, b in zip(matrix.shape, block))
    out = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            part = matrix[i * block[0] : (i + 1) * block[0], j * block[1] : (j + 1) * block[1]].astype(np.float64)
            out[i, j] = part.mean() if how == "mean" else part.flat[np.abs(part).argmax()]
    return out


@given(SHAPES, st.integers(1, 12), st.integers(1, 12), st.sampled_from(["mean", "max_abs"]), st.sampled_from("fdlBT"),
       st.integers(0, 3), st.integers(0, 2**31))
def test_view_is_block_means_or_extremes(shape, rows, columns, how, kind, transposed, seed):
    generator = np.random.default_rng(seed)
    array = generator.normal(size=shape) * 50
    array = np.abs(array).astype(np.uint8) if kind == "B" else (array > 0) if kind == "T" else array.astype(kind)
    array = array.T if transposed else array
    found = view(array, max_shape=(rows, columns), reduce=how)
    block = tuple(found["block"])
    assert all(s <= m for s, m in zip(found["data"].shape, (rows, columns)))
    # Smaller blocks would not fit.
    assert all(b == 1 or -(-n // (b - 1)) > m for n, b, m in zip(array.shape, block, (rows, columns)))
    expected = block_reference(array, block, how)
    np.testing.assert_allclose(np.abs(found["data"].astype(float)), np.abs(expected), rtol=1e-5, atol=1e-4)
    if how == "mean":
        np.testing.assert_allclose(found["data"].astype(float), expected, rtol=1e-5, atol=1e-4)
    assert found["shape"] == list(array.shape)
    if array.size:
        assert found["range"] == [float(array.min()), float(array.max())]
    else:
        assert found["range"] is None


def test_pieces_do_not_change_the_result(monkeypatch):
    array = np.random.default_rng(0).normal(size=(157, 211)).astype(np.float32)
    whole = view(array, max_shape=(10, 9))
    monkeypatch.setattr("engine.debug.views.blocks.PIECE", 64)
    assert np.allclose(view(array, max_shape=(10, 9))["data"], whole["data"], atol=1e-6)
    row = array.reshape(-1)
    expected = block_reference(row[None], (1, math.ceil(row.size / 9)), "mean")[0]
    assert np.allclose(view(row, max_shape=(10, 9))["data"], expected, atol=1e-6)


@pytest.fixture
def summed(monkeypatch):
    """Calls of the kernel that sums blocks, as (rows, columns of the blocks)."""
    calls, real = [], blocks._summed
    monkeypatch.setattr(blocks, "_summed", lambda piece, block: calls.append(block) or real(piece, block))
    return calls


LARGE = np.random.default_rng(8).normal(size=(500, 700)) * 3


@pytest.mark.parametrize("make", [
    lambda a: a, lambda a: a.astype(np.float32), lambda a: a[:, 3:-5], lambda a: a[::2, 40:], lambda a: a.reshape(-1),
    lambda a: a.astype(np.float32).reshape(2, 250, 700), lambda a: a.reshape(-1, 35), lambda a: a[7:-1].astype(np.float32),
])  # fmt: skip
@pytest.mark.parametrize("most", [(10, 9), (499, 700), (2, 3), (33, 1)])
def test_a_large_matrix_is_made_small_in_one_reading(make, most, summed):
    array = make(LARGE)
    found = view(array, max_shape=most)
    parts = array.reshape(-1, *((1, 1, *array.shape)[-2:]))
    expected = np.stack([block_reference(part, tuple(found["block"]), "mean") for part in parts])
    np.testing.assert_allclose(found["data"].reshape(expected.shape), expected, rtol=2e-5, atol=2e-6)
    assert found["range"] == [float(array.min()), float(array.max())] and found["nonFinite"] == {"nan": 0, "inf": 0}
    assert bool(summed) == (found["block"] != [1, 1])


@pytest.mark.parametrize("change", [
    lambda a: a[::-1], lambda a: a.T, lambda a: a[:, ::2], lambda a: a.astype(np.int64), lambda a: a.reshape(-1, 20),
    lambda a: np.broadcast_to(a[0], a.shape),
])  # fmt: skip
def test_what_the_kernel_does_not_take_is_made_small_all_the_same(change, summed):
    array = change(LARGE)
    found = view(array, max_shape=(10, 9))
    np.testing.assert_allclose(found["data"], block_reference(array, tuple(found["block"]), "mean"), rtol=2e-5, atol=2e-6)
    assert not summed


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e35])
def test_what_is_no_number_in_a_large_matrix_is_found(value, summed, monkeypatch):
    monkeypatch.setattr(blocks, "KERNEL_PIECE", 50_000)
    array = LARGE.astype(np.float32)
    array[250, 333] = value
    found = view(array, max_shape=(10, 10))
    assert found["nonFinite"] == {"nan": int(np.isnan(value)), "inf": int(np.isinf(value))} and summed
    expected = block_reference(array, tuple(found["block"]), "mean").astype(np.float32)
    np.testing.assert_allclose(found["data"], expected, rtol=2e-5, atol=2e-6)
    assert found["range"][1] == float(array[np.isfinite(array)].max())


@pytest.mark.parametrize("values", [
    LARGE.astype(np.float32), np.round(LARGE).astype(np.float32), np.maximum(LARGE, 0), np.full(5000, 3.0),
    LARGE.astype(np.float32) * 1e-3 + 1e4, np.linspace(-1, 1, 4097), np.where(LARGE > 1, np.nan, LARGE),
])  # fmt: skip
@pytest.mark.parametrize("bins", [1, 7, 64, 1000])
@pytest.mark.parametrize("given_range", [None, [-2.0, 2.0]])
def test_histograms_of_many_elements_are_numpys(values, bins, given_range):
    found = histogram(values, bins, given_range)
    edges = found["edges"]
    finite = values[np.isfinite(values)].astype(np.float64)
    inside = finite[(finite >= edges[0]) & (finite <= edges[-1])]
    # By the edges themselves: NumPy's own way of finding a bin is off at some of them.
    places = np.minimum(np.searchsorted(edges, inside, side="right") - 1, bins - 1)
    np.testing.assert_array_equal(found["counts"], np.bincount(places, minlength=bins))
    assert found["counts"].sum() + found["below"] + found["above"] + found["nans"] == values.size


def test_what_is_not_finite_stays_visible_and_is_counted():
    array = np.zeros((100, 100), np.float32)
    array[5, 5], array[50, 50], array[90, 10] = np.nan, np.inf, -np.inf
    for how in arrays.REDUCTIONS:
        found = view(array, max_shape=(10, 10), reduce=how)
        assert np.isnan(found["data"][0, 0]) and found["data"][5, 5] == np.inf and found["data"][9, 1] == -np.inf
        assert np.isfinite(found["data"]).sum() == 97
        assert found["nonFinite"] == {"nan": 1, "inf": 2} and found["range"] == [0.0, 0.0]
    nothing = view(np.full((3, 3), np.nan, np.float32))
    assert nothing["range"] is None and nothing["nonFinite"]["nan"] == 9


def test_means_of_huge_numbers_do_not_overflow():
    found = view(np.full((64, 64), 3e38, np.float32), max_shape=(4, 4))
    np.testing.assert_allclose(found["data"], 3e38, rtol=1e-6)


def test_data_are_copies_in_the_arrays_own_dtype():
    for dtype in (np.float32, np.float64, np.int64, np.uint8, np.bool_):
        array = np.ones((3, 4), dtype)
        data = view(array)["data"]
        assert data.dtype == dtype and not np.shares_memory(data, array)
    assert view(np.ones((3, 4)), max_shape=(2, 2))["data"].dtype == np.float32
    assert view(np.float32(2.5).reshape(()))["data"] == np.float32(2.5)


@pytest.mark.parametrize(("transform", "function"), [
    ("abs", np.abs), ("sign", np.sign), ("square", np.square), ("log", lambda x: np.log10(np.abs(x))),
    ("signed_log", lambda x: np.sign(x) * np.log10(1 + np.abs(x))),
])  # fmt: skip
def test_transforms_come_before_reduction(transform, function):
    array = np.random.default_rng(1).normal(size=(20, 30)).astype(np.float32) * 100
    found = view(array, max_shape=(5, 5), transform=transform)
    np.testing.assert_allclose(found["data"], block_reference(function(array), (4, 6), "mean"), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["range"], [function(array).min(), function(array).max()], rtol=1e-4)


def test_leading_dimensions_are_cut_to_a_bound(monkeypatch):
    monkeypatch.setattr(arrays, "MOST_ELEMENTS", 100)
    array = np.arange(7 * 5 * 4 * 4).reshape(7, 5, 4, 4)
    found = view(array, max_shape=(4, 4))
    assert found["shown"] == [1, 5] and found["selected"] == [7, 5, 4, 4]
    np.testing.assert_array_equal(found["data"], array[:1, :5])
    assert view(array, [2], max_shape=(2, 2))["data"].shape == (5, 2, 2)
    with pytest.raises(ValueError, match="more than 100"):
        view(array, max_shape=(11, 10))


@given(st.data())
def test_slices_are_pythons(data):
    array = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    parts, index, words = [], [], []
    for extent in array.shape[: data.draw(st.integers(0, 3))]:
        number = st.none() | st.integers(-6, 6)
        kind = data.draw(st.sampled_from(["int", "pair", "triple", "all"]))
        if kind == "int":
            i = data.draw(st.integers(-extent, extent - 1))
            parts.append(i), index.append(i), words.append(str(i))
        elif kind == "all":
            parts.append(None), index.append(slice(None)), words.append(":")
        else:
            ends = [data.draw(number), data.draw(number)]
            if kind == "triple":
                ends.append(data.draw(st.integers(-3, 3).filter(bool)))
            parts.append(ends), index.append(slice(*ends))
            words.append(":".join("" if e is None else str(e) for e in ends))
    expected = array[tuple(index)]
    np.testing.assert_array_equal(selection(array, parts), expected)
    np.testing.assert_array_equal(selection(array, ", ".join(words)), expected)
    assert isinstance(selection(array, parts), np.ndarray)


@pytest.mark.parametrize(("parts", "error", "text"), [
    ([0, 0, 0], ValueError, "3 entries"), ([5], IndexError, "no index 5"), ([-4], IndexError, "no index -4"),
    ([True], ValueError, "must be an int"), (["a"], ValueError, "must be an int"), ([[0, 1, 0]], ValueError, "step"),
    ([[1]], ValueError, "must be an int"), ("0, x", ValueError, "'x' is neither"), ("0,,1", ValueError, "neither"),
    (3, ValueError, "one entry for each dimension"), ([1.5], ValueError, "must be an int"), ("::0", ValueError, "step"),
])  # fmt: skip
def test_bad_slices_say_what_is_wrong(parts, error, text):
    with pytest.raises(error, match=text):
        view(np.zeros((3, 4)), parts)


@pytest.mark.parametrize("arguments", [{"max_shape": (0, 3)}, {"max_shape": (3,)}, {"reduce": "sum"}, {"transform": "exp"}])
def test_bad_arguments_of_view(arguments):
    with pytest.raises(ValueError, match="view: "):
        view(np.zeros((3, 4)), **arguments)


def test_description():
    array = np.array([[1.0, -2.0, np.nan], [0.0, np.inf, 4.0]], np.float32)
    found = describe(array)
    assert (found["shape"], found["dtype"], found["nans"], found["infs"], found["zeros"]) == ([2, 3], "float32", 1, 1, 1)
    finite = array[np.isfinite(array)].astype(np.float64)
    for name in ("min", "max", "mean", "std"):
        assert math.isclose(found[name], getattr(finite, name)(), rel_tol=1e-6)


@given(st.integers(1, 40), st.integers(0, 2**31), st.sampled_from([None, (-1.0, 1.0), (0.5, 0.5)]), st.booleans())
def test_histogram_is_numpys(bins, seed, ends, transposed):
    array = np.random.default_rng(seed).normal(size=(17, 11)).astype(np.float32).round(1)
    array = array.T if transposed else array
    found = histogram(array, bins, ends)
    counts, edges = np.histogram(array.astype(np.float64), bins, range=ends)
    np.testing.assert_array_equal(found["edges"], edges)
    np.testing.assert_array_equal(found["counts"], counts)
    assert found["counts"].sum() + found["below"] + found["above"] == array.size == found["count"]


def test_histogram_of_special_arrays():
    found = histogram(np.array([np.nan, np.inf, -np.inf, 1.0, 3.0]), 4)
    assert found["counts"].tolist() == [1, 0, 0, 1]
    assert (found["nans"], found["above"], found["below"]) == (1, 1, 1)
    assert histogram(np.full(3, np.nan), 2)["counts"].sum() == 0
    assert histogram(np.zeros((0, 4)), 2)["edges"].tolist() == [0.0, 0.5, 1.0]
    assert histogram(np.array([True, False, True]), 2)["counts"].tolist() == [1, 2]
    for arguments in ((0,), (10**9,), (3, (1, 0)), (3, (0, math.inf)), (3, (0,)), (1000, (1.0, 1.0 + 1e-15))):
        with pytest.raises(ValueError, match="histogram: "):
            histogram(np.zeros(3), *arguments)


def test_difference():
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    b = a.copy()
    assert difference(a, b)["equal"]
    b[1, 2] += 3
    b[2, 0] -= 1
    a[0, 0] = b[0, 0] = np.nan
    found = difference(a, b)
    assert (found["different"], found["maxAbs"], found["maxIndex"], found["unmatched"]) == (2, 3.0, [1, 2], 0)
    assert math.isclose(found["rms"], math.sqrt(10 / 12), rel_tol=1e-6)
    assert found["view"]["data"][1, 2] == 3 and found["view"]["data"][2, 0] == -1
    b[0, 1] = np.nan
    assert difference(a, b)["unmatched"] == 1 and difference(a, b)["maxIndex"] == [1, 2]
    assert difference(np.array([1, 2]), np.array([3, 2]))["maxAbs"] == 2
    assert difference(np.array([True]), np.array([False]))["different"] == 1
    with pytest.raises(ValueError, match="shapes"):
        difference(a, a[:2])


def test_npy_can_be_loaded():
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    np.testing.assert_array_equal(np.load(io.BytesIO(npy_bytes(array))), array)


@pytest.mark.parametrize("shape", [(5, 6), (7, 5, 6), (1, 7, 5, 6), (7, 1, 5, 6), (3, 4, 5, 6), (0, 5, 6)])
def test_tiles_are_the_maps(shape):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = image_grid(array)
    tiles = found["tiles"]
    assert tiles["count"] == tiles["total"] == math.prod(shape[:-2])
    maps = array.reshape(-1, *shape[-2:])
    for k in range(tiles["count"]):
        top, left = (k // tiles["columns"]) * tiles["height"], (k % tiles["columns"]) * tiles["width"]
        np.testing.assert_array_equal(found["data"][top : top + tiles["height"], left : left + tiles["width"]], maps[k])
    assert np.isfinite(found["data"]).sum() == array.size


FEW = st.integers(1, 50)


@given(FEW, FEW, FEW, FEW, FEW, FEW)
def test_atlases_are_bounded(n, c, size, most, height, width):
    found = image_grid(np.zeros((n, c, size, size), np.float32), most, (height, width))
    tiles = found["tiles"]
    assert found["data"].shape[0] <= height and found["data"].shape[1] <= width
    assert 1 <= tiles["count"] <= most and math.prod(tiles["shown"]) == tiles["count"]
    assert tiles["rows"] * tiles["columns"] >= tiles["count"]


def test_bad_tiles():
    square = np.zeros((2, 2))
    for arguments in ((np.zeros(3),), (square, 0), (square, 4, (0, 5)), (square, 4, (9999, 9999))):
        with pytest.raises(ValueError, match="image_grid: "):
            image_grid(*arguments)


@pytest.mark.parametrize("reduce", ["mean", "max_abs"])
@pytest.mark.parametrize(
    ("shape", "most"),
    [((40, 6, 3, 3), (1, 1)), ((5, 4, 6), (2, 3)), ((5, 4, 7), (3, 2)), ((3, 2, 5, 4), (2, 1)), ((2, 0, 3), (1, 1))],
)
def test_many_matrices_are_made_small_as_each_of_them_is(shape, most, reduce):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for whole in (array, np.swapaxes(array, 0, 1)) if array.size else (array,):
        found = arrays.view(whole, None, most, reduce=reduce)
        assert found["shown"] == list(whole.shape[:-2])
        for at in np.ndindex(whole.shape[:-2]):
            alone = arrays.view(whole[at], None, most, reduce=reduce)["data"]
            np.testing.assert_allclose(found["data"][at], alone, rtol=1e-5, atol=1e-7)


def test_a_hundred_thousand_small_matrices_are_not_gone_through_one_by_one(monkeypatch):
    calls, real = [], arrays.reduced
    monkeypatch.setattr(arrays, "reduced", lambda *given: calls.append(1) or real(*given))
    array = np.ones((300, 300, 3, 3), np.float32)
    for most in ((1, 1), (3, 1)):
        assert (arrays.view(array, None, most)["data"] == 1).all()
    assert len(calls) == 2


def test_several_threads_find_what_one_finds(monkeypatch):
    array = np.random.default_rng(5).normal(size=(300, 700)).astype(np.float32)
    array[3, 5], array[100, 600], array[299, 699], array[7, 7] = np.nan, np.inf, -np.inf, 1e35
    asked = [
        lambda: arrays.view(array, None, (20, 30)), lambda: arrays.view(array, None, (20, 30), "abs", "max_abs"),
        lambda: arrays.histogram(array, 16), lambda: arrays.histogram(array.T, 16, [-1.0, 1.0]),
    ]  # fmt: skip
    monkeypatch.setattr(blocks, "PIECE", 1000)
    alone = [ask() for ask in asked]
    seen = set()
    monkeypatch.setattr(spread, "LEAST", 1)
    monkeypatch.setattr(spread.numba, "get_num_threads", lambda: 3)
    of, helped = Range.of, threading.Event()

    def noted(piece):
        seen.add(name := threading.current_thread().name)
        if name.startswith(spread.THREAD_NAME):
            helped.set()
        elif name == "MainThread":
            helped.wait(30)  # it might be done before any other has begun
        return of(piece)

    monkeypatch.setattr(Range, "of", noted)
    for one, ask in zip(alone, asked, strict=True):
        several = ask()
        assert one.keys() == several.keys()
        for key, value in one.items():
            np.testing.assert_array_equal(several[key], value, err_msg=key)
    assert "MainThread" in seen and len(seen) > 1
    # What works beside the script gets no help.
    seen.clear()
    thread = threading.Thread(target=asked[2], name="beside")
    thread.start()
    thread.join()
    assert seen == {"beside"}
