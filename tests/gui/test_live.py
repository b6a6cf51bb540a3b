"""What the panels show of a script that runs freely."""

from types import SimpleNamespace

import numpy as np
import pytest

from gui.following import Following
from gui.live import Live, joined, widened
from gui.panels.data import DataPanel
from gui.panels.network import NetworkPanel
from gui.panels.panel import Panel
from gui.panels.tensor import TensorPanel
from tests.gui.conftest import at_rest

TRAINING = """
import engine as torch
from engine import nn
from engine.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
loader = DataLoader(TensorDataset(torch.randn(48, 4), torch.arange(48) % 3), batch_size=8, shuffle=True)
while True:
    for x, t in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
"""


class Watching(Panel):
    """A panel that notes what it is shown."""

    key, title, needs_stop = "watching", "Watching", False

    def __init__(self, context):
        super().__init__(context)
        self.wanted, self.shown, self.structures = ["a"], [], 0

    def live_views(self):
        return [{"id": id, "command": "samples", "arguments": {}} for id in self.wanted]

    def take_structure(self, snapshot):
        self.structures += 1

    def show_live(self, views):
        self.shown.append(views)


@pytest.fixture
def watching(context, qtbot):
    context.live = Live(context)
    panel = Watching(context)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def asked(link):
    return [arguments for key, command, arguments in link.asked if command == "live"]


def test_what_visible_panels_want_is_asked_for_once(watching, link, context, until):
    context.state.update(running=True)
    until(lambda: asked(link))
    (found,) = asked(link)
    assert [view["id"] for view in found["views"]] == ["watching:a"] and found["enabled"]
    watching.renew_live()
    watching.wanted = ["a", "b"]
    watching.renew_live()
    until(lambda: len(asked(link)) == 2)
    assert asked(link)[1]["subscription"] == found["subscription"] + 1
    watching.hide()
    until(lambda: len(asked(link)) == 3)
    assert not asked(link)[2]["enabled"]


def test_snapshots_reach_the_panel_that_asked(watching, link, context, until):
    context.state.update(running=True)
    until(lambda: asked(link))
    body = {"subscription": 1, "step": 3, "views": {"watching:a": {"total": 4}, "other:a": {}}}
    link.snapped.emit(body)
    assert watching.shown == [{"a": {"total": 4}}] and watching.structures == 0
    link.snapped.emit({**body, "subscription": 0})  # of an earlier subscription
    assert len(watching.shown) == 1
    graph = {"nodes": [], "edges": []}
    link.snapped.emit({**body, "subscription": 0, "graph": graph, "events": []})
    assert watching.structures == 1 and len(watching.shown) == 1 and context.state.graph is graph
    context.state.update(running=False)
    link.snapped.emit({**body, "step": 4})
    assert len(watching.shown) == 1


def test_what_answers_other_wishes_than_the_present_is_nobodys(watching, link, context, until):
    context.state.update(running=True)
    until(lambda: asked(link))
    body = {"subscription": 1, "step": 3, "views": {"watching:a": {"total": 4}}}
    link.snapped.emit(body)
    assert len(watching.shown) == 1
    # The panel shows something else now, of which the engine has not heard yet.
    watching.wanted = ["a", "b"]
    watching.renew_live()
    link.snapped.emit({**body, "step": 4})
    assert len(watching.shown) == 1
    until(lambda: len(asked(link)) == 2)
    link.snapped.emit({**body, "subscription": 2, "step": 5})
    assert len(watching.shown) == 2
    # It stops, shows something else, and runs on: the engine goes on with what it was asked for the last time.
    context.state.update(running=False)
    context.state.update(running=True)
    link.snapped.emit({**body, "subscription": 2, "step": 6})
    assert len(watching.shown) == 2
    until(lambda: len(asked(link)) == 3)
    link.snapped.emit({**body, "subscription": 3, "step": 7})
    assert len(watching.shown) == 3


