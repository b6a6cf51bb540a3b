"""Pictures of a run that is not watched closely: their numbers are the run's, and the run does not notice."""

import threading
import time

import numpy as np
import pytest

import engine as torch
from engine import nn, trace
from engine.debug.history import History
from engine.debug.listeners import lean
from engine.debug.live.live import AMORTISED, INTERVAL, SETTLED, Live
from engine.debug.live.outbox import Outbox, finished, joined
from engine.debug.live.picture import Picture
from engine.debug.live.structure import places
from engine.debug.live.turns import AWAY, AWAY_SECONDS, PATIENCE
from engine.debug.live.views import Later, Subscription, View
from engine.debug.replay.recorder import Recorder
from engine.debug.session import RequestError, Session
from engine.debug.watching import Watcher
from engine.utils.data import DataLoader, TensorDataset


class Silent(Watcher):
    def consider(self, event, frame):
        pass


class Training:
    """A net that is trained under a Live, on a clock of its own; ``bodies`` are the pictures."""

    def __init__(self, views=(), loader=True):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.data = TensorDataset(torch.randn(12, 4), torch.arange(12) % 2)
        self.loader = DataLoader(self.data, batch_size=4) if loader else None
        self.now = 0.0
        self.bodies, self.errors = [], []
        self.live = Live(Silent(Recorder()), self.resume, self.sent, self.failed, lambda: self.now)
        self.live._outbox.put = lambda body: self.bodies.append(finished(body))
        self.subscribe(*views)
        self.seen = []

    def sent(self, body, at_once):
        self.bodies.append(body)
        return True

    def subscribe(self, *views):
        self.live.subscribe(Subscription(self.live._subscription.number + 1, views))

    def failed(self, listener, error):
        self.errors.append(error)

    def resume(self):
        self.live.attach(lean(self.live._watcher.recorder, [self.live.guard]))

    def batches(self):
        if self.loader is None:
            return [tuple(self.data.tensors)] * 3
        return self.loader

    def run(self, epochs=1, after=lambda: None, extra=False):
        self.resume()
        for _ in range(epochs):
            for x, t in self.batches():
                self.optimizer.zero_grad()
                before = self.model[0].weight._array.copy()
                logits = self.model(x)
                if extra:
                    torch.relu(logits)
                loss = nn.functional.cross_entropy(logits, t)
                loss.backward()
                self.optimizer.step()
                self.seen.append((logits._array, loss.item(), self.model[0].weight.grad._array, before))
                self.now += 1.0
                after()
        self.kept = self.live.end()
        trace.set_observer(None)
        assert self.errors == []
        return self

    def events(self):
        return next(body["events"] for body in self.bodies if "events" in body)

    def event(self, kind, module="2", name=None):
        return next(
            e["seq"] for e in self.events() if e["kind"] == kind and e["module"] == module and name in (None, e["name"])
        )


def tensor(id, reference, **more):
    return View(id, "tensor", {"reference": reference, **more})


def test_the_first_picture_tells_the_structure():
    training = Training().run()
    body = training.bodies[0]
    assert body["views"] == {} and body["step"] == 1 and (body["epoch"], body["batch"]) == (1, 0)
    ops = [node["id"] for node in body["graph"]["nodes"] if node["kind"] == "op"]
    assert ops == ["0/Linear", "1/Relu", "2/Linear", "CrossEntropy"]
    kinds = [event["kind"] for event in body["events"]]
    assert body["events"][0]["tensors"][0]["shape"] == [4, 4]
    assert kinds.count("forward") == 4 and kinds.count("update") == 4 and kinds[0] == "batch"
    assert len(training.bodies) == 1  # nothing else is wanted


