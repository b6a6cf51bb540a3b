"""The window on networks from the smallest to the largest that it is made for: does it stay fluid?

``python -m tests.benchmarks --only sizes`` prints the table. Each network is opened in a window of its own process, as in
:mod:`tests.benchmarks.desktop`. What is looked at: opening, stepping over ops, zooming and moving the canvas, scrubbing,
and the largest weight in the Tensor panel, down to its single numbers, and a number of it explained.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.desktop import Desktop, run

SCRIPT = Path(__file__).with_name("sized_net.py")

#: The networks: what is said of them -> parameters of the script.
NETS = {
    "1 module of 1 unit": {"modules": 1, "units": 1, "inputs": 1},
    "10 modules of 32 units": {"modules": 10},
    "30 modules of 33 units": {"modules": 30, "units": 33, "inputs": 33},
    "60 modules of 32 units": {"modules": 60},
    "120 modules of 16 units": {"modules": 120, "units": 16, "inputs": 16},
    "60 modules, residual": {"net": "residual", "modules": 60, "units": 8},
    "3 modules of 1,000 units": {"modules": 3, "units": 1000, "inputs": 1000},
    "3 modules of 4,096 units": {"modules": 3, "units": 4096, "inputs": 4096},
    "1 module, a weight of 10 MB": {"modules": 1, "units": 1600, "inputs": 1600},
    "1 module, a weight of 100 MB": {"modules": 1, "units": 4096, "inputs": 6200},
    "images of 100 MB": {"net": "images", "units": 512, "batch": 32},
}
#: What no part may take, in ms: of the UI thread at a time, and of a step from the key to all that is shown.
BLOCK, STEP = 50.0, 100.0

_STEPS, _WHEELS, _PLACES = 12, 12, 12


class Sized(Desktop):
    """A window on one of the networks."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__()
        self.parameters = tuple(f"{name}={value}" for name, value in parameters.items())
        self.found: dict[str, float] = {}
        self.longest: dict[str, float] = {}
        self.busy: list[float] = []

    def _beat(self) -> None:
        super()._beat()
        now = time.thread_time()
        self.busy.append(1000 * (now - self._worked))
        self._worked = now

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Note the longest block of the UI thread in what is done here, and in what comes of it: what it has computed in
        that time is noted too, which other processes cannot make longer.
        """
        self.live(0.1)
        del self.blocks[:], self.busy[:]
        self._beaten, self._worked = time.perf_counter(), time.thread_time()
        self._heart.start()
        yield
        self.live(0.4)
        self._heart.stop()
        self.longest[name] = max(self.blocks)
        self.found[f"{name}, computing"] = max(self.busy)

    def shown(self, seconds: float = 60.0) -> None:
        """Wait until all that was asked for is shown."""
        self.live(0.03)
        self.wait(lambda: self.settled() and not self.link.moving, seconds)
        self.app.processEvents()

    def start(self) -> None:
        """Open the script, and go to its second step."""
        with self.part("open"):
            self.window.open(str(SCRIPT), self.parameters)
            self.wait(lambda: self.state.stop is not None and not self.link.moving)
            self.shown()
        self.panels = dict(self.window.workspace.panels)
        with self.part("first pass"):
            for step in (1, 2):
                self.link.move("runTo", step=step)
                self.wait(lambda step=step: not self.link.moving and (self.state.stop or {}).get("step") == step)
                self.shown()
        self.state.update(level="op")
        self.live(0.5)

    def steps(self) -> None:
        """Step over ops."""
        for _ in range(3):
            self.step()
        with self.part("step"):
            took = [self.step() for _ in range(_STEPS)]
        self.found["step"] = max(took)
        self.found["step, median"] = sorted(took)[len(took) // 2]

    def canvas(self) -> None:
        """Zoom and move the network."""
        view = self.panels["network"].view
        with self.part("zoom"):
            for notch in (120, -120):
                for _ in range(_WHEELS):
                    self.wheel(view.viewport(), notch)
        with self.part("move"):
            self.drag(view.viewport())
        view.fit()

    def scrubs(self) -> None:
        """Go along the timeline."""
        from PyQt6.QtCore import QEvent

        strip = self.panels["timeline"].strip
        self.mouse(QEvent.Type.MouseButtonPress, strip.left() + 4)
        self.shown()
        took, wide = [], strip.width() - strip.left() - 24
        with self.part("scrub"):
            for i in range(_PLACES):
                x = strip.left() + 6 + wide * (i * 7 % _PLACES) / _PLACES
                if strip.seq_at(x) != self.state.stop["seq"]:
                    took.append(self.scrub(x)[1])
                self.live(0.05)
        self.mouse(QEvent.Type.MouseButtonRelease, strip.left() + 6)
        self.found["scrub"] = sorted(took)[len(took) // 2] if took else 0.0

    def tensor(self) -> None:
        """Look at the first weight, at its single numbers, and at why one of its layer's numbers is what it is."""
        self.link.move("runTo", step=5)
        self.wait(lambda: not self.link.moving and self.state.stop.get("step") == 5)
        self.step()
        self._look("weight", self.largest("forward", "w"))
        self._look("values", self.largest("forward", "x"))
        self._look("gradient", self.largest("backward", "dw"))
        self._explain(self.largest("forward", "y"))

    def largest(self, kind: str, name: str) -> tuple[int, str, list[int]]:
        """(event, name, shape) of the largest tensor of that name of such an event."""
        for _ in range(400):
            stop = self.state.stop
            of = {one["name"]: one["shape"] for one in stop.get("tensors") or ()}
            if stop.get("direction") == kind and name in of:
                return stop["seq"], name, of[name]
            self.step()
        raise LookupError(f"no {kind} has {name}")

    def _look(self, what: str, at: tuple[int, str, list[int]]) -> None:
        heat = self.panels["tensor"].map
        self.window.workspace.docks["tensor"].raise_()
        with self.part(what):
            self.state.reselect(event=at[0], name=at[1], index=None)
            self.shown()
        with self.part(f"{what}, zoomed"):
            for _ in range(3 * _WHEELS):
                self.wheel(heat, 120)
            self.shown()
            self.drag(heat)
            self.shown()
        heat.reset_view()
        self.shown()

    def _explain(self, at: tuple[int, str, list[int]]) -> None:
        self.window.workspace.docks["explain"].raise_()
        self.shown()
        for number in (0, 1):
            with self.part("explain"):
                self.state.reselect(event=at[0], name=at[1], index=tuple(min(number, n - 1) for n in at[2]))
                self.wait(lambda: self.panels["explain"].explanation is not None)
                self.shown()

    def data(self) -> None:
        """Look at the batch."""
        with self.part("batch"):
            self.window.workspace.docks["data"].raise_()
            self.shown()
            self.step()

    def wheel(self, widget: Any, notch: int) -> None:
        """Turn the wheel over the middle of a widget, and let it be painted."""
        from PyQt6.QtCore import QPoint, QPointF, Qt
        from PyQt6.QtGui import QWheelEvent

        middle = QPointF(widget.rect().center())
        event = QWheelEvent(
            middle, widget.mapToGlobal(middle), QPoint(), QPoint(0, notch), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        self._do(lambda: self.app.sendEvent(widget, event))

    def drag(self, widget: Any) -> None:
        """Move what a widget shows."""
        from PyQt6.QtCore import QPoint, Qt
        from PyQt6.QtTest import QTest

        middle, left = widget.rect().center(), Qt.MouseButton.LeftButton
        QTest.mousePress(widget, left, pos=middle)
        for i in range(_WHEELS):
            self._do(lambda i=i: self._move_mouse(widget, middle + QPoint(6 * i, 3 * i)))
        QTest.mouseRelease(widget, left, pos=middle + QPoint(40, 20))

    def _move_mouse(self, widget: Any, to: Any) -> None:
        from PyQt6.QtCore import QEvent, QPointF, Qt
        from PyQt6.QtGui import QMouseEvent

        left, place = Qt.MouseButton.LeftButton, QPointF(to)
        self.app.sendEvent(widget, QMouseEvent(
            QEvent.Type.MouseMove, place, widget.mapToGlobal(place), left, left, Qt.KeyboardModifier.NoModifier
        ))  # fmt: skip

    def _do(self, event: Callable[[], object]) -> None:
        event()
        self.app.processEvents()
        self.live(0.02)


def measure_one(name: str) -> dict[str, Any]:
    """All that is looked at of one network."""
    desktop = Sized(NETS[name])
    desktop.start()
    for look in (desktop.steps, desktop.canvas, desktop.scrubs, desktop.tensor, desktop.data):
        look()
    desktop.close()
    return {"blocks": desktop.longest, "found": desktop.found}


def measure(names: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """All networks, each in a process of its own."""
    return {name: run("net", name, module="tests.benchmarks.sizes") for name in names or NETS}


def table(found: dict[str, dict[str, Any]]) -> list[str]:
    """The results as lines of a Markdown table: how long the UI thread was blocked at a time, and what was done then. That
    it makes all panels when the first script is opened, before there is anything to see, stands for itself.
    """
    heads = (
        "network", f"longest block (at most {BLOCK:g} ms)", "while", "of these computing",
        f"step, longest (at most {STEP:g} ms)", "step, median", "scrub, median", "panels made, once",
    )  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, one in found.items():
        blocks, more = one["blocks"], one["found"]
        worst = max(blocks.keys() - {"open"}, key=blocks.__getitem__)
        lines.append(
            f"| {name} | {blocks[worst]:.0f} ms | {worst} | {more[worst + ', computing']:.0f} ms | {more['step']:.0f} ms "
            f"| {more['step, median']:.0f} ms | {more['scrub']:.0f} ms | {blocks['open']:.0f} ms |"
        )
    return lines


def main(part: str, name: str) -> None:
    """Measure one network in this process; JSON on the last line."""
    assert part == "net"
    print(json.dumps(measure_one(name)))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
