"""What happens before what between streams and the CPU: vector clocks.

Every stream and the CPU have a clock: for each stream the number of its operations that are known to be done. An operation
of a stream knows what the stream knew and what the CPU knew at the launch; events and waiting hand knowledge on.
"""

from __future__ import annotations

from typing import NamedTuple

Clock = dict[int, int]


class Stamp(NamedTuple):
    """An operation: stream (0: the default one), its number there, and what it was."""

    stream: int
    number: int
    what: str


def join(clock: Clock, other: Clock) -> None:
    """``clock`` learns what ``other`` knows."""
    for stream, number in other.items():
        if clock.get(stream, 0) < number:
            clock[stream] = number


class Order:
    """The clocks of a process."""

    def __init__(self) -> None:
        self.host: Clock = {}
        self.streams: dict[int, Clock] = {}

    def stream(self, stream: int) -> Clock:
        return self.streams.setdefault(stream, {})

    def queued(self, stream: int, what: str) -> Stamp:
        """An operation goes to the end of a stream's queue."""
        clock = self.stream(stream)
        join(clock, self.host)
        clock[stream] = clock.get(stream, 0) + 1
        return Stamp(stream, clock[stream], what)

    def recorded(self, stream: int) -> Clock:
        """What is done when an event that is recorded now is reached."""
        join(self.stream(stream), self.host)
        return dict(self.stream(stream))

    def waits(self, stream: int, mark: Clock) -> None:
        """What is queued in ``stream`` from now on comes after ``mark``."""
        join(self.stream(stream), mark)

    def host_waited(self, mark: Clock) -> None:
        """The CPU knows that what ``mark`` names is done."""
        join(self.host, mark)

    def before(self, stamp: Stamp, stream: int) -> bool:
        """Whether an operation that is now the last of ``stream`` comes after that of ``stamp``."""
        return stamp.stream == stream or self.stream(stream).get(stamp.stream, 0) >= stamp.number
