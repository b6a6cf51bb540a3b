"""The Breakpoints panel, its form, and the table of watchpoints."""

import pytest
from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QFontMetrics

from engine.debug.protocol import EXCEPTION_FILTERS
from gui.breakpoints import breakpoints_of
from gui.panels.breakpoints import BreakpointsPanel
from gui.theme import Theme
from gui.watch_kinds import WATCH_KINDS, watch_sentence
from gui.widgets.breakpoint_form import brief, sentence
from gui.widgets.breakpoint_list import BreakpointList, Row
from gui.widgets.code_view import source_font
from tests.gui.conftest import at_rest


def answer(arguments):
    told = [{"id": i + 1, "verified": b.get("op") != "Nope"} for i, b in enumerate(arguments["breakpoints"])]
    return {"breakpoints": [{**t, "message": "no op is called 'Nope'"} if not t["verified"] else t for t in told]}


@pytest.fixture
def panel(qtbot, context, link):
    for command in ("setBreakpoints", "setOpBreakpoints", "setModuleBreakpoints", "setWatchpoints"):
        link.answers[command] = answer
    panel = BreakpointsPanel(context)
    qtbot.addWidget(panel)
    panel.resize(340, 300)
    panel.show()
    return panel


#: What is always in the list.
BOXES = ["Raised exceptions", "Uncaught exceptions", "NaN or infinity in any tensor"]


def texts(panel):
    return [panel.tree.topLevelItem(i).text(0) for i in range(panel.tree.topLevelItemCount())]


def checked(panel):
    items = [panel.tree.topLevelItem(i) for i in range(panel.tree.topLevelItemCount())]
    return [item.checkState(0) == Qt.CheckState.Checked for item in items]


def fill(panel):
    points = breakpoints_of(panel.context)
    points.change_line("/s/train.py", 61, condition="loss > 2", hitCondition="% 10")
    points.toggle("/s/train.py", 12)
    points.add("op", {"op": "Linear", "direction": "backward"})
    points.add("op", {"op": "Nope"})
    points.add("watch", {"kind": "gradient-norm-above", "tensor": "*.weight", "threshold": 3.0})
    return points


def test_is_empty_at_first_and_says_how_to_begin(panel):
    assert texts(panel) == BOXES and checked(panel) == [False, True, False]
    assert panel.hint.isVisible() and panel.hint.text() == panel.empty_text and panel.head.subject.text() == ""
    fill(panel)
    assert not panel.hint.isVisible()


def test_lists_all_kinds_and_what_is_wrong(panel):
    fill(panel)
    assert texts(panel) == [
        "train.py:12", "train.py:61   if loss > 2 · hit % 10", "Linear backward", "Nope\nno op is called 'Nope'",
        "gradient norm of *.weight exceeds 3", *BOXES,
    ]  # fmt: skip


def test_a_box_switches_off_and_on(panel, link, until):
    fill(panel)
    panel.tree.topLevelItem(2).setCheckState(0, Qt.CheckState.Unchecked)
    until(lambda: link.moves[-1][1]["breakpoints"][0] == {"op": "Nope"})
    assert link.moves[-1] == ("setOpBreakpoints", {"breakpoints": [{"op": "Nope"}]})
    assert panel.tree.topLevelItem(2).checkState(0) == Qt.CheckState.Unchecked
    panel.tree.topLevelItem(2).setCheckState(0, Qt.CheckState.Checked)
    until(lambda: len(link.moves[-1][1]["breakpoints"]) == 2)
    assert link.moves[-1][1]["breakpoints"] == [{"op": "Linear", "direction": "backward"}, {"op": "Nope"}]


def test_delete_removes(qtbot, panel, context, link):
    fill(panel)
    panel.tree.setCurrentItem(panel.tree.topLevelItem(4))
    qtbot.keyClick(panel.tree, Qt.Key.Key_Delete)
    assert context.state.watchpoints == [] and link.moves[-1] == ("setWatchpoints", {"breakpoints": []})
    panel.remove_all()
    assert texts(panel) == BOXES and context.state.breakpoints == {}


