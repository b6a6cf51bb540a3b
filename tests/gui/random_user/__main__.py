"""Somebody who does anything at all at the window: keys, clicks, wheels, menus, in whatever shows; and engines that die.

``python -m tests.gui.random_user --seed 3 --seconds 600`` does so for long, on copies of samples, and names what went
wrong with what was done last. What is done is the seed's; when the window is at it is the machine's, so a fault comes again
with the same seed often, not always.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
from __future__ import annotations

import argparse
import faulthandler
import gc
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


def main() -> int:
    """Act for long, and say what went wrong."""
    from gui import watchdog
    from gui.app import collect_garbage, make_window, set_up
    from gui.settings import Settings
    from tests.gui.console import silent_qt

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--gentle", action="store_true", help="no engine is killed, no script edited")
    parser.add_argument("--samples", nargs="*", default=["two_points", "digits_mlp", "fashion_cnn", "xor"])
    options = parser.parse_args()
    faulthandler.enable()
    set_up()
    app = QApplication(sys.argv[:1])
    folder = Path(tempfile.mkdtemp(prefix="random-user-"))
    os.chdir(folder)
    watchdog.PATIENCE, watchdog.START = 1.5, 20.0
    scripts = copies(folder, options.samples)
    gc.disable()
    code = 0
    try:
        with silent_qt() as qt_said:
            window = make_window(Settings(folder / "settings.json"))
            collect_garbage(window)
            window.errors.install()
            window.resize(1280, 800)
            window.show()
            user = RandomUser(window, options.seed, folder, scripts, not options.gentle)
            answer_files(folder, user.random)
            logging.getLogger().addHandler(Ear(user.fault))
            window.open(str(scripts[options.seed % len(scripts)]))
            user.start()
            began, told, stops = time.monotonic(), 0, 0

            def stopped(_stop: object) -> None:
                nonlocal stops
                stops += 1

            window.context.link.stopped.connect(stopped)

            def look() -> None:
                nonlocal told
                for text in qt_said:
                    user.fault(f"Qt says: {text}")
                qt_said.clear()
                for fault in user.faults[told:]:
                    print(f"--- {time.monotonic() - began:.1f} s, {fault}", flush=True)
                told = len(user.faults)
                if time.monotonic() - began > options.seconds or not window.isVisible():
                    user.stopping = True
                    app.exit()

            looking = QTimer()
            looking.timeout.connect(look)
            looking.start(200)
            app.exec()
            if not window.isVisible():
                print("--- the window has been closed", list(user.done)[-8:])
            user.end()
            print(f"{stops} stops, {user.count} acts, {len(user.faults)} faults", flush=True)
            window.close()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            user.faults += [f"Qt says: {text}" for text in qt_said]
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
