"""Convolutions against their definitions and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DtypeError, ShapeError
from engine.ops.conv import Convolution, ConvTranspose, conv1d, conv2d, conv_transpose2d
from engine.tensor import wrap
from tests.oracle import check_function


def random(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed + sum(shape)).standard_normal(shape).astype(dtype)


CASES = [
    # n, c, h, w, o, kernel, stride, padding, dilation, groups
    (2, 3, 8, 9, 4, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (3, 1, 28, 28, 8, (3, 3), (1, 1), (0, 0), (1, 1), 1),
    (1, 2, 7, 5, 9, (2, 3), (1, 1), (1, 2), (2, 1), 1),
    (2, 4, 9, 9, 6, (3, 3), (2, 2), (1, 1), (1, 1), 2),
    (2, 4, 6, 7, 4, (3, 2), (2, 3), (2, 0), (1, 2), 4),
    (5, 3, 4, 4, 5, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    (2, 2, 3, 3, 2, (3, 3), (1, 1), (4, 3), (1, 1), 1),
    (20, 2, 5, 5, 3, (5, 5), (1, 1), (2, 2), (1, 1), 1),
    (0, 2, 5, 5, 3, (3, 3), (1, 1), (0, 0), (1, 1), 1),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_convolution_matches_definition(case, dtype):
    n, c, h, w, o, kernel, stride, padding, dilation, groups = case
    check_function(
        Convolution(stride, padding, dilation, groups, False),
        random(n, c, h, w, dtype=dtype), random(o, c // groups, *kernel, dtype=dtype), random(o, dtype=dtype),
        rtol=1e-4, atol=1e-4,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
def test_transposed_matches_definition(stride, groups, dtype):
    check_function(
        ConvTranspose(stride, (1, 0), (1, 1), groups, False, (0, 0)),
        random(2, 4, 5, 4, dtype=dtype), random(4, 3, 3, 2, dtype=dtype), random(3 * groups, dtype=dtype),
        rtol=1e-4, atol=1e-4,
    )


def test_one_dimension_matches_definition():
    check_function(Convolution((1, 2), (0, 1), (1, 1), 1, True), random(2, 3, 11), random(4, 3, 3), random(4))


@given(
    st.integers(1, 3), st.sampled_from([1, 2]), st.integers(1, 2), st.integers(1, 2), st.integers(1, 3),
    st.integers(1, 3), st.integers(1, 3), st.integers(0, 3), st.integers(1, 2), st.integers(0, 99),
)
def test_parity_with_pytorch(n, groups, c, o, kh, kw, stride, padding, dilation, seed):
    torch = pytest.importorskip("torch")
    c, o = c * groups, o * groups
    h, w = dilation * (kh - 1) + 4, dilation * (kw - 1) + 5
    arrays = random(n, c, h, w, seed=seed), random(o, c // groups, kh, kw, seed=seed), random(o, seed=seed)
    ours = [wrap(a).requires_grad_() for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y, expected = conv2d(*ours, **settings), torch.nn.functional.conv2d(*theirs, **settings)
    assert tuple(y.shape) == tuple(expected.shape)
    np.testing.assert_allclose(y._array, expected.detach().numpy(), rtol=1e-4, atol=1e-4)
    dy = random(*y.shape, seed=seed + 1)
    y.backward(wrap(dy))
    expected.backward(torch.tensor(dy))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad._array, b.grad.numpy(), rtol=1e-4, atol=1e-4)


def test_results_do_not_depend_on_the_thread_count():
    import numba

    x, w, b = random(32, 8, 14, 14), random(16, 8, 3, 3), random(16)
    results = []
    before = numba.get_num_threads()
    try:
        for threads in {1, before}:
            numba.set_num_threads(threads)
            function = Convolution((1, 1), (1, 1), (1, 1), 1, False)
            y = function.forward(x, w, b)
            function.needs = (True, True, True)
            results.append((y, *function.backward(y)))
    finally:
        numba.set_num_threads(before)
    for one, other in zip(results[0], results[-1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


def test_errors_name_what_does_not_fit():
    x = wrap(random(2, 3, 8, 8))
    with pytest.raises(ShapeError, match="x has 3 channels .* but weight expects 4"):
        conv2d(x, wrap(random(5, 4, 3, 3)))
    with pytest.raises(ShapeError, match="kernel size can't be greater than input size"):
        conv2d(x, wrap(random(5, 3, 9, 9)))
    with pytest.raises(ShapeError, match="stride must be a number or a pair >= 1"):
        conv2d(x, wrap(random(5, 3, 3, 3)), stride=0)
    with pytest.raises(DtypeError, match="float64"):
        conv2d(x, wrap(random(5, 3, 3, 3, dtype=np.float64)))
    with pytest.raises(ShapeError, match="3 filters cannot be cut into 2 groups"):
        conv2d(wrap(random(1, 4, 5, 5)), wrap(random(3, 2, 3, 3)), groups=2)
    with pytest.raises(ShapeError, match="output padding must be smaller"):
        conv_transpose2d(x, wrap(random(3, 2, 3, 3)), stride=2, output_padding=2)
    with pytest.raises(ShapeError, match="expected 2D"):
        conv1d(x, wrap(random(3, 2, 3)))