def test_what_comes_with_a_structure_that_changes_the_wishes_is_nobodys(watching, link, context, until):
    context.state.update(running=True)
    until(lambda: asked(link))
    body = {"subscription": 1, "step": 3, "views": {"watching:a": {"total": 4}}, "graph": {}, "events": []}
    link.snapped.emit(body)
    assert len(watching.shown) == 1
    watching.wanted = ["c"]
    link.snapped.emit({**body, "step": 4})
    assert len(watching.shown) == 1 and watching.structures == 2


def test_snapshots_that_wait_are_joined():
    old = {"subscription": 1, "views": {"a": 1, "b": 1}, "graph": 5}
    assert joined(old, {"subscription": 1, "views": {"a": 2}}) == {"subscription": 1, "views": {"a": 2, "b": 1}, "graph": 5}
    assert joined(old, {"subscription": 2, "views": {}}) == {"subscription": 2, "views": {}}


def test_scales_widen_at_once_and_narrow_slowly():
    assert widened(None, (-1.0, 2.0)) == (-1.0, 2.0)
    assert widened((-1.0, 2.0), (-3.0, 4.0)) == (-3.0, 4.0)
    low, high = widened((-1.0, 2.0), (-0.5, 1.0))
    assert -1.0 < low < -0.95 and 1.95 < high < 2.0
    for _ in range(500):
        low, high = widened((low, high), (-0.5, 1.0))
    assert (low, high) == pytest.approx((-0.5, 1.0), abs=1e-3)


#: Breakpoints in the line of ``loss.backward()`` that never stop, and have the whole run watched closely.
NEVER = {"condition": {"condition": "loss.item() < 0"}, "hits": {"hitCondition": "> 10000000"}}


@pytest.mark.parametrize("first", ["entry", "inside", *NEVER])
def test_panels_show_live_numbers_of_a_true_run(real, until, step, qtbot, tmp_path, first):
    """Also where the script is let run from its first line, when nothing is known of its network yet, and where a
    breakpoint has the run watched closely.
    """
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    panels = [NetworkPanel(real), TensorPanel(real), DataPanel(real)]
    network, tensor, data = panels
    for panel in panels:
        qtbot.addWidget(panel)
        panel.resize(600, 480)
        panel.show()
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    if first == "inside":
        step(real, "runTo", step=2)
        until(lambda: step(real, "next", granularity="op").get("direction") == "backward")
    if first in NEVER:
        line = TRAINING.splitlines().index("        loss.backward()") + 1
        answers = []
        real.link.set_breakpoints(str(script), [{"line": line, **NEVER[first]}], answers.append)
        until(lambda: answers)
    real.link.move("continue")
    until(lambda: real.state.running and real.state.snapshot is not None and real.state.snapshot["views"])

    def shown():
        item = network.scene.nodes.get("2/Linear")
        values = None if item is None or "values" not in item.contents else item.contents["values"].data
        curve = real.state.curves.get(real.state.runs[0]["number"])
        steps = None if curve is None or not len(curve["steps"]) else curve["steps"][-1]
        return values, None if tensor.shown is None else tensor.shown.data, data.batch and data.batch.losses, steps

    until(lambda: all(part is not None for part in shown()))
    before = shown()
    until(lambda: all(not np.array_equal(a, b) for a, b in zip(before, shown())))
    assert not real.state.stop.get("running") and network._fill.mode == "forward"
    real.link.move("pause")
    until(lambda: not real.state.running and not real.link.moving)
    stopped = shown()
    real.state.update(snapshot={"subscription": 0, "views": {"network:2/Linear values": {}}})
    assert stopped[2] is shown()[2] and real.troubles == []


