"""Steps that repeat by themselves, at the pace of the slider."""

import time

import pytest

from gui.stepping import FREE, Stepping, steps_per_second
from tests.gui.conftest import SAMPLES


@pytest.fixture
def stepping(context):
    context.settings["speed"] = FREE
    context.state.update(stop={"seq": 1, "reason": "step", "level": "op"}, level="op")
    return Stepping(context)


def arrive(link, seq, **more):
    link.stopped.emit({"seq": seq, "reason": "step", "level": "op", **more})


def test_the_slider_goes_from_slow_motion_to_running_freely(stepping, link, context):
    speeds = [steps_per_second(position) for position in range(FREE)]
    assert speeds[0] == 0.5 and speeds[-1] == 40 and speeds == sorted(speeds)
    assert steps_per_second(FREE) is None
    stepping.go()
    assert link.moves == [("continue", {})] and not stepping.walking


@pytest.mark.parametrize("level", ["op", "line", "batch"])
def test_a_walk_steps_on_the_level_and_waits_in_between(stepping, link, context, until, level, monkeypatch):
    context.settings["speed"] = 99
    context.state.update(level=level)
    times, move = [], link.move
    monkeypatch.setattr(link, "move", lambda *a, **k: (times.append(stepping._began), move(*a, **k)))
    stepping.go()
    assert link.moves == [("next", {"granularity": level})] and stepping.walking
    for seq in range(2, 6):
        arrive(link, seq, level=level)
        until(lambda seq=seq: len(link.moves) == seq)
    # Forty a second: no two steps closer than that, but for the rounding of a timer.
    assert all(after - before > 0.023 for before, after in zip(times, times[1:]))
    stepping.pause()
    assert not stepping.walking
    arrive(link, 9)
    assert len(link.moves) == 5


def test_the_next_step_waits_until_this_one_is_shown(stepping, link, context, until, qtbot, monkeypatch):
    context.settings["speed"] = 99
    link.quiet = False
    stepping.go()
    assert len(link.moves) == 1
    monkeypatch.setattr("gui.stepping._PATIENCE", 1e9)
    arrive(link, 2)
    qtbot.wait(80)
    assert len(link.moves) == 1
    link.quiet = True
    until(lambda: len(link.moves) == 2)
    monkeypatch.setattr("gui.stepping._PATIENCE", 0.5)
    link.quiet = False
    began = time.monotonic()
    arrive(link, 3)
    until(lambda: len(link.moves) == 3)  # a panel that is never done does not stop the walk
    assert time.monotonic() - began > 0.4


@pytest.mark.parametrize("stop", [{"reason": "breakpoint"}, {"reason": "end"}, {"found": False}])
def test_a_walk_ends_where_something_else_stops_it(stepping, link, context, stop):
    context.settings["speed"] = 50
    stepping.go()
    arrive(link, 2, **stop)
    assert not stepping.walking


def test_an_element_that_a_panel_leads_into_is_stepped_line_by_line(stepping, link, context):
    link.move("stepIn", tensor="y", index=[0, 0])  # as the button of the Explain panel does
    arrive(link, 1, level="element")
    stepping.over()
    assert link.moves[-1] == ("next", {"granularity": "element"})
    arrive(link, 2)
    assert context.state.level == "op"


def test_at_the_free_end_a_walk_becomes_a_run(stepping, link, context):
    context.settings["speed"] = 50
    stepping.go_back()
    context.settings["speed"] = FREE
    arrive(link, 2)
    assert link.moves == [("stepBack", {"granularity": "op"}), ("reverseContinue", {})]


def test_a_true_script_walks_op_by_op(real, until, step):
    real.settings["speed"] = 99
    real.link.launch(str(SAMPLES / "two_points.py"))
    until(lambda: real.state.stop is not None)
    step(real, "runTo", step=1)
    stepping = Stepping(real)
    stops = []
    real.link.stopped.connect(stops.append)
    stepping.go()
    until(lambda: len(stops) >= 6)
    stepping.pause()
    until(lambda: not real.link.moving)
    assert all(stop["level"] == "op" and stop["reason"] == "step" for stop in stops)
    assert [stop["seq"] for stop in stops] == sorted({stop["seq"] for stop in stops})
    assert real.troubles == []


def test_who_steps_into_an_element_goes_on_in_it(stepping, link, context):
    """Also where the Explain panel led there: "over" would leave the element at its first line."""
    arrive(link, 1, level="element")
    stepping.over()
    assert link.moves[-1] == ("next", {"granularity": "element"})
    arrive(link, 1, level="op")
    assert context.state.level == "op"


def held(context, monkeypatch):
    """Steps of a key that is held down, at a time of one's own."""
    clock = [100.0]
    monkeypatch.setattr("gui.stepping.time.monotonic", lambda: clock[0])
    context.settings["speed"] = FREE
    context.state.update(stop={"seq": 1, "reason": "step", "level": "op"}, level="op")
    return Stepping(context, held=lambda: True), clock


def test_a_key_that_is_held_steps_when_the_last_step_is_shown(link, context, monkeypatch):
    stepping, clock = held(context, monkeypatch)
    for step in (stepping.over, stepping.back, stepping.into, stepping.out, stepping.back_into, stepping.back_out):
        link.moves.clear()
        step()
        assert len(link.moves) == 1
        link.moving, link.quiet = True, False
        for _ in range(5):
            step()  # nothing of this waits: it would run on when the key is let go
        assert len(link.moves) == 1
        link.moving = False
        arrive(link, 2)
        clock[0] += 0.3
        step()  # the panels still fetch what it has done
        assert len(link.moves) == 1
        clock[0] += 0.3
        step()  # one that is never done does not end the steps
        assert len(link.moves) == 2
        arrive(link, 3)
        link.quiet = True
        step()
        assert len(link.moves) == 3


def test_single_presses_are_handed_on_as_they_come(stepping, link):
    link.moving, link.quiet = True, False
    for _ in range(3):
        stepping.over()  # the link keeps the newest
    assert len(link.moves) == 3


def test_a_held_key_on_a_true_script_leaves_nothing_waiting(real, until, qtbot):
    real.settings["speed"] = FREE
    real.link.launch(str(SAMPLES / "two_points.py"))
    until(lambda: real.state.stop is not None and real.link.quiet)
    stepping, stops = Stepping(real, held=lambda: True), []
    real.link.stopped.connect(stops.append)
    while len(stops) < 4:
        stepping.over()
        qtbot.wait(3)
    until(lambda: not real.link.moving)
    shown = len(stops)
    assert not real.link._waiting
    qtbot.wait(200)
    assert len(stops) == shown
