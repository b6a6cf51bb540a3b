"""The panels are made in turns with Qt's loop: the window lives meanwhile, and nobody hears of half of them."""

import pytest
from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QApplication

from gui import turns
from gui.context import Context
from gui.link import Link
from gui.network import laying
from gui.panels import MODULES, panel_classes
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.turns import Turns
from gui.window import Window
from gui.work import Posts
from tests.gui.conftest import PATIENCE, SAMPLES
from tests.gui.fake_link import FakeLink

SCRIPT = str(SAMPLES / "two_points.py")
STOP = {"reason": "entry", "file": SCRIPT, "line": 1, "position": [0, 0], "step": 0, "live": True, "tensors": []}


@pytest.fixture
def window(qtbot, tmp_path, monkeypatch):
    """A shown window on a fake link; each part of the making has a turn of its own."""
    monkeypatch.setattr(turns, "_WHILE", 0.0)
    window = Window(Context(State(), FakeLink(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.show()
    QApplication.processEvents()
    yield window
    window.close()


def begin(window):
    """Open a script, and let some of the panels be made."""
    window.open(SCRIPT)
    while not window.findChildren(panel_classes()["code"]):
        QApplication.processEvents()
    assert window.workspace is None


def test_the_window_lives_while_the_panels_are_made(window, until):
    begin(window)
    assert window.pages.currentWidget() is window.start_page and window.context.link.held_back
    window.context.action("theme").trigger()
    assert window.context.theme.name != "light" and window.workspace is None
    until(lambda: window.workspace is not None)
    assert list(window.workspace.panels) == list(MODULES) and not window.context.link.held_back
    assert window.pages.currentWidget() is window.workspace
    assert {key for key, panel in window.workspace.panels.items() if panel.isVisible()} >= {"code", "network", "tensor"}


def test_what_needs_the_panels_has_them_made_at_once(window):
    begin(window)
    window.show_panel("curves")
    assert window.workspace.panels["curves"].isVisible() and not window.context.link.held_back
    before = window.workspace
    window.open(SCRIPT)
    QApplication.processEvents()
    assert window.workspace is before


def test_a_stop_from_before_the_panels_gives_the_code_the_focus(window, until):
    window.context.state.update(program=SCRIPT, stop=STOP)
    window.open_workspace()
    until(lambda: window.workspace is not None)
    assert window.workspace.current_key() == "code"


def test_the_start_page_stays_where_it_is_wanted_meanwhile(window, until):
    begin(window)
    window.show_start()
    until(lambda: window.workspace is not None)
    assert window.pages.currentWidget() is window.start_page
    window.open(SCRIPT)
    until(lambda: window.pages.currentWidget() is window.workspace)


def test_a_window_that_is_closed_makes_no_more_panels(window):
    begin(window)
    window.close()
    for _ in range(20):
        QApplication.processEvents()
    assert window.workspace is None and not window.findChildren(panel_classes()["curves"])


def test_what_the_engine_says_waits_for_all_panels(qtbot, until, tmp_path, monkeypatch, no_spare):
    monkeypatch.chdir(tmp_path)
    window = Window(Context(State(), Link(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.show()
    link, told = window.context.link, []
    link.output.connect(lambda _category, text: told.append((text, window.workspace is not None)))
    window.open_workspace()
    link._event({"event": "output", "body": {"category": "stdout", "output": "an early word"}})
    until(lambda: told)
    assert told == [("an early word", True)]
    assert window.workspace.panels["output"].text.toPlainText() == "an early word"
    window.close()
    assert link.close(PATIENCE / 1000)


def test_parts_take_turns_with_other_events(qapp, until, monkeypatch):
    monkeypatch.setattr(turns, "_WHILE", 0.0)
    told, owner = [], QObject()

    def work():
        for part in range(3):
            told.append(part)
            posts.post(lambda part=part: told.append(f"after {part}"))
            yield

    posts = Posts(owner)
    all_parts = Turns(owner, work(), lambda: told.append("ended"))
    assert told == []
    until(lambda: all_parts.done and posts.idle)
    assert told == [0, "after 0", 1, "after 1", 2, "after 2", "ended"]


def test_parts_can_be_finished_left_and_fail(qapp):
    told, owner = [], QObject()

    def work():
        try:
            for part in range(3):
                told.append(part)
                yield
            raise ValueError("no good")
        finally:
            told.append("end")

    one, other = (Turns(owner, work(), lambda: told.append("ended")) for _ in range(2))
    one.stop()
    assert one.done and told == ["ended"]
    with pytest.raises(ValueError, match="no good"):
        other.finish()
    assert other.done and told == ["ended", 0, 1, 2, "end", "ended"]


def test_posts_that_are_held_wait_in_their_order(qapp, until):
    told, posts = [], Posts()
    posts.hold()
    posts.post(lambda: told.append(1))
    posts.post(lambda: told.append(2))
    QApplication.processEvents()
    assert told == [] and not posts.idle
    posts.release()
    assert told == []
    posts.post(lambda: told.append(3))
    until(lambda: told)
    assert told == [1, 2, 3]


def test_a_large_layout_is_handed_on_in_a_turn_of_its_own(qapp, until, monkeypatch):
    def pieces(graph, *_):
        told.append("piece")
        yield None
        told.append("layout")
        yield graph["nodes"]

    told, parent = [], QObject()
    monkeypatch.setattr(laying, "pieces", pieces)
    work = laying.Laying(parent, lambda key, layout: told.append((key, len(layout))))
    work.want("small", {"nodes": [0]}, 1.0, 1.0, None)
    assert told == ["piece", "layout", ("small", 1)] and not work.busy
    told.clear()
    monkeypatch.setattr(laying, "_AT_ONCE", PATIENCE)
    work.want("large", {"nodes": list(range(laying._SMALL + 1))}, 1.0, 1.0, None)
    assert told == [] and work.busy
    work._turn()
    assert told == ["piece", "layout"] and work.busy
    until(lambda: not work.busy)
    assert told == ["piece", "layout", ("large", laying._SMALL + 1)]
    work.want("large", {"nodes": list(range(laying._SMALL + 1))}, 1.0, 1.0, None)
    assert told[-1] == ("large", laying._SMALL + 1) and len(told) == 4
