"""The graph of a network, from recorded events and from a pass made for it."""

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import nn
from engine.debug.event_arrays import forward_arrays
from engine.debug.events import Event, Position, frozen
from engine.debug.names import Names
from engine.debug.views import graph
from engine.debug.views.graph import from_events, grown, record, whole
from engine.tensor import wrap
from engine.trace import Observer, set_observer


class Watch(Observer):
    """Makes the events that a graph is made of, as the debugger does."""

    def __init__(self, names):
        self.names, self.events, self.modules = names, [], []

    def emit(self, kind, name, **fields):
        path = self.modules[-1] if self.modules else ""
        self.events.append(Event(len(self.events), Position(len(self.events)), kind, name, path, **fields))

    def enter_module(self, module, inputs):
        self.names.learn(module, {})
        self.modules.append(self.names.module(module))

    def exit_module(self, module, outputs):
        self.modules.pop()

    def after_forward(self, function, inputs, outputs):
        arrays, labels = forward_arrays(function, inputs, outputs, self.names)
        self.emit("forward", function.name, function=frozen(function), arrays=arrays, labels=labels)

    def begin_backward(self, roots, seeds):
        self.emit("begin_backward", "backward", arrays={"loss": roots[0]._array})

    def end_backward(self, roots):
        self.emit("end_backward", "backward")

    def batch(self, x, y):
        self.emit("batch", "loader", arrays={"x": x._array, "y": y._array})


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.unused = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(1, 1)

    def forward(self, x):
        return x + F.relu(self.second(F.relu(self.first(x))))


def trained(model, batch=4, steps=1, metric=False):
    watch = Watch(Names())
    set_observer(watch)
    try:
        for _ in range(steps):
            x, y = wrap(np.ones((batch, 3), np.float32)), wrap(np.zeros(batch, np.int64))
            watch.batch(x, y)
            output = model(x)
            loss = F.cross_entropy(output, y)
            if metric:
                (output.argmax(1) == y).float().mean()
            loss.backward()
    finally:
        set_observer(None)
    return watch


def edges_of(found):
    return {(e["from"], e["to"], e["input"]) for e in found["edges"]}


RESIDUAL_EDGES = {
    ("input", "first/Linear", "x"), ("first/Linear", "Residual/Relu", "x"), ("Residual/Relu", "second/Linear", "x"),
    ("second/Linear", "Residual/Relu#2", "x"), ("Residual/Relu#2", "Residual/Add", "b"), ("input", "Residual/Add", "a"),
    ("Residual/Add", "CrossEntropy", "x"), ("input#2", "CrossEntropy", "t"),
}  # fmt: skip


def test_skip_connections_are_edges():
    watch = trained(Residual())
    found = from_events(watch.events, watch.names)
    names = {name for _, _, name in edges_of(found)}
    assert {(a, b) for a, b, _ in edges_of(found)} == {(a, b) for a, b, _ in RESIDUAL_EDGES} and "x" in names
    nodes = {node["id"]: node for node in found["nodes"]}
    assert [(p["label"], p["shape"]) for p in nodes["first/Linear"]["parameters"]] == [
        ("first.weight", [3, 3]), ("first.bias", [3])]  # fmt: skip
    assert nodes["first/Linear"]["module"] == "first" and nodes["first/Linear"]["outputs"][0]["shape"] == [4, 3]
    assert (nodes["input"]["label"], nodes["input#2"]["label"]) == ("x", "y")
    assert nodes["Residual/Add"]["rank"] == 5 and nodes["CrossEntropy"]["rank"] == 6
    assert found["complete"] and not found["truncated"] and all(node["main"] for node in found["nodes"])
    assert watch.events[nodes["CrossEntropy"]["event"]].name == "CrossEntropy"


def test_modules_are_a_tree():
    model = Residual()
    watch = trained(model)
    tree = {entry["path"]: entry for entry in from_events(watch.events, watch.names)["modules"]}
    assert next(iter(tree)) == "Residual" and tree["Residual"]["parent"] is None
    assert tree["first"]["parent"] == "Residual" and tree["first"]["type"] == "Linear"
    assert tree["Residual"]["parameters"] == 26 and tree["unused"]["parameters"] == 2
    assert tree["first"]["called"] and not tree["unused"]["called"] and tree["Residual"]["called"]


