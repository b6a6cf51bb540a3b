"""Which tensors exist, by a look at few objects."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.debug.replay import living
from engine.debug.replay.living import Living, live_tensors


@pytest.fixture(scope="module", autouse=True)
def few_objects():
    """The collector passes over what other tests have left, as in a run that is recorded: else each look is a long one."""
    gc.freeze()
    yield
    gc.unfreeze()


def ids(tensors):
    return sorted(map(id, tensors))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(("make", "cycle", "drop", "0", "1", "2", "look")), max_size=40))
def test_the_same_as_by_a_look_at_everything(actions):
    before = [engine.zeros(2) for _ in range(3)]
    gc.collect()
    known, kept = Living(), []
    for action in actions:
        if action == "make":
            kept.append(engine.zeros(1) + 1)
        elif action == "cycle":
            ring = [engine.ones(1)]
            ring.append(ring)
            kept.append(ring)
        elif action == "drop" and kept:
            del kept[len(kept) // 2]
        elif action == "look":
            assert ids(known.tensors()) == ids(live_tensors())
        elif action.isdigit():
            gc.collect(int(action))
    assert ids(known.tensors()) == ids(live_tensors())
    assert {id(t) for t in before} <= set(ids(known.tensors()))


def test_few_objects_are_looked_at():
    crowd = [[] for _ in range(20_000)]
    gc.collect()
    known = Living()
    looked_at = []
    among = living._tensors_among
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(living, "_tensors_among", lambda objects: looked_at.append(len(objects)) or among(objects))
        known.tensors()
    if living._GENERATIONS:
        assert len(looked_at) == 1 and looked_at[0] < 10_000 < len(crowd)


def test_it_keeps_no_tensor_alive_and_leaves_no_callback():
    callbacks = len(gc.callbacks)
    known = Living()
    tensor = engine.zeros(1)
    gc.collect(1)
    reference = weakref.ref(tensor)
    del tensor
    assert reference() is None
    del known
    assert len(gc.callbacks) == callbacks


def test_the_collector_may_begin_on_any_thread():
    first = [engine.zeros(1) for _ in range(5)]
    known, kept = Living(), []
    done = threading.Event()

    def collect():
        while not done.is_set():
            gc.collect(1)

    threads = [threading.Thread(target=collect) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(300):
            kept.append(engine.full((1,), float(number)))
            found = known.tensors()
            assert {id(t) for t in first} <= set(ids(found)) and all(isinstance(t, engine.Tensor) for t in found)
    finally:
        done.set()
        for thread in threads:
            thread.join()
