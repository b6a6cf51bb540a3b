"""A recording: the folder in which the tape of a run lies, with its checkpoints.

Files: ``manifest.json`` (what it is of), ``ends`` (how much of the others is valid), ``codes``, ``losses``,
``loss_steps``, ``read_ticks``, ``measures`` (little-endian numbers), ``kinds``, ``reads``, ``files`` and ``sites``
(JSON, one a line),
``checkpoints/``, and in ``kept/`` what the run wrote to files with ``engine.save``. Whoever reads while the run goes on
sees the tape as it was at the last flush.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
import zlib
from array import array
from pathlib import Path
from typing import Any

from engine.debug.replay.tape import Tape

VERSION = 2

#: Bytes of ``ends``, which is written in one go: a checksum, and JSON with spaces behind it; and how many times it is
#: looked at, where the other process is just writing it.
_ENDS, _LOOKS = 1024, 100

_NUMBERS = {"codes": "I", "losses": "d", "loss_steps": "Q", "read_ticks": "Q", "measures": "d"}
_LINES = ("kinds", "reads", "files", "sites")

#: What has no parts in JSON.
_PLAIN = frozenset((type(None), bool, int, float, str))

#: Bytes of written files that a recording keeps.
MOST_FILE_BYTES = 512 << 20


def replace(path: Path, *parts: bytes | memoryview) -> None:
    """Make ``parts`` the contents of ``path``, as a whole: who reads meanwhile sees the old contents.

    Nothing is forced to the disk: a recording outlives its process, and need not outlive a power cut.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(new, "wb") as file:
            for part in parts:
                file.write(part)
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def copy_file(source: Path, target: Path) -> None:
    """Make ``target`` have the contents of ``source``, unless it exists.

    Files that are only ever replaced may have two names; where the file system allows it, nothing is copied.
    """
    with contextlib.suppress(FileExistsError, FileNotFoundError):
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            shutil.copyfile(source, target)


class RecordingError(Exception):
    """A folder that is not a recording, or one of another version; the message says which."""


