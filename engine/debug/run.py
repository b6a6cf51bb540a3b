"""What a session knows of its runs and of where they stand. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.debug.client import Client

#: Reasons of stops from which the script cannot go on.
FINAL = ("end", "exited", "lost")


class Stop(dict):
    """Where a run stands: the body of the event ``stopped``, with its fields at hand.

    Two reasons are the session's own: ``"exited"`` (the script has ended and its process stands nowhere; of a process that
    was attached to, ``exception`` says with which one, if with one, and ``exitCode`` with which one where ``sys.exit`` was
    given that) and ``"lost"`` (the process is gone; ``description`` says how).
    """

    @property
    def reason(self) -> str:
        return str(self.get("reason", ""))

    @property
    def position(self) -> tuple[int, ...] | None:
        """``(tick, ...)``, or None where the run stands nowhere."""
        position = self.get("position")
        return None if position is None else tuple(position)

    @property
    def live(self) -> bool:
        """Whether the script stands here; False while only a cursor in its past does."""
        return bool(self.get("live", False))

    @property
    def ended(self) -> bool:
        """Whether the script has come to its end, or its process is gone."""
        return self.reason in FINAL or self.get("kind") == "end"


def _ending(goodbye: dict[str, Any]) -> str:
    """How a process that was attached to has ended: what the body of its event ``terminated`` says."""
    code, text = goodbye.get("exitCode"), goodbye.get("text")
    if goodbye.get("reason") == "exception":
        return f"has ended at an exception: {text}"
    if code:
        return f"has ended with exit code {code}" + (f": {text}" if text else "")
    return "has come to its end"


@dataclass
class Run:
    """One run of the script: a process now, and the tape of what it has done.

    Attributes:
        number: from 1.
        name: ``"run 1"`` unless the user gave another.
        client: the process that stands for this run now; a replay exchanges it.
        recording: the folder of its tape; None where the process keeps no tape for this session (attached).
        parameters: ``NAME=VALUE`` texts that it was started with.
        parent: the run that it was forked from, at ``forked_at`` (a position).
        edits: what was changed there; its own tape knows them, and those of the runs that it stems from.
        state: ``"ready"`` (not started), ``"running"``, ``"stopped"``, ``"ended"`` or ``"lost"``.
        stop: where it stood last.
        exit_code: what the script has ended with, or is about to end with; None while it is under way.
        progress: body of the newest event ``progress``.
        divergence: what a replay did otherwise than its tape says (fields of the engine's Divergence), if it did.
        muted: whether it is being replayed, and what the script writes is dropped because it was written before.
        notes: what the debugger itself has said meanwhile.
        heard_by: the run that the events of its process belong to: this one, and after an exchange the one that got it.
    """

    number: int
    name: str
    client: Client
    recording: Path | None
    parameters: tuple[str, ...] = ()
    parent: Run | None = None
    forked_at: tuple[int, ...] | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)
    state: str = "ready"
    stop: Stop | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    divergence: dict[str, Any] | None = None
    muted: bool = False
    notes: list[dict[str, Any]] = field(default_factory=list)
    heard_by: list[Run] = field(default_factory=list, repr=False, compare=False)

    @property
    def assigned(self) -> tuple[str, ...]:
        """``NAME=VALUE`` texts of the parameters that were changed under way, in it and before in those it stems from."""
        before = () if self.parent is None else self.parent.assigned
        own = (setting for edit in self.edits if edit["kind"] == "parameters" for setting in edit["settings"])
        return (*before, *own)

    def arrive(self, message: dict[str, Any]) -> Stop:
        """Take in an event ``stopped``, ``exited`` or ``terminated``; the stop that it means."""
        body = message["body"]
        if message["event"] == "terminated":
            return self._at(Stop(body, reason="exited", description="the script has ended before it got there"))
        if message["event"] == "exited":
            self.exit_code = body.get("exitCode")
            return self._at(Stop(body, reason="exited", description=f"the script has ended with exit code {self.exit_code}"))
        return self._at(Stop(body))

    def lose(self, why: str) -> Stop:
        """The process is gone; of one that was attached to perhaps because it has come to its end, which it said."""
        if not self.client.launched and (goodbye := self.client.goodbye) is not None:
            self.exit_code = goodbye.get("exitCode")
            found = {"exception": goodbye.get("text") if goodbye.get("reason") == "exception" else None,
                     "exitCode": self.exit_code}  # fmt: skip
            known = {name: value for name, value in found.items() if value is not None}
            return self._at(Stop(reason="exited", description=f"its process {_ending(goodbye)}", **known))
        code = self.client.exit_code
        self.exit_code = code if code is not None else self.exit_code
        return self._at(Stop(reason="lost", description=why, exitCode=self.exit_code))

    def _at(self, stop: Stop) -> Stop:
        if stop.position is None and self.stop is not None and self.stop.position is not None:
            # Where it was seen last: from there a replay can still look back.
            stop["position"], stop["step"] = list(self.stop.position), self.stop.get("step")
            stop["lastSeen"] = True
        self.stop = stop
        if stop.live:
            self.exit_code = {"end": stop.get("exitCode"), "exception": 1}.get(stop.reason)
        self.state = "lost" if stop.reason == "lost" else "ended" if stop.ended else "stopped"
        return stop
