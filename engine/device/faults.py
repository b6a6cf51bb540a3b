"""What kernels on the GPU find wrong with indices, told when the CPU next waits for the GPU.

A check whose answer the CPU waits for would empty the GPU's queue at every step. So a kernel that checks notes the first
fault in an array on the GPU, the kernels behind it read nothing outside their arrays whatever the indices are, and the
error is raised by the next call that waits: reading a value (``item()``, ``cpu()``) or ``torch.cuda.synchronize()``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from engine.device import copies, cuda_array
from engine.device.cuda_array import CudaArray, kept_from_host
from engine.device.streams import Stream, current

#: The error for the position of a fault and the index that is there.
Complain = Callable[[int, int], Exception]

#: Checks that may be unread; then they are read without being asked.
_MOST_UNREAD = 256

_numbers = itertools.count(1)
_unread: dict[int, Complain] = {}
#: The streams of the checks that are unread.
_streams: set[Stream | None] = set()
_found: CudaArray | None = None


def expect(complain: Complain) -> tuple[CudaArray, int]:
    """What a checking kernel is given: ``found`` (3) int64 and a number.

    Where ``found[0]`` is 0 the kernel writes the number, the position of the first fault and the index that is there.
    """
    global _found
    if _found is None:
        _found = kept_from_host(np.zeros(3, np.int64))
    if len(_unread) >= _MOST_UNREAD:
        look()
    number = next(_numbers)
    _unread[number] = complain
    _streams.add(current.stream)
    cuda_array.on_wait = look
    return _found, number


def look() -> None:
    """Raise the error of the first fault that a check in the current stream has found, if one has.

    Raises:
        Exception: what the check's ``complain`` makes.
    """
    if current.stream not in _streams or _found is None:
        return
    noted = np.empty(3, np.int64)
    copies.to_host(_found.raw, noted)
    number, position, index = noted.tolist()
    complain = _unread.get(number)
    if number:
        _found.put(np.zeros(3, np.int64))
    _streams.discard(current.stream)
    if not _streams:
        _unread.clear()
        cuda_array.on_wait = None
    if complain is not None:
        raise complain(position, index)
