"""What the window remembers between two sessions: one JSON file in the user's configuration folder."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

DEFAULTS: dict[str, Any] = {
    "theme": "light",
    "scale": 1.0,
    "motion": True,
    "speed": 100,  # of the slider; 100 is free running
    "recent": [],  # paths, newest first
    "layout": {},  # geometry and docks, base64 of what Qt gives
    "panels": {},  # by key, what each panel's save() gives
    "scripts": {},  # by path: breakpoints, ops, modules, watchpoints, level
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
        self._values: dict[str, Any] = {}
        self._read()

    def _read(self) -> None:
        try:
            values = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(values, dict):
                raise ValueError("it holds no object")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            aside = self.path.with_suffix(".broken.json")
            kept = ""
            with suppress(OSError):
                os.replace(self.path, aside)
                kept = f" The old file is kept as {aside}."
            self.problem = f"The settings {self.path} cannot be read ({error}); the defaults are used.{kept}"
            return
        # A value of another type than the default's comes from a broken file or another version.
        self._values = {
            key: value for key, value in values.items()
            if key not in DEFAULTS or isinstance(value, _kinds(DEFAULTS[key]))
        }  # fmt: skip

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
        """Write the file. Raises OSError where it cannot be written; the old one stays then."""
        text = json.dumps(self._values, indent=1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
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


def _kinds(default: Any) -> type | tuple[type, ...]:
    return (int, float) if isinstance(default, float) else type(default)
