"""The file of a session as a container: named members, checked hashes, written as a whole or not at all. No Qt."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

SUFFIX = ".nablascope"
FORMAT = "nablascope session"
VERSION = 1

#: Every name that a member can have, but for the manifest and its signature.
_NAMES = re.compile(
    r"session\.json|shown\.json|script\.txt|arrays/\d{1,6}\.npy|runs/\d{1,4}/(?:manifest\.json|edits\.json|"
    r"[a-z_]{1,32}|checkpoints/\d{1,20}|kept/\d{1,12})"
)
_MANIFEST, _SIGNATURE = "manifest.json", "signature"

#: Bounds of what is read: members, bytes of one that is read into memory, bytes of all.
_MOST_MEMBERS, _MOST_AT_ONCE, _MOST_BYTES = 20_000, 512 << 20, 8 << 30
_PART = 1 << 20

#: How ``zipfile`` says that a file is broken, whichever part of it.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, KeyError, OverflowError)


class SessionFileError(Exception):
    """A file that cannot be written, or is no session that can be opened; the message says which and why."""


def write(path: str | os.PathLike[str], members: Iterable[tuple[str, bytes | Path]], sign: Callable[[bytes], str]) -> None:
    """Make ``path`` a session of these members: contents, or files whose contents they get.

    The archive is made beside ``path`` and takes its place when it is complete; until then, and where anything fails,
    the old file stays. Raises SessionFileError.
    """
    target = os.path.realpath(os.fspath(path))
    temporary = os.path.join(os.path.dirname(target), f".nablascope-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            _fill(file, members, sign)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise SessionFileError(f"The session was not saved: {_reason(target, error)}") from error
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _fill(file: IO[bytes], members: Iterable[tuple[str, bytes | Path]], sign: Callable[[bytes], str]) -> None:
    hashes: dict[str, str] = {}
    # Level 1: half the time of the usual one, for a few per cent more bytes.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members:
            if not _NAMES.fullmatch(name) or name in hashes:
                raise ValueError(f"{name!r} is no member of a session, or there twice")
            digest = hashlib.sha256()
            info = zipfile.ZipInfo(name, time.localtime()[:6])
            # What consists of trained floats does not become smaller.
            info.compress_type = zipfile.ZIP_STORED if "/checkpoints/" in name else zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as member:
                for part in _parts(content):
                    digest.update(part)
                    member.write(part)
            hashes[name] = digest.hexdigest()
        manifest = json.dumps({"format": FORMAT, "version": VERSION, "members": hashes}).encode()
        archive.writestr(_MANIFEST, manifest)
        archive.writestr(_SIGNATURE, sign(manifest))


def _parts(content: bytes | Path) -> Iterable[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with open(content, "rb") as file:
        while part := file.read(_PART):
            yield part


def _reason(path: str, error: OSError) -> str:
    folder = os.path.dirname(path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of {folder} is full. What was there before is as it was; make room, or save to another place."
    if error.errno == errno.ENOENT and not os.path.isdir(folder):
        return f"the folder {folder} does not exist."
    return f"{path} cannot be written ({error.strerror or error})."


class Archive:
    """A session's file that is open for reading; what does not belong into one makes it fail.

    Raises:
        SessionFileError: it cannot be read, is no session, or one of a newer version.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(os.fspath(path))
        try:
            self._zip = zipfile.ZipFile(self.path)
        except OSError as error:
            raise SessionFileError(f"{self.path} cannot be read: {error.strerror or error}") from None
        except _BROKEN as error:
            raise self._error(f"it is no session of Nablascope, or was cut off ({error})") from None
        try:
            self._check()
        except BaseException:
            self._zip.close()
            raise

    def _check(self) -> None:
        infos = self._zip.infolist()
        names = [info.filename for info in infos]
        if _MANIFEST not in names:
            raise self._error("it is a ZIP archive, but no session of Nablascope")
        if len(names) > _MOST_MEMBERS or sum(info.file_size for info in infos) > _MOST_BYTES:
            raise self._error("it is larger than any session that this version writes")
        self.manifest = self._read(_MANIFEST)
        about = self._parse(_MANIFEST, self.manifest)
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise self._error("it is a ZIP archive, but no session of Nablascope")
        version = about.get("version")
        if type(version) is not int or version < 1:
            raise self._error(f"its version is {version!r}, which is none")
        if version > VERSION:
            raise self._error(
                f"it was saved by a newer Nablascope (version {version} of the format; this one reads version {VERSION}). "
                "Update Nablascope to open it"
            )
        hashes = about.get("members")
        if not isinstance(hashes, dict) or sorted(names) != sorted([*hashes, _MANIFEST, *self._signed(names)]):
            raise self._error("its members are not those that its manifest lists")
        for name in hashes:
            if not _NAMES.fullmatch(name):
                raise self._error(f"it holds {name[:80]!r}, which has no place in a session")
        self._hashes: dict[str, Any] = hashes
        self.signature = self._read(_SIGNATURE).decode("ascii", "replace") if _SIGNATURE in names else ""

    @staticmethod
    def _signed(names: list[str]) -> list[str]:
        return [_SIGNATURE] if _SIGNATURE in names else []

    # ---- reading ----

    def names(self, prefix: str = "") -> list[str]:
        """The members whose names begin so."""
        return [name for name in self._hashes if name.startswith(prefix)]

    def read(self, name: str) -> bytes:
        """The contents of a member. Raises SessionFileError where it is missing or is not what was written."""
        if name not in self._hashes:
            raise self._error(f"{name} is missing in it")
        data = self._read(name)
        if hashlib.sha256(data).hexdigest() != self._hashes[name]:
            raise self._error(f"{name} in it is damaged")
        return data

    def read_json(self, name: str) -> Any:
        """A member of JSON."""
        return self._parse(name, self.read(name))

    def extract(self, prefix: str, folder: Path) -> None:
        """Write the members below ``prefix`` into ``folder``. Raises SessionFileError, also where the disk is full."""
        try:
            for name in self.names(prefix):
                target = folder / name.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256()
                with self._zip.open(name) as member, open(target, "wb") as file:
                    while part := member.read(_PART):
                        digest.update(part)
                        file.write(part)
                if digest.hexdigest() != self._hashes[name]:
                    raise self._error(f"{name} in it is damaged")
        except OSError as error:
            raise self._error(f"it cannot be unpacked to {folder}: {error.strerror or error}") from None
        except _BROKEN as error:
            raise self._error(f"it is damaged ({error})") from None

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, name: str) -> bytes:
        try:
            info = self._zip.getinfo(name)
            if info.file_size > _MOST_AT_ONCE:
                raise self._error(f"{name} in it has {info.file_size:,} bytes, more than any session has")
            with self._zip.open(info) as member:
                return member.read(info.file_size + 1)
        except OSError as error:
            raise self._error(f"it cannot be read ({error.strerror or error})") from None
        except _BROKEN as error:
            raise self._error(f"it is damaged, or was cut off ({error})") from None

    def _parse(self, name: str, data: bytes) -> Any:
        try:
            return json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise self._error(f"{name} in it is no JSON ({str(error)[:120]})") from None

    def _error(self, text: str) -> SessionFileError:
        return SessionFileError(f"{self.path} cannot be opened: {text}.")