@pytest.mark.parametrize("loader", [True, False])
def test_a_step_of_more_bytes_than_the_history_holds_has_its_structure_and_pictures(loader, monkeypatch):
    monkeypatch.setattr("engine.debug.watching.History", lambda: History(100))
    training = Training(loader=loader).run()
    ops = [node["id"] for node in training.bodies[0]["graph"]["nodes"] if node["kind"] == "op"]
    assert ops == ["0/Linear", "1/Relu", "2/Linear", "CrossEntropy"]
    training.subscribe(tensor("y", {"event": training.event("forward"), "name": "y"}))
    del training.bodies[:]
    training.run(2)
    assert any("y" in body["views"] for body in training.bodies)


@pytest.mark.parametrize(("loader", "copied"), [(True, None), (False, None), (True, 0)])
def test_pictures_hold_the_numbers_of_their_steps(loader, copied, monkeypatch):
    if copied is not None:  # as if all were too large to be copied
        monkeypatch.setattr("engine.debug.live.picture.COPIED", copied)
    training = Training(loader=loader).run()
    forward, backward, update = training.event("forward"), training.event("backward", "0"), training.event("update", "0")
    training.subscribe(
        tensor("y", {"event": forward, "name": "y"}),
        tensor("dw", {"event": backward, "name": "dw"}),
        tensor("w", {"event": update, "name": "w"}),
        tensor("w_new", {"event": update, "name": "w_new"}),
        tensor("grad", {"expression": "0.weight.grad"}),
        tensor("now", {"expression": "0.weight"}, describe=False),
        tensor("none", {"event": forward, "name": "nothing"}),
        tensor("bad slice", {"event": forward, "name": "y"}, slice="0, 0, 0"),
        tensor("row", {"event": forward, "name": "y"}, slice="1", describe=False),
        tensor("input", {"event": forward, "name": "x"}, describe=False),
        tensor("none of it", {"event": forward, "name": "nothing"}, describe=False),
        tensor("bad part", {"event": forward, "name": "y"}, slice="0, 0, 0", describe=False),
        View("histogram", "histogram", {"reference": {"event": forward, "name": "y"}, "bins": 5}),
        View("samples", "samples", {}),
    )
    del training.bodies[:], training.seen[:]
    training.run(2)
    # Without a DataLoader a picture ends where the next step begins, and between two pictures there is a rest.
    assert len(training.bodies) == (6 if loader else 3)
    for body in training.bodies:
        logits, loss, gradient, before = training.seen[body["step"] - 4]
        views = body["views"]
        assert set(views) == {"y", "dw", "w", "w_new", "grad", "now", "row", "input", "histogram", "samples"}
        np.testing.assert_array_equal(views["row"]["data"], logits[1])
        assert views["row"]["shape"] == list(logits.shape) and views["input"]["data"].shape == (len(logits), 3)
        np.testing.assert_array_equal(views["y"]["data"], logits)
        np.testing.assert_array_equal(views["dw"]["data"], gradient)
        np.testing.assert_array_equal(views["grad"]["data"], gradient)
        np.testing.assert_array_equal(views["w"]["data"], before)
        np.testing.assert_allclose(views["w_new"]["data"] - before, -0.1 * gradient, atol=1e-7)
        np.testing.assert_array_equal(views["now"]["data"], views["w_new"]["data"])
        assert "description" not in views["now"] and views["y"]["description"]["count"] == logits.size
        assert views["histogram"]["counts"].sum() == logits.size
        assert views["samples"]["meanLoss"] == pytest.approx(loss, rel=1e-6)
    assert "events" in training.bodies[0] and "events" not in training.bodies[1]


def test_views_may_be_asked_for_seldomer():
    training = Training((View("w", "tensor", {"reference": {"expression": "0.weight"}}, every=3),)).run(4)
    found = [bool(body["views"]) for body in training.bodies[1:]]
    assert found == [True, False, False] * 3 + [True, False]


