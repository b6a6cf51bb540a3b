"""The Curves panel: runs, marks, the cursor, and what stays across steps."""

import numpy as np
import pytest
from PyQt6.QtWidgets import QApplication

from gui.panels.curves import CurvesPanel
from gui.theme import Theme

STOP = {"seq": 1, "step": 5, "reason": "step", "live": True, "description": ""}


def curve(count, factor=1.0):
    return {"steps": np.arange(count), "losses": factor / np.arange(1.0, count + 1)}


@pytest.fixture
def panel(context, qtbot):
    panel = CurvesPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 260)
    panel.show()
    return panel


def runs(*names, current=0):
    return [{"name": name, "number": i + 1, "current": i == current} for i, name in enumerate(names)]


def test_without_losses_it_says_how_to_get_some(panel):
    panel.state.update(stop=STOP)
    assert panel.message.isVisible() and not panel.plot.isVisible() and "backward()" in panel.message.text()


def test_every_run_has_its_curve_and_the_current_one_the_accent(panel):
    panel.state.update(stop=STOP, runs=runs("base", "run 2", current=1), curves={"base": curve(9), "run 2": curve(6, 2.0)})
    assert panel.plot.isVisible() and panel.head.subject.text() == "loss, 6 steps"
    assert list(panel.plot._curves) == ["run 2", "base"]
    assert panel.plot.color("run 2") == panel.theme.accent
    assert (panel.plot._drawn["base"][1].yData == curve(9)["losses"]).all()
    assert panel.plot._cursor.value() == 5 and panel.plot._cursor.isVisible()
    panel.state.update(runs=runs("base"), curves={"base": curve(10)})
    assert list(panel.plot._curves) == ["base"] and panel.head.subject.text() == "loss, 10 steps"


def test_marks_stand_at_breakpoints_diagnoses_and_broken_losses(panel):
    losses = curve(9)
    losses["losses"][7:] = np.nan
    panel.state.update(runs=runs("base"), curves={"base": losses})
    panel.state.update(stop={**STOP, "step": 3, "reason": "breakpoint", "description": "line 4"})
    panel.state.update(stop={**STOP, "seq": 2})
    panel.state.update(findings=[{"title": "Dead ReLU", "place": {"step": 4}}])
    marks = {(mark.x, mark.alarm): mark.text for mark in panel.plot._marks}
    assert marks == {(3, False): "breakpoint: line 4", (4, True): "Dead ReLU", (7, True): "loss is nan from here"}
    panel.grab()


def test_while_it_runs_the_cursor_follows(panel):
    panel.state.update(stop=STOP, runs=runs("base"), curves={"base": curve(9)})
    panel.state.update(running=True, progress={"step": 7, "epoch": 0, "batch": 7})
    assert panel.plot._cursor.value() == 7
    panel.state.update(curves={"base": curve(12)})
    assert len(panel.plot._drawn["base"][1].xData) == 12


def test_a_hidden_panel_draws_when_it_is_shown(panel):
    panel.hide()
    panel.state.update(stop={**STOP, "reason": "breakpoint"}, runs=runs("base"), curves={"base": curve(9)})
    assert not panel.plot._curves
    panel.show()
    assert list(panel.plot._curves) == ["base"] and [mark.x for mark in panel.plot._marks] == [5]


def test_choices_last_and_losses_are_copied(panel, context):
    panel.state.update(stop=STOP, runs=runs("base"), curves={"base": curve(3)})
    panel.restore({"smoothing": 20, "log": True})
    assert panel.save() == {"smoothing": 20, "log": True}
    assert panel.plot._drawn["base"][0].isVisible() and panel.plot._item.getAxis("left").logMode
    panel.restore({"smoothing": "?"})
    context.set_theme(Theme("projector"))
    panel.grab()
    panel.copy()
    assert QApplication.clipboard().text().splitlines()[:2] == ["run\tstep\tloss", "base\t0\t1.0"]
    assert [action.text() for action in panel.menu().actions()]


def test_on_a_true_session(two_points, qtbot, until, step):
    panel = CurvesPanel(two_points)
    qtbot.addWidget(panel)
    panel.show()
    step(two_points, "runTo", step=6)
    until(lambda: panel.plot._curves and len(next(iter(panel.plot._curves.values()))[0]) >= 6)
    x, y = next(iter(panel.plot._curves.values()))
    assert x[:6].tolist() == list(range(6)) and np.isfinite(y[:6]).all()
    assert panel.plot._cursor.value() == two_points.state.stop["step"]
