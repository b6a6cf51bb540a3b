"""The window: its pages, actions, keys, themes, messages, settings; and a true script in it."""

import json
import os
import signal
import threading

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QSlider

from gui.actions import SPECS
from gui.breadcrumb import parts
from gui.breakpoints import breakpoints_of
from gui.comparing import compared_words
from gui.context import Context
from gui.exporting_pictures import write_window
from gui.keys_dialog import KeysDialog
from gui.link import Link
from gui.panels import panel_classes
from gui.samples import find_samples
from gui.settings import Settings
from gui.state import State
from gui.stepping import FREE, steps_per_second
from gui.theme import THEMES, Theme, contrast
from gui.window import Window
from tests.gui.conftest import SAMPLES
from tests.gui.fake_link import FakeLink

STOP = {
    "reason": "step", "description": 'forward Conv2d "conv1"', "position": [3, 0, 0], "level": "op", "kind": "forward",
    "file": str(SAMPLES / "two_points.py"), "line": 59, "function": "<module>", "module": "conv1", "op": "Conv2d",
    "name": "Conv2d", "direction": "forward", "epoch": 1, "batch": 3, "batches": 188, "step": 3, "live": True, "seq": 12,
    "tensors": [], "hitBreakpointIds": [],
}  # fmt: skip

RUN = {
    "name": "run 1", "number": 1, "current": True, "state": "stopped", "parent": None, "parameters": [], "forkedAt": None,
    "edits": 0, "position": [3, 0, 0], "replayable": True,
}  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "config" / "settings.json")


@pytest.fixture
def make(qapp, qtbot, settings):
    """``make(link)``: a shown window on a link."""
    windows = []

    def window(link):
        windows.append(Window(Context(State(), link, Theme(), settings)))
        qtbot.addWidget(windows[-1])
        windows[-1].show()
        return windows[-1]

    yield window
    for one in windows:
        one.close()


@pytest.fixture
def window(make):
    return make(FakeLink())


@pytest.fixture
def stopped(window, qtbot):
    """A window whose script stands at STOP, according to its link."""
    window.open(str(SAMPLES / "two_points.py"))
    qtbot.waitUntil(lambda: window.workspace is not None)
    window.context.link.runs_changed.emit([dict(RUN)])
    window.context.link.stopped.emit(dict(STOP))
    window.context.link.moves.clear()
    return window


def test_it_opens_on_the_start_page_with_the_samples(window):
    assert window.pages.currentWidget() is window.start_page and window.isVisible()
    names = {button.accessibleName() for button in window.start_page.findChildren(QAbstractButton)}
    assert {sample.title for sample in find_samples()} <= names
    assert "Two points, one network, every number" in names
    assert all(sample.sentence.endswith(".") for sample in find_samples())


def test_a_click_on_a_sample_launches_it(window, qtbot):
    card = next(b for b in window.start_page.findChildren(QAbstractButton) if b.accessibleName().startswith("XOR"))
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    path = str(SAMPLES / "xor.py")
    assert ("launch", {"path": path, "parameters": (), "as_torch": False, "arguments": ()}) in window.context.link.moves
    assert window.windowTitle() == "xor.py – Nablascope"
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.workspace)


@pytest.mark.parametrize(
    ("key", "modifier", "move"),
    [
        (Qt.Key.Key_F5, "", ("continue", {})),
        (Qt.Key.Key_F5, "Alt", ("reverseContinue", {})),
        (Qt.Key.Key_F5, "Shift", ("stop", {})),
        (Qt.Key.Key_F10, "", ("next", {"granularity": "op"})),
        (Qt.Key.Key_F10, "Alt", ("stepBack", {"granularity": "op"})),
        (Qt.Key.Key_F11, "", ("stepIn", {})),
        (Qt.Key.Key_F11, "Shift", ("stepOut", {})),
        (Qt.Key.Key_F11, "Alt", ("stepBack", {"granularity": "op"})),
        (Qt.Key.Key_F11, "AltShift", ("stepBack", {"granularity": "module"})),
        (Qt.Key.Key_F5, "ControlShift", ("restart", {"parameters": None, "name": None})),
    ],
)
def test_the_keys_are_those_of_vs_code(stopped, qtbot, key, modifier, move):
    held = Qt.KeyboardModifier.NoModifier
    for name in ("Alt", "Shift", "Control"):
        if name in modifier:
            held |= getattr(Qt.KeyboardModifier, f"{name}Modifier")
    stopped.activateWindow()
    qtbot.keyClick(stopped, key, held)
    assert stopped.context.link.moves == [move]


