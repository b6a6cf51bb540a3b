"""Copies between the host and the GPU, and waiting for the GPU. They take their turn in the current stream."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.device import gate, streams
from engine.device.driver_errors import told
from engine.device.streams import current


def to_device(raw: Any, host: np.ndarray) -> None:
    """Copy the C-contiguous ``host`` to the C-contiguous ``raw`` of the same shape and dtype, in order with kernels.

    The call returns when ``host`` may be changed again, and when kernels of any stream find what it brought.
    """
    _in_stream(raw.copy_to_device, host)
    if current.stream is None and streams.others():
        # The driver returns when it has read ``host``: what it brings is there for this stream, not yet for the others.
        streams.default_stream().synchronize()


def to_host(raw: Any, host: np.ndarray) -> None:
    """Wait for the kernels that have been launched in the current stream, then copy the C-contiguous ``raw`` to ``host``."""
    _in_stream(raw.copy_to_host, host)


def _in_stream(copy: Callable[..., object], host: np.ndarray) -> None:
    """``copy(host)`` in the current stream, to its end."""
    stream = current.stream
    if stream is None:
        told(copy, host)
    else:
        told(copy, host, stream=stream.handle)
        stream.synchronize()


def pinned_array(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A C-contiguous array in page-locked host memory, with arbitrary contents."""
    return told(gate.require().pinned_array, shape, dtype)


#: Copies that may be under way: what says that one has ended, and the memory that must stay until then. Several threads
#: start copies (a DataLoader's, the script's).
_under_way: deque[tuple[Any, np.ndarray]] = deque()
_lock = threading.Lock()


def start_to_device(raw: Any, host: np.ndarray) -> None:
    """:func:`to_device` that returns at once; the pinned ``host`` must not be changed before the copy has ended.

    The copy is one of the current stream: kernels that are launched later in that stream find what it brought.
    """
    if gate.simulated():
        # Its streams have nothing to wait for.
        to_device(raw, host)
    else:
        told(_start, gate.require(), raw, host)


def _start(cuda: Any, raw: Any, host: np.ndarray) -> None:
    _let_go()
    stream = cuda.default_stream() if current.stream is None else current.stream.handle
    raw.copy_to_device(host, stream=stream)
    ended = cuda.event(timing=False)
    ended.record(stream)
    _under_way.append((ended, host))


def _let_go() -> None:
    """Forget the copies that have ended, first come first; those of several streams may end in another order."""
    with _lock:
        while _under_way and _under_way[0][0].query():
            _under_way.popleft()


def synchronize() -> None:
    """Wait until every kernel that was launched, in any stream, has ended."""
    told(gate.require().synchronize)
    if _under_way:
        # Not all of them: another thread may have started one just now.
        told(_let_go)
