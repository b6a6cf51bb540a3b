"""The Code panel: marks, breakpoints, hovering, elements, files that change."""

import pytest
from PyQt6.QtCore import QPoint, Qt

from gui.breakpoints import breakpoints_of
from gui.panels.code import CodePanel, value_tip
from gui.places import places_of
from gui.theme import Theme

SOURCE = "".join(f"value_{i} = {i}  # line {i}\n" for i in range(1, 201))


def stop(path, line, **more):
    body = {"reason": "step", "file": str(path), "line": line, "level": "line", "kind": "line", "live": True, "seq": line}
    return {**body, "position": [0, line, 0], "tensors": [], **more}


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def panel(qtbot, context, script):
    panel = CodePanel(context)
    qtbot.addWidget(panel)
    panel.resize(340, 400)
    context.state.update(program=str(script))
    panel.show()
    return panel


def test_shows_the_script_before_the_first_stop(panel):
    assert panel.view.toPlainText() == SOURCE
    assert panel.view.marks == ()


def test_marks_the_line_of_the_stop_in_the_phases_hue_and_the_origin(panel, context, script):
    context.state.update(stop=stop(script, 7, direction="backward", op="Linear", origin=[str(script), 5]))
    current, origin = panel.view.marks
    assert (current.line, current.solid) == (7, True)
    assert current.color == context.theme.phase["backward"]
    assert (origin.line, origin.solid) == (5, False)
    assert panel.head.subject.text() == "train.py:7 · op of line 5"


def test_keeps_its_scroll_while_the_line_can_be_seen(panel, context, script):
    bar = panel.view.verticalScrollBar()
    context.state.update(stop=stop(script, 100))
    place = bar.value()
    assert place <= 99 < place + panel.view.visible_lines()
    context.state.update(stop=stop(script, 103))
    assert bar.value() == place
    context.state.update(stop=stop(script, 3))
    assert bar.value() <= 2


def test_nothing_is_marked_while_the_script_runs(panel, context, script):
    context.state.update(stop=stop(script, 3))
    context.state.update(running=True)
    assert panel.view.marks == ()


def test_a_click_in_the_gutter_sets_and_removes_a_breakpoint(qtbot, panel, context, script, link):
    link.answers["setBreakpoints"] = lambda a: {
        "breakpoints": [{"id": 1, "verified": True, "line": b["line"]} for b in a["breakpoints"]]
    }
    place = QPoint(6, panel.view.line_rect(4).center().y())
    qtbot.mouseClick(panel.view.gutter, Qt.MouseButton.LeftButton, pos=place)
    assert link.moves[-1][1]["breakpoints"] == [{"line": 4}]
    assert panel.view.breakpoints[4]["verified"] is True
    qtbot.mouseClick(panel.view.gutter, Qt.MouseButton.LeftButton, pos=place)
    assert link.moves[-1][1]["breakpoints"] == []
    assert panel.view.breakpoints == {}


def test_f9_toggles_at_the_caret(qtbot, panel, context, script):
    panel.view.set_caret(9)
    qtbot.keyClick(panel.view, Qt.Key.Key_F9)
    assert [entry["line"] for entry in breakpoints_of(context).lines(str(script))] == [9]


def test_a_breakpoint_moves_to_the_line_that_carries_code(panel, context, script, link):
    link.answers["setBreakpoints"] = {"breakpoints": [{"id": 1, "verified": True, "line": 6, "message": "moved to line 6"}]}
    breakpoints_of(context).toggle(str(script), 2)
    assert list(panel.view.breakpoints) == [6]


def test_the_editor_writes_condition_hit_count_and_message(qtbot, panel, context, script, link):
    editor = panel.edit_breakpoint(5, QPoint(0, 0), "condition")
    editor.fields["condition"].setText("loss > 2")
    editor.fields["hitCondition"].setText("% 10")
    editor.accept()
    assert link.moves[-1][1]["breakpoints"] == [{"line": 5, "condition": "loss > 2", "hitCondition": "% 10"}]


def test_one_that_is_switched_off_is_not_sent_but_stays(panel, context, script, link):
    points = breakpoints_of(context)
    points.toggle(str(script), 5)
    points.change_line(str(script), 5, enabled=False)
    assert link.moves[-1][1]["breakpoints"] == []
    assert panel.view.breakpoints[5]["enabled"] is False


