"""Garbage is collected in the window's thread, when it suits the window."""

import gc
import threading
import weakref

import pytest
from PyQt6.QtCore import QObject

from gui import garbage
from gui.garbage import Garbage


class Circle:
    """Refers to itself."""

    def __init__(self):
        self.me = self


@pytest.fixture
def kept_clean(qtbot):
    """What a Garbage is asked with, and how it is made; Python collects again afterwards, and nothing stays frozen."""
    parent, moment = QObject(), {"idle": False, "complete": False}
    made = Garbage(parent, lambda: moment["idle"], lambda: moment["complete"])
    made._timer.stop()  # looks are taken by hand
    yield made, moment
    made.stop()
    gc.unfreeze()


def lost():
    return weakref.ref(Circle())


def test_other_threads_collect_nothing(kept_clean):
    made, _ = kept_clean
    circle = lost()
    thread = threading.Thread(target=lambda: [[] for _ in range(100_000)] and [Circle() for _ in range(5_000)])
    thread.start()
    thread.join()
    assert circle() is not None and not gc.isenabled()
    kept = [[] for _ in range(2 * garbage._NEW)]
    made.look()
    assert circle() is None and kept


def test_the_old_is_gone_through_when_nothing_goes_on(kept_clean):
    made, moment = kept_clean
    circle = Circle()
    gc.collect(1)  # it is old now
    circle = weakref.ref(circle)
    kept = []
    for _ in range(garbage._IDLE):
        kept += [[] for _ in range(2 * garbage._NEW)]
        made.look()
    assert made._rounds >= garbage._IDLE
    gc.collect(0)
    made.look()
    assert circle() is not None
    moment["idle"] = True
    made.look()
    assert circle() is None


def test_where_something_always_goes_on_the_old_is_gone_through_all_the_same(kept_clean, monkeypatch):
    made, _ = kept_clean
    monkeypatch.setattr(garbage, "_ALWAYS", 3)
    circle = Circle()
    gc.collect(1)
    circle = weakref.ref(circle)
    kept = []
    for _ in range(3):
        kept += [[] for _ in range(2 * garbage._NEW)]
        made.look()
    assert circle() is None and kept


def test_what_lives_as_long_as_the_window_is_set_aside_once(kept_clean):
    made, moment = kept_clean
    before = gc.get_freeze_count()
    moment["idle"] = True
    made.look()
    assert gc.get_freeze_count() == before
    moment["complete"] = True
    gc.collect(0)
    made.look()
    frozen = gc.get_freeze_count()
    assert frozen > before + 10_000
    later = [[] for _ in range(50)]
    for _ in range(garbage._IDLE + 1):
        made._rounds += 1
        gc.collect(0)
        made.look()
    assert gc.get_freeze_count() == frozen and later


def test_python_collects_again_when_the_window_is_gone(qtbot):
    parent = QObject()
    Garbage(parent, lambda: False, lambda: False)
    assert not gc.isenabled()
    from PyQt6 import sip

    sip.delete(parent)
    assert gc.isenabled()
