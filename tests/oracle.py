"""Truth for the tests: an op's results against its own definitions, and gradients against finite differences."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from engine.definitions import Definition, all_definitions
from engine.function import Function
from engine.kernels import derive


def of_ops() -> set[str]:
    """The names of the definitions that belong to ops and optimizers: all but those of random numbers."""
    return {name for name in all_definitions() if not name.startswith("random_")}


class Case(NamedTuple):
    """A result that a kernel computed, and what its definition takes."""

    definition: Definition
    operands: list
    actual: np.ndarray
    label: str

    def expected(self) -> np.ndarray:
        """Every element by the plain Python element function, on float64 where the kernel has float32.

        Where Python has an exception in place of a NaN or an infinity, by the compiled loop over all elements.
        """
        result = np.empty(self.actual.shape, self.actual.dtype)
        operands = [_wide(operand) for operand in self.operands]
        try:
            with np.errstate(all="ignore"):
                for index in np.ndindex(result.shape):
                    result[index] = self.definition(*operands, *index)
        except (ArithmeticError, ValueError):
            derive.textbook(self.definition)(result, *self.operands)
        return result

    def check(self, expected: np.ndarray, rtol: float = 1e-5, atol: float = 1e-6) -> None:
        """The kernel's result is ``expected``. Tolerances are for float32; float64 is held to 1e-10."""
        wide = self.actual.dtype == np.float64
        np.testing.assert_allclose(
            self.actual, expected, rtol=1e-10 if wide else rtol, atol=1e-12 if wide else atol,
            err_msg=f"{self.label} differs from {self.definition.name}",
        )


def named_inputs(function: Function, inputs: Sequence[Any]) -> dict[str, Any]:
    """``inputs`` under the names that ``forward`` gives them; under one name all that it takes as ``*name``."""
    parameters = list(inspect.signature(function.forward).parameters.values())
    if parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return {parameters[0].name: tuple(inputs)}
    return {parameter.name: value for parameter, value in zip(parameters, inputs, strict=False)}


def intermediates(function: Function) -> list[str]:
    """What has a definition and is neither output nor gradient: arrays that backward reads (means, probabilities)."""
    inputs = inspect.signature(function.forward).parameters
    known = {*function.returns, *(f"d{name}" for name in inputs)}
    return [name for name in function.definitions if name not in known]


def cases(function: Function, arrays: dict[str, Any], names: Iterable[str]) -> list[Case]:
    """The results ``names`` of ``function``, each with its definition and copies of what that takes.

    Args:
        arrays: inputs, outputs and gradients by name; other names are attributes of the function.
    """
    found = []
    for name in names:
        definition = function.definitions.get(name)
        assert definition is not None, f"{function.name} has no definition of {name}"
        own = name in arrays
        assert not own or definition.result == name, f"{function.name}: {definition.name} is no definition of {name}"
        actual = function.canonical(name, arrays[name] if own else getattr(function, name)).copy()
        assert actual.ndim == len(definition.index), f"{definition.name}: {name} has shape {actual.shape}"
        operands = [_plain(operand) for operand in function.operands(definition, arrays)]
        found.append(Case(definition, operands, actual, f"{function.name}: {name}"))
    return found


def check_function(function: Function, *inputs: np.ndarray, rtol: float = 1e-5, atol: float = 1e-6, seed: int = 0):
    """Forward and backward of ``function`` on ``inputs`` equal its definitions, element by element.

    Every output and every float input's gradient must have a definition. Tolerances are for float32;
    float64 inputs are held to 1e-10.
    """
    arrays = named_inputs(function, inputs)
    names = list(arrays)
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
    arrays |= dict(zip(function.returns, results, strict=True))
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
    for case in cases(function, arrays, expected_names + intermediates(function)):
        case.check(case.expected(), rtol, atol)


def _wide(operand):
    return operand.astype(np.float64) if isinstance(operand, np.ndarray) and operand.dtype == np.float32 else operand


def _plain(operand):
    return np.ascontiguousarray(operand).copy().reshape(operand.shape) if isinstance(operand, np.ndarray) else operand
