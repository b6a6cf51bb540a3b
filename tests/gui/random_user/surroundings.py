"""What else goes wrong around the window: settings that something breaks, disks that fill up, screens that come and go."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
from __future__ import annotations

import json
import os
import random
import resource
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QGuiApplication

from tests.gui.random_user.displays import Monitors

#: What a settings file is made to be, before a window opens and while it is open.
BROKEN: tuple[bytes, ...] = (
    b"", b"{", b"[1, 2]", b"\x00\xff\xfe\x80" * 50, b'"text"', b"[" * 100_000, b"null", b"NaN",
    json.dumps({"theme": "neon", "scale": 1e9, "motion": 3, "speed": -5, "recent": [1, None]}).encode(),
    json.dumps({"layout": {"window": 3, "docks": "!!"}, "panels": {"code": 5, "curves": {"smoothing": []}}}).encode(),
    json.dumps({"layout": {"window": "AdnQywADAAA=", "docks": "AAAA/wAAAAD9", "wide": True}, "scripts": 7}).encode(),
    json.dumps({"panels": {"curves": {"shown": {}}, "network": {"place": "x"}, "tensor": {"at": [[]]}}}).encode(),
)  # fmt: skip

#: Bytes that a file may have while the disk is full, and milliseconds that it is.
_ROOM = (0, 4096, 200_000)
_FULL = (100, 1500, 4000)
#: What a window may then say: as a warning of its own, but it is no fault.
EXPECTED = (
    "cannot be saved (File too large)", "cannot be saved (Is a directory)", "cannot be saved (Not a directory)",
    "cannot be saved (File exists)",
)  # fmt: skip


class Surroundings:
    """Does so to what ``window`` stands on."""

    def __init__(self, window: Any, chance: random.Random) -> None:
        self._window, self._random = window, chance
        self._file = Path(window.context.settings.path)
        self._limited: list[int] = []
        self._monitors: Monitors | None = None
        self._plugged = False
        #: Whether a disk was full: what was not recorded then cannot be kept.
        self.was_full = False

    def break_settings(self) -> str:
        """Something else is in the settings file, or it is gone, or it is none; all of it is put right again by and by."""
        how = self._random.choice(("broken", "broken", "cut", "gone", "folder gone", "a folder"))
        file = self._file
        self._clear()
        if how == "broken":
            with suppress(OSError):  # a disk that is full takes a part of it
                file.write_bytes(self._random.choice(BROKEN))
        elif how == "cut" and file.exists():
            os.truncate(file, self._random.randrange(file.stat().st_size + 1))
        elif how == "gone":
            file.unlink(missing_ok=True)
        elif how == "folder gone":
            shutil.rmtree(file.parent, ignore_errors=True)
        elif how == "a folder":
            file.unlink(missing_ok=True)
            file.mkdir(parents=True)
        self._window.remembering.soon()
        return f"settings: {how}"

    def _clear(self) -> None:
        if self._file.is_dir():
            self._file.rmdir()
        self._file.parent.mkdir(parents=True, exist_ok=True)

    def fill_disk(self) -> str | None:
        """For a while no file becomes larger than a few bytes: of an engine process, or of the window and what it starts."""
        session = self._window.context.link._session
        runs = [] if session is None else [run.client.pid for run in session.runs]
        pid = self._random.choice([os.getpid(), *(run for run in runs if run is not None)])
        room = self._random.choice(_ROOM)
        try:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        except ProcessLookupError:
            return None
        self.was_full = True
        self._limited.append(pid)
        QTimer.singleShot(self._random.choice(_FULL), self._make_room)
        return f"at most {room} bytes a file for {'the window' if pid == os.getpid() else pid}"

    def _make_room(self) -> None:
        session = self._window.context.link._session
        runs = [] if session is None else [run.client.pid for run in session.runs]
        for pid in {*self._limited, *(run for run in runs if run is not None)}:
            try:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            except ProcessLookupError:
                continue
        self._limited.clear()

    def change_screens(self) -> str | None:
        """A monitor is plugged in or unplugged where there is an X server; else the window goes to another screen."""
        if QGuiApplication.platformName() == "xcb":
            return self._change_monitors()
        screens = QGuiApplication.screens()
        how = self._random.choice(("moved", "off all screens", "unplugged"))
        if how == "moved":
            place = self._random.choice(screens).geometry()
            self._window.move(place.x() + self._random.randrange(200), place.y() + self._random.randrange(100))
        elif how == "off all screens":
            self._window.move(screens[-1].geometry().right() + 400, 40)
            screens[0].geometryChanged.emit(screens[0].geometry())
        else:  # the offscreen platform keeps its screens: as if one had gone, and the windows on it been hidden
            QGuiApplication.instance().screenRemoved.emit(screens[-1])
            self._window.hide()
        return f"screens: {how}"

    def _change_monitors(self) -> str:
        if self._monitors is None:
            self._monitors = Monitors(os.environ["DISPLAY"])
            self._monitors.plug("left", (0, 0, 960, 1080), True)
        how = self._random.choice(("moved", "resolution", "plug"))
        if how == "resolution":
            size = self._random.choice(((960, 1080), (800, 600), (1920, 1080)))
            self._monitors.plug("left", (0, 0, *size), True)
            how = f"the first one has {size}"
        elif how == "plug":
            self._plugged = not self._plugged
            if self._plugged:
                self._monitors.plug("right", (960, 0, 960, 1080))
            else:
                self._monitors.unplug("right")
            how = "plugged in" if self._plugged else "unplugged"
        else:
            self._window.move(self._random.choice((0, 960)) + self._random.randrange(200), self._random.randrange(100))
        return f"screens: {how}"

    def mend(self) -> None:
        """As it was: room on the disk, a place for the settings, one screen."""
        self._make_room()
        self._clear()
        if self._monitors is not None:
            for name in ("right", "left") if self._plugged else ("left",):
                self._monitors.unplug(name)
            self._monitors.close()
            self._monitors = None
