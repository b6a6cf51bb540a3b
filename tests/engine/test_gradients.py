"""Every op's gradient against finite differences in float64."""

import pytest

from engine.autograd import gradcheck
from tests.engine.programs import PROGRAMS

#: What finite differences say nothing about.
EXCLUDED = {
    "cast": "it computes in float32, where a step of 1e-6 is lost",
    "embedding_padding": "the row padding_idx gets no gradient on purpose, although it is read",
}


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in EXCLUDED])
def test_gradient(name):
    run, inputs = PROGRAMS[name]
    assert gradcheck(run, inputs(), atol=1e-6, rtol=1e-5)
