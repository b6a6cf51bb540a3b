"""Showing how far training is: a bar on a terminal, a line per epoch elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from typing import Any

_REFRESH_SECONDS = 0.2


class Progress:
    """Writes to stderr. A bar per epoch where that is a terminal, else one line when an epoch is done.

    Args:
        shown: False writes nothing at all.
        max_epochs: how many epochs there will be.
    """

    def __init__(self, shown: bool, max_epochs: int) -> None:
        self._stream = sys.stderr if shown else None
        self._last_epoch = max_epochs - 1
        self._bar: Any = None
        self._next_refresh = 0.0

    def begin_epoch(self, epoch: int, batches: int | None, done: int) -> None:
        """An epoch of ``batches`` batches (None: unknown) begins, the first ``done`` of which are done already."""
        if self._stream is None or not self._stream.isatty():
            return
        from tqdm import tqdm

        self._bar = tqdm(
            desc=self._title(epoch), total=batches, initial=done, unit="batch", file=self._stream, dynamic_ncols=True
        )

    def batch(self, loss: float) -> None:
        """A batch is done."""
        if self._bar is None:
            return
        now = time.monotonic()
        if now >= self._next_refresh:
            self._next_refresh = now + _REFRESH_SECONDS
            self._bar.set_postfix_str(f"loss={loss:.4g}", refresh=False)
        self._bar.update()

    def end_epoch(self, row: dict[str, Any]) -> None:
        """An epoch is done, with these results."""
        if self._stream is None:
            return
        numbers = {k: v for k, v in row.items() if isinstance(v, float) and k not in ("lr", "seconds")}
        if self._bar is not None:
            self._bar.set_postfix_str(", ".join(f"{name}={value:.4g}" for name, value in numbers.items()))
            self.close()
        else:
            results = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
            print(f"{self._title(row['epoch'])}: {results}  ({row['seconds']:.1f} s)", file=self._stream, flush=True)

    def message(self, text: str) -> None:
        """A line of its own that does not tear the bar."""
        if self._stream is None:
            return
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _title(self, epoch: int) -> str:
        return f"epoch {epoch}/{self._last_epoch}"
