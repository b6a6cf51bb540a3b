"""The Tensor panel with several runs: the difference to the same tensor of another run, in the same step."""

import numpy as np
import pytest

from gui.panels.tensor import TensorPanel
from gui.panels.tensor_runs import PAGE, counterpart, events_of_step
from gui.panels.tensor_source import RUN
from tests.gui.tensor_fakes import Engine, choose, linear_layer

RUNS = [{"name": "run 1", "number": 1, "current": False}, {"name": "run 2", "number": 2, "current": True}]


def event(seq, name="Linear", module="fc", step=0, tensors=("y",), position=None, kind="forward"):
    return {
        "seq": seq, "kind": kind, "name": name, "module": module, "step": step, "position": position or [seq, 0, 0],
        "tensors": [{"name": n, "label": None} for n in tensors],
    }  # fmt: skip


@pytest.fixture
def panel(context, qtbot):
    panel = TensorPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 460)
    panel.show()
    return panel


def test_the_counterpart_is_at_the_same_position():
    mine = [event(1, position=[4, 0, 0]), event(2, position=[5, 0, 0])]
    theirs = [event(7, position=[4, 0, 0]), event(8, position=[5, 0, 0]), event(9, step=1, position=[5, 0, 0])]
    assert counterpart(mine[1], mine, theirs, "y")["seq"] == 8
    assert counterpart(mine[1], mine, theirs[:1], "y") is None
    assert counterpart(event(3, module="out"), mine, theirs, "y") is None


def test_where_runs_go_other_ways_the_turn_in_the_step_counts():
    mine = [event(1, position=[4, 0, 0]), event(2, position=[5, 0, 0])]
    theirs = [event(7, position=[40, 0, 0]), event(8, position=[50, 0, 0])]
    assert [counterpart(own, mine, theirs, "y")["seq"] for own in mine] == [7, 8]


@pytest.mark.parametrize("step", [0, 3, 700, 999])
def test_a_step_is_found_in_any_part_of_the_history(step):
    history = [event(seq, step=seq // 10) for seq in range(10_000)]
    asked = []

    def ask(command, arguments, then, run=None):
        asked.append(arguments)
        found = history[-PAGE:] if "from" not in arguments else history[arguments["from"] :][:PAGE]
        then({"events": found, "first": 0, "last": 9999})

    results = []
    events_of_step(step, ("forward",), ask, lambda events, why: results.append((events, why)), "run 1")
    ((events, why),) = results
    assert [e["seq"] for e in events] == list(range(10 * step, 10 * step + 10)) and why == ""
    assert len(asked) <= 6


def test_why_a_step_is_not_there():
    def told(history, step):
        reasons = []
        answer = {"events": history, "first": 0, "last": 9}
        events_of_step(step, ("forward",), lambda c, a, then, run: then(answer), lambda _, why: reasons.append(why))
        return reasons

    assert "has come to step 5" in told([event(1, step=4)], 6)[0]
    assert "does not reach back" in told([event(1, step=4)], 2)[0]
    assert "has come to step 1" in told([], 2)[0]


def test_the_difference_to_another_run(panel, link, context):
    engine = Engine(link)
    linear_layer(engine)
    other = Engine(type(link)())  # answers for run 1, as if it were the link's own
    linear_layer(other)
    other.arrays[10, "y"] = engine.arrays[10, "y"] * np.float32(0.5)
    for command, answer in other.link.answers.items():
        link.answers[1, command] = answer
    context.state.update(runs=RUNS)
    context.state.update(stop=engine.events[3])
    choose(panel, RUN + "1")
    assert (panel.shown.data == engine.arrays[10, "y"] - other.arrays[10, "y"]).all()
    assert panel.head.subject.text().startswith("fc y − run 1, step 2  4×5")
    assert panel.statistics.text().startswith('<span style="color:')  # of all of it
    # An element of the difference is the element of the current run.
    panel.select(2, 3)
    assert context.state.selection.reference == {"event": 10, "name": "y"} and panel.map.selected == (2, 3)
    # The other run becomes current: the difference is the other way round.
    context.state.update(runs=[{**run, "current": run["number"] == 1} for run in RUNS])
    assert panel.controls.view.currentData() == RUN + "2"
    context.state.update(runs=RUNS[1:])
    assert panel.controls.view.currentData() == "data"
    assert panel.save()["view"] == "data"


def test_what_cannot_be_compared_says_why(panel, link, context):
    engine = Engine(link)
    linear_layer(engine)
    context.state.update(runs=RUNS, stop=engine.events[4])
    link.answers[1, "events"] = {"events": engine.events[:3], "first": 0, "last": 2}
    choose(panel, RUN + "1")
    assert "it has come to step 1; switch to it and run it to step 2" in panel.message.text()
    link.answers[1, "events"] = {"events": engine.events, "first": 0, "last": 12}
    link.answers[1, "tensor"] = {"shape": [7, 3], "data": np.zeros((7, 3), "f4"), "block": [1, 1], "dtype": "float32"}
    choose(panel, RUN + "1")
    assert panel.message.text().endswith("5 × 3 and 7 × 3 have no difference.") and not panel.map.isVisible()


def test_a_fork_differs_from_its_run_where_it_was_changed(two_points, qtbot, until, step, tmp_path):
    panel = TensorPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(360, 460)
    panel.show()
    stop = step(two_points, "next", granularity="op")
    while stop.get("name") != "Linear":
        stop = step(two_points, "next", granularity="op")
    seq = stop["seq"]
    was = {}
    two_points.link.ask("t", "tensor", {"reference": {"event": seq, "name": "y"}}, was.update)
    until(lambda: was)
    edit = {"kind": "tensor", "reference": {"event": seq, "name": "y"}, "index": [0, 2], "value": 9.0}
    two_points.link.fork([edit])
    until(lambda: len(two_points.state.runs) == 2 and not two_points.link.moving)
    choose(panel, RUN + "1")
    until(lambda: "− run 1" in panel.head.subject.text() and two_points.link.quiet)
    old = was["data"].numpy()
    expected = np.zeros_like(old)
    expected[0, 2] = np.float32(9.0) - old[0, 2]
    assert (panel.shown.data == expected).all()
    # The file has the same numbers.
    panel.actions_.saver.write("npy", tmp_path / "d.npy")
    until(lambda: (tmp_path / "d.npy").exists() and two_points.link.quiet)
    assert (np.load(tmp_path / "d.npy") == expected).all()
    # Run 1 has not come further: what run 2 computes next has nothing to be compared with.
    step(two_points, "next", granularity="op")
    until(lambda: panel.message.isVisible() and two_points.link.quiet)
    assert "run 1: it has not come to this forward of Relu yet" in panel.message.text()
    assert two_points.troubles == []
