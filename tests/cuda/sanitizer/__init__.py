"""A checker of kernels in place of NVIDIA's compute-sanitizer, for machines without a GPU.

It takes the place of Numba's simulator: kernels run as Python, every element that a thread reads or writes is looked at.
It finds

* races in shared memory and in the GPU's, between threads of one block and of several (``race``),
* memory that is read before anything was written there: shared, local, and of arrays from ``empty`` (``uninitialised``),
* indices outside their array, and negative ones (``bounds``), elements that are not aligned (``alignment``),
* barriers that not all threads of a block reach, or not at the same place (``divergence``),
* memory that is used after its array has gone (``freed``), or in two streams of which neither waits (``streams``),
* grids and blocks that CUDA refuses (``launch``).

What it cannot see: what the compiler makes of a kernel (types, registers, 32-bit arithmetic), and code paths that the sizes
of a test do not reach. ``tests/cuda`` runs under it wherever it runs in the simulator; ``python -m tests.cuda.sanitizer``
runs a list of launches that reach every kernel, without looking at the results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from numba.cuda.simulator.kernel import FakeCUDAKernel

from engine.device import copies, gate, streams
from engine.device.pool import Loan, Pool
from engine.kernels.cuda import launch
from tests.cuda.sanitizer.faults import FOUND, Fault, Faults
from tests.cuda.sanitizer.machine import Machine
from tests.cuda.sanitizer.memory import Memory

__all__ = ["FOUND", "Fault", "Faults", "install"]


def install(patch: pytest.MonkeyPatch) -> Memory:
    """Have every launch and copy looked at until ``patch`` is undone; arrays must not have been made before."""
    assert gate.simulated()
    memory = Memory()

    before = launch.configured

    def configured(kernel: Any, grid: Any, threads: Any) -> Callable[..., None]:
        # Tests have kernels, and drivers, of their own.
        known = isinstance(kernel, FakeCUDAKernel) and gate.simulated()
        return Machine(kernel, grid, threads, memory, _current()).run if known else before(kernel, grid, threads)

    patch.setattr(launch, "configured", configured)
    _watch_blocks(patch, memory)
    _watch_copies(patch, memory)
    _watch_streams(patch, memory)
    return memory


def _current() -> int:
    stream = streams.current.stream
    return 0 if stream is None else stream.cuda_stream


def _watch_blocks(patch: pytest.MonkeyPatch, memory: Memory) -> None:
    allocate, lend, take_back = gate.allocate, Pool.lend, Pool.take_back

    def watched_allocate(nbytes: int) -> Any:
        block = allocate(nbytes)
        block.memory.fill(255)
        memory.allocated(block.memory)
        return block

    def watched_lend(pool: Pool, nbytes: int, what: tuple, fresh: bool = False) -> Loan:
        loan = lend(pool, nbytes, what, fresh)
        region = memory.region_at(loan.block.address)
        assert region is not None, "a block from before the checker was installed"
        region.lend(nbytes)
        return loan

    def watched_take_back(pool: Pool, loan: Loan) -> None:
        region = memory.region_at(loan.block.address)
        if region is not None:
            region.extent = 0
        take_back(pool, loan)

    patch.setattr(gate, "allocate", watched_allocate)
    patch.setattr(Pool, "lend", watched_lend)
    patch.setattr(Pool, "take_back", watched_take_back)


def _watch_copies(patch: pytest.MonkeyPatch, memory: Memory) -> None:
    to_device, to_host, start, synchronize = copies.to_device, copies.to_host, copies.start_to_device, copies.synchronize

    def watched_to_device(raw: Any, host: Any) -> None:
        memory.copied(raw, _current(), True)
        to_device(raw, host)
        memory.host_waited(memory.order.stream(_current()))

    def watched_to_host(raw: Any, host: Any) -> None:
        memory.copied(raw, _current(), False)
        to_host(raw, host)
        memory.host_waited(memory.order.stream(_current()))

    def watched_start(raw: Any, host: Any) -> None:
        if gate.simulated():
            memory.started(raw, host, _current())
            raw.copy_to_device(host)
        else:
            start(raw, host)

    def watched_synchronize() -> None:
        synchronize()
        for clock in memory.order.streams.values():
            memory.host_waited(clock)

    patch.setattr(copies, "to_device", watched_to_device)
    patch.setattr(copies, "to_host", watched_to_host)
    patch.setattr(copies, "start_to_device", watched_start)
    patch.setattr(copies, "synchronize", watched_synchronize)


def _watch_streams(patch: pytest.MonkeyPatch, memory: Memory) -> None:
    event, stream, order = streams.Event, streams.Stream, memory.order
    record, wait, query, synchronize = event.record, event.wait, event.query, event.synchronize
    stream_query, stream_synchronize = stream.query, stream.synchronize

    def number(stream: streams.Stream | None) -> int:
        return _current() if stream is None else stream.cuda_stream

    def watched_record(event: streams.Event, stream: streams.Stream | None = None) -> None:
        record(event, stream)
        event._event.mark = order.recorded(number(stream))

    def watched_wait(event: streams.Event, stream: streams.Stream | None = None) -> None:
        wait(event, stream)
        order.waits(number(stream), _mark(event))

    def watched_query(event: streams.Event) -> bool:
        done = query(event)
        if done:
            memory.host_waited(_mark(event))
        return done

    def watched_synchronize(event: streams.Event) -> None:
        synchronize(event)
        memory.host_waited(_mark(event))

    def watched_stream_query(stream: streams.Stream) -> bool:
        done = stream_query(stream)
        if done:
            memory.host_waited(order.stream(stream.cuda_stream))
        return done

    def watched_stream_synchronize(stream: streams.Stream) -> None:
        stream_synchronize(stream)
        memory.host_waited(order.stream(stream.cuda_stream))

    patch.setattr(event, "record", watched_record)
    patch.setattr(event, "wait", watched_wait)
    patch.setattr(event, "query", watched_query)
    patch.setattr(event, "synchronize", watched_synchronize)
    patch.setattr(stream, "query", watched_stream_query)
    patch.setattr(stream, "synchronize", watched_stream_synchronize)


def _mark(event: streams.Event) -> dict[int, int]:
    """What is done when ``event`` is reached."""
    return {} if event._event is None else event._event.mark
