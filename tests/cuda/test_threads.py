"""Several threads on one GPU: the pool of memory, copies, the faults of streams, and the tables of optimisers."""

import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import engine
from engine import cuda
from engine.device import cuda_array, faults, gate
from engine.device.pool import pool
from engine.kernels.cuda import many
from engine.nn import functional as F


@pytest.fixture
def often():
    """Threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_never_share_a_block_and_the_pool_s_numbers_stay_right(often):
    gc.collect()
    held, kinds = cuda.memory_allocated(), dict(pool._held)
    lent: set[int] = set()

    def work(seed):
        rng, mine = np.random.default_rng(seed), []
        for size in rng.integers(1, 4, 200).tolist():
            array = cuda_array.empty((size * 100,), np.float32)
            address = array.loan.block.address
            assert address not in lent, "a block that another array has"
            lent.add(address)
            mine.append(array)
            if len(mine) > 3:
                lent.discard(mine[0].loan.block.address)
                del mine[0], array
        lent.difference_update([array.loan.block.address for array in mine])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert cuda.memory_allocated() == held
    assert dict(pool._held) == kinds
    cuda.empty_cache()
    assert cuda.memory_reserved() == cuda.memory_allocated()


class Shape(tuple):
    """A shape that lets go of an array when it is looked up the second time: the garbage collector may at any moment."""

    let_go: list = []
    lookups = 0

    def __hash__(self):
        Shape.lookups += 1
        if Shape.lookups == 2:
            self.let_go.clear()
        return super().__hash__()

    __eq__ = tuple.__eq__


def test_an_array_that_goes_in_the_middle_of_an_allocation_is_counted():
    what = (Shape((7, 7)), np.dtype(np.float32))
    first, second = pool.lend(196, what), pool.lend(196, what)
    held = cuda.memory_allocated()
    Shape.let_go.append(first)
    Shape.lookups = 0
    del first
    # Counting it looks its kind up twice: to read, and to write one more.
    third = pool.lend(196, what)
    assert cuda.memory_allocated() == held
    assert pool._held[what] == 2
    del second, third
    assert cuda.memory_allocated() == held - 2 * 512 and what not in pool._held


def test_the_pool_serves_others_while_the_driver_is_asked(monkeypatch):
    asked, answered = threading.Event(), threading.Event()
    allocate = gate.allocate
    waiting = cuda_array.empty((1000,), np.float32)
    place = waiting.loan.block
    del waiting

    def slow(nbytes):
        asked.set()
        assert answered.wait(200)
        return allocate(nbytes)

    monkeypatch.setattr(gate, "allocate", slow)
    with ThreadPoolExecutor(1) as thread:
        large = thread.submit(cuda_array.empty, (123457,), np.float32)
        assert asked.wait(200)
        try:
            assert cuda_array.empty((1000,), np.float32).loan.block is place
        finally:
            answered.set()
        assert large.result(200).size == 123457


def test_a_fault_is_told_to_who_waits_for_its_stream():
    side, x = cuda.Stream(), engine.zeros(1, 2, device="cuda")
    side.wait_stream(cuda.default_stream())
    with cuda.stream(side):
        F.cross_entropy(x, engine.tensor([5], device="cuda"))
    good = F.cross_entropy(x, engine.tensor([1], device="cuda"))
    assert good.item() == pytest.approx(np.log(2)), "another stream's fault"
    F.cross_entropy(x, engine.tensor([7], device="cuda"))
    with cuda.stream(side), pytest.raises(IndexError, match="Target 5"):
        side.record_event()
        engine.zeros(1, device="cuda").item()
    with pytest.raises(IndexError, match="Target 7"):
        good.item()


def test_waiting_for_the_device_tells_of_every_stream():
    side, x = cuda.Stream(), engine.zeros(1, 2, device="cuda")
    side.wait_stream(cuda.default_stream())
    with cuda.stream(side):
        F.cross_entropy(x, engine.tensor([5], device="cuda"))
    with pytest.raises(IndexError, match="Target 5"):
        cuda.synchronize()
    faults.look(everywhere=True)


def test_checks_of_several_threads(often):
    def work(label):
        x, t = engine.zeros(1, 3, device="cuda"), engine.tensor([label], device="cuda")
        losses = [F.cross_entropy(x, t) for _ in range(5)]
        return [loss.item() for loss in losses]

    with ThreadPoolExecutor(3) as threads:
        assert np.allclose(list(threads.map(work, range(3))), np.log(3))


def test_a_table_belongs_to_one_thread_until_its_launch(monkeypatch):
    # So few are kept that each layout takes the table of the one before.
    monkeypatch.setattr(many, "_MOST_LAYOUTS", 1)
    many._layouts.clear()
    mine, other = [cuda_array.empty((5,), np.float32) for _ in range(2)]
    for array in (mine, other):
        many.fill([array], 0.0)
    launch, threads = many.launch, []

    def late(*arguments):
        if not threads:
            # Between looking the table up and the launch another thread wants one.
            threads.append(threading.Thread(target=many.fill, args=([other], 2.0)))
            threads[0].start()
            threads[0].join(0.2)
        launch(*arguments)

    monkeypatch.setattr(many, "launch", late)
    many.fill([mine], 1.0)
    threads[0].join()
    assert mine.tolist() == [1] * 5 and other.tolist() == [2] * 5
