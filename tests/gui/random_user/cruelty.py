"""What else happens to the window: engines that die or halt, scripts that are edited meanwhile."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QTimer

SAMPLES = Path(__file__).parents[3] / "samples"


class Cruelty:
    """Does so to what ``window`` shows; of scripts only to those in ``folder``."""

    def __init__(self, window: Any, chance: random.Random, folder: Path) -> None:
        self._context, self._random, self._folder = window.context, chance, folder
        self._halted: list[int] = []

    def kill(self) -> str | None:
        """Kill an engine process."""
        return self._signal(self._random.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT)))

    def halt(self) -> str | None:
        """Halt an engine process; it goes on, or is killed, some acts later."""
        said = self._signal(signal.SIGSTOP)
        QTimer.singleShot(self._random.choice((100, 800, 3000)), self.resume)
        return said

    def edit_script(self) -> str | None:
        """Edit the script on disk, take it away, or put it back."""
        program = self._context.state.program
        if program is None or not Path(program).is_relative_to(self._folder):
            return None
        path, how = Path(program), self._random.choice(("line", "gone", "back", "nonsense"))
        try:
            self._edit(path, how)
        except OSError as error:  # the disk is full, and the file is cut off
            how += f" ({error.strerror})"
        return f"script on disk: {how}"

    def _edit(self, path: Path, how: str) -> None:
        if how == "gone":
            path.unlink(missing_ok=True)
        elif how == "back" or not path.exists():
            shutil.copy(SAMPLES / path.name, path)
        else:
            added = "\n# edited\n" if how == "line" else "\ndef (\n"
            path.write_text(path.read_text() + added)

    def _signal(self, number: int) -> str | None:
        session = self._context.link._session
        pid = None if session is None or not session.runs else self._random.choice(session.runs).client.pid
        if pid is None:
            return None
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return None
        if number == signal.SIGSTOP:
            self._halted.append(pid)
        return f"signal {signal.Signals(number).name} to {pid}"

    def resume(self) -> None:
        """Have those go on that were halted."""
        while self._halted:
            try:
                os.kill(self._halted.pop(), signal.SIGCONT)
            except ProcessLookupError:
                continue
