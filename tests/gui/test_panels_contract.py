"""What every panel of the registry keeps to: without a script, with a stop, running, after a lost process, in all themes."""

import json
import os
import re
import signal

import numpy as np
import pytest
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QGraphicsView,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
)  # fmt: skip

from gui.app import make_window
from gui.panels import MODULES, panel_class
from gui.panels.panel import Panel
from gui.settings import Settings
from gui.theme import THEMES
from tests.gui.conftest import SAMPLES

KEYS = tuple(MODULES)

CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QAbstractItemView, QPlainTextEdit, QAbstractSpinBox, QGraphicsView)

AREAS = {"left", "left-bottom", "center", "bottom", "right", "right-bottom"}


def pixels(picture):
    """Red, green and blue of each pixel as one number."""
    picture = picture.convertToFormat(QImage.Format.Format_RGB32)
    bits = np.frombuffer(picture.constBits().asarray(picture.sizeInBytes()), np.uint32)
    return bits.reshape(picture.height(), -1)[:, : picture.width()] & 0xFFFFFF


def colors(picture):
    return len(np.unique(pixels(picture)))


def ground(picture):
    """The colour that most of a picture has."""
    seen, counts = np.unique(pixels(picture), return_counts=True)
    return int(seen[np.argmax(counts)])


def readable(panel):
    """What is written in a panel."""
    texts = [label.text() for label in panel.findChildren(QLabel) if label.isVisibleTo(panel)]
    for view in panel.findChildren(QPlainTextEdit):
        texts.append((view.toPlainText() or view.placeholderText()) if view.isVisibleTo(panel) else "")
    return " ".join(filter(None, texts))


@pytest.fixture
def make(qtbot, context):
    """``make(key)``: that panel alone, shown, without a script."""

    def panel(key):
        made = panel_class(key)(context)
        qtbot.addWidget(made)
        made.resize(360, 400)
        made.show()
        return made

    return panel


@pytest.fixture
def window(qapp, until, tmp_path, monkeypatch, request):
    """The whole window on samples/two_points.py, stopped behind the loss of the second step.

    ``request.param``: the script's epochs, where its own will not do.
    """
    monkeypatch.chdir(tmp_path)
    window = make_window(Settings(tmp_path / "settings.json"))
    window.resize(1280, 800)
    window.show()
    window.open(str(SAMPLES / "two_points.py"), ("folder=", f"epochs={getattr(request, 'param', 1000)}"))
    until(lambda: window.context.state.stop and window.workspace)
    window.context.action("layout").trigger()
    for level, count in (("batch", 2), ("op", 7)):
        window.context.state.update(level=level)
        for _ in range(count):
            step(window, until)
    yield window
    window.close()
    window.deleteLater()


def step(window, until):
    before = window.context.state.stop
    window.context.action("over").trigger()
    until(lambda: window.context.state.stop is not before and not window.context.link.moving)


@pytest.mark.parametrize("key", KEYS)
def test_it_says_what_it_will_show_and_how_to_get_there(make, key):
    panel = make(key)
    assert isinstance(panel, Panel) and panel.key == key and panel.title and panel.area in AREAS
    assert panel.accessibleName() == panel.title
    assert panel.empty_text.rstrip().endswith((".", ")")) and len(panel.empty_text) > 30
    assert len(readable(panel)) > len(panel.title) + 20, "nothing is said without a script"


@pytest.mark.parametrize("key", KEYS)
def test_while_a_script_starts_nobody_is_told_to_open_one(make, context, key):
    panel = make(key)
    first = readable(panel)
    context.link.starting.emit("Starting the engine process")
    for one in (panel, make(key)):  # the panels of the first script are made while its process starts
        assert "Starting the engine process" in readable(one) and "Open a script" not in readable(one)
    context.link.starting.emit("")  # it could not be started
    assert readable(panel) == first


@pytest.mark.parametrize("key", KEYS)
def test_what_it_saves_comes_back(make, key):
    panel = make(key)
    saved = json.loads(json.dumps(panel.save()))
    again = make(key)
    again.restore(saved)
    assert again.save() == saved
    for broken in ({}, dict.fromkeys(saved), dict.fromkeys(saved, "nonsense"), {"of": ["another", "version"]}):
        again.restore(broken)
    json.dumps(again.save())


@pytest.mark.parametrize("name", THEMES)
def test_it_takes_on_every_theme(window, until, name):
    window.looks.set_theme(name)
    theme = window.context.theme
    grounds = {color.rgb() & 0xFFFFFF for color in (theme.panel, theme.paper, theme.raised)}
    for key, panel in window.workspace.panels.items():
        window.workspace.show_panel(key)
        until(panel.isVisible)
        assert ground(panel.grab().toImage()) in grounds, key


def test_it_shows_a_stop_and_pictures_of_it(window, until, tmp_path):
    for key, panel in window.workspace.panels.items():
        window.workspace.show_panel(key)
        until(panel.isVisible)
        until(lambda panel=panel: colors(panel.grab().toImage()) > 4)
        png, svg = tmp_path / f"{key}.png", tmp_path / f"{key}.svg"
        panel.export_png(png)
        panel.export_svg(svg)
        picture = QImage(str(png))
        assert picture.width() >= panel.width() and picture.height() >= panel.height(), key
        assert colors(picture) > 4, key
        text = svg.read_text(encoding="utf-8")
        assert "<svg" in text and len(re.findall(r"<(path|text|image|polyline|rect)", text)) > 3, key


def test_the_focus_gets_there_and_all_controls_have_names(window, until):
    window.activateWindow()
    until(lambda: QApplication.activeWindow() is window)
    for key, panel in window.workspace.panels.items():
        window.workspace.show_panel(key)
        focus = QApplication.focusWidget()
        within = focus is not None and any(part is focus or part.isAncestorOf(focus) for part in (panel, panel.head))
        assert within, f"{key}: the focus is at {focus}"
        for part in (panel, panel.head):
            nameless = [w for kind in CONTROLS for w in part.findChildren(kind) if w.isVisible() and not named(w)]
            nameless = [widget for widget in nameless if not isinstance(widget, QHeaderView)]
            assert nameless == [], key


def named(widget):
    """Whether a widget has a name, or is the inner part of one that has."""
    inner = widget.objectName().startswith("qt_") or isinstance(widget.parentWidget(), (QComboBox, QAbstractSpinBox))
    return bool(widget.accessibleName()) or inner


@pytest.mark.parametrize("window, reason", [(1_000_000_000, "pause"), (3, "end")], indirect=["window"])
def test_it_lives_through_running_and_a_lost_process(window, until, reason):
    panels = window.workspace.panels
    state = window.context.state
    window.context.action("continue").trigger()
    until(lambda: state.running or state.stop["reason"] == "end")
    for key, panel in panels.items():
        window.workspace.show_panel(key)
        until(panel.isVisible)
        until(lambda panel=panel: colors(panel.grab().toImage()) > 1)
    if reason == "pause":
        window.context.action("pause").trigger()
    until(lambda: not state.running and state.stop["reason"] == reason)
    os.kill(window.context.link._session.current.client.pid, signal.SIGKILL)
    until(lambda: window.messages.severity == "error")
    for key, panel in panels.items():
        window.workspace.show_panel(key)
        until(panel.isVisible)
        until(lambda panel=panel: readable(panel) or colors(panel.grab().toImage()) > 4)