def test_a_picture_that_was_begun_for_an_earlier_subscription_is_no_answer_to_a_later_one():
    """Else views might be missing in its first picture."""
    training = Training((tensor("a", {"expression": "0.weight"}),)).run()
    event = training.event("forward")
    del training.bodies[:]
    picture = training.live._finish

    def late(seen):
        if not training.bodies and training.live._subscription.number == 1:
            training.subscribe(tensor("y", {"event": event, "name": "y"}, describe=False))
        picture(seen)

    training.live._finish = late
    training.run()
    assert [sorted(body["views"]) for body in training.bodies] == [["y"], ["y"]]


def test_references_to_events_from_before_the_run_mean_the_same_array():
    training = Training().run()
    seq = training.event("forward")
    places = training.live._structure.places
    training.live.remember({100 + number: place for number, place in places.items()})
    training.subscribe(tensor("y", {"event": 100 + seq, "name": "y"}))
    training.run()
    np.testing.assert_array_equal(training.bodies[-1]["views"]["y"]["data"], training.seen[-1][0])


def test_another_structure_is_told_after_a_while():
    training = Training((tensor("w", {"expression": "0.weight"}),)).run()
    del training.bodies[:]
    training.run(3, extra=True)
    assert "events" in training.bodies[0] and training.bodies[0]["step"] == 3 + PATIENCE + 1
    assert any(node["op"] == "Relu" and not node["module"] for node in training.bodies[0]["graph"]["nodes"])
    assert all(body["views"] for body in training.bodies[1:])


def test_pictures_are_no_more_often_than_the_interval():
    training = Training((tensor("w", {"expression": "0.weight"}),))
    training.run(1)
    del training.bodies[:]

    def quick():
        training.now += INTERVAL / 8 - 1.0

    began = training.now
    training.run(40, quick)
    passed = training.now - began
    assert passed / INTERVAL - 2 <= len(training.bodies) <= passed / INTERVAL + 2


def test_a_picture_that_costs_much_is_seldom():
    training = Training((tensor("w", {"expression": "0.weight"}),))
    training.run(1)
    del training.bodies[:]
    subscription, cost = training.live._subscription, 2.0
    answered = subscription.answered

    def slow(*given):
        training.now += cost
        return answered(*given)

    subscription.answered = slow
    began = training.now
    training.run(60)
    assert len(training.bodies) * cost * AMORTISED <= training.now - began + AMORTISED * cost


def test_off_means_off_and_an_error_ends_it_without_harm():
    training = Training((tensor("w", {"expression": "0.weight"}),))
    training.live.subscribe(Subscription(9, enabled=False))
    assert not training.live.on
    training.subscribe(View("odd", "nonsense", {"reference": {"expression": "0.weight"}}))
    assert training.live.on
    training.resume()
    with pytest.raises(AssertionError):
        training.run()  # the helper says that there was an error
    assert [type(error) for error in training.errors] == [KeyError] and not training.live.on
    assert len(training.seen) == 3


def test_what_a_slow_client_has_not_taken_is_joined():
    old = {"subscription": 2, "step": 1, "views": {"a": 1, "b": 1}, "graph": {}, "events": []}
    new = {"subscription": 2, "step": 5, "views": {"a": 2}}
    assert joined(None, new) is new
    assert joined(old, new) == {"subscription": 2, "step": 5, "views": {"a": 2, "b": 1}, "graph": {}, "events": []}
    assert joined(old, {**new, "subscription": 3})["views"] == {"a": 2}


def test_a_client_that_takes_nothing_does_not_stop_the_script():
    gate, sent = threading.Event(), []

    def send(body, at_once):
        if at_once:
            return False
        gate.wait(30)
        sent.append(body["step"])
        return True

    outbox = Outbox(send)
    for step in range(100):
        outbox.put({"subscription": 1, "step": step, "views": {}})
    gate.set()
    end = time.monotonic() + 30
    while not (sent and sent[-1] == 99) and time.monotonic() < end:
        time.sleep(0.001)
    assert sent[-1] == 99 and len(sent) <= 3


