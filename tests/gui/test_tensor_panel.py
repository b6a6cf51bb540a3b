"""The Tensor panel: what it shows for a stop and a selection, what it asks for, and what a click does."""

from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, Qt, QTimer
from PyQt6.QtWidgets import QApplication, QComboBox, QFileDialog

from gui.asking import LOST
from gui.makers import maker_of, with_events
from gui.panels.tensor import TensorPanel
from gui.panels.tensor_edit import EditDialog, number_of, place_of
from gui.panels.tensor_source import Source
from gui.panels.tensor_view import statistics_of, statistics_text
from gui.state import Selection
from gui.style import style_sheet
from gui.theme import Theme
from gui.widgets.stepper import Stepper
from tests.gui.clipping import clipped
from tests.gui.conftest import at_rest
from tests.gui.network_fakes import edge, node
from tests.gui.tensor_fakes import Engine, choose, linear_layer


@pytest.fixture
def engine(link):
    return Engine(link)


@pytest.fixture
def panel(context, qtbot):
    panel = TensorPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 460)
    panel.show()
    return panel


def stop_at(panel, event, /, **selection):
    panel.state.update(stop=event, selection=Selection(**selection))


def test_without_a_selection_the_op_s_main_output_is_shown(panel, engine):
    linear_layer(engine)
    for event, name in zip(engine.events, ("y", "dw", "w_new")):
        stop_at(panel, event)
        assert (panel.shown.data == engine.arrays[event["seq"], name]).all()
    assert panel.head.subject.text() == "fc.weight  5×3  float32"