def test_the_boxes_for_exceptions(qtbot, panel, link, until):
    def sent():
        return [arguments["filters"] for command, arguments in link.moves if command == "setExceptionBreakpoints"]

    panel.tree.topLevelItem(0).setCheckState(0, Qt.CheckState.Checked)
    until(lambda: sent() == [["raised", "uncaught"]])
    panel.tree.setCurrentItem(panel.tree.topLevelItem(1))
    qtbot.keyClick(panel.tree, Qt.Key.Key_Return)
    until(lambda: sent()[1:] == [["raised"]])
    assert checked(panel) == [True, False, False] and panel.tree.currentItem().text(0) == BOXES[1]
    assert panel.head.subject.text() == ""
    # As at first: none but those that end the script.
    panel.remove_all()
    assert checked(panel) == [False, True, False] and sent()[2:] == [["uncaught"]]
    qtbot.keyClick(panel.tree, Qt.Key.Key_Delete)
    panel.remove_all()
    assert sent()[3:] == [[], ["uncaught"]]
    assert len(panel.menu(panel.rows()[0][0]).actions()) == 1


def test_the_box_for_nan_is_the_watchpoint_and_there_is_but_one(qtbot, panel, context, link, until):
    panel.tree.setCurrentItem(panel.tree.topLevelItem(2))
    qtbot.keyClick(panel.tree, Qt.Key.Key_Return)
    until(lambda: context.state.watchpoints != [])
    assert link.moves[-1] == ("setWatchpoints", {"breakpoints": [{"kind": "nan-inf"}]})
    assert texts(panel) == BOXES and checked(panel) == [False, True, True] and panel.head.subject.text() == "1 set"
    assert panel.tree.currentItem().text(0) == BOXES[2]
    # Once more by the form: it is the same one.
    panel.open_form("watch")
    panel.form.accept()
    assert texts(panel) == BOXES and link.moves[-1][1] == {"breakpoints": [{"kind": "nan-inf"}]}
    # Switched off by its box, it is switched on by the form.
    panel.tree.topLevelItem(2).setCheckState(0, Qt.CheckState.Unchecked)
    until(lambda: link.moves[-1][1] == {"breakpoints": []})
    assert texts(panel) == BOXES and checked(panel)[2] is False
    panel.open_form("watch")
    panel.form.accept()
    assert link.moves[-1][1] == {"breakpoints": [{"kind": "nan-inf"}]} and len(context.state.watchpoints) == 1
    # One with a condition is another.
    breakpoints_of(context).add("watch", {"kind": "nan-inf", "condition": "step > 3"})
    assert texts(panel) == ["NaN or infinity in any tensor   if step > 3", *BOXES] and len(context.state.watchpoints) == 2
    qtbot.keyClick(panel.tree, Qt.Key.Key_Delete)
    assert [entry.get("condition") for entry in context.state.watchpoints] == ["step > 3"] and texts(panel)[1:] == BOXES


def test_the_editor_changes_a_gate(panel, link):
    fill(panel)
    editor = panel.edit(panel.rows()[2][0], "hitCondition")
    editor.fields["hitCondition"].setText("5")
    editor.accept()
    assert link.moves[-1][1]["breakpoints"][0] == {"op": "Linear", "direction": "backward", "hitCondition": "5"}


def test_what_does_not_stop_is_said_once_and_why(panel, context, link):
    said = []
    context.said.connect(lambda text, severity: said.append((text, severity)))
    points = fill(panel)
    because = "no op is called 'Nope'"
    assert said == [(f"The breakpoint does not stop: {because}. Change or remove it.", "warning")]
    points.add("op", {"op": "Relu"})
    assert len(said) == 1
    link.answers["setBreakpoints"] = lambda a: {"breakpoints": [{"id": 1, "verified": False, "message": "no"}]}
    points.change_line("/s/other.py", 7, condition="step ==")
    assert said[1:] == [("The breakpoint (other.py, line 7) does not stop: no. Change or remove it.", "warning")]
    points.change_line("/s/other.py", 7, condition="step = 3")
    assert len(said) == 3  # changed, and wrong again


