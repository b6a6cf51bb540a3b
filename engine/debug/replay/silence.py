"""What a replay prints again on its way is not shown again."""

from __future__ import annotations

import sys
from typing import Any


class Gate:
    """A text stream that hands on what is written to it only while it is ``open``; otherwise it is that stream.

    It stays in place for good: whoever has kept it (a progress bar, a log handler) is heard again as soon as it opens.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.open = False

    def write(self, text: str) -> int:
        return self._stream.write(text) if self.open else len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def close_gates() -> tuple[Gate, Gate]:
    """Put closed gates before ``sys.stdout`` and ``sys.stderr``; open them where the run is to be heard again."""
    gates = Gate(sys.stdout), Gate(sys.stderr)
    sys.stdout, sys.stderr = gates  # type: ignore[assignment]
    return gates