def test_hovering_evaluates_the_name_under_the_mouse(panel, context, script, link):
    context.state.update(stop=stop(script, 3))
    link.answers["evaluate"] = {"result": "3", "type": "int", "variablesReference": 0}
    rect = panel.view.line_rect(3)
    found = panel.view.expression_at(QPoint(rect.left() + 30, rect.center().y()))
    assert found == ("value_3", 3)
    panel.view.hovered.emit(*found, QPoint(0, 0))
    assert link.asked[-1][1:] == ("evaluate", {"expression": "value_3", "context": "hover", "frameId": 0})


def test_the_tooltip_says_shape_value_and_range():
    tensor = {"shape": [2, 2], "dtype": "float32", "count": 4, "min": -0.2, "max": 0.9, "mean": 0.5, "std": 0.4, "nans": 1}
    text = value_tip("x", {"result": "float32 (2, 2) [0.9, <b>]", "tensor": tensor}, Theme())
    assert "2 × 2" in text and "min -0.2000" in text and "1 NaN" in text and "&lt;b&gt;" in text


def test_an_element_shows_its_definition_and_its_variables(panel, context, script, link):
    link.answers["elementSteps"] = {"source": [[43, "def f(dy, x):"], [44, "    total = 0.0"], [45, "    return total"]]}
    element = {
        "step": 1, "steps": 3, "truncated": False, "function": "f", "line": 45, "file": "linear.py", "ends": False,
        "locals": {"x": {"array": "x", "shape": [2, 2]}, "total": 1.5}, "accumulator": "total", "partial": 1.5,
        "new_reads": [{"text": "x[0, 1]", "value": -0.2}],
    }  # fmt: skip
    more = {"level": "element", "element": element, "tensor": "dw", "index": [1, 1], "direction": "backward", "op": "Linear"}
    context.state.update(stop=stop(script, 3, **more))
    assert panel.pages.currentWidget() is panel.element
    assert panel.element.code.toPlainText().startswith("def f")
    assert panel.element.code.marks[0].line == 45
    rows = [panel.element.table.item(i, 0).text() for i in range(panel.element.table.rowCount())]
    assert rows == ["total", "reads x[0, 1]", "x"]
    assert panel.element.table.item(0, 1).text() == "1.500"
    context.state.update(stop=stop(script, 4))
    assert panel.pages.currentWidget() is panel.view


def test_notes_that_the_file_has_changed_and_reads_it_when_a_run_begins(panel, context, script):
    context.state.update(stop=stop(script, 3))
    script.write_text("other = 1\n")
    panel._watcher.fileChanged.emit(str(script))
    assert panel.note.isVisible() and "train.py has been changed on disk" in panel.note.text()
    assert panel.view.toPlainText() == SOURCE
    context.state.update(stop=stop(script, 1, reason="entry"))
    assert panel.view.toPlainText() == "other = 1\n"
    assert not panel.note.isVisible()


def test_each_file_keeps_its_scroll(panel, context, script, tmp_path):
    other = tmp_path / "model.py"
    other.write_text(SOURCE)
    context.state.update(stop=stop(script, 100))
    place = panel.view.verticalScrollBar().value()
    context.state.update(stop=stop(other, 2))
    assert panel.files.isVisible() and panel.files.currentText() == "model.py"
    context.state.update(stop=stop(script, 101))
    assert panel.view.verticalScrollBar().value() == place


def test_a_text_that_is_not_here_is_asked_for(panel, context, link):
    link.answers["source"] = {"content": "remote = 1\n"}
    context.state.update(stop=stop("/nowhere/else.py", 1))
    assert panel.view.toPlainText() == "remote = 1\n"
    assert panel.view.marks[0].line == 1


def test_other_panels_can_have_a_line_shown(panel, context, script):
    places_of(context).show_line(str(script), 150)
    assert panel.view.caret_line() == 150


def test_a_real_session(qtbot, two_points, step):
    panel = CodePanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(340, 400)
    panel.show()
    path = two_points.state.stop["file"]
    two_points.state.update(program=path)
    breakpoints_of(two_points).toggle(path, 62)
    stop = step(two_points, "continue")
    assert stop["line"] == 62
    assert panel.view.marks[0].line == 62
    assert panel.view.breakpoints[62]["verified"] is True
    qtbot.waitUntil(lambda: panel._breakpoints.at(path, 62).get("hits") == 1)
    assert two_points.troubles == []