def test_ids_and_signature_stay_in_other_steps_and_batches():
    watch = trained(Residual(), steps=2)
    both, first = from_events(watch.events, watch.names), from_events(watch.events[:9], watch.names)
    assert edges_of(both) == edges_of(first) and both["signature"] == first["signature"]
    assert both["nodes"][0]["event"] != first["nodes"][1]["event"]
    smaller = trained(Residual(), batch=2)
    assert from_events(smaller.events, smaller.names)["signature"] == both["signature"]
    other = trained(nn.Sequential(nn.Linear(3, 3)))
    assert from_events(other.events, other.names)["signature"] != both["signature"]


def by_hand(epochs):
    """A training without optimizer, loader or module; what is prepared, and each update, runs ops beside the tape."""
    watch = Watch(Names())
    set_observer(watch)
    try:
        x = 2 * wrap(np.ones(3, np.float32))
        w = engine.zeros((), requires_grad=True)
        for _ in range(epochs):
            loss = ((w * x - 1) ** 2).mean()
            loss.backward()
            with engine.no_grad():
                w -= 0.1 * w.grad
            w.grad = None
    finally:
        set_observer(None)
    return watch.events


def test_a_script_that_updates_its_weights_by_hand_has_one_graph():
    first, third = from_events(by_hand(1)), from_events(by_hand(3))
    assert [n["id"] for n in third["nodes"]] == [n["id"] for n in first["nodes"]]
    assert third["signature"] == first["signature"] and not third["cut"]
    assert [n["id"] for n in first["nodes"] if n["kind"] == "op"] == ["Expand", "Mul", "Sub", "Pow", "Mean"]
    events = by_hand(3)
    begins = [event.seq for event in events if event.kind == "begin_backward"]
    ops = [n for n in third["nodes"] if n["kind"] == "op"]
    assert all(begins[1] < n["event"] < begins[2] for n in ops)
    later = [event for event in events if event.seq > begins[0]]
    assert not from_events(later)["cut"] and from_events([e for e in later if e.seq > begins[1] + 4])["cut"]


def test_what_the_loss_does_not_depend_on_is_marked():
    watch = trained(Residual(), metric=True)
    main = {node["id"]: node["main"] for node in from_events(watch.events, watch.names)["nodes"]}
    assert main["CrossEntropy"] and main["Residual/Add"] and main["input"]
    assert not all(main.values())
    assert not next(main[name] for name in main if name.startswith(("Argmax", "ArgMax", "Mean")))


def test_a_pass_that_is_under_way():
    watch = trained(Residual())
    events = [event for event in watch.events if event.kind not in ("begin_backward", "end_backward")]
    found = from_events(events[:4], watch.names)
    assert not found["complete"]
    assert [node["id"] for node in found["nodes"]] == ["input", "first/Linear", "Residual/Relu", "second/Linear"]
    # At the next batch, before its first op, the pass before is the newest.
    assert from_events([*events, events[0]], watch.names)["signature"] == from_events(events, watch.names)["signature"]
    assert from_events([])["nodes"] == []


def test_without_a_tape_the_arrays_link_the_ops():
    watch = Watch(Names())
    model = Residual()
    set_observer(watch)
    try:
        with engine.no_grad():
            model(wrap(np.ones((4, 3), np.float32)))
    finally:
        set_observer(None)
    found = from_events(watch.events, watch.names)
    assert {(a, b) for a, b, _ in edges_of(found)} == {
        (a, b) for a, b, _ in RESIDUAL_EDGES if "CrossEntropy" not in b}  # fmt: skip


