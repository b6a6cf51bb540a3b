"""The window while the Fashion-MNIST CNN trains freely, steps, and is scrubbed through; and how soon it is visible.

``python -m tests.benchmarks --only desktop`` prints the table. The window is the real one with its default panels, on
Qt's platform ``offscreen`` unless QT_QPA_PLATFORM says otherwise, in a process of its own. Training speed is told by the
lines that the script prints after each epoch, of the window's engine process and of ``nablascope run``, which take turns
(the one that has to wait is stopped), so that drift of the machine hits both alike. Where in memory a process comes to lie
changes its speed by some percent, so both are started several times.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "samples" / "fashion_cnn.py"
PARAMETERS = ("epochs=2000", "folder=")

#: The limits of the design: name of a measurement -> (limit, whether it is the least, unit).
LIMITS = {
    "training, window / headless": (0.9, True, ""),
    "longest block of the UI thread": (50.0, False, "ms"),
    "step of one op, longest": (100.0, False, "ms"),
    "scrub, median": (16.0, False, "ms"),
    "window visible": (1.0, False, "s"),
}
#: Repaints a second of each visible panel, at least; and what those show while the script runs that have less to paint.
REPAINTS = 30.0
_AT_REST = {
    "code": "no limit: shows a stop, and has nothing new while it runs",
    "variables": "no limit: shows a stop, and has nothing new while it runs",
    "timeline": "no limit: a number to read, changed twice a second",
}

#: How many times the window and ``nablascope run`` are started to compare them.
_STARTS = 5
#: Epochs that each side trains in a turn; the first one after a pause is not counted.
_EPOCHS = 3
#: Seconds in which the window gets used to training before it is looked at.
_WARM_UP = 4.0
_STEPS = _POSITIONS = 30


# ---------------------------------------------------------------------------------------------------- headless


class Headless:
    """``nablascope run`` on the script; stopped but for its turns."""

    def __init__(self) -> None:
        settings = [part for parameter in PARAMETERS for part in ("-p", parameter)]
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "engine", "run", *settings, str(SCRIPT)], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._ends: list[float] = []
        threading.Thread(target=self._read, daemon=True).start()
        while len(self._ends) < 2:
            time.sleep(0.05)
        self._process.send_signal(signal.SIGSTOP)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip()[:1].isdigit():
                self._ends.append(time.monotonic())

    def seconds_per_epoch(self) -> float:
        """One turn."""
        del self._ends[:]
        self._process.send_signal(signal.SIGCONT)
        while len(self._ends) < _EPOCHS + 1:
            time.sleep(0.005)
        self._process.send_signal(signal.SIGSTOP)
        return (self._ends[_EPOCHS] - self._ends[0]) / _EPOCHS

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


# ---------------------------------------------------------------------------------------------------- the window


#: Qt crashes when the application is taken apart before its windows: nothing is, the process just ends.
_kept: list[Any] = []


class Desktop:
    """A window on the script, driven from within its process."""

    def __init__(self) -> None:
        from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
        from PyQt6.QtWidgets import QApplication

        from gui import app as gui_app

        gui_app.set_up()
        _kept.append(self)
        self.app = QApplication(["nablascope"])
        self.app.setStyle("Fusion")
        self.window = gui_app.make_window()
        gui_app.collect_garbage(self.window)
        gui_app.collect_garbage(self.window)
        self.window.resize(1280, 800)
        self.window.show()
        self.context = self.window.context
        self.link, self.state = self.context.link, self.context.state
        self._ends: list[float] = []
        self._ended: Any = None
        self.link.output.connect(self._heard)
        self.blocks: list[float] = []
        self._beaten = 0.0
        self._heart = QTimer(self.window)
        self._heart.setTimerType(Qt.TimerType.PreciseTimer)
        self._heart.setInterval(2)
        self._heart.timeout.connect(self._beat)
        self.painted: dict[str, dict[int, int]] = {}
        counted = self.painted

        class Counter(QObject):
            """Counts paint events of one panel's widgets."""

            def __init__(self, key: str, parent: QObject) -> None:
                super().__init__(parent)
                self.counts: dict[int, int] = counted.setdefault(key, {})

            def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
                if event is not None and event.type() == QEvent.Type.Paint:
                    self.counts[id(watched)] = self.counts.get(id(watched), 0) + 1
                return False

        self._counter = Counter
        self._counted: list[tuple[Any, QObject]] = []

    def open(self, counted: bool = False) -> None:
        """Open the script and wait for its first stop; ``counted``: count paint events, which takes time of its own."""
        self.window.open(str(SCRIPT), PARAMETERS)
        self.wait(lambda: self.state.stop is not None and not self.link.moving)
        from PyQt6.QtWidgets import QWidget

        self.panels = dict(self.window.workspace.panels)
        for key, panel in self.panels.items() if counted else ():
            counter = self._counter(key, panel)
            for widget in (panel, *panel.findChildren(QWidget)):
                widget.installEventFilter(counter)
                self._counted.append((widget, counter))

    def count_no_more(self) -> None:
        """Let events go their way again: a look at each of them in Python takes time from the training."""
        from PyQt6 import sip

        for widget, counter in self._counted:
            if not sip.isdeleted(widget):
                widget.removeEventFilter(counter)
        self._counted.clear()

    def _heard(self, category: str, text: str) -> None:
        now = time.monotonic()
        self._ends += [now for line in text.splitlines() if line.strip()[:1].isdigit() and "%" in line]
        if self._ended is not None and len(self._ends) > _EPOCHS:
            self._ended.quit()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.blocks.append(1000 * (now - self._beaten))
        self._beaten = now

    def wait(self, condition: Callable[[], object], timeout: float = 120.0) -> None:
        """Let the window live until ``condition()`` is true."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window did not get there")
            self.app.processEvents()
            if not condition():
                time.sleep(0.0002)

    def live(self, seconds: float) -> None:
        """Let the window live as it does: in Qt's own loop."""
        from PyQt6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()

    def train(self) -> None:
        """Let the script run freely."""
        self.link.move("continue")
        self.wait(lambda: self.state.running)

    def pause(self) -> None:
        """Stop it."""
        self.link.move("pause")
        self.wait(lambda: not self.link.moving)

    def seconds_per_epoch(self) -> float:
        """One turn of training, in Qt's own loop: to look at the clock in between would wake a thread each time."""
        from PyQt6.QtCore import QEventLoop

        self.train()
        del self._ends[:]
        self._ended = QEventLoop()
        self._ended.exec()
        self._ended = None
        found = (self._ends[_EPOCHS] - self._ends[0]) / _EPOCHS
        self.pause()
        return found

    def watch(self, seconds: float) -> tuple[list[float], dict[str, float]]:
        """Blocks of the UI thread in ms, and repaints a second of each visible panel, while the script trains."""
        for counts in self.painted.values():
            counts.clear()
        del self.blocks[:]
        self._beaten = time.perf_counter()
        self._heart.start()
        began = time.monotonic()
        self.live(seconds)
        passed = time.monotonic() - began
        self._heart.stop()
        rates = {
            key: max(self.painted[key].values(), default=0) / passed
            for key, panel in self.panels.items() if panel.isVisible()
        }  # fmt: skip
        return self.blocks[1:], rates

    def settled(self) -> bool:
        """Whether all that was asked is answered and shown."""
        return self.link.quiet

    def step(self) -> float:
        """ms from pressing F10 to everything shown."""
        from PyQt6.QtCore import Qt
        from PyQt6.QtTest import QTest

        before, began = self.state.stop, time.perf_counter()
        QTest.keyClick(self.window, Qt.Key.Key_F10)
        self._shown(before)
        return 1000 * (time.perf_counter() - began)

    def scrub(self, x: float) -> tuple[float, float]:
        """ms from moving the mouse on the timeline to the place shown, and to everything shown."""
        from PyQt6.QtCore import QEvent

        before, began = self.state.stop, time.perf_counter()
        self.mouse(QEvent.Type.MouseMove, x)
        self.wait(lambda: self.state.stop is not before)
        there = time.perf_counter()
        self._shown(before)
        return 1000 * (there - began), 1000 * (time.perf_counter() - began)

    def mouse(self, kind: Any, x: float) -> None:
        """An event of the mouse on the timeline, with its left button down."""
        from PyQt6.QtCore import QPointF, Qt
        from PyQt6.QtGui import QMouseEvent

        strip = self.panels["timeline"].strip
        place, left = QPointF(x, strip.height() / 2), Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, place, strip.mapToGlobal(place), left, left, Qt.KeyboardModifier.NoModifier)
        self.app.sendEvent(strip, event)

    def _shown(self, before: Any) -> None:
        end = time.monotonic() + 30
        there = lambda: self.state.stop is not before and not self.link.moving and self.settled()  # noqa: E731
        while not there():
            self.app.processEvents()
            if time.monotonic() > end:
                raise TimeoutError("the step was not shown")
            if not there():
                time.sleep(0.0002)
        # What the last answers have changed is painted in this turn.
        self.app.processEvents()

    def close(self) -> None:
        """Close the window and its processes."""
        self.window.close()
        self.app.processEvents()


