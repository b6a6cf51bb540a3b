"""The Code panel: marks, breakpoints, hovering, elements, files that change."""

import base64
import re

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QContextMenuEvent, QFontMetricsF, QHelpEvent, QImage
from PyQt6.QtWidgets import QApplication

from engine.debug.views.arrays import view
from gui.breakpoints import breakpoints_of
from gui.panels.code import CodePanel
from gui.panels.code_tips import thumbnail, thumbnail_plan, value_tip
from gui.places import places_of
from gui.theme import Theme
from gui.widgets.code_sides import Cuts

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


def test_while_the_script_runs_it_says_how_to_see_the_line(panel, context, script, tmp_path):
    other = tmp_path / "other.py"
    other.write_text("a = 1\n")
    context.state.update(stop=stop(other, 1))
    context.state.update(stop=stop(script, 3))
    context.state.update(running=True)
    assert "pause (F6)" in panel.head.subject.text() and ":3" not in panel.head.subject.text()
    # Another file, and this one again, show no line as the one that runs.
    for place in range(panel.files.count()):
        panel.files.setCurrentIndex(place)
        panel._file_chosen(place)
        assert panel.view.marks == () and "pause (F6)" in panel.head.subject.text()
    context.state.update(running=False, stop=stop(script, 5))
    assert [mark.line for mark in panel.view.marks] == [5] and "5" in panel.head.subject.text()


def test_a_panel_first_seen_while_the_script_runs_shows_the_script(qtbot, context, script):
    context.state.update(program=str(script), stop=stop(script, 3))
    context.state.update(running=True)
    panel = CodePanel(context)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.view.toPlainText() == SOURCE and panel.view.marks == ()
    assert "pause (F6)" in panel.head.subject.text()


def test_the_menu_of_a_line_in_the_gutter_is_the_only_one(panel):
    wanted, others = [], []
    panel.view.line_menu_wanted.disconnect()
    panel.view.line_menu_wanted.connect(lambda line, _place: wanted.append(line))
    panel.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    panel.customContextMenuRequested.connect(others.append)
    gutter, height = panel.view.gutter, panel.view.blockBoundingRect(panel.view.firstVisibleBlock()).height()
    place = QPoint(6, round(height * 2.5))
    QApplication.sendEvent(
        gutter, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, gutter.mapToGlobal(place))
    )
    assert wanted == [3] and not others


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


def test_what_is_said_of_a_name_goes_when_the_mouse_leaves_it(panel, context, script, link, qtbot, monkeypatch):
    shown = []
    monkeypatch.setattr("gui.panels.code.QToolTip.showText", lambda place, text, widget: shown.append(text))
    monkeypatch.setattr("gui.panels.code.QToolTip.hideText", lambda: shown.append("hidden"))
    context.state.update(stop=stop(script, 3))
    link.answers["evaluate"] = {"result": "3", "type": "int", "variablesReference": 0}
    view, rect = panel.view, panel.view.line_rect(3)
    name = QPoint(rect.left() + 30, rect.center().y())

    def point(place):
        QApplication.sendEvent(view.viewport(), QHelpEvent(QEvent.Type.ToolTip, place, view.viewport().mapToGlobal(place)))

    point(name)
    assert "value_3" in shown[-1]
    qtbot.mouseMove(view.viewport(), name + QPoint(8, 0))
    assert "value_3" in shown[-1]  # still the same name
    point(name + QPoint(8, 0))
    assert "hidden" not in shown  # Qt asks again and again while the mouse rests: the tip would go and come
    qtbot.mouseMove(view.viewport(), QPoint(name.x(), panel.view.line_rect(5).center().y()))
    assert shown[-1] == "hidden"
    link.hold = True
    point(name)
    qtbot.mouseMove(view.viewport(), QPoint(name.x(), panel.view.line_rect(6).center().y()))
    shown.clear()
    link.deliver()  # too late
    assert not shown


def test_a_name_without_a_value_is_said_to_have_none(panel, context, script, link, monkeypatch):
    shown = []
    monkeypatch.setattr("gui.panels.code.QToolTip.showText", lambda place, text, widget: shown.append(text))
    context.state.update(stop=stop(script, 3))
    link.answers["evaluate"] = ValueError("NameError: name 'loss' is not defined")
    panel.view.hovered.emit("loss", 3, QPoint(0, 0))
    assert "<b>loss</b>" in shown[-1] and "has no value yet, or is not known here" in shown[-1]
    link.answers["evaluate"] = ValueError("x: of the past only the event's arrays are kept")
    panel.view.hovered.emit("x", 3, QPoint(0, 0))
    assert "<b>x</b>" in shown[-1] and ">of the past only" in shown[-1]