def test_what_takes_little_is_sent_by_the_thread_that_has_it_and_the_rest_by_another_in_order():
    sent, gate = [], threading.Event()

    def send(body, at_once):
        if not at_once:
            gate.wait(30)
        sent.append((body["step"], at_once, threading.current_thread().name))
        return True

    outbox, here = Outbox(send), threading.current_thread().name
    small, large = (Later(np.zeros((n, n), np.float32), (n, n), {}) for n in (8, 256))
    for step, view in enumerate([small, {"data": 1}, large, small]):
        outbox.put({"subscription": 1, "step": step, "views": {"a": (step, view)}})
        assert [at for at, *_ in sent] == [0, 1][: step + 1]
    outbox.put({"subscription": 1, "step": 4, "views": {}, "graph": {}, "events": []})
    gate.set()
    end = time.monotonic() + 30
    while not (sent[-1][0] == 4 and not outbox._sending) and time.monotonic() < end:
        time.sleep(0.001)
    outbox.put({"subscription": 1, "step": 5, "views": {"a": (5, small)}})
    assert sent[:2] == [(0, True, here), (1, True, here)] and sent[-1] == (5, True, here)
    assert [at for at, *_ in sent] == sorted(at for at, *_ in sent) and 4 in [at for at, *_ in sent]
    assert all(name == "nablascope-pictures" and not at_once for at, at_once, name in sent if at in (2, 3, 4))


def test_what_takes_little_each_and_much_together_is_sent_by_another_thread():
    told = []
    outbox = Outbox(lambda body, at_once: told.append((len(body["views"]), at_once)) is None)
    part = Later(np.zeros((128, 128), np.float32), (128, 128), {})
    for count in (1, 100):
        outbox.put({"subscription": 1, "step": count, "views": {str(i): (count, part) for i in range(count)}})
    end = time.monotonic() + 60
    while len(told) < 2 and time.monotonic() < end:
        time.sleep(0.001)
    assert told == [(1, True), (100, False)]


def test_pictures_that_are_finished_late_hold_the_numbers_of_their_step():
    training = Training().run()
    kept = []
    training.live._outbox.put = kept.append
    training.subscribe(tensor("now", {"expression": "0.weight"}, describe=False))
    weights = []
    training.run(after=lambda: weights.append(training.model[0].weight._array.copy()))
    for body in kept:
        assert callable(body["views"]["now"].made)
        np.testing.assert_array_equal(finished(body)["views"]["now"]["data"], weights[body["step"] - 4])
    assert len(kept) == 3


def test_an_error_in_finishing_a_picture_is_told_and_ends_nothing_else():
    told, sent = [], []
    outbox = Outbox(lambda body, at_once: sent.append(body["step"]) is None, told.append)
    outbox.put({"subscription": 1, "step": 1, "views": {"a": (1, lambda: 1 / 0)}})
    end = time.monotonic() + 60
    while not told and time.monotonic() < end:
        time.sleep(0.001)
    assert isinstance(told[0], ZeroDivisionError)
    outbox.put({"subscription": 1, "step": 2, "views": {"a": (2, lambda: None)}})
    while not sent and time.monotonic() < end:
        time.sleep(0.001)
    assert sent == [2]


SCRIPT = """
import engine as torch
from engine import nn
from engine.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters())
loader = DataLoader(TensorDataset(torch.randn(40, 4), torch.arange(40) % 2), batch_size=8, shuffle=True)
for epoch in range({epochs}):
    for x, t in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
"""


@pytest.fixture
def digests(tmp_path):
    """``digests(views, epochs, breakpoint)``: the digest of a run to its end, and the pictures of it; with a breakpoint
    that never stops everything is watched closely.
    """

    def find(views, epochs=60, breakpoint=False):
        script = tmp_path / "train.py"
        script.write_text(SCRIPT.format(epochs=epochs))
        pictures = []

        def heard(run, message):
            if message["event"] == "snapshot":
                pictures.append(message["body"])

        with Session.launch(str(script), on_event=heard) as session:
            session.start()
            if breakpoint:
                line = SCRIPT.splitlines().index("        loss.backward()") + 1
                point = {"line": line, "condition": "loss.item() < 0"}
                session.configure("setBreakpoints", source={"path": str(script)}, breakpoints=[point])
            if views:
                session.request("live", subscription=7, views=views)
            assert session.step("continue", 60).reason == "end"
            return session.request("digest")["digest"], pictures

    return find