# ---------------------------------------------------------------------------------------------------- measuring


def training(rounds: int, seconds: float) -> dict[str, Any]:
    """How the window and the training get along."""
    desktop = Desktop()
    desktop.open(counted=True)
    headless = Headless()
    desktop.train()
    desktop.live(_WARM_UP)
    blocks, rates = desktop.watch(seconds)
    desktop.count_no_more()
    desktop.pause()
    desktop.seconds_per_epoch()
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(headless.seconds_per_epoch())
        beside.append(desktop.seconds_per_epoch())
    headless.close()
    desktop.close()
    return {
        "ratios": [a / b for a, b in zip(alone, beside, strict=True)], "headless": statistics.median(alone),
        "window": statistics.median(beside), "block": max(blocks), "block99": _percentile(blocks, 0.99), "repaints": rates,
    }  # fmt: skip


def stepping() -> dict[str, Any]:
    """How soon a step, and a place of the timeline, is shown."""
    from PyQt6.QtCore import QEvent

    desktop = Desktop()
    desktop.open()
    desktop.link.move("runTo", step=3)
    desktop.wait(lambda: not desktop.link.moving and desktop.state.stop.get("step") == 3 and desktop.settled())
    desktop.state.update(level="op")
    for _ in range(8):
        desktop.step()
    steps = [desktop.step() for _ in range(_STEPS)]
    strip = desktop.panels["timeline"].strip
    desktop.mouse(QEvent.Type.MouseButtonPress, strip.left() + 4)
    desktop.wait(lambda: desktop.settled() and not desktop.link.moving)
    first, wide = strip.left() + 6, strip.width() - strip.left() - 20
    found = []
    for i in range(_POSITIONS):
        desktop.live(0.05)
        x = first + wide * ((i * 7) % _POSITIONS) / _POSITIONS
        if strip.seq_at(x) != desktop.state.stop["seq"]:
            found.append(desktop.scrub(x))
    desktop.close()
    return {"steps": steps, "places": [a for a, _ in found], "scrubs": [b for _, b in found]}


