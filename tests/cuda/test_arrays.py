"""Arrays on the GPU: views, indexing, NumPy's functions, and what holds their memory."""

import gc

import numpy as np
import pytest

import engine
from engine.device.pool import pool, rounded
from engine.errors import DeviceError, MissingError, MixedDevicesError, OutOfMemoryError


@pytest.fixture
def both():
    host = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    return host, engine.from_numpy(host.copy()).cuda()._array


VIEWS = {
    "transpose": lambda a: a.transpose(2, 0, 1),
    "slice": lambda a: a[1:, ::-1, 1],
    "none": lambda a: a[:, None, ..., 0],
    "reshape": lambda a: a.reshape(6, -1),
    "reshape of a transpose": lambda a: a.T.reshape(-1),
    "swapaxes": lambda a: a.swapaxes(0, 2)[1],
    "broadcast": lambda a: np.broadcast_to(a[:, :1], (3, 4, 2)),
    "diagonal": lambda a: np.diagonal(a, 1),
    "windows": lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, 1),
    "flip": lambda a: np.flip(a, 1),
}


@pytest.mark.parametrize("view", VIEWS)
def test_views_and_arithmetic_on_them(both, view):
    host, there = both
    expected, actual = VIEWS[view](host), VIEWS[view](there)
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(actual.host(), expected)
    np.testing.assert_array_equal((actual * 2 + actual).host(), expected * 2 + expected)
    np.testing.assert_allclose(np.add.reduce(actual, axis=0).host(), np.add.reduce(expected, axis=0), rtol=1e-5)


def test_a_view_shares_memory_and_writes_through(both):
    _, there = both
    there[1, 2:] = 7
    assert (there.host()[1, 2:] == 7).all() and not (there.host()[0] == 7).any()
    row = there.reshape(-1)[:3]
    row.fill(-1)
    assert (there.host().reshape(-1)[:3] == -1).all()
    assert np.may_share_memory(row, there) and not np.may_share_memory(there, there.copy())
    assert not np.broadcast_to(there[:1], (3, 4, 2)).flags.writeable


@pytest.mark.parametrize("axis", [None, 0, 1, 2, (0, 2), (0, 1), (1, 2)])
@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.minimum])
def test_reductions(both, ufunc, axis):
    host, there = both
    for keepdims in (False, True):
        expected = ufunc.reduce(host, axis=axis, keepdims=keepdims)
        actual = ufunc.reduce(there, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(actual.host(), expected, rtol=1e-5)


def test_long_reductions_are_cut_into_parts():
    host = np.random.default_rng(1).normal(size=(600, 3)).astype(np.float32)
    there = engine.from_numpy(host).cuda()._array
    np.testing.assert_allclose(np.add.reduce(there, axis=0, dtype=np.float64).host(), host.sum(0, dtype=np.float64))


def test_nan_and_infinity_keep_their_places(both):
    host, there = both
    host[0, 1, 0], host[2, 3, 1] = np.nan, -np.inf
    there.put(host)
    for function in (np.isnan, np.isinf, np.isfinite):
        np.testing.assert_array_equal(function(there).host(), function(host))
    assert np.argmax(there.reshape(-1)).item() == 2 and np.isnan(np.maximum.reduce(there, axis=None).item())


#: Zeros of both signs, halves, whole numbers, one that no float is, and what is no number.
SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 7.0, -7.0, 0.1, 1e30, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("ufunc", [np.sign, np.signbit, np.rint, np.floor, np.ceil, np.trunc])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_numbers_as_in_numpy(ufunc, dtype):
    host = np.array(SPECIAL, dtype)
    result = ufunc(engine.from_numpy(host.copy()).cuda()._array)
    assert result.dtype == ufunc(host).dtype
    # The text tells zeros of both signs apart.
    assert result.host().tolist().__repr__() == ufunc(host).tolist().__repr__()


@pytest.mark.parametrize("ufunc", [np.floor_divide, np.remainder])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quotients_as_in_numpy(ufunc, dtype):
    a, b = np.meshgrid(np.array(SPECIAL[:10], dtype), np.array([0.1, -0.1, 0.5, 3.0, -3.0], dtype))
    there = [engine.from_numpy(np.ascontiguousarray(x)).cuda()._array for x in (a, b)]
    result = ufunc(*there)
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result.host(), ufunc(a, b))