def test_the_run_is_the_same_bit_by_bit(digests):
    views = [
        {"id": "w", "command": "tensor", "arguments": {"reference": {"expression": "0.weight"}}},
        {"id": "batch", "command": "samples", "arguments": {"count": 4}, "every": 2},
    ]
    watched, pictures = digests(views, 600)
    assert pictures and all(body["subscription"] == 7 for body in pictures) and "graph" in pictures[0]
    assert any("w" in body["views"] for body in pictures)
    assert watched == digests([], 600)[0]


def test_a_run_with_a_breakpoint_that_never_stops_is_the_same_and_has_pictures(digests):
    views = [{"id": "batch", "command": "samples", "arguments": {"count": 4}}]
    views += [{"id": "w", "command": "tensor", "arguments": {"reference": {"expression": "0.weight"}}}]
    watched, pictures = digests(views, 150, True)
    assert "graph" in pictures[0]
    found = [body for body in pictures if body["views"]]
    assert len(found) > 2 and all(set(body["views"]) == {"w", "batch"} for body in found)
    weights = [body["views"]["w"]["data"].numpy() for body in found]
    assert not any(np.array_equal(a, b) for a, b in zip(weights, weights[1:]))
    assert watched == digests([], 150)[0]


def test_views_are_checked(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.format(epochs=1))
    with Session.launch(str(script)) as session:
        session.start()
        bad = [{"id": "x", "command": "tensor", "arguments": {"slice": "0"}}]
        with pytest.raises(RequestError, match="'x'.*'reference' is missing"):
            session.request("live", subscription=1, views=bad)
        with pytest.raises(RequestError, match="command"):
            session.request("live", subscription=1, views=[{"id": "x", "command": "next", "arguments": {}}])
        assert session.request("live", subscription=2, views=[], enabled=False) == {}


def test_samples_tell_their_pass_and_the_names_of_classes():
    training = Training().run()
    training.data.classes = ["even", "odd"]
    training.subscribe(View("samples", "samples", {}))
    del training.bodies[:]
    training.run()
    found = [body["views"]["samples"] for body in training.bodies]
    assert [entry["names"] for entry in found] == [["even", "odd"]] * 3
    assert [entry["pass"]["batch"] for entry in found] == [0, 1, 2]
    # The loader is no variable of the script here: its class stands for it.
    assert {entry["pass"]["loader"] for entry in found} == {"DataLoader"}
    assert len({entry["pass"]["epoch"] for entry in found}) == 1


class Two:
    """Two networks that are trained under one Live, each by steps of its own; ``shown``: whose ops the pictures tell."""

    def __init__(self, depths=(1, 2)):
        self.training = Training(loader=False)
        self.nets = [nn.Sequential(*(nn.Linear(4, 4) for _ in range(depth))) for depth in depths]
        self.optimizers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in self.nets]
        self.training.subscribe(View("samples", "samples", {}))
        self.training.resume()

    def step(self, which, seconds=INTERVAL * 0.7):
        x, t = self.training.data.tensors
        self.optimizers[which].zero_grad()
        nn.functional.cross_entropy(self.nets[which](x), t).backward()
        self.optimizers[which].step()
        self.training.now += seconds

    @property
    def shown(self):
        """The number of layers of each structure that was told, in their order."""
        graphs = [body["graph"] for body in self.training.bodies if "graph" in body]
        return [sum(node["op"] == "Linear" for node in graph["nodes"]) for graph in graphs]

    def end(self):
        trace.set_observer(None)
        assert self.training.errors == []


