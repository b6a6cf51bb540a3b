"""Streams and events: what is launched where, and which memory may be used again when."""

import ctypes
import gc

import pytest

import engine
from engine.device import copies, gate, streams
from engine.device.cuda_array import from_host
from engine.device.pool import pool
from engine.errors import DeviceError, MissingError
from engine.kernels.cuda import launch

cuda = engine.cuda


def test_the_default_stream_is_current_until_another_is_chosen():
    default, side = cuda.default_stream(), cuda.Stream()
    assert default.cuda_stream == 0 and cuda.current_stream() is default and streams.current.stream is None
    with cuda.stream(side):
        assert cuda.current_stream() == side != default
        with cuda.stream(None):
            assert cuda.current_stream() == side
        with cuda.stream(default):
            assert cuda.current_stream() is default and streams.current.stream is None
        assert cuda.current_stream() == side
        with pytest.raises(ZeroDivisionError), cuda.stream(cuda.Stream()):
            raise ZeroDivisionError
        assert cuda.current_stream() == side
    assert cuda.current_stream() is default
    cuda.set_stream(side)
    cuda.set_stream(None)
    assert cuda.current_stream() == side
    cuda.set_stream(default)
    assert "cuda_stream=0x0" in repr(cuda.current_stream())


def test_streams_of_a_priority_are_handed_out_in_turn():
    found = [cuda.Stream(priority=-1) for _ in range(33)]
    assert len(set(found)) == 32 and found[32] == found[0] and hash(found[32]) == hash(found[0])
    assert found[0] != cuda.Stream() and found[0].priority == -1 and found[0].device == engine.device("cuda:0")
    assert found[0].query() and found[0].device_index == 0 and found[0].stream_id == found[0].cuda_stream
    with pytest.raises(DeviceError, match="one GPU"):
        cuda.Stream("cuda:3")
    with pytest.raises(TypeError, match=r"engine\.cuda\.Stream or None"):
        cuda.stream("side")


def test_a_copy_beside_the_computation():
    batch, side = engine.arange(6.0).pin_memory(), cuda.Stream()
    with cuda.stream(side):
        x = batch.to("cuda", non_blocking=True)
        y = x * 2
    cuda.current_stream().wait_stream(side)
    x.record_stream(cuda.current_stream())
    assert (x + y).tolist() == [0, 3, 6, 9, 12, 15]
    side.synchronize()
    with pytest.raises(RuntimeError, match="cuda"):
        batch.record_stream(side)
    with pytest.raises(TypeError, match="Stream"):
        x.record_stream("side")


def test_events():
    start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    assert start.query() and "uninitialized" in repr(start)
    start.wait()
    start.synchronize()
    with pytest.raises(RuntimeError, match="must be recorded"):
        start.elapsed_time(end)
    start.record()
    (engine.ones(2, device="cuda") + 1).tolist()
    end.record()
    cuda.Stream().wait_event(end)
    end.synchronize()
    assert end.query() and 0 < start.elapsed_time(end) < 60_000
    plain = cuda.default_stream().record_event()
    with pytest.raises(RuntimeError, match=r"enable_timing=True"):
        plain.elapsed_time(end)
    with pytest.raises(RuntimeError, match=r"enable_timing=True"):
        start.elapsed_time(plain)
    assert cuda.default_stream().record_event(start) is start
    with pytest.raises(MissingError, match="interprocess"):
        cuda.Event(interprocess=True)


def test_an_event_that_was_not_reached_has_no_time(monkeypatch):
    start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    start.record()
    end.record()
    monkeypatch.setattr(cuda.Event, "query", lambda self: self is not end)
    with pytest.raises(RuntimeError, match="must be completed"):
        start.elapsed_time(end)


# ---- memory ----


def place(array):
    return array._array.loan.block


def test_memory_is_used_again_in_its_own_stream_only():
    side, shape = cuda.Stream(), (1000, 41)
    x = engine.empty(shape, device="cuda")
    own = place(x)
    del x
    with cuda.stream(side):
        y = engine.empty(shape, device="cuda")
        other = place(y)
        assert other is not own
        del y
        assert place(engine.empty(shape, device="cuda")) is other
    assert place(engine.empty(shape, device="cuda")) is own


@pytest.fixture
def reached(monkeypatch):
    """Marks in streams that are reached when the test says so."""
    done: set[object] = set()
    monkeypatch.setattr(cuda.Event, "query", lambda self: self in done)
    monkeypatch.setattr(cuda.Event, "synchronize", lambda self: done.add(self))
    yield done
    cuda.empty_cache()


def test_memory_that_another_stream_uses_waits_for_it(reached):
    side, shape = cuda.Stream(), (1000, 43)
    x = engine.empty(shape, device="cuda")
    block, view = place(x), x[1:]
    x.record_stream(side)
    view.record_stream(cuda.current_stream())
    held = cuda.memory_allocated()
    del x
    assert not pool._in_use, "a view holds the block"
    del view
    assert cuda.memory_allocated() < held and [waiting for waiting, _ in pool._in_use] == [block]
    y = engine.empty(shape, device="cuda")
    assert place(y) is not block
    (marks,) = [marks for _, marks in pool._in_use]
    assert len(marks) == 1, "the block's own stream needs no mark"
    reached.update(marks)
    assert place(engine.empty(shape, device="cuda")) is block
    assert not pool._in_use


