"""What is left of everything that comes and goes: processes, threads, windows, files; counted at rest."""

# pyright: reportAttributeAccessIssue=false
from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from PyQt6.QtWidgets import QApplication

#: Looks in a row that find too much of something: what is being ended needs a moment.
_LOOKS = 3
#: Processes beside those of the runs: one kept ready, one that typesets. Threads, and hidden windows of one kind.
_SPARE, _THREADS, _HIDDEN = 2, 40, 6
#: Seconds in which what was closed has to be gone.
_PATIENCE = 60.0


def children(parent: int) -> list[str]:
    """The command lines of the processes that ``parent`` has started and that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, above = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if int(above) == parent and state != "Z":
            found.append(f"{entry.name}: {command}")
    return found


class Rest:
    """Looks again and again at what there is beside ``window``."""

    def __init__(self, window: Any) -> None:
        self._window = window
        self._seen: Counter[str] = Counter()

    def too_much(self) -> list[str]:
        """What there has been too much of at several looks in a row."""
        now = {kind: text for kind, text in self._look() if text}
        for kind in list(self._seen):
            if kind not in now:
                del self._seen[kind]
        self._seen.update(now)
        return [text for kind, text in now.items() if self._seen[kind] == _LOOKS]

    def _look(self) -> list[tuple[str, str]]:
        link = self._window.context.link
        runs = 0 if link._session is None else len(link._session.runs)
        processes = children(os.getpid()) if link.quiet else []
        names = Counter(thread.name for thread in threading.enumerate())
        tops = [(type(top).__name__, top.windowTitle()) for top in QApplication.topLevelWidgets() if not top.isVisible()]
        hidden, most = Counter(tops).most_common(1)[0] if tops else ("", 0)
        return [
            ("processes", f"{len(processes)} processes for {runs} runs: {processes}"
             if len(processes) > runs + _SPARE else ""),
            ("threads", f"{sum(names.values())} threads: {names}" if sum(names.values()) > _THREADS else ""),
            ("windows", f"{most} hidden windows {hidden}" if most > _HIDDEN else ""),
        ]  # fmt: skip


def left_behind(temporary: Path) -> list[str]:
    """What there still is a while after the window was closed; ``temporary`` is the folder of temporary files."""
    def look() -> list[str]:
        threads = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
        files = [path.name for path in temporary.glob("nablascope*")]
        processes = children(os.getpid())
        lasting = [one for one in processes if "gui.typesetting" in one][:1]  # one is kept for as long as the program runs
        said = (("thread", threads), ("process", [p for p in processes if p not in lasting]), ("temporary file", files))
        return [f"a {kind} is left: {name}" for kind, names in said for name in names]

    deadline = time.monotonic() + _PATIENCE
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