def test_the_tooltip_says_shape_value_and_range():
    tensor = {"shape": [2, 2], "dtype": "float32", "count": 4, "min": -0.2, "max": 0.9, "mean": 0.5, "std": 0.4, "nans": 1}
    text = value_tip("x", {"result": "float32 (2, 2) [0.9, <b>]", "tensor": tensor}, Theme())
    assert "2 × 2" in text and "min&nbsp;-0.2000" in text and "1 NaN" in text and "&lt;b&gt;" in text


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
    assert "line " in panel.head.subject.text() and "step" not in panel.head.subject.text()
    assert panel.element.code.marks[0].line == 45
    rows = [panel.element.table.item(i, 0).text() for i in range(panel.element.table.rowCount())]
    assert rows == ["total", "reads x[0, 1]", "x"]
    assert panel.element.table.item(0, 1).text() == "1.500"
    context.state.update(stop=stop(script, 4))
    assert panel.pages.currentWidget() is panel.view


def test_while_an_element_of_a_gpu_is_stepped_the_head_says_its_thread(panel, context, script, link):
    link.answers["elementSteps"] = {"source": [[43, "def f(x, w):"], [44, "    return x"]]}
    launch = {
        "kernel": "naive", "threadIdx": [3, 5, 0], "blockIdx": [1, 0, 0], "blockDim": [16, 16, 1], "gridDim": [2, 1, 1],
        "index": [0, 5, 19], "shape": [1, 10, 30],
    }  # fmt: skip
    element = {"step": 0, "steps": 2, "function": "f", "line": 44, "file": "linear.py", "ends": False, "locals": {}}
    more = {"level": "element", "tensor": "y", "index": [5, 19], "direction": "forward", "op": "Linear"}
    for told in (launch, None):
        context.state.update(stop=stop(script, 3, element={**element, "launch": told}, **more))
        assert ("thread (3, 5) of block (1, 0)" in panel.head.subject.text()) == (told is launch)


def test_between_an_element_and_its_helper_one_line_is_empty(panel, context, script, link):
    """Both are in sight, with the numbers that they have in their file."""
    helper = [[10, "def logistic(x):"], [11, "    return 1.0 / (1.0 + exp(-x))"]]
    source = [*helper, [203, "def f(x, i):"], [204, "    return logistic(x[i])"]]
    link.answers["elementSteps"] = {"source": source}
    element = {"step": 0, "steps": 6, "function": "f", "line": 204, "file": "a.py", "ends": False, "locals": {}}
    more = {"level": "element", "element": element, "tensor": "y", "index": [1], "direction": "forward", "op": "Sigmoid"}
    context.state.update(stop=stop(script, 3, **more))
    code = panel.element.code
    assert code.toPlainText().split("\n") == [*(text for _, text in helper), "", *(text for _, text in source[2:])]
    assert [code.line_of(block) for block in range(5)] == [10, 11, 0, 203, 204]
    marked, first = code.line_rect(204), code.line_rect(10)
    assert marked.top() > first.top() and code.rect().contains(marked.center()) and code.line_at(marked.center().y()) == 204
    context.state.update(stop=stop(script, 3, **{**more, "element": {**element, "line": 11}}))
    assert code.marks[0].line == 11 and code.line_rect(99).isEmpty()
    code.grab()


def test_notes_that_the_file_has_changed_and_reads_it_when_a_run_begins(panel, context, script):
    context.state.update(stop=stop(script, 3))
    script.write_text("other = 1\n")
    panel._files._watcher.fileChanged.emit(str(script))
    assert panel.note.isVisible() and "train.py has been changed on disk" in panel.note.text()
    assert panel.view.toPlainText() == SOURCE
    context.state.update(stop=stop(script, 1, reason="entry"))
    assert panel.view.toPlainText() == "other = 1\n"
    assert not panel.note.isVisible()


def test_a_file_that_was_deleted_is_not_offered_for_a_restart(panel, context, script):
    context.state.update(stop=stop(script, 3))
    text = script.read_text()
    script.unlink()
    panel._files._watcher.fileChanged.emit(str(script))
    assert "train.py is not on disk any more" in panel.note.text() and "href" not in panel.note.text()
    assert panel.view.toPlainText() == SOURCE
    script.write_text(text)  # it is back, as it was
    panel._files._watcher.directoryChanged.emit(str(script.parent))
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


