"""Reading what may have become something else than a file meanwhile. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path


def read_ordinary(path: str | os.PathLike[str]) -> bytes:
    """What a file holds. Raises OSError, also where it is no ordinary file: reading a pipe would wait for who writes."""
    file = Path(path)
    if file.exists() and not file.is_file():
        raise OSError("it is no ordinary file")
    return file.read_bytes()
