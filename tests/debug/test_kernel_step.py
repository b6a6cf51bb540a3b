"""Stepping through the computation of one element."""

import json
import math
import sys

import numpy as np
import pytest

import engine
from engine.debug.explain.element import ExplainError, explainable
from engine.debug.explain.kernel_step import ElementSteps
from engine.nn import functional as F
from tests.debug.recorded import events_of, recorded, recorded_updates
from tests.engine.programs import PROGRAMS


@pytest.mark.parametrize("program", PROGRAMS)
def test_stepping_ends_at_the_kernels_value(program):
    for event in recorded(program):
        for name, shape in explainable(event).items():
            if not math.prod(shape):
                continue
            steps = ElementSteps(event, name, tuple(n // 2 for n in shape))
            single = event.name == "ToCopy"  # to float32
            assert steps.result == pytest.approx(steps.actual, rel=1e-6 if single else 1e-9, abs=1e-12)
            last = steps.at(-1)
            assert last["ends"] and last["depth"] == 0 and last["returned"] == steps.result
            assert not steps.truncated and last["step"] == len(steps) - 1
            lines = dict(steps.source)
            for i in range(len(steps)):
                assert steps.steps[i].line in lines


def test_every_update_can_be_stepped():
    for event in recorded_updates():
        for name in explainable(event):
            steps = ElementSteps(event, name, (1, 0))
            assert steps.result == pytest.approx(steps.actual, rel=1e-9)
            assert steps.at(0)["locals"]["i"] == 2


@pytest.fixture
def linear():
    tensors = [engine.tensor(np.array(v, float)) for v in ([[1, 2], [3, 4]], [[0.5, -1], [2, 3]], [0.25, -0.5])]
    return ElementSteps(events_of(F.linear, *tensors)[0], "y", (1, 0))


def test_lines_locals_and_reads(linear):
    text = dict(linear.source)
    seen = [(text[linear.at(i)["line"]].strip(), linear.at(i)) for i in range(len(linear))]
    assert [line for line, _ in seen] == [
        "total = 0.0", "for i in range(w.shape[1]):", "total += x[n, i] * w[o, i]", "for i in range(w.shape[1]):",
        "total += x[n, i] * w[o, i]", "for i in range(w.shape[1]):", "if b.shape[0] > 0:", "total += b[o]", "return total",
        "return total",
    ]
    assert seen[0][1]["partial"] is None
    assert [step["partial"] for _, step in seen[1:]] == [0, 0, 1.5, 1.5, -2.5, -2.5, -2.5, -2.25, -2.25]
    assert [len(step["new_reads"]) for _, step in seen] == [0, 0, 2, 0, 2, 0, 0, 1, 0, 0]
    assert [step["reads"] for _, step in seen] == [0, 0, 0, 2, 2, 4, 4, 4, 5, 5]
    assert seen[4][1]["new_reads"][1] == {"tensor": "w", "index": [0, 1], "value": -1.0, "text": "w[0, 1]"}
    assert seen[4][1]["locals"]["x"] == {"array": "x", "shape": [2, 2]}
    assert (seen[4][1]["locals"]["n"], seen[4][1]["locals"]["o"], seen[4][1]["locals"]["i"]) == (1, 0, 1)
    # What changes comes first: the sum and the loop's variable, then the arguments.
    assert list(seen[4][1]["locals"])[:3] == ["total", "i", "x"]
    json.dumps([step for _, step in seen])


def test_steps_are_looked_at_in_any_order(linear):
    forwards = [linear.at(i) for i in range(len(linear))]
    assert [linear.at(i) for i in reversed(range(len(linear)))] == forwards[::-1]
    assert linear.at(-1) == forwards[-1]
    with pytest.raises(IndexError):
        linear.at(len(linear))


def test_the_source_is_that_of_the_file(linear):
    with open(linear.file, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert linear.file.endswith("linear.py")
    assert all(lines[number - 1] == text for number, text in linear.source)
    assert linear.source[0][1].startswith("def linear_forward")


def test_helpers_are_stepped_into():
    event = recorded("batch_norm")[0]
    steps = ElementSteps(event, "y", (1, 2))
    shown = [steps.at(i) for i in range(len(steps))]
    assert {step["function"] for step in shown} == {"batch_norm_forward", "factor", "summand"}
    inner = next(step for step in shown if step["function"] == "factor")
    assert inner["depth"] == 1 and inner["stack"] == [{"function": "batch_norm_forward", "line": shown[0]["line"]}]
    # The caller's own reads are not those of the helpers that it calls in the same line.
    assert {read["tensor"] for read in shown[0]["new_reads"]} == {"x", "mean", "rstd"}
    assert [read["text"] for step in shown for read in step["new_reads"] if step["function"] == "factor"] == ["w[2]"]
    assert all(not step["new_reads"] for step in shown if step["ends"])


def test_reads_have_the_tensors_own_index():
    steps = ElementSteps(recorded("linear_no_bias")[0], "y", (1, 0, 1))
    reads = [read["text"] for i in range(len(steps)) for read in steps.at(i)["new_reads"]]
    assert reads[:2] == ["x[1, 0, 0]", "w[1, 0]"]
    assert steps.arrays["x"] == ((4, 3), {"x": (2, 2, 3)})


def test_long_loops_are_cut_but_computed_to_the_end():
    generator = np.random.default_rng(0)
    x, w = (engine.tensor(generator.standard_normal((1, 3000))) for _ in range(2))
    event = events_of(F.linear, x, w)[0]
    steps = ElementSteps(event, "y", (0, 0), limit=100)
    assert steps.truncated and len(steps) == 100 and steps.at(99)["truncated"]
    assert steps.result == pytest.approx(steps.actual, rel=1e-9)
    assert steps.at(99)["locals"]["i"] < 100
    assert len(ElementSteps(event, "y", (0, 0))) == 3000 * 2 + 5


def test_numbers_that_are_no_numbers():
    event = events_of(lambda a, b: a / b, engine.tensor([1.0, 0.0]), engine.tensor([0.0, 0.0]))[0]
    assert ElementSteps(event, "y", (0,)).result == math.inf
    assert math.isnan(ElementSteps(event, "y", (1,)).at(-1)["returned"])


def test_the_trace_function_is_as_before():
    def mine(frame, event, argument):
        return None

    previous = sys.gettrace()
    event = recorded("linear")[0]
    bare = events_of(F.linear, engine.tensor([[1.0]]), engine.tensor([[2.0]]))[0]
    bare.arrays["w"] = np.empty((0, 1))
    try:
        sys.settrace(mine)
        ElementSteps(event, "y", (0, 0))
        after = sys.gettrace()
        ElementSteps(event, "y", (0, 0), limit=2)
        cut = sys.gettrace()
        with pytest.raises(ExplainError):
            ElementSteps(bare, "y", (0, 0))
        failed = sys.gettrace()
    finally:
        sys.settrace(previous)
    assert after is mine and cut is mine and failed is mine


def test_what_cannot_be_stepped():
    with pytest.raises(ExplainError, match="its shape is"):
        ElementSteps(recorded("linear")[0], "y", (9, 9))
