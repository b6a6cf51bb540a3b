"""Comparisons, logic and bits against PyTorch."""

import numpy as np
import pytest

import engine
from engine.errors import DtypeError
from tests.engine.ops.movement_parity import both_refuse, randoms, same
from tests.engine.ops.test_elementwise import SPECIAL


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor"])
def test_comparisons(name):
    def call(lib, a, b):
        return getattr(lib, name)(a, b)

    same(call, SPECIAL[:, None], SPECIAL[None], layout=False)
    same(call, np.arange(4), randoms(4), layout=False)
    same(call, np.arange(4).astype(np.uint8), np.array(2), layout=False)


def test_operators():
    x = np.array([1, 2, 3])
    same(lambda _lib, x: (x == 2, x != 2, x < 2, x > 2, x >= 1.5, x == 2), x, layout=False)
    same(lambda _lib, x: (x & 1, 1 | x, x ^ 3, ~x, x << 1, x >> 1), x, layout=False)
    same(lambda lib, a: (a & ~a, a | True, a ^ True, lib.logical_not(a)), np.array([True, False]), layout=False)
    assert (engine.tensor(x) == None) is False and (engine.tensor(x) != "a") is True  # noqa: E711


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "logical_not"])
def test_tests_of_one_tensor(name):
    for x in (SPECIAL, np.arange(3)):
        same(lambda lib, x: getattr(lib, name)(x), x, layout=False)


def test_isclose():
    for options in ({}, {"equal_nan": True}, {"rtol": 0.5}, {"atol": 60.0}):
        same(lambda lib, a, b, options=options: lib.isclose(a, b, **options), SPECIAL[:, None], SPECIAL[None],
             layout=False)
    with pytest.raises(DtypeError, match="float32 did not match torch.float64"):
        engine.isclose(engine.ones(2), engine.ones(2).double())


def test_answers_in_python():
    a, b = engine.tensor([1.0, 2.0]), engine.tensor([1.0, 2.0000001])
    assert engine.allclose(a, b) and not engine.allclose(a, b + 1)
    assert engine.equal(a, a.clone()) and not engine.equal(a, a + 1) and not engine.equal(a, engine.ones(3))
    assert engine.is_nonzero(engine.tensor(3)) and not engine.is_nonzero(engine.tensor([0.0]))


def test_nothing_is_recorded():
    x = engine.ones(3, requires_grad=True)
    assert not (x > 0).requires_grad and (x > engine.ones(2, 3)).shape == (2, 3)


def test_refusals():
    for call in (lambda x: x & x, lambda x: ~x):
        with pytest.raises(DtypeError, match="float32; the operand"):
            call(engine.ones(2))
    both_refuse(lambda lib, x: lib.logical_and(x, 1), np.ones(2), match="must be Tensor")
    both_refuse(lambda lib, x: x < lib.ones(3) if hasattr(lib, "ones") else x < engine.ones(3), np.ones(2),
                match="do not broadcast")
