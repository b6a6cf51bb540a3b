"""The timeline: what it draws of which event, and travelling along it."""

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QWheelEvent
from PyQt6.QtWidgets import QApplication

from gui.network.values import content
from gui.panels.network import NetworkPanel
from gui.panels.tensor import TensorPanel
from gui.panels.timeline import TimelinePanel
from gui.theme import Theme
from gui.timeline.ahead import words_ahead
from gui.timeline.alarms import Alarms
from gui.timeline.marks import ALARM, BACKWARD, FORWARD, LOSS, NOTHING, UPDATE, Events, forks, hits
from gui.timeline.paint import lanes, least_height

#: One step of ten events.
_STEP = (
    ("batch", "loader"), ("line", "<module>"), ("forward", "Linear"), ("forward", "CrossEntropy"),
    ("begin_backward", "b"), ("backward", "CrossEntropy"), ("backward", "Linear"), ("update", "SGD"),
    ("exception", "ValueError"), ("end_step", "SGD"),
)  # fmt: skip


def event(seq):
    kind, name = _STEP[seq % 10]
    return {
        "seq": seq, "position": [seq // 2, seq % 2, 0], "kind": kind, "name": name, "module": None,
        "file": "/a.py", "line": seq % 10,
        "epoch": 1, "batch": seq // 10, "step": seq // 10, "description": f"{kind} {name}", "tensors": [],
    }  # fmt: skip


def history(first, last, complete=True):
    def answer(arguments):
        start, count = arguments.get("from"), arguments["count"]
        numbers = range(first, last + 1)
        numbers = numbers[-count:] if start is None else [n for n in numbers if n >= start][:count]
        return {"events": [event(n) for n in numbers], "first": first, "last": last, "complete": complete}

    return answer


def stop(seq, **changes):
    return {**event(seq), "op": None, "direction": None, "live": True, **changes}


@pytest.fixture
def panel(qtbot, context, link):
    link.answers["events"] = history(0, 99)
    panel = TimelinePanel(context)
    qtbot.addWidget(panel)
    panel.resize(800, 104)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def at(panel, seq):
    strip = panel.strip
    return QPoint(round((strip.x_of(seq) + strip.x_of(seq + 1)) / 2), strip.height() // 2)


def wheel(strip, turned, x, modifiers=Qt.KeyboardModifier.NoModifier):
    QApplication.sendEvent(strip, QWheelEvent(
        QPointF(x, 20), strip.mapToGlobal(QPointF(x, 20)), QPoint(), QPoint(0, turned), Qt.MouseButton.NoButton, modifiers,
        Qt.ScrollPhase.NoScrollPhase, False,
    ))  # fmt: skip


# ---- events, without Qt ----


def test_a_stop_of_another_process_does_not_fit():
    """A run that has come to its exception is replayed: the process that does remembers more events, up to that place."""
    events = Events()
    events.extend({"events": [{**event(1), "position": [23, 0, 2]}], "first": 1, "last": 1, "complete": False})
    assert events.fits({"seq": 1, "position": [23, 0, 2]}) and events.fits({"seq": 2, "position": [24, 0, 0]})
    assert not events.fits({"seq": 1, "position": [1, 0, 0]}) and not events.fits({"seq": 104, "position": [22, 0, 0]})


def test_codes_tell_phases_apart():
    events = Events()
    events.extend(history(20, 29)({"count": 100}))
    expected = [NOTHING, NOTHING, FORWARD, LOSS, NOTHING, BACKWARD, BACKWARD, UPDATE, ALARM, NOTHING]
    assert events.codes(20, 30).tolist() == expected
    assert events.codes(18, 23).tolist() == [0, 0, *expected[:3]] and events.codes(29, 32).tolist() == [0, 0, 0]
    assert events.steps == [(29, "3")] and events.batches == [(20, "3")]  # batches are counted from 1


def test_answers_that_overlap_or_come_twice_change_nothing():
    events = Events()
    assert events.extend(history(0, 9)({"count": 100})) == 10
    assert events.extend(history(0, 14)({"count": 100, "from": 5})) == 5
    assert events.next == 15 and len(events.batches) == 2


def test_what_the_process_forgets_is_forgotten():
    events = Events()
    events.extend(history(0, 29)({"count": 100}))
    events.extend(history(15, 39, complete=False)({"count": 100, "from": 30}))
    assert events.first == 15 and events.codes(12, 15).tolist() == [0, 0, 0]
    assert [seq for seq, _ in events.batches] == [20, 30] and events.describe(3) == ""
    assert not events.complete and events.step_at(events.first) == 1


def test_much_that_was_forgotten_leaves_no_trace():
    events = Events()
    events.extend(history(0, 49_999)({"count": 50_000}))
    events.extend(history(45_000, 50_009, complete=False)({"count": 100, "from": 50_000}))
    assert events.get(44_999) is None and events.describe(45_002) == "step 4,501 · forward Linear · event 45,002"
    assert events.codes(45_000, 45_008).tolist() == [NOTHING, NOTHING, FORWARD, LOSS, NOTHING, BACKWARD, BACKWARD, UPDATE]
    assert events.at_line("/a.py", 1)[:2] == [45_001, 45_011] and events.at_position([22_499, 0, 0]) is None
    assert len(events._events) < 10_000


def test_a_part_of_a_history_is_not_the_whole():
    events = Events()
    events.extend(history(0, 9999)({"count": 4000}))
    assert events.first == 6000 and not events.complete
    events = Events()
    events.extend(history(0, 29)({"count": 100}))
    assert events.complete


def test_steps_are_found_among_the_events():
    events = Events()
    events.extend(history(0, 49)({"count": 100}))
    assert events.step_beside(25, True) == 29 and events.step_beside(25, False) == 19
    assert events.step_beside(29, True) == 39 and events.step_beside(29, False) == 19
    assert events.step_beside(49, True) is None and events.step_beside(5, False) is None
    assert events.of_step(2) == 29 and events.of_step(77) is None


FINDINGS = [
    {"id": "a", "title": "NaN", "place": {"step": 2, "file": "/a.py", "line": 1}},
    {"id": "b", "title": "Dead", "place": {"step": 3}},
    {"id": "c", "title": "Old", "place": {"step": 77}}, {"id": "d", "title": "Nowhere", "place": {}},
]  # fmt: skip


def test_findings_stand_at_the_events_that_the_engine_names(link):
    events, told = Events(), []
    events.extend(history(0, 49)({"count": 100}))
    where = {"a": 23, "b": None}
    link.answers["locateFinding"] = lambda arguments: {"event": where[arguments["finding"]["id"]], "tensor": None}
    alarms = Alarms(events, link.ask, lambda: told.append(1))
    link.hold = True
    assert alarms.places(FINDINGS) == [] == alarms.places(FINDINGS), "nobody knows yet"
    assert [command for _, command, _ in link.asked] == ["locateFinding"] * 2
    link.hold = False
    link.deliver()
    assert told and alarms.places(FINDINGS) == [(23, "NaN"), (39, "Dead")]
    assert len(link.asked) == 2, "a place is asked for once"
    where["a"] = 25
    alarms.clear()
    assert alarms.places(FINDINGS[:1]) == [(25, "NaN")]


def test_a_finding_whose_event_is_still_to_come_is_looked_for_again(link):
    events = Events()
    events.extend(history(0, 25)({"count": 100}))
    alarms = Alarms(events, link.ask, lambda: None)
    link.answers["locateFinding"] = {"event": None, "tensor": None}
    assert alarms.places(FINDINGS[:1]) == [(25, "NaN")]
    link.answers["locateFinding"] = {"event": 27, "tensor": None}
    events.extend(history(0, 49)({"count": 100, "from": 26}))
    assert alarms.places(FINDINGS[:1]) == [(27, "NaN")]


def test_many_events_are_kept_and_found():
    events = Events()
    for start in range(0, 20_000, 5000):
        events.extend(history(0, start + 4999)({"count": 5000, "from": start}))
    assert np.bincount(events.codes(0, 20_000)).tolist() == [8000, 2000, 2000, 4000, 2000, 2000]


def test_forks_and_breakpoints_lie_at_their_events():
    events = Events()
    events.extend(history(0, 29)({"count": 100}))
    runs = [
        {"name": "run 1", "number": 1, "current": True, "parent": None, "forkedAt": None},
        {"name": "run 2", "number": 2, "current": False, "parent": 1, "forkedAt": [4, 1, 0]},
        {"name": "run 3", "number": 3, "current": False, "parent": 2, "forkedAt": [5, 0, 0]},
    ]
    assert forks(runs, events) == [(9, "run 2")]
    assert hits({"/a.py": [{"line": 1}], "/b.py": [{"line": 1}]}, events) == [1, 11, 21]


def test_a_breakpoint_that_did_not_stop_the_run_has_no_mark():
    events = Events()
    events.extend(history(0, 29)({"count": 100}))
    events.visit({"seq": 11, "live": True})
    told = {name: hits({"/a.py": [{"line": 1, **more}]}, events) for name, more in {
        "off": {"enabled": False}, "log": {"logMessage": "x"}, "if": {"condition": "i == 1"}, "count": {"hitCondition": "2"},
    }.items()}  # fmt: skip
    assert told == {"off": [], "log": [], "if": [11], "count": [11]}


# ---- the panel ----


def test_history_is_asked_for_once_and_then_from_where_it_is_known(panel, link, context):
    context.state.update(stop=stop(50))
    context.state.update(stop=stop(99))
    link.answers["events"] = history(0, 101)
    context.state.update(stop=stop(101))
    assert [a.get("from") for _, c, a in link.asked if c == "events"] == [None, 100, 100]
    assert panel.events.next == 102 and "event 101 · kept: 0 to 101" in panel.head.subject.text()


def test_events_are_drawn_in_the_hue_of_their_phase(panel, context):
    context.state.update(stop=stop(99))
    panel.strip.set_span(20)
    panel.strip._start = 0
    image = panel.strip.grab().toImage()
    column = {
        seq: [QColor(image.pixelColor(at(panel, seq).x(), y)).name() for y in range(image.height())]
        for seq in (2, 3, 6, 7, 8)
    }
    for seq, phase in ((2, "forward"), (3, "loss"), (6, "backward"), (7, "update"), (8, "alarm")):
        assert panel.theme.phase[phase].name() in column[seq], phase


def test_where_a_column_is_of_a_whole_batch_its_loss_leaves_room_for_the_forward_pass(panel, link, context):
    panel.resize(400, 104)
    link.answers["events"] = {
        "events": [{**event(n), "kind": "line"} if n % 10 == 8 else event(n) for n in range(4000)],
        "first": 0, "last": 3999, "complete": True,
    }  # fmt: skip
    context.state.update(stop=stop(3999))
    assert panel.strip.shown()[1] >= 10 * panel.strip.width()
    image = panel.strip.grab().toImage()
    top, bottom = lanes(panel.strip)
    x, high = panel.strip.width() // 2, (bottom - top) / 3
    hues = [QColor(image.pixelColor(x, round(top + share * high))).name() for share in (0.2, 0.5, 0.85)]
    phase = panel.theme.phase
    assert hues == [phase["forward"].name(), phase["forward"].name(), phase["loss"].name()]


def written(panel, monkeypatch):
    """What the strip writes: (text, left, right)."""
    found = []

    class Pen(QPainter):
        def drawText(self, *arguments):
            if isinstance(arguments[0], QPointF):
                left = arguments[0].x()
                found.append((arguments[1], left, left + QFontMetricsF(self.font()).horizontalAdvance(arguments[1])))
            super().drawText(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("gui.timeline.strip.QPainter", Pen)
        panel.strip.apply_theme(panel.theme)
        panel.strip.grab()
    return found


def test_labels_are_whole_also_beside_what_lies_ahead(panel, context, monkeypatch):
    context.state.update(stop=stop(99))
    assert [text for text, *_ in written(panel, monkeypatch)] == [f"batch {n}" for n in range(1, 11)]
    for step in (12, 20, 500):
        panel.strip.run_on(step)
        labels = written(panel, monkeypatch)
        ends = panel.strip.x_of(100)
        assert ends < panel.strip.width() - 50 and all(right <= ends for *_, right in labels)
        assert labels or step == 500


def test_labels_of_epochs_leave_room_for_each_other_and_for_batches_before_them(panel, context, monkeypatch):
    context.state.update(stop=stop(99))
    panel.events.epochs[:] = [(0, "1"), (2, "1"), (71, "2")]
    labels = [label for label in written(panel, monkeypatch) if label[2] > label[1]]
    texts = [text for text, *_ in labels]
    assert texts.count("epoch 1") == 1 and texts.count("epoch 2") == 1
    assert {"batch 3", "batch 5", "batch 10"} <= set(texts)
    spans = sorted(span for _, *span in labels)
    assert all(right < left for (_, right), (left, _) in zip(spans, spans[1:]))


def test_the_head_of_the_cursor_lies_below_the_labels(panel, context):
    context.state.update(stop=stop(99))
    panel.strip.show_events(panel.events, 50, True)  # at the mark of a batch
    image = panel.strip.grab().toImage()
    top, _ = lanes(panel.strip)
    x, ink = at(panel, 50).x(), panel.theme.selection.name()
    rows = [y for y in range(image.height()) if QColor(image.pixelColor(x, y)).name() == ink]
    letters = QFontMetricsF(panel.theme.text_font("small"))
    assert rows and letters.ascent() + 1 < rows[0] < top


def test_marks_of_stops_get_no_darker_where_they_overlap(panel, context):
    def shades():
        image = panel.strip.grab().toImage()
        _, bottom = lanes(panel.strip)
        rows = range(round(bottom) + 2, image.height())
        return {QColor(image.pixelColor(x, y)).lightness() for x in range(round(panel.strip.left()), 300) for y in rows}

    panel.resize(300, 104)
    context.state.update(stop=stop(20))
    context.state.update(stop=stop(99))
    alone = min(shades())
    for seq in range(90, 99):
        context.state.update(stop=stop(seq))
    context.state.update(stop=stop(99))
    assert len(panel.events.stops) == 11 and abs(min(shades()) - alone) <= 2


def test_before_anything_was_computed_no_event_is_ringed(panel, context, link):
    def ringed():
        return panel.theme.selection.name() in {
            QColor(panel.strip.grab().toImage().pixelColor(round(x) + 1, at(panel, 0).y())).name()
            for x in (panel.strip.x_of(0), panel.strip.x_of(0) - 1)
        }

    link.answers["events"] = history(0, 0)
    context.state.update(stop=stop(0))
    panel.strip.set_span(20)
    assert panel.strip.x_of(1) - panel.strip.x_of(0) > 6 and not ringed()
    link.answers["events"] = history(0, 19)
    context.state.update(stop=stop(19))
    panel.strip.show_events(panel.events, 0, True)
    assert ringed()


def test_in_little_room_the_head_says_the_event_or_nothing(panel, context):
    context.state.update(stop=stop(99))
    label = panel.head.subject
    assert label.shown == "event 99 · kept: 0 to 99"
    shown = set()
    for width in range(800, 200, -4):
        panel.resize(width, 104)
        shown.add(label.shown)
    assert shown == {"event 99 · kept: 0 to 99", "event 99", ""}


def test_a_run_that_begins_anew_shows_nothing_of_the_one_before(panel, link, context):
    link.answers["events"] = history(60, 60, complete=False)
    context.state.update(stop=stop(60))
    assert panel.head.subject.text() == "event 60"
    link.answers["events"] = history(0, 0)
    context.state.update(stop=stop(0, reason="entry"))
    assert panel.events.first == 0 and panel.head.subject.text() == "nothing has been computed yet"
    link.answers["events"] = history(0, 19)
    context.state.update(stop=stop(19))
    assert panel.head.subject.text() == "event 19 · kept: 0 to 19"
    link.answers["events"] = history(0, 0)
    context.state.update(stop=stop(0, reason="entry"))
    assert panel.events.next == 1


def test_click_goes_to_the_event(panel, link, context, qtbot):
    context.state.update(stop=stop(99))
    qtbot.mouseClick(panel.strip, Qt.MouseButton.LeftButton, pos=at(panel, 42))
    assert link.moves == [("goto", {"seq": 42})]


def test_dragging_travels_and_ends_where_it_was_let_go(panel, link, context, qtbot):
    context.state.update(stop=stop(99))
    panel.strip._throttle.setInterval(3_600_000)  # on a slow machine every movement would come after it
    qtbot.mousePress(panel.strip, Qt.MouseButton.LeftButton, pos=at(panel, 80))
    for seq in range(79, 19, -1):
        qtbot.mouseMove(panel.strip, at(panel, seq))
    qtbot.mouseRelease(panel.strip, Qt.MouseButton.LeftButton, pos=at(panel, 20))
    assert link.moves == [("goto", {"seq": 80}), ("goto", {"seq": 20})]


def test_dragging_travels_on_the_way(panel, link, context, qtbot):
    context.state.update(stop=stop(99))
    qtbot.mousePress(panel.strip, Qt.MouseButton.LeftButton, pos=at(panel, 80))
    qtbot.mouseMove(panel.strip, at(panel, 50))
    qtbot.waitUntil(lambda: link.moves == [("goto", {"seq": 80}), ("goto", {"seq": 50})])
    qtbot.mouseRelease(panel.strip, Qt.MouseButton.LeftButton, pos=at(panel, 50))


@pytest.mark.parametrize(("key", "control", "seq"), [
    (Qt.Key.Key_Left, False, 49), (Qt.Key.Key_Right, False, 51), (Qt.Key.Key_Left, True, 49), (Qt.Key.Key_Right, True, 59),
    (Qt.Key.Key_Home, False, 0), (Qt.Key.Key_End, False, 99),
])  # fmt: skip
def test_keys_go_by_event_and_by_step(panel, link, context, qtbot, key, control, seq):
    context.state.update(stop=stop(50))
    modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(panel.strip, key, modifier)
    assert link.moves == [("goto", {"seq": seq})] and panel.strip.cursor == seq


def test_keys_beyond_the_events_step_on_and_back(panel, link, context, qtbot):
    link.answers["events"] = history(50, 99, complete=False)
    link.answers["locate"] = lambda asked: {"position": [7, 0, 0] if asked["step"] < 9 else None, "steps": 9}
    context.state.update(stop=stop(99))
    qtbot.keyClick(panel.strip, Qt.Key.Key_Right)
    qtbot.keyClick(panel.strip, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    context.state.update(stop=stop(50))
    qtbot.keyClick(panel.strip, Qt.Key.Key_Left)
    qtbot.keyClick(panel.strip, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert link.moves == [
        ("next", {"granularity": "op"}), ("runTo", {"step": 10}), ("stepBack", {"granularity": "op"}),
        ("goto", {"position": [7, 0, 0]}),
    ]  # fmt: skip
    assert [asked["step"] for _, command, asked in link.asked if command == "locate"] == [10, 4]


def test_keys_zoom_and_a_double_click_shows_everything(panel, context, qtbot):
    context.state.update(stop=stop(50))
    qtbot.keyClick(panel.strip, "+")
    assert panel.strip.span_shown() == pytest.approx(100 / 1.5)
    qtbot.keyClick(panel.strip, "0")
    assert panel.strip.span_shown() is None
    panel.strip.zoom_by(3)
    qtbot.mouseDClick(panel.strip, Qt.MouseButton.LeftButton, pos=at(panel, 50))
    assert panel.strip.span_shown() is None


def test_a_drag_with_the_middle_button_moves_the_view(panel, link, context, qtbot):
    context.state.update(stop=stop(50))
    panel.strip.zoom_by(4)
    start = panel.strip.shown()[0]
    qtbot.mousePress(panel.strip, Qt.MouseButton.MiddleButton, pos=QPoint(400, 30))
    qtbot.mouseMove(panel.strip, QPoint(300, 30))
    qtbot.mouseRelease(panel.strip, Qt.MouseButton.MiddleButton, pos=QPoint(300, 30))
    assert panel.strip.shown()[0] == pytest.approx(start + 100 / panel.strip._wide() * 25) and link.moves == []


def test_the_pointer_finds_ops_rather_than_the_lines_beside_them(panel, context):
    context.state.update(stop=stop(50))
    strip = panel.strip
    drawn = np.flatnonzero(strip.events.codes(0, 100))
    wide = strip.x_of(1) - strip.x_of(0)
    for seq in range(100):
        near = strip.seq_at(strip.x_of(seq + 0.5))
        nearest = int(abs(drawn - seq).min())
        assert near == seq if nearest * wide > 4 else near in drawn and abs(near - seq) == nearest


def test_wheel_zooms_at_the_pointer(panel, context):
    context.state.update(stop=stop(50))
    x = at(panel, 30).x()
    wheel(panel.strip, 600, x)
    assert panel.strip.span_shown() < 50 and panel.strip.seq_at(x) == 30
    wheel(panel.strip, -5000, x)
    assert panel.strip.span_shown() is None


def test_zoom_stays_and_follows_the_cursor(panel, link, context):
    context.state.update(stop=stop(10))
    panel.strip.zoom_by(5)
    span = panel.strip.span_shown()
    context.state.update(stop=stop(11))
    start = panel.strip.x_of(0)
    assert panel.strip.span_shown() == span
    context.state.update(stop=stop(12))
    assert panel.strip.x_of(0) == start
    context.state.update(stop=stop(90))
    assert panel.strip.span_shown() == span and 0 < panel.strip.x_of(90) < panel.strip.width()


def test_the_end_grows_while_the_script_runs(panel, link, context, until):
    context.state.update(stop=stop(99))
    wide, asked = panel.strip.x_of(100), len(link.asked)
    context.state.update(progress={"step": 9})  # of before: events 90 to 99 are of step 9
    context.state.update(running=True)
    assert panel.strip.x_of(100) == wide  # a step that takes a little longer moves nothing
    until(lambda: panel.strip.running == 9)
    places = [panel.strip.x_of(100)]
    for step in (30, 100, 100_000):
        context.state.update(progress={"step": step})
        panel._show_progress()
        places.append(panel.strip.x_of(100))
    assert wide > places[0] > places[1] > places[2] > panel.strip.left() and panel.strip.running == 100_000
    assert "pause (F6)" in panel.head.subject.text()
    before = panel.strip.grab().toImage()
    context.state.update(progress={"step": 200_000})
    panel._show_progress()
    assert panel.strip.x_of(100) == places[3] and panel.strip.grab().toImage() != before
    assert "Pause it (F6)" in panel.strip.hint(panel.strip.width() - 20)
    assert len(link.asked) == asked and panel.strip.seq_at(panel.strip.left() + 1) == 2
    panel.hide()
    assert not panel._look.isActive()
    panel.show()
    assert panel._look.isActive()
    context.state.update(running=False, stop=stop(99))
    assert panel.strip.x_of(100) == wide and not panel._look.isActive() and "event 99" in panel.head.subject.text()


def test_before_the_window_a_replay_is_offered(panel, link, context, qtbot):
    link.answers["events"] = history(50, 99, complete=False)
    context.state.update(stop=stop(99))
    link.answers["locate"] = lambda asked: {"position": [10 * asked["step"], 0, 0], "steps": 9}
    for step in range(6):  # the first event that is remembered is of step 5
        x = round(panel.strip.x_before(step)) + (1 if step == 0 else 0)
        assert panel.strip.step_before(x) == step and f"Step {step}, " in panel.strip.hint(x)
        qtbot.mouseMove(panel.strip, QPoint(x, 30))
        where = f"the end of step {step}" if step else "the beginning"
        assert panel.head.subject.text() == f"{where} · click to replay the run up to there"
        qtbot.mouseClick(panel.strip, Qt.MouseButton.LeftButton, pos=QPoint(x, 30))
        assert link.moves.pop() == ("goto", {"position": [10 * step, 0, 0]})
    assert panel.strip.step_before(panel.strip.left()) is None


def test_where_nothing_can_be_replayed_no_replay_is_offered(panel, link, context, qtbot):
    """A process that was joined has no tape."""
    link.answers["events"] = history(50, 99, complete=False)
    context.state.update(runs=[{"name": "run 1", "number": 1, "current": True, "replayable": True}], stop=stop(99))
    offered = panel.strip.grab().toImage()
    context.state.update(runs=[{"name": "run 1", "number": 1, "current": True, "replayable": False}], stop=stop(98))
    context.state.update(stop=stop(99))
    assert panel.strip.grab().toImage() != offered
    x = round(panel.strip.x_before(3))
    assert panel.strip.step_before(x) is None and "replay" not in panel.strip.hint(x)
    qtbot.mouseClick(panel.strip, Qt.MouseButton.LeftButton, pos=QPoint(x, 30))
    assert link.moves == [("goto", {"seq": 50})]  # the nearest that there is


def test_the_event_under_the_pointer_is_described(panel, context, qtbot):
    context.state.update(stop=stop(99))
    told = "step 5 · forward Linear · event 42"
    assert panel.strip.hint(at(panel, 42).x()) == f"{told}\nepoch 1 · batch 5 · position 21.0.0"
    qtbot.mouseMove(panel.strip, at(panel, 42))
    assert panel.head.subject.text() == told
    QApplication.sendEvent(panel.strip, QEvent(QEvent.Type.Leave))
    assert panel.head.subject.text() == "event 99 · kept: 0 to 99"
    context.link.answers["locateFinding"] = {"event": 41, "tensor": None}
    context.state.update(findings=[{"title": "Dead ReLU", "place": {"step": 4, "file": "/a.py", "line": 1}}])
    assert panel.strip.hint(at(panel, 41).x()).startswith("Dead ReLU\n")


def test_moving_the_cursor_draws_nothing_else_anew(panel, context, link):
    context.state.update(stop=stop(99))
    panel.grab()
    picture, asked = panel.strip.picture(), len(link.asked)
    for seq in (50, 20, 70):
        context.state.update(stop=stop(seq, live=False))
        panel.grab()
        assert panel.strip.picture() is picture and panel.strip.cursor == seq
    assert len(link.asked) == asked
    context.state.update(stop=stop(99), findings=[{"title": "Dead ReLU", "place": {"step": 4}}])
    assert panel.strip.picture() is not picture


@pytest.mark.parametrize("name", ["light", "dark", "projector"])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_everything_fits_the_height(panel, context, name, scale):
    theme = Theme(name, scale)
    context.set_theme(theme)
    context.state.update(
        stop=stop(60), findings=[{"title": "Dead ReLU", "place": {"step": 4}}], breakpoints={"/a.py": [{"line": 1}]}
    )
    assert panel.minimumHeight() == least_height(theme) <= theme.space(72)
    panel.resize(800, panel.head.height() + least_height(theme))
    strip = panel.strip
    assert strip.height() == least_height(theme)
    top, bottom = lanes(strip)
    assert bottom - top >= 3 * theme.space(8) and bottom + theme.space(8) <= strip.height()
    picture, paper = strip.grab().toImage(), theme.panel.name()
    lowest = [picture.pixelColor(x, picture.height() - 1).name() for x in range(picture.width())]
    marks = [picture.pixelColor(x, picture.height() - 4).name() for x in range(picture.width())]
    assert set(lowest) == {paper} and set(marks) != {paper}


def test_another_run_begins_anew(panel, link, context):
    context.state.update(stop=stop(99), runs=[{"name": "a", "number": 1, "current": True}])
    link.answers["events"] = history(0, 9)
    context.state.update(runs=[{"name": "b", "number": 2, "current": True}], stop=stop(5))
    assert panel.events.next == 10


def test_all_is_drawn_in_every_theme(panel, context):
    runs = [
        {"name": "run 1", "number": 1, "current": True, "parent": None, "forkedAt": None},
        {"name": "run 2", "number": 2, "current": False, "parent": 1, "forkedAt": [20, 0, 0]},
    ]
    context.state.update(stop=stop(60, live=False), runs=runs, breakpoints={"/a.py": [{"line": 1}]})
    pictures = set()
    for name in ("light", "dark", "projector"):
        context.set_theme(Theme(name))
        pictures.add(panel.grab().toImage().pixelColor(400, 60).name())
    assert len(pictures) >= 2 and "in the past" in panel.head.subject.text()


def test_zoom_is_remembered(panel, context):
    context.state.update(stop=stop(60))
    panel.strip.zoom_by(4)
    saved = panel.save()
    panel.strip.fit()
    panel.restore(saved)
    assert panel.save() == saved
    panel.restore({"span": "wide"})


def test_travel_for_real(two_points, step, until, qtbot):
    panel = TimelinePanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(800, 104)
    panel.show()
    step(two_points, "runTo", step=2)
    for _ in range(6):
        step(two_points, "next", granularity="op")
    until(lambda: panel.events.next > two_points.state.stop["seq"])
    target = two_points.state.stop["seq"] - 8
    qtbot.mouseClick(panel.strip, Qt.MouseButton.LeftButton, pos=at(panel, target))
    until(lambda: two_points.state.stop["seq"] == target)
    assert two_points.state.stop["live"] is False and two_points.troubles == []


def test_a_fast_drag_ends_where_it_ends(two_points, step, until, qtbot):
    """However fast the mouse was: all panels show the place where it came to rest, with the numbers of that place."""
    state, link = two_points.state, two_points.link
    panels = [kind(two_points) for kind in (TimelinePanel, TensorPanel, NetworkPanel)]
    timeline, tensor, network = panels
    for panel, high in zip(panels, (104, 460, 400)):
        qtbot.addWidget(panel)
        panel.resize(800, high)
        panel.show()
    step(two_points, "runTo", step=2)
    for _ in range(24):
        step(two_points, "next", granularity="op")
    until(lambda: timeline.events.next > state.stop["seq"] and link.quiet)
    answers = []

    def fresh(command, **arguments):
        answers.clear()
        link.ask(("test", command), command, arguments, answers.append)
        until(lambda: answers)
        return answers[0]

    last, strip = state.stop["seq"], timeline.strip
    kinds = {seq: (timeline.events.get(seq) or {}).get("kind") for seq in range(last - 40, last)}
    ops = [seq for seq, kind in kinds.items() if kind in ("forward", "backward", "update")]
    qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=at(timeline, last - 1))
    for i, target in enumerate((*ops[::5], ops[0], ops[-1])):
        for k in range(6):
            qtbot.mouseMove(strip, pos=at(timeline, ops[(7 * i + 5 * k) % len(ops)]))
            qtbot.wait(4 * (k % 3))
        qtbot.mouseMove(strip, pos=at(timeline, target))
        if i % 2:
            qtbot.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=at(timeline, target))
            qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=at(timeline, target))
        until(lambda target=target: state.stop["seq"] == target and not link.moving and not strip._throttle.isActive())
        until(lambda: link.quiet)
        assert state.stop["seq"] == strip.cursor == target and state.stop["live"] is False
        assert state.graph == fresh("graph", event=target)
        assert tensor.source.references[0]["event"] == target
        numbers = fresh("tensor", reference=tensor.source.references[0])
        assert tensor.shown.shape == tuple(numbers["shape"])
        assert np.array_equal(tensor.shown.data.ravel(), numbers["data"].numpy().ravel())
        assert network._fill._at == target and network._feed.wanted
        for (node, part), wanted in network._feed.wanted.items():
            bodies = [fresh("tensor", **view) for view in wanted.views()]
            shown = network.scene.nodes[node].contents[part]
            assert np.array_equal(shown.data, content(*bodies).data, equal_nan=True)
    assert two_points.troubles == []


def test_back_to_where_it_stands_is_a_move_while_another_is_under_way(panel, context, link):
    context.state.update(stop=stop(60))
    panel.strip.wanted.emit(60)
    assert link.moves == []
    panel.strip.wanted.emit(50)
    link.moving = True
    panel.strip.wanted.emit(60)
    assert link.moves == [("goto", {"seq": 50}), ("goto", {"seq": 60})]


def test_before_anything_was_computed_no_numbers_are_counted(panel, context, link):
    link.answers["events"] = history(0, 0)
    context.state.update(stop=stop(0))
    assert panel.head.subject.text() == "nothing has been computed yet"
    link.answers["events"] = history(0, 99)
    context.state.update(stop=stop(99))
    assert panel.head.subject.text() == "event 99 · kept: 0 to 99"


def test_the_legend_is_whole_or_names_what_has_no_lane(panel):
    assert all(name in panel.legend.text() for name in ("forward", "loss", "backward", "update"))
    panel.resize(330, 104)
    assert "loss" in panel.legend.text() and "forward" not in panel.legend.text()
    panel.resize(800, 104)
    assert "update" in panel.legend.text()


def test_events_behind_a_gap_stand_at_their_own_numbers():
    """A free run that is looked at counts events which nobody keeps; the timeline then began where none was remembered."""
    def some(*seqs):
        fields = {"kind": "batch", "name": "b", "epoch": 0, "batch": 0, "step": 0, "file": "", "line": 0}
        return [{"seq": seq, "position": [seq, 0, 0], **fields} for seq in seqs]

    events = Events()
    events.extend({"events": some(0, 1, 2), "first": 0, "complete": True})
    events.extend({"events": some(10, 11), "first": 10, "complete": False})
    assert (events.first, events.next, events.complete) == (10, 12, False)
    assert events.get(2) is None and events.get(9) is None and events.get(10) and events.get(11)
    events.extend({"events": some(12, 40, 41), "first": 12, "complete": False})
    assert (events.first, events.next) == (40, 42) and events.get(12) is None and events.get(41)


def test_what_is_said_of_a_script_that_runs_is_said_whole(qtbot):
    metrics = QFontMetricsF(Theme("projector").text_font("small"))
    whole = metrics.horizontalAdvance("running: step 1,206")
    assert words_ahead(1206, whole + 1, metrics) == "running: step 1,206"
    assert words_ahead(1206, whole - 1, metrics) == "step 1,206"
    assert words_ahead(1206, 10, metrics) == "1,206"
