"""In-place changes and the views that were taken before them."""

import numpy as np
import pytest

import engine as torch
from engine.errors import GradientError


def test_a_stale_view_is_refused_not_wrong():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    view = y[:2]
    y[0] = torch.tensor(5.0, requires_grad=True)
    with pytest.raises(GradientError, match="Take the view again"):
        (view * 3).sum().backward()
    (y[:2] * 3).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0, 6, 0])


def test_a_view_stays_good_when_the_change_is_not_recorded():
    x = torch.ones(3, requires_grad=True)
    view = x[:2]
    with torch.no_grad():
        x.add_(1)
    (view * 3).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3, 3, 0])


def test_operands_that_are_no_tensors_are_named():
    with pytest.raises(TypeError, match=r"sum\(\): expected a Tensor, got ndarray"):
        torch.sum(np.ones(3))
    with pytest.raises(TypeError, match=r"expected a Tensor, got list"):
        torch.reshape([1.0, 2.0], (2, 1))
