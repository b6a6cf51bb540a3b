"""Writing a file as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from typing import BinaryIO

from engine.errors import CheckpointError


class CheckpointFileError(CheckpointError, OSError):
    """The operating system refused to write or read a checkpoint."""

    def __str__(self) -> str:
        # OSError would print errno and file name instead of the sentence.
        return self.args[0]


class CheckpointNotFoundError(CheckpointError, FileNotFoundError):
    """There is no such checkpoint."""


def write_atomically(path: str | os.PathLike, data: bytes) -> None:
    """Make ``data`` the contents of ``path``.

    The bytes go to a temporary file in the same folder, are forced to the disk, and take the place of ``path``
    in one step. A process that is killed before that may leave a file ``.nablascope-….tmp`` behind.

    Raises:
        CheckpointError: also an OSError; the message names the file and the reason.
    """
    # A link stays a link: what it points to is replaced.
    target = os.path.realpath(os.fspath(path))
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            _write_in_place(target, data)
        else:
            _replace(target, data)
    except OSError as error:
        raise _refusal(os.fspath(path), error) from error


def write_to(file: BinaryIO, data: bytes) -> None:
    """Write ``data`` to an open binary file.

    Raises:
        CheckpointError: also an OSError; what was written before the failure stays in the file.
    """
    try:
        file.write(data)
    except OSError as error:
        raise CheckpointFileError(f"save: cannot write to {file!r}: {error}") from error


def _write_in_place(target: str, data: bytes) -> None:
    # A device or a pipe cannot be replaced; a folder makes open() raise the right error.
    with open(target, "wb") as file:
        file.write(data)


def _replace(target: str, data: bytes) -> None:
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".nablascope-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Force the new entry of ``folder`` to the disk, where the system can do that (not on Windows)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refusal(path: str, error: OSError) -> CheckpointFileError:
    if error.errno == errno.ENOENT:
        reason = f"the folder {os.path.dirname(os.path.abspath(path))!r} does not exist"
    else:
        reason = error.strerror or str(error)
    refusal = CheckpointFileError(f"save: cannot write {path!r}: {reason}")
    refusal.errno, refusal.strerror, refusal.filename = error.errno, reason, path
    return refusal
