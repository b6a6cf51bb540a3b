"""Settings that are broken, cannot be read or written, or are written by two windows; errors of the window's own."""

import json
import os
import sys
import threading
from pathlib import Path

import pytest
from PyQt6.QtCore import QByteArray, Qt, QTimer
from PyQt6.QtWidgets import QApplication, QDialog, QLabel, QPlainTextEdit

from engine.script.program import read_script
from gui.context import Context
from gui.saved_sessions.signing import Signer
from gui.settings import Settings, merged
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.gui.conftest import SAMPLES
from tests.gui.fake_link import FakeLink
from tests.gui.test_faults import buttons, said


@pytest.fixture
def window(qapp, qtbot, tmp_path):
    window = Window(Context(State(), FakeLink(), Theme(), Settings(tmp_path / "config" / "settings.json")))
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


# ---------------------------------------------------------------------------------------------------- settings

BROKEN = ["", "{", "[1, 2]", "\x00\xff\xfe", '{"theme": 3, "recent": "x"}', "[" * 100_000, '"text"', "{" * 3]

ODD = {
    "theme": "neon", "scale": 1e9, "motion": 3, "speed": -5, "recent": [1, None], "layout": {"window": 3, "docks": "!!"},
    "panels": {"code": 5, "curves": {"smoothing": [], "shown": {}}, "network": {"place": "x"}},
    "scripts": {str(SAMPLES / "two_points.py"): {"breakpoints": 5, "op": 3, "watch": [1], "watches": 7}, "x": 3},
    "unknown": {"a": 1},
}  # fmt: skip


@pytest.mark.parametrize("text", [*BROKEN, json.dumps(ODD), *(json.dumps({key: value}) for key, value in ODD.items())])
def test_a_window_opens_with_any_settings(qapp, qtbot, tmp_path, caplog, text):
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="latin-1")
    settings = Settings(path)
    window = Window(Context(State(), FakeLink(), Theme(), settings))
    qtbot.addWidget(window)
    window.show()
    window.open(str(SAMPLES / "two_points.py"))
    qtbot.waitUntil(lambda: window.workspace is not None)
    assert len(window.workspace.panels) >= 14
    if settings.problem:
        assert said(window) == settings.problem  # opening a script does not take it away before it is read
        assert str(path) in settings.problem and (tmp_path / "settings.broken.json").exists()
    window.close()
    assert Settings(path).problem == "" and not [r for r in caplog.records if r.levelname == "ERROR"]


