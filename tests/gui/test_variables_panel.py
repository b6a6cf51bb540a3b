"""The Variables panel: unfolding, watches, editing, selecting; in place from stop to stop."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QLineEdit

from gui.panels.variables import ADD, VariablesPanel
from gui.panels.variables_edit import edit_of
from gui.places import places_of
from gui.theme import Theme
from gui.widgets.variable_tree import Node

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


def test_what_a_running_script_refuses_is_no_problem(panel, context, link):
    gone = RuntimeError("there is no variable 3 at this stop")
    link.answers["variables"] = gone
    context.state.update(running=True)
    panel.tree.node_at(("Globals", "x")).setExpanded(True)
    assert "no variable" not in panel.head.subject.shown


def test_values_are_grey_while_the_script_runs_for_long_and_it_says_what_to_do(panel, context, until):
    node = panel.tree.node_at(("Globals", "epoch"))
    ink = node.foreground(1).color()
    context.state.update(running=True)
    assert node.foreground(1).color() == ink  # a step that takes a little longer is no reason to flicker
    until(lambda: node.foreground(1).color() == context.theme.muted)
    assert node.text(1) == "1" and "pause (F6)" in panel.head.subject.text()
    context.state.update(running=False, stop=stop(2))
    assert node.foreground(1).color() == ink and panel.head.subject.text() == "top level"
    context.state.update(running=True)
    context.state.update(running=False, stop=stop(3))
    assert not panel._grey.isActive() and node.foreground(1).color() == ink


def test_an_old_number_of_a_variable_is_asked_for_anew_once(panel, link, values):
    found = link.answers["variables"]
    fresh = {"scopes": [{"name": "Globals", "variablesReference": 7, "expensive": False}]}
    values[7] = values[1]
    refused = RuntimeError("there is no variable 3 at this stop")
    link.answers["scopes"] = fresh
    link.answers["variables"] = lambda a: refused if a["variablesReference"] == 3 else found(a)
    before = sum(command == "scopes" for _, command, _ in link.asked)
    panel.tree.node_at(("Globals", "x")).setExpanded(True)
    assert sum(command == "scopes" for _, command, _ in link.asked) == before + 1
    assert panel.tree.node_at(("Globals",)).reference == 7
    assert "no variable" in panel.head.subject.shown  # it is refused again: now it is told


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
    assert context.state.watches == ["loss.item()"]


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


def test_the_keys_stay_on_a_watch_that_was_rewritten(qtbot, panel, until):
    panel.watch("epoch")
    panel.watch("batch")
    panel.tree.setCurrentItem(panel.tree.node_at(("Watches", "epoch")))
    qtbot.keyClick(panel.tree, Qt.Key.Key_F2)
    editor = panel.tree.findChildren(QLineEdit)[-1]
    editor.setText("epoch + 1")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    until(lambda: panel.watches == ["epoch + 1", "batch"])
    assert panel.tree.currentItem() is panel.tree.node_at(("Watches", "epoch + 1"))


def test_the_menu_of_a_watch_says_what_its_key_changes(panel):
    """F2 rewrites the expression of a watch and the value of a variable."""
    panel.watch("epoch")
    for path, wanted in ((("Watches", "epoch"), "Change expression…\tF2"), (("Globals", "epoch"), "Change value…\tF2")):
        texts = [action.text() for action in panel.menu(panel.tree.node_at(path)).actions()]
        assert [text for text in texts if text.endswith("\tF2")] == [wanted]


def test_one_click_begins_an_expression(panel, qtbot, until):
    """It only selected the row; what was typed then went to another row, and Enter opened the value of that."""
    tree = panel.tree
    row = tree.visualItemRect(tree.node_at(("Watches", ADD)))
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=row.center())
    (editor,) = tree.findChildren(QLineEdit)
    qtbot.keyClicks(editor, "epoch + 2")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    until(lambda: panel.watches == ["epoch + 2"])


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


def test_the_row_for_a_new_watch_has_the_whole_width(panel):
    node = panel.tree.node_at(("Watches", ADD))
    assert node.isFirstColumnSpanned()
    needed = panel.tree.fontMetrics().horizontalAdvance(ADD)
    assert panel.tree.visualItemRect(node).width() > needed > panel.tree.columnWidth(0) - 2 * panel.tree.indentation()


def test_a_refusal_that_comes_after_the_next_stop_is_not_shown(panel, context, link, values):
    link.hold = True
    context.state.update(stop=stop(2))
    held = dict(link._held)
    refuse = [entry[3] for entry in held.values() if entry[0] == "scopes"]
    assert refuse
    link.deliver()
    late = next(entry[3] for entry in link._held.values() if entry[0] == "variables")
    context.state.update(stop=stop(3))
    late("there is no variable 1 at this stop")
    assert not panel.head.subject.toolTip()


def test_a_new_value_forks_the_run(panel, context, link):
    context.state.update(runs=[{"name": "run 1", "current": True, "replayable": True}])
    panel.set_value(panel.tree.node_at(("Globals", "epoch")), "5")
    fork = {"edits": [{"kind": "exec", "code": "epoch = 5"}], "name": "epoch = 5", "parameters": ()}
    assert link.moves == [("fork", fork)]
    panel.watch("optimizer.param_groups[0]['lr']")
    panel.set_value(panel.tree.node_at(("Watches", "optimizer.param_groups[0]['lr']")), "0.5")
    assert link.moves[-1][1]["edits"] == [{"kind": "exec", "code": "optimizer.param_groups[0]['lr'] = 0.5"}]
    context.state.update(runs=[{"name": "run 1", "current": True, "replayable": False}])  # attached
    panel.set_value(panel.tree.node_at(("Globals", "epoch")), "6")
    assert link.asked[-1][1] == "setVariable" and link.moves[-1][0] == "fork"


def test_an_element_of_a_tensor_is_written_into_it(panel):
    panel.tree.node_at(("Globals", "x")).setExpanded(True)
    node = panel.tree.node_at(("Globals", "x", "0"))
    node.body = {**node.body, "tensor": TENSOR}
    inner = Node("variable", "1", node)
    node.addChild(inner)
    expected = {"kind": "tensor", "reference": {"expression": "x", "frameId": 0}, "index": [0, 1], "value": 2.5}
    assert edit_of(inner, "2.5") == expected
    assert edit_of(inner, "nonsense") is None


def test_the_learning_rate_of_a_fork_is_the_new_one(two_points, qtbot, until, step):
    panel = VariablesPanel(two_points)
    qtbot.addWidget(panel)
    panel.show()
    step(two_points, "runTo", step=2)
    lr = "optimizer.param_groups[0]['lr']"
    panel.watch(lr)
    node = ("Watches", lr)
    until(lambda: panel.tree.node_at(node) is not None and panel.tree.node_at(node).text(1))
    panel.set_value(panel.tree.node_at(node), "0.25")
    until(lambda: len(two_points.state.runs) == 2 and not two_points.link.moving)
    until(lambda: panel.tree.node_at(node).text(1) == "0.25")
    stop = step(two_points, "next", granularity="op")
    while stop["kind"] != "update":
        stop = step(two_points, "next", granularity="op")
    bodies = {}
    arguments = {"reference": {"event": stop["seq"], "name": "w_new"}, "index": [0, 0]}
    two_points.link.ask("e", "explain", arguments, bodies.update)
    until(lambda: bodies)
    assert bodies["agrees"] and "0.25" in bodies["numbers"]
    assert [run["name"] for run in two_points.state.runs] == ["run 1", f"{lr} = 0.25"] and two_points.troubles == []


def test_larger_text_has_a_wider_column(panel, context):
    before = panel.tree.columnWidth(0)
    context.set_theme(Theme("light", 1.5))
    assert panel.tree.columnWidth(0) == pytest.approx(1.5 * before, abs=2)
    for name in ("Watches", "Globals"):
        assert panel.tree.node_at((name,)).isFirstColumnSpanned()
    context.set_theme(Theme())
    assert panel.tree.columnWidth(0) == pytest.approx(before, abs=2)


def test_at_the_end_of_a_script_it_says_that_its_variables_are_gone(panel, context, link):
    assert panel.head.subject.text() == "top level"
    link.answers["scopes"] = {"scopes": []}
    context.state.update(stop=stop(9, reason="end", kind="end", live=True))
    assert "the script has ended" in panel.head.subject.text()


def test_a_row_that_is_cut_at_the_lower_edge_is_left_out(panel, context, link, values):
    values[1] = [variable(f"v{i}", str(i)) for i in range(60)]
    context.state.update(stop=stop(99))
    panel.tree.setFocus()
    tree = panel.tree
    high = tree.visualItemRect(tree.topLevelItem(0)).height()
    viewport = tree.viewport()
    panel.resize(panel.width(), panel.height() + high // 2 - viewport.height() % high)
    viewport.repaint()
    assert viewport.height() % high == high // 2, "else there is no such row"

    def lowest():
        image = viewport.grab().toImage()
        ground = panel.theme.panel.rgb()
        rows = range(image.height() - high // 2 + 1, image.height())
        return {image.pixelColor(x, y).rgb() for x in range(image.width() - 12) for y in rows} == {ground}

    for offset in (0, high, 3 * high):
        tree.verticalScrollBar().setValue(offset)
        assert lowest()
    tree.verticalScrollBar().setValue(high + high // 2)
    assert not lowest(), "this one is whole"


def test_a_row_that_cannot_be_edited_now_is_left_alone_without_a_word(panel, context, qt_is_silent):
    context.state.update(stop=stop(live=False))
    for path, column in ((("Globals", "epoch"), 1), (("Globals", "x"), 1)):
        panel.tree.edit_cell(panel.tree.node_at(path), column)
    context.state.update(stop=stop())
    for _ in range(2):  # the second time its editor is open already
        panel.tree.edit_cell(panel.tree.node_at(("Globals", "epoch")), 1)
    assert qt_is_silent == [] and panel.tree.findChildren(QLineEdit)


def test_names_deep_inside_get_room_up_to_half_of_the_width_and_keep_it(panel, context, values):
    values[3] = [variable("a_name_of_some_thirty_characters", "1")]
    tree = panel.tree
    panel.resize(900, 300)
    before = tree.columnWidth(0)
    context.state.update(stop=stop(2))
    assert tree.columnWidth(0) == before, "at the top names begin at the left, and the column is the user's"
    tree.node_at(("Globals", "x")).setExpanded(True)
    node = tree.node_at(("Globals", "x", "a_name_of_some_thirty_characters"))
    wide = tree.columnWidth(0)
    assert tree.visualItemRect(node).left() + tree.fontMetrics().horizontalAdvance(node.name) < wide < 450
    tree.node_at(("Globals", "x")).setExpanded(False)
    context.state.update(stop=stop(3))
    assert tree.columnWidth(0) == wide


def test_the_plus_begins_a_watch_also_while_a_value_is_written(qtbot, panel, context, link):
    panel.window().activateWindow()
    panel.tree.setFocus()
    qtbot.waitUntil(panel.tree.hasFocus)
    panel.tree.edit_cell(panel.tree.node_at(("Globals", "x")), 1)
    (editor,) = panel.tree.findChildren(QLineEdit)
    qtbot.waitUntil(editor.hasFocus)
    panel.add.click()  # the focus stays in the editor
    editor = QApplication.focusWidget()
    assert editor.accessibleName() == "Watch expression"
    qtbot.keyClicks(editor, "x.sum()")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.watches == ["x.sum()"])
    assert not link.moves  # nothing was changed