def test_the_selection_is_shown_and_its_element_ringed(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", index=(4, 1))
    assert (panel.shown.data == engine.arrays[0, "w"]).all()
    assert panel.map.selected == (4, 1)
    assert panel.read_out.text() == f"[4, 1] = {engine.arrays[0, 'w'][4, 1]!s}"
    assert panel.histogram.value == pytest.approx(float(engine.arrays[0, "w"][4, 1]))
    before = len(engine.asked("tensor"))
    panel.state.reselect(index=(0, 0))
    assert panel.map.selected == (0, 0) and len(engine.asked("tensor")) == before


def test_a_click_selects_for_the_whole_window(panel, engine, qtbot):
    linear_layer(engine)
    stop_at(panel, engine.events[0])
    qtbot.mouseClick(panel.map, Qt.MouseButton.LeftButton, pos=panel.map.cell_rect(2, 3).center().toPoint())
    selection = panel.state.selection
    assert selection.reference == {"event": 0, "name": "y"} and selection.index == (2, 3)
    assert panel.map.selected == (2, 3)


def test_gradient_update_and_difference(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[5], event=10, name="w", label="fc.weight")
    choose(panel, "difference")
    assert (panel.shown.data == engine.arrays[10, "w"] - engine.arrays[0, "w"]).all()
    assert panel.source.title == "fc.weight: step 2 − step 1"
    stop_at(panel, engine.events[5], expression="fc.weight")
    choose(panel, "gradient")
    assert (panel.shown.data == engine.arrays["fc.weight.grad"]).all()
    choose(panel, "update")
    assert (panel.shown.data == engine.arrays[12, "w_new"] - engine.arrays[12, "w"]).all()
    assert panel.statistics.text().count("norm") == 1 and panel.histogram.counts.sum() == 15
    # The element that is selected is ringed in what is derived from its tensor, too.
    stop_at(panel, engine.events[5], expression="fc.weight", index=(2, 1))
    assert panel.controls.view.currentData() == "update" and panel.map.selected == (2, 1)


def test_the_gradient_of_an_activation_is_that_of_its_step(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[3], event=10, name="y", label="fc y")
    choose(panel, "gradient")
    assert panel.message.isVisible() and not panel.map.isVisible()
    assert "not computed yet" in panel.message.text()
    stop_at(panel, engine.events[4], event=10, name="y", label="fc y")
    assert (panel.shown.data == engine.arrays[11, "dy"]).all() and panel.map.isVisible()
    # What is a gradient already is shown as it is.
    stop_at(panel, engine.events[4], event=11, name="dw")
    assert (panel.shown.data == engine.arrays[11, "dw"]).all()


def test_a_click_on_a_gradient_keeps_the_view(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[1], event=0, name="y", label="fc y")
    choose(panel, "gradient")
    panel.select(1, 1)
    assert panel.state.selection.reference == {"event": 1, "name": "dy"}
    assert panel.source.title == "gradient of fc y" and panel.map.selected == (1, 1)


def test_what_a_cell_is_the_mean_of_is_named_from_its_first_element(panel, engine):
    big = np.random.default_rng(0).normal(size=(4, 3001))
    stop_at(panel, engine.add(1, "forward", "Linear", "fc", 0, {"y": big}))
    _, wide = panel.shown.block
    assert wide > 2
    for column, first in ((wide + wide // 2, wide), (3000, 3000 // wide * wide)):
        last = min(first + wide, 3001)
        said, _, number = panel.text_at(2, column).partition(" = ")
        assert said == f"mean of 1 × {last - first} from [2, {first}]"
        assert float(number.partition(";")[0]) == pytest.approx(big[2, first:last].mean(), abs=1e-6)


def test_no_more_numbers_are_asked_for_than_the_map_has_pixels(panel, engine, qtbot):
    big = np.random.default_rng(0).normal(size=(2000, 3000)).astype("f4")
    stop_at(panel, engine.add(1, "forward", "Linear", "fc", 0, {"y": big}))
    rows, columns = panel.map.height(), panel.map.width()
    for asked in engine.asked("tensor"):
        assert asked["maxShape"][0] <= rows and asked["maxShape"][1] <= columns
    assert panel.shown.block[0] > 1 and panel.text_at(0, 0).startswith("mean of")
    # Zoomed in, the part that is seen is asked for, and its numbers are exact.
    panel.map.view.zoom_at(1e6, 10, 10)
    panel.map._moved()
    qtbot.waitUntil(lambda: panel.shown.block == (1, 1))
    top, _, left, _ = panel.map.view.visible()
    assert panel.text_at(top, left) == f"[{top}, {left}] = {big[top, left]!s}"
    assert engine.asked("tensor")[-1]["slice"][0][0] == top
    panel.map.reset_view()
    qtbot.waitUntil(lambda: panel.shown.block[0] > 1)


def test_it_says_how_many_of_very_many_maps_are_shown(panel, engine):
    event = engine.add(0, "forward", "Conv2d", "conv", 0, {"w": np.ones((32, 16, 3, 3), "f4")}, w="conv.weight")
    stop_at(panel, event, event=0, name="w")
    assert panel.read_out.text() == "16 × 16 of 32 × 16 maps. Point at a number to read it"
    stop_at(panel, engine.add(1, "forward", "Conv2d", "one", 0, {"w": np.ones((8, 1, 3, 3), "f4")}), event=1, name="w")
    assert panel.read_out.text() == "Point at a number to read it"
    assert panel.map.tiles_are_numbered == (False, False)  # the tiles of eight maps go on in a second row


def test_four_dimensions_are_an_atlas(panel, engine):
    y = np.random.default_rng(0).normal(size=(4, 6, 8, 8)).astype("f4")
    w = np.random.default_rng(1).normal(size=(6, 3, 3, 3)).astype("f4")
    event = engine.add(1, "forward", "Conv2d", "conv", 0, {"y": y, "w": w}, w="conv.weight")
    stop_at(panel, event, event=1, name="y", sample=2)
    assert panel.controls.first.value() == 2 and panel.map.picture.note == "scale shared by the maps"
    assert panel.shown.number(*panel.shown.cell((2, 5, 7, 1))) == y[2, 5, 7, 1]
    panel.controls.first.spin.setValue(3)
    assert panel.state.selection.sample == 3
    assert panel.shown.number(*panel.shown.cell((3, 0, 1, 1))) == y[3, 0, 1, 1]
    panel.controls.second.spin.setValue(4)
    assert panel.shown.data.shape == (8, 8) and panel.shown.index(1, 2) == (3, 4, 1, 2)
    stop_at(panel, event, event=1, name="w")
    assert panel.shown.plan.layout.lead == (6, 3)
    panel.controls.slice.setText("0, :, 1")
    panel.controls.show_slice(True)
    assert (panel.shown.data == w[0, :, 1]).all() and panel.shown.index(2, 1) == (0, 2, 1, 1)
    panel.controls.slice.setText("0, 7")
    panel.controls.slice.editingFinished.emit()
    assert "no index 7" in panel.head.subject.toolTip()


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (2, 3, 4), (2, 1, 3, 4, 5)])
def test_every_shape_has_a_map(panel, engine, shape):
    array = np.random.default_rng(0).normal(size=shape).astype("f4")
    stop_at(panel, engine.add(1, "forward", "Op", "m", 0, {"y": array}))
    assert panel.shown.shape == shape
    panel.grab()
    if array.size:
        panel.select(0, 0)
        assert panel.state.selection.index == (0,) * len(shape)


@pytest.mark.parametrize("dtype", ["i8", "?", "u1", "f8", "f2"])
def test_every_dtype_has_a_map(panel, engine, dtype):
    array = np.array([[0, 1], [1, 0]]).astype(dtype)
    stop_at(panel, engine.add(1, "forward", "Op", "m", 0, {"y": array}))
    panel.grab()
    assert panel.text_at(0, 1).endswith(str(array[0, 1]))


def test_what_is_not_finite_is_counted(panel, engine):
    array = np.array([[np.nan, np.inf, 1.0]], "f4")
    stop_at(panel, engine.add(1, "forward", "Op", "m", 0, {"y": array}))
    assert "1&nbsp;NaN" in panel.statistics.text() and "1&nbsp;infinite" in panel.statistics.text()
    panel.grab()


def test_scale_and_zoom_stay_across_steps(panel, engine):
    for seq, factor in enumerate((1.0, 0.5, 2.0)):
        y = np.full((40, 40), 0.6 * factor, "f4")
        event = engine.add(seq, "forward", "Linear", "fc", seq, {"y": y})
        stop_at(panel, event)
        if seq == 0:
            panel.map.view.zoom_at(2, 0, 0)
        assert panel.map.picture.scale.high == (0.7, 0.7, 1.5)[seq] and panel.map.view.zoom == 2
    panel.controls.range.choose("min-max")
    assert panel.map.picture.scale.sequential


def test_contributors_are_ringed_by_their_share(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w")
    panel.keep.setChecked(True)
    panel.state.select(event=0, name="y", index=(0, 2))
    panel.state.update(contributors=[
        {"tensor": "w", "index": [2, 0], "share": -0.5}, {"tensor": "w", "index": [2, 1], "share": 0.25},
        {"tensor": "x", "index": [0, 0], "share": 1.0},
    ])  # fmt: skip
    assert panel.map.shares == [(2, 0, 1.0), (2, 1, 0.5)] and panel.map.selected is None
    # A kept tensor is shown anew when its op runs again.
    panel.state.update(stop=engine.events[3], contributors=[])
    assert (panel.shown.data == engine.arrays[10, "w"]).all()
    panel.keep.setChecked(False)
    assert panel.source.references[0]["name"] == "y"


def test_double_click_forks_with_another_value(panel, engine, link, qtbot):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", label="fc.weight")
    place = panel.map.cell_rect(3, 1).center().toPoint()

    def answer():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, EditDialog) and dialog.field.text() == str(engine.arrays[0, "w"][3, 1])
        dialog.field.setText("not a number")
        assert not dialog.fork.isEnabled()
        dialog.field.setText("0.25")
        dialog.grab()
        dialog.fork.click()

    QTimer.singleShot(50, answer)
    qtbot.mouseDClick(panel.map, Qt.MouseButton.LeftButton, pos=place)
    edit = {"kind": "tensor", "reference": {"expression": "fc.weight"}, "index": [3, 1], "value": 0.25}
    assert link.moves == [("fork", {"edits": [edit], "name": "fc.weight[3, 1] = 0.25", "parameters": ()})]
    # The op has read the old value; in the new run the parameter itself is shown.
    before = panel.state.selection
    runs = [{"number": 1, "name": "run 1", "current": False}, {"number": 2, "name": "fc", "current": True}]
    panel.state.update(runs=runs)
    qtbot.waitUntil(lambda: panel.state.selection != before)
    assert (panel.state.selection.expression, panel.state.selection.index) == ("fc.weight", (3, 1))


def test_what_is_selected_elsewhere_is_edited_as_soon_as_its_number_is_here(panel, engine, link, qtbot):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", label="fc.weight")
    found = []

    def answer():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, EditDialog)
        found.append(dialog.field.text())
        dialog.reject()

    QTimer.singleShot(100, answer)
    panel.state.update(selection=Selection(event=0, name="y", index=(1, 2)))
    panel.context.want_edit()
    qtbot.waitUntil(lambda: bool(found))
    assert found == [str(engine.arrays[0, "y"][1, 2])] and link.moves == []


