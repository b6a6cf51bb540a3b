"""Dragging along the timeline: pictures follow at once, what is read follows some times a second, and all is there at its
end."""

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest

from gui.breadcrumb import Breadcrumb
from gui.context import Context
from gui.link import Link
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.gui.conftest import PATIENCE, SAMPLES, at_rest
from tests.gui.test_timeline_panel import at

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(qtbot, tmp_path, until):
    """The window on two_points.py, behind its first two steps, every op of which is recorded."""
    window = Window(Context(State(), Link(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.open(str(SAMPLES / "two_points.py"))
    until(lambda: window.context.state.stop and window.workspace is not None and window.context.link.quiet)
    window.context.link.move("runTo", step=2)
    until(lambda: window.context.state.stop.get("step") == 2 and window.context.link.quiet)
    yield window
    window.close()


def shown(window):
    """What the panels say of the place, as words."""
    panels = window.workspace.panels
    tree, tensor = panels["variables"].tree, panels["tensor"]
    rows = [(tree.topLevelItem(i).text(0), tree.topLevelItem(i).childCount()) for i in range(tree.topLevelItemCount())]
    written = {id: node.words._captions for id, node in panels["network"].scene.nodes.items()}
    return {
        "path": window.findChild(Breadcrumb).text, "status": window.status.state.text(), "variables": rows,
        "network": written,
        "statistics": tensor.statistics.text(), "subject": tensor.head.subject.text(),
        "counts": tensor.histogram.counts.tolist(),
    }  # fmt: skip


def places(timeline):
    """Ops that the pointer finds, along the strip."""
    seqs = range(timeline.events.first + 4, timeline.events.next - 4, 3)
    found = dict.fromkeys(timeline.strip.seq_at(at(timeline, seq).x()) for seq in seqs)
    return [seq for seq in found if timeline.events.get(seq)["kind"] in ("forward", "backward")]


def test_pictures_follow_each_place_and_what_is_read_is_made_up_for(window, qtbot, until, monkeypatch):
    context, panels = window.context, window.workspace.panels
    strip = panels["timeline"].strip
    # However slowly it is dragged: what is read is not made up for before the end.
    panels["variables"]._behind._rest.setInterval(PATIENCE)
    told = {key: [] for key in ("variables", "network", "code")}
    for key, seqs in told.items():
        show = panels[key].show_stop
        monkeypatch.setattr(panels[key], "show_stop", lambda s, show=show, seqs=seqs: (seqs.append(s["seq"]), show(s)))
    seqs = places(panels["timeline"])
    qtbot.mousePress(strip, LEFT, pos=at(panels["timeline"], seqs[0]))
    assert context.state.scrubbing
    for seq in seqs[1:]:
        qtbot.mouseMove(strip, at(panels["timeline"], seq))
        until(lambda: context.state.stop["seq"] == seq and context.link.quiet)  # noqa: B023
    assert told["network"][-1] == told["code"][-1] == seqs[-1]
    assert set(seqs[1:]) <= set(told["network"]) and len(told["variables"]) < len(told["network"])
    qtbot.mouseRelease(strip, LEFT, pos=at(panels["timeline"], seqs[-1]))
    assert not context.state.scrubbing and told["variables"][-1] == seqs[-1]
    until(lambda: at_rest(window))
    dragged = shown(window)
    # The same place as a jump shows it.
    for seq in (seqs[2], seqs[-1]):
        window.workspace.panels["timeline"]._go(seq)
        until(lambda: context.state.stop["seq"] == seq and at_rest(window))  # noqa: B023
    assert shown(window) == dragged


def test_a_drag_that_rests_shows_everything(window, qtbot, until):
    context, timeline = window.context, window.workspace.panels["timeline"]
    there = places(timeline)[1:8:5]
    for place, press in zip(there, (True, False), strict=True):
        (qtbot.mousePress if press else _move)(timeline.strip, LEFT, pos=at(timeline, place))
        until(lambda: context.state.stop["seq"] == place)  # noqa: B023
    until(lambda: at_rest(window))
    dragged = shown(window)
    assert context.state.scrubbing
    qtbot.mouseRelease(timeline.strip, LEFT, pos=at(timeline, there[-1]))
    until(lambda: at_rest(window))
    assert shown(window) == dragged


def _move(strip, _button, pos):
    QTest.mouseMove(strip, pos)


def test_a_strip_that_disappears_is_not_dragged_any_more(window, qtbot):
    timeline = window.workspace.panels["timeline"]
    qtbot.mousePress(timeline.strip, LEFT, pos=QPoint(timeline.strip.width() // 2, timeline.strip.height() // 2))
    assert window.context.state.scrubbing
    window.workspace.docks["timeline"].hide()
    assert not window.context.state.scrubbing
