"""Making tensors: values, dtypes, shared memory and refusals as in PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.errors import DeviceError, DtypeError, GradientError, MissingError, ShapeError

torch = pytest.importorskip("torch")


def same(call, rtol=0.0):
    mine, theirs = call(engine), call(torch)
    assert str(mine.dtype) == str(theirs.dtype)
    assert tuple(mine.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=rtol, atol=0)


DATA = [
    [1, 2], [1.0, 2], [True, False], [True, 2], [[1, 2], [3.5, 4]], 3, 2.5, True, [], [[]], (1, 2), range(3),
    np.float64(2), np.int64(2), [np.float64(1)], [np.float32(1)], np.arange(3.0), np.array([[True]]),
    np.array(3, np.uint8),
]


@pytest.mark.parametrize("data", DATA, ids=repr)
def test_tensor(data):
    same(lambda lib: lib.tensor(data))
    same(lambda lib: lib.tensor(data, dtype=lib.float64))
    same(lambda lib: lib.as_tensor(data))


def test_tensor_copies_and_as_tensor_shares():
    array = np.ones(3, np.float32)
    copy, shared, also = engine.tensor(array), engine.as_tensor(array), engine.from_numpy(array)
    array[0] = 5
    assert copy.tolist() == [1, 1, 1] and shared.tolist() == also.tolist() == [5, 1, 1]
    assert engine.as_tensor(shared) is shared
    assert engine.asarray(array, copy=True).data_ptr() != shared.data_ptr()
    with pytest.raises(ValueError, match="copy"):
        engine.asarray([1, 2], copy=False)
    assert engine.tensor([engine.tensor(1), engine.tensor(2)]).tolist() == [1, 2]


def test_filled():
    same(lambda lib: lib.zeros(2, 3))
    same(lambda lib: lib.ones((2, 3), dtype=lib.int64))
    same(lambda lib: lib.zeros(size=(2,), dtype=lib.bool))
    same(lambda lib: lib.full((2, 3), 7))
    same(lambda lib: lib.full((2,), 2.5))
    same(lambda lib: lib.full((), True))
    same(lambda lib: lib.eye(3, 2))
    same(lambda lib: lib.zeros_like(lib.ones(2, dtype=lib.float64)))
    same(lambda lib: lib.ones_like(lib.ones(2), dtype=lib.uint8))
    same(lambda lib: lib.full_like(lib.ones(2, 3), 4))
    assert engine.empty(2, 3).shape == engine.empty_like(engine.ones(2, 3)).shape == (2, 3)


@given(st.floats(-20, 20), st.floats(-20, 20), st.integers(0, 60))
def test_linspace_and_logspace(start, end, steps):
    # PyTorch rounds start + step·i once (fused); here that is float64, which differs where a tie is broken.
    same(lambda lib: lib.linspace(start, end, steps), rtol=1.2e-7)
    same(lambda lib: lib.linspace(start, end, steps, dtype=lib.float64), rtol=1e-12)
    same(lambda lib: lib.logspace(start / 10, end / 10, steps), rtol=2e-6)


@pytest.mark.parametrize(
    "arguments", [(5,), (1, 6), (0, 1, 0.1), (1, 0, -0.25), (0.0, 5), (3, 10, 4), (10, 3, -2), (0, 0)]
)
def test_arange(arguments):
    same(lambda lib: lib.arange(*arguments), rtol=1e-6)
    same(lambda lib: lib.arange(*arguments, dtype=lib.float64), rtol=1e-12)


def test_random_numbers_are_pytorchs():
    calls = [
        lambda lib: lib.rand(3, 4), lambda lib: lib.randn((2, 5)), lambda lib: lib.randn(40, dtype=lib.float64),
        lambda lib: lib.randint(10, (3, 4)), lambda lib: lib.randint(-5, 10, (30,)), lambda lib: lib.randperm(20),
        lambda lib: lib.randint(high=4, size=(3,)), lambda lib: lib.rand_like(lib.zeros(3)),
        lambda lib: lib.randn_like(lib.zeros(3)), lambda lib: lib.randint_like(lib.zeros(3), 5),
        lambda lib: lib.bernoulli(lib.rand(3, 4)), lambda lib: lib.multinomial(lib.rand(3, 4), 2),
        lambda lib: lib.normal(lib.rand(3), 2.0), lambda lib: lib.normal(0.0, lib.rand(3)),
        lambda lib: lib.normal(1.0, 2.0, (4, 4)), lambda lib: lib.rand(3, generator=lib.Generator().manual_seed(5)),
    ]
    for call in calls:
        engine.manual_seed(3)
        torch.manual_seed(3)
        same(call, rtol=1e-6)


def test_options():
    assert engine.ones(2, requires_grad=True).requires_grad
    assert engine.zeros(2, device="cpu", pin_memory=False, layout=None).shape == (2,)
    with pytest.raises(GradientError, match="floating point"):
        engine.arange(3, requires_grad=True)
    with pytest.raises(MissingError, match="out="):
        engine.zeros(2, out=engine.ones(2))
    with pytest.raises(TypeError, match="unexpected keyword argument 'dtyp'"):
        engine.zeros(2, dtyp=engine.float32)
    with pytest.raises(DeviceError, match="cuda"):
        engine.zeros(2, device="cuda")
    with pytest.raises(DtypeError, match="dtype must be"):
        engine.zeros(2, dtype="float32")


def test_refusals():
    with pytest.raises(ValueError, match=r"expected sequence of length 2 at dim 1 \(got 1\)"):
        engine.tensor([[1, 2], [3]])
    with pytest.raises(TypeError, match="invalid data type 'str'"):
        engine.tensor(["a"])
    with pytest.raises(DtypeError, match="int32"):
        engine.tensor(np.arange(3, dtype=np.int32))
    with pytest.raises(ShapeError, match="negative dimension"):
        engine.zeros(-1)
    with pytest.raises(TypeError, match="sizes must be integers"):
        engine.zeros(2.5)
    with pytest.raises(RuntimeError, match="step must be nonzero"):
        engine.arange(0, 1, 0)
    with pytest.raises(RuntimeError, match="inconsistent with step sign"):
        engine.arange(1, 0)
    with pytest.raises(ValueError, match="negative"):
        engine.from_numpy(np.arange(3)[::-1])
    with pytest.raises(TypeError, match=r"expected np.ndarray \(got list\)"):
        engine.from_numpy([1])
