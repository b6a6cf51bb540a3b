"""A debuggee that exists only in this process: a run of numbered ops, one value each, with a short memory.

It speaks as a Client does. Its tape is a file in the recording's folder, as that of a real one.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, ClassVar

from engine.debug.client import ConnectionLost, RequestError
from engine.debug.protocol import Array

#: Ops of the run, ops a step, and events that it remembers.
LENGTH, STEP, MEMORY = 40, 4, 10


def floats(values: list[float]) -> Array:
    return Array("<f8", (len(values),), struct.pack(f"<{len(values)}d", *values))


class FakeClient:
    """See the module. ``made`` lists all that were launched; ``crash_at`` is a tick at which the process dies."""

    made: ClassVar[list[FakeClient]] = []
    crash_at: ClassVar[int | None] = None
    refuse_skipping: ClassVar[bool] = False
    launched: ClassVar[bool] = True

    @classmethod
    def launch(cls, program: str, arguments: list[str] = (), **options: Any) -> FakeClient:
        client = cls(program, arguments, options)
        cls.made.append(client)
        return client

    def __init__(self, program: str, arguments: Any, options: dict[str, Any]) -> None:
        self.program, self.arguments, self.options = program, arguments, options
        self.folder = Path(options["recording"])
        self.events: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.edits: dict[int, float] = {}
        self.live = self.cursor = 0
        self.oldest = 0
        self.lost: str | None = None
        self.exit_code: int | None = None
        self.closed = False
        self.replay = options["replay"]

    # ---- what a Client offers ----

    def request(self, command: str, timeout: float | None = None, **arguments: Any) -> dict[str, Any]:
        if self.lost:
            raise ConnectionLost(self.lost)
        self.asked.append((command, arguments))
        return getattr(self, f"do_{command}", lambda **_: {})(**arguments) or {}

    def wait_for(self, names: Any, timeout: float | None = None) -> dict[str, Any]:
        for event in self.events:
            if event["event"] in names:
                self.events.remove(event)
                return event
        if self.lost:
            raise ConnectionLost(self.lost)
        raise TimeoutError("nothing came")

    def drain(self) -> list[dict[str, Any]]:
        found, self.events = self.events, []
        return found

    def close(self, terminate: bool | None = None) -> None:
        self.closed = True
        self.lost = self.lost or "closed"

    # ---- the debuggee ----

    def tell(self, event: str, **body: Any) -> None:
        message = {"event": event, "body": body}
        if self.options["on_event"](message) is not True:
            self.events.append(message)

    def stopped(self, reason: str, at: int) -> None:
        self.cursor = at
        self.tell("stopped", reason=reason, position=[at, 0, 0], level="op", live=at == self.live, seq=at, step=at // STEP)

    def run(self, to: int, reason: str = "step") -> None:
        crash = type(self).crash_at
        if crash is not None and to >= crash and self.replay is None:
            self.lost, self.exit_code = "its process killed by signal 6", -6
            return
        to = min(to, LENGTH)
        self.live = to
        self.oldest = max(self.oldest, to - MEMORY)
        for tick in range(self.cursor, to):
            self.tell("output", category="stdout", output=f"{tick}\n")
        self.stopped("end" if to == LENGTH else reason, to)

    def do_configurationDone(self) -> None:
        if self.replay is None:
            self.stopped("entry", 0)
            return
        tape = json.loads((Path(self.replay["recording"]) / "tape").read_text())
        self.edits = {int(tick): value for tick, value in tape.items()}
        if type(self).refuse_skipping and self.replay.get("skip", True):
            self.tell("terminated", restart={"skip": False})
            return
        target = (self.replay.get("at") or self.replay["before"])[0]
        for edit in self.replay.get("edits", ()):
            if edit.get("code") == "bad":
                self.tell("exited", exitCode=1)
                return
            self.edits[target] = edit["value"]
        self.run(target, "replay")
        self.oldest = max(0, target - MEMORY)
        if "before" in self.replay:
            self.events.clear()
            self.stopped("replay", target - 1)

    def do_flushRecording(self) -> None:
        (self.folder / "tape").write_text(json.dumps(self.edits))

    def do_next(self, granularity: str = "op") -> None:
        if self.cursor < self.live:
            self.stopped("step", self.cursor + 1)
        else:
            self.run(self.live + 1)

    def do_continue(self) -> None:
        self.run(LENGTH)

    def do_runTo(self, position: list[int] | None = None, step: int = 0) -> None:
        self.run(position[0] if position else step * STEP, "goto")

    def do_stepBack(self, granularity: str = "op") -> None:
        self.back(self.cursor - 1, before=[self.cursor, 0, 0], level=granularity)

    def do_goto(self, position: list[int]) -> None:
        self.back(position[0], at=list(position), level="op")

    def back(self, to: int, **place: Any) -> None:
        if to < self.oldest:
            raise RequestError("too far", {"error": {"id": "beyondHistory", **place}})
        self.stopped("step", to)

    def do_setBreakpoints(self, breakpoints: list, source: dict) -> dict[str, Any]:
        return {"breakpoints": [{"id": i, "verified": True, "line": b["line"]} for i, b in enumerate(breakpoints)]}

    def value(self, tick: int) -> float:
        return tick + sum(change for at, change in self.edits.items() if at <= tick)

    def do_curves(self) -> dict[str, Any]:
        ends = range(STEP, self.live + 1, STEP)
        return {"steps": floats([tick // STEP for tick in ends]), "losses": floats([self.value(tick) for tick in ends])}

    def do_events(self, count: int) -> dict[str, Any]:
        return {"complete": self.oldest == 0, "events": []}

    def do_checksums(self) -> dict[str, Any]:
        entries = [
            {
                "position": [tick, 0, 0], "kind": "forward", "name": "Linear", "module": "fc", "seq": tick,
                "description": f"forward Linear {tick}", "checksums": {"x": 0, "y": self.value(tick)},
                "tensors": [{"name": "y", "shape": [2, 3]}],
            }
            for tick in range(self.oldest, self.live + 1)
        ]  # fmt: skip
        return {"checksums": entries}

    def do_tensor(self, reference: dict, maxShape: list[int], slice: str | None = None) -> dict[str, Any]:
        rows = [[0.0, 0.0, 0.0], [0.0, self.value(reference["event"]), 0.0]]
        data = floats([x for row in rows for x in row])
        return {"shape": [2, 3], "dtype": "float64", "data": Array("<f8", (2, 3), data.data)}
