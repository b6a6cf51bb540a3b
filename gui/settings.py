"""What the window remembers between two sessions: one JSON file in the user's configuration folder."""

from __future__ import annotations

import copy
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs

from gui.ordinary_files import read_ordinary
from gui.theme import THEMES

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

DEFAULTS: dict[str, Any] = {
    "theme": "light",
    "scale": 1.0,
    "motion": True,
    "speed": 100,  # of the slider; 100 is free running
    "recent": [],  # paths, newest first
    "layout": {},  # geometry and docks, base64 of what Qt gives
    "panels": {},  # by key, what each panel's save() gives
    "scripts": {},  # by path: breakpoints (by file), watches, and the others by kind: op, module, watch, exception
}

_RECENT = 12
_SCRIPTS = 60


class Settings(MutableMapping[str, Any]):
    """A mapping with defaults; :meth:`save` writes it as a whole or not at all.

    Args:
        path: of the file; the user's by default.

    Attributes:
        problem: what was wrong with the file when it was read, and what became of it; "" where nothing was.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else Path(platformdirs.user_config_dir("nablascope")) / "settings.json"
        self.problem = ""
        self._writable = True
        self._values: dict[str, Any] = {}
        self._read()
        #: What the file said when this window read or wrote it last: only what differs from that is this window's doing.
        self._known = copy.deepcopy(self._values)

    def _read(self) -> None:
        try:
            self._values, unfit = _parsed(read_ordinary(self.path))
            if unfit:
                self._keep_aside(unfit)
        except FileNotFoundError:
            return
        except OSError as error:
            # It may be a good file that only cannot be read now: it is left alone.
            self._writable = False
            cause = error.strerror or error
            self.problem = (
                f"The settings {self.path} cannot be read ({cause}). The defaults are used, and nothing is saved in this "
                "session. Mend the file or its folder, and open the window again."
            )
        except ValueError as error:
            aside = self.path.with_suffix(".broken.json")
            kept = ""
            with suppress(OSError):
                os.replace(self.path, aside)
                kept = f" The old file is kept as {aside}."
            self.problem = f"The settings {self.path} are broken ({error}); the defaults are used.{kept}"

    def _keep_aside(self, unfit: list[str]) -> None:
        """These are left out, and so are not saved again: the file is kept as it is."""
        aside = self.path.with_suffix(".broken.json")
        kept = ""
        with suppress(OSError):
            shutil.copyfile(self.path, aside)
            kept = f" The file is kept as {aside}."
        names = ", ".join(unfit)
        self.problem = (
            f"The settings {self.path} have values that cannot be ({names}); the defaults are used for these.{kept}"
        )

    def __getitem__(self, key: str) -> Any:
        if key not in self._values and key in DEFAULTS:
            default = DEFAULTS[key]
            self._values[key] = default.copy() if isinstance(default, (list, dict)) else default
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**DEFAULTS, **self._values})

    def __len__(self) -> int:
        return len({**DEFAULTS, **self._values})

    def add_recent(self, path: str) -> None:
        """Put a script at the head of the recent ones."""
        self["recent"] = [path, *(old for old in self["recent"] if old != path)][:_RECENT]

    def script(self, path: str) -> dict[str, Any]:
        """What is remembered of a script; changing it changes what is remembered. The oldest of many are forgotten."""
        scripts = self["scripts"]
        found = scripts.pop(path, None)
        scripts[path] = found if isinstance(found, dict) else {}
        for old in list(scripts)[:-_SCRIPTS]:
            del scripts[old]
        return scripts[path]

    def save(self) -> None:
        """Write the file. What another window has changed in it meanwhile stays, where this one has not changed it too.

        Raises OSError where it cannot be written; the old one stays then.
        """
        if not self._writable:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self.path.parent):
            values = merged(self._known, self._values, self._on_disk())
            text = json.dumps(values, indent=1)
            handle, name = tempfile.mkstemp(prefix=".settings-", dir=self.path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self.path)
            except OSError:
                with suppress(OSError):
                    os.unlink(name)
                raise
        self._values, self._known = json.loads(text), json.loads(text)

    def _on_disk(self) -> dict[str, Any]:
        try:
            return _parsed(read_ordinary(self.path))[0]
        except (OSError, ValueError):
            return self._known


def _parsed(data: bytes) -> tuple[dict[str, Any], list[str]]:
    """The values of a file, and the names of those that are left out because they are not what they can be: it was broken,
    or is of another version.

    Raises ValueError where it is no settings file at all.
    """
    try:
        values = json.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("it holds no object")
    unfit = [key for key, value in values.items() if key in DEFAULTS and not _fits(key, value, DEFAULTS[key])]
    return {key: value for key, value in values.items() if key not in unfit}, unfit


#: Numbers that make sense; a window of text a thousand times as large could not even be closed.
_RANGES = {"scale": (0.25, 4.0), "speed": (0, 100)}


def _fits(key: str, value: Any, default: Any) -> bool:
    """Whether a value is of the kind that a setting has."""
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, (int, float)):
        least, most = _RANGES[key]
        kinds = (int, float) if isinstance(default, float) else int
        return isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most
    if isinstance(default, list):
        return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    if isinstance(default, dict):
        # Of the layout: geometry and docks as text, and whether it is the wide one (None: it is the user's own).
        inside = (str, bool, type(None)) if key == "layout" else (dict,)
        return isinstance(value, dict) and all(isinstance(entry, inside) for entry in value.values())
    return value in THEMES if key == "theme" else isinstance(value, type(default))


def merged(known: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """What two windows have made of ``known``: ``theirs`` with what ``mine`` has changed, key by key also inside.

    Of lists both orders are kept, mine first; of the recent scripts, which are few, what either has added comes before what
    both had.
    """
    result = dict(theirs)
    for key, value in mine.items():
        old, other = known.get(key), theirs.get(key)
        if value in (old, other):
            continue
        if isinstance(value, dict) and isinstance(other, dict):
            result[key] = merged(old if isinstance(old, dict) else {}, value, other)
        elif isinstance(value, list) and isinstance(other, list) and other != old:
            gone = [entry for entry in old if entry not in value] if isinstance(old, list) else []
            both = [*value, *(entry for entry in other if entry not in value and entry not in gone)]
            if key == "recent" and isinstance(old, list):
                both.sort(key=lambda entry: entry in old)
            result[key] = both[:_RECENT] if key == "recent" else both
        else:
            result[key] = value
    for key in known:
        if key not in mine:
            result.pop(key, None)
    return result


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While this lasts no other window writes settings in ``folder``; where folders cannot be locked, two may."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
