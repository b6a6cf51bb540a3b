"""Where compiled kernels are kept between runs."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from engine.temporary import make_folder

ENGINE = Path(__file__).parent


@functools.cache
def kernel_stamp() -> str:
    """Digest of every file that compiled code is made from.

    Numba notices that a kernel's own file changed, but not that a function it calls from another file did;
    a folder named after all of them together makes a stale kernel impossible.
    """
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for folder in (ENGINE / "kernels", ENGINE / "definitions"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


#: Bytes that a disk must have room for where no kernels are kept yet: those of a small network.
_ROOM = 4 << 20


@functools.cache
def cache_folder() -> Path:
    """The folder of compiled kernels: NUMBA_CACHE_DIR if set, else the user's cache folder, else a temporary one, which is
    said on stderr in the place of NUMBA_CACHE_DIR.

    Raises FileNotFoundError where none of them can be written.
    """
    set_by_user = os.environ.get("NUMBA_CACHE_DIR")
    if set_by_user:
        candidates = [Path(set_by_user)]
    else:
        import platformdirs

        candidates = [Path(platformdirs.user_cache_dir("nablascope"))]
    problem, found = "", None
    for candidate in itertools.chain(candidates, _temporary(candidates)):
        folder = candidate / f"kernels-{kernel_stamp()}"
        if not (refused := _refused(folder)):
            _forget_old(candidate, folder)
            found = folder
            break
        problem = problem or refused
    found = found or make_folder()
    if set_by_user and problem and sys.stderr is not None:
        text = f"compiled kernels cannot be kept in {set_by_user} ({problem}): they are kept in {found}"
        print(f"nablascope: {text}; set NUMBA_CACHE_DIR to a folder that you may write to", file=sys.stderr, flush=True)
    return found


def _temporary(others: list[Path]) -> Iterator[Path]:
    """The temporary folder of this user's kernels, which is looked for only where ``others`` will not do."""
    try:
        yield Path(tempfile.gettempdir()) / f"nablascope-{_user()}"
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There is no folder for compiled kernels: {others[0]} cannot be written, and no temporary one either. "
            "Set NUMBA_CACHE_DIR and TMPDIR to folders that you may write to."
        ) from None


def _forget_old(parent: Path, current: Path) -> None:
    """Remove the kernels of other versions of the engine that were last used more than 30 days ago."""
    os.utime(current)
    for folder in parent.glob("kernels-*"):
        with suppress(OSError):  # another process forgets it at the same time
            if folder != current and time.time() - folder.stat().st_mtime > 30 * 86400:
                shutil.rmtree(folder, ignore_errors=True)


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _refused(folder: Path) -> str:
    """Why kernels cannot be kept there, "" where they can; a folder that has some already is of use on a full disk too."""
    new = not folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if new:
                file.write(bytes(_ROOM))
                file.flush()
            return ""
    except OSError as error:
        return error.strerror or str(error)