@pytest.mark.parametrize("seconds", [AWAY_SECONDS / 500, AWAY_SECONDS / 5, AWAY_SECONDS * 3])
def test_another_network_that_is_trained_after_the_first_is_shown_soon(seconds):
    two = Two()
    for _ in range(30):
        two.step(0)
    assert two.shown == [1]
    left = two.training.now
    steps = 0
    while len(two.shown) < 2 and steps < 2000:
        two.step(1, seconds)
        steps += 1
    two.end()
    assert two.shown == [1, 2]
    # Another training may be over soon: xor.py trains its second network in less than AWAY_SECONDS.
    assert AWAY <= steps <= AWAY + 4 or two.training.now - left < 2 * INTERVAL


def test_a_network_that_has_stepped_among_the_firsts_steps_is_shown_when_that_one_rests():
    two = Two()
    for which in (0, 0, 0, 1, *[0] * 30):
        two.step(which)
    left = two.training.now
    while len(two.shown) < 2 and two.training.now < left + 3 * AWAY_SECONDS:
        two.step(1)
    two.end()
    assert two.shown == [1, 2] and two.training.now - left >= AWAY_SECONDS


@pytest.mark.parametrize("turn", [(1, 1), (5, 1), (1, 5), (AWAY - 1, AWAY - 1)])
@pytest.mark.parametrize("seconds", [INTERVAL / 20, INTERVAL * 0.7, 2.0])
def test_networks_that_take_turns_do_not_flicker(turn, seconds):
    """As in adversarial training: the first is shown, and goes on moving."""
    two = Two()
    for _ in range(12):
        for which, steps in enumerate(turn):
            for _ in range(steps):
                two.step(which, seconds)
    two.end()
    assert len(two.shown) == 1
    pictures = sum(bool(body["views"]) for body in two.training.bodies)
    assert pictures >= min(4, int(two.training.now / INTERVAL / 12))


def test_networks_that_take_long_turns_are_shown_in_longer_and_longer_turns():
    two = Two()
    for _ in range(40):
        for which in (0, 1):
            for _ in range(AWAY * 3):
                two.step(which, AWAY_SECONDS / 20)  # a turn lasts for three halves of the first wait
    two.end()
    assert two.shown[:2] == [1, 2] and len(two.shown) <= 5


def test_an_optimizer_made_anew_is_no_other_network():
    two = Two((1, 1))
    for _ in range(60):
        two.optimizers[0] = torch.optim.SGD(two.nets[0].parameters(), lr=0.1)
        two.step(0)
    two.end()
    assert two.shown == [1] and sum(bool(body["views"]) for body in two.training.bodies) > 20


@pytest.mark.parametrize("loader", [True, False])
def test_names_of_classes_come_from_the_script_too_and_are_looked_for_once(loader, monkeypatch):
    monkeypatch.setitem(globals(), "class_names", ["even", "odd"])
    training = Training((View("samples", "samples", {}),), loader).run(2)
    del training.bodies[:]
    training.run(2, after=lambda: monkeypatch.setitem(globals(), "class_names", ["other", "names"]))
    found = [body["views"]["samples"] for body in training.bodies if "samples" in body["views"]]
    assert found and all(entry["names"] == ["even", "odd"] for entry in found)
    assert all((entry["pass"] is not None) == loader for entry in found)


def test_twin_networks_are_not_taken_for_each_other():
    two = Two((1, 1))
    two.training.subscribe(View("w", "tensor", {"reference": {"event": 0, "name": "w"}}))
    for _ in range(40):
        two.step(0)
        two.step(1)
    two.end()
    first = next(e["seq"] for e in two.training.events() if e["kind"] == "forward" and e["name"] == "Linear")
    assert two.shown == [1] and first >= 0
    losses = {round(body["views"]["samples"]["meanLoss"], 6) for body in two.training.bodies if "samples" in body["views"]}
    assert losses == set()  # these are not wanted any more; what is, is of the first


