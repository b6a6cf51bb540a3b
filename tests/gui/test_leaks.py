"""Opening scripts, and forking and closing runs, again and again leaves no thread, process, descriptor, file or widget."""

import gc
import os
import tempfile
import threading
from collections import Counter
from pathlib import Path

from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtWidgets import QApplication
from pytestqt.exceptions import TimeoutError

from engine.debug.session import Run
from tests.gui.conftest import SAMPLES
from tests.gui.test_faults import children, make, move, nothing_stays  # noqa: F401 - fixtures

#: How often: what stays each time shows after a few. NABLASCOPE_LEAKS=50 asks for more, and for a look at the memory.
TIMES = int(os.environ.get("NABLASCOPE_LEAKS", "5"))
#: Times after which the caches are full, and bytes that each time may add to the memory then.
WARM, GROWTH = 20, 400_000


def resident():
    """Bytes of this process in memory; 0 where that is not known."""
    file = Path("/proc/self/statm")
    return int(file.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if file.exists() else 0


def assert_memory(seen):
    """``seen``: the memory after each time."""
    print("MB after each time:", [round(size / 1e6, 1) for size in seen])
    if len(seen) > 2 * WARM:
        assert (seen[-1] - seen[WARM]) / (len(seen) - 1 - WARM) < GROWTH


def named(child):
    """What a failure tells of what only Qt knows, and whose it is. Nothing of the layout of a text: Qt makes it when the
    text is first given a width, which on a busy machine one opening comes to and the one before did not.
    """
    kinds = []
    for thing in (child, child.parent()):
        kinds.append(f"{thing.metaObject().className()} {thing.objectName()}".strip())
        if "QTextDocumentLayout" in kinds[-1]:
            return ""
    return " of ".join(kinds)


def counts(window):
    """What there is of everything that could stay; of ``window`` also what only Qt knows."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    found = Counter({
        "threads": threading.active_count(), "processes": len(children()), "widgets": len(QApplication.allWidgets()),
        "windows": len(QApplication.topLevelWidgets()),
        "QObjects": sum(issubclass(type(thing), QObject) for thing in gc.get_objects()),
        "runs": sum(issubclass(type(thing), Run) for thing in gc.get_objects()),
        "files": sum(len(files) + len(folders) for _, folders, files in os.walk(tempfile.gettempdir())),
    })  # fmt: skip
    found.update(kind for child in window.findChildren(QObject) if (kind := named(child)))
    if Path("/proc/self/fd").is_dir():
        found["descriptors"] = len(list(Path("/proc/self/fd").iterdir()))
    if Path("/dev/shm").is_dir():
        found["shared memory"] = len(list(Path("/dev/shm").iterdir()))
    return found


def settles(window, until, before):
    """Wait until there is no more of anything than ``before``; a process that is told to end needs a moment."""
    more = Counter()

    def nothing_more():
        more.clear()
        more.update(counts(window) - before)
        return window.context.link.quiet and not more

    try:
        until(nothing_more)
    except TimeoutError:
        raise AssertionError(f"there is more than before: {dict(more)}") from None


def test_scripts_that_are_opened_one_after_the_other(make, until, tmp_path):  # noqa: F811
    paths = [tmp_path / "one.py", tmp_path / "two.py"]
    for path in paths:
        path.write_text((SAMPLES / "two_points.py").read_text())
    window = make()
    state, link, before, memory = window.context.state, window.context.link, None, []
    for number in range(TIMES):
        path = str(paths[number % 2])
        window.open(path)
        until(lambda path=path: state.program == path and state.stop and window.workspace and not link.moving)
        move(window, until, "next", granularity="op")
        link.stop()
        if before is None:
            until(lambda: link.quiet and not children())
            before = counts(window)
        settles(window, until, before)
        memory.append(resident())
    assert_memory(memory)


def test_runs_that_are_forked_and_closed(make, until):  # noqa: F811
    window = make(SAMPLES / "two_points.py")
    state, link, before, memory = window.context.state, window.context.link, None, []
    until(lambda: state.stop and window.workspace and not link.moving)
    move(window, until, "next", granularity="op")
    for number in range(TIMES):
        link.fork([{"kind": "exec", "code": f"forked = {number}"}])
        until(lambda: len(state.runs) == 2 and not link.moving and link.quiet)
        link.switch(1)
        until(lambda: state.current_run["number"] == 1 and not link.moving)
        link.drop(state.runs[1]["number"])
        until(lambda: len(state.runs) == 1 and not link.moving and len(children()) == 2)
        if before is None:
            before = counts(window)
        settles(window, until, before)
        memory.append(resident())
    assert_memory(memory)
