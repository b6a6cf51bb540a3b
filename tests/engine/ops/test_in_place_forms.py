"""In-place ops: memory, history and refusals as in PyTorch."""

import numpy as np
import pytest

import engine
from engine import trace
from engine.errors import DtypeError, GradientError, InPlaceError, ShapeError

torch = pytest.importorskip("torch")

# Each ends with a result r; w is a leaf that requires grad.
AGREE = [
    "x = t([1., 2.]); x += 1; x *= t([2., 3.]); x -= .5; x /= 2; r = x",
    "with lib.no_grad(): w += 1\nr = w",
    "x = w * 2; x += 1; x *= w; x.sum().backward(); r = (x, w.grad)",
    "x = t([5., 6.]); x.mul_(w); x.sum().backward(); r = (x, w.grad)",
    "x = t([5., 6.]); x.copy_(w); x.sum().backward(); r = (x, w.grad)",
    "x = w * 2; x.copy_(t([3., 4.])); x.sum().backward(); r = (x, w.grad)",
    "x = w * 2; x.copy_(t(3)); x.sum().backward(); r = (x, w.grad)",
    "x = w * 2; x.zero_(); x.sum().backward(); r = (x, w.grad)",
    "x = w * 2; x.fill_(3); r = x",
    "x = w * 2; x.exp_(); x.sum().backward(); r = (x, w.grad)",
    "x = w * 2; x.clamp_(min=3); x.sum().backward(); r = (x, w.grad)",
    "x = (w * 2).double(); x += w; x.sum().backward(); r = (x, w.grad)",
    "x = t([1, 2]); x *= 3; x //= 2; x %= 2; x **= 3; r = x",
    "x = t([1., 2.]); x += t([1., 2.]).double(); r = x",
    "x = t([True, False]); x &= t([True, True]); x |= True; x ^= True; r = x",
    "x = t([1., 2.]); x.add_(t([1., 1.]), alpha=3); x.addcmul_(x, x, value=2); x.lerp_(t([0., 0.]), .25); r = x",
    "x = t([1., 4.]); r = (x.sqrt_(), x.neg_(), x.abs_(), x.pow_(3), x.log_(), x.sin_())",
    "x = w.detach(); x += 1; r = w",
    "x = t([1., 2.]); y = x; y += 1; r = (x, y is x)",
]


def run(code, lib):
    names = {"lib": lib, "t": lib.tensor, "w": lib.tensor([1.0, 2.0], requires_grad=True)}
    exec(code, names)
    return repr(names["r"])


@pytest.mark.parametrize("code", AGREE)
def test_as_in_pytorch(code):
    assert run(code, engine) == run(code, torch)


REFUSED = {
    "w += 1": (InPlaceError, "leaf Variable that requires grad"),
    "x = w.exp(); x += 1; x.sum().backward()": (GradientError, "modified by an inplace operation"),
    "x = w * 2; y = x * x; x += 1; y.sum().backward()": (GradientError, "modified by an inplace operation"),
    "x = w * 2; x.mul_(x); x.sum().backward()": (GradientError, "modified by an inplace operation"),
    "y = w * w\nwith lib.no_grad(): w += 1\ny.sum().backward()": (GradientError, "modified by an inplace operation"),
    "x = t([1, 2]); x += 1.5": (DtypeError, "can't be cast to the desired output type"),
    "x = t([1, 2]); x /= 2": (DtypeError, "can't be cast to the desired output type"),
    "x = t([1, 2]); x += t([[1, 2], [3, 4]])": (ShapeError, "doesn't match the broadcast shape"),
    "x = t([[1., 2.]]).expand(3, 2); x += 1": (InPlaceError, "single memory"),
    "x = t([1., 2.]); x.copy_(t([1., 2., 3.]))": (ShapeError, "copy_"),
    "x = t([1., 2.]); x.fill_(t([1., 2.]))": (ShapeError, "0-dimension"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_refused_as_in_pytorch(code):
    kind, text = REFUSED[code]
    with pytest.raises(RuntimeError):
        run(code + "\nr = 0", torch)
    with pytest.raises(kind, match=text):
        run(code + "\nr = 0", engine)


def test_a_recorded_value_in_a_view_is_refused():
    w, x = engine.ones(2, requires_grad=True), engine.zeros(3, 2)
    with pytest.raises(InPlaceError, match="into a view"):
        x[0].add_(w)


def test_memory_is_shared():
    array = np.ones(3, np.float32)
    x = engine.from_numpy(array)
    x += 1
    x[0:2].mul_(3)
    assert array.tolist() == [6, 6, 2]


def test_announced_to_the_observer():
    seen = []

    class Notes(trace.Observer):
        def before_update(self, kind, tensor, details):
            seen.append((kind, tensor.tolist()))

        def after_update(self, kind, tensor, details):
            seen.append((kind, tensor.tolist()))

    x = engine.ones(2)
    before = trace.set_observer(Notes())
    try:
        x += 1
    finally:
        trace.set_observer(before)
    assert seen == [("in-place", [1, 1]), ("in-place", [2, 2])]


def test_random_numbers_are_pytorchs():
    calls = [("uniform_", (2, 3)), ("normal_", (1, 2)), ("exponential_", ()), ("bernoulli_", (0.3,)), ("random_", ()),
             ("random_", (5,)), ("random_", (2, 9))]
    for name, arguments in calls:
        engine.manual_seed(1)
        torch.manual_seed(1)
        mine, theirs = getattr(engine.zeros(4, 5), name)(*arguments), getattr(torch.zeros(4, 5), name)(*arguments)
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-6)
    x = engine.zeros(50).uniform_(**{"from": 1, "to": 2})
    assert x.min() >= 1 and x.max() < 2
    with pytest.raises(TypeError, match="uniform_"):
        x.uniform_(low=1)


def test_new_tensors():
    x = engine.ones(2, dtype=engine.float64)
    made = (x.new_zeros(2, 3), x.new_ones((2, 3)), x.new_full((2, 3), 7), x.new_empty(2, 3))
    for y in (*made, x.new_tensor([[1, 2, 3]] * 2)):
        assert y.shape == (2, 3) and y.dtype is engine.float64
    assert x.new_zeros(1, dtype=engine.int64).dtype is engine.int64
