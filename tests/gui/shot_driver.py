"""Takes a true window to the places that pictures are made of: see :data:`PLACES`."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QEvent
from PyQt6.QtWidgets import QApplication

from gui.context import Context
from gui.link import Link
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.widgets.formula_view import typesetter
from gui.window import Window

SAMPLES = Path(__file__).parents[2] / "samples"

#: Seconds that the engine may take for one move on a busy machine, and its answers to what the panels ask.
_MOVE, _ANSWERS = 120.0, 10.0
#: Seconds without news after which a window is taken to show all there is.
_QUIET = 0.5


class CountingLink(Link):
    """A link that knows which of its questions wait for an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.open: set[Hashable] = set()

    def ask(self, key: Hashable, command: str, arguments: dict[str, Any], then: Any, otherwise: Any = None,
            run: str | None = None) -> None:  # fmt: skip
        def done(callback: Any) -> Callable[[Any], None]:
            def finish(value: Any) -> None:
                self.open.discard(key)
                if callback is not None:
                    callback(value)

            return finish

        self.open.add(key)
        super().ask(key, command, arguments, done(then), done(otherwise), run)

    def forget(self, key: Hashable) -> None:
        self.open.discard(key)
        super().forget(key)


class Driver:
    """A shown window, driven by its actions.

    Args:
        script: what is opened. parameters: ``NAME=VALUE`` for its parameters cell.
        folder: where the settings lie. as_torch: whether the script is one for PyTorch.

    Attributes:
        troubles: what was refused. front: panels that a place is about, in front of the others.
    """

    def __init__(self, script: Path, parameters: Sequence[str], folder: Path, as_torch: bool = False) -> None:
        self.script, self.parameters, self.as_torch = script, tuple(parameters), as_torch
        settings = Settings(folder / "settings.json")
        settings["recent"] = [str(SAMPLES / f"{name}.py") for name in ("fashion_cnn", "xor", "gone")]
        self.link = CountingLink()
        self.window = Window(Context(State(), self.link, Theme(), settings))
        self.state = self.window.context.state
        self.troubles: list[str] = []
        self.front: list[str] = []
        self.link.failed.connect(self.troubles.append)
        self.link.lost.connect(self.troubles.append)
        self.window.show()

    def wait(self, condition: Callable[[], object], seconds: float = _MOVE, what: str = "") -> None:
        """Let the window live until ``condition()`` holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what or 'the window'}: nothing came in {seconds:g} s; {self.troubles}")
            self.live(0.01)

    def live(self, seconds: float) -> None:
        """Let the window live."""
        end = time.monotonic() + seconds
        while True:
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            if (left := end - time.monotonic()) <= 0:
                return
            time.sleep(min(0.005, left))

    def settle(self) -> None:
        """Until everything that was asked for is shown, or does not come."""
        end = time.monotonic() + _ANSWERS
        quiet = time.monotonic()
        while time.monotonic() - quiet < _QUIET and time.monotonic() < end:
            if self.link.open or typesetter._working or (self.link.moving and not self.state.running):
                quiet = time.monotonic()
            self.live(0.02)

    def move(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Move, and return the stop."""
        before = self.state.stop
        self.link.move(command, **arguments)
        self.wait(lambda: self.state.stop is not before and not self.link.moving, what=command)
        assert self.state.stop is not None
        return self.state.stop

    def over(self, wanted: Callable[[dict[str, Any]], object], most: int = 120) -> None:
        """Step over ops until a stop is wanted."""
        for _ in range(most):
            if wanted(self.move("next", granularity="op")):
                return
        raise LookupError("no op was the one that is wanted")

    def open(self, script: Path, parameters: Sequence[str]) -> None:
        """Open a script and wait for its first line."""
        self.state.update(stop=None)
        self.window.open(str(script), tuple(parameters), self.as_torch and script == self.script)
        self.wait(lambda: self.state.stop and self.window.workspace and not self.link.moving, what=script.name)

    # ---- the places, in the order in which they are gone to ----

    def start(self) -> None:
        """The start page."""

    def first_line(self) -> None:
        """A script, stopped at its first line."""
        self.open(self.script, self.parameters)

    def forward(self) -> None:
        """The forward pass of the second convolution, or of another layer, in the third batch."""
        layers = ("conv2", "0", "hidden", "Linear")
        for step in (1, 2):  # accuracy is measured some times a second: at each stop, so that pictures do not depend on it
            self.move("runTo", step=step)
        self.over(lambda stop: stop.get("direction") == "forward" and stop.get("module") in layers)

    def explained(self) -> None:
        """An element of what the op has computed for the sample that is shown, explained."""
        state = self.state
        shape = next((t["shape"] for t in (state.stop or {}).get("tensors", ()) if t["name"] == "y"), [1])
        inner = tuple(min(n // 3, 5) for n in shape)
        state.reselect(index=(state.selection.sample, *inner[1:]) if len(shape) > 1 else inner)
        self.front = ["explain"]

    def backward(self) -> None:
        """The backward pass of the same module."""
        module = (self.state.stop or {}).get("module")
        self.front = []
        self.over(lambda stop: stop.get("direction") == "backward" and stop.get("module") == module)

    def update(self) -> None:
        """The update of a parameter."""
        self.over(lambda stop: stop.get("direction") == "update")
        self.over(lambda stop: stop.get("direction") == "update")

    def running(self) -> None:
        """Training freely; a short script has ended then."""
        before = self.state.stop
        self.link.move("continue")
        ended = lambda: self.state.stop is not before and not self.link.moving  # noqa: E731
        self.wait(lambda: (self.state.running and self.state.progress) or ended(), what="continue")
        self.live(2.0)

    def compared(self) -> None:
        """Two runs with different parameters, compared; of a script without parameters, the same run twice."""
        if self.link.moving:
            before = self.state.stop
            self.link.move("pause")
            self.wait(lambda: self.state.stop is not before and not self.link.moving, what="pause")
        step, before = int((self.state.stop or {}).get("step") or 40), self.state.stop
        if "learning_rate = " in self.script.read_text(encoding="utf-8"):
            self.link.restart(["learning_rate=0.02"], "larger steps")
        else:
            self.link.restart(name="again")
        self.wait(lambda: self.state.stop is not before and not self.link.moving, what="restart")
        self.move("runTo", step=max(2, min(step, 40)))
        self.front = ["curves"]
        self.window.context.action("compare").trigger()
        self.wait(lambda: not self.link.moving)

    def nan(self) -> None:
        """The op that made the first NaN of a run: of the script itself where that is named for it."""
        own = "nan" in self.script.stem
        parameters = self.parameters if own else ("learning_rate=1e6", "folder=")
        self.open(self.script if own else SAMPLES / "linear_regression.py", parameters)
        self.link.set_watchpoints([{"kind": "nan-inf"}])
        self.move("continue")
        self.front = ["diagnostics"]

    def keys(self) -> None:
        """The dialog of the keys."""
        self.window.context.action("keys").trigger()

    def close(self) -> None:
        """End the window and its engine process."""
        self.window.close()
        self.live(0.1)


PLACES = ("start", "first_line", "forward", "explained", "backward", "update", "running", "compared", "nan", "keys")
