"""The Layers panel: switching statistics on, the table, the curves."""

import math

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics

from gui.panels.layers import LayersPanel
from gui.panels.layers_table import COLUMNS, LayersModel, rows_of
from gui.panels.layers_time import FIELDS
from gui.theme import Theme
from tests.gui.tensor_fakes import Engine

STOP = {"seq": 1, "step": 5, "reason": "step", "live": True, "tensors": []}
NUMBERS = {
    "step": 4, "count": 10, "min": -1.0, "max": 1.0, "mean": 0.0, "std": 0.5, "norm": 2.0, "zeros": 0, "nans": 0, "infs": 0,
}  # fmt: skip

#: Not as fast as it can: of a window that stands still for a while it would forget steps (10,000 are kept).
ENDLESS = """
import time
import engine as torch
from engine import nn
torch.manual_seed(0)
x = torch.randn(8, 4)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
while True:
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), x).backward()
    optimizer.step()
    time.sleep(0.002)
"""


@pytest.fixture
def engine(link):
    engine = Engine(link)
    engine.latest = {
        "fc": dict(NUMBERS), "relu#1": {**NUMBERS, "dead": 0.25}, "slice#1": dict(NUMBERS),
        "relu#1.grad": {**NUMBERS, "std": 5e-4}, "fc.grad": {**NUMBERS, "nans": 2},
        "fc.weight.grad": dict(NUMBERS), "fc.weight": {**NUMBERS, "update_ratio": 0.001},
    }  # fmt: skip
    for name in engine.latest:
        for field in ("std", "norm", "dead", "update_ratio"):
            engine.series[name, field] = {"steps": [0, 1, 2], "values": [1.0, math.nan, 3.0]}
    return engine


@pytest.fixture
def panel(context, qtbot):
    panel = LayersPanel(context)
    qtbot.addWidget(panel)
    panel.resize(400, 460)
    return panel


@pytest.fixture
def collecting(panel, engine):
    panel.restore({"collect": "scalars"})
    return panel


def curves(panel):
    return {curve.name: curve for plot in panel.plot.canvas.plots for curve in plot.curves}


def texts(panel, row):
    return [panel.model.index(row, column).data() for column in range(len(COLUMNS))]


def test_one_click_collects_and_the_cost_is_named(panel, engine, link, qtbot):
    panel.state.update(stop=STOP)
    panel.show()
    assert link.moves == [] and engine.asked("statistics") == []
    assert panel.start.isVisible() and "15 %" in panel.message.text() and "15 %" in panel.start.toolTip()
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert link.moves == [("statistics", {"enabled": True, "tier": "scalars", "histogramsEvery": 20})] and engine.collecting
    assert panel.split.isVisible() and not panel.hint.isVisible()
    panel.state.update(stop={**STOP, "seq": 2})
    assert len(link.moves) == 1


def test_what_was_chosen_once_is_sent_when_the_panel_is_seen(panel, engine, link):
    panel.restore({"collect": "histograms"})
    panel.state.update(stop=STOP)
    assert link.moves == []
    panel.show()
    assert link.moves == [("statistics", {"enabled": True, "tier": "histograms", "histogramsEvery": 20})]


def test_it_says_that_numbers_are_still_to_come(collecting, panel, engine):
    engine.latest = {}
    panel.state.update(stop=STOP)
    panel.show()
    assert panel.message.isVisible() and "on from here" in panel.message.text() and not panel.split.isVisible()


