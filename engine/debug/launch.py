"""What a ``launch`` request asks for: a script, run from its beginning or replayed to a place in an earlier run."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import engine
from engine.debug import stepping
from engine.debug.breakpoints.code_lines import keep_text
from engine.debug.debuggee import Debuggee
from engine.debug.debugger import Waypoint
from engine.debug.edits import EditLog, apply_edits
from engine.debug.events import Event, Position
from engine.debug.replay.following import Divergence
from engine.debug.replay.hollow import ContentsSkipped
from engine.debug.replay.recorder import Recorder
from engine.debug.replay.recording import Recording
from engine.debug.replay.replayer import Replayer
from engine.debug.replay.silence import Gate, close_gates
from engine.debug.server import RequestFailedError
from engine.debug.stops import Stop, again_stop, plain_stop
from engine.script.program import exit_code, imported, main_module, prepare, read_script, show_error

#: Exit codes of replays: it has to be repeated without skipping; an edit of the fork cannot be made.
REPEAT, REFUSED = 75, 76

#: Packages that compute with PyTorch, where they do not mean the engine.
_TORCH = {"torch", "torchvision"}


class Launch:
    """One script to run.

    Args:
        arguments: those of the request ``launch``.

    Raises:
        ScriptError: the script cannot be read, is no Python, or a parameter does not fit.
        OSError: the working folder, or a file of the recording, is not there.
        RecordingError: the recording to replay is none.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        if arguments.get("cwd"):
            os.chdir(arguments["cwd"])
        self.program: str = arguments["program"]
        self.replay: dict[str, Any] | None = arguments.get("replay")
        text = self._text()
        self.code, self.arguments = prepare(
            self.program, arguments.get("arguments") or (), arguments.get("parameters") or (), text
        )
        keep_text(self.program, text)
        self.as_torch = bool(arguments.get("asTorch"))
        packages = imported(text)
        self._imports_torch = not _TORCH.isdisjoint(packages) and "engine" not in packages
        self.stop_on_entry = arguments.get("stopOnEntry", True)
        if arguments.get("threads"):
            engine.set_num_threads(arguments["threads"])
        folder = arguments.get("recording")
        about = {"program": self.program, "arguments": self.arguments, "script": text}
        own = Recording(folder, about) if folder else None
        self.edits = EditLog(folder)
        self.target = Position(0)
        self.recorder = Recorder(own) if self.replay is None else self._replayer(self.replay, own)
        self._gates: tuple[Gate, ...] = ()

    def _text(self) -> str:
        """The text of the script: what the file has now, or, where a run is repeated, what it had then."""
        if self.replay is not None and self.replay.get("recordedScript"):
            text = Recording(self.replay["recording"]).described().get("script")
            if isinstance(text, str):
                return text
        return read_script(self.program)[1]

    def _replayer(self, replay: dict[str, Any], own: Recording | None) -> Replayer:
        self.target = Position(*(replay.get("at") or replay["before"]))
        self.edits.adopt(EditLog(replay["recording"]))
        # What an edit of code has done is in no checkpoint: steps are skipped up to the first one only.
        skip = replay.get("skip", True) and (min((p.tick for p, _ in self.edits), default=1 << 62))
        replayer = Replayer(Recording(replay["recording"]), self.target, skip, into=own)
        replayer.prepare()
        return replayer

    def debuggee(self, on_lost: Callable[[], None]) -> Debuggee:
        """The debuggee that runs this."""
        debuggee = Debuggee(self.recorder, True, on_lost)
        debuggee.edit_log = self.edits
        if self.replay is None and not self.as_torch:
            debuggee.bypassed = self._bypassed
        return debuggee

    def _bypassed(self, stop: Stop) -> bool:
        """Whether the script computes with PyTorch itself, of which nothing is noticed here, as far as this stop tells:
        that of a script that is about to begin, or has ended without computing anything here.
        """
        if stop.reason == "end":
            return not self.recorder.tick and not _TORCH.isdisjoint(sys.modules)
        return self._imports_torch and (stop.reason == "entry" or "entry" in stop.more)

    def run(self, debuggee: Debuggee) -> int:
        """Run the script, to its end and to the end of the client's interest; the exit code."""
        debugger = debuggee.debugger
        if self.replay is not None:
            self._gates = close_gates()
            self._set_waypoints(debuggee, self.replay)
        elif self.stop_on_entry:
            debugger.plan = stepping.Plan(lambda event: event.level != "detail", "entry")
        with contextlib.ExitStack() as stack:
            namespace = stack.enter_context(main_module(self.program, self.arguments))
            if self.as_torch:
                from engine.script.as_torch import as_torch

                stack.enter_context(as_torch())
            debugger.attach()
            try:
                exec(self.code, namespace)
                code = 0
            except SystemExit as request:
                code = exit_code(request)
            except ContentsSkipped:
                debugger.detach()
                debuggee.send("terminated", {"restart": {"skip": False}})
                return REPEAT
            except _RefusedError as refusal:
                debugger.detach()
                debuggee.send("output", {"category": "console", "output": f"{refusal}\n"})
                return REFUSED
            except BaseException as error:
                if debugger.waypoints and getattr(self.recorder, "skipped_to", 0):
                    # The recorded run came further: what was skipped has led the script astray.
                    debugger.detach()
                    debuggee.send("terminated", {"restart": {"skip": False}})
                    return REPEAT
                code = 1
                self._post_mortem(debuggee, error)
            debuggee.ended, debuggee.exit_code = True, code
            debugger.end(code)
        debugger.detach()
        return code

    def _post_mortem(self, debuggee: Debuggee, error: BaseException) -> None:
        """The script has ended with an exception: say so as Python does, and stop where it was raised, if that is
        wanted."""
        debuggee.debugger.detach()
        # Also where a replay has not arrived: that it ends here is news.
        debuggee.debugger.waypoints.clear()
        for gate in self._gates:
            gate.open = True
        frames = []
        place = error.__traceback__
        while place is not None:
            frames.append(place.tb_frame)
            place = place.tb_next
        show_error(error, self.code.co_filename)
        if debuggee.diagnostics is not None:
            debuggee.diagnostics.exception(error)
        if debuggee.debugger.breakpoints.on_exception(error, True) is not None:
            debuggee.debugger.exception(error, frames[-1])

    # ---- replays ----

    def _set_waypoints(self, debuggee: Debuggee, replay: dict[str, Any]) -> None:
        debugger, recorder = debuggee.debugger, self.recorder
        assert isinstance(recorder, Replayer)
        recorder.on_divergence = lambda found: self._diverged(debuggee, found)
        for position, edits in self.edits:
            waypoint = Waypoint(position, _step_before(recorder, position), _editing(debuggee, edits))
            (debugger.waypoints if position <= self.target else debugger.pending).append(waypoint)

        def arrive(event: Event, frame: FrameType | None) -> None:
            for gate in self._gates:
                gate.open = True
            edits = replay.get("edits") or []
            if edits:
                recorder.cut()
                debugger.pending.clear()
                self.edits.cut(event.position)
                self.edits.append(event.position, edits)
                try:
                    apply_edits(edits, event, frame, debuggee.references)
                except RequestFailedError as error:
                    raise _RefusedError(str(error)) from None
            debuggee.arrived(replay)
            hits = debugger.past_hits(event) if replay.get("breakpoints") else []
            debugger.halt(again_stop(event, hits, frame) if hits else plain_stop(event, "replay", frame), frame)

        debugger.waypoints.append(Waypoint(self.target, recorder.full_from, arrive))

    def _diverged(self, debuggee: Debuggee, divergence: Divergence) -> None:
        debuggee.send("output", {"category": "console", "output": f"{divergence}\n", "divergence": divergence._asdict()})


class _RefusedError(BaseException):
    """An edit cannot be made: no script may catch this."""


def _step_before(recorder: Replayer, position: Position) -> int:
    """The tick of the end of a step before ``position``."""
    ends = recorder.tape.step_ticks()
    before = ends[ends < position.tick]
    return int(before[-1]) if len(before) else 0


def _editing(debuggee: Debuggee, edits: list[dict[str, Any]]) -> Callable[[Event, FrameType | None], None]:
    def edit(event: Event, frame: FrameType | None) -> None:
        try:
            apply_edits(edits, event, frame, debuggee.references)
        except RequestFailedError as error:
            raise _RefusedError(f"an edit of this run cannot be repeated: {error}") from None

    return edit