class Recording:
    """A folder with a tape.

    Args:
        folder: where it lies, or is to lie; it is made where it does not exist.
        about: what a reader wants to know of the run (program, arguments, the script's text), as JSON.
    """

    def __init__(self, folder: str | os.PathLike, about: dict[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self.checkpoints = self.folder / "checkpoints"
        self.kept = self.folder / "kept"
        self._kept_bytes = 0
        self.about = about or {}
        self._written: dict[str, tuple[int, int]] = {}
        self._made = False
        #: ``about`` as the manifest has it.
        self._told: dict[str, Any] | None = None

    # ---- writing ----

    def make(self) -> None:
        """Make the folders, where that has not been done."""
        if not self._made:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self._made = True

    def flush(self, tape: Tape) -> None:
        """Write what is new on ``tape``. What lies in the folder of another run is replaced the first time."""
        self.make()
        ends: dict[str, tuple[int, int]] = {}
        for name in (*_NUMBERS, *_LINES):
            ends[name] = self._append(name, getattr(tape, name))
        self._written = ends
        # In its place: to replace a file has file systems write to the disk at once, which takes as long as all the rest.
        text = json.dumps(ends).encode().ljust(_ENDS - 8)
        self._put("ends", 0, b"%08x" % zlib.crc32(text) + text)
        if self._told != self.about:
            replace(self.folder / "manifest.json", json.dumps({"version": VERSION, "about": self.about}).encode())
            self._told = dict(self.about)

    def rewrite(self) -> None:
        """Have the next flush write everything: the tape was cut."""
        self._written = {}

    def adopt(self, other: Recording) -> None:
        """Take over the checkpoints of ``other``; this recording's own next flush writes everything."""
        self.rewrite()
        self.about = {**other.about, **self.about}
        for theirs, own in ((other.checkpoints, self.checkpoints), (other.kept, self.kept)):
            own.mkdir(parents=True, exist_ok=True)
            for path in theirs.glob("[0-9]*"):
                copy_file(path, own / path.name)

    def keep(self, path: str) -> str:
        """Keep the contents that ``path`` has now; the name of the copy, "" where there is no room for it."""
        try:
            size = os.path.getsize(path)
            if self._kept_bytes + size > MOST_FILE_BYTES:
                return ""
            self.kept.mkdir(parents=True, exist_ok=True)
            name = f"{len(os.listdir(self.kept)):06d}"
            copy_file(Path(path), self.kept / name)
        except OSError:
            return ""
        self._kept_bytes += size
        return name

    def _append(self, name: str, values: Any) -> tuple[int, int]:
        count, size = self._written.get(name, (0, 0))
        if count == len(values) and name in self._written:
            return count, size
        data = _bytes_of(name, values[count:])
        self._put(name, size, data)
        return len(values), size + len(data)

    def _put(self, name: str, at: int, data: bytes) -> None:
        """Make ``data`` the end of a file, from place ``at`` on."""
        file = os.open(os.path.join(self.folder, name), os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            os.lseek(file, at, os.SEEK_SET)
            left = memoryview(data)
            while left:
                left = left[os.write(file, left) :]
            if os.lseek(file, 0, os.SEEK_END) != at + len(data):
                os.ftruncate(file, at + len(data))
        finally:
            os.close(file)

    # ---- reading ----

    def load(self) -> Tape:
        """The tape as of the last flush; further flushes of it go on from there.

        Raises:
            RecordingError: the folder holds no recording that this version can read.
        """
        manifest = self._manifest()
        self.about = manifest["about"]
        ends = {name: (count, size) for name, (count, size) in self._ends(manifest).items()}
        tape = Tape()
        for name, kind in _NUMBERS.items():
            numbers = array(kind)
            numbers.frombytes(self._bytes(name, ends[name][1]))
            if sys.byteorder == "big":
                numbers.byteswap()
            setattr(tape, name, numbers)
        tape.reads = [json.loads(line) for line in self._bytes("reads", ends["reads"][1]).splitlines()]
        tape.files = [tuple(json.loads(line)) for line in self._bytes("files", ends["files"][1]).splitlines()]
        tape.sites = [json.loads(line) for line in self._bytes("sites", ends["sites"][1]).splitlines()]
        for line in self._bytes("kinds", ends["kinds"][1]).splitlines():
            name, outputs, returns_tuple = json.loads(line)
            described = tuple([(tuple(shape), dtype, tuple(strides)) for shape, dtype, strides in outputs])
            tape.kinds.append((name, described, returns_tuple))
        self._written = ends
        self._told = dict(self.about) if manifest["version"] == VERSION else None
        return tape

    def described(self) -> dict[str, Any]:
        """``about`` as of the last flush. Raises RecordingError as :meth:`load` does."""
        return self._manifest()["about"]

    def _manifest(self) -> dict[str, Any]:
        try:
            manifest = json.loads((self.folder / "manifest.json").read_text())
        except FileNotFoundError:
            raise RecordingError(f"{self.folder}: there is no recording here") from None
        if manifest.get("version") not in (1, VERSION):
            raise RecordingError(
                f"{self.folder}: a recording of version {manifest.get('version')}; this engine reads version {VERSION}"
            )
        return manifest

    def _ends(self, manifest: dict[str, Any]) -> dict[str, list[int]]:
        """How many values of each file are valid, and how many bytes."""
        if manifest["version"] == 1:
            return manifest["ends"]
        for _ in range(_LOOKS):
            data = self._bytes("ends", _ENDS)
            if data[:8] == b"%08x" % zlib.crc32(data[8:]):
                return json.loads(data[8:])
            time.sleep(0.001)  # it is being written just now
        raise RecordingError(f"{self.folder}: ends is broken")

    def _bytes(self, name: str, size: int) -> bytes:
        try:
            with open(self.folder / name, "rb") as file:
                data = file.read(size)
        except FileNotFoundError:
            raise RecordingError(f"{self.folder}: {name} is missing in the recording") from None
        if len(data) != size:
            raise RecordingError(f"{self.folder}: {name} has {len(data)} bytes but should have {size}")
        return data


def _bytes_of(name: str, values: Any) -> bytes:
    if name not in _NUMBERS:
        return _lines(values).encode()
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def _lines(values: list[Any]) -> str:
    """A line of JSON for each of ``values``."""
    if values and _PLAIN.issuperset(map(type, values)):
        # Nearly always, and of hundreds of values: all at once, for to call an encoder takes longer than it does.
        return json.dumps(values, separators=("\n", ": "))[1:-1] + "\n"
    return "".join([json.dumps(value) + "\n" for value in values])
