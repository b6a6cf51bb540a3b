"""Lines of source: asked of the debuggee, whose files they are, which may be on another machine."""

from __future__ import annotations

import os
import tokenize

from engine.debug.session import ConnectionLost, RequestError, Session


class Sources:
    """Texts of files, each asked for once a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines: dict[str, list[str]] = {}

    def lines(self, path: str) -> list[str]:
        """The lines of a file; none where nobody has it."""
        if path not in self._lines:
            self._lines[path] = self._ask(path)
        return self._lines[path]

    def line(self, path: str | None, number: int | None) -> str:
        """Line ``number`` (from 1) of a file, or ``""``."""
        if not path or not number:
            return ""
        lines = self.lines(path)
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def forget(self) -> None:
        """Read files anew: they may have been edited."""
        self._lines.clear()

    def _ask(self, path: str) -> list[str]:
        try:
            return self._session.request("source", path=path)["content"].splitlines()
        except (RequestError, ConnectionLost, KeyError):
            try:
                with tokenize.open(path) as file:
                    return file.read().splitlines()
            except (OSError, SyntaxError, UnicodeDecodeError):
                return []

    def resolve(self, name: str, current: str | None) -> str:
        """The path that a user means by ``name``: as it stands, or beside the current file."""
        if os.path.isabs(name) or os.path.exists(name) or not current:
            return os.path.abspath(name)
        return os.path.join(os.path.dirname(current), name)
