"""Every number can be asked why it is what it is, and the answer is true."""

import json
import math

import numpy as np
import pytest

import engine
from engine import nn
from engine.autograd import Function
from engine.debug.events import Event, Position
from engine.debug.explain.element import ExplainError, explain, explainable
from engine.debug.explain.reading import question
from engine.nn import functional as F
from tests.debug.recorded import array_of, event_of, events_of, recorded, recorded_updates
from tests.engine.programs import PROGRAMS
from tests.oracle import of_ops


def tensor(values, dtype=np.float64):
    t = engine.tensor(np.asarray(values, dtype))
    t.requires_grad = True
    return t


def random(*shape, dtype=np.float32, seed=0):
    return tensor(np.random.default_rng(seed).standard_normal(shape), dtype)


def places(shape):
    """An element in the middle and the last one; none of an empty array."""
    return {tuple(n // 2 for n in shape), tuple(n - 1 for n in shape)} if math.prod(shape) else set()


def explanations(events):
    for event in events:
        for name, shape in explainable(event).items():
            for index in places(shape):
                yield event, explain(event, name, index)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_result_is_explained(program):
    explained = list(explanations(recorded(program)))
    assert explained
    for event, answer in explained:
        assert answer.agrees, f"{event.kind} {answer}"
        assert answer.actual == array_of(event, answer.name)[answer.index]
        kind = array_of(event, answer.name).dtype
        epsilon = np.finfo(kind).eps if kind.kind == "f" else 0.0
        assert abs(answer.difference) <= answer.tolerance <= 100 * epsilon * (1 + abs(answer.result))
        for c in answer.contributors:
            assert array_of(event, c.tensor)[c.index] == c.value
        assert len({(c.tensor, c.index) for c in answer.contributors}) == len(answer.contributors)
        json.dumps(answer.to_json())


#: Ties, where there is no derivative.
KINKS = {"amax_ties", "interpolate_nearest", "interpolate_linear"}


@pytest.mark.parametrize("program", sorted(PROGRAMS.keys() - KINKS))
def test_derivatives_of_contributors_are_those_of_the_definition(program):
    step = 1e-6
    for event, answer in explanations(recorded(program)):
        asked = question(event, answer.name, answer.index)
        for c in [c for c in answer.contributors if not c.decides and isinstance(c.value, float)][:3]:
            operand = next(o for o in asked.operands if o.name == c.tensor.split("[")[0])
            part = [name for name, _ in operand.parts].index(c.tensor)
            results = []
            for sign in (1, -1):
                moved = [o.canonical.astype(float) if o.canonical.dtype.kind == "f" else o.canonical for o in asked.operands]
                place = asked.operands.index(operand)
                # A broadcast element stands at several places of the canonical layout; all of them move.
                same = operand.places(np.array(list(np.ndindex(operand.shape))))
                for i, found in zip(np.ndindex(operand.shape), same, strict=True):
                    if found == (part, c.index):
                        moved[place][i] += sign * step
                results.append(float(asked.evaluate(asked.definition.function, moved)))
            if math.isnan(results[0]):
                continue  # The exponent of a negative base.
            slope = (results[0] - results[1]) / (2 * step)
            assert c.derivative == pytest.approx(slope, rel=1e-4, abs=1e-6), f"{c} of {answer}"


def test_every_update_is_explained():
    names = set()
    for event, answer in explanations(recorded_updates()):
        assert answer.agrees, str(answer)
        assert len(answer.index) == 2
        for c in answer.contributors:
            assert array_of(event, c.tensor)[c.index] == c.value
            assert c.index == answer.index
        assert {c.label for c in answer.contributors if c.tensor == "w"} <= {"weights"}
        assert answer.label == ("weights" if answer.name == "w_new" else "")
        names.add((event.name, answer.name))
    assert {("SGD", "w_new"), ("Adam", "vmax_new"), ("RMSprop", "a_new"), ("Adadelta", "u_new")} <= names


def test_every_definition_can_be_explained():
    used = {
        event.function.definitions[name.split("[")[0]].name
        for program in PROGRAMS
        for event in recorded(program)
        for name in explainable(event)
    }
    used |= {event.details["definitions"][name].name for event in recorded_updates() for name in explainable(event)}
    assert used == of_ops()


SUMS_OF_PRODUCTS = ("linear", "linear_no_bias", "conv2d", "conv2d_groups", "conv1d", "conv_transpose2d", "bmm")


@pytest.mark.parametrize("program", SUMS_OF_PRODUCTS)
def test_shares_of_one_factor_and_the_bias_add_up(program):
    for event, answer in explanations(recorded(program)):
        if event.name.endswith("Permute"):
            continue
        for factor in {c.tensor for c in answer.contributors} - {"b"} or {"b"}:
            shares = [c.share for c in answer.contributors if c.tensor in (factor, "b" if "w" in event.arrays else factor)]
            assert sum(shares) == pytest.approx(answer.result, rel=1e-12)


def test_linear_with_its_numbers():
    event = events_of(F.linear, tensor([[1, 2], [3, 4]]), tensor([[0.5, -1], [2, 3]]), tensor([0.25, -0.5]))[0]
    event.labels["w"] = "fc1.weight"
    answer = explain(event, "y", (1, 0))
    assert answer.plain == "y[n, o] = Σ_i x[n, i]·w[o, i] + b[o]"
    assert answer.here == "y[1, 0] = Σ_i x[1, i]·w[0, i] + b[0]"
    assert answer.numbers == "y[1, 0] = 3·0.5 + 4·(-1) + 0.25 = -2.25"
    assert [(c.tensor, c.index, c.share, c.derivative, c.label) for c in answer.contributors] == [
        ("x", (1, 0), 1.5, 0.5, ""), ("w", (0, 0), 1.5, 3.0, "fc1.weight"),
        ("x", (1, 1), -4.0, -1.0, ""), ("w", (0, 1), -4.0, 4.0, "fc1.weight"), ("b", (0,), 0.25, 1.0, ""),
    ]
    assert str(answer).endswith("as the kernel computed")
    body = answer.to_json(limit=2, order="share")
    assert [c["index"] for c in body["contributors"]] == [[1, 1], [0, 1]]
    assert body["total"] == 5 and body["sum_of_shares"] == pytest.approx(-4.75)


@pytest.mark.parametrize(
    ("program", "kind", "op", "name", "index", "here"),
    [
        ("linear_no_bias", "forward", "Linear", "y", (1, 0, 1), "y[1, 0, 1] = Σ_i x[1, 0, i]·w[1, i]"),
        ("relu", "forward", "Relu", "y", (1, 2), "y[1, 2] = max(0, x[1, 2])"),
        ("add_broadcast", "forward", "Add", "y", (1, 2), "y[1, 2] = a[1, 2] + b"),
        ("softmax_first", "forward", "Softmax", "y", (2, 0, 1), "y[2, 0, 1] = exp(x[2, 0, 1]) / Σ_k exp(x[k, 0, 1])"),
        ("vm", "backward", "Mv", "da", (1,), "da[1] = Σ_j dy[j]·b[1, j]"),
        ("mean", "forward", "Mean", "y", (1, 0), "y[1, 0] = Σ_r x[1, r, 0] / R, R = 3"),
    ],
)
def test_formulas_speak_of_the_tensors_own_shapes(program, kind, op, name, index, here):
    found = [event for event in recorded(program) if event.kind == kind and name in explainable(event)]
    assert here in [explain(event, name, index).here for event in found if len(explainable(event)[name]) == len(index)], op


def test_joined_inputs_have_parts():
    forward, backward = recorded("cat")
    answer = explain(forward, "y", (1, 4))
    assert answer.numbers.startswith("y[1, 4] = x[1][1, 1] = ")
    assert answer.contributors[-1].tensor == "x[1]" and answer.contributors[-1].index == (1, 1)
    assert explainable(backward)["dx[0]"] == (2, 3) and explainable(backward)["dx[1]"] == (2, 2)
    assert explain(backward, "dx[1]", (1, 0)).actual == backward.arrays["dy"][1, 3]


def test_a_part_that_needs_no_gradient_leaves_the_others_in_place():
    first, second = tensor([[1.0, 2.0]]), tensor([[3.0, 4.0]])
    first.requires_grad = False
    backward = events_of(lambda a, b: engine.cat((a, b)), first, second)[1]
    assert [name for name in explainable(backward) if name.startswith("dx")] == ["dx[1]"]
    answer = explain(backward, "dx[1]", (0, 1))
    assert answer.agrees and answer.actual == backward.arrays["dy"][1, 1]


def test_what_only_decides_is_no_summand():
    backward = recorded("max_pool2d")[1]
    answer = explain(backward, "dx", (0, 0, 0, 0))
    deciding = {c.tensor for c in answer.contributors if c.decides}
    assert deciding == {"indices"} and all(c.share == 0 for c in answer.contributors if c.decides)
    shown = answer.to_json(order="share")["contributors"]
    assert [c["decides"] for c in shown] == sorted(c["decides"] for c in shown)
    relu = event_of(events_of(F.relu, tensor([-1.0, 2.0])), "backward", "Relu")
    assert explain(relu, "dx", (0,)).numbers == "dx[0] = 0 (because of y[0] = 0)"


def test_a_kernel_that_is_wrong_is_found_out():
    event = events_of(F.linear, random(3, 40), random(2, 40, seed=1), random(2, seed=2))[0]
    assert explain(event, "y", (1, 1)).agrees
    event.arrays["y"][1, 1] *= np.float32(1 + 1e-4)
    answer = explain(event, "y", (1, 1))
    assert not answer.agrees and "but the kernel computed" in str(answer)


@pytest.mark.parametrize("cancels", [False, True])
def test_float32_sums_agree_also_where_terms_cancel(cancels):
    x, w = random(1, 5000), random(1, 5000, seed=1)
    if cancels:
        x._array[:, 2500:] = x._array[:, :2500]
        w._array[:, 2500:] = -w._array[:, :2500]
    answer = explain(events_of(F.linear, x, w)[0], "y", (0, 0))
    assert answer.agrees
    assert answer.tolerance < 0.02


def test_of_a_long_sum_terms_are_written_that_are_not_zero():
    x, w = np.zeros((1, 20), np.float32), np.ones((1, 20), np.float32)
    x[0, [3, 9, 10]], w[0, 9] = (2, 1, 4), -0.5
    bias = engine.tensor([0.25])
    answer = explain(events_of(F.linear, engine.tensor(x), engine.tensor(w), bias)[0], "y", (0, 0))
    assert answer.numbers == "y[0, 0] = … + 2·1 + … + 1·(-0.5) + 4·1 + … + 0.25 (21 terms) = 5.75"
    x[:] = 0
    x[0, 15:] = 1
    answer = explain(events_of(F.linear, engine.tensor(x), engine.tensor(w))[0], "y", (0, 0))
    assert answer.numbers == "y[0, 0] = … + 1·1 + 1·1 + 1·1 + 1·1 + 1·1 (20 terms) = 5"
    none = explain(events_of(F.linear, engine.tensor(0 * x), engine.tensor(w))[0], "y", (0, 0))
    assert none.numbers == "y[0, 0] = 0·1 + 0·1 + 0·1 + 0·1 + … + 0·1 (20 terms) = 0"


def test_big_sums():
    x, w = random(16, 1, 42, 42), random(1, 1, 3, 3, seed=1)
    backward = events_of(F.conv2d, x, w)[-1]
    answer = explain(backward, "dw", (0, 0, 1, 1))
    assert answer.agrees and answer.complete
    assert len(answer.contributors) == 2 * 16 * 40 * 40
    assert answer.numbers.endswith(f"(25600 terms) = {answer.result:.5g}")
    assert math.fsum(c.share for c in answer.contributors if c.tensor == "x") == pytest.approx(answer.result)
    assert len(answer.to_json(limit=10, order="share")["contributors"]) == 10


def test_too_long_sums_have_contributors_without_shares():
    event = events_of(F.linear, random(1, 400), random(1, 400, seed=1))[0]
    whole, short = explain(event, "y", (0, 0)), explain(event, "y", (0, 0), max_terms=100)
    assert short.agrees and not short.complete
    assert short.result == pytest.approx(whole.result, rel=1e-12)
    assert {(c.tensor, c.index, c.value) for c in short.contributors} == {c[:3] for c in whole.contributors}
    assert all(c.share is None and c.derivative is None for c in short.contributors)
    assert short.numbers.endswith("(800 elements read)")
    json.dumps(short.to_json(limit=3, order="share"))


# ---- NaN and infinity ----


def only(run, *inputs, kind="forward", name="y", index=(0,)):
    event = next(event for event in events_of(run, *inputs) if event.kind == kind)
    answer = explain(event, name, index)
    assert answer.agrees, str(answer)
    assert not math.isfinite(answer.actual)
    return answer


def test_logarithm_of_zero():
    answer = only(engine.log, tensor([0.0]))
    assert answer.result == -math.inf and answer.cause == "the formula has the value -inf where x[0] = 0"


def test_zero_by_zero():
    answer = only(lambda a, b: a / b, tensor([0.0]), tensor([0.0]))
    assert math.isnan(answer.result) and answer.cause == "0 / 0 = nan" and not answer.nonfinite


def test_division_by_zero_in_backward():
    assert only(engine.sqrt, tensor([0.0]), kind="backward", name="dx").cause.endswith("/ 0 = inf")


def test_the_first_culprit_is_named():
    answer = only(lambda x: F.softmax(x, 1), tensor([[1.0, math.inf, 2.0]]), index=(0, 2))
    assert answer.cause == "inf - inf = nan"
    assert [(c.tensor, c.index, c.value) for c in answer.nonfinite] == [("x", (0, 1), math.inf)]
    answer = only(F.linear, tensor([[1.0, math.nan]]), tensor([[2.0, 3.0]]), index=(0, 0))
    assert answer.cause == "x[0, 1] is nan already"


def test_a_finite_result_has_no_cause():
    event = events_of(lambda x: F.softmax(x, 1), tensor([[1.0, -math.inf]]))[0]
    answer = explain(event, "y", (0, 0))
    assert answer.result == 1.0 and answer.agrees and answer.cause == ""


def test_overflow_of_float32():
    answer = only(engine.exp, tensor([100.0], np.float32))
    assert answer.result == pytest.approx(math.exp(100)) and "beyond the range of float32" in answer.cause
    assert only(engine.exp, tensor([1000.0])).result == math.inf


def test_mean_of_no_labels():
    x = random(2, 3)
    event = events_of(lambda x: F.cross_entropy(x, engine.tensor([-100, -100])), x)[0]
    answer = explain(event, "y", ())
    assert math.isnan(answer.result) and answer.agrees


def test_root_of_a_negative_variance():
    square = next(e for e in recorded_updates() if e.name == "RMSprop")
    arrays = {**square.arrays, "v": np.full_like(square.arrays["v"], -1e3)}
    answer = explain(_update(square, arrays), "w_new", (0, 0))
    assert math.isnan(answer.result) and answer.cause.startswith("sqrt(-")


def _update(event, arrays):
    return Event(0, Position(0), "update", event.name, arrays=arrays, details=event.details)


# ---- errors ----


@pytest.mark.parametrize(
    ("name", "index", "message"),
    [
        ("y", (4, 0), r"y has no element \[4, 0\]: its shape is \(4, 2\)"),
        ("y", (0,), r"y has no element \[0\]"),
        ("y", (0, -1), r"its shape is"),
        ("y", (0, 0.5), "tuple of integers"),
        ("y", 3, "tuple of integers"),
        ("x", (0, 0), "x is an input of Linear: ask the event that computed it; this event explains y"),
        ("dx", (0, 0), "backward has not run here"),
        ("dy", (0, 0), "arrived at Linear from the op after it"),
        ("z", (0, 0), "no definition of z"),
        ("y[1]", (0, 0), r"no array y\[1\]"),
    ],
)
def test_what_cannot_be_explained(name, index, message):
    event = recorded("linear")[0]
    with pytest.raises(ExplainError, match=message):
        explain(event, name, index)


def test_what_has_no_definition():
    class Twice(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, dy):
            return dy * 2

    own = events_of(Twice.apply, tensor([1.0]))
    with pytest.raises(ExplainError, match="Function of the script's own"):
        explain(next(event for event in own if event.name == "Twice"), "y", (0,))
    with pytest.raises(ExplainError, match="compares"):
        explain(events_of(lambda x: x > 0, tensor([1.0]))[0], "y", (0,))
    line = Event(0, Position(0), "line", "<module>")
    assert explainable(line) == {}
    with pytest.raises(ExplainError, match="a line event computes no number"):
        explain(line, "y", (0,))
    with pytest.raises(ExplainError, match="it is what the update reads; this event explains w_new"):
        explain(recorded_updates()[0], "dw", (0, 0))


def test_arrays_that_an_event_does_not_hold():
    forward = recorded("linear")[0]
    bare = Event(0, Position(0), "forward", "Linear", function=_without(forward.function), arrays={"y": forward.arrays["y"]})
    with pytest.raises(ExplainError, match="linear_forward reads x or w or b where this event holds no elements"):
        explain(bare, "y", (0, 0))


def _without(function):
    copy = object.__new__(type(function))
    copy.__dict__.update({name: value for name, value in function.__dict__.items() if not isinstance(value, np.ndarray)})
    return copy


def test_a_module_in_training():
    """Intermediates of a layer: the statistics of a batch norm."""
    engine.manual_seed(0)
    layer = nn.BatchNorm1d(3)
    event = next(e for e in events_of(layer, random(5, 3)) if e.kind == "forward" and "mean" in explainable(e))
    answer = explain(event, "rstd", (1,))
    assert answer.agrees and answer.parameters["eps"] == layer.eps
    assert {c.tensor for c in answer.contributors} == {"x", "mean"}
