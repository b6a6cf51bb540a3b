"""The network panel on real scripts of every kind: each op lights a node, and shows numbers."""

from pathlib import Path

import pytest

from gui.network.spot import Spot
from gui.panels.network import NetworkPanel
from tests.gui.conftest import SAMPLES
from tests.gui.network_fakes import filled

SCRIPTS = Path(__file__).parent / "scripts"

#: script -> (ops to step through after the first step, kinds of routes or forms that must be there)
CASES = {
    "one_linear": (6, set()),
    "one_unit": (13, {"edges"}),
    "signals": (22, {"filters", "rows"}),
    "shared_weights": (26, {"skip"}),
    "recurrent": (12, {"skip"}),
    "autoencoder": (18, {"matrix"}),
    "words": (12, {"matrix"}),
    "residual": (12, {"filters", "skip", "wrap"}),
    "wide_layers": (16, {"matrix", "strip"}),
}
DEEP = {"recurrent", "residual"}


@pytest.fixture
def panel(real, qtbot):
    panel = NetworkPanel(real)
    qtbot.addWidget(panel)
    panel.resize(580, 540)
    panel.show()
    return panel


def begin(panel, name, until, step):
    """Run a script to where its first step has ended."""
    panel.context.link.launch(str(SCRIPTS / f"{name}.py"))
    until(lambda: panel.state.stop)
    return step(panel.context, "runTo", step=1)


def arrived(panel, until):
    """Wait until the panel shows the stop: its events, the graph as of then, and the numbers of all nodes."""
    seq = panel.state.stop["seq"]
    until(lambda: filled(panel, seq) and panel._log.next > seq)
    assert not panel._feed._asked


@pytest.mark.parametrize("name", CASES)
def test_each_op_lights_its_node_and_shows_its_numbers(panel, name, until, step):
    begin(panel, name, until, step)
    count, wanted = CASES[name]
    dark, directions = [], set()
    for _ in range(count):
        stop = step(panel.context, "next", granularity="op")
        if not stop["direction"]:
            continue
        arrived(panel, until)
        directions.add(stop["direction"])
        lit = [id for id, item in panel.scene.nodes.items() if item.marks.phase]
        if not lit:
            dark.append((stop["direction"], stop["op"], stop["module"]))
        elif stop["direction"] == "forward":
            item = panel.scene.nodes[lit[0]]
            assert "values" in item.contents or item.place.form.kind == "label", lit
    assert dark == []
    # A whole step, but for the deep ones.
    assert directions >= ({"forward"} if name in DEEP else {"forward", "backward", "update"})
    forms = [item.place.form for item in panel.scene.nodes.values()]
    found = {form.kind for form in forms} | {form.weight for form in forms} | {r.kind for r in panel._drawing.layout.routes}
    assert wanted <= found
    assert panel.context.troubles == []
    panel.grab()


def test_without_any_module_the_ops_themselves_are_the_network(panel, until, step):
    panel.context.link.launch(str(SCRIPTS / "no_module.py"))
    until(lambda: panel.state.stop)
    for _ in range(10):
        if step(panel.context, "next", granularity="op")["direction"] == "backward":
            break
    arrived(panel, until)
    assert {item.node["op"] for item in panel.scene.nodes.values()} >= {"Tanh", "Mean", "Sub"}
    assert any(item.marks.phase == "backward" for item in panel.scene.nodes.values())


def test_a_training_by_hand_keeps_one_picture_in_which_each_op_is_lit(panel, until, step):
    panel.context.link.launch(str(SAMPLES / "linear_regression.py"), ["epochs=5", "folder="])
    until(lambda: panel.state.stop)
    drawn, lit = [], []
    while sum(direction == "backward" for direction, _, _ in lit) < 3 * 7:
        stop = step(panel.context, "next", granularity="op")
        arrived(panel, until)
        lit.append((stop["direction"], stop["op"], [i for i, item in panel.scene.nodes.items() if item.marks.phase]))
        if stop["direction"] == "backward":
            drawn.append(list(panel.scene.nodes))
    assert all(nodes == drawn[0] for nodes in drawn)
    ops = ["Expand", "Mul", "Expand#2", "Add", "Sub", "Pow", "Mean"]
    lit = [(direction, *nodes) for direction, _, nodes in lit]
    second = lit.index(("backward", "Expand")) + 1
    updates = [("forward",)] * 4
    there, back = [("forward", op) for op in ops], [("backward", op) for op in ("Mean", "Pow", "Sub", "Add")]
    assert lit[second : second + 4 + 7 + 4] == [*updates, *there, *back]


