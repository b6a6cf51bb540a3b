"""Steps are counted from 1 wherever they are read, as epochs and batches are."""

from __future__ import annotations

import pytest

from gui.breadcrumb import parts
from gui.panels.curves import CurvesPanel
from gui.panels.timeline import TimelinePanel
from gui.status import StatusLine
from gui.steps import step_number


@pytest.mark.parametrize(("place", "number"), [
    ({"kind": "forward", "step": 0}, 1), ({"kind": "line", "step": 3}, 4), ({"kind": "update", "step": 3}, 4),
    ({"kind": "end_step", "name": "SGD", "step": 3}, 3), ({"kind": "batch", "name": "step", "step": 3}, 3),
    ({"kind": "batch", "name": "DataLoader", "step": 3}, 4), ({"kind": "end", "step": 1000}, 1000), ({}, 1), (None, 1),
    ({"step": 12}, 13), ({"kind": "end", "step": 0}, 1),
])  # fmt: skip
def test_a_step_lasts_up_to_its_end(place, number):
    assert step_number(place) == number


def test_every_part_of_the_window_says_the_same_step(two_points, step, until, qtbot):
    """Stopped in the first op of the third step: breadcrumb, status line, curves and timeline agree."""
    curves, timeline, status = CurvesPanel(two_points), TimelinePanel(two_points), StatusLine(two_points)
    for widget in (curves, timeline, status):
        qtbot.addWidget(widget)
        widget.resize(900, 300)
        widget.show()
    assert step_number(step(two_points, "runTo", step=2)) == 2
    stop = step(two_points, "next", granularity="op")
    until(lambda: two_points.link.quiet and curves.plot.canvas.plots and timeline.events.get(stop["seq"]) is not None)
    assert stop["step"] == 2 and parts(stop)[0].text == "step 3" and "step 3" in status.state.text().split("  ·  ")
    assert curves.plot.canvas.cursor_at == 3 and timeline.events.describe(stop["seq"]).startswith("step 3 · ")
    assert drawn(curves).tolist() == [1, 2] and timeline.events.steps[-1][1] == "3"


def drawn(panel):
    return panel.plot.canvas.plots[0].curves[0].x
