"""Validation under ``torch.no_grad()`` in the network panel: ops are lit, and numbers are those of the batch that passes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gui.network.follower import Follower
from gui.network.passes import Passes
from gui.network.spot import Spot
from gui.panels.network import NetworkPanel
from tests.gui.network_fakes import filled, node

#: A network in which the same op runs in three places, and a loss outside of modules.
OPS = [
    ("conv1", "Convolution", (4, 9, 9)), ("Net", "Relu", (4, 9, 9)), ("drop", "Dropout", (4, 9, 9)),
    ("conv2", "Convolution", (8, 5, 5)), ("Net", "Relu", (8, 5, 5)), ("fc", "Linear", (10,)), ("", "CrossEntropy", ()),
]  # fmt: skip
IDS = ["conv1/Convolution", "Net/Relu", "drop/Dropout", "conv2/Convolution", "Net/Relu#2", "fc/Linear", "CrossEntropy"]


def network(**changes):
    """The graph of OPS; ``changes``: fields of its nodes, by id."""
    nodes = [
        {**node(id, op, module, 10 + i, i + 1, (2, *shape)), "requiresGrad": True, **changes.get(id, {})}
        for i, (id, (module, op, shape)) in enumerate(zip(IDS, OPS))
    ]
    return {"nodes": nodes, "edges": [], "complete": True}


def follower(**changes):
    found = Follower()
    found.bind(network(**changes))
    return found


def follow(found, places):
    """The ids that ops without gradient stand for, and whether a run begins with each."""
    several = [found.node(OPS[i][:2], OPS[i][2], False) for i in places]
    return [None if node is None else node.id for node, _ in several], [begins for _, begins in several]


def test_validation_is_followed_again_and_again_and_may_pass_over_dropout():
    evaluation = [0, 1, 3, 4, 5, 6]
    ids, begins = follow(follower(), 3 * evaluation)
    assert ids == 3 * [IDS[i] for i in evaluation]
    assert begins == 3 * [True, False, False, False, False, False]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=5), st.randoms())
def test_whatever_modules_a_run_uses_each_op_stands_for_its_own_node(runs, random):
    """Ops that run in several places are known by their shapes."""
    places = [place for run in runs for place in sorted(run)]
    assert follow(follower(), places)[0] == [IDS[i] for i in places]


def test_ops_of_one_shape_are_told_apart_by_their_order_and_a_metric_is_no_loss():
    found = Follower()
    graph = network()
    graph["nodes"][4]["outputs"] = graph["nodes"][1]["outputs"]
    found.bind(graph)
    relu = ("Net", "Relu"), (4, 9, 9), False
    kinds = [(("conv1", "Convolution"), (4, 9, 9), False), relu, (("conv2", "Convolution"), (8, 5, 5), False), relu]
    assert [found.node(*kind)[0].id for kind in kinds] == [IDS[i] for i in (0, 1, 3, 4)]
    # Outside of modules only what comes next counts: the one before has not run.
    graph["nodes"].insert(6, {**node("Exp", "Exp", "", 16, 7, (2, 10)), "requiresGrad": True})
    found.bind(graph)
    assert found.node(("", "CrossEntropy"), (), False) == (None, False)
    assert found.node(("", "Argmax"), (), False)[0] is None
    assert found.node(("", "Exp"), (3,), False)[0] is None
    assert found.node(("", "Exp"), (10,), False)[0].id == "Exp"
    assert found.node(("", "CrossEntropy"), (), False)[0].id == "CrossEntropy"
    assert found.node(("conv1", "Linear"), (3,), False)[0] is None  # no such op there


def test_a_run_without_gradient_that_is_part_of_the_pass_has_nodes_of_its_own():
    found = Follower()
    graph = network()
    target = {**graph["nodes"][5], "id": "fc/Linear#2", "requiresGrad": False}
    graph["nodes"].insert(0, target)
    found.bind(graph)
    assert found.node(("fc", "Linear"), (10,), False)[0].id == "fc/Linear#2"
    assert found.node(("fc", "Linear"), (10,), True)[0].id == "fc/Linear"
    found.bind(network())
    assert found.node(("fc", "Linear"), (10,), False)[0].id == "fc/Linear"


def test_a_network_that_grows_op_by_op_is_followed_on():
    found, graph = Follower(), network()
    for count in range(1, 7):
        found.bind({**graph, "nodes": graph["nodes"][:count]})
        assert found.node(OPS[count - 1][:2], OPS[count - 1][2], False)[0].id == IDS[count - 1]


def nodes_of(found, *places):
    """The nodes that ops without gradient stand for."""
    return [found.node(OPS[i][:2], OPS[i][2], False)[0] for i in places]


def test_within_a_batch_a_validation_and_the_training_behind_it_are_passes_of_their_own():
    a, b = nodes_of(follower(), 0, 1)
    found = Passes()
    found.bound(0)  # a batch
    found.forward_without(3, a, True)
    found.forward_without(4, b, False)
    found.forward_without(6, a, True)  # the next batch of the validation, of which nothing tells
    found.forward_without(7, b, False)
    for seq in (10, 11):
        assert not found.forward(seq)
    found.went_back()
    found.forward_without(20, a, True)
    found.bound(30)
    assert [found.start(at) for at in (3, 4, 6, 7, 10, 11, 20, 31)] == [0, 0, 5, 5, 9, 9, 19, 30]
    validates = {at for at in range(31) if found.validates(at)}
    assert validates == {*range(3, 10), *range(20, 30)}


def test_layers_that_are_frozen_make_no_validation_of_a_training_pass():
    frozen = {IDS[i]: {"requiresGrad": False} for i in (0, 1)}
    a, b, c = nodes_of(follower(**frozen), 0, 1, 3)
    found = Passes()
    found.bound(0)
    found.forward_without(2, a, True)
    found.forward_without(3, b, False)
    found.forward(4)
    assert found.start(4) == 0 and not found.validates(4)
    # Evaluated, it is one from its first layer on.
    found.forward_without(8, a, True)
    found.forward_without(9, b, False)
    found.forward_without(10, c, False)
    assert found.start(10) == 7 and found.validates(8)
    # And trained again from there on.
    found.forward_without(12, a, True)
    found.forward_without(13, b, False)
    found.forward(14)
    assert found.start(14) == 11 and not found.validates(14)


# ---- true scripts ----

HEAD = """
import engine as torch
from engine import nn
from engine.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x, t = torch.randn(24, 6), torch.randint(0, 3, (24,))
v, u = torch.randn(10, 6), torch.randint(0, 3, (10,))
model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
def train(x, t):
    model.train()
    optimizer.zero_grad()
    loss_fn(model(x), t).backward()
    optimizer.step()
