"""The curves of a run: losses of evaluations, accuracy, learning rates, norms of gradients, epochs; against NumPy."""

import time

import numpy as np
import pytest

import engine as torch
from engine import nn, trace
from engine.debug.replay import measures
from engine.debug.replay.recorder import Recorder
from engine.debug.replay.recording import Recording
from engine.debug.replay.tape import BACKWARD, EVALUATION, MEASURE
from engine.debug.views.correct import correct_of
from engine.debug.views.curves import curves, site_names, tick_of
from engine.utils.data import DataLoader, TensorDataset


@pytest.fixture
def everything(monkeypatch):
    """Everything is measured at every step, whatever it costs."""
    monkeypatch.setattr(measures, "_SHARE", 0.0)


@pytest.fixture
def recorder():
    recorder = Recorder()
    trace.set_observer(recorder)
    yield recorder
    trace.set_observer(None)


def series(body, quantity):
    return {one["name"]: one for one in body["series"] if one["quantity"] == quantity}


def classifier(seed=0):
    torch.manual_seed(seed)
    x, y = torch.randn(50, 4), torch.randint(0, 3, (50,))
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), x, y


def test_a_training_with_validation(everything, recorder):
    model, x, y = classifier()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.1)
    train_loader = DataLoader(TensorDataset(x[:30], y[:30]), batch_size=8)
    test_loader = DataLoader(TensorDataset(x[30:], y[30:]), batch_size=6)
    losses, right, norms, rates, tested = [], [], [], [], []
    for _ in range(2):
        model.train()
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            logits = model(inputs)
            loss = loss_fn(logits, labels)
            loss.backward()
            norms.append(np.sqrt(sum((p.grad.numpy().astype(float) ** 2).sum() for p in model.parameters())))
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            right.append((logits.detach().numpy().argmax(1) == labels.numpy()).mean())
        model.eval()
        with torch.no_grad():
            found = [(model(inputs).numpy(), labels.numpy()) for inputs, labels in test_loader]
            for inputs, labels in test_loader:
                loss_fn(model(inputs), labels)
        z, t = np.concatenate([a for a, _ in found]).astype(float), np.concatenate([b for _, b in found])
        log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
        tested.append((-log_p[np.arange(20), t].mean(), (z.argmax(1) == t).mean()))
    body = curves(recorder.tape)
    assert body["steps"].tolist() == list(range(8)) and body["losses"].tolist() == pytest.approx(losses, rel=1e-6)
    accuracy, loss = series(body, "accuracy"), series(body, "loss")
    assert set(accuracy) == {"train", "validation"} and set(loss) == {"validation"}
    assert accuracy["train"]["steps"].tolist() == list(range(8)) and accuracy["train"]["values"] == pytest.approx(right)
    assert accuracy["train"]["counts"].tolist() == [8, 8, 8, 6] * 2
    assert loss["validation"]["steps"].tolist() == accuracy["validation"]["steps"].tolist() == [4, 8]
    assert loss["validation"]["values"] == pytest.approx([value for value, _ in tested], rel=1e-5)
    assert accuracy["validation"]["values"] == pytest.approx([share for _, share in tested])
    assert accuracy["validation"]["counts"].tolist() == [20, 20]
    assert series(body, "gradient norm")["train"]["values"] == pytest.approx(norms, rel=1e-6)
    rate = series(body, "learning rate")["train"]
    assert rate["steps"].tolist() == [0, 4] and rate["values"] == pytest.approx([rates[0], rates[4]])
    assert body["epochs"].tolist() == [[1, 0], [2, 4]]


def test_only_what_is_new_is_asked_for(everything, recorder):
    model, x, y = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(9):
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    body = curves(recorder.tape, step=6)
    assert body["steps"].tolist() == [6, 7, 8] and body["total"] == 9
    assert series(body, "accuracy")["train"]["steps"].tolist() == [6, 7, 8]
    assert series(body, "learning rate") == {}
    assert curves(recorder.tape, 8)["steps"].tolist() == [8]


