"""``torch.cuda.Stream`` and ``Event``: queues of kernels and copies on the GPU.

What is launched goes to the end of the current stream, and a stream works its queue off in order. Without further ado
that is the default stream, and nothing here needs to be known. A second stream is for what may happen at the same time:
see :func:`stream`. Streams do not wait for each other on their own, also not for the default stream (as in PyTorch):
``wait_stream`` and events say what must come first.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import threading
import time
from types import TracebackType
from typing import Any

from engine.device import CUDA, Device, gate
from engine.device.driver_errors import told
from engine.errors import DeviceError, MissingError

__all__ = ["Event", "Stream", "StreamContext", "current", "current_stream", "default_stream", "set_stream", "stream"]

#: Streams of one priority, handed out in turn and never given back, as in PyTorch.
_STREAMS = 32

#: What the driver calls a stream that does not wait for the default one, and "there is still work".
_NON_BLOCKING, _NOT_READY = 1, 600


class _Current(threading.local):
    """Each thread has a current stream of its own."""

    #: None: the default stream, which needs no word at a launch.
    stream: Stream | None = None


current = _Current()


class Stream:
    """``torch.cuda.Stream``: a queue of work on the GPU.

    Args:
        device: ``"cuda"`` or None: there is one GPU.
        priority: of a stream with a lower number waiting blocks of threads are started first; numbers that the GPU does
            not have mean the nearest one that it has.

    Attributes:
        cuda_stream: the driver's handle (``CUstream``) as a number; 0 is the default stream.
        device: ``cuda:0``.
        priority: as it was asked for.

    Raises:
        DeviceError: where there is no GPU.
    """

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        gate.require()
        if device is not None and Device(device) not in (Device("cuda"), CUDA):
            raise DeviceError(f"Stream: this engine uses one GPU, 'cuda:0'; a stream on {device!r} was asked for")
        self.priority = int(priority)
        number = next(_numbers(self.priority)) % _STREAMS
        self._hold(*_created(self.priority, number))

    def _hold(self, cuda_stream: int, handle: Any) -> None:
        self.device = CUDA
        self.cuda_stream = cuda_stream
        #: What numba.cuda takes.
        self.handle = handle

    @property
    def stream_id(self) -> int:
        """A number that no other stream has."""
        return self.cuda_stream

    @property
    def device_index(self) -> int:
        """0: the GPU that is used."""
        return 0

    def query(self) -> bool:
        """Whether everything in the queue is done; does not wait."""
        if gate.simulated():
            return True
        # Asked by a thread that has launched nothing yet, the driver would know no context.
        told(gate.driver().current_context)
        code = gate.library().cuStreamQuery(ctypes.c_void_p(self.cuda_stream))
        if code not in (0, _NOT_READY):
            raise _refused("cuStreamQuery", code)
        return code == 0

    def synchronize(self) -> None:
        """Wait until everything in the queue is done."""
        if not gate.simulated():
            told(self.handle.synchronize if self.cuda_stream else gate.driver().default_stream().synchronize)

    def wait_event(self, event: Event) -> None:
        """Let what is queued here from now on wait for ``event``; returns at once."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Let what is queued here from now on wait for what is in the queue of ``stream`` now; returns at once."""
        self.wait_event(stream.record_event())

    def record_event(self, event: Event | None = None) -> Event:
        """Put ``event``, or a new one, at the end of the queue and return it."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.cuda_stream == self.cuda_stream

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self.device))

    def __repr__(self) -> str:
        return f"<engine.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


_counters: dict[int, Any] = {}


def others() -> bool:
    """Whether there is a stream beside the default one."""
    return bool(_counters)


def _numbers(priority: int) -> Any:
    return _counters.setdefault(priority, itertools.count())


@functools.cache
def _created(priority: int, number: int) -> tuple[int, Any]:
    """Stream ``number`` of a priority: the driver's handle, and what numba.cuda takes."""
    cuda = gate.require()
    if gate.simulated():
        handle = cuda.stream()
        return id(handle), handle
    # numba.cuda's own streams wait for the default stream, and it for them: nothing would run beside anything.
    told(cuda.current_context)
    made = ctypes.c_void_p()
    code = gate.library().cuStreamCreateWithPriority(ctypes.byref(made), _NON_BLOCKING, priority)
    if code or made.value is None:
        raise _refused("cuStreamCreateWithPriority", code)
    return made.value, cuda.external_stream(made.value)


