"""Every op's gradient against finite differences in float64."""

import pytest

from engine.autograd import gradcheck
from tests.engine.programs import PROGRAMS

#: These compute in float32, where a step of 1e-6 is lost.
SINGLE_PRECISION = {"cast"}


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in SINGLE_PRECISION])
def test_gradient(name):
    run, inputs = PROGRAMS[name]
    assert gradcheck(run, inputs(), atol=1e-6, rtol=1e-5)
