"""``nablascope`` and ``nablascope FILE``: what the window is opened with, and what is said where there can be none."""

import sys
import types

import pytest

from engine.cli import window
from engine.cli.main import main


@pytest.fixture
def opened(monkeypatch):
    """What the window was opened with; a display and all libraries are there."""
    calls = []
    app = types.ModuleType("gui.app")
    app.main = lambda program=None, **more: calls.append((program, more)) or 0
    monkeypatch.setitem(sys.modules, "gui.app", app)
    monkeypatch.setattr(window, "window_problem", lambda: "")
    return calls


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("x = 1\n")
    return str(path)


def test_without_arguments_the_start_page_opens(opened):
    assert main([]) == 0
    assert opened == [(None, {"arguments": [], "parameters": [], "as_torch": False})]


@pytest.mark.parametrize("front", [[], ["open"]])
def test_a_file_is_opened_with_its_arguments(opened, script, front):
    assert main([*front, "--as-torch", "-p", "epochs=3", script, "--rate", "1"]) == 0
    assert main([*front, script]) == 0
    assert opened == [
        (script, {"arguments": ["--rate", "1"], "parameters": ["epochs=3"], "as_torch": True}),
        (script, {"arguments": [], "parameters": [], "as_torch": False}),
    ]


def test_attach_can_open_the_window(opened, monkeypatch, tmp_path):
    key = tmp_path / "key"
    key.write_text("secret\n")
    assert main(["attach", "--window", "--key-file", str(key), "localhost:5000"]) == 0
    assert opened == [(None, {"attach": ("localhost", 5000, "secret")})]
    assert main(["attach", "--window", "--key-file", str(key), "localhost"]) == 2


def test_what_is_no_script_is_refused(opened, tmp_path, capsys):
    assert main([str(tmp_path / "missing.py")]) == 2
    assert main([str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "missing.py: no such file" in said and "is a folder" in said and opened == []
    with pytest.raises(SystemExit, match="2"):
        main(["frobnicate"])


def test_without_a_display_it_offers_the_terminal(monkeypatch, script, capsys):
    pytest.importorskip("PyQt6")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(window, "missing_qt_libraries", lambda window: [])
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([script]) == 1
    said = capsys.readouterr().err
    assert "no display" in said and "nablascope run FILE" in said and "nablascope debug FILE" in said
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert window.window_problem() == ""


def test_missing_libraries_are_named_with_the_command_that_brings_them(monkeypatch, capsys):
    pytest.importorskip("PyQt6")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(window, "missing_qt_libraries", lambda window: ["libxcb-cursor.so.0"] if window else [])
    assert main([]) == 1
    said = capsys.readouterr().err
    assert "libxcb-cursor.so.0" in said and "apt-get install" in said and "libxcb-cursor0" in said


@pytest.mark.parametrize(("after", "told"), [(["--as-torch"], True), (["--", "--as-torch"], False), (["--rate"], False)])
def test_as_torch_after_the_file_is_said_to_be_the_scripts(opened, script, capsys, after, told):
    assert main([script, *after]) == 0
    assert opened[0][1]["as_torch"] is False and opened[0][1]["arguments"][-1:] == after[-1:]
    assert ("--as-torch follows FILE" in capsys.readouterr().err) == told
