"""The text of a file of Python, whatever its encoding. Standard library only."""

from __future__ import annotations

import os
import tokenize
from pathlib import Path


def script_text(path: str) -> str:
    """The text of a script as Python decodes it; one that Python would refuse as UTF-8. Raises OSError."""
    if os.path.exists(path) and not os.path.isfile(path):  # reading from a pipe would wait for who writes
        raise OSError("it is no ordinary file")
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError):
        return Path(path).read_text(encoding="utf-8", errors="replace")
