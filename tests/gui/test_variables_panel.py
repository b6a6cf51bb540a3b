"""The Variables panel: unfolding, watches, editing, selecting; in place from stop to stop."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLineEdit

from gui.panels.variables import ADD, VariablesPanel
from gui.places import places_of

TENSOR = {"shape": [2, 2], "dtype": "float32", "requiresGrad": False, "hasGrad": False}


def variable(name, value, type="int", reference=0, **more):
    return {"name": name, "value": value, "type": type, "variablesReference": reference, "evaluateName": name, **more}


def stop(seq=1, **more):
    return {
        "seq": seq,
        "position": [seq, 0, 0],
        "live": True,
        "function": "<module>",
        "reason": "step",
        "tensors": [],
        **more,
    }


@pytest.fixture
def values():
    return {
        1: [
            variable("epoch", "1"),
            variable("x", "float32 (2, 2) [0.9, …]", "Tensor", 3, tensor=TENSOR, indexedVariables=2, namedVariables=1),
        ],
        3: [variable("shape", "(2, 2)", "tuple"), variable("0", "float32 (2,) [0.9, -0.2]", "Tensor", 4)],
    }


@pytest.fixture
def panel(qtbot, context, link, values):
    link.answers["scopes"] = {"scopes": [{"name": "Globals", "variablesReference": 1, "expensive": False}]}
    link.answers["variables"] = lambda a: {"variables": values[a["variablesReference"]][: a.get("count", 1000)]}
    link.answers["evaluate"] = lambda a: {"result": f"value of {a['expression']}", "type": "str", "variablesReference": 0}
    panel = VariablesPanel(context)
    qtbot.addWidget(panel)
    panel.resize(340, 300)
    panel.show()
    context.state.update(stop=stop())
    return panel


def names(panel, *path):
    node = panel.tree.node_at(path)
    return [node.child(i).text(0) for i in range(node.childCount())]


def test_shows_scopes_and_unfolds_on_demand(panel, link):
    assert names(panel, "Globals") == ["epoch", "x"]
    asked = [a for _, command, a in link.asked if command == "variables"]
    assert [a["variablesReference"] for a in asked] == [1]
    panel.tree.node_at(("Globals", "x")).setExpanded(True)
    assert names(panel, "Globals", "x") == ["shape", "0"]


def test_rows_stay_from_stop_to_stop_and_changes_are_marked(panel, context, values):
    panel.tree.node_at(("Globals", "x")).setExpanded(True)
    before = panel.tree.node_at(("Globals", "x"))
    values[1][0] = variable("epoch", "2")
    context.state.update(stop=stop(2))
    assert panel.tree.node_at(("Globals", "x")) is before and before.isExpanded()
    assert panel.tree.node_at(("Globals", "epoch")).changed
    assert not before.changed
    context.state.update(stop=stop(3))
    assert not panel.tree.node_at(("Globals", "epoch")).changed


def test_what_is_gone_goes_and_what_is_new_comes(panel, context, values):
    values[1] = [variable("loss", "0.7", "float"), values[1][1]]
    context.state.update(stop=stop(2))
    assert names(panel, "Globals") == ["loss", "x"]


def test_long_lists_come_in_pages(panel, context, values):
    values[1] = [variable(f"v{i}", str(i)) for i in range(150)]
    context.state.update(stop=stop(2))
    assert len(names(panel, "Globals")) == 101
    more = panel.tree.node_at(("Globals", "…"))
    panel.tree.edit_cell(more)
    assert len(names(panel, "Globals")) == 150


def test_watches_are_evaluated_at_every_stop(panel, context, link):
    panel._edited(panel.tree.node_at(("Watches", ADD)), 0, "loss.item()")
    assert names(panel, "Watches") == ["loss.item()", ADD]
    assert panel.tree.node_at(("Watches", "loss.item()")).text(1) == "value of loss.item()"
    link.answers["evaluate"] = RuntimeError("NameError: name 'loss' is not defined")
    context.state.update(stop=stop(2))
    assert "NameError" in panel.tree.node_at(("Watches", "loss.item()")).text(1)
    assert panel.save()["watches"] == ["loss.item()"]


def test_watches_are_removed_by_delete(qtbot, panel):
    panel.watch("epoch")
    panel.tree.setCurrentItem(panel.tree.node_at(("Watches", "epoch")))
    qtbot.keyClick(panel.tree, Qt.Key.Key_Delete)
    assert panel.watches == [] and names(panel, "Watches") == [ADD]


def test_a_click_on_a_tensor_selects_it(panel, context):
    panel.tree.picked.emit(panel.tree.node_at(("Globals", "x")))
    assert context.state.selection.expression == "x"
    panel.tree.picked.emit(panel.tree.node_at(("Globals", "epoch")))
    assert context.state.selection.expression == "x"


def test_the_arrays_of_an_op_are_selected_by_event(panel, context):
    tensors = [
        {"name": "dw", "shape": [8, 2], "dtype": "float32"},
        {"name": "w", "shape": [8, 2], "dtype": "float32", "label": "0.weight"},
    ]
    context.state.update(stop=stop(5, tensors=tensors, module="0", op="Linear", direction="backward"))
    node = panel.tree.node_at(("This op", "w"))
    assert node.text(1) == "float32 8 × 2 · 0.weight"
    panel.tree.picked.emit(node)
    selection = context.state.selection
    assert (selection.event, selection.name, selection.label, selection.module) == (5, "w", "0.weight", "0")


def test_editing_sets_the_variable_and_shows_everything_anew(panel, link):
    link.answers["setVariable"] = {"value": "5", "variablesReference": 0}
    panel._edited(panel.tree.node_at(("Globals", "epoch")), 1, "2 + 3")
    assert link.asked[-1][1:] == ("setVariable", {"variablesReference": 1, "name": "epoch", "value": "2 + 3"})
    assert link.moves[-1] == ("touch", {})


def test_a_double_click_opens_an_editor_whose_text_is_set(qtbot, panel, link, until):
    link.answers["setVariable"] = {"value": "7", "variablesReference": 0}
    panel.tree.edit_cell(panel.tree.node_at(("Globals", "epoch")), 1)
    editor = panel.tree.findChild(QLineEdit)
    assert editor.text() == "1"
    editor.setText("7")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    until(lambda: link.asked[-1][1] == "setVariable")
    assert link.asked[-1][2]["value"] == "7"


def test_a_watch_is_written_and_rewritten_in_its_row(qtbot, panel, until):
    for name, text in ((ADD, "epoch"), ("epoch", "epoch + 1")):
        panel.tree.edit_cell(panel.tree.node_at(("Watches", name)), 0)
        editor = panel.tree.findChildren(QLineEdit)[-1]
        editor.setText(text)
        qtbot.keyClick(editor, Qt.Key.Key_Return)
        until(lambda text=text: panel.watches == [text])
    assert names(panel, "Watches") == ["epoch + 1", ADD]


def test_a_refused_edit_is_said(panel, context, link):
    said = []
    context.said.connect(lambda text, severity: said.append((text, severity)))
    link.answers["setVariable"] = RuntimeError("NameError: name 'z' is not defined")
    panel._edited(panel.tree.node_at(("Globals", "epoch")), 1, "z")
    assert said == [("epoch keeps its value. NameError: name 'z' is not defined", "error")]


def test_in_the_past_only_the_ops_arrays_are_shown(panel, context, link):
    asked = len([1 for _, command, _ in link.asked if command == "scopes"])
    context.state.update(stop=stop(2, live=False, tensors=[{"name": "y", "shape": [2], "dtype": "float32"}]))
    assert panel.tree.node_at(("Globals",)) is None
    assert names(panel, "This op") == ["y"]
    assert len([1 for _, command, _ in link.asked if command == "scopes"]) == asked


def test_follows_the_frame_that_is_looked_at(panel, context, link):
    places_of(context).look_at(2)
    assert [a for _, command, a in link.asked if command == "scopes"][-1] == {"frameId": 2}


def test_a_real_session(qtbot, two_points, step, until):
    panel = VariablesPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(340, 400)
    panel.show()
    panel.watch("learning_rate * 2")
    stop = two_points.state.stop
    two_points.link.set_breakpoints(stop["file"], [{"line": 62}])
    step(two_points, "continue")
    until(lambda: panel.tree.node_at(("Globals", "loss")))
    until(lambda: panel.tree.node_at(("Watches", "learning_rate * 2")).text(1) == "0.02")
    panel.set_value(panel.tree.node_at(("Globals", "learning_rate")), "0.5")
    until(lambda: panel.tree.node_at(("Watches", "learning_rate * 2")).text(1) == "1.0")
    assert panel.tree.node_at(("Globals", "learning_rate")).changed
    panel.tree.picked.emit(panel.tree.node_at(("Globals", "p")))
    assert two_points.state.selection.expression == "p"
    assert two_points.troubles == []