def test_f6_pauses_what_runs_and_nothing_else(stopped, qtbot):
    qtbot.keyClick(stopped, Qt.Key.Key_F6)
    assert stopped.context.link.moves == []
    stopped.context.link.resumed.emit()
    qtbot.keyClick(stopped, Qt.Key.Key_F10)
    qtbot.keyClick(stopped, Qt.Key.Key_F6)
    assert stopped.context.link.moves == [("pause", {})]


def test_no_two_actions_have_one_key(window):
    keys = [key.toString() for name in SPECS for key in window.context.action(name).shortcuts()]
    keys += [key.toString() for action in window.findChildren(QAction) if action not in map(window.context.action, SPECS)
             for key in action.shortcuts()]  # fmt: skip
    assert "" not in keys and len(keys) == len(set(keys))


def test_a_step_into_an_op_leads_to_the_selected_element(stopped):
    state = stopped.context.state
    stop = {**STOP, "tensors": [{"name": "y", "shape": [2, 8], "dtype": "float32"}]}
    stopped.context.link.stopped.emit(stop)
    state.reselect(index=(1, 5))
    stopped.context.action("into").trigger()
    assert stopped.context.link.moves[-1] == ("stepIn", {"tensor": "y", "index": [1, 5]})
    stopped.context.link.stopped.emit({**stop, "level": "element", "element": {}})
    assert state.level == "element" and stopped.toolbar.level.currentText() == "element"
    stopped.context.link.stopped.emit({**stop, "seq": 13, "level": "op"})
    assert state.level == "op"


def test_the_level_decides_what_over_means(stopped, qtbot):
    qtbot.keyClick(stopped, Qt.Key.Key_BracketLeft, Qt.KeyboardModifier.ControlModifier)
    assert stopped.toolbar.level.currentText() == "module"
    stopped.context.action("over").trigger()
    stopped.toolbar.level.activated.emit(0)
    stopped.context.action("over").trigger()
    assert stopped.context.link.moves == [("next", {"granularity": "module"}), ("next", {"granularity": "epoch"})]


def test_continue_walks_at_the_speed_of_the_slider(stopped, qtbot):
    link = stopped.context.link
    stopped.toolbar.speed.setValue(FREE - 1)
    stopped.context.action("continue").trigger()
    assert link.moves == [("next", {"granularity": "op"})] and stopped.context.action("pause").isEnabled()
    link.stopped.emit({**STOP, "seq": 13})
    qtbot.waitUntil(lambda: len(link.moves) == 2)
    link.stopped.emit({**STOP, "seq": 14, "reason": "breakpoint"})
    qtbot.wait(60)
    assert len(link.moves) == 2 and not stopped.stepping.walking
    stopped.context.action("continue").trigger()
    stopped.context.action("pause").trigger()
    link.stopped.emit({**STOP, "seq": 15})
    qtbot.wait(60)
    assert len(link.moves) == 3


def test_speeds_rise_to_free_running():
    speeds = [steps_per_second(position) for position in range(FREE)]
    assert speeds[0] == 0.5 and speeds == sorted(speeds) and steps_per_second(FREE) is None


def test_actions_are_enabled_while_they_have_a_use(window, qtbot):
    action = window.context.action
    assert not any(action(name).isEnabled() for name in ("over", "continue", "pause", "restart", "compare"))
    window.open(str(SAMPLES / "xor.py"))
    window.context.link.stopped.emit(dict(STOP))
    assert action("over").isEnabled() and action("restart").isEnabled() and not action("pause").isEnabled()
    window.context.link.resumed.emit()
    assert action("pause").isEnabled() and not action("over").isEnabled()
    window.context.link.closed.emit()
    assert not action("over").isEnabled() and action("restart").isEnabled()
    qtbot.waitUntil(lambda: window.workspace is not None)


