"""Somebody who does anything at all at the window: keys, clicks, wheels, menus, in whatever shows; engines that die,
settings that break, disks that fill up, screens that go.

``python -m tests.gui.random_user --seed 3 --seconds 600`` does so for long, on copies of samples, and names what went
wrong with what was done last. What is done, the theme and the sizes are the seed's; when the window is at it is the
machine's, so a fault comes again with the same seed often, not always. With ``QT_QPA_PLATFORM=xcb`` it acts on an X server,
which is to be one of its own: its monitors change.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import logging
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QEvent, QTimer
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QApplication, QFileDialog

from tests.gui.random_user.cruelty import SAMPLES
from tests.gui.random_user.rest import left_behind
from tests.gui.random_user.surroundings import BROKEN
from tests.gui.random_user.user import RandomUser


def answer_files(folder: Path, chance: random.Random, set_attribute: Callable[[Any, str, Any], object] = setattr) -> None:
    """Dialogs of the system are answered at once: with a file of ``folder``, or not at all."""
    def save(_parent: Any, _title: str, suggestion: str = "", *_more: Any) -> tuple[str, str]:
        return (str(folder / Path(suggestion or "x").name) if chance.random() < 0.7 else "", "")

    def read(*_arguments: Any) -> tuple[str, str]:
        found = sorted([*folder.glob("*.py"), *folder.glob("*.nablascope")])
        return (str(chance.choice(found)) if found and chance.random() < 0.7 else "", "")

    set_attribute(QFileDialog, "getSaveFileName", staticmethod(save))
    set_attribute(QFileDialog, "getOpenFileName", staticmethod(read))
    set_attribute(QDesktopServices, "openUrl", staticmethod(lambda _url: True))


class Ear(logging.Handler):
    """Hears what the program logs as a warning or worse."""

    def __init__(self, hear: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(f"{record.name}: {record.getMessage()}" + (
            "\n" + "".join(traceback.format_exception(*record.exc_info)) if record.exc_info and record.exc_info[0] else ""
        ))


def copies(folder: Path, names: list[str]) -> list[Path]:
    """Scripts of the samples, copied so that they can be edited."""
    (folder / "data").symlink_to(SAMPLES / "data") if not (folder / "data").exists() else None
    return [Path(shutil.copy(SAMPLES / f"{name}.py", folder / f"{name}.py")) for name in names]


#: Two screens of the offscreen platform, one of them with small pixels.
SCREENS = {"screens": [
    {"name": "laptop", "x": 0, "y": 0, "width": 1440, "height": 900, "logicalDpi": 96, "dpr": 2},
    {"name": "projector", "x": 1440, "y": 0, "width": 1920, "height": 1080, "logicalDpi": 96, "dpr": 1},
]}  # fmt: skip
SIZES = ((1280, 800), (1920, 1080), (900, 600), (1100, 1000))


def prepare(folder: Path, seed: int) -> Path:
    """What is there before the window: two screens where none are shown, a temporary folder, and settings by the ``seed``,
    those of every fifth broken; the file of these."""
    if os.environ.get("QT_QPA_PLATFORM", "").startswith("offscreen"):
        (folder / "screens.json").write_text(json.dumps(SCREENS))
        os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={folder / 'screens.json'}"
    for name in ("temporary", "config"):
        (folder / name).mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "temporary")
    settings = folder / "config" / "settings.json"
    theme, scale = ("light", "dark", "projector")[seed % 3], (1.0, 1.25, 0.9, 1.5)[seed // 3 % 4]
    sane = json.dumps({"theme": theme, "scale": scale, "motion": seed % 2 == 0}).encode()
    settings.write_bytes(BROKEN[seed // 5 % len(BROKEN)] if seed % 5 == 4 else sane)
    return settings


def main() -> int:
    """Act for long, and say what went wrong."""
    from gui import watchdog
    from gui.app import collect_garbage, make_window, set_up
    from gui.settings import Settings
    from tests.gui.console import silent_qt

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--gentle", action="store_true", help="nothing is killed, edited, broken, filled or unplugged")
    parser.add_argument("--samples", nargs="*", default=["two_points", "digits_mlp", "fashion_cnn", "xor"])
    options = parser.parse_args()
    faulthandler.enable()
    set_up()
    folder = Path(tempfile.mkdtemp(prefix="random-user-"))
    settings = prepare(folder, options.seed)
    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    os.chdir(folder)
    watchdog.PATIENCE, watchdog.START = 1.5, 20.0
    scripts = copies(folder, options.samples)
    gc.disable()
    code = 0
    try:
        with silent_qt() as qt_said:
            window = make_window(Settings(settings))
            collect_garbage(window)
            window.errors.install()
            window.resize(*SIZES[options.seed // 2 % len(SIZES)])
            window.show()
            user = RandomUser(window, options.seed, folder, scripts, not options.gentle)
            answer_files(folder, user.random)
            logging.getLogger().addHandler(Ear(user.heard))
            window.open(str(scripts[options.seed % len(scripts)]))
            user.start()
            # Seconds awake: a machine that measures something else meanwhile may halt this process.
            awake, looked, told, stops, unseen = 0.0, time.monotonic(), 0, 0, 0

            def stopped(_stop: object) -> None:
                nonlocal stops
                stops += 1

            window.context.link.stopped.connect(stopped)

            def look() -> None:
                nonlocal awake, looked, told, unseen
                now = time.monotonic()
                awake, looked = awake + min(now - looked, 2.0), now
                for text in qt_said:
                    user.fault(f"Qt says: {text}")
                qt_said.clear()
                for fault in user.faults[told:]:
                    print(f"--- {awake:.1f} s, {fault}", flush=True)
                told = len(user.faults)
                # For a moment Qt hides it with its screen.
                unseen = 0 if window.isVisible() else unseen + 1
                if awake > options.seconds or unseen > 10:
                    user.stopping = True
                    app.exit()

            looking = QTimer()
            looking.timeout.connect(look)
            looking.start(200)
            app.exec()
            if not window.isVisible():
                user.fault("the window is gone")
            user.end()
            print(f"{stops} stops, {user.count} acts, {len(user.faults)} faults", flush=True)
            window.close()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            user.faults += [*(f"Qt says: {text}" for text in qt_said), *left_behind(folder / "temporary")]
            qt_said.clear()
            for fault in user.faults[told:]:
                print(f"--- at the end: {fault}", flush=True)
            code = bool(user.faults)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    code = main()
    # As the program does: Qt's objects need not be taken apart one by one.
    sys.stdout.flush()
    os._exit(code)
