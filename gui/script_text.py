"""The text of a file of Python, whatever its encoding. Standard library only."""

from __future__ import annotations

import io
import tokenize

from gui.ordinary_files import read_ordinary


def python_text(path: str) -> str:
    """The text of a script as Python decodes it. Raises OSError; SyntaxError or ValueError where Python would refuse it."""
    source = read_ordinary(path)
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    return io.TextIOWrapper(io.BytesIO(source), encoding).read()


def script_text(path: str) -> str:
    """As :func:`python_text`, but one that Python would refuse as UTF-8. Raises OSError."""
    try:
        return python_text(path)
    except (SyntaxError, UnicodeDecodeError):
        return io.TextIOWrapper(io.BytesIO(read_ordinary(path)), "utf-8", errors="replace").read()
