"""Offscreen windows, the fixtures of the window's tests, and the rule that Qt has nothing to complain about."""

import gc
import os
import threading
import time
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = os.environ.get("NABLASCOPE_TEST_PLATFORM", "offscreen")

from PyQt6.QtCore import QTimer
from pytestqt.exceptions import TimeoutError
from pytestqt.qtbot import QtBot

from engine.debug.spread import THREAD_NAME
from gui.context import Context
from gui.following import Following
from gui.link import Link
from gui.state import State
from gui.theme import Theme
from tests.gui.console import silent_qt
from tests.gui.fake_link import FakeLink

SAMPLES = Path(__file__).parents[2] / "samples"

#: Milliseconds that a test waits at most for what is to come: a slow machine, or one that stands still for a while, is no
#: failure.
PATIENCE = 200_000
#: Milliseconds of one of the waits that this is made of.
_WAIT = 5000
#: Milliseconds below which what a timer brings is a part of what is shown now.
_SOON = 1000

@pytest.fixture(autouse=True, scope="session")
def _kernels_are_there(warm_kernels):
    """See ``warm_kernels``."""


@pytest.fixture(autouse=True)
def qt_is_silent():
    """Fail where Qt warns."""
    with silent_qt() as said:
        yield said


@pytest.fixture(autouse=True)
def garbage_stays_here():
    """As in the program (``gui.garbage``): no other thread takes widgets apart, which Qt may not survive."""
    gc.disable()
    yield
    gc.collect(1)
    gc.enable()


@pytest.fixture(autouse=True)
def no_thread_stays(garbage_stays_here):
    """Fail where a thread of the window or its client outlives the test; those that the engine computes views with stay."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE / 1000

    def outlived():
        return [t for t in threading.enumerate() if t not in before and not t.name.startswith(THREAD_NAME)]

    while (left := outlived()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [thread.name for thread in left] == []


class PatientBot(QtBot):
    """pytest-qt's robot, which waits longer."""

    def waitUntil(self, callback, *, timeout=PATIENCE):
        # In short waits: the time in which this process is halted, or the computer sleeps, counts as one of them.
        for left in range(timeout, 0, -_WAIT):
            try:
                super().waitUntil(callback, timeout=min(left, _WAIT))
                return
            except TimeoutError:
                if left <= _WAIT:
                    raise

    def waitSignal(self, signal, *, timeout=PATIENCE, **more):
        return super().waitSignal(signal, timeout=timeout, **more)

    def waitExposed(self, widget, *, timeout=PATIENCE):
        return super().waitExposed(widget, timeout=timeout)


@pytest.fixture
def qtbot(qapp, request):
    """In the place of pytest-qt's."""
    return PatientBot(request)


@pytest.fixture
def until(qtbot):
    """``until(condition)``: let the window live until ``condition()`` is true."""
    return lambda condition, timeout=PATIENCE: qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)


def at_rest(widget):
    """Whether ``widget``, a window or a panel, shows all that is to come by itself: every answer is there, no layout is
    being made, and nothing is left that is drawn, written or asked for a moment later.

    What stays for seconds, as a message does, is not waited for.
    """
    soon = (timer for timer in widget.findChildren(QTimer) if timer.isSingleShot() or not timer.interval())
    return widget.context.link.quiet and not any(timer.isActive() and timer.interval() < _SOON for timer in soon)


@pytest.fixture
def link():
    """A link that answers from ``link.answers``."""
    return FakeLink()


@pytest.fixture
def context(qapp, link):
    """A context on the fake link, in the light theme, with empty settings."""
    return Context(State(), link, Theme(), {})


class NoSpare:
    """In the place of a process that is kept ready: there is none."""

    def __init__(self, prepare):
        pass

    def take(self):
        return None

    def close(self):
        pass


@pytest.fixture
def no_spare(monkeypatch):
    """No session keeps a second process ready, which hardly a test needs and which costs as much as the first.

    What moves with one that is ready is tested in test_link, test_faults and tests/gui/sessions.
    """
    monkeypatch.setattr("engine.debug.processes.Spare", NoSpare)


@pytest.fixture
def real(qapp, tmp_path, monkeypatch, no_spare):
    """A context on a true link whose state follows; scripts write into a folder of the test."""
    monkeypatch.chdir(tmp_path)
    link = Link()
    context = Context(State(), link, Theme(), {})
    context.following = Following(context)
    context.troubles = []
    link.failed.connect(context.troubles.append)
    link.lost.connect(context.troubles.append)
    yield context
    assert link.close(PATIENCE / 1000)


@pytest.fixture
def two_points(real, until):
    """``real`` with samples/two_points.py, stopped at its first line."""
    real.link.launch(str(SAMPLES / "two_points.py"))
    until(lambda: real.state.stop)
    return real


@pytest.fixture
def step(until):
    """``step(context, command, **arguments)``: move, wait for the stop and for all that is asked about it, return it."""

    def move(context, command, **arguments):
        before = context.state.stop
        context.link.move(command, **arguments)
        until(lambda: context.state.stop is not before and context.link.quiet)
        return context.state.stop

    return move
