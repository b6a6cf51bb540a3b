"""The Curves panel: quantities, runs, epochs, marks, the cursor, travelling, and numbers of true runs."""

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QLabel

from gui.curve_data import end_of, epoch_at, joined, series_of
from gui.panels.curves import CurvesPanel
from gui.theme import Theme
from tests.gui.clipping import clipped

STOP = {"seq": 1, "step": 5, "reason": "step", "live": True, "description": ""}


class Sent:
    """An array as the protocol sends it."""

    def __init__(self, values):
        self._values = np.asarray(values)

    def numpy(self):
        return self._values


def curve(count, factor=1.0):
    return {"steps": np.arange(count), "losses": factor / np.arange(1.0, count + 1)}


def measured(count, epochs=((1, 0), (2, 4))):
    steps = np.arange(count)
    return {
        "series": {
            ("accuracy", "train"): (steps[::2], steps[::2] / 100, np.full(len(steps[::2]), 8)),
            ("accuracy", "validation"): (np.array([4, 8]), np.array([0.5, 0.75]), np.array([20, 20])),
            ("loss", "validation"): (np.array([4, 8]), np.array([0.6, 0.3]), np.array([20, 20])),
            ("learning rate", "train"): (np.array([0, 6]), np.array([0.1, 0.01]), np.ones(2, int)),
            ("gradient norm", "train"): (steps, 1.0 + steps, np.ones(count, int)),
        },
        "epochs": np.array(epochs, np.int64).reshape(-1, 2),
    }


def runs(*names, current=0):
    return [{"name": name, "number": i + 1, "current": i == current} for i, name in enumerate(names)]


@pytest.fixture
def panel(context, qtbot):
    panel = CurvesPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 260)
    panel.show()
    return panel


def shown(panel):
    return {plot.title: [curve.name for curve in plot.curves] for plot in panel.plot.canvas.plots}


def drawn(panel, title, name):
    plot = next(plot for plot in panel.plot.canvas.plots if plot.title == title)
    return next(curve for curve in plot.curves if curve.name == name)


# ---- data ----


def test_answers_are_joined_at_the_step_that_was_asked_from():
    first = {"steps": Sent([0, 1, 2]), "losses": Sent([3.0, 2.0, 1.0]), "epochs": Sent(np.array([[1, 0]])), "series": [
        {"quantity": "loss", "name": "validation", "steps": Sent([2]), "values": Sent([0.5]), "counts": Sent([10])},
        {"quantity": "learning rate", "name": "train", "steps": Sent([0]), "values": Sent([0.1]), "counts": Sent([1])},
    ]}  # fmt: skip
    old, extra = joined(None, None, first, 0)
    second = {"steps": Sent([2, 3]), "losses": Sent([1.0, 0.5]), "epochs": Sent(np.array([[2, 2]])), "series": [
        {"quantity": "loss", "name": "validation", "steps": Sent([2]), "values": Sent([0.4]), "counts": Sent([20])},
    ]}  # fmt: skip
    both, more = joined(old, extra, second, 2)
    assert both["steps"].tolist() == [0, 1, 2, 3] and both["losses"].tolist() == [3.0, 2.0, 1.0, 0.5]
    assert more["series"]["loss", "validation"][1].tolist() == [0.4]  # the evaluation went on
    assert more["series"]["learning rate", "train"][1].tolist() == [0.1] and more["epochs"].tolist() == [[1, 0], [2, 2]]


def test_what_was_known_of_a_place_of_evaluation_goes_by_its_new_name():
    def answer(steps, *names):
        arrays = {key: Sent(np.array(steps)) for key in ("steps", "values", "counts")}
        series = [{"quantity": "loss", "name": names[-1], **arrays}]
        return {"steps": Sent(np.arange(4)), "losses": Sent(np.ones(4)), "series": series, "evaluations": list(names)}

    curve, extra = joined(None, None, answer([1], "validation"), 0)
    curve, extra = joined(curve, extra, answer([2], "evaluation: y (line 3)", "evaluation: y (line 4)"), 2)
    curve, extra = joined(curve, extra, answer([3], "evaluation: y (line 3)", "evaluation: y (line 4)", "evaluation: z"), 3)
    found = {name: values.tolist() for (_, name), (_, values, _) in extra["series"].items()}
    assert found == {"evaluation: y (line 3)": [1], "evaluation: y (line 4)": [2], "evaluation: z": [3]}