def test_an_evaluation_without_no_grad_is_told_from_training(everything, recorder):
    model, x, y = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        held = nn.functional.cross_entropy(model(x[40:]), y[40:])
        first = nn.functional.cross_entropy(model(x[:20]), y[:20])
        second = nn.functional.cross_entropy(model(x[20:40]), y[20:40])
        (first + 0.5 * second).backward()
        optimizer.step()
    rows = np.array(recorder.tape.measures).reshape(-1, MEASURE)
    assert rows[rows[:, 1] == EVALUATION][:, 4].tolist() == [10, 10]
    found = series(curves(recorder.tape), "loss")
    assert [len(one["steps"]) for one in found.values()] == [2]
    assert next(iter(found.values()))["values"][-1] == pytest.approx(held.item())
    assert series(curves(recorder.tape), "accuracy")["train"]["counts"].tolist() == [40, 40]


def test_places_of_evaluation_have_the_names_of_their_targets(everything, recorder):
    model, x_train, y_train = classifier()
    x_val, y_val = x_train * 2, y_train * 1

    def evaluate(x, y):
        return nn.functional.cross_entropy(model(x), y, reduction="sum").item() / len(y)

    with torch.no_grad():
        values = evaluate(x_train, y_train), \
            evaluate(x_val, y_val)
    found = series(curves(recorder.tape), "loss")
    assert set(found) == {"evaluation: y_train", "evaluation: y_val"}
    assert [one["values"].tolist()[0] for one in found.values()] == pytest.approx(values, rel=1e-6)


def test_places_are_named_as_briefly_as_can_be():
    assert site_names(["loader"]) == ["loader"]
    assert site_names(["y:3:9", "y:4:9", "z:5:0"]) == ["y (line 3)", "y (line 4)", "z"]
    assert site_names(["y:3:8", "y:3:9"]) == ["y (called in line 8)", "y (called in line 9)"]
    assert site_names(["y:3:8", "y:3:9", "y:4:9"])[1:] == ["y (line 3, called in line 9)", "y (line 4)"]
    assert site_names([":7:0"]) == ["line 7"]


def test_what_is_dear_is_measured_seldom(recorder, monkeypatch):
    def slowly(*arguments):
        time.sleep(0.01)
        return 1, 2

    monkeypatch.setattr(measures, "correct_of", slowly)
    model, x, y = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    found = series(curves(recorder.tape), "accuracy")["train"]
    assert found["steps"][0] == 0 and len(found["steps"]) < 10 and set(found["values"]) == {0.5}


def test_what_was_dear_the_first_time_alone_is_measured_again_at_once(recorder, monkeypatch):
    """Code is loaded then: behind the first value the curve would have a gap of hundreds of steps."""
    calls = []

    def at_first(*arguments):
        calls.append(None)
        time.sleep(0.05 if len(calls) == 1 else 0.0)
        return 1, 2

    monkeypatch.setattr(measures, "correct_of", at_first)
    monkeypatch.setattr(measures, "norm_of", lambda optimizer: at_first() and 1.0)
    model, x, y = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert series(curves(recorder.tape), "accuracy")["train"]["steps"].tolist() == [0, 1]
    assert series(curves(recorder.tape), "gradient norm")["train"]["steps"].tolist() == [0, 1]


def test_two_optimizers_and_their_groups_have_rates_of_their_own(everything, recorder):
    model, x, y = classifier()
    first = torch.optim.SGD([{"params": model[0].parameters()}, {"params": [model[2].bias], "lr": 0.3}], lr=0.1)
    second = torch.optim.Adam([model[2].weight], lr=0.2)
    for _ in range(2):
        nn.functional.cross_entropy(model(x), y).backward()
        first.step()
        second.step()
    found = series(curves(recorder.tape), "learning rate")
    assert {name: one["values"].tolist() for name, one in found.items()} == {
        "train": [0.1], "train, group 2": [0.3], "optimizer 2": [0.2],
    }  # fmt: skip
    assert set(series(curves(recorder.tape), "gradient norm")) == {"train", "optimizer 2"}


@pytest.mark.parametrize("finite", [True, False])
def test_norms_beyond_float32_and_of_nan(everything, recorder, finite):
    w = torch.tensor([3e25, 4e25], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.0)
    w.grad = torch.tensor([3e25, 4e25]) if finite else torch.tensor([float("nan"), 1.0])
    optimizer.step()
    value = series(curves(recorder.tape), "gradient norm")["train"]["values"][0]
    assert value == pytest.approx(5e25, rel=1e-6) if finite else np.isnan(value)