def test_where_a_breakpoint_stops_a_run_that_was_shown_what_is_recorded_is_shown(real, until, qtbot, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(f"import pathlib\n{TRAINING}")
    network, tensor = NetworkPanel(real), TensorPanel(real)
    for panel in (network, tensor):
        qtbot.addWidget(panel)
        panel.resize(600, 480)
        panel.show()
    pictures = []
    real.state.subscribe("snapshot", picture := lambda: pictures.append(real.state.snapshot))
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    line, answers = TRAINING.splitlines().index("        loss.backward()") + 2, []
    condition = "step >= 1000 and pathlib.Path('enough').exists()"
    real.link.set_breakpoints(str(script), [{"line": line, "condition": condition}], answers.append)
    until(lambda: answers)
    real.link.move("continue")
    until(lambda: any(body and body["views"] for body in pictures) and picture is not None)
    (tmp_path / "enough").touch()
    until(lambda: (real.state.stop or {}).get("reason") == "breakpoint" and real.link.quiet)
    assert real.state.stop["step"] >= 1000
    until(lambda: network.head.subject.text().startswith("activations"))
    until(lambda: "last seen" not in tensor.head.subject.text() and tensor.shown is not None)
    assert real.troubles == []


TO_ITS_END = """
import pathlib
import engine as torch
from engine import nn
torch.manual_seed(0)
class_names = ["even", "odd"]
x, t = torch.randn(8, 4), torch.arange(8) % 2
model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
step = 0
while not pathlib.Path("enough").exists():
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
    step += 1
"""


def test_the_last_picture_stays_at_the_end_of_a_true_run(real, until, step, qtbot, tmp_path):
    """Nothing is recorded of a free run, so nothing can be asked for where it has ended."""
    script = tmp_path / "train.py"
    script.write_text(TO_ITS_END)
    network, tensor, data = NetworkPanel(real), TensorPanel(real), DataPanel(real)
    for panel in (network, tensor, data):
        qtbot.addWidget(panel)
        panel.resize(600, 480)
        panel.show()
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    until(lambda: step(real, "next", granularity="op").get("direction") == "backward")
    until(lambda: tensor.shown is not None and tensor.subject.reference.get("event") is not None)
    title, shape = tensor.source.title, tensor.shown.shape
    pictures = []
    real.state.subscribe("snapshot", picture := lambda: pictures.append(tensor.shown.data.copy()))
    real.link.move("continue")
    until(lambda: len(pictures) > 3 and not (pictures[0] == pictures[-1]).all() and picture is not None)
    # Its first pictures may still be of the gradients, at which the script stood.
    until(lambda: network.free.mode == "forward" and network.free._numbers.steps)
    (tmp_path / "enough").touch()
    until(lambda: (real.state.stop or {}).get("reason") == "end" and all(map(at_rest, (network, tensor, data))))
    assert (tensor.shown.data == pictures[-1]).all()
    assert tensor.source.title == title and tensor.shown.shape == shape
    assert "last seen in step" in tensor.head.subject.text() and not tensor.message.isVisible()
    assert network.head.subject.text().startswith("activations, last seen in step ")
    assert data.batch.names == ["even", "odd"] and data.batch.verdict(0).startswith("even")
    assert real.troubles == []


def test_where_a_run_stands_is_its_progress(context, link):
    following = context.following = Following(context)
    link.progressed.emit({"step": 5688, "stepsPerSecond": 2785.0, "loss": 0.25})
    # Replayed to an earlier step, say: a next move that hangs before it reports anything is not at step 5688.
    link.stopped.emit({"reason": "replay", "seq": 5, "live": True, "tensors": [], "step": 3, "epoch": 0})
    link.resumed.emit()
    assert context.state.running and context.state.progress == {"step": 3, "epoch": 0}
    following.clear()


def test_curves_are_asked_for_a_few_times_a_second_while_the_script_runs_and_in_the_past_not_at_all(context, link, until):
    following = context.following = Following(context)
    arrays = {"steps": np.arange(3), "losses": np.ones(3)}
    wire = {name: SimpleNamespace(numpy=lambda array=array: array) for name, array in arrays.items()}
    link.answers["curves"] = {**wire, "total": 3}
    curves = lambda: sum(command == "curves" for _, command, _ in link.asked)  # noqa: E731
    link.runs_changed.emit([{"name": "base", "number": 1, "current": True, "state": "running"}])
    stop = {"reason": "step", "seq": 5, "live": True, "tensors": []}
    link.stopped.emit(stop)
    assert curves() == 1
    link.stopped.emit({**stop, "seq": 3, "live": False})
    assert curves() == 1
    link.resumed.emit()
    assert 200 <= following._timer.interval() <= 500
    until(lambda: curves() >= 3)
    link.stopped.emit({**stop, "seq": 9})
    assert not following._timer.isActive()


def test_a_look_at_the_curves_that_adds_little_to_them_is_followed_later_by_the_next(context, link):
    following = context.following = Following(context)
    link.runs_changed.emit([{"name": "base", "number": 1, "current": True, "state": "running"}])
    link.resumed.emit()
    waits, known = [], 0
    for count in (10, 100, 101, 1000, 1001):
        # The newest step that is known comes again.
        steps = np.arange(max(0, known - 1), known := count)
        arrays = {"steps": steps, "losses": np.ones(len(steps))}
        wire = {name: SimpleNamespace(numpy=lambda array=array: array) for name, array in arrays.items()}
        link.answers["curves"] = {**wire, "total": count}
        following._timer.timeout.emit()
        waits.append(following._timer.interval())
    assert len(context.state.curves[1]["steps"]) == 1001
    first, seldom = waits[0], waits[-1]
    assert waits == [first, first, seldom, first, seldom] and first < seldom <= 1000
    following.clear()


TWO = """
import engine as torch
from engine import nn
torch.manual_seed(0)
x, t = torch.randn(8, 4), torch.arange(8) % 2
def train(model, steps):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for i in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
line = nn.Linear(4, 2)
train(line, 200)
network = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
train(network, 10**9)
"""


def test_the_second_network_of_a_script_is_shown_while_it_is_trained(real, until, qtbot, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    network = NetworkPanel(real)
    qtbot.addWidget(network)
    network.resize(600, 480)
    network.show()
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    real.link.move("continue")
    until(lambda: any(node["op"] == "Tanh" for node in (real.state.graph or {}).get("nodes", ())))

    def shown():
        item = next((item for item in network.scene.nodes.values() if item.node["op"] == "Tanh"), None)
        return None if item is None or "values" not in item.contents else item.contents["values"].data

    until(lambda: shown() is not None)
    before = shown()
    until(lambda: not np.array_equal(before, shown()))
    real.link.move("pause")
    until(lambda: not real.state.running and not real.link.moving)
    assert real.troubles == []


ONE_STEP = TRAINING.replace("while True:", "for _ in range(1):").replace("48", "8")


def test_a_run_too_short_for_a_picture_shows_its_last_step_when_it_has_ended(real, until, qtbot, tmp_path):
    """It may be over before the window knows that it runs: it is known to be looked at since its process is there."""
    script = tmp_path / "train.py"
    script.write_text(ONE_STEP)
    panel = NetworkPanel(real)
    qtbot.addWidget(panel)
    panel.resize(700, 480)
    panel.show()
    for _ in range(2):  # in the second run the kernels are there, and it takes some milliseconds
        before = real.state.stop
        real.link.launch(str(script)) if before is None else real.link.restart()
        until(lambda before=before: real.state.stop is not before and real.link.quiet)
        real.link.move("continue")
        until(lambda: real.state.stop["reason"] == "end" and at_rest(panel))
        assert not panel.free.pictured and panel.head.subject.text().startswith("weight changes")
        contents = panel.scene.nodes["2/Linear"].contents
        assert contents["values"].data.size == 3 and contents["weight"].data.shape == (3, 8)
        assert len(np.unique(contents["weight"].data)) > 10
    real.link.move("stepBack", granularity="op")
    until(lambda: real.state.stop["direction"] == "update" and at_rest(panel))
    assert real.troubles == []