def test_no_number_of_another_tensor_is_offered_for_a_change(panel, engine, link, qtbot):
    linear_layer(engine)
    # As many dimensions, so that its cells look like those of what is selected next.
    stop_at(panel, engine.events[0], event=0, name="y", index=(1, 2))
    late, found = [], []
    ask = link.ask
    link.ask = lambda *asked: late.append(lambda: ask(*asked))

    def answer():
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            found.append(dialog.field.text())
            dialog.reject()

    timer = QTimer(panel)
    timer.timeout.connect(answer)
    timer.start(20)
    panel.state.update(selection=Selection(expression="fc.weight", index=(1, 2), label="fc.weight"))
    panel.context.want_edit()
    panel.actions_.edit(1, 2)
    qtbot.wait(100)
    assert found == [] and late
    while late:
        late.pop(0)()
    qtbot.waitUntil(lambda: bool(found))
    assert found == [str(engine.arrays["fc.weight"][1, 2])] and link.moves == []


def test_integers_are_written_as_integers(panel, engine):
    labels = np.array([3, 14, 9, 4])
    said = []
    panel.histogram.read.connect(said.append)
    for seq, numbers in enumerate((labels, labels.astype("f4"))):
        stop_at(panel, engine.add(seq, "forward", "Gather", "", 0, {"y": numbers}))
        panel.histogram._hover(0)
        panel.histogram._hover(-1)
    ((whole, _), (real, _)) = (said[:2], said[2:])
    assert whole.startswith("3 to ") and real.startswith("3.000 to ")
    whole, real = (
        statistics_text(statistics_of(labels), "#000", "#f00", of).replace("&nbsp;", " ") for of in (True, False)
    )
    assert all(f"</span> {number} " in whole for number in ("3", "14", "7.500"))
    assert "</span> 14.00 " in real and "max</span>&nbsp;14.00" in panel.statistics.text()
    stop_at(panel, engine.events[0])
    assert "max</span>&nbsp;14&nbsp;" in panel.statistics.text()


def test_what_can_be_edited_where():
    stop = {"seq": 5, "direction": "forward"}
    assert place_of({"event": 5, "name": "y"}, "", stop).edit((1,), 2.0) == {
        "kind": "tensor", "reference": {"event": 5, "name": "y"}, "value": 2.0, "index": [1],
    }  # fmt: skip
    assert "index" not in place_of({"event": 5, "name": "y"}, "", stop).edit((), 2.0)
    assert place_of({"event": 4, "name": "y"}, "", stop).seq == 4
    assert place_of({"event": 4, "name": "w"}, "fc.weight", stop).reference == {"expression": "fc.weight"}
    assert "computed already stays" in place_of({"event": 4, "name": "w"}, "fc.weight", stop).note
    assert place_of({"event": 5, "name": "w"}, "fc.weight", {"seq": 5, "direction": "update"}) is None


def test_what_an_op_has_read_is_edited_where_it_was_made():
    stop = {"seq": 5, "direction": "forward"}
    graph = {
        "nodes": [{"id": "a", "event": 3}, {"id": "b", "event": 5}, {"id": "input", "kind": "input", "label": "batch1"}],
        "edges": [
            {"from": "a", "to": "b", "output": "y", "input": "x"}, {"from": "input", "to": "b", "output": "y", "input": "t"},
        ],
    }  # fmt: skip
    assert place_of({"event": 5, "name": "x"}, "", stop, graph)[:2] == ({"event": 3, "name": "y"}, 3)
    assert place_of({"event": 5, "name": "t"}, "", stop, graph, 1)[:2] == ({"event": 1, "name": "batch1"}, 1)
    assert "already" in place_of({"event": 5, "name": "t"}, "", stop, graph).note
    assert "already" in place_of({"event": 5, "name": "x"}, "", stop).note


def test_numbers_as_they_are_typed():
    assert [number_of(text) for text in ("1,5", "-inf", "1e-3", "x", "")] == [1.5, float("-inf"), 1e-3, None, None]
    assert number_of("3", integer=True) == 3 and number_of("3.5", integer=True) is None


def test_numbers_that_the_engine_refuses_are_told_as_not_written(panel, engine, tmp_path):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", index=(0, 1))
    said, answers = [], panel.context.link.answers
    panel.context.said.connect(lambda text, severity, _about: said.append((text, severity)))
    refused = [(f"{tmp_path / 'w.npy'} was not written: it is not kept", "error")]
    for why, told in (("it is not kept", refused), *((lost, []) for lost in LOST)):
        answers["tensor"] = ValueError(why)
        said.clear()
        panel.actions_.saver.write("npy", tmp_path / "w.npy")
        assert said == told and list(tmp_path.iterdir()) == []  # a lost process is told for all questions at once


