"""What kernels on the GPU find wrong with indices, told when the CPU next waits for the GPU.

A check whose answer the CPU waits for would empty the GPU's queue at every step. So a kernel that checks notes the first
fault in an array on the GPU, the kernels behind it read nothing outside their arrays whatever the indices are, and the
error is raised by the next call that waits: reading a value (``item()``, ``cpu()``) or ``torch.cuda.synchronize()``.

Each stream notes its own faults: kernels of two streams may run at the same moment, and who waits for one of them does not
wait for the other. Threads that share a stream share its faults; who waits first is told.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np

from engine.device import copies, cuda_array
from engine.device.cuda_array import CudaArray, kept_from_host
from engine.device.streams import Stream, current

#: The error for the position of a fault and the index that is there.
Complain = Callable[[int, int], Exception]

#: Checks of one stream that may be unread; then they are read without being asked.
_MOST_UNREAD = 256

_numbers = itertools.count(1)
_lock = threading.Lock()


class _Checks:
    """The checks of one stream that nobody has read, by number, and the array that they note a fault in."""

    def __init__(self) -> None:
        self.found: CudaArray = kept_from_host(np.zeros(3, np.int64))
        self.unread: dict[int, Complain] = {}

    def read(self) -> Exception | None:
        """The error of the first fault, if there is one; waits for the current stream."""
        with _lock:
            asked, self.unread = self.unread, {}
        if not asked:
            return None
        noted = np.empty(3, np.int64)
        copies.to_host(self.found.raw, noted)
        number, position, index = noted.tolist()
        if not number:
            return None
        self.found.put(np.zeros(3, np.int64))
        # Of a check that another thread has begun since then the kernel may have run already.
        complain = asked.get(number) or self.unread.pop(number, None)
        return None if complain is None else complain(position, index)


_checks: dict[Stream | None, _Checks] = {}


def expect(complain: Complain) -> tuple[CudaArray, int]:
    """What a checking kernel is given: ``found`` (3) int64 and a number.

    Where ``found[0]`` is 0 the kernel writes the number, the position of the first fault and the index that is there.
    """
    checks = _checks.get(current.stream)
    if checks is None:
        # Of two threads that come here at once one has made an array that nobody needs.
        checks = _checks.setdefault(current.stream, _Checks())
        cuda_array.on_wait = look
    if len(checks.unread) >= _MOST_UNREAD:
        look()
    number = next(_numbers)
    with _lock:
        checks.unread[number] = complain
    return checks.found, number


def look(everywhere: bool = False) -> None:
    """Raise the error of the first fault that a check in the current stream has found, if one has.

    Args:
        everywhere: of any stream, when the CPU has waited for all of them.

    Raises:
        Exception: what the check's ``complain`` makes. What other streams have found follows in its text.
    """
    here = _checks.get(current.stream)
    asked = list(_checks.values()) if everywhere else [here] if here is not None else []
    errors = [error for checks in asked if checks.unread and (error := checks.read()) is not None]
    if errors:
        first, *others = errors
        if others:
            first.args = ("\n".join([str(first), *[f"in another stream: {other}" for other in others]]),)
        raise first
