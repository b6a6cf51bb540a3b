"""``SavedSession``: everything that a session's file holds, as values. No Qt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.debug.protocol import Array
from gui.saved_sessions.archive import Archive, SessionFileError
from gui.saved_sessions.arrays import pack, read_array, unpack
from gui.saved_sessions.tapes import MOST_CHECKPOINT_BYTES, members_of

Position = tuple[int, ...]


@dataclass
class KeptRun:
    """One run, as :class:`engine.debug.session.SavedRun` describes it, and what it was like.

    Attributes:
        step: optimizer steps done where it stood.
        digest: of parameters and random streams there; None where only the cursor stood there, in the past.
        loss: the newest one, as far as the tape goes.
        curves: ``{"steps", "losses"}``, arrays.
    """

    number: int
    name: str
    parameters: list[str] = field(default_factory=list)
    position: Position | None = None
    parent: int | None = None
    forked_at: Position | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = None
    final: bool = False
    state: str = "stopped"
    step: int = 0
    digest: str | None = None
    loss: float | None = None
    curves: dict[str, Any] = field(default_factory=dict)


@dataclass
class View:
    """What the user has set, and what was on the screen.

    Attributes:
        breakpoints: {"lines": {path: entries}, "op": entries, "module": ..., "watch": ..., "exception": ...}.
        selection: the fields of :class:`gui.state.Selection`; its event by its position, as ``at``.
        panels: by key, what each panel's ``save()`` gave.
        stop, graph, findings, statistics: as in :class:`gui.state.State`. events: the answer to that request.
        answers: the newest answer that each panel had: {"panel", "slot", "command", "arguments", "body"}.
    """

    level: str = "op"
    breakpoints: dict[str, Any] = field(default_factory=dict)
    watches: list[str] = field(default_factory=list)
    selection: dict[str, Any] = field(default_factory=dict)
    panels: dict[str, Any] = field(default_factory=dict)
    stop: dict[str, Any] = field(default_factory=dict)
    graph: dict[str, Any] | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)
    statistics: dict[str, Any] = field(default_factory=dict)
    events: dict[str, Any] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)


#: Fields of a view that are shown at once and may hold arrays; the others are the user's.
_SHOWN = ("stop", "graph", "findings", "statistics", "events", "answers")


@dataclass
class SavedSession:
    """See the package.

    Attributes:
        cwd: the folder that the script ran in.
        recordings: of each run, where its tape lies now. room: bytes that the checkpoints of each may take.
    """

    program: str
    script: str
    cwd: str
    arguments: list[str] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    as_torch: bool = False
    saved: str = ""
    current: int = 1
    environment: dict[str, Any] = field(default_factory=dict)
    runs: list[KeptRun] = field(default_factory=list)
    view: View = field(default_factory=View)
    recordings: dict[int, Path] = field(default_factory=dict)
    room: int = MOST_CHECKPOINT_BYTES

    @property
    def run(self) -> KeptRun:
        """The current run."""
        return next(run for run in self.runs if run.number == self.current)

    @property
    def steps(self) -> int:
        """Optimizer steps that a replay of all runs takes."""
        return sum(run.step for run in self.runs)

    # ---- writing ----

    def members(self) -> Iterator[tuple[str, bytes | Path]]:
        """The members of the archive."""
        arrays: list[bytes] = []
        about = {name: getattr(self, name) for name in _ABOUT}
        about["script_hash"] = script_hash(self.script)
        about["runs"] = [pack(_values(run), arrays) for run in self.runs]
        view = _values(self.view)
        about["view"] = pack({name: value for name, value in view.items() if name not in _SHOWN}, arrays)
        shown = pack({name: view[name] for name in _SHOWN}, arrays)
        yield "session.json", json.dumps(about, indent=1).encode()
        yield "script.txt", self.script.encode("utf-8", "surrogatepass")
        yield "shown.json", json.dumps(shown).encode()
        for number, array in enumerate(arrays):
            yield f"arrays/{number}.npy", array
        for run in self.runs:
            if run.number in self.recordings:
                yield from members_of(self.recordings[run.number], run.number, run.position, self.room)

    # ---- reading ----

    @classmethod
    def read(cls, archive: Archive) -> SavedSession:
        """The session in an open archive; its tapes stay there. Raises SessionFileError."""
        try:
            arrays = _arrays(archive)
            about = unpack(archive.read_json("session.json"), arrays)
            shown = unpack(archive.read_json("shown.json"), arrays)
            script = archive.read("script.txt").decode("utf-8", "surrogatepass")
            return cls._of(about, shown, script)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SessionFileError(f"{archive.path} cannot be opened: {_words(error)}.") from None

    @classmethod
    def _of(cls, about: dict[str, Any], shown: dict[str, Any], script: str) -> SavedSession:
        if about["script_hash"] != script_hash(script):
            raise ValueError("the script in it is not the one that its hash is of")
        session = cls(script=script, **{name: _typed(cls, name, about[name]) for name in _ABOUT})
        session.runs = [_run(entry) for entry in about["runs"]]
        numbers = [run.number for run in session.runs]
        if session.current not in numbers or len(set(numbers)) != len(numbers):
            raise ValueError("its runs are not numbered as they must be")
        view = {**about["view"], **shown}
        session.view = View(**{f.name: _typed(View, f.name, view[f.name]) for f in fields(View)})
        return session


#: Fields of a session that are written as they are.
_ABOUT = ("program", "cwd", "arguments", "parameters", "as_torch", "saved", "current", "environment")


def script_hash(text: str) -> str:
    """SHA-256 of a script's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _values(value: Any) -> dict[str, Any]:
    """The fields of a dataclass; ``asdict`` would copy what is in them, which arrays of the protocol do not allow."""
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _arrays(archive: Archive) -> list[Array]:
    count = len(archive.names("arrays/"))
    return [read_array(archive.read(f"arrays/{number}.npy")) for number in range(count)]


def _run(entry: dict[str, Any]) -> KeptRun:
    run = KeptRun(**{f.name: _typed(KeptRun, f.name, entry[f.name]) for f in fields(KeptRun)})
    run.position, run.forked_at = _position(run.position), _position(run.forked_at)
    if not 1 <= run.number < 10_000:
        raise ValueError(f"a run has the number {run.number}")
    return run


def _position(value: Any) -> Position | None:
    if value is None:
        return None
    if len(value) != 3 or not all(type(n) is int and 0 <= n < 1 << 48 for n in value):
        raise ValueError(f"{str(value)[:80]} is no position in a run")
    return tuple(value)


#: What JSON has where a field is declared so.
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "bool": (bool,), "list": (list,), "dict": (dict,), "float": (float, int),
    "Position": (list,), "None": (type(None),),
}  # fmt: skip


def _typed(kind: type, name: str, value: Any) -> Any:
    """``value`` of the field ``name``; raises ValueError where it is of another type than the field."""
    declared = str(next(f.type for f in fields(kind) if f.name == name))
    allowed: list[type] = []
    for part in declared.split(" | "):
        allowed += _TYPES[part.partition("[")[0]]
    # JSON's true is an int to isinstance().
    if type(value) not in allowed:
        raise ValueError(f"{name} in it is {str(value)[:80]!r}, which it cannot be")
    inner = declared.partition("[")[2].partition("]")[0]
    if declared.startswith("list[") and inner.startswith(("str", "dict")):
        wanted = str if inner.startswith("str") else dict
        if not all(type(item) is wanted for item in value):
            raise ValueError(f"{name} in it holds something that is no {wanted.__name__}")
    return value


def _words(error: Exception) -> str:
    return f"{error} is missing in it" if isinstance(error, KeyError) else str(error)
