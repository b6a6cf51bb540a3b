"""Every number that an op computes is what its definition says, and every definition is some op's."""

import importlib
import pkgutil

import numpy as np
import pytest

import engine.ops
from engine.function import Function
from engine.ops.comparison import Comparison
from engine.ops.extrema import Argmax
from tests.engine.programs import PROGRAMS
from tests.engine.recording import record, record_optimizers
from tests.oracle import of_ops

#: Bases that name definitions for their subclasses and do nothing themselves.
ABSTRACT = {"Movement", "Filled"}

#: Functions that only a second device gives work to: tests/cuda runs them.
DEVICES = {"ToDevice"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_result_equals_its_definition(program):
    recorder = record(program)
    assert recorder.cases
    for case in recorder.cases:
        case.check(case.expected())


def test_every_update_equals_its_definition():
    for case in record_optimizers():
        case.check(case.expected())


def _functions(kind=Function):
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _functions(subclass)


@pytest.fixture(scope="module")
def kinds():
    """Every Function of engine.ops."""
    for module in pkgutil.iter_modules(engine.ops.__path__):
        importlib.import_module(f"engine.ops.{module.name}")
    return {kind for kind in _functions() if kind.__module__.startswith("engine.ops.")}


def test_every_function_is_run_by_some_program(kinds):
    run = set().union(*[record(program).kinds for program in PROGRAMS])
    missed = {kind.__name__ for kind in kinds - run if kind.definitions}
    assert missed - DEVICES == ABSTRACT


def test_only_what_returns_no_float_lacks_definitions(kinds):
    # That those with definitions have one for every float output and gradient is asserted while they are recorded.
    bare = {kind for kind in kinds if not kind.definitions and not issubclass(kind, (Comparison, Argmax))}
    assert {kind.__name__ for kind in bare if not kind.__subclasses__()} == set()


def test_every_gradient_of_every_function_is_recorded(kinds):
    """No definition of a Function is left out because no program asked for that output or gradient."""
    seen = {case.definition.name for program in PROGRAMS for case in record(program).cases}
    stated = {definition.name for kind in kinds for definition in kind.definitions.values()}
    assert stated - seen == set()


def test_every_definition_is_used():
    used = {case.definition.name for program in PROGRAMS for case in record(program).cases}
    used |= {case.definition.name for case in record_optimizers()}
    assert of_ops() - used == set()


class Recording:
    """An array that notes which of its elements are read: how a number is explained."""

    def __init__(self, array):
        self._array = array
        self.shape, self.size, self.ndim = array.shape, array.size, array.ndim
        self.read = []

    def __getitem__(self, index):
        value = self._array[index]
        assert np.ndim(value) == 0, "an element function reads single elements"
        assert all(i >= 0 for i in np.atleast_1d(index)), f"index {index} counts from the end"
        self.read.append(index)
        return value


def constant(definition):
    """Whether the definition reads nothing: a gradient that is 0 everywhere, or a fill."""
    return definition.name in {"zero_gradient", "zero_gradient_a", "zero_gradient_b", "fill_forward"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_single_element_is_explained_by_what_it_reads(program):
    for case in record(program).cases:
        if not case.actual.size:
            continue
        index = tuple(extent // 2 for extent in case.actual.shape)
        operands = [Recording(o) if isinstance(o, np.ndarray) else o for o in case.operands]
        with np.errstate(all="ignore"):
            value = case.definition(*operands, *index)
        np.testing.assert_allclose(value, case.actual[index], rtol=1e-5, atol=1e-12, err_msg=case.label)
        contributors = [(o, i) for o in operands if isinstance(o, Recording) for i in o.read]
        assert contributors or constant(case.definition), case.label