def _refused(call: str, code: int) -> DeviceError:
    return DeviceError(f"cuda: the driver refused {call} with error {code}; look at the GPU with nvidia-smi")


_default: Stream = object.__new__(Stream)
_default.priority = 0
_default._hold(0, 0)


def default_stream(device: Any = None) -> Stream:
    """The stream that everything runs in where no other one was chosen."""
    gate.require()
    return _default


def current_stream(device: Any = None) -> Stream:
    """The stream that this thread's kernels and copies are queued in."""
    gate.require()
    return current.stream or _default


def set_stream(stream: Stream | None) -> None:
    """Make ``stream`` the current one of this thread; nothing for None. Prefer ``with engine.cuda.stream(s):``."""
    if stream is not None:
        current.stream = stream if stream.cuda_stream else None


class StreamContext:
    """What :func:`stream` returns."""

    def __init__(self, stream: Stream | None) -> None:
        if stream is not None and not isinstance(stream, Stream):
            raise TypeError(f"stream(): expected an engine.cuda.Stream or None, got {type(stream).__name__}")
        self.stream = stream

    def __enter__(self) -> None:
        self._before = current_stream() if self.stream is not None else None
        set_stream(self.stream)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        set_stream(self._before)


def stream(stream: Stream | None) -> StreamContext:
    """Context manager: kernels and copies in it are queued in ``stream``; nothing changes for None.

    Its use is a copy beside the computation. The next batch comes while this one is trained on::

        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            x = batch.pin_memory().to("cuda", non_blocking=True)  # copied while kernels of the default stream run
        ...
        torch.cuda.current_stream().wait_stream(side)  # kernels from here on find the copy finished
        x.record_stream(torch.cuda.current_stream())  # its memory is not reused before they have read it
        loss = model(x).sum()
    """
    return StreamContext(stream)


class Event:
    """``torch.cuda.Event``: a mark in a stream's queue that can be waited for, and that knows when it was reached.

    Args:
        enable_timing: note the time, for :meth:`elapsed_time`.
        blocking: accepted; waiting is the driver's.
        interprocess: must be False.

    Raises:
        MissingError: for an event that other processes know.
    """

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False, external: bool = False
    ) -> None:
        gate.require()
        if interprocess or external:
            raise MissingError("Event: this engine has no interprocess=True and no external=True; leave them at False")
        self.enable_timing = bool(enable_timing)
        #: The driver's event, made when it is first recorded.
        self._event: Any = None

    def record(self, stream: Stream | None = None) -> None:
        """Put the mark at the end of the queue of ``stream`` (None: the current one); an earlier mark is forgotten."""
        if self._event is None:
            self._event = _Moment() if gate.simulated() else told(_new_event, self.enable_timing)
        told(self._event.record, (stream or current_stream()).handle)

    def wait(self, stream: Stream | None = None) -> None:
        """Let what is queued in ``stream`` (None: the current one) from now on wait for the mark; returns at once."""
        if self._event is not None:
            told(self._event.wait, (stream or current_stream()).handle)

    def query(self) -> bool:
        """Whether everything before the mark is done; True where it was never recorded."""
        return self._event is None or bool(told(self._event.query))

    def synchronize(self) -> None:
        """Wait until everything before the mark is done."""
        if self._event is not None:
            told(self._event.synchronize)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds on the GPU between this mark and that of ``end_event``.

        Raises:
            RuntimeError: where one of the two has no time, was not recorded, or has not been reached yet.
        """
        if not (self.enable_timing and end_event.enable_timing):
            raise RuntimeError("Both events must be created with argument 'enable_timing=True'.")
        if self._event is None or end_event._event is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        if not (self.query() and end_event.query()):
            raise RuntimeError("Both events must be completed before calculating elapsed time: call synchronize() first.")
        return float(told(self._event.elapsed_time, end_event._event))

    def __repr__(self) -> str:
        return f"<engine.cuda.Event {'uninitialized' if self._event is None else hex(id(self._event))}>"


def _new_event(timing: bool) -> Any:
    return gate.driver().event(timing=timing)


class _Moment:
    """An event of the simulator, where everything is done when it is launched."""

    at = 0.0

    def record(self, stream: Any) -> None:
        self.at = time.perf_counter()

    def wait(self, stream: Any) -> None:
        """There is nothing to wait for."""

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        """There is nothing to wait for."""

    def elapsed_time(self, end: _Moment) -> float:
        return (end.at - self.at) * 1e3