def test_in_place_ops_and_joins():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 2)

        def forward(self, x):
            y = F.relu(self.a(x), inplace=True)
            left, right = y.chunk(2, 1)
            return engine.cat([left, y, right], 1)

    found = record(Net(), wrap(np.ones((4, 3), np.float32)))
    links = {(e["from"], e["to"]) for e in found["edges"]}
    ids = [node["id"] for node in found["nodes"]]
    assert ("a/Linear", "Net/Relu") in links
    joined = next(name for name in ids if "at" in name.lower() and name.startswith("Net/C"))
    assert ("Net/Relu", joined) in links
    assert len([e for e in found["edges"] if e["to"] == joined]) == 3
    assert not [e for e in found["edges"] if e["from"] == "a/Linear" and e["to"] != "Net/Relu"]


def test_recording_a_pass_is_the_same_graph_and_disturbs_nothing():
    model = Residual()
    state = engine.get_rng_state().numpy().copy()
    found = record(model, wrap(np.ones((2, 3), np.float32)))
    assert np.array_equal(state, engine.get_rng_state().numpy()) and model.training
    watch = trained(Residual())
    seen = from_events(watch.events, watch.names)
    assert {(a, b) for a, b, _ in edges_of(found)} == {
        (a, b) for a, b, _ in edges_of(seen) if "CrossEntropy" not in b}  # fmt: skip
    assert all(p.grad is None for p in model.parameters()) and engine.is_grad_enabled()
    with pytest.raises(RuntimeError):
        record(model, wrap(np.ones((2, 4), np.float32)))
    assert engine.is_grad_enabled()


def test_graphs_are_bounded(monkeypatch):
    monkeypatch.setattr(graph, "MOST_NODES", 3)
    watch = trained(Residual())
    found = from_events(watch.events, watch.names)
    assert found["truncated"] and len([node for node in found["nodes"] if node["kind"] == "op"]) == 3


class Switching(nn.Module):
    """Goes through a further layer where it is told to."""

    def __init__(self):
        super().__init__()
        self.first, self.extra, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)
        self.long = False

    def forward(self, x):
        x = self.first(x)
        if self.long:
            x = F.relu(self.extra(x))
        return self.last(x)


def test_along_the_events_of_a_run_the_graph_that_is_kept_is_the_one_that_would_be_built():
    model = Switching()
    watch, built, kept = trained(model), None, 0
    model.long = True
    set_observer(watch)
    try:
        watch.batch(wrap(np.ones((4, 3), np.float32)), wrap(np.zeros(4, np.int64)))
        model(wrap(np.ones((4, 3), np.float32))).sum().backward()
    finally:
        set_observer(None)
    for count in range(1, len(watch.events) + 1):
        events = watch.events[:count]
        found = whole(events, watch.names, built)
        kept += built is not None and found.graph["nodes"] is built.graph["nodes"]
        built = found.built
        assert grown(found, events, watch.names) == from_events(events, watch.names)
    assert kept >= 5
    model.eval()
    modules = whole(watch.events, watch.names, built).graph["modules"]
    assert modules == from_events(watch.events, watch.names)["modules"] != built.graph["modules"]


def test_ops_of_the_pass_on_its_way_join_those_of_the_one_before():
    model = Switching()
    watch = trained(model)
    before = from_events(watch.events, watch.names)
    model.long = True
    set_observer(watch)
    try:
        watch.batch(wrap(np.ones((4, 3), np.float32)), wrap(np.zeros(4, np.int64)))
        x = model.first(wrap(np.ones((4, 3), np.float32)))
        half = from_events(watch.events, watch.names)
        x = model.extra(x)
        joined = from_events(watch.events, watch.names)
        model.last(x)
        whole = from_events(watch.events, watch.names)
    finally:
        set_observer(None)
    assert half == before
    ids = {node["id"] for node in joined["nodes"]}
    assert {"extra/Linear", "last/Linear", "CrossEntropy"} <= ids
    assert joined["signature"] != before["signature"]
    # "last" still has its old source until it runs again.
    old, extra, new = (("first/Linear", "last/Linear"), ("first/Linear", "extra/Linear"), ("extra/Linear", "last/Linear"))
    between = [{edge[:2] for edge in edges_of(found)} for found in (joined, whole)]
    assert {old, extra} <= between[0] and new not in between[0]
    assert {extra, new} <= between[1] and old not in between[1]
    ranks = {node["id"]: node["rank"] for node in whole["nodes"]}
    assert ranks["last/Linear"] == ranks["extra/Linear"] + 1 == ranks["first/Linear"] + 2