class Close(Watcher):
    """Watches closely, as the debugger does with a breakpoint set, on a clock of its own."""

    def __init__(self):
        super().__init__(Recorder())
        self.history.complete = True
        self.now, self.bodies, self.errors = 0.0, [], []
        self.live = Live(self, lambda: None, lambda body: None, lambda _, error: self.errors.append(error), lambda: self.now)
        self.live._outbox.put = lambda body: self.bodies.append(finished(body))

    def consider(self, event, frame):
        pass

    def end_step(self, optimizer):
        super().end_step(optimizer)
        if self.live.on:
            self.live.step_recorded(self.history, optimizer)
        self.now += INTERVAL


def train(watcher, batches=3, views=(), extra=False, loader=True, after=lambda: None):
    """Train under ``watcher``; (logits, loss, gradient, weight before) of each step."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = TensorDataset(torch.randn(4 * batches, 4), torch.arange(4 * batches) % 2)
    seen = []
    watcher.names.learn(model, {"model": model})
    trace.set_observer(watcher)
    try:
        for x, t in DataLoader(data, batch_size=4) if loader else [tuple(data.tensors)] * batches:
            optimizer.zero_grad()
            before = model[0].weight._array.copy()
            logits = model(x)
            loss = nn.functional.cross_entropy(logits, t)
            loss.backward()
            optimizer.step()
            seen.append((logits._array, loss.item(), model[0].weight.grad._array.copy(), before))
            after()
    finally:
        trace.set_observer(None)
    return seen


@pytest.mark.parametrize("loader", [True, False])
def test_a_run_that_is_watched_closely_has_pictures_too(loader):
    close = Close()
    close.live.subscribe(Subscription(1, (View("samples", "samples", {}),)))

    def place(kind):
        module = "2" if kind == "forward" else "0"
        return next(e["seq"] for e in close.bodies[0]["events"] if e["kind"] == kind and e["module"] == module)

    def want():
        if len(close.bodies) == 1:
            views = (
                tensor("y", {"event": place("forward"), "name": "y"}),
                tensor("dw", {"event": place("backward"), "name": "dw"}),
                tensor("w", {"event": place("update"), "name": "w"}),
                tensor("now", {"expression": "0.weight"}),
                View("samples", "samples", {}),
            )
            close.live.subscribe(Subscription(2, views))

    seen = train(close, 6, loader=loader, after=want)
    assert close.errors == []
    first = close.bodies[0]
    assert first["views"] == {} and first["graph"]["nodes"] and not any(e["kind"] == "line" for e in first["events"])
    assert [body["step"] for body in close.bodies] == [1, 2, 3, 4, 5, 6]
    for body in close.bodies[1:]:
        logits, loss, gradient, before = seen[body["step"] - 1]
        views = body["views"]
        np.testing.assert_array_equal(views["y"]["data"], logits)
        np.testing.assert_array_equal(views["dw"]["data"], gradient)
        np.testing.assert_array_equal(views["w"]["data"], before)
        assert views["samples"]["meanLoss"] == pytest.approx(loss, rel=1e-6)
        assert (views["samples"]["pass"] is None) != loader


def test_after_a_stop_pictures_begin_later_and_references_to_the_stop_are_understood():
    close = Close()
    stops = []

    def stop():
        if len(stops) == 2:
            forward = next(e.seq for e in close.history if e.kind == "forward" and e.module == "2")
            close.live.went_on(close.history.last.seq)
            close.live.subscribe(Subscription(1, (tensor("y", {"event": forward, "name": "y"}),)))
        stops.append(close.now)

    seen = train(close, 22, after=stop)
    settled = int(SETTLED / INTERVAL)
    assert close.bodies[0]["step"] >= 3 + settled and "graph" in close.bodies[0]
    assert len(close.bodies) == 23 - close.bodies[0]["step"]
    for body in close.bodies[1:]:
        np.testing.assert_array_equal(body["views"]["y"]["data"], seen[body["step"] - 1][0])


def test_a_step_whose_beginning_is_forgotten_has_no_picture():
    close = Close()
    close.history.budget = 64
    close.live.subscribe(Subscription(1, (View("samples", "samples", {}),)))
    train(close, 4)
    assert close.bodies == [] and close.errors == []


def test_an_error_in_a_closely_watched_run_ends_the_pictures_only():
    close = Close()
    close.live.subscribe(Subscription(1, (View("odd", "nonsense", {"reference": {"expression": "0.weight"}}),)))
    assert len(train(close, 4)) == 4
    assert [type(error) for error in close.errors] == [KeyError] and not close.live.on


def test_a_step_that_no_view_wants_anything_of_is_not_looked_at(monkeypatch):
    training = Training().run()
    event = training.event("forward")
    arguments = {"reference": {"event": event, "name": "y"}, "describe": False}
    training.subscribe(View("rare", "tensor", arguments, every=3))
    del training.bodies[:]
    looked = []
    after_forward = Picture.after_forward
    monkeypatch.setattr(Picture, "after_forward", lambda *a: looked.append(training.now) or after_forward(*a))
    training.run(3)
    # The client hears where the run is with each picture.
    assert [body["step"] for body in training.bodies] == list(range(4, 13))
    assert [body["views"]["rare"]["step"] for body in training.bodies if body["views"]] == [4, 7, 10]
    assert sorted(set(looked)) == [3.0, 6.0, 9.0]


def test_ops_without_gradient_take_no_places_from_those_on_the_tape():
    def forwards(validated):
        watcher = Silent(Recorder())
        net = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        watcher.names.learn(net, {"net": net})
        trace.set_observer(watcher)
        try:
            if validated:
                with torch.no_grad():
                    net(torch.zeros(2, 4))
            net(torch.ones(3, 4)).sum().backward()
            optimizer.step()
        finally:
            trace.set_observer(None)
        found = places(watcher.history)
        return [(event.function.seq >= 0, found[event.seq]) for event in watcher.history if event.kind == "forward"]

    alone, beside = forwards(False), forwards(True)
    assert [place for on_tape, place in beside if on_tape] == [place for _, place in alone]
    assert len({place for _, place in beside}) == len(beside) == len(alone) + 1


@pytest.mark.parametrize("loader", [True, False])
def test_of_a_run_that_ends_before_anything_is_wanted_of_it_the_last_step_is_at_hand(loader, monkeypatch):
    """Its history holds that step as one that was watched closely does, and nothing before it."""
    monkeypatch.setattr("engine.debug.live.live.LINGER", 1e9)
    training = Training(loader=loader).run()
    kept = training.kept
    assert len(training.bodies) == 1  # told once
    kinds = [event.kind for event in kept]
    assert (kinds.count("forward"), kinds.count("end_step"), kinds.count("update")) == (4, 1, 4)
    assert [event.seq for event in kept] == list(range(kept[0].seq, kept[-1].seq + 1))
    logits, loss, _, before = training.seen[-1]
    forward = [event for event in kept if event.kind == "forward"]
    np.testing.assert_array_equal(forward[2].arrays["y"], logits)
    assert forward[3].arrays["y"].item() == loss
    np.testing.assert_array_equal(forward[0].arrays["w"], before)  # and not what the step has made of it
    assert {event.step for event in forward} == {2}


def test_steps_are_watched_closely_until_something_is_wanted_or_for_a_while():
    training = Training()  # each step takes a second
    training.run()
    assert training.live._full is None and training.kept == []
    training = Training()
    training.now = -1.0
    training.live._clock = lambda: 0.0
    training.run(after=lambda: training.live._full is None or training.subscribe(tensor("w", {"expression": "0.weight"})))
    assert training.live._full is None and training.kept == []
