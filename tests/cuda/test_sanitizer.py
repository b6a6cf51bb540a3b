"""The checker finds the faults of kernels that have one, and none in those that have none."""

import numpy as np
import pytest

import engine
from engine.device import gate
from engine.device.cuda_array import empty, from_host
from engine.device.pool import pool
from engine.kernels.cuda.launch import launch

if not gate.simulated():
    pytest.skip("the checker takes the place of the simulator", allow_module_level=True)

from tests.cuda import wrong
from tests.cuda.sanitizer import FOUND, Faults
from tests.cuda.sanitizer.programs import edges

PROGRAMS = dict(edges(("float32", "float64")))

#: Kernels with a fault, its kind, and what is told of it.
WRONG = {
    "no_barrier_before_reading": ("race", "shared array of line"),
    "no_barrier_before_writing_again": ("race", "shared array of line"),
    "halves_within_a_warp": ("race", "shared array of line"),
    "all_write_one": ("race", "y: one element is read by thread"),
    "adds_and_reads": ("race", "changed atomically by thread"),
    "in_place_shift": ("race", "x: one element"),
    "blocks_meet": ("race", r"of block Dim3\(x=1, y=0, z=0\)"),
    "shared_never_written": ("uninitialised", "shared array of line"),
    "shared_of_the_block_before": ("uninitialised", "shared array of line"),
    "local_never_written": ("uninitialised", "local array of line"),
    "one_too_many": ("bounds", r"y\[8\] of shape \(8,\) at wrong.py"),
    "from_the_end": ("bounds", r"x\[-1\] of shape \(8,\)"),
    "outside_shared": ("bounds", r"shared array of line \d+\[4\]"),
    "some_wait": ("divergence", "has ended"),
    "returns_early": ("divergence", "has ended"),
    "two_barriers": ("divergence", r"waits at wrong.py:\d+, thread .* waits at wrong.py"),
    "waits_in_other_turns": ("divergence", "has ended"),
    "unaligned_view": ("alignment", "elements of 4 bytes, is viewed as complex128"),
}


@pytest.fixture
def arrays():
    return from_host(np.zeros(8)), from_host(np.arange(8.0))


@pytest.fixture
def found():
    """The faults that the test has asked for."""
    yield FOUND
    FOUND.clear()
    engine.cuda.synchronize()


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_is_found(name, arrays, found):
    kind, text = WRONG[name]
    blocks = 1 if name in ("no_barrier_before_reading", "no_barrier_before_writing_again") else 2
    with pytest.raises(Faults, match=text):
        launch(getattr(wrong, name), blocks + (name == "one_too_many"), wrong.N, *arrays)
    assert {fault.kind for fault in found} == {kind}, found
    assert all(fault.kernel == name for fault in found)


def test_sound_kernels_pass(arrays):
    y, x = arrays
    launch(wrong.sound, 2, wrong.N, y, x)
    assert y.tolist() == [6, 22, 0, 0, 0, 0, 0, 0]
    launch(wrong.all_add_to_one, 2, wrong.N, y, x)
    assert y.tolist()[:2] == [34, 22]
    launch(wrong.threads_of_a_block_meet, 2, wrong.N, y, x)
    assert y.tolist() == [3, 1, 2, 3, 7, 5, 6, 7]


def test_memory_that_nobody_has_written(found):
    y, x = empty(8, np.float64), from_host(np.arange(8.0))
    with pytest.raises(Faults, match="uninitialised: reads_result: y is read at wrong.py"):
        launch(wrong.reads_result, 2, wrong.N, y, x)
    y = empty(8, np.float64)
    launch(wrong.copy, 1, wrong.N, y[:4], x)
    with pytest.raises(Faults, match="a copy to the CPU: of shape .* not all has been written"):
        y.host()
    launch(wrong.copy, 1, wrong.N, y[4:], x)
    assert y.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_memory_behind_an_array(found):
    # A block of the pool is larger than the array that it is lent to.
    x = from_host(np.arange(3.0))
    memory = gate.memory(x.loan.block, 0, x.dtype, 8)
    with pytest.raises(Faults, match="bounds: beyond: memory at .* lies at byte 24 of an array that has 24"):
        launch(wrong.beyond, 1, 1, memory, x)


def test_memory_of_an_array_that_has_gone(found):
    x, y = from_host(np.arange(3.0)), from_host(np.zeros(1))
    kept = x.raw
    del x
    with pytest.raises(Faults, match="freed: copy: x at .* nobody has this memory any more"):
        launch(wrong.copy, 1, 1, y, kept)


def test_what_cuda_refuses(arrays, found):
    for grid, block in (((1, 70000), 1), (1, 2048), (1, (64, 1, 128)), (1, (0, 1))):
        with pytest.raises(Faults, match="launch: copy"):
            launch(wrong.copy, grid, block, *arrays)


def test_warps_are_not_known(arrays):
    with pytest.raises(NotImplementedError, match="syncwarp"):
        launch(wrong.takes_warps_for_granted, 1, 1, *arrays)


# ---- streams ----


def test_streams_that_do_not_wait(found):
    side = engine.cuda.Stream()
    x = engine.ones(4, device="cuda") * 1
    with pytest.raises(Faults, match="reads memory that .* writes in stream 0x0"), engine.cuda.stream(side):
        x + 1
    with engine.cuda.stream(side):
        side.wait_stream(engine.cuda.default_stream())
        y = x + 1
    with pytest.raises(Faults, match=r"a copy to the CPU: reads memory that kernel writes in stream"):
        y.tolist()
    engine.cuda.current_stream().wait_stream(side)
    assert y.tolist() == [2, 2, 2, 2]


def test_waiting_of_the_cpu_orders_streams():
    side = engine.cuda.Stream()
    for wait in (engine.cuda.synchronize, engine.cuda.default_stream().synchronize, engine.cuda.default_stream().query):
        x = engine.ones(4, device="cuda") * 2
        wait()
        with engine.cuda.stream(side):
            y = x + 1
        done = side.record_event()
        done.synchronize()
        assert y.tolist() == [3, 3, 3, 3]


def test_memory_is_lent_again_after_the_streams_that_were_recorded(found):
    pool.release()
    side = engine.cuda.Stream()
    for recorded in (True, False):
        x = engine.ones(4, device="cuda")
        side.wait_stream(engine.cuda.default_stream())
        with engine.cuda.stream(side):
            y = x + 1
        if recorded:
            x.record_stream(side)
        del x
        if recorded:
            z = engine.full((4,), 2.0, device="cuda")
            assert z.tolist() == [2, 2, 2, 2]
            del z
        else:
            with pytest.raises(Faults, match="writes memory that kernel reads in stream"):
                engine.full((4,), 2.0, device="cuda")
        del y


def test_pinned_memory_stays_as_it_is_until_the_copy_has_ended(found):
    for waits in (True, False):
        pinned = engine.ones(4).pin_memory()
        x = pinned.to("cuda", non_blocking=True)
        if waits:
            engine.cuda.synchronize()
            pinned[0] = 7
            assert x.tolist() == [1, 1, 1, 1]
        else:
            pinned[0] = 7
            with pytest.raises(Faults, match="pinned memory was changed"):
                engine.cuda.synchronize()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_engine_s_kernels_at_their_edges(name):
    """The checker's own list of launches; those of all other tests in this folder are looked at too."""
    PROGRAMS[name]()