def test_finds_a_text_and_goes_round(qtbot, panel, context):
    context.action("find").trigger()
    assert panel.search.isVisible() and panel.search.field.hasFocus()
    qtbot.keyClicks(panel.search.field, "line 12")
    assert panel.view.textCursor().selectedText() == "line 12" and panel.view.caret_line() == 12
    assert panel.search.count.text() == "1 of 11"  # 12 and 120 to 129
    lines = []
    for key, modifier in ((Qt.Key.Key_Return, None), (Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)):
        qtbot.keyClick(panel.search.field, key, modifier or Qt.KeyboardModifier.NoModifier)
        lines.append((panel.view.caret_line(), panel.search.count.text()))
    context.action("find_previous").trigger()
    lines.append((panel.view.caret_line(), panel.search.count.text()))
    context.action("find_next").trigger()
    lines.append((panel.view.caret_line(), panel.search.count.text()))
    assert lines == [(120, "2 of 11"), (12, "1 of 11"), (129, "11 of 11"), (12, "1 of 11")]
    panel.search.field.setText("nowhere")
    assert panel.search.count.text() == "not found" and not panel.view.extraSelections()
    qtbot.keyClick(panel.search.field, Qt.Key.Key_Escape)
    assert not panel.search.isVisible() and panel.view.hasFocus()


def test_goes_to_a_line(qtbot, panel, context):
    context.action("go_to_line").trigger()
    qtbot.keyClicks(panel.search.field, "150")
    first = panel.view.firstVisibleBlock().blockNumber() + 1
    assert panel.view.caret_line() == 150 and first <= 150 < first + panel.view.visible_lines()
    panel.search.field.setText(":900")
    assert panel.search.count.text() == "lines 1 to 201" and panel.view.caret_line() == 150
    qtbot.keyClick(panel.search.field, Qt.Key.Key_Return)
    assert not panel.search.isVisible()


def test_the_code_of_the_current_line_is_scrolled_to(qtbot, context, tmp_path):
    path = tmp_path / "deep.py"
    deep = " " * 48 + "x = first(second(third))  # " + "a long comment " * 20
    path.write_text("begin = 1\n" + deep + "\n" + " " * 48 + "y = " + "f(" * 100 + "\nend = 2\n")
    panel = CodePanel(context)
    qtbot.addWidget(panel)
    panel.resize(340, 400)
    context.state.update(program=str(path))
    panel.show()
    view = panel.view
    bar, char = view.horizontalScrollBar(), view.fontMetrics().horizontalAdvance("m")
    room = view.viewport().width()
    assert 28 < room / char < 24 + 20  # indentation has half its width, and what has to be seen does not fit beside it
    for line, begin, end in ((1, 0, 9), (2, 24, 44), (3, 24, 44), (4, 0, 7)):
        context.state.update(stop=stop(path, line))
        assert bar.value() <= begin * char and (end * char <= bar.value() + room)
        assert (bar.value() > 0) == (begin > 0)
    assert bar.value() == 0


def test_lines_are_seen_from_their_beginning(qtbot, context, tmp_path):
    path = tmp_path / "method.py"
    body = "        short = 1\n        " + "x = f(" + "a" * 24 + ")\n        " + "y = f(" + "a" * 90 + ")\n"
    path.write_text("class A:\n    def method(self):\n" + body)
    panel = CodePanel(context)
    qtbot.addWidget(panel)
    context.state.update(program=str(path))
    panel.show()
    view, bar = panel.view, panel.view.horizontalScrollBar()
    char = view.fontMetrics().horizontalAdvance("m")
    for characters in (60, 38, 18):
        panel.resize(view.gutter.width() + characters * char, 400)
        for line in (3, 4, 5):
            context.state.update(stop=stop(path, line))
            assert bar.value() == 0, (characters, line)
    assert bar.maximum() > 0


def test_indentation_is_drawn_narrower_where_there_is_little_room(panel, context, tmp_path):
    path = tmp_path / "method.py"
    path.write_text("if a:\n    if b:\n        c = a + b\n")
    context.state.update(stop=stop(path, 3))
    view = panel.view
    char, document = QFontMetricsF(view.font()).horizontalAdvance("m"), view.document()
    margin = document.documentMargin()

    def begins(line):  # where its code does, in characters
        block = document.findBlockByNumber(line - 1)
        view.line_rect(line)  # lays it out
        text = block.text()
        return (block.layout().lineAt(0).cursorToX(len(text) - len(text.lstrip()))[0] - margin) / char

    for characters, level in ((60, 4), (36, 2), (20, 1), (60, 4)):
        panel.resize(view.gutter.width() + round(characters * char), 400)
        assert [round(begins(line), 1) for line in (1, 2, 3)] == [0, level, 2 * level]
        # A name is found where it is drawn.
        rect = view.line_rect(3)
        x = round(margin + (begins(3) + 4.5) * char)
        assert view.expression_at(QPoint(x, rect.center().y())) == ("a", 3)


