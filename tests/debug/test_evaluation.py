"""Expressions, log messages and hit counts of breakpoints, and that evaluating them leaves the run alone."""

import random
import sys

import numpy as np
import pytest

import engine as torch
from engine import trace
from engine.debug.evaluation import Expression, HitCondition, LogMessage, quiet


class Counter(trace.Observer):
    calls = 0

    def after_forward(self, function, inputs, outputs):
        self.calls += 1

    def read(self, what, compute):
        self.calls += 1
        return compute()


@pytest.fixture
def counter():
    observer = Counter()
    before = trace.set_observer(observer)
    yield observer
    trace.set_observer(before)


def test_the_observer_sees_nothing_and_is_back_afterwards(counter):
    x = torch.ones(3)
    assert Expression("(x * 2).sum().item() == 6 and x[0] > 0").holds({"x": x})
    assert counter.calls == 0 and trace.observer is counter and trace.on_forward is counter
    x * 2
    assert counter.calls == 1


def test_the_observer_is_back_after_an_error(counter):
    with pytest.raises(ZeroDivisionError):
        Expression("1 / (x * 0).sum().item()").holds({"x": torch.ones(3)})
    assert trace.observer is counter and torch.is_grad_enabled()


def test_nothing_is_recorded_for_backward():
    w = torch.ones(2, requires_grad=True)
    assert Expression("(w * 2).grad_fn is None").holds({"w": w})
    assert Expression("w * 2").value({"w": w}).grad_fn is None
    assert (w * 2).grad_fn is not None


def test_random_streams_stay_where_they_were():
    def draws():
        return torch.rand(2).tolist(), torch.random.cuda_generator.take(), random.random(), np.random.rand()

    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    expected = draws()
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    names = {"torch": torch, "random": random, "np": np}
    gpu = "torch.random.cuda_generator.take()[1]"
    Expression(f"torch.randn(3).sum() + {gpu} + random.random() + np.random.rand()").value(names)
    assert draws() == expected


def test_lines_of_called_functions_are_not_traced():
    lines = []

    def tracer(frame, kind, argument):
        lines.append(frame.f_code.co_name)
        return tracer

    def asked():
        return True

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        with quiet():
            asked()
        inside = list(lines)
        asked()
    finally:
        sys.settrace(before)
    assert "asked" not in inside and "asked" in lines


def test_inner_scopes_see_the_names():
    assert Expression("all(w > low for w in weights)").holds({"weights": [1, 2], "low": 0})


def test_the_names_are_not_changed():
    names = {"x": 1}
    Expression("(y := x + 1)").value(names)
    assert names == {"x": 1}


@pytest.mark.parametrize("text", ["loss >", "x = 3", "", "import os", "a\nb"])
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match="is not a Python expression"):
        Expression(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loss is {loss.item()}", "loss is 0.5"),
        ("{loss.item():.3f}|{loss:>6.2f}", "0.500|  0.50"),
        ("{name!r} and {name}", "'a:b' and a:b"),
        ("{{literal}} {1 + 1}", "{literal} 2"),
        ("{d['k:}']} {[1, 2, 3][1:]}", "7 [2, 3]"),
        ("{(lambda: 3)()} {1 != 2}", "3 True"),
        ("no braces", "no braces"),
        ("{lost} at {name}", "<NameError: name 'lost' is not defined> at a:b"),
    ],
)
def test_log_messages(text, expected):
    names = {"loss": torch.tensor(0.5), "name": "a:b", "d": {"k:}": 7}}
    assert LogMessage(text).text(lambda: names) == expected


@pytest.mark.parametrize(
    ("text", "what"), [("a {b", "not closed"), ("a } b", "without"), ("{1 +}", "not a Python"), ("{}", "not a Python")]
)
def test_wrong_log_messages_are_refused(text, what):
    with pytest.raises(ValueError, match=what):
        LogMessage(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, [1, 2, 3, 4, 5, 6]),
        ("3", [3]),
        ("== 3", [3]),
        (">= 5", [5, 6]),
        (">5", [6]),
        ("< 3", [1, 2]),
        ("<=1", [1]),
        ("% 3", [3, 6]),
    ],
)
def test_hit_conditions(text, expected):
    condition = HitCondition(text)
    assert [count for count in range(1, 7) if condition.holds(count)] == expected


@pytest.mark.parametrize("text", ["often", "% 0", "-1", "3.5", ">="])
def test_wrong_hit_conditions_are_refused(text):
    with pytest.raises(ValueError, match="must be a count such as"):
        HitCondition(text)
