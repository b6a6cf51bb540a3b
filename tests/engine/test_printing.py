"""The text of tensors is PyTorch's, character for character."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import printing

torch = pytest.importorskip("torch")

SHAPES = [(), (1,), (7,), (0,), (2, 0), (3, 4), (2, 1, 5), (2, 2, 2, 3), (1001,), (40, 30), (2, 7, 90), (25,)]
DTYPES = [np.float32, np.float64, np.int64, np.uint8, np.bool_]


@st.composite
def arrays(draw):
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DTYPES))
    values = generator.standard_normal(shape) * 10.0 ** draw(st.integers(-6, 9))
    if draw(st.booleans()):
        values = np.round(values)
    if dtype in (np.uint8, np.bool_):
        values = np.abs(values) % 200
    array = np.array(values).astype(dtype)
    if array.dtype.kind == "f" and array.size and draw(st.booleans()):
        places = generator.integers(0, array.size, 2)
        array.reshape(-1)[places] = generator.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], 2)
    return array


def both(array, kind):
    mine, theirs = engine.tensor(array), torch.tensor(array)
    if array.dtype.kind == "f" and kind:
        mine.requires_grad, theirs.requires_grad = True, True
        if kind == "result":
            mine, theirs = mine * 1, theirs * 1
    return mine, theirs


@given(array=arrays(), kind=st.sampled_from(["", "leaf", "result"]))
def test_text(array, kind):
    mine, theirs = both(array, kind)
    assert repr(mine) == repr(theirs)


@given(
    array=arrays(), precision=st.integers(0, 6), edgeitems=st.integers(1, 4), linewidth=st.integers(30, 120),
    threshold=st.integers(0, 50), sci_mode=st.sampled_from([None, True, False]),
)
def test_options(array, **options):
    mine, theirs = both(array, "leaf")
    with printing.printoptions(**options):
        found = repr(mine)
    with torch._tensor_str.printoptions(**options):
        assert found == repr(theirs)
    assert printing.get_printoptions() == {
        "precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None,
    }


def test_profiles():
    engine.set_printoptions(profile="short")
    try:
        assert repr(engine.tensor([1.12345])) == "tensor([1.12])"
        with pytest.raises(ValueError, match="profile"):
            engine.set_printoptions(profile="long")
    finally:
        engine.set_printoptions(profile="default")


def test_parameter():
    assert repr(engine.nn.Parameter(engine.ones(2))) == repr(torch.nn.Parameter(torch.ones(2)))