def test_what_was_said_of_a_breakpoint_is_unsaid_when_it_stops_or_is_gone(panel, context, link):
    said, unsaid = [], []
    context.said.connect(lambda _text, _severity, about: said.append(about))
    context.unsaid.connect(unsaid.append)
    points = fill(panel)
    link.answers["setBreakpoints"] = lambda a: {"breakpoints": [{"id": 1, "verified": False, "message": "no"}]}
    points.change_line("/s/other.py", 7, condition="step ==")
    assert len(said) == 2 and unsaid == []
    link.answers["setBreakpoints"] = lambda a: {"breakpoints": [{"id": 1, "verified": True} for _ in a["breakpoints"]]}
    points.change_line("/s/other.py", 7, condition="step == 3")
    assert unsaid == said[1:]
    points.set_entries("op", [])
    assert unsaid == [said[1], said[0]]
    link.answers["setBreakpoints"] = lambda a: {"breakpoints": [{"id": 1, "verified": False, "message": "no"}]}
    points.change_line("/s/other.py", 7, condition="step ==")
    context.state.update(program="/s/another.py")
    assert unsaid == [said[1], said[0], said[1]]


def test_the_editor_says_from_what_the_counters_count(panel, context):
    fill(panel)
    context.state.update(stop={"seq": 3, "position": [3], "live": True, "epoch": 1, "batch": 3, "step": 3})
    editor = panel.edit(panel.rows()[0][0])
    assert "epoch = 1, batch = 3, step = 3 (batch and step from 0)" in editor.counters.text()


def test_stops_are_counted_by_the_ids_of_the_process(panel, context):
    fill(panel)
    at = {"seq": 3, "position": [3], "live": True, "hitBreakpointIds": [1], "reason": "op breakpoint"}
    context.state.update(stop=at)
    context.state.update(stop={**at, "revision": 1})
    assert [panel.tree.topLevelItem(i).text(1) for i in range(4)] == ["", "", "1", ""]
    context.state.update(stop={**at, "seq": 9, "position": [9]})
    assert panel.tree.topLevelItem(2).text(1) == "2"


def test_the_form_makes_an_op_breakpoint(panel, link):
    panel.open_form("op")
    panel.form.op.setText("Conv*")
    panel.form.direction.setCurrentText("backward")
    assert panel.form.sentence.text() == "Stops after the backward of Conv*."
    panel.form.accept()
    assert link.moves[-1] == ("setOpBreakpoints", {"breakpoints": [{"op": "Conv*", "direction": "backward"}]})
    assert not panel.form.isVisible()


def test_the_form_is_empty_when_it_is_opened_again(panel):
    panel.open_form("op")
    panel.form.op.setText("Conv*")
    panel.form.direction.setCurrentText("backward")
    panel.form.accept()
    panel.open_form("op")
    assert panel.form.entry() == {} and panel.form.sentence.text() == "Stops after any op."


def test_return_in_a_field_of_the_form_adds_it_once(panel, context, link, qtbot):
    said = []
    context.said.connect(lambda text, _severity: said.append(text))
    panel.open_form("watch")
    assert panel.form.sentence.text() == "Stops when there is NaN or infinity in any tensor."
    panel.form.watch.setCurrentIndex(panel.form.watch.findData("gradient-norm-above"))
    qtbot.keyClicks(panel.form.tensor, "fc.weight")
    qtbot.keyClick(panel.form.tensor, Qt.Key.Key_Return)
    assert not panel.form.isVisible() and said == []
    assert [move for move in link.moves if move[0] == "setWatchpoints"] == [
        ("setWatchpoints", {"breakpoints": [{"kind": "gradient-norm-above", "tensor": "fc.weight", "threshold": 10.0}]})
    ]


def test_return_in_a_choice_of_the_form_adds_and_on_cancel_does_not(panel, link, qtbot):
    panel.open_form("watch")
    panel.form.cancel.setFocus()
    qtbot.keyClick(panel.form.cancel, Qt.Key.Key_Return)
    assert not panel.form.isVisible() and not [move for move in link.moves if move[0] == "setWatchpoints"]
    panel.open_form("watch")
    qtbot.keyClick(panel.form.watch, Qt.Key.Key_Return)
    assert not panel.form.isVisible()
    assert link.moves[-1] == ("setWatchpoints", {"breakpoints": [{"kind": "nan-inf"}]})