def visible(began: float) -> None:
    """Run ``nablascope FILE``; print when its window has been painted, in seconds after ``began``, and end."""
    from PyQt6.QtCore import QTimer
    from PyQt6.QtGui import QPaintEvent

    from gui import window

    def shown() -> None:
        print(json.dumps({"visible": time.time() - began}), flush=True)
        os._exit(0)

    class Shown(window.Window):
        def paintEvent(self, event: QPaintEvent | None) -> None:
            super().paintEvent(event)
            QTimer.singleShot(0, shown)  # its parts are painted right behind it

    window.Window = Shown  # type: ignore[misc]
    from engine.cli.main import main as command

    sys.argv = ["nablascope", str(SCRIPT)]
    command()


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def run(part: str, *arguments: str, module: str = "tests.benchmarks.desktop") -> dict[str, Any]:
    """One part of a module, in a process of its own that leaves nothing behind."""
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ, NABLASCOPE_QUIET="1", HOME=home, XDG_CONFIG_HOME=home, XDG_DATA_HOME=home)
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        environment.setdefault("NUMBA_CACHE_DIR", str(_cache()))
        # Where it is set, each start compiles every module anew: no user's start does.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, "-m", module, part, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
            check=True,
        )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def _cache() -> Path:
    """Where the kernels are, which must not be compiled anew in a home of its own."""
    from engine.cache import cache_folder

    return cache_folder().parent


def measure(rounds: int = 5, seconds: float = 8.0) -> dict[str, Any]:
    """All parts."""
    visible = [run("visible", str(time.time()))["visible"] for _ in range(4)][1:]
    trained = [run("training", str(rounds), str(seconds)) for _ in range(_STARTS)]
    return {
        "starts": [statistics.median(one["ratios"]) for one in trained],
        "headless": statistics.median(one["headless"] for one in trained),
        "window": statistics.median(one["window"] for one in trained),
        "block": max(one["block"] for one in trained), "block99": max(one["block99"] for one in trained),
        "repaints": {key: min(one["repaints"].get(key, 0.0) for one in trained) for key in trained[0]["repaints"]},
        "visible": statistics.median(visible), **run("stepping"),
    }  # fmt: skip


def table(found: dict[str, Any]) -> list[str]:
    """The results as lines of a Markdown table."""
    values = {
        "training, window / headless": statistics.median(found["starts"]),
        "longest block of the UI thread": found["block"],
        "step of one op, longest": max(found["steps"]),
        "scrub, median": statistics.median(found["scrubs"]),
        "window visible": found["visible"],
    }
    lines = ["| measured | value | limit |", "|---|---|---|"]
    for name, value in values.items():
        limit, least, unit = LIMITS[name]
        shown = f"{value:.2f} {unit}" if unit else f"{value:.3f}"
        lines.append(f"| {name} | {shown} | at {'least' if least else 'most'} {limit:g} {unit} |")
    starts = ", ".join(f"{ratio:.3f}" for ratio in sorted(found["starts"]))
    lines.insert(3, f"| training, each start | {starts} | |")
    more = {
        "headless, s per epoch": found["headless"], "with the window, s per epoch": found["window"],
        "block of the UI thread, 99th percentile, ms": found["block99"],
        "step of one op, median, ms": statistics.median(found["steps"]),
        "scrub, longest, ms": max(found["scrubs"]), "scrub, place shown, median, ms": statistics.median(found["places"]),
    }  # fmt: skip
    lines += [f"| {name} | {value:.2f} | |" for name, value in more.items()]
    for key, rate in found["repaints"].items():
        lines.append(f"| repaints a second: {key} | {rate:.0f} | {_AT_REST.get(key, f'at least {REPAINTS:g}')} |")
    return lines


def main(part: str, *arguments: str) -> None:
    """Measure one part in this process; JSON on the last line."""
    if part == "visible":
        visible(float(arguments[0]))
    elif part == "training":
        print(json.dumps(training(int(arguments[0]), float(arguments[1]))))
    else:
        print(json.dumps(stepping()))
    # Qt's objects need not be taken apart one by one.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