def test_index_arrays(both):
    host, there = both
    rows, columns = np.array([2, 0, 2]), np.array([1, 1, 3])
    np.testing.assert_array_equal(there[rows].host(), host[rows])
    np.testing.assert_array_equal(there[rows, columns].host(), host[rows, columns])
    np.testing.assert_array_equal(there[host > 0].host(), host[host > 0])
    there[rows, columns] = np.arange(6, dtype=np.float32).reshape(3, 2)
    host[rows, columns] = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(there.host(), host)


def test_memory_comes_back_to_the_pool_and_is_lent_again():
    gc.collect()
    before, asked = pool.allocated, pool.requests
    first = engine.empty(1000, device="cuda")
    assert pool.allocated - before == rounded(4000)
    view = first[10:]
    del first
    assert pool.allocated - before == rounded(4000), "a view holds the memory of its base"
    del view
    assert pool.allocated == before
    again = engine.empty(1000, device="cuda")
    assert pool.requests <= asked + 1 and engine.cuda.memory_allocated() == pool.allocated
    del again
    engine.cuda.empty_cache()
    assert engine.cuda.memory_reserved() == pool.allocated


def test_out_of_memory_says_what_holds_it(monkeypatch):
    from engine.device import gate

    def full(nbytes):
        raise gate.OutOfMemory

    held = engine.zeros(3, 500, device="cuda")
    engine.cuda.empty_cache()
    monkeypatch.setattr(gate, "allocate", full)
    with pytest.raises(OutOfMemoryError, match=r"(?s)\(123, 457\).*dtype float32.*\(3, 500\).*smaller batch"):
        engine.empty(123, 457, device="cuda")
    monkeypatch.undo()
    assert (held + 1).sum().item() == 1500


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (lambda F, there, here: F.linear(here, there), r"^Linear: .*on cpu: x \(2, 2\); on cuda:0: w \(2, 2\)\. Move"),
        (lambda F, there, here: F.linear(there, here), r"^Linear: .*on cuda:0: x \(2, 2\); on cpu: w \(2, 2\)\. Move"),
        (lambda F, there, here: here @ there, r"^Mm: .*on cpu: a \(2, 2\); on cuda:0: b \(2, 2\)"),
        (lambda F, there, here: there + here, r"^Add: .*on cuda:0: a \(2, 2\); on cpu: b \(2, 2\)"),
        (lambda F, there, here: F.conv2d(here.view(1, 1, 2, 2), there.view(1, 1, 2, 2)), r"^Convolution: .*on cpu: x"),
        (lambda F, there, here: F.cross_entropy(there, engine.tensor([0, 1])), r"^CrossEntropy: .*on cpu: t \(2,\)"),
        (lambda F, there, here: F.cross_entropy(here, engine.tensor([0, 1]).to("cuda")), r"^CrossEntropy: .*on cpu: x"),
        (lambda F, there, here: F.mse_loss(there, here), r"^MseLoss: .*on cpu: t \(2, 2\)"),
        (lambda F, there, here: F.embedding(engine.tensor([1]).to("cuda"), here), r"^Embedding: .*on cpu: w"),
        (lambda F, there, here: engine.cat([there, here]), r"^cat: .*tensors\[0\] \(2, 2\) on cuda:0, tensors\[1\] .*cpu"),
        (lambda F, there, here: engine.stack([here, there]), r"^stack: .*tensors\[0\] \(2, 2\) on cpu"),
        (lambda F, there, here: there.add_(here), r"^Add: .*on cuda:0: a \(2, 2\); on cpu: b \(2, 2\)"),
        (lambda F, there, here: here.mul_(there), r"^Mul: .*on cpu: a \(2, 2\); on cuda:0: b \(2, 2\)"),
        (lambda F, there, here: here[there > 0], r"same device as the indexed tensor \(cpu\).*\(2, 2\) on cuda:0"),
        (lambda F, there, here: here[0, engine.tensor([1]).to("cuda")], r"indexed tensor \(cpu\).*\(1,\) on cuda:0"),
        (lambda F, there, here: here.__setitem__(there > 0, 1.0), r"same device as the indexed tensor \(cpu\)"),
        (lambda F, there, here: here.gather(1, there.long() - 1), r"^Gather: .*on cpu: x \(2, 2\); on cuda:0: index"),
        (lambda F, there, here: there.scatter(1, here.long() - 1, there), r"^Scatter: .*on cpu: index \(2, 2\)"),
        (lambda F, there, here: there.masked_fill(here > 0, 0.0), r"^MaskedFill: .*on cuda:0: x.*on cpu: mask \(2, 2\)"),
        (lambda F, there, here: here.index_put_((engine.tensor([1]).to("cuda"),), here[:1]), r"indexed tensor \(cpu\)"),
    ],
)  # fmt: skip
def test_mixed_devices_are_told_by_op_and_tensor(run, told):
    there, here = engine.ones(2, 2, device="cuda"), engine.ones(2, 2)
    with pytest.raises(MixedDevicesError, match=told):
        run(engine.nn.functional, there, here)
    assert there.tolist() == here.tolist()


