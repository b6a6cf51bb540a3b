"""What the panels show of a script that runs freely."""

import numpy as np
import pytest

from gui.live import Live, joined, widened
from gui.panels.data import DataPanel
from gui.panels.network import NetworkPanel
from gui.panels.panel import Panel
from gui.panels.tensor import TensorPanel

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


@pytest.mark.parametrize("first", ["entry", "inside"])
def test_panels_show_live_numbers_of_a_true_run(real, until, step, qtbot, tmp_path, first):
    """Also where the script is let run from its first line, when nothing is known of its network yet."""
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
    real.link.move("continue")
    until(lambda: real.state.running and real.state.snapshot is not None and real.state.snapshot["views"])

    def shown():
        item = network.scene.nodes.get("2/Linear")
        values = None if item is None or "values" not in item.contents else item.contents["values"].data
        return values, None if tensor.shown is None else tensor.shown.data, data.batch and data.batch.losses

    until(lambda: all(part is not None for part in shown()))
    before = shown()
    until(lambda: all(not np.array_equal(a, b) for a, b in zip(before, shown())))
    assert not real.state.stop.get("running") and network._fill.mode == "forward"
    real.link.move("pause")
    until(lambda: not real.state.running and not real.link.moving)
    stopped = shown()
    real.state.update(snapshot={"subscription": 0, "views": {"network:2/Linear values": {}}})
    assert stopped[2] is shown()[2] and real.troubles == []
