"""Kernels derived from definitions: every form computes what the Python function does, and is found on disk again."""

import math
import subprocess
import sys
import types

import numpy as np
import pytest

from engine.definitions import contract
from engine.definitions.contract import Definition, defines
from engine.kernels import derive
from tests.engine.recording import record, record_optimizers

#: Definition -> a program that uses it. Results of rank 0 to 4; parameters that are numbers, tuples and flags;
#: helper functions, constants of the module, arrays of integers, absent operands.
REPRESENTATIVE = {
    "mse_loss_reduced": "mse_loss_mean",
    "relu_forward": "relu",
    "gelu_backward": "gelu",
    "sum_forward": "sum_dims",
    "linear_forward": "linear_no_bias",
    "linear_backward_bias": "linear",
    "movement_backward": "index",
    "filled_forward": "pad",
    "sort_indices": "sort",
    "conv2d_forward": "conv2d_strided",
    "max_pool2d_backward": "max_pool2d_overlap",
    "sgd_weight": None,
}


def case(name):
    found = record_optimizers() if REPRESENTATIVE[name] is None else record(REPRESENTATIVE[name]).cases
    return next(case for case in found if case.definition.name == name)


@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_every_form_computes_the_definition(name):
    definition, operands, actual, _ = case(name)
    expected = case(name).expected()
    assert expected.ndim == len(definition.index)
    kernel = derive.cpu(definition)
    forms = [derive.textbook(definition), kernel.serial]
    if definition.index:  # a single element has no loop to run in parallel
        forms.append(kernel.parallel)
    for form in forms:
        result = np.full(actual.shape, 77, actual.dtype)
        form(result, *operands)
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-15)


def test_the_textbook_kernel_adds_in_the_written_order():
    """1e16 + 1 - 1e16 is 0 in the order of the loop; freedom to reorder, as tuned kernels have it, gives more."""
    definition = case("sum_forward").definition
    x = np.ones((1, 64))
    x[0, 0], x[0, -1] = 1e16, -1e16
    result = np.empty(1)
    derive.textbook(definition)(result, x)
    assert result[0] == definition(x, 0) == 0.0


@pytest.mark.parametrize("form", ["textbook", "cpu"])
def test_nan_and_infinity_keep_their_meaning(form):
    definition = case("relu_forward").definition
    result = np.empty(4)
    kernel = derive.textbook(definition) if form == "textbook" else derive.cpu(definition)
    kernel(result, np.array([math.nan, math.inf, -math.inf, -1.0]))
    np.testing.assert_array_equal(result, [math.nan, math.inf, 0.0, 0.0])


def test_empty_results_are_left_alone():
    derive.textbook(case("relu_forward").definition)(np.empty(0), np.empty(0))


def test_a_second_process_compiles_nothing():
    code = (
        "import numpy as np\n"
        "from engine.definitions import all_definitions\n"
        "from engine.kernels import derive\n"
        "from engine.kernels.jit import compile_progress\n"
        "definition = all_definitions()['relu_forward']\n"
        "x, y = np.array([-1.0, 2.0]), np.empty(2)\n"
        "kernel = derive.cpu(definition)\n"
        "for form in (derive.textbook(definition), kernel.serial, kernel.parallel):\n"
        "    form(y, x)\n"
        "    assert y.tolist() == [0.0, 2.0]\n"
        "print(compile_progress.compiled)\n"
    )
    compiled = []
    for _ in range(2):
        process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        compiled.append(int(process.stdout))
    assert compiled[1] == 0


@pytest.fixture
def registry(monkeypatch):
    """Definitions made in a test are forgotten after it."""
    monkeypatch.setattr(contract, "_registry", dict(contract._registry))


def test_result_must_name_array_and_index(registry):
    with pytest.raises(ValueError, match=r"'y n' is not of the form 'y\[n, o\]'"):
        defines("y n", reads="x", latex="", plain="")


def test_arguments_must_be_arrays_parameters_index(registry):
    expected = r"wrong_order.*must take the arrays \('x', 'w'\) first and the index \('i',\) last"
    with pytest.raises(ValueError, match=expected):

        @defines("y[i]", reads="x w", latex="", plain="")
        def wrong_order(w, x, i):
            return x[i] * w[i]

    with pytest.raises(ValueError, match="no_index"):

        @defines("y[i]", reads="x", latex="", plain="")
        def no_index(x):
            return x[0]


def test_names_are_unique(registry):
    with pytest.raises(ValueError, match="relu_forward is defined twice"):

        @defines("y[i]", reads="x", latex="", plain="")
        def relu_forward(x, i):
            return x[i]


def double(x):
    return 2.0 * x


TABLE = [1.0, 2.0]
FACTOR = math.inf


def uses_table(x, i):
    return x[i] * TABLE[0]


def uses_factor(x, i):
    """Docstrings are not part of the derived text."""
    return double(min(x[i], FACTOR)) + sum([math.pi for _ in range(1)])


def definition_of(function):
    return Definition(function, "y", ("i",), ("x",), (), ("", ""))


def test_what_an_element_function_may_not_use_is_named():
    with pytest.raises(TypeError, match="uses_table uses TABLE, a list; an element function may use numbers, math"):
        derive.source(definition_of(uses_table), "textbook")


@pytest.mark.parametrize("target", ["textbook", "cpu", "cuda"])
def test_the_derived_module_is_complete(target):
    """Helpers come before their callers, infinite constants are defined, comprehensions are searched for names."""
    text = derive.source(definition_of(uses_factor), target)
    assert "Docstrings" not in text
    assert text.index("def double(") < text.index("def uses_factor_element(") < text.index("def uses_factor(y, x):")
    if target != "cuda":
        module = types.ModuleType("derived")
        exec(compile(text.replace("@kernel(fastmath=False)", "").replace("@kernel", "").replace("@helper", ""),
                     "derived", "exec"), vars(module))
        result = np.empty(2)
        module.uses_factor(result, np.array([1.0, 2.0]))
        np.testing.assert_allclose(result, [2.0 + math.pi, 4.0 + math.pi])


def test_every_definition_gives_source_for_every_target():
    from engine.definitions import all_definitions

    for definition in all_definitions().values():
        for target in ("textbook", "cpu", "cuda"):
            compile(derive.source(definition, target), definition.name, "exec")
