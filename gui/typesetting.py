"""Formulas that are made in a process of their own: ``python -m gui.typesetting``.

To import matplotlib takes half a second in which the window's thread, which shares one interpreter lock with whatever thread
imports, would stand still for a tenth at a time.

The process reads lines, each a formula in LaTeX as JSON, and answers each with a number of bytes (four, big-endian) and as
many of a QDataStream: of each equation, width, ascent, descent and outline of each piece. No bytes: mathtext cannot read
the formula. It ends with its input, so also when the window's process is gone.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from PyQt6.QtCore import QByteArray, QDataStream, QIODevice
from PyQt6.QtGui import QPainterPath

from gui.formulas import Box, Formula, formula

#: The folder that the packages are in; -m looks where the process stands first.
_ROOT = Path(__file__).resolve().parents[1]


class Typesetting:
    """The window's end: :meth:`make` starts the process where there is none. For one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def make(self, latex: str) -> Formula | None:
        """The formula; None where mathtext cannot read it, or no process makes it. Waits: call it in a thread."""
        for _ in range(2):  # the process may have been ended since it was last asked
            try:
                answer = self._ask(latex)
            except (OSError, EOFError):
                self.close()
            else:
                return _unpacked(answer) if answer else None
        return None

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for end in (process.stdin, process.stdout):
                assert end is not None
                end.close()

    def _ask(self, latex: str) -> bytes:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gui.typesetting"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                cwd=_ROOT, start_new_session=os.name == "posix",  # Ctrl+C in the terminal is not for it
            )  # fmt: skip
        to, answers = self._process.stdin, self._process.stdout
        assert to is not None and answers is not None
        to.write(json.dumps(latex).encode() + b"\n")
        return _read(answers, int.from_bytes(_read(answers, 4), "big"))


def _read(stream: IO[bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = stream.read(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


# pyright does not know Qt's operators << and >> of streams, which are PyQt's functions of the classes.
def _packed(made: Formula) -> bytes:
    data = QByteArray()
    stream: Any = QDataStream(data, QIODevice.OpenModeFlag.WriteOnly)
    stream.writeInt32(len(made.equations))
    for equation in made.equations:
        stream.writeInt32(len(equation))
        for piece in equation:
            for number in (piece.width, piece.ascent, piece.descent):
                stream.writeDouble(number)
            stream << piece.path  # pyright: ignore[reportUnusedExpression]
    return data.data()


def _unpacked(data: bytes) -> Formula:
    stream: Any = QDataStream(QByteArray(data))
    return Formula(tuple(tuple(_piece(stream) for _ in range(stream.readInt32())) for _ in range(stream.readInt32())))


def _piece(stream: Any) -> Box:
    width, ascent, descent = (stream.readDouble() for _ in range(3))
    path = QPainterPath()
    stream >> path  # pyright: ignore[reportUnusedExpression]
    return Box(path, width, ascent, descent)


def main() -> None:
    """Answer until the input ends."""
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library has to say must not stand among the answers
    for line in sys.stdin.buffer:
        try:
            answer = _packed(formula(json.loads(line)))
        except ValueError:
            answer = b""
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()


if __name__ == "__main__":
    main()