def test_settings_that_cannot_be_read_are_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "dark"}')

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        settings = Settings(path)
        assert "Permission denied" in settings.problem and settings["theme"] == "light"
        settings["theme"] = "projector"
        settings.save()
    assert path.read_text() == '{"theme": "dark"}' and [p.name for p in tmp_path.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("make", [Path.mkdir, getattr(os, "mkfifo", Path.mkdir), lambda path: path.symlink_to(os.devnull)])
def test_what_lies_in_the_place_of_files_and_is_none_is_left_alone(tmp_path, make):
    path, key = tmp_path / "settings.json", tmp_path / "session-key"
    for place in (path, key):
        make(place)
    settings = Settings(path)
    assert "cannot be read (it is no ordinary file)" in settings.problem and settings["theme"] == "light"
    settings["theme"] = "dark"
    settings.save()
    assert path.exists() and not path.is_file()
    signer = Signer(tmp_path)
    assert not signer.knows(b"data", "0" * 64)
    assert signer.sign(b"data") == "" or key.is_file()


def test_settings_that_cannot_be_saved_are_told_once(qapp, qtbot, tmp_path, monkeypatch):
    window = Window(Context(State(), FakeLink(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.show()

    tried = []

    def refuse(*_, **__):
        tried.append(1)
        raise OSError(30, "Read-only file system", f"{tmp_path}/.settings-{len(tried)}")

    monkeypatch.setattr("gui.settings.tempfile.mkstemp", refuse)
    window.remembering.save()
    assert f"{tmp_path / 'settings.json'} cannot be saved (Read-only file system)" in said(window)
    window.messages.dismiss()
    window.remembering.save()
    assert said(window) == "" and len(tried) == 2
    window.close()


def test_two_windows_keep_what_each_has_changed(tmp_path):
    path = tmp_path / "settings.json"
    first, second = Settings(path), Settings(path)
    first.add_recent("/a.py")
    first["theme"] = "dark"
    first.script("/a.py")["breakpoints"] = {"/a.py": [{"line": 1}]}
    first.save()
    second.add_recent("/b.py")
    second.script("/b.py")["breakpoints"] = {"/b.py": [{"line": 2}]}
    second.save()
    first["scale"] = 1.5
    first.save()
    last = Settings(path)
    assert last["theme"] == "dark" and last["scale"] == 1.5 and set(last["recent"]) == {"/a.py", "/b.py"}
    assert last["scripts"]["/a.py"]["breakpoints"] and last["scripts"]["/b.py"]["breakpoints"]
    assert merged({"recent": ["a", "b"]}, {"recent": ["b"]}, {"recent": ["c", "a", "b"]}) == {"recent": ["c", "b"]}
    assert merged({"x": 1}, {}, {"x": 1, "y": 2}) == {"y": 2}


def test_settings_where_no_folder_can_be_are_told(qapp, qtbot, tmp_path):
    (tmp_path / "file").write_text("")
    window = Window(Context(State(), FakeLink(), Theme(), Settings(tmp_path / "file" / "settings.json")))
    qtbot.addWidget(window)
    window.show()
    assert str(tmp_path / "file") in said(window) and "Not a directory" in said(window)
    window.close()


def test_many_windows_writing_at_once_lose_nothing(tmp_path):
    path = tmp_path / "settings.json"

    def write(number):
        settings = Settings(path)
        for i in range(5):
            settings.script(f"/{number}-{i}.py")["watches"] = ["x"]
            settings.save()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Settings(path)["scripts"]) == 20 and [p.name for p in tmp_path.iterdir()] == ["settings.json"]


def test_a_window_whose_screen_is_gone_stands_on_one_that_is_there(qapp, qtbot, tmp_path):
    path = tmp_path / "settings.json"
    window = Window(Context(State(), FakeLink(), Theme(), Settings(path)))
    qtbot.addWidget(window)
    window.show()
    window.move(9000, 7000)
    window.close()
    saved = json.loads(path.read_text())["layout"]["window"]
    assert not QByteArray.fromBase64(saved.encode()).isEmpty()
    again = Window(Context(State(), FakeLink(), Theme(), Settings(path)))
    qtbot.addWidget(again)
    again.show()
    screen = QApplication.primaryScreen().availableGeometry()
    assert screen.intersects(again.frameGeometry()) and again.height() > 100
    again.close()


# ---------------------------------------------------------------------------------------------------- errors of its own


@pytest.mark.qt_no_exception_capture
def test_an_exception_in_a_slot_is_told_with_its_traceback(qtbot, window, monkeypatch, caplog):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    window.errors.install()

    def broken():
        raise ZeroDivisionError("a slot of the test")

    QTimer.singleShot(0, broken)
    qtbot.waitUntil(lambda: "a slot of the test" in said(window))
    assert "broken" in said(window) and "test_faults_settings.py" in said(window) and window.messages.severity == "error"
    assert "Traceback" in caplog.text and "a slot of the test" in caplog.text
    buttons(window)["Details"].click()
    dialog = next(d for d in window.findChildren(QDialog) if d.windowTitle() == "An error of the window")
    assert "in broken" in dialog.findChild(QPlainTextEdit).toPlainText() and dialog.findChild(QLabel).text()
    dialog.close()
    # The same error, once more, is not told again; one in a thread is.
    window.messages.dismiss()
    QTimer.singleShot(0, broken)
    thread = threading.Thread(target=lambda: [][1])
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "IndexError" in said(window))
    assert window.isVisible()


# ---------------------------------------------------------------------------------------------------- messages


def test_a_passing_information_does_not_lose_a_message_with_buttons(window, until):
    bar = window.messages
    bar.show_message("choose", "warning", [("Do", lambda: None)])
    bar.show_message("Written: a.png")
    assert bar.whole == "Written: a.png"
    bar.leave()
    assert bar.whole == "choose" and bar.severity == "warning"
    until(lambda: set(buttons(window)) == {"Do"})
    bar.show_message("Written: b.png")
    bar.withdraw("choose")
    bar.leave()
    assert bar.whole == "" and not bar.isVisible()


def test_an_error_stays_and_what_is_less_severe_waits_behind_it(window, until, qtbot):
    bar = window.messages
    bar.show_message("gone", "error", [("Replay to here", lambda: None)])
    bar.show_message("refused", "warning")
    bar.show_message("Written: a.png")
    assert bar.whole == "gone" and not bar._timer.isActive() and bar._more.text() == "2 more"
    until(lambda: set(buttons(window)) == {"Replay to here"})
    bar.show_message("not written", "error")  # the newest of two that are as severe
    assert bar.whole == "not written" and bar.waiting == ["Written: a.png", "refused", "gone"]
    for after in ("gone", "Written: a.png"):  # an information that was never shown comes before what stays
        qtbot.keyClick(window, Qt.Key.Key_Escape)
        assert bar.whole == after
    assert bar._timer.isActive() and not buttons(window)
    bar._timer.timeout.emit()
    assert bar.whole == "refused" and bar.waiting == [] and not bar._more.isVisible() and not bar._timer.isActive()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert bar.whole == "" and not bar.isVisible()


def test_a_message_is_changed_wherever_it_is(window, until):
    bar = window.messages
    bar.show_message("10 %", "info", [("Cancel", lambda: None)])
    bar.show_message("Written: a.png")
    bar.change_text("10 %", "20 %")
    assert bar.whole == bar.text.text() == "Written: a.png"
    bar.leave()
    assert bar.whole == "20 %"
    bar.change_text("20 %", "30 %")
    assert bar.whole == bar.text.text() == "30 %"
    until(lambda: set(buttons(window)) == {"Cancel"})


def test_what_the_link_takes_back_is_withdrawn(window):
    link, bar = window.context.link, window.messages
    link.failed.emit("the disk is full")
    assert bar.whole == "the disk is full" and bar.severity == "warning"
    link.mended.emit("the disk is full")
    assert bar.whole == ""


def test_an_exception_told_before_does_not_come_back_after_the_script_went_on(window):
    link, bar = window.context.link, window.messages
    link.stopped.emit({"reason": "exception", "description": "ValueError: x"})
    link.failed.emit("cannot be done")
    link.stopped.emit({"reason": "goto", "live": False})
    bar.leave()
    assert bar.whole == ""


def test_names_of_runs_are_quoted_while_they_are_compared(window):
    names = ("run 1", "fc.weight = 0")
    runs = [{"name": name, "number": i, "current": i == 1, "state": "stopped"} for i, name in enumerate(names)]
    window.context.state.update(runs=runs)
    window.scripts.compare()
    assert said(window) == "Comparing run 1 and “fc.weight = 0” …"


@pytest.mark.parametrize("end", ["result", "failure", "close"])
def test_what_is_compared_is_said_until_there_is_a_result_or_none_will_come(window, end):
    runs = [{"name": f"run {i}", "number": i, "current": i == 1, "state": "stopped"} for i in (1, 2)]
    window.context.state.update(runs=runs)
    waiting = []
    window.context.link.compare = lambda a, b, then: waiting.append(then)
    window.scripts.compare()
    text, bar = "Comparing run 1 and run 2 …", window.messages
    assert said(window) == text and not bar.passing
    window.context.say("Saved.", "info")
    assert said(window) == "Saved." and bar.passing
    bar.leave()
    assert said(window) == text and not bar.passing
    if end == "result":
        waiting[0]({"common": 5, "step": None, "event": None})
        assert "do not differ" in said(window)
    elif end == "failure":
        window.context.link.failed.emit("run 2 cannot be replayed")
        assert said(window) == "run 2 cannot be replayed"
    else:
        window.context.link.closed.emit()
    bar.leave()
    assert said(window) == ""


@pytest.mark.parametrize("head", ["# -*- coding: latin-1 -*-\n", "\ufeff", ""])
def test_a_script_that_is_what_it_was_has_not_changed(window, tmp_path, monkeypatch, head):
    path = tmp_path / "script.py"
    encoding = "latin-1" if "latin" in head else "utf-8"
    path.write_bytes(f"{head}name = 'J\xfcrgen'\r\n".encode(encoding))
    window.script_on_disk.running[str(path)] = read_script(str(path))[1]
    window.context.state.update(program=str(path))
    window.script_on_disk.look()
    assert said(window) == ""

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gui.faults.script_text", refuse)
    window.script_on_disk.look()
    assert said(window).startswith("script.py cannot be read any more (Permission denied). The run goes on")


def test_a_script_that_asks_its_user_is_told_that_nobody_answers(window):
    text = "EOF when reading a line"
    window.context.link.stopped.emit({"reason": "exception", "text": text, "description": f"EOFError: {text}"})
    assert "EOFError: EOF when reading a line. Nobody can type" in said(window)


def test_what_is_no_file_is_named_as_what_it_is(window, tmp_path):
    os.mkfifo(tmp_path / "pipe.nablascope")
    (tmp_path / "folder.nablascope").mkdir()
    for name, words in (("pipe", "is no ordinary file"), ("folder", "is a folder"), ("gone", "is not there any more")):
        window.open(str(tmp_path / f"{name}.nablascope"))
        assert words in said(window)
