"""Files that are written as a whole or not at all, and why one could not be."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: What the user can do about it, where the system's own words do not say.
_ADVICE = {
    errno.ENOSPC: "make room there, or choose another folder",
    errno.EDQUOT: "your quota there is used up; choose another folder",
    errno.EFBIG: "files may not become that large there; choose another folder or a smaller picture",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
    errno.ENOENT: "the folder is not there any more; choose another one",
    errno.ENOTDIR: "choose a folder",
    errno.EISDIR: "choose another name",
}


class NotWritten(OSError):
    """A file that could not be written; the message names it and says why, and what was there before is still there."""


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A place to write to that becomes ``path`` when all went well; otherwise nothing of it stays.

    Raises:
        NotWritten: it cannot be written, or what was done with it raised OSError.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            # Made anew, with the rights that new files get there; an old file's are kept.
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666))
            yield part
            if target.exists():
                os.chmod(part, target.stat().st_mode & 0o7777)
            _to_disk(part)
            os.replace(part, target)
        except OSError as error:
            raise NotWritten(explained(error, path)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file as a whole. Raises NotWritten; the old file stays then."""
    with whole_file(path) as part:
        part.write_bytes(data)


def explained(error: OSError, path: str | os.PathLike[str]) -> str:
    """Which file could not be written, why, and what to do."""
    if isinstance(error, NotWritten):
        return str(error)
    cause = error.strerror or str(error) or type(error).__name__
    advice = _ADVICE.get(error.errno or 0, "choose another folder")
    return f"{os.fspath(path)} was not written: {cause[:1].lower()}{cause[1:]}; {advice}."


def _to_disk(path: Path) -> None:
    """Some disks say only now that they are full."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
