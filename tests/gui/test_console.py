"""A warning of Qt fails the test that it comes in, also where the window is a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget

from tests.gui.console import complaints, silent_qt
from tests.gui.test_faults_program import start


def provoke(parent):
    """Qt warns: a widget gets a second layout."""
    QHBoxLayout(parent)
    QHBoxLayout(parent)


def test_a_warning_fails(qapp):
    widget = QWidget()
    with pytest.raises(AssertionError, match="Attempting to add QLayout"), silent_qt():
        provoke(widget)
    with pytest.raises(AssertionError, match="late"), silent_qt() as said:
        label = QLabel(widget)
        label.destroyed.connect(lambda: said.append("late"))
        label.deleteLater()


def test_what_fails_in_a_silent_part_is_what_is_told(qapp):
    with pytest.raises(ZeroDivisionError), silent_qt():
        raise ZeroDivisionError


def test_a_warning_of_a_window_that_is_a_process_of_its_own_is_seen(tmp_path):
    twice = "from PyQt6.QtWidgets import QHBoxLayout, QWidget; window.two = QWidget(); QHBoxLayout(window.two); "
    process, _ = start(tmp_path, f"{twice}QHBoxLayout(window.two); window.close()")
    _, errors = process.communicate(timeout=200)
    assert len(complaints(errors)) == 1 and "Attempting to add QLayout" in complaints(errors)[0]


def test_a_test_without_the_windows_fixtures_fails_too(tmp_path):
    """The project's settings of pytest-qt do that: run on a file of their own."""
    root = Path(__file__).parents[2]
    (tmp_path / "test_it.py").write_text(
        "from PyQt6.QtWidgets import QHBoxLayout, QWidget\n"
        "def test_it(qapp):\n    two = QWidget()\n    QHBoxLayout(two)\n    QHBoxLayout(two)\n"
    )
    settings = ["-c", str(root / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *settings, str(tmp_path / "test_it.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Attempting to add QLayout" in done.stdout, done.stdout + done.stderr