def test_code_that_is_left_no_room_at_all(panel, context, tmp_path):
    path = tmp_path / "long.py"
    path.write_text("if a:\n" + "    b\n" * 2000)
    context.state.update(stop=stop(path, 2))
    panel.view.setMinimumSize(1, 1)
    panel.view.resize(panel.view.gutter.width() // 2, 200)
    assert panel.view.highlighter.indent == 0.25


def test_an_ellipsis_stands_where_a_line_is_cut(panel, context, tmp_path):
    path = tmp_path / "long.py"
    path.write_text("a\n" + "b" * 200 + "\nc\n")
    context.state.update(stop=stop(path, 1))
    view = panel.view
    char, bar = QFontMetricsF(view.font()).horizontalAdvance("m"), view.horizontalScrollBar()
    width, margin = view.viewport().width(), view.document().documentMargin()

    class Pen:  # what is written, by the line that it stands on
        def __init__(self):
            self.boxes = []

        def drawText(self, box, flags, text):
            assert text == "…"
            self.boxes.append((view.line_at(round(box.center().y())), box.left(), box.right()))

        def ignore(self, *arguments):
            pass

        setFont = fillRect = setPen = ignore

    cuts = Cuts(view)

    def boxes():
        pen = Pen()
        cuts.paint(pen, view.viewport().rect())
        return pen.boxes

    ((line, left, right),) = boxes()
    assert (line, right) == (2, width) and width - 2 * char <= left <= width - char
    letters = (left - margin) / char
    assert abs(letters - round(letters)) < 0.02  # over whole letters
    bar.setValue(round(10.5 * char))
    (_, *at_left), (_, *at_right) = boxes()
    assert at_left[0] == 0 and char <= at_left[1] < 2 * char and at_right[1] == width
    bar.setValue(bar.maximum())
    assert [(line, left) for line, left, _ in boxes()] == [(2, 0)]
    # And it is painted: at the right of the long line, and where the view is scrolled, at the left.
    plain = view.theme.panel.rgb()
    image = view.viewport().grab().toImage()
    rect = view.line_rect(2)
    left = range(round(boxes()[0][2]))
    assert any(image.pixel(x, y) != plain for x in left for y in range(rect.center().y(), rect.bottom()))
    assert all(image.pixel(x, y) == plain for x in left for y in range(rect.top(), rect.center().y() - 1))


def test_a_line_of_which_only_a_part_can_be_seen_is_left_out(panel, context, script):
    context.state.update(stop=stop(script, 3))
    view, plain = panel.view, panel.view.theme.panel.rgb()
    line = view.line_rect(3).height()

    def last_lines():  # whether the gutter and the view have ink in the lowest whole line, and below it
        shown = view.visible_lines()
        rect = view.line_rect(view.firstVisibleBlock().blockNumber() + shown + 1)
        found = []
        for widget in (view.viewport(), view.gutter):
            image = widget.grab().toImage()
            begin = min(rect.top(), image.height())
            parts = range(begin - line, begin), range(begin, image.height())
            found.append([any(image.pixel(x, y) != plain for x in range(image.width() - 8) for y in rows) for rows in parts])
        return found

    for extra in (line // 2, line - 2):
        panel.resize(340, 400)
        panel.resize(340, 400 + (extra - view.viewport().height()) % line)
        assert view.viewport().height() % line == extra
        assert last_lines() == [[True, False], [True, False]]
        view.verticalScrollBar().setValue(view.verticalScrollBar().value() + 3)
        assert last_lines() == [[True, False], [True, False]]
    assert view.gutter.height() == view.viewport().height()


def test_the_current_line_stays_in_sight_where_there_is_less_room(panel, context, script):
    context.state.update(stop=stop(script, 12))
    bar = panel.view.verticalScrollBar()
    assert bar.value() == 0 and panel.view.visible_lines() > 12
    panel.resize(340, 200)
    assert 0 < panel.view.visible_lines() < 12
    assert 0 <= panel.view.line_rect(12).top() < panel.view.line_rect(12).bottom() < panel.view.viewport().height()
    bar.setValue(120)  # where another place is looked at, it is left alone
    panel.resize(340, 150)
    assert bar.value() == 120


def test_hovering_a_tensor_shows_a_thumbnail(panel, context, script, link, monkeypatch):
    shown = []
    monkeypatch.setattr("gui.panels.code.QToolTip.showText", lambda place, text, widget: shown.append(text))
    context.state.update(stop=stop(script, 3))
    data = np.arange(64 * 3 * 8 * 8, dtype="f4").reshape(64, 3, 8, 8)
    link.answers["evaluate"] = {
        "result": "float32 (64, 3, 8, 8) [...]", "type": "Tensor",
        "tensor": {"shape": [64, 3, 8, 8], "dtype": "float32", "count": data.size, "min": 0.0, "max": 5.0},
    }  # fmt: skip
    link.answers["tensor"] = lambda a: view(data, a["slice"], a["maxShape"])
    panel.view.hovered.emit("x", 3, QPoint(0, 0))
    assert link.asked[-1][2]["slice"] == [0, [0, 3, 1], [0, 8, 1], [0, 8, 1]]  # the first sample, all its channels
    encoded = re.search(r'src="data:image/png;base64,([^"]+)"', shown[-1])
    picture = QImage.fromData(base64.b64decode(encoded[1]))
    assert not picture.isNull() and picture.width() <= 216 and picture.height() <= 120
    assert "64 × 3 × 8 × 8" in shown[-1] and "max&nbsp;5.000" in shown[-1]
    assert "[0] of 64" in shown[-1]
    # Two tiles beside each other and one below, whose last number is the largest: numbers grow from 0 (white) on.
    across, down = picture.width() // 2 - 1, picture.height() - 1
    assert picture.pixelColor(across, down).saturation() > picture.pixelColor(across, 0).saturation() > 0
    assert picture.pixelColor(picture.width() - 1, down) == picture.pixelColor(0, 0) == context.theme.panel
    # The script has gone on between the two answers, and the name is another tensor's.
    count, link.answers["tensor"] = len(shown), lambda a: {**view(data[0, 0], [], a["maxShape"]), "shape": [8, 8]}
    panel.view.hovered.emit("x", 3, QPoint(0, 0))
    assert len(shown) == count
    link.answers["tensor"] = None  # refused: what is known is shown
    panel.view.hovered.emit("x", 3, QPoint(0, 0))
    assert "img" not in shown[-1] and "max&nbsp;5.000" in shown[-1]


def test_the_range_of_whole_numbers_is_whole():
    tensor = {"shape": [64], "dtype": "int64", "count": 64, "min": 0.0, "max": 9.0, "mean": 4.5}
    text = value_tip("labels", {"result": "int64 (64,) [9, 8]", "tensor": tensor}, Theme())
    assert "max&nbsp;9 ·" in text and "mean&nbsp;4.500" in text


def test_the_thumbnail_of_a_long_matrix_is_no_line_and_says_what_is_left_out():
    def picture(shape):
        plan = thumbnail_plan(shape)
        data = np.ones(shape, "f4")
        arguments = plan.arguments({})
        text = thumbnail(plan, view(data, arguments["slice"], arguments["maxShape"]), Theme())
        encoded = re.search(r'src="data:image/png;base64,([^"]+)"', text)
        return QImage.fromData(base64.b64decode(encoded[1])).size(), text

    size, text = picture((64, 10))
    assert (size.width(), size.height()) == (40, 64) and "of" not in text.partition(">")[2]
    assert picture((1, 32, 8, 8))[1].endswith("[0] of 1, 16 of 32 maps</span>")


def test_what_has_no_picture():
    assert all(thumbnail_plan(shape) is None for shape in ((), (1,), (0, 4), (1, 1)))
    assert thumbnail_plan((5,)).cut.selected == (5,) and thumbnail_plan((2, 3, 4, 5, 6)).cut.selected == (4, 5, 6)


def test_another_script_offers_no_files_of_the_one_before(panel, context, script, tmp_path):
    for name in ("helper.py", "other.py"):
        (tmp_path / name).write_text(SOURCE)
    context.state.update(stop=stop(tmp_path / "helper.py", 3))
    assert panel.files.count() == 2 and not panel.files.isHidden()
    context.state.update(stop=None, program=str(tmp_path / "other.py"))
    context.state.update(stop=stop(tmp_path / "other.py", 1))
    assert [panel.files.itemText(i) for i in range(panel.files.count())] == ["other.py"] and panel.files.isHidden()
    assert panel.head.subject.text() == "other.py:1"
