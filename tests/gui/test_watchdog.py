"""The watchdog counts how long nothing was heard while the window itself was awake."""

import pytest

from gui import watchdog
from gui.watchdog import PATIENCE, START, Watchdog
from gui.work import Posts
from tests.gui import conftest


class Mute:
    """A session that never answers."""

    def request(self, command):
        raise AssertionError("asked in a test without threads")


@pytest.fixture
def clock(monkeypatch):
    """Seconds, as a list of one."""
    now = [1000.0]
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def dog(qapp, clock, monkeypatch):
    dog = Watchdog(Posts(), lambda: Mute())
    monkeypatch.setattr(dog._jobs, "put", lambda key, job: None)
    dog.heard = []
    dog.silent.connect(dog.heard.append)
    dog.begin()
    dog._timer.stop()
    yield dog
    dog.close()
    assert dog.join(conftest.PATIENCE / 1000)


def looks(dog, clock, seconds, every=0.5):
    for _ in range(int(seconds / every)):
        clock[0] += every
        dog._look()


def test_an_engine_that_is_silent_while_the_window_is_awake_is_told(dog, clock):
    looks(dog, clock, 2.0)
    dog.stood()
    looks(dog, clock, PATIENCE - 2.0)
    assert dog.heard == []
    looks(dog, clock, 3.0)
    assert dog.heard == ["engine"]


def test_a_computer_that_slept_is_not_taken_for_an_engine_that_hangs(dog, clock):
    looks(dog, clock, 2.0)
    dog.stood()
    clock[0] += 3600.0
    dog._look()
    assert dog.heard == []


def test_a_start_that_hangs_is_told(dog, clock):
    dog._current = lambda: None
    clock[0] += 3600.0
    dog._look()
    assert dog.heard == []
    looks(dog, clock, START)
    assert dog.heard == ["start"]
