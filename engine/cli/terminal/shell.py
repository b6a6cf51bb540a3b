"""``Shell``: reads commands, carries them out, says where the script stands."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from engine.cli.terminal.points import Points
from engine.cli.terminal.registry import COMMANDS, CommandError
from engine.cli.terminal.sources import Sources
from engine.cli.terminal.stop_text import finding_text, headline, hint, source_line
from engine.cli.terminal.text import Style, number
from engine.debug.protocol import ProtocolError
from engine.debug.session import ConnectionLost, RequestError, Run, Session, SessionError, Stop

PROMPT = "(nabla) "

#: Seconds between two looks at the keyboard while the script runs.
_LOOK = 0.25

_NAME = re.compile(r"([A-Za-z]+|!)(.*)", re.DOTALL)

#: What a command may fail with, which is then said and does no harm.
EXPECTED = (CommandError, SessionError, RequestError, ConnectionLost, ProtocolError, TimeoutError, OSError)


class Shell:
    """The state of one session at the terminal.

    Args:
        session: its runs; the shell hears their events through :meth:`heard`.
        out: where text goes.
        style: its colours.
        interactive: whether somebody types; Ctrl+C pauses the script then, and ends a scripted session otherwise.

    Attributes:
        stop: where the current run stands.
        level: what ``next`` and ``back`` mean without a level.
        points: breakpoints and watchpoints.
        displays: expressions shown at each stop.
        done: whether the session is over.
        said: what the newest command has printed, for ``expect``.
    """

    def __init__(self, session: Session, out: TextIO, style: Style, interactive: bool = True) -> None:
        self.session = session
        self.interactive = interactive
        self.out = out
        self.style = style
        self.stop = Stop()
        self.level = "line"
        self.points = Points(session)
        self.sources = Sources(session)
        self.displays: list[str] = []
        self.done = False
        self.said = ""
        self.frame = 0
        self.listed: int | None = None
        self._frames: list[dict[str, Any]] | None = None
        self._last = ""
        self._progress = ""

    # ------------------------------------------------------------------------------------------------ talking

    def say(self, text: str = "") -> None:
        """Print a line."""
        self.hide_progress()
        self.said += text + "\n"
        print(text, file=self.out, flush=True)

    def say_all(self, lines: Iterable[str]) -> None:
        """Print lines."""
        for line in lines:
            self.say(line)

    def heard(self, run: Run, message: dict[str, Any]) -> None:
        """An event that arrived; called in a thread of the client's."""
        body = message["body"]
        if message["event"] == "output":
            self.hide_progress()
            to = sys.stderr if body["category"] == "stderr" else self.out
            to.write(body["output"])
            to.flush()
        elif message["event"] == "diagnostic":
            self.hide_progress()
            print(self.style(finding_text(body), "yellow"), file=self.out, flush=True)

    def show_progress(self) -> None:
        """One line, written over and over, that says where a running script is; only on a terminal."""
        progress = self.session.current.progress
        if self.style.enabled and progress and self.out.isatty():
            loss = progress.get("loss")
            text = f"step {progress.get('step')}  epoch {progress.get('epoch')}  batch {progress.get('batch')}"
            text += f"  loss {number(float(loss))}" if loss is not None and loss == loss else ""
            if text != self._progress:
                self.out.write(f"\r\x1b[K{self.style(text, 'dim')}")
                self.out.flush()
            self._progress = text

    def hide_progress(self) -> None:
        """Clear that line."""
        if self._progress:
            self._progress = ""
            self.out.write("\r\x1b[K")

    # ------------------------------------------------------------------------------------------------ commands

    @property
    def prompt(self) -> str:
        """With more than one run it names the current one."""
        return PROMPT if len(self.session.runs) == 1 else f"(nabla {self.session.current.name}) "

    def run_line(self, line: str) -> bool:
        """Carry out one line; an empty one repeats the last. False where it failed, which is said."""
        line = line.strip() or self._last
        self._last = line
        if not line or line.startswith("#"):
            return True
        try:
            self.carry_out(line)
        except EXPECTED as error:
            self.say(self.style(f"*** {str(error) or type(error).__name__}", "red"))
            return False
        except KeyboardInterrupt:
            self.say("--interrupted--")
            return False
        return True

    def carry_out(self, line: str) -> None:
        """Carry out a command, or Python where it is none; raises what :data:`EXPECTED` names."""
        entry, rest = None, ""
        match = _NAME.match(line)
        if match is not None and not _is_python(match[2]):
            entry, rest = COMMANDS.get(match[1]), match[2].strip()
        if entry is None:
            entry, rest = COMMANDS["!"], line
        if entry.name != "expect":
            self.said = ""
        entry.handler(self, rest)

    # ------------------------------------------------------------------------------------------------ moving

    def move(self, command: str, **arguments: Any) -> None:
        """A request that moves; then show where it led."""
        if self.session.current.state == "running":
            raise CommandError("the script runs: 'continue' waits for it, Ctrl+C pauses it")
        self.arrive(self._waiting(lambda: self.session.step(command, _LOOK, **arguments)))

    def travel(self, position: list[int]) -> None:
        """Go to a position; then show it."""
        self.arrive(self._waiting(lambda: self.session.travel(position, _LOOK)))

    def begin(self) -> None:
        """Let the script of the current run begin, up to its first stop."""
        self.arrive(self._waiting(lambda: self.session.start(_LOOK)))

    def wait(self) -> None:
        """Wait for a script that runs."""
        self.arrive(self._waiting(lambda: self.session.wait(_LOOK)))

    def _waiting(self, first: Callable[[], Stop]) -> Stop:
        """The stop that ``first`` waits for, or waiting on what it has begun; Ctrl+C pauses the script."""
        paused = False
        wait = first
        while True:
            try:
                try:
                    return wait()
                except TimeoutError:
                    self.show_progress()
            except KeyboardInterrupt:  # also while the progress is written
                if self.session.current.state != "running" or not self.interactive:
                    raise
                if paused:
                    raise CommandError(
                        "the script has not stopped yet: 'continue' waits on, 'restart' begins anew, 'quit' ends it"
                    ) from None
                paused = True
                self.say("--pausing--")
                self.session.pause()
            wait = self._wait_on

    def _wait_on(self) -> Stop:
        return self.session.wait(_LOOK)

    def arrive(self, stop: Stop, quiet: bool = False) -> None:
        """Take in where the current run stands now, and show it."""
        self.stop = stop
        self.forget_frames()
        self.listed = None
        self.points.arrived(stop)
        if not quiet:
            self.show()

    def show(self) -> None:
        """Say where the run stands: one line, the line of the source, and what ``display`` asks for."""
        self.say(headline(self))
        for line in filter(None, (hint(self), source_line(self))):
            self.say(line)
        for expression in self.displays:
            try:
                self.say(f"display {expression}: {self.evaluate(expression)['result']}")
            except EXPECTED as error:
                self.say(f"display {expression}: {error}")

    # ------------------------------------------------------------------------------------------------ looking

    def require_stop(self) -> Stop:
        """Where the run stands. Raises CommandError where it does not."""
        if self.session.current.state == "running":
            raise CommandError("the script runs; Ctrl+C pauses it, 'continue' waits for it")
        if self.stop.position is None or self.stop.reason in ("exited", "lost"):
            raise CommandError("the script stands nowhere: it has not begun, or its process is gone ('restart', 'back')")
        return self.stop

    @property
    def frames(self) -> list[dict[str, Any]]:
        """The user's frames at the stop, innermost first; empty in the past."""
        frames = self._frames
        if frames is None:
            self.require_stop()
            frames = self._frames = list(self.session.request("stackTrace").get("stackFrames", ()))
        return frames

    def forget_frames(self) -> None:
        """Frames are of one stop only."""
        self._frames, self.frame = None, 0

    @property
    def frame_id(self) -> int | None:
        """The frame that expressions are evaluated in."""
        frames = self.frames if self.session.current.state == "stopped" else []
        return frames[self.frame]["id"] if frames else None

    def evaluate(self, expression: str, context: str = "watch") -> dict[str, Any]:
        """The answer to ``evaluate`` in the frame chosen."""
        if not expression.strip():
            raise CommandError("an expression is missing")
        return self.session.request("evaluate", expression=expression, frameId=self.frame_id, context=context)

    def tensor_names(self) -> tuple[str, ...]:
        """Names of the arrays of the event at the stop."""
        return tuple(entry["name"] for entry in self.stop.get("tensors", ()))

    def reference(self, name: str) -> dict[str, Any]:
        """What the protocol calls the tensor ``name``: an array of the stop's event, else an expression."""
        for entry in self.stop.get("tensors", ()):
            if name in (entry["name"], entry.get("label")) and self.stop.get("seq") is not None:
                return {"event": self.stop["seq"], "name": entry["name"]}
        frame = self.frame_id
        return {"expression": name} if frame is None else {"expression": name, "frameId": frame}


def _is_python(rest: str) -> bool:
    """Whether what follows a word makes it a name in a statement, not a command: ``step = 3``, ``run(x)``, ``next_``."""
    if rest[:1] and rest[:1] in ".([_0123456789,:":
        return True
    rest = rest.lstrip()
    return (rest.startswith("=") and not rest.startswith("==")) or rest[:2] in ("+=", "-=", "*=", "/=")
