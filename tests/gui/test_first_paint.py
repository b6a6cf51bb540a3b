"""What takes long begins once the window has been seen."""

import pytest
from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtWidgets import QWidget

from gui import first_paint
from gui.app import make_window
from gui.first_paint import FirstPaint
from gui.settings import Settings
from tests.gui.conftest import PATIENCE, SAMPLES


class Painted(QWidget):
    def __init__(self, told):
        super().__init__()
        self.told = told

    def paintEvent(self, event):
        self.told.append("painted")


@pytest.fixture
def told():
    return []


@pytest.fixture
def widget(qtbot, told):
    widget = Painted(told)
    qtbot.addWidget(widget)
    return widget


def test_what_is_wanted_before_the_first_paint_waits_for_it(widget, told, until, monkeypatch):
    monkeypatch.setattr(first_paint, "_PATIENCE", PATIENCE)
    first = FirstPaint(widget)
    first.then(lambda: told.append("one"))
    first.then(lambda: told.append("two"))
    widget.show()
    until(lambda: len(told) >= 3)
    assert told[:3] == ["painted", "one", "two"]
    told.clear()
    first.then(lambda: told.append("three"))
    assert told == []
    until(lambda: "three" in told)


def test_a_window_that_is_not_painted_is_waited_for_no_longer(widget, told, until):
    FirstPaint(widget).then(lambda: told.append("done"))
    until(lambda: told == ["done"])


def test_a_window_is_painted_empty_before_its_panels_are_made(qapp, until, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(first_paint, "_PATIENCE", PATIENCE)
    window, painted, seen = make_window(Settings(tmp_path / "settings.json")), [], []

    class Watch(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Paint:
                painted.append(watched)
            return False

    watch, begin = Watch(window), window.making._begin
    window.toolbar.installEventFilter(watch)
    monkeypatch.setattr(window.making, "_begin", lambda: (seen.append(len(painted)), begin()))
    window.show_nothing()
    window.show()
    window.open(str(SAMPLES / "two_points.py"), ("folder=",))
    assert window.workspace is None and not window.start_page.isVisible() and window.context.link.moving
    until(lambda: window.workspace is not None and window.context.state.stop)
    assert len(seen) == 1 and seen[0] >= 1 and window.workspace.isVisible()
    window.close()
    window.deleteLater()
