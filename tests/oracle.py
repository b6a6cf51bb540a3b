"""Truth for the tests: an op's results against its own definitions, and gradients against finite differences."""

from __future__ import annotations

import inspect

import numpy as np

from engine.function import Function
from engine.kernels import derive


def check_function(function: Function, *inputs: np.ndarray, rtol: float = 1e-5, atol: float = 1e-6, seed: int = 0):
    """Forward and backward of ``function`` on ``inputs`` equal its definitions, element by element.

    Every output and every float input's gradient must have a definition. Tolerances are for float32;
    float64 inputs are held to 1e-10.
    """
    names = list(inspect.signature(function.forward).parameters)[: len(inputs)]
    before = [x.copy() for x in inputs]
    function.needs = tuple(x.dtype.kind == "f" for x in inputs)
    results = function.forward(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    assert len(results) == len(function.returns)
    function.outputs = len(results)
    generator = np.random.default_rng(seed)
    gradients = tuple(
        generator.standard_normal(y.shape).astype(y.dtype) if y.dtype.kind == "f" else None for y in results
    )
    arrays = dict(zip(names, inputs, strict=True)) | dict(zip(function.returns, results, strict=True))
    arrays |= {f"d{name}": dy for name, dy in zip(function.returns, gradients, strict=True) if dy is not None}
    expected_names = list(function.returns)
    found = function.backward(*gradients)
    found = found if isinstance(found, tuple) else (found,)
    for name, need, dx, x in zip(names, function.needs, found, inputs, strict=False):
        if need:
            assert dx is not None, f"{function.name}: no gradient for {name}"
            assert dx.shape == x.shape, f"{function.name}: d{name} has shape {dx.shape}, {name} has {x.shape}"
            assert dx.dtype == x.dtype
            arrays[f"d{name}"] = dx
            expected_names.append(f"d{name}")
    for x, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(x, copy, err_msg=f"{function.name} changed its input")
    for name in expected_names:
        definition = function.definitions.get(name)
        assert definition is not None, f"{function.name} has no definition of {name}"
        actual = function.canonical(name, arrays[name])
        expected = np.empty(actual.shape, actual.dtype)
        assert expected.ndim == len(definition.index), f"{definition.name}: {name} has shape {actual.shape}"
        derive.textbook(definition)(expected, *map(_plain, function.operands(definition, arrays)))
        wide = actual.dtype == np.float64
        np.testing.assert_allclose(
            actual, expected, rtol=1e-10 if wide else rtol, atol=1e-12 if wide else atol,
            err_msg=f"{function.name}: {name} differs from {definition.name}",
        )


def _plain(operand):
    return np.ascontiguousarray(operand).copy().reshape(operand.shape) if isinstance(operand, np.ndarray) else operand
