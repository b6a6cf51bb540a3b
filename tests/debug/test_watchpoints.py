"""Ready-made watchpoints: what each kind finds and does not find, and what it says."""

import math

import numpy as np
import pytest

import engine as torch
from engine.debug.breakpoints.registry import Breakpoints
from engine.debug.breakpoints.watch_base import Batch
from engine.debug.breakpoints.watch_values import squares
from engine.debug.breakpoints.watchpoints import KINDS, describe_kinds, make_watchpoint
from tests.debug.recording import event, recorded, training_step, update

NAN, INF = math.nan, math.inf


def found(specification, *events, batch=None):
    """What a watchpoint finds in each event."""
    watch = make_watchpoint(specification)
    return [watch.check(e, batch or Batch()) if e.kind in watch.events else None for e in events]


def forward(y, x=(0.0,), **fields):
    return event("forward", fields.pop("name", "Linear"), arrays={"x": x, "y": y}, **fields)


# ---- NaN and infinity ----


@pytest.mark.parametrize(
    ("kind", "value", "hit"),
    [
        ("nan-inf", NAN, True), ("nan-inf", INF, True), ("nan-inf", -INF, True), ("nan-inf", 1e38, False),
        ("nan", NAN, True), ("nan", INF, False), ("inf", NAN, False), ("inf", -INF, True), ("inf", 3e38, False),
    ],
)  # fmt: skip
def test_non_finite(kind, value, hit):
    y = np.full((2, 3), 1e38, np.float32)  # the sum of squares overflows, which is no infinity
    y[1, 2] = value
    (finding,) = found({"kind": kind}, forward(y))
    assert (finding is not None) == hit
    if hit:
        assert finding.tensor == "y" and finding.index == (1, 2)


def test_the_first_element_sample_and_culprit_are_named():
    y = np.zeros((4, 3), np.float32)
    y[2, 1] = y[3, 0] = NAN
    (finding,) = found({"kind": "nan-inf"}, forward(y, module="fc1"), batch=Batch(4, [9, 8, 7, 6]))
    assert finding.index == (2, 1) and finding.sample == 2 and finding.dataset_index == 7
    assert finding.sentence == (
        "NaN in y of Linear (fc1): first at [2, 1], sample [2] of the batch ([7] of the dataset); 2 of 12 elements; "
        "none of the op's inputs has any: it was made here"
    )
    (finding,) = found({"kind": "nan-inf"}, forward([-INF], x=[1.0, NAN], module="fc1"))
    assert finding.sentence == (
        "-Infinity in y of Linear (fc1): first at [0]; 1 of 1 element; it came in through x of Linear (fc1)"
    )
    (finding,) = found({"kind": "nan"}, forward(NAN))
    assert finding.sentence.startswith("NaN in y of Linear; none") and finding.index == ()


def test_what_passes_it_on_in_the_same_step_is_not_reported_again():
    made, passed = forward([NAN], x=[1.0]), forward([NAN], x=[NAN])
    made_again = forward([NAN], x=[2.0])
    accumulated = event("gradient", arrays={"grad": [NAN], "before": [0.0]})
    next_step = forward([NAN], x=[NAN], step=1)
    findings = found({"kind": "nan-inf"}, made, passed, accumulated, made_again, next_step)
    assert [f is not None for f in findings] == [True, False, False, True, True]


def test_gradients_and_updates_are_looked_at():
    backward = event("backward", arrays={"x": [1.0], "y": [1.0], "dy": [1.0], "dx": [INF]})
    (finding,) = found({"kind": "nan-inf"}, backward)
    assert finding.tensor == "dx" and "made here" in finding.sentence
    arrived = event("backward", arrays={"x": [1.0], "dy": [NAN], "dx": [NAN]})
    assert "came in through dy" in found({"kind": "nan-inf"}, arrived)[0].sentence
    saved = event("backward", arrays={"x": [NAN], "dy": [1.0], "dx": [NAN]})
    assert "came in through x" in found({"kind": "nan-inf"}, saved)[0].sentence
    (finding,) = found({"kind": "nan-inf"}, update([[1, 2], [3, 4]], [[1, 2], [NAN, 4]]))
    assert finding.tensor == "w_new" and finding.index == (1, 0) and "NaN in fc.weight" in finding.sentence
    # Old weights and gradients that only arrive are not what the op wrote.
    assert found({"kind": "nan-inf"}, update([NAN], [1.0], gradient=[NAN])) == [None]


