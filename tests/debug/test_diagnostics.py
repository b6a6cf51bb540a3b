"""Each check finds its fault in a faulty script, at its line, and nothing in the healthy twin of it."""

import inspect
import json
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import engine as torch
from engine import nn, trace
from engine.debug.diagnostics import CHECKS, SEVERITIES, Diagnostics, Finding, Place, finding_ids
from engine.debug.diagnostics.event import event_of, tensor_of
from engine.debug.diagnostics.updates import Updates
from engine.debug.events import Event, Position
from engine.debug.session import Session

SCRIPTS = Path(__file__).parent / "scripts"

#: Findings that come with another one, and are true too.
COMPANIONS = {"exploding-gradients": {"initial-scale"}}

#: The op that each finding names ("" where it is about no single op), and the module.
PLACES = {
    "non-finite": ("Log", ""),
    "exploding-gradients": ("Linear", "0"),
    "vanishing-gradients": ("Linear", "0"),
    "dead-relu": ("Relu", "1"),
    "saturation": ("Tanh", "1"),
    "constant-activation": ("Linear", "output"),
    "learning-rate-high": ("SGD", ""),
    "learning-rate-low": ("SGD", ""),
    "unscaled-inputs": ("Linear", "0"),
    "feature-scales": ("Linear", "0"),
    "symmetric-initialisation": ("Linear", "0"),
    "initial-scale": ("Linear", "18"),
    "softmax-twice": ("CrossEntropy", "CrossEntropyLoss"),
    "sigmoid-twice": ("BinaryCrossEntropyWithLogits", "BCEWithLogitsLoss"),
    "activation-before-loss": ("CrossEntropy", "CrossEntropyLoss"),
    "nll-without-log": ("NllLoss", "NLLLoss"),
    "cross-entropy-single-column": ("CrossEntropy", "CrossEntropyLoss"),
    "mse-for-classes": ("MseLoss", "MSELoss"),
    "silent-broadcast": ("Sub", ""),
    "labels-out-of-range": ("CrossEntropy", ""),
    "class-imbalance": ("", ""),
    "unshuffled-data": ("", ""),
    "training-mode-in-evaluation": ("NativeBatchNorm", "1"),
    "dropout-in-evaluation": ("Dropout", ""),
    "evaluation-mode-in-training": ("Linear", "0"),
    "gradients-not-cleared": ("", ""),
    "overfitting": ("CrossEntropy", "CrossEntropyLoss"),
    "loss-not-decreasing": ("", ""),
    "parameter-not-optimized": ("Linear", "0"),
    "parameter-without-gradient": ("Linear", "0"),
    "parameter-gradient-zero": ("Linear", "Linear"),
    "no-activation": ("Linear", "1"),
    "strong-dropout": ("Dropout", "2"),
}


def script(id, kind):
    return SCRIPTS / f"{id.replace('-', '_')}_{kind}.py"


