"""pad against torch.nn.functional.pad."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ops.padding import pad
from engine.tensor import wrap
from tests.engine.ops.movement_parity import randoms, same, torch


def call(*args, **kwargs):
    def padded(library, x):
        return torch.nn.functional.pad(x, *args, **kwargs) if library is torch else pad(x, *args, **kwargs)

    return padded


@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.data())
def test_constant(shape, data):
    widths = data.draw(st.integers(0, len(shape)))
    amounts = [data.draw(st.integers(-(shape[-1 - i // 2] // 2), 3)) for i in range(2 * widths)]
    same(call(tuple(amounts), value=1.5), randoms(*shape), layout=False)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    ("shape", "amounts"),
    [((3, 5), (2, 4)), ((2, 3, 4), (1, 2)), ((2, 3, 4), (3, 1, 0, 2)), ((1, 2, 3, 4), (0, 3, 1, 1)),
     ((1, 2, 3, 4), (-1, 2, 0, -1)), ((2, 2, 3, 3, 3), (1, 1, 2, 2, 1, 0)), ((2, 3), (0, 0))],
)
def test_own_elements(mode, shape, amounts):
    same(call(amounts, mode), randoms(*shape), layout=False)


def test_integers():
    same(call((1, 2), value=2.7), np.arange(3))


@pytest.mark.parametrize(
    ("args", "match"),
    [
        (((1,),), "divisible by 2"),
        (((1,) * 8,), "two times the input dimension"),
        (((4, 0), "reflect"), "less than the corresponding input dimension"),
        (((5, 0), "circular"), "wrapping around more than once"),
        (((1, 1), "mirror"), "Unrecognised padding mode mirror"),
        (((1,) * 6, "reflect"), "not supported for 3D"),
        (((-3, -3),), "cuts more off"),
        (((1, 1), "replicate", 2.0), "take in value argument"),
    ],
)
def test_refuses_like_torch(args, match):
    x = randoms(2, 3, 4)
    with pytest.raises(Exception) as theirs:
        torch.nn.functional.pad(torch.from_numpy(x), *args)
    with pytest.raises(theirs.type, match=match):
        pad(wrap(x), *args)