def test_giving_memory_back_waits_for_the_other_streams(reached):
    x = engine.empty(1000, 47, device="cuda")
    x.record_stream(cuda.Stream())
    del x
    gc.collect()
    assert cuda.memory_allocated() < cuda.memory_reserved() and pool._in_use
    cuda.empty_cache()
    assert not pool._in_use and cuda.memory_reserved() == cuda.memory_allocated()


# ---- with a driver in place of the simulator ----


class Kernel:
    """Notes how it was configured."""

    def __init__(self):
        self.made = []

    def __getitem__(self, places):
        self.made.append(places)
        return f"launcher {len(self.made)}"


def test_configurations_are_kept_for_each_stream(monkeypatch):
    monkeypatch.setattr(launch, "SIMULATED", False)
    kernel, side = Kernel(), cuda.Stream()
    assert launch.configured(kernel, 2, 64) == launch.configured(kernel, 2, 64) == "launcher 1"
    assert launch.configured(kernel, (2, 1, 1), 64) == "launcher 2"
    with cuda.stream(side):
        assert launch.configured(kernel, 2, 64) == launch.configured(kernel, 2, 64) == "launcher 3"
    assert launch.configured(kernel, 2, 64) == "launcher 1"
    assert kernel.made == [(2, 64), ((2, 1, 1), 64), (2, 64, side.handle)]
    monkeypatch.setattr(launch, "_MOST_CONFIGURED", 1)
    launch.configured(kernel, 5, 64)
    assert launch.configured(kernel, 2, 64) == "launcher 5"


class Numba:
    """The part of numba.cuda that streams need, and what was asked of it."""

    def __init__(self):
        self.asked = []

    def external_stream(self, handle):
        return Handle(self, handle)

    def default_stream(self):
        return Handle(self, 0)

    def current_context(self):
        self.asked.append("context")


class Handle:
    def __init__(self, driver, number):
        self.driver, self.number = driver, number

    def synchronize(self):
        self.driver.asked.append(("synchronize", self.number))


class Library:
    """The driver's library: streams with numbers from 100 on, the last of which still has work."""

    def __init__(self):
        self.made = []

    def cuStreamCreateWithPriority(self, made, flags, priority):
        if priority == 7:
            return 999
        self.made.append((flags, priority))
        made._obj.value = 100 + len(self.made)
        return 0

    def cuStreamQuery(self, handle):
        assert isinstance(handle, ctypes.c_void_p)
        return {None: 0, 101: 0, 102: 600}.get(handle.value, 700)


@pytest.fixture
def driver(monkeypatch):
    driver, library = Numba(), Library()
    driver.library = library
    streams._created.cache_clear()
    monkeypatch.setattr(streams, "_counters", {})
    monkeypatch.setattr(gate, "simulated", lambda: False)
    monkeypatch.setattr(gate, "require", lambda: driver)
    monkeypatch.setattr(gate, "driver", lambda: driver)
    monkeypatch.setattr(gate, "library", lambda: library)
    yield driver
    streams._created.cache_clear()


def test_streams_do_not_wait_for_the_default_stream(driver):
    first, second, urgent = cuda.Stream(), cuda.Stream(), cuda.Stream(priority=-2)
    # 1: CU_STREAM_NON_BLOCKING.
    assert driver.library.made == [(1, 0), (1, 0), (1, -2)] and driver.asked == ["context"] * 3
    assert [s.cuda_stream for s in (first, second, urgent)] == [101, 102, 103]
    assert first.query() and not second.query() and cuda.default_stream().query()
    with pytest.raises(DeviceError, match="cuStreamQuery with error 700"):
        urgent.query()
    with pytest.raises(DeviceError, match="cuStreamCreateWithPriority with error 999"):
        cuda.Stream(priority=7)
    driver.asked.clear()
    second.synchronize()
    cuda.default_stream().synchronize()
    assert driver.asked == [("synchronize", 102), ("synchronize", 0)]


class Raw:
    """An array of numba.cuda's that notes copies."""

    def __init__(self):
        self.copied = []

    def copy_to_device(self, host, **options):
        self.copied.append(("to device", options))

    def copy_to_host(self, host, **options):
        self.copied.append(("to host", options))


def test_copies_take_their_turn_in_the_current_stream(driver):
    raw, host = Raw(), engine.zeros(2)._array
    copies.to_device(raw, host)
    copies.to_host(raw, host)
    # In the default stream nothing is said of streams, and the driver waits by itself.
    assert raw.copied == [("to device", {}), ("to host", {})] and ("synchronize", 0) not in driver.asked
    side = cuda.Stream()
    copies.to_device(raw, host)
    # Another stream, which nothing orders behind the default one, finds what was brought.
    assert raw.copied.pop() == ("to device", {}) and driver.asked.count(("synchronize", 0)) == 1
    copies.to_host(raw, host)
    assert raw.copied.pop() == ("to host", {}) and driver.asked.count(("synchronize", 0)) == 1
    with cuda.stream(side):
        copies.to_device(raw, host)
        copies.to_host(raw, host)
    assert raw.copied[2:] == [("to device", {"stream": side.handle}), ("to host", {"stream": side.handle})]
    assert driver.asked.count(("synchronize", 101)) == 2


def test_arrays_that_are_made_on_a_stream_belong_to_it():
    side = cuda.Stream()
    with cuda.stream(side):
        there = from_host(engine.ones(3)._array)
    assert there.loan.block.stream == side and from_host(engine.ones(3)._array).loan.block.stream is None