def diagnose(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Diagnostics() as diagnostics:
            runpy.run_path(str(path), run_name="__main__")
    assert trace.observer is None
    return diagnostics.findings


def test_every_kind_of_finding_is_tested():
    assert set(PLACES) == set(finding_ids())
    assert len(finding_ids()) == len(set(finding_ids()))
    names = {path.stem for kind in ("faulty", "healthy") for path in SCRIPTS.glob(f"*_{kind}.py")}
    assert names == {script(id, kind).stem for id in PLACES for kind in ("faulty", "healthy")}


def test_explanations_name_findings():
    known = set(finding_ids())
    assert all(set(by) <= known for check in CHECKS for by in check.finds.values())


@pytest.mark.parametrize("id", PLACES)
def test_faulty(id):
    path = script(id, "faulty")
    findings = diagnose(path)
    mine = [f for f in findings if f.id == id]
    assert mine and {f.id for f in findings} - {id} <= COMPANIONS.get(id, set())
    assert len({f.key for f in mine}) == 1
    fault = [n for n, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# fault")]
    place = mine[0].place
    assert (place.file, [place.line]) == (str(path), fault)
    assert (place.op, place.module) == PLACES[id]
    assert mine[0].severity in SEVERITIES
    assert all(text.endswith(".") for text in (mine[0].cause, mine[0].sentence, mine[0].suggestion))
    if mine[0].what_if is not None:
        compile(mine[0].what_if, "what_if", "exec")
    assert json.loads(json.dumps(mine[0].to_json()))["id"] == id


@pytest.mark.parametrize("id", PLACES)
def test_healthy(id):
    assert [str(f) for f in diagnose(script(id, "healthy"))] == []


# ---- single checks ----


@pytest.mark.parametrize(("optimizer", "value"), [("Adam", "= 1e-2"), ("AdamW", "= 0.02 / g['lr']")])
def test_the_remedy_for_overfitting_begins_at_the_lowest_validation_loss_and_is_felt(tmp_path, optimizer, value):
    """AdamW takes lr times the decay of each weight: 1e-2 would be next to nothing."""
    path = tmp_path / "overfits.py"
    path.write_text(script("overfitting", "faulty").read_text().replace("optim.Adam(", f"optim.{optimizer}("))
    (found, *_) = [one for one in diagnose(path) if one.id == "overfitting"]
    assert found.what_if.endswith(value) and found.to_json()["begins"] == found.begins
    assert 1 <= found.begins < found.place.step - 4


def train(model, loss_fn, x, y, steps=12, lr=0.01, every=10):
    """Findings of a full-batch training."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    with Diagnostics(every=every) as diagnostics:
        for _ in range(steps):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
    return diagnostics.findings


def test_backward_culprit():
    x = torch.tensor([[4.0, 9.0], [0.0, 16.0]])
    w = torch.ones(2, requires_grad=True)
    with Diagnostics() as diagnostics:
        (torch.sqrt(x * w) * torch.tensor([[1.0, 1.0], [0.0, 1.0]])).sum().backward()
    (found,) = diagnostics.findings
    assert (found.id, found.place.op) == ("non-finite", "Sqrt")
    assert found.evidence["direction"] == "backward"
    assert found.evidence["index"] == [1, 0]
    assert found.evidence["input0"] == 0.0


def test_infinity_without_nan_is_told_without_nan():
    w = torch.ones(3, requires_grad=True)
    with Diagnostics() as diagnostics:
        torch.log(torch.tensor([0.0, 1.0, 0.0]) * w).sum().backward()
    assert diagnostics.findings[0].sentence.startswith("2 of 3 elements are infinite, first [0]")
    assert "the logarithm of 0 is -inf" in diagnostics.findings[0].cause


def test_the_slope_of_a_logarithm_is_another_reason_than_its_value():
    w = torch.ones(3, requires_grad=True)
    with Diagnostics() as diagnostics:
        torch.log(torch.tensor([1e-43, 1.0, 2.0]) * w).sum().backward()
    (found,) = diagnostics.findings
    assert (found.place.op, found.evidence["direction"]) == ("Log", "backward")
    assert "the slope 1/x of the logarithm" in found.cause


def test_data_that_are_not_finite_are_not_also_judged_by_their_size():
    data = torch.randn(16, 3)
    data[5, 2] = float("inf")
    found = train(nn.Linear(3, 1), nn.functional.mse_loss, data, torch.zeros(16, 1), steps=1)
    assert [one.id for one in found] == ["non-finite"]


def test_a_logarithm_of_zero_can_be_tried_without(monkeypatch):
    """The trial is run as it stands, before the step that the zero would spoil; then all is finite."""
    def run():
        w = torch.ones(3, requires_grad=True)
        with Diagnostics() as diagnostics:
            torch.log(torch.tensor([0.0, 1.0, 2.0]) * w).sum().backward()
        return [one for one in diagnostics.findings if one.id == "non-finite"]

    (found,) = run()
    assert found.begins == found.place.step == 0
    for owner in (torch, torch.Tensor):
        monkeypatch.setattr(owner, "log", owner.log)  # put back afterwards
    exec(found.what_if, {"torch": torch})
    assert run() == []


def test_slower_steps_are_tried_from_where_the_loss_was_least():
    x = torch.ones(8, 2)
    (found,) = [one for one in train(nn.Linear(2, 1), nn.functional.mse_loss, x, 3 * x[:, :1], 90, lr=3.0, every=1)
                if one.id == "non-finite"]  # fmt: skip
    assert found.what_if is not None and found.begins == 0 < found.place.step


def test_nan_in_the_data_names_the_sample():
    data = torch.randn(20, 3)
    data[13, 2] = float("nan")
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data, torch.zeros(20, 1)), batch_size=5)
    model = nn.Linear(3, 1)
    with Diagnostics() as diagnostics:
        for x, y in loader:
            nn.functional.mse_loss(model(x), y).backward()
    found = diagnostics.findings[0]
    assert found.id == "non-finite" and "data" in found.title
    assert (found.evidence["sample"], found.evidence["index"]) == (13, [3, 2])


def test_update_that_overflows_names_the_weight():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e38)
    x, y = torch.ones(4, 2), torch.full((4, 1), 100.0)
    with Diagnostics() as diagnostics:
        for _ in range(2):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
    found = diagnostics.findings[0]
    assert found.id == "non-finite" and found.place.parameter == "weight" and "optimizer" in found.title


@pytest.mark.parametrize("steps", [0, 1])
def test_an_overflow_before_the_first_update_is_not_the_learning_rate_s(steps):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    with Diagnostics() as diagnostics:
        for _ in range(steps):
            model(torch.ones(4, 2)).mean().backward()
            optimizer.step()
        with torch.no_grad():
            for weight in (model[0].weight, model[1].weight):
                weight.fill_(1e30)
        model(torch.ones(4, 2)).mean().backward()
    (found,) = [one for one in diagnostics.findings if one.id == "non-finite"]
    assert found.place.op == "Linear"
    assert ("smaller weights" in found.suggestion) == (steps == 0)
    assert ("learning rate" in found.suggestion) == bool(found.what_if) == (steps == 1)


def test_masked_attention_is_no_fault():
    scores = torch.randn(3, 4, 4, requires_grad=True)
    mask = torch.tril(torch.ones(4, 4)) == 0
    with Diagnostics() as diagnostics:
        scores.masked_fill(mask, float("-inf")).softmax(-1).square().sum().backward()
    assert diagnostics.findings == []


def test_row_that_is_masked_wholly():
    scores = torch.randn(2, 3, requires_grad=True)
    mask = torch.tensor([[False, True, False], [True, True, True]])
    with Diagnostics() as diagnostics:
        scores.masked_fill(mask, float("-inf")).softmax(-1).sum().backward()
    (found,) = diagnostics.findings
    assert (found.id, found.place.op, found.evidence["index"]) == ("non-finite", "Softmax", [1, 0])


def test_labels_in_a_functional_loss():
    logits = torch.randn(4, 3, requires_grad=True)
    diagnostics = Diagnostics()
    with pytest.raises(IndexError), diagnostics:
        nn.functional.cross_entropy(logits, torch.tensor([0, -100, 3, 2]))
    (found,) = diagnostics.findings
    assert found.id == "labels-out-of-range" and found.place.file == __file__
    assert (found.evidence["label"], found.evidence["index"], found.evidence["bad"]) == (3, [2], 1)


def test_labels_of_minus_one_for_binary_cross_entropy():
    x = torch.randn(16, 2)
    y = torch.where(x[:, :1] > 0, torch.ones(16, 1), -torch.ones(16, 1))
    assert [f.id for f in train(nn.Linear(2, 1), nn.BCEWithLogitsLoss(), x, y)] == ["labels-out-of-range"]


def test_broadcast_in_a_loss_op():
    x = torch.randn(16, 2)
    with pytest.warns(UserWarning, match="different to the input size"):
        (found,) = train(nn.Linear(2, 1), nn.MSELoss(), x, x[:, 0])
    assert (found.id, found.place.op) == ("silent-broadcast", "MseLoss")
    assert (found.evidence["output"], found.evidence["target"], found.evidence["terms"]) == ([16, 1], [16], 256)


def test_integer_labels_for_squared_error():
    x = torch.randn(30, 2)
    y = (torch.arange(30) % 3).unsqueeze(1)
    assert [f.id for f in train(nn.Linear(2, 1), nn.MSELoss(), x, y)] == ["mse-for-classes"]


def test_log_softmax_into_cross_entropy_is_a_hint():
    x = torch.randn(30, 2)
    model = nn.Sequential(nn.Linear(2, 3), nn.LogSoftmax(dim=1))
    (found,) = train(model, nn.CrossEntropyLoss(), x, torch.arange(30) % 3)
    assert (found.id, found.severity) == ("softmax-twice", "hint")


def test_weighed_classes_are_not_called_imbalanced():
    x = torch.randn(200, 2)
    y = (torch.arange(200) % 20 == 0).long()
    assert "class-imbalance" in [f.id for f in train(nn.Linear(2, 2), nn.CrossEntropyLoss(), x, y, 22)]
    weighed = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 19.0]))
    assert train(nn.Linear(2, 2), weighed, x, y, 22) == []


def test_narrow_linear_layer_is_meant():
    x = torch.randn(16, 8)
    narrow = nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 8))
    wide = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.1), nn.Linear(8, 8))
    assert train(narrow, nn.MSELoss(), x, x) == []
    assert [f.id for f in train(wide, nn.MSELoss(), x, x)] == ["no-activation"]


def test_a_linear_layer_that_a_residual_connection_goes_around_from_is_needed():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inlet, self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 8)

        def forward(self, x):
            h = self.inlet(x)
            return self.second((h + self.first(h)).relu())

    x = torch.randn(16, 8)
    assert train(Block(), nn.MSELoss(), x, x) == []


def test_gradients_zeroed_by_hand_are_cleared():
    w = torch.ones(3, requires_grad=True)
    with Diagnostics() as diagnostics:
        for clear in (True, True, False, False):
            (w * w).sum().backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
                if clear:
                    w.grad.zero_()
            assert [f.id for f in diagnostics.findings] == []
            if not clear:
                break
        (w * w).sum().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
    assert [f.id for f in diagnostics.findings] == ["gradients-not-cleared"]


def test_gradients_that_another_backward_leaves_are_no_fault():
    maker, judge = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), nn.Linear(2, 1)
    for_maker = torch.optim.SGD(maker.parameters(), lr=0.01)
    for_judge = torch.optim.SGD(judge.parameters(), lr=0.01)
    with Diagnostics() as diagnostics:
        for _ in range(5):
            for_judge.zero_grad()
            judge(maker(torch.randn(8, 2)).detach()).mean().backward()
            for_judge.step()
            for_maker.zero_grad()
            judge(maker(torch.randn(8, 2))).mean().backward()
            for_maker.step()
    assert diagnostics.findings == []


def test_monte_carlo_dropout_is_meant():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1))
    x = torch.randn(16, 4)
    y = x[:, :1]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with Diagnostics() as diagnostics:
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
        model.eval()
        model[2].train()
        with torch.no_grad():
            nn.functional.mse_loss(model(x), y)
    assert diagnostics.findings == []


def test_second_training_of_a_script_is_looked_at_too():
    x = torch.randn(32, 4)
    y = (x[:, 0] > 0).long()

    def fit(model):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(8):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    with Diagnostics() as diagnostics:
        fit(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)))
        assert diagnostics.findings == []
        fit(nn.Sequential(nn.Linear(4, 2), nn.Softmax(dim=1)))
    assert [f.id for f in diagnostics.findings] == ["softmax-twice"]


def test_culprit_in_a_pass_that_is_not_looked_at():
    w = torch.ones(4, requires_grad=True)
    with Diagnostics(every=1000) as diagnostics:
        for step in range(8):
            x = torch.arange(4).float() + (1 if step < 6 else 0)
            torch.log(x * w).sum().backward()
            w.grad = None
    (found,) = diagnostics.findings
    assert (found.place.op, found.evidence["index"], found.evidence["infs"]) == ("Log", [0], 1)


def test_reported_once_and_again_when_worse():
    heard = []
    diagnostics = Diagnostics(report=heard.append)
    fault = {"title": "t", "severity": "hint", "cause": "c.", "sentence": "s.", "suggestion": "s."}
    for line, badness in ((3, 1.0), (3, 1.5), (3, 2.0), (4, 1.0), (3, 3.9)):
        diagnostics.run.report(Finding("overfitting", place=Place(line=line), badness=badness, **fault))
    assert [(f.place.line, f.badness) for f in heard] == [(3, 1.0), (3, 2.0), (4, 1.0)]
    assert heard == diagnostics.findings


def test_works_as_a_listener():
    """Forwarded calls suffice: nothing depends on being the observer itself."""
    listener = Diagnostics()

    class Forwarding(trace.Observer):
        def __getattribute__(self, name):
            forwarded = name in vars(Diagnostics) and name in vars(trace.Observer) and name != "watches"
            return getattr(listener, name) if forwarded else super().__getattribute__(name)

    x = torch.randn(16, 2)
    model = nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=1))
    previous = trace.set_observer(Forwarding())
    try:
        nn.functional.cross_entropy(model(x), torch.arange(16) % 3).backward()
    finally:
        trace.set_observer(previous)
    assert [f.id for f in listener.findings] == ["softmax-twice"]


def test_what_is_watched_is_let_go():
    """Between passes no array of a pass is kept."""
    model = nn.Linear(2, 1)
    with Diagnostics() as diagnostics:
        nn.functional.mse_loss(model(torch.randn(8, 2)), torch.randn(8, 1)).backward()
        assert diagnostics._ops == []
        assert diagnostics.run.this._ops == []


def test_every_must_be_positive():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        Diagnostics(every=0)


def test_loss_that_jumps_up_and_down():
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=20.0)
    with Diagnostics() as diagnostics:
        for i in range(80):
            rows = slice(i % 8 * 32, i % 8 * 32 + 32)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    assert "learning-rate-high" in [f.id for f in diagnostics.findings]


def test_check_that_fails_is_dismissed():
    class Failing(CHECKS[0]):
        def forward(self, this):
            raise KeyError("no")

    model = nn.Linear(2, 1)
    message = "Failing failed .forward: KeyError"
    with Diagnostics(checks=[Failing]) as diagnostics, pytest.warns(RuntimeWarning, match=message):
        for _ in range(3):
            nn.functional.mse_loss(model(torch.randn(8, 2)), torch.randn(8, 1)).backward()
    assert not any(diagnostics._at.values())


def test_gradients_that_jump():
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    with Diagnostics() as diagnostics:
        for step in range(20):
            x = torch.randn(16, 4) * (200 if step == 17 else 1)
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), torch.zeros(16, 1)).backward()
            optimizer.step()
    (found,) = diagnostics.findings
    assert (found.id, found.place.step) == ("exploding-gradients", 17)
    assert found.evidence["norm"] > 100 * found.evidence["usual_norm"]


@pytest.mark.parametrize("shape", [(1000,), (2048, 2048), (1_100_001,)])
def test_the_size_of_an_update(shape):
    parameter, updates = torch.randn(*shape), Updates()
    updates.before(parameter)
    with torch.no_grad():
        parameter *= 1.25
    updates.after(parameter)
    ((_, ratio),) = updates.take().values()
    assert ratio == pytest.approx(0.25, rel=1e-3)


def test_of_a_large_parameter_every_column_is_looked_at():
    for column in (0, 63, 64, 2047):
        parameter, updates = torch.ones(2048, 2048), Updates()
        updates.before(parameter)
        parameter.numpy()[:, column] = 2
        updates.after(parameter)
        ((_, ratio),) = updates.take().values()
        assert ratio == pytest.approx(2048**-0.5, rel=0.1)


def test_a_finding_is_found_again_in_the_history():
    """The op that made infinity first, though its name stands twice on the line, and each step has it."""
    def event(seq, name="Log", step=1, kind="forward", line=7, **arrays):
        return Event(seq, Position(seq), kind, name, "", "s.py", line, step=step, arrays=arrays)

    good, bad = np.ones(2, np.float32), np.array([np.inf, 1], np.float32)
    history = [
        event(0, step=0, y=bad), event(1, "", kind="line"), event(2, y=good), event(3, y=bad), event(4, y=bad),
        event(5, "Exp", y=bad), event(6, "", kind="begin_backward", line=9),
    ]  # fmt: skip

    def place(line=7, op="Log", **more):
        where = {"op": op, "module": "", "file": "s.py", "line": line, "step": 1, **more}
        return event_of(history, {"id": "non-finite" if op == "Log" else "dead-relu", "place": where})

    assert place().seq == 3 and place(step=0).seq == 0
    found = {"id": "non-finite", "place": {"op": "Log"}}
    assert tensor_of(history[3], found) == "y" and tensor_of(event(7, x=good, dx=bad), found) == "dx"
    assert tensor_of(history[5], {**found, "id": "dead-relu"}) is None and tensor_of(history[2], found) is None
    assert place(line=9, op="").seq == 6 and place(op="").seq == 1 and place(op="Exp").seq == 5
    assert place(line=8) is None and place(step=4) is None


def test_arithmetic_on_data_that_makes_nan_is_named_by_op_and_line():
    x, w = torch.tensor([[1.0], [0.0]]), torch.tensor([[2.0]], requires_grad=True)
    with Diagnostics() as diagnostics:
        scaled = x / x  # no gradient is wanted of it: no tape has it
        line = here() - 1
        (scaled @ w).sum().backward()
    (found,) = [f for f in diagnostics.findings if f.id == "non-finite"]
    assert (found.place.op, found.place.line, found.evidence["index"]) == ("Div", line, [1, 0])
    assert "The inputs there are 0 and 0." in found.sentence
    assert found.evidence["input0"] == 0.0


def test_a_validation_that_becomes_infinite_is_found_and_its_op_named():
    p = torch.tensor([0.5, 0.0, 1.0])
    with Diagnostics() as diagnostics, torch.no_grad():
        loss = -torch.log(p).mean()
        line = here() - 1
    assert loss.item() == float("inf")
    (found,) = diagnostics.findings
    assert (found.id, found.place.op, found.place.line, found.evidence["index"]) == ("non-finite", "Log", line, [1])
    assert found.what_if and found.evidence["input0"] == 0.0


def test_an_infinity_that_is_masked_away_without_a_gradient_is_no_fault():
    p = torch.tensor([0.5, 0.0, 1.0])
    with Diagnostics() as diagnostics, torch.no_grad():
        torch.where(p > 0, torch.log(p), torch.zeros(3)).mean()
    assert not diagnostics.findings


def test_steps_that_were_not_heard_of_count_where_another_counts_them():
    w = torch.tensor([1.0], requires_grad=True)
    with Diagnostics(steps=lambda: 17) as diagnostics:
        torch.log(w * 0).sum().backward()
    assert [f.place.step for f in diagnostics.findings] == [17]


def here():
    """The number of the caller's line."""
    return inspect.currentframe().f_back.f_lineno


ROOT_AT_ZERO = """
import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(8, 3)
x[5] = 0.0
model = nn.Linear(3, 4, bias=False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(3):
    optimizer.zero_grad()
    length = {root}
    length.mean().backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    "root",
    [
        "torch.sqrt((model(x) ** 2).sum(1))", "(model(x) ** 2).sum(1).sqrt()",
        "model(x / x.abs().sum(1, keepdim=True))", "torch.log((model(x) ** 2).sum(1))", "(model(x) ** 2).sum(1).log()",
    ],
)  # fmt: skip
def test_what_is_to_be_tried_keeps_the_run_finite(tmp_path, root):
    path = tmp_path / "zero.py"
    path.write_text(ROOT_AT_ZERO.format(root=root))
    with Session.launch(str(path), capture_output=True) as session:
        session.start()
        session.request("diagnostics", enabled=True)
        session.step("runTo", step=2)
        (found,) = [f for f in session.request("diagnostics")["findings"] if f["id"] == "non-finite"]
        assert found["begins"] == 0
        bad = "not bool(torch.isfinite(model.weight).all())"
        assert session.request("evaluate", expression=bad, context="watch")["result"] == "True"
        session.fork([{"kind": "exec", "code": found["what_if"]}], "try", step=found["begins"])
        session.step("runTo", step=3)
        assert session.request("evaluate", expression=bad, context="watch")["result"] == "False"


def test_a_smaller_learning_rate_is_tried_where_the_weights_have_not_grown_yet(tmp_path):
    path = tmp_path / "rate.py"
    path.write_text(
        "import engine as torch\nfrom engine import nn\n\ntorch.manual_seed(0)\n"
        "x = torch.randn(64, 8)\ny = x[:, :1] * 2.0 + 1.0\n"
        "model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=5.0)\n"
        "for step in range(9):\n    optimizer.zero_grad()\n    loss = nn.functional.mse_loss(model(x), y)\n"
        "    loss.backward()\n    optimizer.step()\n"
    )
    with Session.launch(str(path), capture_output=True) as session:
        session.start()
        session.request("diagnostics", enabled=True)
        session.step("runTo", step=6)
        found = next(f for f in session.request("diagnostics")["findings"] if f["id"] == "learning-rate-high")
        assert found["begins"] == 0
        run = session.fork([{"kind": "exec", "code": found["what_if"]}], "try", step=found["begins"])
        assert run.stop["line"] == 11, "before the first line there is no optimizer"
        session.step("runTo", step=8)
        losses = session.request("curves")["losses"].numpy()
        assert losses[-1] < losses[0]


def test_a_replay_that_begins_behind_the_nan_does_not_blame_the_optimizer(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        "import engine as torch\nfrom engine import nn\ntorch.manual_seed(0)\nmodel = nn.Linear(2, 1)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\nx = torch.rand(4, 2)\n"
        "for step in range(60):\n    optimizer.zero_grad()\n"
        "    loss = (model(x) * 0 + (1.0 if step != 1 else 0.0)).log().mean()\n"
        "    loss.backward()\n    optimizer.step()\n"
    )
    with Session.launch(str(path), capture_output=True) as session:
        session.start()
        session.configure("diagnostics", enabled=True)
        session.step("continue")
        (found,) = session.request("diagnostics")["findings"]
        assert found["title"].startswith("Log makes NaN or infinity") and found["place"]["step"] == 1
        place = session.request("locate", step=30)["position"]
        session.step("goto", position=place)
        (found,) = [one for one in session.request("diagnostics")["findings"] if one["id"] == "non-finite"]
        assert found["title"] == "A weight was NaN or infinite already" and not found["what_if"]
        assert "steps before, which were not watched" in found["cause"]