def test_a_print_between_two_passes_changes_nothing():
    watch = trained(Residual())
    before = from_events(watch.events, watch.names)
    model = nn.Linear(3, 3)
    set_observer(watch)
    try:
        watch.batch(wrap(np.ones((4, 3), np.float32)), wrap(np.zeros(4, np.int64)))
        model.weight[0, 0].item()
    finally:
        set_observer(None)
    assert from_events(watch.events, watch.names) == before


def test_a_pass_reaches_back_over_a_boundary_to_what_it_is_computed_from():
    generator, critic = nn.Linear(3, 3), nn.Linear(3, 1)
    watch = Watch(Names())
    set_observer(watch)
    try:
        made = generator(wrap(np.ones((4, 3), np.float32)))
        watch.emit("end_step", "SGD")
        critic(made).mean().backward()
    finally:
        set_observer(None)
    found = from_events(watch.events, watch.names)
    assert [node["op"] for node in found["nodes"] if node["kind"] == "op"] == ["Linear", "Linear", "Mean"]
    assert len([node for node in found["nodes"] if node["kind"] == "input"]) == 1


@pytest.mark.parametrize("printed", ["prediction", "weight", "loss"])
def test_a_print_of_the_pass_before_takes_no_names_away(printed):
    watch, model = Watch(Names()), Residual()
    x, y = wrap(np.ones((4, 3), np.float32)), wrap(np.zeros(4, np.int64))

    def network():
        """What the loss depends on, without the events' numbers."""
        found = from_events(watch.events, watch.names)
        kept = {node["id"] for node in found["nodes"] if node["main"]}
        edges = {edge for edge in edges_of(found) if edge[1] in kept}
        return [(node["id"], node["rank"]) for node in found["nodes"] if node["main"]], edges, found

    set_observer(watch)
    try:
        passes = []
        for _ in range(2):
            output = model(x)
            loss = F.cross_entropy(output, y)
            loss.backward()
            watch.emit("end_step", "SGD")
            passes.append(network())
            if printed == "loss":
                (loss * 2).item()
            else:
                (output if printed == "prediction" else model.first.weight)[0, 0].item()
    finally:
        set_observer(None)
    assert passes[0][:2] == passes[1][:2] and passes[0][1] == RESIDUAL_EDGES
    assert len([node for node in passes[1][2]["nodes"] if node["kind"] == "op"]) == 6 + 1  # the print's, of no pass before


def test_a_pass_whose_beginning_is_lost_is_cut():
    watch = trained(Residual(), steps=2)
    assert not from_events(watch.events, watch.names)["cut"]
    batch = [i for i, event in enumerate(watch.events) if event.kind == "batch"][-1]
    assert not from_events(watch.events[batch:], watch.names)["cut"]
    assert from_events(watch.events[batch + 2 :], watch.names)["cut"]
    # Nothing of a backward is left: the newest structure is not known.
    assert from_events(watch.events[-1:], watch.names)["cut"]


def without_gradient(before=0, teacher=False):
    """A training pass of a net that is evaluated so often ``before``, behind the batch. With ``teacher`` the target is what
    the net itself gives without gradient.
    """
    watch, model = Watch(Names()), Residual()
    set_observer(watch)
    try:
        x, y = wrap(np.ones((4, 3), np.float32)), wrap(np.zeros(4, np.int64))
        watch.batch(x, y)
        with engine.no_grad():
            for _ in range(before):
                F.cross_entropy(model(wrap(np.zeros((2, 3), np.float32))), wrap(np.zeros(2, np.int64)))
            target = model(wrap(np.full((4, 3), 2, np.float32))) if teacher else None
        loss = F.mse_loss(model(x), target) if teacher else F.cross_entropy(model(x), y)
        loss.backward()
    finally:
        set_observer(None)
    return from_events(watch.events, watch.names)