def test_a_branch_that_was_not_there_joins_the_picture(panel, until, step):
    begin(panel, "changing", until, step)
    seen = []
    for _ in range(12):
        stop = step(panel.context, "next", granularity="op")
        arrived(panel, until)
        until(lambda: panel.state.graph is not None)
        seen.append(("extra/Linear" in panel.scene.nodes, stop["module"], stop["direction"]))
        if stop["module"] == "extra" and stop["direction"] == "forward":
            break
    until(lambda: "extra/Linear" in panel.scene.nodes)
    assert not seen[0][0]
    # What comes after it stays in the picture, though it has not run yet.
    assert "last/Linear" in panel.scene.nodes
    until(lambda: panel.scene.nodes["extra/Linear"].marks.phase == "forward")


def test_the_generator_is_in_the_picture_while_its_critic_judges(panel, until, step):
    begin(panel, "two_models", until, step)  # the critic's first step: the generator's comes next
    for _ in range(12):
        if step(panel.context, "next", granularity="op")["direction"] == "backward":
            break
    arrived(panel, until)
    until(lambda: {"0/Linear", "2/Linear", "critic.0/Linear"} <= set(panel.scene.nodes))
    reached = set()
    for _ in range(8):
        if step(panel.context, "next", granularity="op")["direction"] != "backward":
            break
        arrived(panel, until)
        reached |= {id for id, item in panel.scene.nodes.items() if item.marks.phase == "backward"}
    assert {"2/Linear", "0/Linear"} <= reached


def test_a_tensor_larger_than_the_history_keeps_the_picture(panel, until, step):
    begin(panel, "wide_layers", until, step)
    for _ in range(40):
        stop = step(panel.context, "next", granularity="op")
        if stop["direction"] == "update":
            break
    arrived(panel, until)
    linear = [id for id, item in panel.scene.nodes.items() if item.node["op"] == "Linear"]
    assert len(linear) == 3
    step(panel.context, "next", granularity="op")
    arrived(panel, until)
    assert [id for id, item in panel.scene.nodes.items() if item.node["op"] == "Linear"] == linear
    weight = panel.scene.nodes["2/Linear"].place.form
    assert weight.weight_shape == (4096, 4096)
    assert all(c.data.size <= 128 * 128 for item in panel.scene.nodes.values() for c in item.contents.values())


def test_clicks_select_filters_pixels_and_units_of_a_convolution(panel, until, step):
    begin(panel, "residual", until, step)
    for _ in range(4):
        step(panel.context, "next", granularity="op")
    arrived(panel, until)
    stem = panel.scene.nodes["stem/Convolution"]
    for part in ("weight", "values"):
        box = stem.rect(part)
        at = box.topLeft() + (box.bottomRight() - box.topLeft()) * 0.55
        panel.pointing.click(at)
        found = panel.state.selection
        assert found.module == "stem" and found.index is not None
        assert len(found.index) == 4 and found.name == {"weight": "w", "values": "y"}[part]
        assert stem.marks.picked is not None and stem.marks.picked[0] == part
    assert panel.pointing.hint(Spot("stem/Convolution", "weight", (0, 0, 1, 1))).count("\n") == 2


def test_sizes_are_those_of_what_has_run(panel, until, step):
    begin(panel, "varying_lengths", until, step)
    sizes = {}
    for _ in range(4):
        stop = step(panel.context, "next", granularity="op")
        arrived(panel, until)
        until(lambda: panel._drawing._next is None)
        forms = {id: item.place.form.shape for id, item in panel.scene.nodes.items()}
        sizes[stop["op"]] = [forms[id][0] for id in ("input", "0/Linear", "1/Tanh", "2/Linear")]
        lit = next(item for item in panel.scene.nodes.values() if item.marks.phase)
        assert lit.contents["values"].data.shape[-2] == 7 or stop["op"] == "Pow"
        if stop["op"] == "Linear" and stop["module"] == "0":
            first = sizes["Linear"]
    assert first == [7, 7, 5, 5] and sizes["Tanh"] == [7, 7, 7, 5] and sizes["Pow"] == [7, 7, 7, 7]
    assert panel.context.troubles == []