def test_the_form_asks_only_for_what_a_kind_takes(panel, link):
    panel.open_form("watch")
    form = panel.form
    form.watch.setCurrentIndex(form.watch.findData("nan-inf"))
    assert not form.threshold.isVisible() and form.tensor.isVisible()
    form.watch.setCurrentIndex(form.watch.findData("weight-crosses"))
    assert form.index.isVisible() and form.threshold.isVisible()
    form.tensor.setText("fc.weight")
    form.index.setText("0, x")
    form.accept()
    assert "must be a whole number" in form.sentence.text() and form.isVisible()
    form.index.setText("0, 3")
    form.accept()
    wanted = {"kind": "weight-crosses", "tensor": "fc.weight", "threshold": 0.0, "index": [0, 3]}
    assert link.moves[-1] == ("setWatchpoints", {"breakpoints": [wanted]})


@pytest.mark.parametrize(("kind", "fields", "wrong"), [
    ("weight-crosses", {"tensor": "", "index": "0"}, "needs the tensor"),
    ("weight-crosses", {"tensor": "fc.weight", "index": ""}, "needs the tensor"),
    ("weight-crosses", {"tensor": "fc.weight", "index": "1.5"}, "index must be a whole number, not '1.5'"),
    ("weight-crosses", {"tensor": "fc.weight", "index": "inf"}, "index must be a whole number, not 'inf'"),
    ("loss-rise", {"over_steps": "2.5"}, "number of steps must be a whole number, not '2.5'"),
    ("max-above", {"threshold": "nan"}, "threshold must be a number, not 'nan'"),
])  # fmt: skip
def test_a_watchpoint_that_could_never_stop_is_not_added(panel, link, kind, fields, wrong):
    panel.open_form("watch")
    form = panel.form
    form.watch.setCurrentIndex(form.watch.findData(kind))
    for name, text in fields.items():
        getattr(form, name).setText(text)
    before = len(link.moves)
    form.accept()
    assert wrong in form.sentence.text() and form.isVisible() and len(link.moves) == before


def test_the_table_of_watchpoints_is_that_of_the_engine():
    from engine.debug.breakpoints.watchpoints import KINDS

    assert set(WATCH_KINDS) == set(KINDS)
    for name, kind in KINDS.items():
        ours = WATCH_KINDS[name]
        assert set(kind.needs) <= set(ours.parameters) <= {*kind.needs, *kind.takes}, name
        assert ours.threshold is None or kind.low <= ours.threshold <= kind.high, name


def test_every_kind_has_a_sentence():
    for name in WATCH_KINDS:
        text = watch_sentence({"kind": name, "tensor": "fc.weight", "threshold": 0.25, "index": [0, 3]})
        assert "{" not in text
    assert watch_sentence({"kind": "weight-crosses", "tensor": "w", "threshold": 1, "index": [0, 3]}) == "w[0, 3] crosses 1"


def test_a_real_session(qtbot, two_points, step, until):
    panel = BreakpointsPanel(two_points)
    qtbot.addWidget(panel)
    panel.show()
    points = breakpoints_of(two_points)
    points.add("op", {"op": "Nope"})
    points.add("op", {"op": "Linear", "direction": "backward"})
    until(lambda: points.ops[-1].get("verified"))
    assert points.ops[0]["verified"] is False
    assert step(two_points, "continue")["reason"] == "op breakpoint"
    until(lambda: points.ops[1].get("hits") == 1)
    two_points.link.restart()
    until(lambda: two_points.state.stop["reason"] == "entry")
    assert step(two_points, "continue")["reason"] == "op breakpoint"
    until(lambda: points.ops[1].get("hits") == 2)
    step(two_points, "stepBack", granularity="op")
    again = step(two_points, "continue")
    assert (again["reason"], again["again"], again["hitBreakpointIds"] != []) == ("op breakpoint", True, True)
    assert points.ops[1]["hits"] == 2, "what the cursor comes back to was counted before"
    assert two_points.troubles == []


def test_exceptions_of_a_real_script(qtbot, real, step, until, tmp_path):
    path = tmp_path / "script.py"
    path.write_text('import engine as torch\ntry:\n    int("x")\nexcept ValueError:\n    pass\nraise KeyError("gone")\n')
    panel = BreakpointsPanel(real)
    qtbot.addWidget(panel)
    panel.show()
    panel.change(panel.rows()[0][0], enabled=None)  # raised
    panel.change(panel.rows()[1][0], enabled=False)  # uncaught
    real.link.launch(str(path))
    until(lambda: real.state.stop is not None)
    stop = step(real, "continue")
    assert (stop["reason"], stop["line"]) == ("exception", 3) and "invalid literal" in stop["text"]
    stop = step(real, "continue")
    assert (stop["reason"], stop["line"], stop["text"]) == ("exception", 6, "'gone'")
    # It ends the script, which it stops no more.
    assert step(real, "continue")["reason"] == "end"
    real.link.restart()
    until(lambda: real.state.stop["reason"] == "entry")
    panel.remove_all()
    assert step(real, "continue")["line"] == 6


