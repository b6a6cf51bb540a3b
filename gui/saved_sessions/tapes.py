"""The tapes of runs in a session's file: which of a recording's files go along. No Qt.

A checkpoint saves the replay from computing what lies before it, and nothing depends on it but time; those go along
that lie before the position, newest first, as far as there is room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

#: Bytes of checkpoints of one run.
MOST_CHECKPOINT_BYTES = 16 << 20


def members_of(recording: Path, number: int, position: Sequence[int] | None, room: int = MOST_CHECKPOINT_BYTES) -> Iterator[
    tuple[str, Path]
]:  # fmt: skip
    """(name in the archive, file) for the run ``number``, whose tape lies in ``recording``.

    Args:
        position: where the replay will go.
        room: bytes that its checkpoints may take; the newest before the position is taken in any case.
    """
    for path in sorted(recording.iterdir()):
        # The tape's own files; a name that begins with a dot is on its way to another.
        if path.is_file() and not path.name.startswith("."):
            yield f"runs/{number}/{path.name}", path
    for path in _numbered(recording / "kept"):
        yield f"runs/{number}/kept/{path.name}", path
    last = position[0] if position else 0
    before = [path for path in _numbered(recording / "checkpoints") if int(path.name) <= last]
    taken = 0
    for path in reversed(before):
        taken += path.stat().st_size
        if taken > room and path is not before[-1]:
            break
        yield f"runs/{number}/checkpoints/{path.name}", path


def _numbered(folder: Path) -> list[Path]:
    """The files whose names are numbers, ascending."""
    found = [path for path in folder.glob("[0-9]*") if path.name.isdecimal()] if folder.is_dir() else []
    return sorted(found, key=lambda path: int(path.name))