def test_themes_and_text_sizes(stopped, qtbot):
    app = QApplication.instance()
    for _ in THEMES:
        qtbot.keyClick(stopped, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        assert app.palette().window().color() == stopped.context.theme.paper
    assert stopped.context.theme.name == "light"
    before = app.font().pointSizeF()
    qtbot.keyClick(stopped, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: app.font().pointSizeF() > before and stopped.context.settings["scale"] == 1.1)
    qtbot.keyClick(stopped, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(stopped, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert app.font().pointSizeF() == before
    qtbot.wait(100)  # nothing of the key before comes after it
    assert app.font().pointSizeF() == before


@pytest.mark.parametrize("name", THEMES)
def test_text_reads_on_every_background(qapp, name):
    theme = Theme(name)
    wanted = 7.0 if name == "projector" else 4.5
    for color in (theme.ink, theme.muted):
        assert min(contrast(color, background) for background in (theme.paper, theme.panel, theme.raised)) >= wanted
    for color in theme.phase_text.values():
        assert contrast(color, theme.panel) >= wanted
    zero = tuple(int(v) for v in theme.diverging[128, :3])
    assert zero == theme.panel.getRgb()[:3]
    assert theme.diverging.shape == theme.sequential.shape == (256, 4)


def test_the_breadcrumb_says_where_it_stands(stopped):
    crumb = stopped.workspace.findChild(type(stopped.workspace.centralWidget()), "breadcrumb")
    assert crumb.text == "epoch 1 › batch 4 of 188 › forward › conv1 › Conv2d"
    assert parts(None) == []
    buttons = {button.text(): button for button in crumb.findChildren(QAbstractButton)}
    buttons["batch 4 of 188"].click()
    assert stopped.context.link.moves == [("stepBack", {"granularity": "batch"})]


def test_messages_say_what_happened_and_can_be_closed(stopped, qtbot):
    link, bar = stopped.context.link, stopped.messages
    link.failed.emit("It could not be done.")
    assert bar.isVisible() and bar.text.text() == "It could not be done." and bar.severity == "warning"
    qtbot.keyClick(stopped, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    link.lost.emit("killed by signal 9")
    buttons = {button.text(): button for button in bar.findChildren(QAbstractButton)}
    assert bar.severity == "error" and "killed by signal 9" in bar.text.text()
    buttons["Restart"].click()
    assert link.moves[-1][0] == "restart" and not bar.isVisible()


def test_a_script_that_computes_with_pytorch_itself_is_told_and_run_on_this_engine(stopped, qtbot):
    link, bar = stopped.context.link, stopped.messages
    buttons = lambda: {button.text(): button for button in bar.findChildren(QAbstractButton)}  # noqa: E731
    link.stopped.emit({**STOP, "reason": "entry", "bypassed": "torch"})
    assert bar.severity == "warning" and "imports PyTorch itself" in bar.text.text()
    link.stopped.emit({**STOP, "reason": "step"})
    assert "imports PyTorch itself" in bar.text.text()  # it still does
    link.stopped.emit({**STOP, "reason": "end", "bypassed": "torch"})
    assert "computed nothing with this engine" in bar.text.text() and "imports" not in bar.text.text()
    link.moves.clear()
    buttons()["Run it on this engine as torch"].click()
    path = str(SAMPLES / "two_points.py")
    assert ("launch", {"path": path, "parameters": (), "as_torch": True, "arguments": ()}) in link.moves
    assert not bar.isVisible()


def test_a_script_that_is_not_there_is_told(window, tmp_path):
    window.open(str(tmp_path / "gone.py"))
    assert "gone.py" in window.messages.text.text() and window.context.link.moves == []
    window.open(str(tmp_path))
    assert "folder" in window.messages.text.text()


def test_the_layout_and_breakpoints_are_remembered(stopped, make, settings, qtbot):
    path = os.path.realpath(SAMPLES / "two_points.py")
    stopped.context.state.update(breakpoints={path: [{"line": 59, "condition": "step > 3", "verified": True}]})
    exceptions = [{"filter": "raised"}, {"filter": "uncaught", "enabled": False}]
    breakpoints_of(stopped.context).set_entries("exception", exceptions)
    stopped.looks.set_theme("dark")
    stopped.close()
    saved = json.loads(settings.path.read_text())
    assert saved["theme"] == "dark" and saved["recent"] == [str(SAMPLES / "two_points.py")]
    assert next(iter(saved["scripts"].values()))["breakpoints"] == {path: [{"line": 59, "condition": "step > 3"}]}
    link = FakeLink()
    again = Window(Context(State(), link, Theme(), Settings(settings.path)))
    qtbot.addWidget(again)
    again.show()
    assert again.context.theme.name == "dark"
    again.open(str(SAMPLES / "two_points.py"))
    wanted = {"source": {"path": path}, "breakpoints": [{"line": 59, "condition": "step > 3"}]}
    assert ("setBreakpoints", wanted) in link.moves
    assert ("setExceptionBreakpoints", {"filters": ["raised"]}) in link.moves
    qtbot.waitUntil(lambda: again.workspace is not None)
    again.close()


def test_a_window_that_is_opened_again_has_the_widths_that_it_had(stopped, settings, qtbot):
    """Those that the user has dragged: the default layout comes back by itself. In the size that a workspace has before it
    is laid out (640) they would have no room: Qt would make them smaller.
    """
    def widths(window):
        return [window.workspace.docks[key].width() for key in ("code", "tensor")]

    qtbot.waitUntil(lambda: widths(stopped) == [340, 360])
    stopped.resize(780, 700)  # as the screen has room for, to which Qt cuts what it restores
    docks = [stopped.workspace.docks[key] for key in ("code", "tensor")]
    stopped.workspace.resizeDocks(docks, [280, 321], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: widths(stopped) == [280, 321])
    stopped.close()
    again = Window(Context(State(), FakeLink(), Theme(), Settings(settings.path)))
    qtbot.addWidget(again)
    again.show()
    again.open(str(SAMPLES / "two_points.py"))
    qtbot.waitUntil(lambda: again.workspace is not None and widths(again) == [280, 321])
    again.resize(1920, 1080)  # the layout was not the user's own: it goes on to suit the window
    qtbot.waitUntil(lambda: again.workspace.panels["layers"].isVisible())
    again.close()


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"theme": 3, "recent": "x", "scale": null}', "\x00\xff"])
def test_broken_settings_are_told_and_the_defaults_used(tmp_path, text):
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="latin-1")
    settings = Settings(path)
    assert (settings["theme"], settings["recent"], settings["scale"]) == ("light", [], 1.0)
    assert str(path) in settings.problem
    assert (tmp_path / "settings.broken.json").read_text(encoding="latin-1") == text
    if text.startswith('{"'):
        assert "(theme, recent, scale)" in settings.problem
    settings.save()
    assert Settings(path).problem == ""


def test_of_settings_only_what_cannot_be_is_left_out(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "sepia", "scale": 1.5, "of a later version": 3}')
    settings = Settings(path)
    assert "(theme)" in settings.problem and (settings["theme"], settings["scale"]) == ("light", 1.5)
    settings.save()
    assert Settings(path).problem == "" and json.loads(path.read_text())["of a later version"] == 3


def test_settings_are_written_as_a_whole_or_not_at_all(tmp_path):
    settings = Settings(tmp_path / "settings.json")
    settings.add_recent("/a.py")
    settings.save()
    settings["theme"] = object()
    with pytest.raises(TypeError):
        settings.save()
    assert Settings(tmp_path / "settings.json")["recent"] == ["/a.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_every_control_has_a_name(stopped):
    for kind in (QAbstractButton, QComboBox, QSlider, QLineEdit):
        for part in (stopped.toolbar, stopped.messages, stopped.start_page):
            assert all(widget.accessibleName() for widget in part.findChildren(kind)), part


def test_f1_lists_every_key(stopped, qtbot):
    qtbot.keyClick(stopped, Qt.Key.Key_F1)
    dialog = stopped.findChild(KeysDialog)
    lines = {text: keys for keys, text, _ in dialog.shown()}
    for name, spec in SPECS.items():
        if spec.keys:
            shortcuts = [key.toString() for key in stopped.context.action(name).shortcuts()]
            assert lines[spec.text.rstrip("…")] == ", ".join(shortcuts)
    assert all(text in dialog.as_text() for text in lines)
    qtbot.keyClicks(dialog.search, "step back")
    assert {text for _, text, _ in dialog.shown()} >= {"Step back", "Step back into", "Step back out"}
    assert "Open script" not in {text for _, text, _ in dialog.shown()}
    dialog.copy()
    assert "Shift+F11" in QApplication.clipboard().text()
    dialog.close()


def test_panels_stand_where_they_belong(stopped):
    workspace = stopped.workspace
    assert set(workspace.panels) == set(panel_classes())
    for key, dock in workspace.docks.items():
        assert dock.isAncestorOf(workspace.panels[key]) and dock.windowTitle()
    layout = workspace.layout_text()
    workspace.arrange(wide=True)
    assert workspace.restore_layout(layout) and not workspace.restore_layout("nonsense")


def test_pictures_are_written(stopped, tmp_path):
    write_window(stopped, str(tmp_path / "window.png"))
    panel = next(iter(stopped.workspace.panels.values()))
    panel.export_png(tmp_path / "panel.png")
    panel.export_svg(tmp_path / "panel.svg")
    assert (tmp_path / "window.png").stat().st_size > 1000 and (tmp_path / "panel.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "panel.svg").read_text()
    with pytest.raises(OSError):
        panel.export_png(tmp_path / "missing" / "panel.png")
    with pytest.raises(OSError):
        panel.export_svg(tmp_path / "missing" / "panel.svg")


def test_a_comparison_in_words():
    assert "do not differ in the 5 steps" in compared_words("run 1", "run 2", {"common": 5, "step": None, "event": None})
    words = compared_words("run 1", "run 2", {
        "step": 3, "losses": [0.5, 0.25], "event": {"kind": "update", "name": "SGD", "module": None, "step": 2},
        "tensor": "w_new", "index": [0, 1], "values": [1.0, 2.0],
    })  # fmt: skip
    assert "update SGD, w_new[0, 1] (step 3): 1 and 2" in words and "part at step 4: 0.5 and 0.25" in words
    near = compared_words("run 1", "run 2", {"step": 0, "losses": [0.8860303, 0.8860304], "event": None})
    assert near.endswith("The losses part at step 1: 0.8860303 and 0.8860304.")
    log = {"kind": "forward", "name": "Log", "module": None, "step": 2}
    other = compared_words("run 1", "run 2", {
        "step": None, "losses": None, "event": log, "instead": {**log, "name": "Clamp", "module": "head"},
        "tensor": None, "index": None, "values": None,
    })  # fmt: skip
    assert other == (
        "run 1 and run 2 do different things from step 3 on: forward Log in the first, forward head Clamp in the second."
    )
    only = compared_words("run 1", "run 2", {"step": None, "event": log, "tensor": "y", "index": None, "values": None})
    assert only == "run 1 and run 2 first differ in forward Log, y (step 3)."


def test_a_true_script_in_the_window(make, qtbot, until, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    window = make(Link())
    context = window.context
    window.open(str(SAMPLES / "two_points.py"))
    assert "Starting" in window.status.state.text()
    until(lambda: context.state.stop and window.workspace)
    for _ in range(3):
        before = context.state.stop
        context.action("over").trigger()
        until(lambda before=before: context.state.stop is not before and not context.link.moving)
    assert context.state.stop["op"] == "Relu" and "Relu" in window.status.state.text()
    before = context.state.stop
    flushed = ("link", "flush")
    context.link.forget(flushed)
    context.action("back").trigger()
    until(lambda: context.state.stop is not before)
    assert context.state.stop["op"] == "Linear" and "in the past" in window.status.state.text()
    until(lambda: flushed in context.link.answers_given())  # the tape is written when nothing has moved for a while
    os.kill(context.link._session.current.client.pid, signal.SIGKILL)
    until(lambda: window.messages.severity == "error")
    assert "gone" in window.status.state.text()
    next(b for b in window.messages.findChildren(QAbstractButton) if b.text() == "Replay to here").click()
    until(lambda: context.state.runs[0]["state"] == "stopped" and context.state.stop["op"] == "Linear")
    window.close()
    assert not any(thread.name.startswith(("ask", "move")) for thread in threading.enumerate())