def test_an_epoch_is_the_mean_of_its_batches_and_its_last_evaluation():
    found = {(one.quantity, one.name): one for one in series_of(curve(8), measured(8), per_epoch=True)}
    loss = found["loss", "train"]
    assert loss.x.tolist() == [1, 2]
    assert loss.y == pytest.approx([np.mean(1 / np.arange(1.0, 5)), np.mean(1 / np.arange(5.0, 9))])
    assert found["accuracy", "train"].y == pytest.approx([1.0, 5.0])  # percent
    assert found["loss", "validation"].x.tolist() == [1, 2] and found["loss", "validation"].y.tolist() == [0.6, 0.3]
    assert found["learning rate", "train"].y.tolist() == [0.1, 0.01]
    assert found["gradient norm", "train"].y == pytest.approx([2.5, 6.5])
    assert [epoch_at(measured(8), step) for step in (1, 4, 5, 8)] == [1, 1, 2, 2]
    assert end_of(measured(8), 1, 8) == 4 and end_of(measured(8), 2, 8) == 8
    assert epoch_at(None, 3) is None and epoch_at(measured(8, ()), 3) is None


# ---- the panel ----


def test_without_losses_it_says_how_to_get_some(panel):
    panel.state.update(stop=STOP)
    assert panel.message.isVisible() and not panel.plot.isVisible() and "backward()" in panel.message.text()


def test_what_there_is_no_room_to_say_is_left_out_as_a_whole(panel, context):
    context.set_theme(Theme("projector", 2.0))
    context.state.update(stop={"seq": 0, "reason": "entry", "live": True})
    for height, parts in ((500, 2), (200, 1)):
        panel.resize(366, height)
        QApplication.processEvents()
        said = QLabel.text(panel.message)
        assert said == "\n\n".join(panel.message.text().split("\n\n")[:parts])
        assert not clipped(panel.message)


def test_quantities_are_chosen_and_stand_below_each_other(panel):
    panel.state.update(stop=STOP, runs=runs("base"), curves={1: curve(9)}, measures={1: measured(9)})
    assert shown(panel) == {"loss": ["train", "validation"], "accuracy": ["train", "validation"]}
    panel.quantities["learning rate"].trigger()
    panel.quantities["gradient norm"].trigger()
    panel.quantities["loss"].trigger()
    assert list(shown(panel)) == ["accuracy", "learning rate", "gradient norm"]
    validation = drawn(panel, "accuracy", "validation")
    assert validation.y.tolist() == [50.0, 75.0] and validation.points
    assert drawn(panel, "learning rate", "train").hold
    assert panel.plot.text_at(8) == (
        "step 8, epoch 2   accuracy validation 75.00 %   learning rate 0.01000   gradient norm 8.000"
    )
    for action in panel.quantities.values():
        action.setChecked(False)
    assert panel.message.isVisible() and "Show" in panel.message.text()


def test_every_run_has_its_curves_and_the_current_one_the_accent(panel):
    panel.state.update(stop=STOP, runs=runs("base", "run 2", current=1), curves={1: curve(9), 2: curve(6, 2.0)})
    assert shown(panel) == {"loss": ["run 2: train", "base: train"]}
    assert drawn(panel, "loss", "run 2: train").style == 0 and drawn(panel, "loss", "base: train").style == 1
    assert (drawn(panel, "loss", "base: train").y == curve(9)["losses"]).all()
    assert panel.plot.canvas.cursor_at == 6 and panel.head.subject.text() == "6 steps"
    panel.state.update(runs=runs("base"), curves={1: curve(10)})
    assert shown(panel) == {"loss": ["train"]} and panel.head.subject.text() == "10 steps"


def test_backward_passes_that_add_up_are_one_step(panel, context):
    """Gradients of two batches in each step of the optimizer: six passes, three steps."""
    summed = {"steps": np.array([0, 0, 1, 1, 2, 2]), "losses": np.linspace(1, 0.5, 6)}
    context.state.update(stop=STOP, runs=runs("run 1"), curves={1: summed})
    assert panel.head.subject.text() == "3 steps"


def test_per_epoch_the_axis_counts_epochs(panel):
    panel.state.update(stop={**STOP, "step": 8}, runs=runs("base"), curves={1: curve(9)})
    assert not panel.axis["epoch"].isEnabled()
    panel.state.update(measures={1: measured(9)})
    panel.axis["epoch"].trigger()
    assert panel.per_epoch and panel.plot.canvas.x_label == "epoch" and panel.plot.canvas.cursor_at == 2
    assert drawn(panel, "loss", "train").x.tolist() == [1, 2]
    assert panel.plot.text_at(2).startswith("epoch 2   loss train")
    panel.axis["step"].trigger()
    assert panel.plot.canvas.cursor_at == 9 and len(drawn(panel, "loss", "train").x) == 9


def test_marks_stand_at_breakpoints_diagnoses_and_broken_losses(panel):
    losses = curve(9)
    losses["losses"][7:] = np.nan
    panel.state.update(runs=runs("base"), curves={1: losses})
    panel.state.update(stop={**STOP, "step": 3, "reason": "breakpoint", "description": "line 4"})
    panel.state.update(stop={**STOP, "seq": 2})
    panel.state.update(findings=[{"title": "Dead ReLU", "place": {"step": 4}}])
    marks = {(mark.x, mark.alarm): mark.text for mark in panel.plot.canvas.marks}
    assert marks == {(4, False): "breakpoint: line 4", (5, True): "Dead ReLU", (8, True): "loss is nan from here"}
    panel.grab()