def test_the_table_has_layers_first_and_leaves_out_what_is_not_trained(collecting, panel, engine):
    panel.state.update(stop=STOP)
    panel.show()
    assert [row.name for row in panel.model.rows] == ["fc", "relu#1", "fc.weight"]
    assert texts(panel, 1) == ["relu#1", "0.5000", "5.000e-4", "2.000", "25 %"]
    assert texts(panel, 2) == ["fc.weight", "0.5000", "0.5000", "2.000", "0.001000"]
    assert panel.head.subject.text() == "2 outputs, 1 parameter"
    assert "2 numbers are NaN or infinite" in panel.model.data(panel.model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert panel.state.statistics["latest"] is engine.latest
    panel.grab()


def test_outputs_of_ops_that_no_longer_run_are_left_out(collecting, panel, engine):
    for values in engine.latest.values():
        values["step"] = 40
    engine.latest["gone"], engine.latest["gone.grad"] = {**NUMBERS, "step": 30}, dict(NUMBERS)
    panel.state.update(stop=STOP)
    panel.show()
    assert [row.name for row in panel.model.rows] == ["fc", "relu#1", "fc.weight"]


def test_the_update_ratio_of_an_earlier_step_is_kept(collecting, panel, engine):
    panel.state.update(stop=STOP)
    panel.show()
    del engine.latest["fc.weight"]["update_ratio"]
    engine.series["fc.weight", "update_ratio"] = {"steps": [0, 1], "values": [0.002, None]}
    panel.state.update(stop={**STOP, "seq": 2})
    assert texts(panel, 2)[-1] == "0.002000"


def test_curves_are_of_the_field_and_the_rows_chosen(collecting, panel, engine):
    panel.state.update(stop=STOP)
    panel.show()
    assert list(curves(panel)) == ["fc", "relu#1"]
    assert curves(panel)["fc"].x.tolist() == [1, 3]
    panel.table.selectRow(1)
    assert list(curves(panel)) == ["relu#1"]
    panel.table.clearSelection()
    for number, (_, column, parameter) in enumerate(FIELDS):
        panel.field.setCurrentIndex(number)
        if column.endswith("histogram"):
            continue
        names = list(curves(panel))
        assert names == (["fc.weight"] if parameter else ["relu#1"] if column == "dead" else ["fc", "relu#1"])
        asked = next(asked for asked in engine.asked("statistics")[::-1] if "from" not in asked)
        assert all(name.endswith(".grad") == column.startswith("gradient ") for name in asked["names"])


def test_in_little_room_either_the_table_or_the_curves_are_seen(collecting, panel, engine):
    panel.state.update(stop=STOP)
    panel.show()
    assert panel.table.isVisible() and panel.curves.isVisible() and not panel.over_time.isVisible()
    panel.resize(300, 240)
    assert panel.table.isVisible() and not panel.curves.isVisible() and panel.over_time.isVisible()
    panel.over_time.click()
    assert not panel.table.isVisible() and panel.curves.isVisible()
    panel.resize(300, 460)
    assert panel.table.isVisible() and panel.curves.isVisible()


@pytest.mark.parametrize("width", [200, 245, 400])
def test_short_names_are_read_whole_in_a_narrow_panel(collecting, panel, engine, width):
    panel.state.update(stop=STOP)
    panel.resize(width, 460)
    panel.show()
    metrics = QFontMetrics(panel.theme.code_font("small"))
    for row in panel.model.rows:
        assert metrics.horizontalAdvance(row.name) + 14 <= panel.table.columnWidth(0) <= panel.table.viewport().width()
    numbers = sum(panel.table.columnWidth(place) for place in range(1, len(COLUMNS)))
    assert width < 400 or panel.table.columnWidth(0) + numbers == panel.table.viewport().width()


@pytest.mark.parametrize(("theme", "columns"), [("light", 2), ("projector", 1)])
def test_beside_curves_and_data_the_table_does_not_scroll_sideways(collecting, panel, engine, context, theme, columns):
    """243 pixels are what it has there in a window of 1920, less a scroll bar."""
    names = ["conv1", "max_pool2d#1", "cross_entropy#1", *(f"layer{i}.projection" for i in range(20))]
    engine.latest = {name: {**NUMBERS, "std": 1.234e-5, "dead": 0.1} for name in names}
    engine.latest |= {f"{name}.grad": {**NUMBERS, "std": 1.234e-5} for name in names}
    engine.series = {(name, "std"): engine.series["fc", "std"] for name in names}
    context.set_theme(Theme(theme))
    panel.resize(730, 460)
    panel.state.update(stop=STOP)
    panel.show()
    panel.resize(243, 460)
    table = panel.table
    bar, head = table.verticalScrollBar(), table.horizontalHeader()
    assert bar.maximum() > 0  # it takes some of the width
    assert table.horizontalScrollBar().maximum() == 0 and head.length() <= table.viewport().width()
    shown = [column for column in range(1, len(COLUMNS)) if not table.isColumnHidden(column)]
    assert shown == [1, 2][:columns]
    numbers, words = QFontMetrics(panel.theme.code_font("small")), QFontMetrics(panel.theme.text_font("small"))
    for column in shown:
        assert table.columnWidth(column) >= numbers.horizontalAdvance("1.234e-5") + 8
    panel.resize(730, 460)
    for column in range(1, len(COLUMNS)):  # a head has a margin of its own
        assert table.columnWidth(column) >= words.horizontalAdvance(COLUMNS[column][1]) + 16


def test_the_choice_of_curves_comes_with_something_to_choose(panel, engine):
    panel.resize(400, 200)
    panel.state.update(stop=STOP)
    panel.show()
    assert not panel.over_time.isVisible() and panel.start.isVisible()
    panel.start.click()
    assert panel.model.rows and panel.over_time.isVisible()


def test_the_norm_of_no_finite_number_is_not_0():
    numbers = {**NUMBERS, "std": math.nan, "norm": 0.0, "nans": 9}
    row, = rows_of({"0": numbers, "0.grad": numbers}, {})  # fmt: skip
    assert row.get("norm") is None and row.get("gradient std") is None and row.broken == 18
    row, = rows_of({"0": {**NUMBERS, "std": 0.0, "norm": 0.0}}, {})  # fmt: skip
    assert row.get("norm") == 0.0


def test_parameters_are_what_the_engine_says_they_are():
    """The parameters of a model that is a single layer are called weight and bias alone."""
    latest = {"linear#1": {**NUMBERS, "parameter": False}, "weight": {**NUMBERS, "parameter": True}}
    assert [row.parameter for row in rows_of(latest, {})] == [False, True]
    assert rows_of({"0.weight": NUMBERS}, {})[0].parameter  # as it was saved once


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_names_are_read_also_where_there_is_little_room(collecting, panel, engine, context, scale):
    engine.latest = {"features.conv1": dict(engine.latest["fc"]), **engine.latest}
    engine.latest["features.conv1.grad"] = dict(NUMBERS)
    engine.series["features.conv1", "std"] = engine.series["fc", "std"]
    context.set_theme(Theme("projector", scale))
    panel.resize(340, 460)
    panel.state.update(stop=STOP)
    panel.show()
    wide = QFontMetrics(context.theme.code_font("small")).horizontalAdvance("features.conv1")
    assert panel.table.columnWidth(0) - 14 >= wide or panel.table.columnWidth(0) >= 0.55 * panel.table.width()
    assert not panel.table.isColumnHidden(1)
    tip = panel.model.data(panel.model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert "grad std" in tip and "norm" in tip  # what has no room is told here
    panel.resize(900, 460)
    assert not any(panel.table.isColumnHidden(column) for column in range(len(COLUMNS)))


def test_bars_are_long_by_decades():
    model = LayersModel()
    latest = {f"l{k}": {**NUMBERS, "std": 10.0**-k} for k in range(4)}
    model.set_rows(rows_of({**latest, "zero": {**NUMBERS, "std": 0.0}, "nan": {**NUMBERS, "std": math.nan}}, {}))
    shares = [model.share(model.index(row, 1)) for row in range(6)]
    assert shares[:4] == sorted(shares[:4], reverse=True) and shares[0] - shares[1] == pytest.approx(shares[1] - shares[2])
    assert shares[4] == 0.0 and shares[5] is None and model.share(model.index(0, 0)) is None


def test_it_looks_while_running_and_only_while_seen(collecting, panel, engine):
    panel.state.update(stop=STOP)
    panel.show()
    panel.state.update(running=True)
    assert panel._timer.isActive()
    panel.hide()
    assert not panel._timer.isActive()
    panel.show()
    assert panel._timer.isActive()
    panel.state.update(running=False)
    assert not panel._timer.isActive()


def test_while_running_only_what_is_new_is_asked_for_and_joined(collecting, panel, engine):
    panel.state.update(stop=STOP)
    panel.show()
    assert curves(panel)["fc"].x.tolist() == [1, 3]
    panel.state.update(running=True)
    for name in engine.latest:
        engine.series[name, "std"] = {"steps": [2, 3, 4], "values": [9.0, 5.0, 7.0]}
    panel._ask()
    assert [asked.get("from") for asked in engine.asked("statistics") if asked.get("field") == "std"][-1] == 3
    assert curves(panel)["fc"].x.tolist() == [1, 3, 4, 5] and curves(panel)["fc"].y.tolist() == [1, 3, 5, 7]
    engine.latest["fc"]["std"] = 0.25
    panel._ask()
    assert texts(panel, 0)[1] == "0.2500"
    # Another column is asked for from its beginning, and so is everything where the script stands.
    panel.field.setCurrentIndex([column for _, column, _ in FIELDS].index("norm"))
    assert "from" not in [asked for asked in engine.asked("statistics") if asked.get("field") == "norm"][-1]
    panel.state.update(running=False, stop={**STOP, "seq": 9})
    assert "from" not in [asked for asked in engine.asked("statistics") if asked.get("field") == "norm"][-1]
    assert curves(panel)["fc.weight"].x.tolist() == [1, 3]


def test_collecting_can_be_switched_off_for_good(collecting, panel, engine, link, context):
    panel.state.update(stop=STOP)
    panel.show()
    panel.tiers["off"].trigger()
    assert link.moves[-1] == ("statistics", {"enabled": False}) and "off" in panel.message.text()
    assert panel.start.isVisible() and not panel.split.isVisible()
    saved = panel.save()
    assert saved["collect"] == "off"
    other = LayersPanel(context)
    other.restore(saved)
    other.show()
    assert len(link.moves) == 2 and other.save() == saved
    context.set_theme(Theme("dark", 1.5))
    other.close()
    other.deleteLater()


def test_on_a_true_session(two_points, qtbot, until, step):
    panel = LayersPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(400, 460)
    panel.show()
    panel.start.click()
    until(lambda: two_points.state.statistics.get("enabled"))
    step(two_points, "runTo", step=12)
    until(lambda: len(panel.model.rows) >= 8 and all(row.values["step"] == 11 for row in panel.model.rows if row.parameter))
    relu = next(row for row in panel.model.rows if "relu" in row.name or row.name == "1")
    assert 0 <= relu.get("share") <= 1 and relu.gradient["std"] > 0
    until(lambda: curves(panel))
    until(lambda: all(row.get("share") for row in panel.model.rows if row.parameter))
    assert all(np.isfinite(curve.y).all() for curve in curves(panel).values())
    # The numbers are NumPy's of the weights that the script has now.
    found = []
    asked = {"reference": {"expression": "model[0].weight"}}
    two_points.link.ask("w", "tensor", asked, found.append, two_points.troubles.append)
    until(lambda: found or two_points.troubles)
    weight = found[0]["data"].numpy().astype(float)
    row = next(row for row in panel.model.rows if row.name.endswith("0.weight"))
    assert row.values["step"] == 11 and row.get("norm") == pytest.approx(np.linalg.norm(weight), rel=1e-5)
    assert row.get("std") == pytest.approx(weight.std(), rel=1e-5)
    assert two_points.troubles == []


def test_numbers_move_while_a_true_run_goes_on(real, qtbot, until, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(ENDLESS)
    panel = LayersPanel(real)
    qtbot.addWidget(panel)
    panel.resize(400, 460)
    panel.restore({"collect": "scalars"})
    panel.show()
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None and real.link.quiet)
    real.link.move("continue")
    until(lambda: real.state.running and panel.model.rows and curves(panel))

    def shown():
        curve = curves(panel)["0"]
        ratio = next(row for row in panel.model.rows if row.parameter).get("share")
        return panel.model.rows[0].values["step"], panel.model.rows[0].get("std"), ratio, curve.x[-1]

    before = shown()
    until(lambda: all(a != b for a, b in zip(before, shown())))
    steps = curves(panel)["0"].x
    assert (np.diff(steps) == 1).all()
    real.link.move("pause")
    until(lambda: not real.state.running and not real.link.moving)
    assert real.troubles == []


def test_histograms_over_time_of_a_true_session(two_points, qtbot, until, step):
    panel = LayersPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(400, 500)
    panel.field.setCurrentIndex([column for _, column, _ in FIELDS].index("histogram"))
    panel.show()
    panel.start.click()
    until(lambda: two_points.state.statistics.get("enabled"))
    step(two_points, "runTo", step=2)
    until(lambda: panel.model.rows)
    until(lambda: panel.curves.note.isVisible())
    assert "with histograms" in panel.curves.note.text()
    panel.tiers["histograms"].trigger()
    until(lambda: two_points.link.quiet)
    step(two_points, "runTo", step=63)
    until(lambda: panel.model.rows[0].values["step"] == 62)
    panel.table.selectRow(next(k for k, row in enumerate(panel.model.rows) if row.name.endswith("0.weight")))
    shown = panel.curves.histogram
    until(lambda: shown.isVisible() and shown.title.endswith("0.weight") and len(shown._steps) >= 3)
    assert shown._steps.tolist() == [21, 41, 61] and shown._counts.sum(axis=1).tolist() == [16, 16, 16]
    said = []
    shown.read.connect(said.append)
    box = shown._box()
    text = shown.text_at(box.center().x(), box.bottom() - 2)
    assert text.startswith("step 41   ") and text.endswith(" %")
    for name in ("light", "dark", "projector"):
        panel.apply_theme(Theme(name, 1.5))
        assert not panel.grab().isNull()
    assert two_points.troubles == []
