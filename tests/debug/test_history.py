"""The window of events that is kept, and what its arrays weigh."""

import numpy as np
import pytest

from engine.debug import spread
from engine.debug.events import Event, Position
from engine.debug.history import History


def event(seq, **arrays):
    return Event(seq, Position(seq), "update", "SGD", arrays=arrays)


def test_an_edit_is_seen_by_the_newest_event_and_the_past_stays():
    history, weight = History(), np.ones(4, np.float32)
    before, newest = event(0, w_new=weight), event(1, w_new=weight)
    history.add(before)
    history.add(newest)
    history.overwriting(weight)
    history.replace(newest, "w_new", weight)
    weight[0] = 9
    assert newest.arrays["w_new"][0] == 9 and before.arrays["w_new"][0] == 1
    assert history.bytes == 2 * weight.nbytes

    # The next change of the weight is the newest event's past as well.
    history.overwriting(weight)
    weight[0] = -1
    assert newest.arrays["w_new"][0] == 9
    assert history.bytes == 2 * weight.nbytes


@pytest.mark.parametrize("rounds", [1, 3])
def test_what_is_let_go_weighs_nothing(rounds):
    history, weight = History(), np.ones(4, np.float32)
    for seq in range(rounds):
        edited = event(seq, w_new=weight)
        history.add(edited)
        history.overwriting(weight)
        history.replace(edited, "w_new", weight)
    last = event(rounds, x=np.zeros(3))
    history.add(last)
    history.relieve()
    assert len(history) == 1 and history.last is last and history.bytes == 24


def test_an_event_outside_the_window_shows_an_edit_too():
    history, weight = History(), np.ones(4, np.float32)
    forgotten = event(0, w_new=weight.copy())
    history.replace(forgotten, "w_new", weight)
    assert forgotten.arrays["w_new"] is weight and history.bytes == 0


LARGE = np.arange(1 << 19, dtype=np.float32)


@pytest.mark.parametrize("size", [0, 1, spread.LEAST, 3 * spread.LEAST + 5])
def test_the_past_of_an_array_of_any_size_stays(size):
    history, weight = History(), np.arange(size, dtype=np.float32)
    history.add(before := event(0, w_new=weight))
    history.overwriting(weight)
    weight[:] = -1
    np.testing.assert_array_equal(before.arrays["w_new"], np.arange(size, dtype=np.float32))


def test_views_of_one_memory_get_views_of_one_copy():
    history, weight = History(), LARGE.reshape(512, 1024).copy()
    flat, turned, part = weight.reshape(-1), weight.T, weight[256:]
    first, second = event(0, w=weight, u=turned), event(1, w_new=flat, p=(part, weight))
    history.add(first)
    history.add(second)
    assert history.bytes == weight.nbytes + part.nbytes
    kept = history.copy_of(flat)
    weight[:] = -1
    np.testing.assert_array_equal(first.arrays["w"], LARGE.reshape(512, 1024))
    np.testing.assert_array_equal(first.arrays["u"], LARGE.reshape(512, 1024).T)
    np.testing.assert_array_equal(second.arrays["w_new"], LARGE)
    np.testing.assert_array_equal(second.arrays["p"][0], LARGE[1 << 18 :].reshape(256, 1024))
    np.testing.assert_array_equal(kept, LARGE)
    copies = (kept, first.arrays["w"], first.arrays["u"], second.arrays["w_new"], *second.arrays["p"])
    assert all(np.shares_memory(kept, copy) for copy in copies)
    assert history.bytes == weight.nbytes + part.nbytes

    # Each is let go with its event.
    history.add(event(2, x=np.zeros(3)))
    history.relieve()
    assert history.bytes == 24
    np.testing.assert_array_equal(kept, LARGE)


def test_a_part_that_is_met_before_the_whole_is_copied_for_itself():
    history, weight = History(), LARGE.copy()
    part, odd = weight[: 1 << 18], weight[::2]
    only = event(0, p=part, w=weight, s=odd)
    history.add(only)
    history.overwriting(part)
    weight[:] = -1
    np.testing.assert_array_equal(only.arrays["p"], LARGE[: 1 << 18])
    np.testing.assert_array_equal(only.arrays["w"], LARGE)
    np.testing.assert_array_equal(only.arrays["s"], LARGE[::2])


def test_what_nobody_holds_is_copied_all_the_same():
    history, weight = History(), LARGE.copy()
    kept = history.copy_of(weight)
    weight[:] = 0
    np.testing.assert_array_equal(kept, LARGE)
    assert history.bytes == 0


def test_events_that_were_missed_leave_nothing_before_them():
    history = History()
    for seq in (3, 4, 7, 8):
        history.add(event(seq, x=np.zeros(3)))
    assert [e.seq for e in history] == [7, 8] and history.bytes == 48
    assert history.get(4) is None and history.get(8) is history.last and not history.complete