def test_a_fault_that_is_told_again_has_one_mark_where_it_was_told_last(panel):
    place = {"file": "/a.py", "line": 66}
    told = [{"id": "overfits", "title": "The model overfits", "place": {**place, "step": step}} for step in (2, 4, 6)]
    other = {"id": "overfits", "title": "The model overfits", "place": {**place, "line": 7, "step": 3}}
    panel.state.update(runs=runs("base"), stop=STOP, curves={1: curve(9)}, findings=[*told, other])
    assert sorted(mark.x for mark in panel.plot.canvas.marks) == [4, 7]


def test_while_it_runs_the_cursor_follows(panel):
    panel.state.update(stop=STOP, runs=runs("base"), curves={1: curve(9)})
    panel.state.update(running=True, progress={"step": 7, "epoch": 0, "batch": 7})
    assert panel.plot.canvas.cursor_at == 8
    panel.state.update(curves={1: curve(12)})
    assert len(drawn(panel, "loss", "train").x) == 12


def test_a_hidden_panel_draws_when_it_is_shown(panel):
    panel.hide()
    panel.state.update(stop={**STOP, "reason": "breakpoint"}, runs=runs("base"), curves={1: curve(9)})
    assert not panel.plot.canvas.plots
    panel.show()
    assert shown(panel) == {"loss": ["train"]} and [mark.x for mark in panel.plot.canvas.marks] == [6]


@pytest.mark.parametrize(("positions", "steps", "moves"), [
    ({"loss": [31, 0, 0]}, 9, [("goto", {"position": [31, 0, 0]})]),
    ({"loss": None, "step": [40, 0, 0]}, 9, [("goto", {"position": [40, 0, 0]})]),
    ({"loss": None, "step": None}, 2, [("runTo", {"step": 8})]),
])  # fmt: skip
def test_a_click_travels_to_the_loss_and_forwards_where_the_run_has_not_been(panel, link, qtbot, positions, steps, moves):
    link.answers["locate"] = lambda asked: {"position": positions[asked.get("what", "step")], "steps": steps}
    panel.state.update(stop=STOP, runs=runs("base"), curves={1: curve(9)})
    panel.plot.canvas.set_pointer(8.0)
    panel.plot.setFocus()
    qtbot.keyClick(panel.plot.canvas, Qt.Key.Key_Return)
    assert link.moves == moves


def test_choices_last_and_values_are_copied(panel, context):
    panel.state.update(stop=STOP, runs=runs("base"), curves={1: curve(3)}, measures={1: measured(3)})
    saved = {"smoothing": "EMA 0.9", "log": True, "epochs": True, "shown": ["loss", "gradient norm"]}
    panel.restore(saved)
    assert panel.save() == saved and panel.plot.canvas.decay == 0.9
    assert [plot.log for plot in panel.plot.canvas.plots] == [True, True]
    panel.restore({"smoothing": "?"})
    assert panel.plot.canvas.decay == 0.0
    context.set_theme(Theme("projector", 1.5))
    panel.grab()
    panel.copy()
    text = QApplication.clipboard().text().splitlines()
    assert text[:2] == ["run\tquantity\tof\tstep\tvalue", "base\tloss\ttrain\t1\t1.0"]
    assert "base\taccuracy in %\tvalidation\t4\t50.0" in text
    assert [action.text() for action in panel.menu().actions()]


def test_on_a_true_session(two_points, qtbot, until, step):
    panel = CurvesPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(400, 300)
    panel.show()
    step(two_points, "runTo", step=6)
    until(lambda: panel.plot.canvas.plots and len(drawn(panel, "loss", "train").x) >= 6)
    loss = drawn(panel, "loss", "train")
    assert loss.x[:6].tolist() == list(range(1, 7)) and np.isfinite(loss.y[:6]).all()
    assert panel.plot.canvas.cursor_at == 6
    # Two points, predictions that are printed: p = 0.5 is nobody's first guess, so that the accuracy is 0, 50 or 100 %.
    assert set(drawn(panel, "accuracy", "train").y) <= {0.0, 50.0, 100.0}
    rates = two_points.state.measures[1]["series"]["learning rate", "train"]
    assert rates[0].tolist() == [0] and rates[1].tolist() == [0.01]
    # A click on step 2 goes back to where its loss was computed.
    panel.plot.canvas.set_pointer(2.0)
    qtbot.keyClick(panel.plot.canvas, Qt.Key.Key_Return)
    until(lambda: two_points.state.stop["step"] == 1 and not two_points.link.moving)
    assert two_points.state.stop["kind"] == "begin_backward" and two_points.troubles == []
