"""One launch for many arrays does what one launch for each does, to the bit."""

import numpy as np
import pytest

import engine
from engine import nn, trace
from engine.device.cuda_array import from_host
from engine.device.pool import pool
from engine.kernels.cuda import many


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    # Less than a chunk, a chunk, more than three, and one that begins inside a block.
    found = [generator.normal(size=n).astype(np.float32) for n in (3, many.CHUNK, 3 * many.CHUNK + 5, 2 * many.CHUNK)]
    return found, [*map(from_host, found[:3]), from_host(np.concatenate([found[0][:2], found[3]]))[2:]]


def test_fill_norms_and_clip(arrays):
    host, there = arrays
    y = from_host(np.zeros(4, np.float32))
    many.norms(y, there)
    expected = [np.linalg.norm(a.astype(np.float64)) for a in host]
    np.testing.assert_allclose(y.host(), expected, rtol=1e-6)
    alone = from_host(np.zeros(1, np.float32))
    for k, array in enumerate(there):
        many.norms(alone, [array])
        assert alone.host()[0] == y.host()[k]

    total = from_host(np.array(2.0, np.float32))
    many.clip(there, total, 1.0)
    factor = np.float32(1) / (np.float32(2) + np.float32(1e-6))
    for a, b in zip(host, there, strict=True):
        np.testing.assert_array_equal(b.host(), a * factor)
    before = [b.host() for b in there]
    many.clip(there, total, 5.0)
    assert all((a == b.host()).all() for a, b in zip(before, there, strict=True)), "a factor above 1 changes nothing"
    many.fill(there[1:], 7)
    assert (there[0].host() == before[0]).all() and all((b.host() == 7).all() for b in there[1:])
    many.clip(there[1:], from_host(np.array(np.nan, np.float32)), 1.0)
    assert np.isnan(there[1].host()).all()


def test_arrays_without_elements_are_left_out():
    empty, one = from_host(np.zeros(0, np.float32)), from_host(np.ones(1, np.float32))
    many.fill([empty, one], 3)
    assert one.host() == 3
    many.fill([empty], 3)


def test_layouts_are_kept_and_their_memory_is_used_again():
    many._layouts.clear()
    arrays = [from_host(np.zeros(2, np.float32)) for _ in range(many._MOST_LAYOUTS + 5)]
    for array in arrays[: many._MOST_LAYOUTS]:
        many.fill([array], 1)
    requests, oldest = pool.requests, next(iter(many._layouts.values())).table
    for array in arrays:
        many.fill([array], 2)
    assert len(many._layouts) == many._MOST_LAYOUTS and pool.requests == requests
    assert any(layout.table is oldest for layout in many._layouts.values())
    assert all((array.host() == 2).all() for array in arrays)


MAKERS = {
    "SGD": lambda p: engine.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "Adam": lambda p: engine.optim.Adam(p, amsgrad=True),
    "RMSprop": lambda p: engine.optim.RMSprop(p, centered=True, momentum=0.5),
}


def trained(make, observed):
    engine.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)).to("cuda")
    optimizer = make(model.parameters())
    x = engine.randn(4, 5).to("cuda")
    # While it sees everything, parameters are updated and clipped one by one.
    before = trace.set_observer(trace.Observer()) if observed else None
    try:
        for k in range(3):
            optimizer.zero_grad(set_to_none=k % 2 == 0)
            model(x).square().sum().backward()
            if k == 1:
                # A parameter that is left out has another number of steps from here on.
                model[0].bias.grad = None
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
    finally:
        if observed:
            trace.set_observer(before)
    return {name: value.cpu().numpy() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("name", MAKERS)
def test_a_debugger_sees_the_same_numbers(name):
    alone, seen = trained(MAKERS[name], False), trained(MAKERS[name], True)
    for key, value in alone.items():
        np.testing.assert_array_equal(value, seen[key], err_msg=key)


def test_an_optimizer_updates_parameters_of_two_dtypes_and_strided_ones():
    plain = nn.Parameter(engine.ones(3, device="cuda"))
    wide = nn.Parameter(engine.ones(2, 2, dtype=engine.float64, device="cuda"))
    strided = nn.Parameter(engine.arange(6.0, device="cuda").view(2, 3).T)
    assert not strided.is_contiguous()
    optimizer = engine.optim.SGD([plain, wide, strided], lr=0.5)
    for _ in range(2):
        for p in (plain, wide, strided):
            p.grad = engine.ones(p.shape, dtype=p.dtype, device="cuda")
        optimizer.step()
    assert plain.tolist() == [0, 0, 0] and wide.tolist() == [[0, 0], [0, 0]]
    assert strided.tolist() == [[-1, 2], [0, 3], [1, 4]]


def test_a_gradient_that_does_not_fit_stops_the_step_after_those_before_it():
    first, second = (nn.Parameter(engine.ones(2, device="cuda")) for _ in range(2))
    optimizer = engine.optim.SGD([first, second], lr=1.0)
    first.grad = engine.ones(2, device="cuda")
    second.grad = engine.ones(2, device="cuda")
    second.grad._array = from_host(np.ones(3, np.float32))
    with pytest.raises(engine.errors.ShapeError, match=r"gradient has shape \(3,\)"):
        optimizer.step()
    assert first.tolist() == [0, 0] and second.tolist() == [1, 1]