def test_integers_empty_arrays_and_several_arrays():
    assert found({"kind": "nan-inf"}, forward(np.arange(3)), forward(np.empty((0, 3), np.float32))) == [None, None]
    several = event("forward", arrays={"x": (np.zeros(2), np.array([NAN])), "y": np.array([NAN])})
    assert "came in through x[1]" in found({"kind": "nan-inf"}, several)[0].sentence
    gradients = event("backward", "Cat", arrays={"dy": np.ones(2), "dx": (np.ones(1), None, np.array([INF]))})
    assert found({"kind": "nan-inf"}, gradients)[0].tensor == "dx[2]"


@pytest.mark.parametrize("value", [0.0, NAN, INF])
def test_every_layout_is_looked_at(value):
    base = np.ones((4, 6), np.float32)
    base[3, 4] = value
    rows, copies = np.broadcast_to(base[3], (5, 6)), np.broadcast_to(base[3, 4], (2, 3))
    for view in (base, base.T, base[::-1, ::2], base[3, 4:5], rows, copies):
        total = squares(view)
        assert math.isfinite(total) == (value == 0.0)
        assert (found({"kind": "nan-inf"}, forward(view))[0] is not None) == (value != 0.0)


def test_the_op_that_makes_it_in_a_network():
    """log of a negative number, whose NaN reaches the loss, the gradients and the weights."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    with torch.no_grad():
        model.weight.copy_(torch.ones(2, 3))
        model.bias.zero_()
    x = torch.tensor([[1.0, 1.0, 1.0], [-1.0, 0.0, 0.0]])

    def run():
        model(x).log().sum().backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()

    points = Breakpoints()
    points.set_watchpoints([{"kind": "nan-inf"}])
    hits = [(e.kind, e.name, h) for e in recorded(run, model, [5, 3]) for h in points.on_event(e, dict)]
    assert [(kind, name) for kind, name, _ in hits] == [("forward", "Log")]
    hit = hits[0][2]
    assert hit.reason == "data breakpoint" and (hit.tensor, hit.index, hit.sample, hit.dataset_index) == ("y", (1, 0), 1, 3)


# ---- which arrays are meant ----


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (None, ["y", "dx", "dw", "w_new"]),
        ("fc.weight", ["w_new"]),
        ("*.weight", ["w_new"]),
        ("fc.weight.grad", ["grad"]),
        ("y", ["y"]),
        ("x", ["x"]),
        ("fc:y", ["y"]),
        ("dy", ["dy"]),
        ("f*:d?", ["dx", "dw"]),
        ("conv:y", []),
        ("fc.bias", []),
    ],
)
def test_tensor_patterns(tensor, expected):
    big = [100.0]
    labels = {"w": "fc.weight"}
    events = [
        event("forward", arrays={"x": big, "w": big, "y": big}, labels=labels, module="fc"),
        event("backward", arrays={"x": big, "dy": big, "dx": big}, module="fc"),
        event("backward", arrays={"x": big, "w": big, "dy": [0.0], "dw": big}, labels=labels, module="fc"),
        event("gradient", arrays={"grad": big}, labels={"grad": "fc.weight"}),
        update(big, big),
    ]
    names = [f.tensor for f in found({"kind": "max-above", "threshold": 10, "tensor": tensor}, *events) if f]
    assert names == expected


def test_without_a_pattern_only_sums_of_gradients_are_looked_at_again():
    first = event("gradient", arrays={"grad": [9.0]}, labels={"grad": "w"})
    summed = event("gradient", arrays={"grad": [9.0], "before": [1.0]}, labels={"grad": "w"})
    assert [f is not None for f in found({"kind": "max-above", "threshold": 5}, first, summed)] == [False, True]


def test_samples_are_those_of_arrays_with_a_row_for_each():
    points = Breakpoints()
    points.set_watchpoints([{"kind": "max-above", "threshold": 5}])

    def sample(made):
        (hit,) = points.on_event(made, dict)
        return hit.sample, hit.dataset_index

    row = [[0.0], [9.0]]
    assert sample(forward(row)) == (None, None)
    points.on_event(event("batch", details={"samples": np.array([11, 12])}), dict)
    assert sample(forward(row)) == (1, 12)
    assert sample(forward([[0.0], [0.0], [9.0]])) == (None, None)
    assert sample(event("backward", arrays={"dy": [1.0], "dx": row})) == (1, 12)
    assert sample(event("backward", arrays={"dy": [1.0], "dw": row})) == (None, None)
    assert sample(event("backward", arrays={"dy": [1.0], "w": [1.0], "db": [0.0, 9.0]})) == (None, None)
    assert sample(update(row, row)) == (None, None)
    points.on_event(event("batch", arrays={"x": np.zeros((2, 4), np.float32)}, details={"samples": None}), dict)
    assert sample(forward(row)) == (1, None)
    points.on_event(event("end_epoch"), dict)
    assert sample(forward(row)) == (None, None)


# ---- limits of statistics ----


@pytest.mark.parametrize(
    ("kind", "value"),
    [("max", 5.0), ("min", -3.0), ("mean", 1.0), ("std", math.sqrt(32 / 3)), ("range", 8.0)],
)
def test_statistics(kind, value):
    y = forward([-3.0, 1.0, 5.0])
    for side, sign in (("above", 1), ("below", -1)):
        hit, miss = (found({"kind": f"{kind}-{side}", "threshold": value - sign * d}, y)[0] for d in (0.01, -0.01))
        assert miss is None and hit.sentence.startswith(f"The {kind} of y of Linear is {value:.6g}")
        assert side in hit.sentence


def test_extremes_say_where():
    (finding,) = found({"kind": "max-above", "threshold": 4}, forward([[0, 5], [5, 1]]), batch=Batch(2))
    assert finding.index == (0, 1) and finding.sample == 0
    (finding,) = found({"kind": "min-below", "threshold": 1}, forward([[2, 5], [5, 0.5]]), batch=Batch(2))
    assert finding.index == (1, 1) and finding.sample == 1
    assert finding.sentence == "The min of y of Linear is 0.5 at [1, 1], sample [1] of the batch, below 1"


def test_statistics_leave_out_what_is_not_finite():
    events = forward([NAN, INF, 1.0]), forward([NAN]), forward(np.arange(9)), forward([])
    assert found({"kind": "max-above", "threshold": 4}, *events) == [None] * 4


# ---- gradients and updates ----


def gradient(values, label="fc.weight"):
    return event("gradient", "AccumulateGrad", arrays={"grad": values}, labels={"grad": label})


def test_gradient_norm():
    above = {"kind": "gradient-norm-above", "threshold": 4.9}
    (finding,) = found(above, gradient([3.0, 4.0]))
    assert finding.sentence == "The norm of the gradient of fc.weight is 5, above 4.9" and finding.tensor == "grad"
    assert found({**above, "threshold": 5.1}, gradient([3.0, 4.0])) == [None]
    assert found({**above, "tensor": "conv*"}, gradient([3.0, 4.0])) == [None]
    assert found({**above, "tensor": "fc.*"}, gradient([3.0, 4.0]))[0] is not None
    assert found(above, gradient([INF]))[0] is not None
    assert found(above, gradient([NAN])) == [None]
    below = {"kind": "gradient-norm-below", "threshold": 5.1}
    assert found(below, gradient([3.0, 4.0]), update([1, 1], [1, 1], gradient=[3.0, 4.0]))[1].tensor == "dw"
    assert found({**below, "threshold": 4.9}, update([1, 1], [1, 1], gradient=[3.0, 4.0])) == [None]
    assert found(below, gradient([3.0, 4.0])) == [None]


def test_update_ratio():
    change = update([3.0, 4.0], [3.0, 4.5])
    (finding,) = found({"kind": "update-ratio-above", "threshold": 0.09}, change)
    assert "SGD's update of fc.weight changes it by 0.1 of its norm" in finding.sentence
    assert found({"kind": "update-ratio-above", "threshold": 0.11}, change) == [None]
    assert found({"kind": "update-ratio-below", "threshold": 0.11}, change)[0] is not None
    assert found({"kind": "update-ratio-above", "threshold": 0.0, "tensor": "other"}, change) == [None]
    assert found({"kind": "update-ratio-above", "threshold": 0.0}, update([0.0], [1.0])) == [None]


def test_both_in_a_network():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    step = training_step(model, torch.randn(4, 3), torch.zeros(4, 2))
    events = recorded(step, model)
    norm = model.weight.grad.norm().item()
    for threshold, hits in ((norm * 0.999, 1), (norm * 1.001, 0)):
        found_ = found({"kind": "gradient-norm-above", "threshold": threshold, "tensor": "weight"}, *events)
        assert sum(f is not None for f in found_) == hits
    ratio = 0.1 * norm / (model.weight + 0.1 * model.weight.grad).norm().item()
    for threshold, hits in ((ratio * 0.999, 1), (ratio * 1.001, 0)):
        found_ = found({"kind": "update-ratio-above", "threshold": threshold, "tensor": "weight"}, *events)
        assert sum(f is not None for f in found_) == hits


# ---- units ----


def test_dead_units():
    y = np.ones((3, 4), np.float32)
    y[:, 1] = y[:, 3] = 0
    y[0, 0] = 0
    act = forward(y, name="Relu", module="act")
    (finding,) = found({"kind": "dead-units-above", "threshold": 0.4}, act)
    assert finding.index == (0, 1)
    assert finding.sentence.startswith("2 of 4 units of y of Relu (act) are zero for all 3 samples: 50 %, above 40 %")
    assert found({"kind": "dead-units-above", "threshold": 0.5}, forward(y, name="Relu")) == [None]
    assert found({"kind": "dead-units-above", "threshold": 0.4}, forward(y, name="Linear")) == [None]
    assert found({"kind": "dead-units-above", "threshold": 0.4, "tensor": "act2:y"}, act) == [None]


def test_units_are_channels_or_the_features_of_a_linear_layer():
    torch.manual_seed(0)
    linear = torch.nn.Linear(3, 4)
    with torch.no_grad():
        linear.bias[2] = -1000.0
    events = recorded(lambda: torch.relu(linear(torch.randn(2, 5, 3))))
    (finding,) = [f for f in found({"kind": "dead-units-above", "threshold": 0.24}, *events) if f]
    assert finding.index == (0, 0, 2) and "1 of 4 units" in finding.sentence
    y = np.ones((2, 4, 3, 3), np.float32)
    y[:, 2] = 0
    assert "1 of 4 units" in found({"kind": "dead-units-above", "threshold": 0}, forward(y, name="Relu"))[0].sentence
    y[1, 2, 0, 0] = 1
    assert found({"kind": "dead-units-above", "threshold": 0}, forward(y, name="Relu")) == [None]


@pytest.mark.parametrize(("name", "low"), [("Sigmoid", 0.0), ("Tanh", -1.0)])
def test_saturation(name, low):
    y = [[0.5, low + 0.02], [0.995, low + 0.005]]
    (finding,) = found({"kind": "saturation-above", "threshold": 0.4}, forward(y, name=name), batch=Batch(2))
    assert finding.index == (1, 0) and finding.sample == 1 and "2 of 4 elements" in finding.sentence
    assert found({"kind": "saturation-above", "threshold": 0.5}, forward(y, name=name)) == [None]
    assert found({"kind": "saturation-above", "threshold": 0.4}, forward(y, name="Relu")) == [None]


# ---- loss and weights ----


def losses(specification, values, lines=None):
    events = [event("begin_backward", arrays={"loss": v}, line=n) for v, n in zip(values, lines or [1] * len(values))]
    return [i for i, f in enumerate(found({"kind": "loss-rise", **specification}, *events)) if f]


def test_loss_rise():
    assert losses({"threshold": 2, "window": 3}, [1.0, 1.0, 1.0, 1.9, 2.7, 2.0]) == [4]
    assert losses({"threshold": 2, "window": 3}, [1.0, 9.0]) == []
    assert losses({"threshold": 2, "window": 1}, [1.0, 2.0, 4.1, NAN, 8.0, INF]) == [2, 3, 5]
    assert losses({"threshold": 2, "window": 1}, [-1.0, -0.5, 0.1]) == [2]
    assert losses({"threshold": 2}, [1.0] * 10 + [2.1]) == [10]
    assert losses({"threshold": 2}, [1.0] * 9 + [2.1]) == []


def test_losses_of_different_lines_are_kept_apart():
    values = [1.0, 10.0, 1.0, 10.0, 1.0, 25.0]
    assert losses({"threshold": 2, "window": 1}, values, [1, 2, 1, 2, 1, 2]) == [5]
    assert losses({"threshold": 2, "window": 1}, values) == [1, 3, 5]


def test_loss_rise_says_by_how_much():
    events = [event("begin_backward", arrays={"loss": v}) for v in (1.0, 3.0)]
    finding = found({"kind": "loss-rise", "threshold": 2, "window": 1}, *events)[1]
    assert finding.sentence == "The loss rose to 3; the mean of the last 1 was 1, 3 times as much (limit: 2 times)"


def test_weight_crosses():
    specification = {"kind": "weight-crosses", "tensor": "fc.weight", "threshold": 0.5, "index": [1, 0]}

    def change(before, after, **fields):
        return update([[0.0, 9.0], [before, 9.0]], [[9.0, 0.0], [after, 0.0]], **fields)

    findings = found(
        specification, change(0.4, 0.6), change(0.6, 0.4), change(0.4, 0.45), change(0.6, 0.7), change(0.4, 0.5),
        change(0.5, 0.6), change(0.4, NAN), change(0.4, 0.6, label="fc.bias"),
    )
    assert [f is not None for f in findings] == [True, True, False, False, True, False, False, False]
    assert findings[0].sentence == (
        "fc.weight[1, 0] crosses 0.5: it was 0.4 and is 0.6 after SGD's update of fc.weight"
    ) and findings[0].index == (1, 0)


def test_an_index_outside_of_the_weight_is_told_once():
    points = Breakpoints()
    points.set_watchpoints([{"kind": "weight-crosses", "tensor": "fc.weight", "threshold": 0.5, "index": [5]}])
    assert not points.past_hits(update([0.0, 1.0], [1.0, 0.0]), dict)
    (hit,) = points.on_event(update([0.0, 1.0], [1.0, 0.0]), dict)
    assert hit.stops and "fc.weight has shape (2,), so there is no element [5]" in hit.description
    assert points.on_event(update([0.0, 1.0], [1.0, 0.0]), dict) == []


# ---- the past ----


def test_the_past_is_searched_for_what_made_a_nan():
    points = Breakpoints()
    points.set_watchpoints([{"kind": "nan-inf"}, {"kind": "loss-rise", "threshold": 2, "window": 1}])
    made, passed = forward([NAN], x=[1.0], seq=5), forward([NAN], x=[NAN], seq=6)
    (hit,) = points.past_hits(made, dict)
    assert (hit.reason, hit.tensor, hit.index) == ("data breakpoint", "y", (0,))
    assert hit.description.startswith("NaN in y of ")
    assert not points.past_hits(passed, dict)
    assert len(points.on_event(made, dict)) == 1, "looking at the past leaves no trace"
    losses = [event("begin_backward", arrays={"loss": v}, seq=10 + i) for i, v in enumerate((1.0, 3.0))]
    assert not any(points.past_hits(e, dict) for e in losses)
    assert [len(points.on_event(e, dict)) for e in losses] == [0, 1]
    assert [bool(points.past_hits(e, dict)) for e in losses] == [False, True]


# ---- specifications ----


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ({"kind": "max"}, "there is no watchpoint 'max'; there are nan-inf, nan, inf"),
        ({}, "there is no watchpoint None"),
        ({"kind": ["nan"]}, "there is no watchpoint"),
        ({"kind": "max-above"}, "threshold is missing"),
        ({"kind": "nan", "threshold": 3}, "nan takes tensor, not threshold"),
        ({"kind": "loss-rise", "threshold": 2, "tensor": "y"}, "takes threshold and window, not tensor"),
        ({"kind": "max-above", "threshold": "3"}, "must be a finite number, not '3'"),
        ({"kind": "max-above", "threshold": NAN}, "must be a finite number"),
        ({"kind": "max-above", "threshold": True}, "must be a finite number"),
        ({"kind": "std-above", "threshold": -1}, "at least 0, not -1"),
        ({"kind": "dead-units-above", "threshold": 50}, "at least 0 and at most 1, not 50"),
        ({"kind": "loss-rise", "threshold": 0.5}, "at least 1"),
        ({"kind": "loss-rise", "threshold": 2, "window": 0}, "window must be"),
        ({"kind": "nan", "tensor": 3}, "tensor must be"),
        ({"kind": "weight-crosses", "tensor": "w", "threshold": 0}, "index is missing"),
        ({"kind": "weight-crosses", "tensor": "w", "threshold": 0, "index": [1, -1]}, "index must be a list"),
        ({"kind": "weight-crosses", "tensor": "w", "threshold": 0, "index": "1"}, "index must be a list"),
        ({"kind": "weight-crosses", "threshold": 0, "index": [1]}, "tensor is missing"),
    ],
)
def test_wrong_specifications(specification, message):
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        make_watchpoint(specification)
    (told,) = Breakpoints().set_watchpoints([specification])
    assert not told["verified"] and message in told["message"]


def test_every_kind_can_be_made_as_described():
    values = {"threshold": 1, "tensor": "w", "index": [0], "window": 2}
    for described in describe_kinds():
        keys = [*described["needs"], *described["takes"]]
        assert make_watchpoint({"kind": described["kind"], **{k: values[k] for k in keys}}).kind == described["kind"]
    assert len(describe_kinds()) == len(KINDS) == 21


def test_conditions_hit_counts_and_logs_belong_to_watchpoints_too():
    points = Breakpoints()
    points.set_watchpoints([{"kind": "max-above", "threshold": 1, "condition": "step > 2", "hitCondition": "% 2",
                             "logMessage": "step {step}"}])
    logs = [h.log for step in range(8) for h in points.on_event(forward([2.0]), lambda step=step: {"step": step})]
    assert logs == ["step 4", "step 6"]
