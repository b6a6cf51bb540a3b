"""A session's file that was read: whose it is, and what has become of its script on this machine. No Qt."""

from __future__ import annotations

import io
import ntpath
import os
import platform
import re
import tokenize
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs

from gui.numbers import plural
from gui.saved_sessions.archive import Archive, SessionFileError
from gui.saved_sessions.content import SavedSession, script_hash
from gui.saved_sessions.differences import environment_words, file_words, listed, script_words
from gui.saved_sessions.signing import Signer
from gui.script_text import python_text


@dataclass
class Opened:
    """An opened file.

    Attributes:
        own: whether this user has saved it on this machine, and nobody has changed it since.
        disk: the script's text on the disk now; None where it is not there.
        changes: what else is different from when it was saved, as far as it is known before anything runs.
        manifest: what the file's other members are; a file that has other ones later is another file.
    """

    path: str
    saved: SavedSession
    own: bool
    disk: str | None
    changes: list[str] = field(default_factory=list)
    manifest: bytes = b""

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def same_script(self) -> bool:
        """Whether the script on the disk is the one that was saved."""
        return self.disk == self.saved.script

    def question(self) -> str:
        """What has to be asked before anything runs; "" where nothing has."""
        script = script_name(self.saved)
        lines = len(self.saved.script.splitlines())
        if not self.own:
            return (
                f"{self.name} was saved on another machine, or was changed since. What is shown comes from the file. "
                f"Replaying it runs its script ({script}, {lines:,} {plural(lines, 'line')}) and its edits with your "
                "rights: look at them first."
            )
        if self.disk is None:
            return (
                f"The script {self.saved.program} is not there any more; {self.name} has its text ({lines:,} lines). "
                "Replaying the session runs that."
            )
        if not self.same_script:
            return f"{self.name}: {script_words(self.saved.script, self.disk)}. With which of the two shall it be replayed?"
        return ""

    def causes(self, used: str, environment: dict[str, Any]) -> str:
        """Why a replay with the script's text ``used`` may have come out otherwise, as a sentence."""
        words = [script_words(self.saved.script, used), *environment_words(self.saved.environment, environment)]
        words += [change for change in self.changes if change not in words]
        words = [text for text in words if text]
        if words:
            return f"Since it was saved: {listed(words)}."
        return (
            "Nothing that is known has changed since it was saved: the script may depend on the clock, on random numbers of "
            "its own, or on files that it reads."
        )


def read_session(path: str, signer: Signer) -> Opened:
    """Read a file; nothing in it is run. Raises SessionFileError."""
    with Archive(path) as archive:
        saved = SavedSession.read(archive)
        own = signer.knows(archive.manifest, archive.signature)
        manifest = archive.manifest
    changes = file_words(saved.environment) + environment_words(saved.environment, _environment(saved))
    return Opened(os.path.abspath(path), saved, own, read_script(saved.program), changes, manifest)


def _environment(saved: SavedSession) -> dict[str, Any]:
    """What can be known of today's environment without an engine process."""
    versions = saved.environment.get("versions")
    found = {}
    for name in versions if isinstance(versions, dict) else ():
        if name == "python":
            found[name] = platform.python_version()
        elif re.fullmatch(r"[\w.-]+", name):
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
    return {"versions": found, "system": f"{platform.system()} {platform.machine()}"}


def read_script(path: str) -> str | None:
    """The text of a script as Python decodes it; None where there is none."""
    try:
        return python_text(path)
    except (OSError, SyntaxError, ValueError):
        return None


def script_name(saved: SavedSession) -> str:
    """The name of the script's file, whichever system's path it has."""
    name = ntpath.basename(saved.program.rstrip("/\\"))
    return re.sub(r"[^\w.-]", "_", name).lstrip(".") or "script.py"


def write_script(saved: SavedSession, folder: Path) -> str:
    """Write the saved text into a file below ``folder``, so that it can be shown and run; its path.

    Raises SessionFileError.
    """
    target = folder / "scripts" / script_hash(saved.script)[:16] / script_name(saved)
    try:
        if read_script(str(target)) != saved.script:
            target.parent.mkdir(parents=True, exist_ok=True)
            # A script may say its encoding itself.
            encoding, _ = tokenize.detect_encoding(io.BytesIO(saved.script.encode("utf-8", "replace")).readline)
            target.write_bytes(saved.script.encode(encoding))
    except (OSError, ValueError, SyntaxError) as error:
        raise SessionFileError(f"The script of the session cannot be written to {target}: {error}") from None
    return str(target)


def data_folder(settings: Any) -> Path:
    """Where the window keeps what it writes by itself: the user's folder for data, or beside settings of another place."""
    own = Path(platformdirs.user_data_dir("nablascope"))
    path = getattr(settings, "path", None)
    if path is None or Path(path).parent == Path(platformdirs.user_config_dir("nablascope")):
        return own
    return Path(path).parent