def test_indices_are_checked_on_the_gpu():
    t = engine.tensor([[2, 0]]).to("cuda")
    hot = engine.nn.functional.one_hot(t)
    assert hot.device.type == "cuda" and hot.tolist() == [[[0, 0, 1], [1, 0, 0]]]
    with pytest.raises(RuntimeError, match="smaller than num_classes, got 2 with num_classes=2"):
        engine.nn.functional.one_hot(t, 2)
    with pytest.raises(IndexError, match="gather: index 2 is out of bounds for dimension 1 with size 2"):
        engine.ones(2, 2, device="cuda").gather(1, t)


def test_another_error_of_operands_on_two_devices_keeps_its_words():
    with pytest.raises(IndexError, match="out of bounds"):
        engine.ones(2, device="cuda")[engine.tensor([5])]


def test_mixed_devices_are_refused_and_numbers_are_not():
    there, here = engine.ones(3, device="cuda"), engine.ones(3)
    with pytest.raises(DeviceError, match="same device"):
        there + here
    assert (there + engine.tensor(2.0)).tolist() == [3, 3, 3]
    assert there.clone().add_(engine.tensor(2.0)).tolist() == [3, 3, 3]
    # A number on the GPU is an index like any other, and the GPU takes indices of the CPU.
    assert here[engine.tensor(1).to("cuda")].item() == 1 and there[engine.tensor([0, 2])].tolist() == [1, 1]
    with pytest.raises(TypeError, match=r"Use Tensor\.cpu\(\)"):
        there.numpy()
    with pytest.raises(DeviceError, match=r"\.cpu\(\)"):
        np.asarray(there._array)
    with pytest.raises(MissingError, match="histogram"):
        np.histogram(there._array)
    with pytest.raises(DeviceError, match="one GPU"):
        engine.ones(1, device="cuda:7")


def test_a_device_as_context_is_the_default_until_it_ends():
    with engine.device("cuda"):
        x, layer = engine.zeros(2), engine.nn.Linear(2, 1)
        with engine.device("cpu"):
            assert engine.ones(1).device.type == "cpu"
        assert engine.ones(1).device.type == "cuda"
    assert [x.device.type, layer.weight.device.type, engine.zeros(1).device.type] == ["cuda", "cuda", "cpu"]
    with pytest.raises(ZeroDivisionError), engine.device("cuda"):
        raise ZeroDivisionError
    assert engine.zeros(1).device.type == "cpu"