def judged(loss_fn, x, t):
    """correct_of for the op that ``loss_fn`` runs."""

    class Catch(trace.Observer):
        watches = frozenset({"forward"})

        def after_forward(self, function, inputs, outputs):
            self.found = correct_of(function, inputs[0]._array, inputs[1]._array)

    catch = Catch()
    trace.set_observer(catch)
    loss_fn(torch.tensor(x), torch.tensor(t))
    trace.set_observer(None)
    return catch.found


@pytest.mark.parametrize(("loss_fn", "x", "t", "expected"), [
    (nn.CrossEntropyLoss(), [[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], [1, 1, 1], (2, 3)),
    (nn.CrossEntropyLoss(ignore_index=1), [[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], [1, 0, 0], (1, 2)),
    (nn.CrossEntropyLoss(), [[1.0, float("nan")], [3.0, 0.0]], [1, 0], (1, 2)),
    (nn.CrossEntropyLoss(), [[1.0, 2.0], [3.0, 0.0]], [[0.0, 1.0], [0.4, 0.6]], (1, 2)),
    (nn.CrossEntropyLoss(), [[[1.0, 0.0], [0.0, 5.0]]], [[0, 0]], (1, 2)),
    (nn.NLLLoss(), [[-0.1, -2.0], [-2.0, -0.1]], [0, 0], (1, 2)),
    (nn.BCELoss(), [[0.9], [0.4], [0.6]], [[1.0], [0.0], [0.0]], (2, 3)),
    (nn.BCEWithLogitsLoss(), [[0.9, -1.0], [float("nan"), 2.0]], [[1.0, 1.0], [0.0, 1.0]], (2, 4)),
    (nn.MSELoss(), [[0.9], [0.4]], [[1.0], [0.0]], (-1, 0)),
])  # fmt: skip
def test_predictions_are_right_or_wrong(loss_fn, x, t, expected):
    assert judged(loss_fn, x, t) == expected


def test_steps_are_found_on_the_tape(recorder):
    model, x, y = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ends, begins = [], []
    for _ in range(3):
        loss = nn.functional.cross_entropy(model(x), y)
        begins.append(recorder.tick + 1)
        loss.backward()
        optimizer.step()
        ends.append(recorder.tick)
    tape = recorder.tape
    assert [tick_of(tape, step) for step in range(5)] == [1, *ends, None]
    assert [tick_of(tape, step, "loss") for step in range(4)] == [*begins, None]


def test_a_recording_keeps_them_and_a_cut_forgets_what_comes_after(everything, recorder, tmp_path):
    model, x, y = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ticks = []
    for _ in range(4):
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        with torch.no_grad():
            nn.functional.cross_entropy(model(x), y)
        ticks.append(recorder.tick)
    Recording(tmp_path / "run").flush(recorder.tape)
    tape = Recording(tmp_path / "run").load()
    assert tape.measures == recorder.tape.measures and tape.sites == recorder.tape.sites != []
    tape.cut(ticks[1], 2, 0)
    assert series(curves(tape), "loss")["validation"]["steps"].tolist() == [1, 2]
    assert series(curves(tape), "gradient norm")["train"]["steps"].tolist() == [0, 1]


def by_hand(steps, w, x, y):
    for _ in range(steps):
        loss = ((x @ w - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
            w.grad.zero_()


def test_without_an_optimizer_a_step_is_a_backward_pass(recorder):
    """The step lasts until the next op is recorded: the change of the weights by hand is still in it."""
    torch.manual_seed(0)
    x, w = torch.randn(6, 2), torch.randn(2, 1, requires_grad=True)
    y = x[:, :1] * 2
    by_hand(3, w, x, y)
    assert recorder.steps == 2 and curves(recorder.tape)["steps"].tolist() == [0, 1, 2]
    by_hand(1, w, x, y)
    assert recorder.steps == 3
    codes = np.array(recorder.tape.codes)
    assert [codes[tick_of(recorder.tape, step) - 1] for step in (1, 2, 3, 4)] == [BACKWARD] * 4
    assert tick_of(recorder.tape, 5) is None


def test_with_an_optimizer_several_backward_passes_are_one_step(recorder):
    model, x, y = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for part in (slice(0, 10), slice(10, 20), slice(20, 30)):
            nn.functional.cross_entropy(model(x[part]), y[part]).backward()
        optimizer.step()
    assert recorder.steps == 2 and curves(recorder.tape)["steps"].tolist() == [0, 0, 0, 1, 1, 1]
