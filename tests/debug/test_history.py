"""The window of events that is kept, and what its arrays weigh."""

import numpy as np
import pytest

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