def test_every_filter_of_exceptions_has_its_words():
    for entry in ({"filter": name} for name in EXCEPTION_FILTERS):
        assert brief("exception", entry) and sentence("exception", entry)


def test_no_sliver_of_a_row_is_shown(panel, qtbot):
    panel.tree.setMaximumHeight(10_000)
    qtbot.waitUntil(panel.tree.isVisible)
    row, header = panel.tree.sizeHintForRow(0), panel.tree.header().height()
    empty = {}
    for cut in (0, 8):
        panel.tree.setFixedHeight(header + 2 * panel.tree.frameWidth() + 2 * row + cut)
        qtbot.waitUntil(lambda cut=cut: panel.tree.viewport().height() == 2 * row + cut)
        image = panel.tree.viewport().grab().toImage()
        ground = image.pixel(image.width() - 2, 2 * row - 2)
        places = [(x, y) for x in range(image.width()) for y in range(2 * row + 1, 2 * row + cut)]
        empty[cut] = all(image.pixel(x, y) == ground for x, y in places)
        assert any(image.pixel(x, y) != ground for x in range(image.width()) for y in range(row, 2 * row))
    assert empty[8]


WRONG = "the hit condition 'every other one' must be a count such as '5', '>= 3' or '% 10'"


@pytest.mark.parametrize(("width", "theme"), [(340, Theme()), (230, Theme()), (340, Theme("projector", 1.5))])
def test_what_is_wrong_with_a_breakpoint_is_shown_whole(panel, context, link, until, width, theme):
    told = {"id": 1, "verified": False, "message": WRONG}
    link.answers["setBreakpoints"] = lambda arguments: {"breakpoints": [told for _ in arguments["breakpoints"]]}
    context.set_theme(theme)
    breakpoints_of(context).change_line("/s/train.py", 61, hitCondition="every other one")
    panel.resize(width, 500)
    tree = panel.tree
    until(lambda: tree.columnWidth(0) > 0.6 * width and at_rest(panel))
    place = tree.visualRect(tree.model().index(0, 0))
    words = tree.topLevelItem(0).text(0).split("\n")
    assert words == ["train.py:61   hit every other one", WRONG]
    inner = place.width() - theme.space(16) - 24  # beside the box and the sign
    needed = QFontMetrics(tree.font()).boundingRect(QRect(0, 0, inner, 9999), Qt.TextFlag.TextWordWrap, "\n".join(words))
    assert place.height() >= needed.height() > 2 * QFontMetrics(tree.font()).lineSpacing()
    assert tree.maximumHeight() >= place.height()


@pytest.mark.parametrize("theme", ["light", "projector"])
@pytest.mark.parametrize("name", ["my_recognition_of_handwritten_digits.py", f"{'classification' * 4}.py"])
def test_the_line_of_a_file_with_a_long_name_can_be_read(context, qtbot, theme, name):
    """Two that differ in their line alone do not look the same."""
    pictures = []
    for line in (1234, 5678):
        tree = BreakpointList()
        qtbot.addWidget(tree)
        tree.setFont(source_font(Theme(theme)))
        tree.resize(330, 200)
        tree.show_rows([(Row("line", f"/s/{name}", 0), {"line": line, "hits": 12345})], Theme(theme))
        tree.show()
        pictures.append(tree.grab().toImage())
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize("width", range(200, 420, 20))
def test_all_lines_of_a_place_have_room(context, qtbot, width):
    """The last words of a place are seen however it breaks."""
    theme, pictures = Theme("projector"), []
    for last in ("out_proj", "quern_lug"):
        tree = BreakpointList()
        qtbot.addWidget(tree)
        tree.setFont(source_font(theme))
        tree.resize(width, 400)
        module = f"transformer.encoder.layers.11.self_attention.{last}"
        tree.show_rows([(Row("module", "", 0), {"module": module, "when": "enter"})], theme)
        tree.show()
        pictures.append(tree.grab().toImage())
    assert pictures[0] != pictures[1]
