"""A window with a true engine process, at the size, in the theme and with the pictures that the environment asks for.

``NABLASCOPE_SHOTS=DIR`` keeps a picture at every station, and lets the sessions run at every size;
``NABLASCOPE_THEME`` is light, dark or projector. Under a display: ``NABLASCOPE_TEST_PLATFORM=xcb xvfb-run ...``.
"""

import os
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from gui.app import make_window
from gui.settings import Settings
from tests.gui.sessions.user import User

SHOTS = os.environ.get("NABLASCOPE_SHOTS")
THEME = os.environ.get("NABLASCOPE_THEME", "light")
SIZES = [(1280, 800), (1920, 1080)] if SHOTS else [(1280, 800)]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def user(request, qapp, until, tmp_path, monkeypatch):
    """Somebody at a new window on the start page; scripts write into a folder of the test."""
    monkeypatch.chdir(tmp_path)
    width, height = request.param
    settings = Settings(tmp_path / "config" / "settings.json")
    settings["theme"] = THEME
    window = make_window(settings)
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    window.resize(width, height)
    window.move(0, 0)
    window.show()
    window.activateWindow()
    until(lambda: window.isVisible() and QApplication.activeWindow() is window)
    shots = Path(SHOTS) if SHOTS else None
    if shots is not None:
        shots.mkdir(parents=True, exist_ok=True)
    name = request.node.originalname.removeprefix("test_")
    user = User(window, until, shots, f"{name}-{width}-{THEME}")
    user.scratch = tmp_path
    yield user
    window.close()
    window.deleteLater()
