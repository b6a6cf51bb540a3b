"""Calls that come into the window's thread: in order, and those that belong together before it is painted."""

import threading
import time

import pytest
from PyQt6.QtCore import QTimer

from gui import work
from gui.work import Posts


@pytest.fixture
def posts(qtbot):
    posts = Posts()
    yield posts
    posts.close()


def test_what_is_expected_is_carried_out_in_the_same_turn(posts, qtbot, monkeypatch):
    monkeypatch.setattr(work, "_WHILE", 30.0)
    done, asked = [], threading.Event()

    def answer():
        asked.wait(20)
        posts.post(lambda: done.append("answer"))

    def stop():
        done.append("stop")
        posts.expect(lambda: "answer" not in done)
        QTimer.singleShot(0, lambda: done.append("painted"))
        asked.set()

    thread = threading.Thread(target=answer)
    thread.start()
    posts.post(stop)
    qtbot.waitUntil(lambda: "painted" in done)
    thread.join()
    assert done == ["stop", "answer", "painted"]
    assert posts.idle


def test_what_is_expected_and_does_not_come_is_not_waited_for_long(posts, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(work, "_WHILE", 0.2)

    def more():
        asked.append(time.monotonic())
        return True

    posts.post(lambda: posts.expect(more))
    qtbot.waitUntil(lambda: bool(asked))
    turns = len(asked)
    done = []
    posts.post(lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
    assert len(asked) == turns, "the turn after it waits again"


def test_nothing_expected_is_not_waited_for(posts, qtbot, monkeypatch):
    monkeypatch.setattr(work, "_WHILE", 1e9)
    done = []
    posts.post(lambda: posts.expect(lambda: False))
    posts.post(lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
