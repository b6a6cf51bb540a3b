"""Linear against its definition."""

import numpy as np
import pytest

from engine.errors import DtypeError, ShapeError
from engine.ops.linear import Linear, linear
from engine.tensor import wrap
from tests.oracle import check_function


def random(*shape, dtype=np.float32):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 7, 3), (17, 130, 41), (64, 256, 128), (0, 3, 2)])
def test_matches_definition(shape, dtype):
    n, i, o = shape
    check_function(Linear(), random(n, i, dtype=dtype), random(o, i, dtype=dtype), random(o, dtype=dtype),
                   rtol=1e-4, atol=1e-4)


def test_leading_dimensions_and_no_bias():
    check_function(Linear(), random(2, 3, 4), random(5, 4))


def test_says_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"x has 64 features \(shape \(32, 64\)\) but weight expects 128"):
        linear(wrap(random(32, 64)), wrap(random(10, 128)))
    with pytest.raises(DtypeError, match="float64"):
        linear(wrap(random(2, 3, dtype=np.float64)), wrap(random(4, 3)))
    with pytest.raises(ShapeError, match="bias has shape"):
        linear(wrap(random(2, 3)), wrap(random(4, 3)), wrap(random(3)))