def test_files_are_saved_beside_the_one_before_with_the_letters_of_their_format(panel, engine, tmp_path, monkeypatch):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", index=(0, 1))
    suggested = []

    def choose(_parent, _title, suggestion, _filter):
        suggested.append(Path(suggestion))
        return str(tmp_path / "numbers"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    panel.actions_.saver.ask("npy")
    panel.actions_.saver.ask("svg")
    assert suggested[1].parent == tmp_path and suggested[1].name == suggested[0].with_suffix(".svg").name
    assert {path.name for path in tmp_path.iterdir()} == {"numbers.npy", "numbers.svg"}


def test_numbers_that_the_script_leaves_behind_are_told_as_not_written(panel, engine, tmp_path):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", index=(0, 1))
    said, link, path = [], panel.context.link, tmp_path / "w.npy"
    panel.context.said.connect(lambda text, severity, _about: said.append((text, severity)))
    link.hold = True
    panel.actions_.saver.write("npy", path)
    panel.state.update(stop={**engine.events[0], "position": [9, 9]})
    link.deliver()  # an answer now would be of another moment
    assert len(said) == 1 and said[0][1] == "error" and list(tmp_path.iterdir()) == []
    assert said[0][0].startswith(f"{path} was not written: the script moved on")
    panel.state.update(running=True)
    panel.actions_.saver.write("npy", path)
    assert len(said) == 2 and said[1][0].startswith(f"{path} was not written: the script runs.")
    link.hold = False
    panel.state.update(running=False)
    panel.actions_.saver.write("npy", path)
    assert said[2] == (f"Saved {path}", "info") and (np.load(path) == engine.arrays[0, "w"]).all()


def test_copies_and_files(panel, engine, tmp_path):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", index=(0, 1))
    panel.actions_.copy_number()
    assert QApplication.clipboard().text() == str(engine.arrays[0, "w"][0, 1])
    panel.actions_.copy_shown()
    assert len(QApplication.clipboard().text().splitlines()) == 5
    for kind in ("npy", "png", "svg"):
        panel.actions_.saver.write(kind, tmp_path / f"w.{kind}")
    assert (np.load(tmp_path / "w.npy") == engine.arrays[0, "w"]).all()
    assert (tmp_path / "w.png").read_bytes()[:4] == b"\x89PNG" and b"<svg" in (tmp_path / "w.svg").read_bytes()
    said = []
    panel.context.said.connect(lambda text, severity, _about: said.append(severity))
    for kind in ("npy", "png", "svg"):
        panel.actions_.saver.write(kind, tmp_path / "none" / f"w.{kind}")
    assert said == ["error"] * 3
    assert next(action.text() for action in panel.actions_.menu().actions()).startswith("Explain this number")


def test_a_refusal_is_told_instead_of_numbers(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=99, name="y")
    assert "is not there" in panel.message.text() and not panel.map.isVisible()
    stop_at(panel, engine.events[0], event=0, name="y")
    assert panel.map.isVisible() and not panel.message.isVisible()


def test_what_was_seen_while_the_script_ran_stays_where_nothing_is_recorded(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w")
    seen = {"data": np.full((5, 3), -7.0), "shape": [5, 3], "dtype": "float32", "block": [1, 1], "range": [-7.0, -7.0]}
    panel.state.update(running=True)
    panel.state.update(snapshot={"step": 12, "views": {"tensor:numbers 0": seen}})
    assert (panel.shown.data == -7).all()
    engine.arrays.clear()
    panel.state.update(running=False, stop={"seq": None, "kind": "end", "tensors": [], "name": "", "step": 12})
    panel._resolve()
    assert (panel.shown.data == -7).all() and panel.map.isVisible() and not panel.message.isVisible()
    assert "last seen in step 12" in panel.head.subject.text()
    assert "mean</span>&nbsp;−7.000" in panel.statistics.text(), "figures come more seldom: they were of another picture"
    assert panel.histogram.counts.size == 0
    stop_at(panel, engine.events[0], event=99, name="y")  # another tensor was not seen
    assert panel.message.isVisible() and not panel.map.isVisible()


def test_while_the_script_runs_nothing_is_fetched_that_would_be_taken_for_the_stop_s(panel, engine):
    """A map in another size asks for its numbers anew: what came then was of some later step, and named the stop's."""
    linear_layer(engine)
    stop_at(panel, engine.events[0], expression="fc.weight", label="fc.weight")
    before = panel.shown.data.copy()
    panel.state.update(running=True)
    engine.arrays["fc.weight"] = engine.arrays["fc.weight"] + 1
    panel.numbers.forget()
    panel.numbers.fetch()
    assert (panel.shown.data == before).all() and panel.numbers.made is not None
    panel.state.update(running=False)
    panel.numbers.fetch()
    assert (panel.shown.data == before + 1).all()


def test_numbers_of_another_step_than_the_stop_s_say_so(panel, engine):
    """A stop without tensors keeps the selection; what it shows was computed fifteen steps ago."""
    linear_layer(engine)
    update = engine.events[2]
    stop_at(panel, update, event=update["seq"], name="w_new", label="fc.weight")
    assert panel.head.subject.text() == "fc.weight  5×3  float32"
    line = {"seq": 300, "kind": "line", "tensors": [], "name": "<module>", "live": True}
    for later, said in (({**line, "step": update["step"]}, ""), ({**line, "step": update["step"] + 15}, "of step")):
        panel.state.update(stop=later)
        assert (said in panel.head.subject.text()) if said else ("of step" not in panel.head.subject.text())
    assert panel.head.subject.text() == f"fc.weight, of step {update['step'] + 1}  5×3  float32"
    panel.keep.setChecked(True)
    panel.state.update(stop=update)
    assert "of step" not in panel.head.subject.text()


def test_a_parameter_that_a_free_run_has_shown_is_read_anew_where_it_stops(panel, engine):
    """Nobody has selected it: at a stop without tensors, perhaps of another run, its numbers were those of the picture."""
    linear_layer(engine)
    stop_at(panel, engine.events[0], expression="fc.weight", label="fc.weight")
    before = panel.shown.data.copy()
    engine.arrays["fc.weight"] = engine.arrays["fc.weight"] + 1
    nothing = {"seq": 50, "kind": "batch", "name": "step", "tensors": [], "step": 34}
    panel.state.update(selection=Selection(), stop=nothing)
    assert (panel.shown.data == before + 1).all()


def test_what_was_shown_stays_with_its_step_where_it_is_not_remembered_any_more(panel, engine):
    linear_layer(engine)
    stop_at(panel, {**engine.events[0], "step": 2}, event=0, name="w")
    numbers = panel.shown.data.copy()
    assert "last seen" not in panel.head.subject.text()
    engine.arrays.clear()
    panel.state.update(stop={"seq": 152, "kind": "end", "reason": "end", "tensors": [], "name": "", "step": 60})
    assert (panel.shown.data == numbers).all() and panel.map.isVisible() and not panel.message.isVisible()
    assert "last seen in step 3" in panel.head.subject.text()
    panel.state.update(runs=[{"name": "other", "number": 2, "current": True}])
    panel.state.update(stop={"seq": 9, "kind": "line", "reason": "step", "tensors": [], "name": "", "step": 1})
    assert panel.message.isVisible() and "last seen" not in panel.head.subject.text(), "it was seen of another run"


def classifier(engine):
    """Of a layer "fc" of 3 to 5 units whose outputs a cross-entropy reads: the graph."""
    linear_layer(engine)
    engine.add(3, "forward", "CrossEntropy", "loss", 0, {"x": np.ones((4, 5), "f4"), "y": np.ones((), "f4")})
    engine.add(4, "forward", "Linear", "other", 0, {"y": np.ones((4, 5), "f4")})
    nodes = [
        node("input", "", "", None, 0, (4, 3), kind="input"), node("fc/Linear", "Linear", "fc", 0, 1, (4, 5), (5, 3)),
        node("loss/CrossEntropy", "CrossEntropy", "loss", 3, 2, ()), node("other/Linear", "Linear", "other", 4, 1, (4, 5)),
    ]  # fmt: skip
    return {"nodes": nodes, "edges": [edge("input", "fc/Linear"), edge("fc/Linear", "loss/CrossEntropy")]}


def test_an_output_of_the_network_is_read_with_the_name_of_its_class(panel, engine, link):
    graph = classifier(engine)
    names = ["Coat", "Dress", "Sandal", "Shirt", "Bag"]
    link.answers["samples"] = {"names": names}
    panel.state.update(graph=graph, program="train.py")
    stop_at(panel, engine.events[0], event=0, name="y")
    assert [panel.text_at(1, column).rpartition(" · ")[2] for column in range(5)] == names
    stop_at(panel, engine.events[0], event=0, name="y", index=(1, 2))
    assert panel.read_out.text().startswith("[1, 2] = ") and panel.read_out.text().endswith(" · Sandal")
    stop_at(panel, engine.events[0], event=0, name="w")
    assert panel.text_at(3, 0).endswith(" · Shirt")  # a row of weights for each class
    stop_at(panel, engine.events[1], event=1, name="dw")
    assert panel.text_at(3, 0).endswith(" · Shirt")
    loss = next(event for event in engine.events if event["name"] == "CrossEntropy")
    stop_at(panel, loss, event=3, name="x")
    assert panel.text_at(0, 4).endswith(" · Bag")
    # Nor is every layer of five units one of classes, and the inputs are none.
    for event, name in ((next(e for e in engine.events if e["module"] == "other"), "y"), (engine.events[0], "x")):
        stop_at(panel, event, event=event["seq"], name=name)
        assert " · " not in panel.text_at(0, 0)
    assert len(engine.asked("samples")) == 1
    # Of another script nothing is known.
    link.answers["samples"] = {"names": None}
    panel.state.update(program="other.py")
    stop_at(panel, engine.events[0], event=0, name="y")
    assert " · " not in panel.text_at(1, 1) and len(engine.asked("samples")) == 2


def test_a_map_that_gets_another_size_is_asked_for_anew_only_where_that_shows(panel, engine, until):
    wide = np.arange(6000, dtype="f4").reshape(2, 3000)
    stop_at(panel, engine.add(1, "forward", "Linear", "fc", 0, {"y": wide}))
    until(lambda: at_rest(panel))
    before = len(engine.asked("tensor"))
    for width, more in ((350, 0), (370, 0), (270, 0), (900, 1)):
        panel.resize(width, 460)
        until(lambda: at_rest(panel))  # the map asks a moment later, or not at all
        assert len(engine.asked("tensor")) == before + more, width
    assert engine.asked("tensor")[-1]["maxShape"][1] > 700


def test_of_an_event_of_the_past_numbers_are_asked_for_once(panel, engine):
    linear_layer(engine)
    past = [{**event, "live": False} for event in engine.events]
    chosen = {"event": 0, "name": "w"}
    stop_at(panel, past[3], **chosen)
    before = len(engine.asked("tensor"))
    stop_at(panel, past[4], **chosen)
    assert len(engine.asked("tensor")) == before and (panel.shown.data == engine.arrays[0, "w"]).all()
    # Where the script stands anything may have changed; so it may where something was edited.
    stop_at(panel, engine.events[5], **chosen)
    assert len(engine.asked("tensor")) > before
    stop_at(panel, past[3], **chosen)
    before = len(engine.asked("tensor"))
    stop_at(panel, {**past[3], "revision": 1}, **chosen)
    assert len(engine.asked("tensor")) > before


def test_a_file_that_cannot_be_written_leaves_the_old_one(panel, engine, tmp_path, monkeypatch):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w")
    said = []
    panel.context.said.connect(lambda text, severity, _about: said.append((text, severity)))

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gui.exporting_files._to_disk", full)
    for kind in ("npy", "png", "svg"):
        (tmp_path / f"w.{kind}").write_text("old")
        panel.actions_.saver.write(kind, tmp_path / f"w.{kind}")
        assert (tmp_path / f"w.{kind}").read_text() == "old" and said[-1][1] == "error" and "make room" in said[-1][0]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_stop_without_tensors_leaves_what_was_shown(panel, engine):
    line = {"seq": 7, "kind": "line", "tensors": [], "name": "<module>", "step": 0}
    panel.state.update(stop=line)
    assert panel.shown is None and panel._stack.currentWidget() is panel._empty
    linear_layer(engine)
    stop_at(panel, engine.events[0])
    panel.state.update(stop=line)
    assert panel.shown is not None and panel._stack.currentWidget() is not panel._empty


def test_themes_and_choices_last(panel, engine, context):
    linear_layer(engine)
    stop_at(panel, engine.events[0])
    choose(panel, "data")
    saved = {"view": "gradient", "range": "robust", "share": "own"}
    panel.restore(saved)
    assert panel.save() == saved
    panel.restore({"view": "no more"})
    light = panel.map.grab().toImage()
    context.set_theme(Theme("dark", 1.5))
    dark = panel.map.grab().toImage()
    assert dark.pixelColor(1, 1) == context.theme.panel != light.pixelColor(1, 1)


def test_in_little_room_the_map_comes_first(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[0])
    for height, histogram, statistics in ((460, True, True), (300, False, True), (200, False, False), (460, True, True)):
        panel.resize(360, height)
        assert (panel.histogram.isVisible(), panel.statistics.isVisible()) == (histogram, statistics)
        assert panel.map.isVisible()


def test_the_map_keeps_its_place_from_step_to_step(panel):
    content, controls = panel.content, panel.controls
    panel.show_content()
    panel.resize(280, 460)
    QApplication.processEvents()
    places = []
    # two steppers do not fit beside the others; then one row would do, and a single number has no histogram
    for shape in ((1000, 1000, 14, 14), (64, 10), (), (10,), (1000, 1000, 14, 14)):
        controls.set_tensor(shape, False, 0)
        content.accept(shape)
        QApplication.processEvents()
        places.append((content.map.geometry(), content.read_out.geometry()))
        assert content.histogram.isVisible() == bool(shape)
    assert len(set(map(str, places))) == 1
    panel.resize(700, 460)
    QApplication.processEvents()
    assert content.map.y() < places[0][0].y()


def test_samples_and_channels_of_a_usual_batch_stand_in_one_row(panel, context):
    app = QApplication.instance()
    before = app.styleSheet(), app.font()
    app.setFont(context.theme.text_font())
    app.setStyleSheet(style_sheet(context.theme))
    try:
        panel.show_content()
        panel.resize(360, 460)
        for shape in ((64, 10), (64, 32, 14, 14), (128, 64, 3, 3)):
            panel.controls.set_tensor(shape, False, 0)
            QApplication.processEvents()
            controls = (*panel.controls.findChildren(QComboBox), *panel.controls.findChildren(Stepper))
            heights = {control.y() for control in controls if control.isVisible()}
            assert len(heights) == 1, shape
    finally:
        app.setStyleSheet(before[0])
        app.setFont(before[1])


def test_hovering_reads_the_number(panel, engine, qtbot):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="y")
    place = panel.map.cell_rect(1, 2).center() + QPointF(1, 1)
    qtbot.mouseMove(panel.map, place.toPoint())
    assert panel.read_out.text() == f"[1, 2] = {engine.arrays[0, 'y'][1, 2]!s}"
    panel.map.hovered.emit(-1, -1)
    assert panel.read_out.text() == "Point at a number to read it"


def test_statistics_are_those_of_the_engine():
    from engine.debug.views.arrays import describe

    array = np.array([[1.0, np.nan, -2.0], [0.0, np.inf, 4.0]])
    expected = describe(array)
    assert statistics_of(array) == pytest.approx({key: expected[key] for key in statistics_of(array)})


def test_on_a_true_session(two_points, qtbot, until, step):
    panel = TensorPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(360, 460)
    panel.show()
    step(two_points, "runTo", step=2)
    stop = step(two_points, "next", granularity="op")
    while stop["direction"] != "update":
        stop = step(two_points, "next", granularity="op")
    two_points.state.select(event=stop["seq"], name="w_new", label="0.weight")
    until(lambda: panel.head.subject.text() == "0.weight  8×2  float32")
    panel.select(3, 1)
    assert two_points.state.selection.index == (3, 1) and panel.map.selected == (3, 1)
    choose(panel, "update")
    until(lambda: panel.source.title == "last update of 0.weight" and panel.map.isVisible())
    until(lambda: panel.shown.ends is not None and max(map(abs, panel.shown.ends)) < 0.01)
    choose(panel, "difference")
    until(lambda: "step 3 − step 2" in panel.source.title and panel.map.isVisible())
    assert two_points.troubles == []


def test_keys_move_explain_and_copy(panel, engine, context, qtbot):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", index=(1, 1))
    y, wanted = engine.arrays[0, "w"], []
    context.panel_wanted.connect(wanted.append)
    moves = {Qt.Key.Key_Down: (2, 1), Qt.Key.Key_Right: (2, 2), Qt.Key.Key_Up: (1, 2), Qt.Key.Key_Left: (1, 1)}
    for key, index in [*moves.items(), (Qt.Key.Key_Right, (1, 2)), (Qt.Key.Key_Right, (1, 2))]:  # the last is at the edge
        qtbot.keyClick(panel.map, key)
        assert context.state.selection.index == index
    qtbot.keyClick(panel.map, Qt.Key.Key_Return)
    assert wanted == ["explain"] and context.state.selection.index == (1, 2)
    qtbot.keyClick(panel.map, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert np.float32(QApplication.clipboard().text()) == y[1, 2]
    context.state.reselect(index=None)
    qtbot.keyClick(panel.map, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = [line.split("\t") for line in QApplication.clipboard().text().splitlines()]
    assert (np.array(lines, "f4") == y).all()


def test_what_is_zoomed_to_is_what_is_copied(panel, engine, qtbot):
    big = np.random.default_rng(0).normal(size=(2000, 3000)).astype("f4")
    stop_at(panel, engine.add(1, "forward", "Linear", "fc", 0, {"y": big}))
    said = []
    panel.context.said.connect(lambda text, severity, _about: said.append(text))
    panel.actions_.copy()
    assert "means of" in said[0]
    panel.map.view.zoom_at(1e6, 10, 10)
    panel.map._moved()
    qtbot.waitUntil(lambda: panel.shown.block == (1, 1))
    panel.actions_.copy()
    top, bottom, left, right = panel.map.view.visible()
    lines = [line.split("\t") for line in QApplication.clipboard().text().splitlines()]
    assert (np.array(lines, "f4") == big[top:bottom, left:right]).all() and len(said) == 1


def test_each_map_may_have_its_own_range(panel, engine):
    y = np.stack([np.full((8, 8), 1.0), np.full((8, 8), -100.0), np.zeros((8, 8))])[None].astype("f4")
    y[0, 0, 0, 0], y[0, 1, 0, 0] = 0.5, np.nan
    stop_at(panel, engine.add(1, "forward", "Conv2d", "conv", 0, {"y": y}))
    panel.controls.range.choose(share="own")
    picture = panel.map.picture
    cell = panel.shown.cell
    assert picture.note == "each map its own scale" and (picture.scale.low, picture.scale.high) == (-1, 1)
    assert picture.tints[cell((0, 0, 0, 0))] == 0.5 and picture.tints[cell((0, 0, 1, 1))] == 1
    assert picture.tints[cell((0, 1, 1, 1))] == -1 and picture.tints[cell((0, 2, 1, 1))] == 0
    assert np.isnan(picture.tints[cell((0, 1, 0, 0))])
    assert picture.data[cell((0, 1, 1, 1))] == -100  # the numbers stay what they are
    panel.controls.range.choose("min-max")
    assert panel.map.picture.scale.sequential and panel.map.picture.tints[cell((0, 0, 0, 0))] == 0
    panel.grab()


def test_tensors_may_share_a_range(panel, engine):
    small = engine.add(1, "forward", "A", "a", 0, {"y": np.full((3, 3), 0.25, "f4")})
    large = engine.add(2, "forward", "B", "b", 0, {"y": np.full((3, 3), -6.0, "f4")})
    panel.controls.range.choose(share="tensors")
    for event, high in ((small, 0.3), (large, 7.0), (small, 7.0)):
        stop_at(panel, event)
        assert panel.map.picture.scale.high == high and panel.map.picture.note == "scale shared by tensors"
    panel.fit_scale()
    assert panel.map.picture.scale.high == 0.3
    panel.controls.range.choose(share="maps")
    assert panel.map.picture.scale.high == 0.3 and panel.map.picture.note == "own scale"


def test_controls_and_head_are_readable_in_360_pixels(panel, engine, context):
    y = np.zeros((64, 128, 28, 28), "f4")
    event = engine.add(1, "forward", "Conv2d", "features.stage2.conv1", 0, {"y": y})
    stop_at(panel, event, event=1, name="y", label="features.stage2.block1.conv1 y")
    controls = panel.controls
    row = (controls.view, controls.range, controls.first, controls.second)
    assert len({widget.y() for widget in row}) == 1 and controls.second.geometry().right() < panel.width()
    shown = panel.head.subject.shown
    assert shown.endswith("64×128×28×28  float32") and "…" in shown
    assert panel.head.subject.toolTip() == panel.head.subject.text()
    assert "features.stage2.block1.conv1 y" in panel.head.subject.text()


def test_an_empty_tensor_and_one_of_nan_have_no_made_up_figures(panel, engine):
    stop_at(panel, engine.add(1, "forward", "Op", "m", 0, {"y": np.zeros((0, 4), "f4")}))
    assert "no elements" in panel.read_out.text() and not panel.map.isVisible()
    stop_at(panel, engine.add(2, "forward", "Op", "m", 0, {"y": np.full((3, 3), np.nan, "f4")}))
    assert panel.map.isVisible() and "nan" not in panel.statistics.text() and "9&nbsp;NaN" in panel.statistics.text()


def test_what_the_mouse_is_over_is_told(panel, engine, context, qtbot):
    linear_layer(engine)
    stop_at(panel, engine.events[0], event=0, name="w", label="fc.weight")
    qtbot.mouseMove(panel.map, panel.map.cell_rect(1, 2).center().toPoint())
    assert context.state.pointed == {"event": 0, "name": "w", "label": "fc.weight", "index": [1, 2]}
    panel.map.hovered.emit(-1, -1)
    assert context.state.pointed is None


def test_a_look_closer_waits_for_the_numbers_that_are_under_way(panel, engine, link):
    """What is shown says nothing of the tensor that is asked for: along the timeline they come fast one after the other."""
    matrix, maps = np.ones((64, 1568), np.float32), np.full((2, 3, 4, 4), 7, np.float32)
    stop_at(panel, engine.add(1, "forward", "Linear", "fc", 0, {"y": matrix}))
    assert panel.shown.shape == (64, 1568)
    link.hold = True
    stop_at(panel, engine.add(2, "forward", "Conv2d", "conv", 0, {"y": maps}))
    panel._look_closer()
    link.deliver()
    link.hold = False
    link.deliver()
    assert panel.shown.shape == maps.shape and panel.shown.data.max() == 7
    assert panel.numbers.made.cut.shape == maps.shape


def test_an_older_answer_about_a_shape_is_of_no_use_for_another_tensor(panel, engine, link):
    matrix, maps = np.ones((5, 6), np.float32), np.full((2, 3, 4, 4), 7, np.float32)
    engine.add(1, "forward", "Linear", "fc", 0, {"y": matrix})
    conv = engine.add(2, "forward", "Conv2d", "conv", 0, {"y": maps})
    link.hold = True
    stop_at(panel, {**conv, "seq": 3, "tensors": []}, event=1, name="y")
    assert engine.asked("tensor")[-1]["shapeOnly"] and "maxShape" not in engine.asked("tensor")[-1]
    stop_at(panel, conv, event=2, name="y")
    link.deliver()
    link.hold = False
    link.deliver()
    assert panel.shown.shape == maps.shape and panel.numbers.made.cut.shape == maps.shape


def test_a_run_that_begins_shows_no_numbers_of_the_one_before(panel, engine):
    """Of another script, or of this one begun anew: nothing of it has computed them."""
    event = engine.add(0, "forward", "Linear", "fc", 0, {"y": np.ones((2, 3), np.float32)})
    stop_at(panel, event)
    assert panel.shown is not None
    panel.keep.setChecked(True)
    entry = {"seq": 0, "reason": "entry", "kind": "line", "level": "line", "tensors": [], "live": True}
    panel.state.update(stop=entry, selection=Selection())
    assert panel.shown is None and not panel.keep.isChecked() and panel.subject.reference == {}
    assert panel._stack.currentWidget() is panel._empty


def test_what_an_op_of_a_pass_that_goes_on_has_read_is_edited_where_it_was_made():
    """The graph of the stop is that of the pass before: its events are past."""
    graph = {
        "nodes": [
            {"id": "input", "kind": "input", "label": "batch0", "event": None},
            {"id": "fc/Linear", "kind": "op", "op": "Linear", "module": "fc", "event": 3},
            {"id": "net/Relu", "kind": "op", "op": "Relu", "module": "net", "event": 4},
            {"id": "net/Relu#2", "kind": "op", "op": "Relu", "module": "net", "event": 5},
        ],
        "edges": [
            {"from": "input", "to": "fc/Linear", "output": "y", "input": "x"},
            {"from": "fc/Linear", "to": "net/Relu", "output": "y", "input": "x"},
            {"from": "net/Relu", "to": "net/Relu#2", "output": "y", "input": "x"},
        ],
    }
    ops = [{"seq": 13, "name": "Linear", "module": "fc"}, {"seq": 14, "name": "Relu", "module": "net"},
           {"seq": 15, "name": "Relu", "module": "net"}]  # fmt: skip
    here = with_events(graph, ops[:2])
    assert maker_of(graph, 13, "x") is None and maker_of(here, 13, "x") == (None, "batch0")
    assert maker_of(here, 14, "x") == (13, "y") and maker_of(here, 15, "x") is None
    assert maker_of(with_events(graph, ops), 15, "x") == (14, "y")
    stop = {"seq": 14, "direction": "forward"}
    place = place_of({"event": 13, "name": "x"}, "", stop, here, 12)
    assert place.reference == {"event": 12, "name": "batch0"} and place.seq == 12


def test_where_nothing_was_computed_the_last_numbers_say_of_which_step_they_are(panel, engine):
    linear_layer(engine)
    stop_at(panel, engine.events[0])
    line = {"seq": 90, "kind": "line", "level": "line", "step": engine.events[0]["step"] + 2, "live": True}
    stop_at(panel, line)
    assert panel.shown is not None and "last seen in step" in panel.head.subject.text()


def test_numbers_that_are_computed_after_the_stop_say_so(panel, engine):
    """Stepping back to the line before an op of the same step showed what that op is yet to compute, and did not say it."""
    linear_layer(engine)
    op = engine.events[3]
    line = {"kind": "line", "level": "line", "step": op["step"], "tensors": [], "name": "<module>", "live": False}
    for selection in ({}, {"event": op["seq"], "name": "y", "label": "fc y"}):
        stop_at(panel, op, **selection)
        assert "later" not in panel.head.subject.text()
        panel.state.update(stop={**line, "seq": op["seq"] - 1})
        assert "computed later" in panel.head.subject.text()
        panel.state.update(stop={**line, "seq": op["seq"] + 1})
        assert "later" not in panel.head.subject.text()


def test_where_nothing_was_computed_no_numbers_of_another_run_are_shown(panel, engine):
    linear_layer(engine)
    panel.state.update(runs=[{"name": "run 1", "number": 1, "current": True}])
    stop_at(panel, engine.events[0])
    line = {"seq": 90, "kind": "line", "level": "line", "step": engine.events[0]["step"], "live": True}
    other = [{"name": "run 1", "number": 1, "current": False}, {"name": "fork", "number": 2, "current": True}]
    panel.state.update(runs=other, stop=line)
    assert panel.shown is None and "Nothing was computed here" in panel._empty.text() and not panel.head.subject.text()


@pytest.mark.parametrize(("theme", "scale"), [("light", 1.0), ("light", 1.5), ("projector", 1.0), ("projector", 1.5)])
def test_why_there_are_no_numbers_is_said_whole(panel, engine, context, theme, scale):
    linear_layer(engine)
    stop_at(panel, engine.events[0])
    panel.resize(365, 700)
    assert panel.histogram.isVisible()  # its place is the message's then
    panel.content.refuse("The gradient of conv2 y is not computed yet. Step on to the backward of Convolution.")
    panel.resize(365, 330)
    for factor in (1.5 / scale, 1.0, scale):  # it follows the text's size, also while it is shown
        context.set_theme(Theme(theme, factor))
        QApplication.processEvents()
        assert panel.message.isVisible() and not clipped(panel.content)
        assert panel.message.geometry().bottom() >= panel.content.height() - 8


def test_a_second_run_shows_weights_with_their_own_figures_while_it_runs(panel, engine):
    """Of the run before there are references still; behind the hint, the figures of the new one were not asked for."""
    linear_layer(engine)
    used = {"kind": "forward", "tensors": [{"name": "w", "label": "fc.weight", "shape": [5, 3], "dtype": "float32"}]}
    entry = {"seq": 0, "reason": "entry", "kind": "line", "level": "line", "tensors": [], "live": True}

    def begin(step):
        panel.state.update(stop={**entry, "revision": step}, selection=Selection())
        assert panel._stack.currentWidget() is panel._empty
        panel.state.update(running=True)
        panel.state.update(snapshot={"step": step, "events": [used], "views": {}})
        asked = {view["id"] for view in panel.live_views()}
        assert panel.map.isVisible() and {"numbers 0", "statistics", "histogram"} <= asked
        panel.state.update(running=False)

    begin(1)
    panel.numbers.source = Source(({"expression": "fc.weight"},), "fc.weight")
    begin(2)


@pytest.mark.parametrize("own", [False, True])
def test_weights_of_a_network_that_is_trained_next_take_the_place_of_those_that_nobody_has_chosen(panel, engine, own):
    linear_layer(engine)
    stop = {"seq": 0, "reason": "entry", "kind": "line", "level": "line", "tensors": [], "live": True}

    def train(step, *labels):
        used = [{"name": "w", "label": label, "shape": [5, 3], "dtype": "float32"} for label in labels]
        panel.state.update(snapshot={"step": step, "events": [{"kind": "forward", "tensors": used}], "views": {}})
        return panel.subject.label

    panel.state.update(stop=stop, selection=Selection(expression="fc.weight") if own else Selection())
    panel.state.update(running=True)
    assert train(1, "fc.weight", "fc.bias") == "fc.weight"
    assert train(2, "fc.bias", "fc.weight") == "fc.weight"
    assert train(3, "0.weight", "2.weight") == ("fc.weight" if own else "0.weight")
    assert train(4, "0.weight", "2.weight") == ("fc.weight" if own else "0.weight")
