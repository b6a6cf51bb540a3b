"""Temporary folders that go with their process; those of one that was killed go when the next one is made."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves there stays
    fcntl = None

#: How their names begin: nothing else is ever removed.
_PREFIX = "nablascope-temporary-"

#: By folder of this process the handle that holds its lock: the system lets go of it when the process is gone, however that
#: ends, while the number of a process may be another's by then.
_locks: dict[Path, int | None] = {}


def make_folder() -> Path:
    """A new folder in the system's temporary one; :func:`remove_folder` removes it, at the latest at the end of the process.

    Raises OSError.
    """
    _remove_orphans()
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = _lock(path, wait=True)
        if path.is_dir():
            _locks[path] = lock
            return path
        _unlock(lock)  # before it was locked another process has taken it for an orphan


def remove_folder(path: Path) -> None:
    """Remove a folder that :func:`make_folder` has made."""
    shutil.rmtree(path, ignore_errors=True)
    _unlock(_locks.pop(path, None))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """One that is there for as long as this lasts. Raises OSError."""
    path = make_folder()
    try:
        yield path
    finally:
        remove_folder(path)


@atexit.register
def _remove_all() -> None:
    for path in list(_locks):
        remove_folder(path)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_locks.clear)  # the end of a fork is not that of the process


def _remove_orphans() -> None:
    """Remove the folders of this user's whose processes are gone."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = _lock(path, wait=False)
        if lock is not None:
            if os.fstat(lock).st_uid == os.getuid():
                shutil.rmtree(path, ignore_errors=True)
            _unlock(lock)


def _lock(path: Path, wait: bool) -> int | None:
    """A handle with which this process alone holds ``path``; None where another one does, or where folders have no locks."""
    if fcntl is None:
        return None
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            os.close(handle)
            raise
        return handle
    return None


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