def validate(x, t):
    model.eval()
    with torch.no_grad():
        out = model(x)
        loss_fn(out, t).item()
        (out.argmax(dim=1) == t).sum().item()
"""
#: Where a script validates.
SCRIPTS = {
    "loaders": """
loader, test = DataLoader(TensorDataset(x, t), batch_size=12), DataLoader(TensorDataset(v, u), batch_size=5)
for epoch in range(9):
    for a, b in loader:
        train(a, b)
    for a, b in test:
        validate(a, b)
""",
    "no loader": """
for epoch in range(9):
    train(x, t)
    if epoch % 2:
        validate(v, u)
""",
    "in a batch": """
for a, b in DataLoader(TensorDataset(x, t), batch_size=4):
    validate(v, u)
    train(a, b)
    validate(v, u)
    validate(v, u)
""",
}
LIT = {"Linear": ("0/Linear", "3/Linear"), "Relu": ("1/Relu",), "CrossEntropy": ("CrossEntropyLoss/CrossEntropy",)}


@pytest.fixture
def panel(real, qtbot):
    panel = NetworkPanel(real)
    qtbot.addWidget(panel)
    panel.resize(900, 480)
    panel.show()
    return panel


def begin(panel, text, tmp_path, until, step):
    script = tmp_path / "script.py"
    script.write_text(HEAD + text)
    panel.context.link.launch(str(script))
    until(lambda: panel.state.stop)
    step(panel.context, "runTo", step=2)


def op(panel, until, step):
    """Step to the next op that has run, and wait for the panel."""
    while not (stop := step(panel.context, "next", granularity="op"))["direction"]:
        pass
    until(lambda: filled(panel, stop["seq"]))
    return stop


def contents(panel):
    """By node, (its values, whether they are dimmed)."""
    return {
        id: (item.contents["values"].data, item.faint["values"])
        for id, item in panel.scene.nodes.items() if "values" in item.contents
    }  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_op_of_a_validation_is_lit_and_shows_its_own_numbers(name, panel, until, step, tmp_path):
    begin(panel, SCRIPTS[name], tmp_path, until, step)
    nodes, seen, validated = None, {}, 0
    for _ in range(46):
        stop = op(panel, until, step)
        nodes = nodes or set(panel.scene.nodes)
        assert set(panel.scene.nodes) == nodes  # one picture for all of it
        lit = [id for id, item in panel.scene.nodes.items() if item.marks.phase]
        without = stop["direction"] == "forward" and "no_grad" in panel.head.subject.text()
        if stop["op"] not in LIT and stop["op"] != "Dropout" and stop["direction"] == "forward":
            assert lit == []  # what is measured
            continue
        assert len(lit) == 1 and (stop["op"] == "Dropout" or stop["direction"] == "update" or lit[0] in LIT[stop["op"]])
        if stop["direction"] != "forward":
            seen = {}
            continue
        if lit[0] == "0/Linear":
            seen = {}  # another pass
        answers = []
        panel.ask("test", "tensor", {"reference": {"event": stop["seq"], "name": "y"}}, answers.append)
        until(lambda answers=answers: answers)
        whole = np.asarray(answers[0]["data"].numpy())
        seen[lit[0]] = whole if lit[0].startswith("Cross") else whole[0]
        validated += without and lit[0].startswith("Cross")
        shown = contents(panel)
        for id, (data, faint) in shown.items():
            if id in seen:
                np.testing.assert_allclose(np.ravel(data), np.ravel(seen[id]), rtol=1e-6)
                assert not faint
            elif not id.startswith("input"):
                assert faint, id
    assert validated >= 2
    assert panel.context.troubles == []


def test_it_is_said_what_is_dimmed_in_a_validation_and_how_many_samples_it_has(panel, until, step, tmp_path):
    begin(panel, SCRIPTS["loaders"], tmp_path, until, step)
    texts = {}
    for _ in range(40):
        stop = op(panel, until, step)
        texts.setdefault(panel._fill.validates, []).append((stop["op"], panel.head.subject.text()))
        if stop["op"] == "CrossEntropy" and stop["direction"] == "backward":
            break
    assert texts[True][0] == ("Linear", "activations, no_grad · sample [0] of 5 · dimmed: the last step")
    assert ("Linear", "activations, no_grad · sample [0] of 5 · dimmed: a validation, the last step") in texts[True]
    assert ("Linear", "activations · sample [0] of 12 · dimmed: a validation, the last step") in texts[False]
    assert panel.pointing.hint(Spot("2/Dropout")).splitlines()[-1] == "the activation: its gradient is not known here"


def test_the_target_is_that_of_the_batch_before_the_loss_has_read_it(panel, until, step, tmp_path):
    begin(panel, SCRIPTS["loaders"].replace("train(a, b)", "given = b; train(a, b)"), tmp_path, until, step)
    checked = 0
    for _ in range(24):
        stop = op(panel, until, step)
        target = panel.scene.nodes["input#2"]
        if stop["direction"] != "forward" or stop["op"] in ("Argmax", "Eq", "Sum"):
            continue
        answers = []
        panel.ask("test", "evaluate", {"expression": "b[0].item()"}, answers.append)
        until(lambda answers=answers: answers)
        assert int(np.ravel(target.contents["values"].data)[0]) == int(answers[0]["result"])
        assert not target.faint["values"] and not target.note
        checked += stop["op"] == "Linear"
    assert checked >= 4


def test_a_target_that_nobody_knows_yet_is_not_that_of_the_step_before(panel, until, step, tmp_path):
    begin(panel, SCRIPTS["no loader"], tmp_path, until, step)
    states = []
    for _ in range(14):
        stop = op(panel, until, step)
        target = panel.scene.nodes["input#2"]
        if stop["direction"] == "forward" and stop["op"] in LIT:
            states.append((stop["op"], "values" in target.contents, target.note))
            said = panel.pointing.hint(Spot("input#2")).splitlines()[-1]
            assert said == ("not read yet in this step" if target.note else "10 values") or "values" in target.contents
    assert ("Linear", False, "not yet") in states and ("CrossEntropy", True, "") in states
    assert not any(there for name, there, _ in states if name != "CrossEntropy")