@pytest.mark.parametrize("before", [1, 2])
def test_a_validation_beside_the_pass_takes_no_names_away_from_it(before):
    def network(found):
        nodes = [node for node in found["nodes"] if node["main"]]
        edges = [edge for edge in found["edges"] if edge["to"] in {node["id"] for node in nodes}]
        return [(node["id"], node["rank"], node.get("label", "")) for node in nodes], edges

    plain, found = without_gradient(), without_gradient(before)
    assert network(found) == network(plain)
    beside = [node for node in found["nodes"] if not node["main"]]
    assert len(beside) == before * (6 + 2) and not any(node["requiresGrad"] for node in beside)
    assert all(node["requiresGrad"] for node in found["nodes"] if node["main"] and node["kind"] == "op")
    assert len({node["id"] for node in found["nodes"]}) == len(found["nodes"])
    assert {"first/Linear#2", "input#3"} <= {node["id"] for node in beside}


def test_a_target_that_the_network_gives_itself_is_part_of_the_pass():
    found = without_gradient(teacher=True)
    nodes = {node["id"]: node for node in found["nodes"]}
    assert all(node["main"] for node in nodes.values())
    assert nodes["first/Linear"]["requiresGrad"] and not nodes["first/Linear#2"]["requiresGrad"]
    assert nodes["first/Linear#2"]["event"] < nodes["first/Linear"]["event"]
    assert ("Residual/Add#2", "MseLoss", "t") in edges_of(found) and ("Residual/Add", "MseLoss", "x") in edges_of(found)


def test_what_a_dataset_computes_for_the_first_batch_is_no_network():
    watch = Watch(Names())
    set_observer(watch)
    try:
        points = engine.ones(4, 3)
        batch = engine.stack([points[i] for i in range(4)])
        assert from_events(watch.events)["nodes"]  # while one steps along its ops they are shown
        watch.batch(batch, engine.zeros(4))
    finally:
        set_observer(None)
    assert from_events(watch.events)["nodes"] == []


def test_what_has_run_of_a_longer_batch_is_longer():
    """Sequences of 5 after sequences of 2: of the pass on its way one op has run."""
    model = Residual()
    watch = Watch(Names())

    def sequences(length):
        x = wrap(np.ones((4, length, 3), np.float32))
        watch.batch(x, wrap(np.zeros(4, np.int64)))
        return x

    set_observer(watch)
    try:
        model(sequences(2)).sum().backward()
        before = from_events(watch.events, watch.names)
        x = sequences(5)
        assert from_events(watch.events, watch.names) == before
        model.first(x)
        half = from_events(watch.events, watch.names)
    finally:
        set_observer(None)
    lengths = {node["id"]: node["outputs"][0]["shape"][1] for node in half["nodes"] if node["outputs"][0]["shape"]}
    assert lengths.pop("input") == lengths.pop("first/Linear") == 5
    assert set(lengths) > {"second/Linear", "Residual/Add"} and set(lengths.values()) == {2}
    read = {(edge["to"], edge["input"]): edge["shape"][1] for edge in half["edges"] if len(edge["shape"]) == 3}
    assert read["first/Linear", "x"] == 5 and read["Residual/Add", "b"] == 2
    # It is the pass before otherwise, and of another signature, so that it is laid out anew.
    assert [node["event"] for node in half["nodes"]] == [node["event"] for node in before["nodes"]]
    assert half["signature"] != before["signature"] and half["complete"]


def test_a_smaller_batch_changes_no_size():
    model = Residual()
    watch = trained(model)
    before = from_events(watch.events, watch.names)
    set_observer(watch)
    try:
        watch.batch(wrap(np.ones((2, 3), np.float32)), wrap(np.zeros(2, np.int64)))
        model.first(wrap(np.ones((2, 3), np.float32)))
    finally:
        set_observer(None)
    assert from_events(watch.events, watch.names) == before
