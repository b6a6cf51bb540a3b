"""The data panel: pictures, points, worst mistakes, the confusion matrix, and choosing a sample."""

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter
from PyQt6.QtWidgets import QApplication

from gui.data.batch import Batch
from gui.panels import data
from gui.panels.data import DataPanel, input_reference
from gui.panels.tensor_edit import EditDialog
from gui.state import Selection
from gui.theme import Theme
from tests.gui.network_fakes import graph

STOP = {
    "seq": 5,
    "position": [3, 0, 0],
    "kind": "forward",
    "direction": "forward",
    "level": "op",
    "live": True,
    "tensors": [],
}


def samples(inputs, labels, predictions, losses, classes=10):
    """An answer to ``samples``."""
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    wrong = labels != predictions
    order = np.argsort(-np.asarray(losses), kind="stable")
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, predictions), 1)
    inputs = None if inputs is None else np.asarray(inputs, np.float32)
    return {
        "total": len(labels), "indices": np.arange(len(labels)) + 100, "labels": labels, "predictions": predictions,
        "correct": ~wrong, "classes": None, "probabilities": None, "losses": np.asarray(losses, np.float32),
        "worst": order[wrong[order]], "mistakes": int(wrong.sum()), "scored": len(labels), "confusion": confusion,
        "meanLoss": float(np.mean(losses)),
        "inputs": None if inputs is None else {"data": inputs, "range": [float(inputs.min()), float(inputs.max())]},
    }  # fmt: skip


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    predictions = np.where(np.arange(40) % 4 == 0, (labels + 1) % 10, labels)
    return samples(rng.random((40, 1, 28, 28)), labels, predictions, rng.random(40) + 0.1)


@pytest.fixture
def panel(qtbot, context, link, pictures):
    link.answers["samples"] = pictures
    panel = DataPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 320)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def click(qtbot, grid, place):
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.box(place).center().toPoint())


def test_the_batch_in_order(panel, context):
    context.state.update(stop=STOP)
    assert panel.pages.currentWidget() is panel.grid and panel.grid.order == list(range(40))
    assert panel.head.subject.text().startswith("40 samples · 10 of 40 wrong (75.0 % right) · mean loss ")
    assert panel.batch.verdict(4) == "4 → 5" and panel.batch.verdict(1) == "1"
    assert panel.batch.describe(4).splitlines()[:3] == [
        "sample [4] of the batch · [104] of the dataset",
        "label 4",
        "prediction 5",
    ]


def test_worst_mistakes_first(panel, context, pictures):
    context.state.update(stop=STOP)
    panel.view.setCurrentIndex(panel.view.findData("worst"))
    order = panel.grid.order
    assert sorted(order[:10]) == list(range(0, 40, 4)) and sorted(order) == list(range(40))
    for part in (order[:10], order[10:]):
        losses = [float(pictures["losses"][i]) for i in part]
        assert losses == sorted(losses, reverse=True)


def test_click_chooses_the_sample_for_all_panels(panel, context, qtbot):
    context.state.update(stop=STOP, selection=Selection(event=5, name="y", index=(0, 3)))
    click(qtbot, panel.grid, 2)
    assert context.state.selection == Selection(event=5, name="y", index=(2, 3), sample=2)
    assert panel.grid.sample == 2


def test_weights_stay_selected_when_another_sample_is_chosen(panel, context, qtbot):
    context.state.update(stop=STOP, selection=Selection(expression="fc.weight", index=(7, 3)))
    click(qtbot, panel.grid, 2)
    assert context.state.selection.index == (7, 3) and context.state.selection.sample == 2


def test_arrow_keys_choose_and_scroll(panel, context, qtbot):
    context.state.update(stop=STOP)
    for _ in range(8):
        qtbot.keyClick(panel.grid, Qt.Key.Key_Down)
    assert context.state.selection.sample > 20 and panel.grid.verticalScrollBar().value() > 0
    box = panel.grid.box(panel.grid.order.index(context.state.selection.sample))
    assert box.top() >= 0 and box.bottom() <= panel.grid.viewport().height()


def test_scroll_stays_when_the_next_batch_comes(panel, link, context, pictures):
    context.state.update(stop=STOP)
    panel.grid.verticalScrollBar().setValue(2)
    link.answers["samples"] = {**pictures, "meanLoss": 9.0}
    context.state.update(stop={**STOP, "seq": 6})
    assert panel.grid.verticalScrollBar().value() == 2 and "9.000" in panel.head.subject.text()


def test_pictures_are_drawn_light_on_dark_paper_and_dark_on_light(panel, link, context):
    data = np.zeros((1, 1, 8, 8), np.float32)
    data[0, 0, :4] = 1.0
    link.answers["samples"] = samples(data, [1], [1], [0.5])
    context.state.update(stop=STOP)
    for name in ("light", "dark"):
        theme = Theme(name)
        context.set_theme(theme)
        box = panel.grid.box(0)
        image = panel.grid.viewport().grab().toImage()
        high = QColor(image.pixelColor(int(box.center().x()), int(box.top() + 12)))
        assert high.name() == QColor(*map(int, theme.sequential[255][:3])).name()


def test_confusion_matrix_counts_and_chooses(panel, context, qtbot, pictures):
    context.state.update(stop=STOP)
    panel.view.setCurrentIndex(panel.view.findData("confusion"))
    assert panel.pages.currentWidget() is panel.confusion
    assert (panel.confusion.counts == pictures["confusion"]).all()
    qtbot.mouseClick(panel.confusion, Qt.MouseButton.LeftButton, pos=panel.confusion.cell(4, 5).center().toPoint())
    worst = max((4, 24), key=lambda i: pictures["losses"][i])
    assert context.state.selection.sample == worst
    panel.grab()


def test_points_of_the_plane(panel, link, context, qtbot):
    inputs = [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    link.answers["samples"] = samples(inputs, [0, 0, 1, 1], [0, 1, 1, 1], [0.1, 2.0, 0.3, 0.2], classes=2)
    context.state.update(stop=STOP)
    assert panel.pages.currentWidget() is panel.points
    at = panel.points.at(1)
    assert at.x() > panel.points.at(0).x() and at.y() < panel.points.at(0).y()
    qtbot.mouseClick(panel.points, Qt.MouseButton.LeftButton, pos=at.toPoint())
    assert context.state.selection.sample == 1
    panel.grab()


def test_axes_do_not_shrink_with_the_next_batch(panel, link, context):
    link.answers["samples"] = samples([[-5.0, -5.0], [5.0, 5.0]], [0, 1], [0, 1], [0.1, 0.1], classes=2)
    context.state.update(stop=STOP)
    before = panel.points._range
    link.answers["samples"] = samples([[-1.0, -1.0], [1.0, 1.0]], [0, 1], [0, 1], [0.1, 0.1], classes=2)
    context.state.update(stop={**STOP, "seq": 6})
    assert panel.points._range == before


def test_inputs_without_a_loader_come_from_the_graph(panel, link, context):
    link.answers["samples"] = samples(None, [0, 1, 0, 1], [0, 1, 1, 1], [0.1] * 4, classes=2)
    link.answers["tensor"] = {"data": np.arange(8, dtype=np.float32).reshape(4, 2), "range": [0.0, 7.0]}
    context.state.update(stop=STOP)
    assert panel.batch.kind == ""
    context.state.update(graph=graph())
    assert panel.batch.kind == "points" and panel.pages.currentWidget() is panel.points
    assert ("data", "inputs") in [key for key, command, _ in link.asked if command == "tensor"]


def test_inputs_are_asked_for_again_only_where_they_are_others(panel, link, context):
    link.answers["samples"] = samples(None, [0, 1, 0, 1], [0, 1, 1, 1], [0.1] * 4, classes=2)
    link.answers["tensor"] = {"data": np.arange(8, dtype=np.float32).reshape(4, 2), "range": [0.0, 7.0]}

    def asked(**changes):
        del link.asked[:]
        context.state.update(stop={**STOP, **changes})
        assert panel.batch.kind == "points"
        return sum(command == "tensor" for _, command, _ in link.asked)

    context.state.update(graph=graph(), stop=STOP)
    assert asked(seq=7) == 0  # another op of the same step
    assert asked(seq=7, revision=1) == 1  # something was edited
    assert asked(seq=7, revision=1, reason="entry") == 1  # the run has begun anew
    context.state.update(runs=[{"name": "run 2", "number": 2, "current": True}])
    assert asked(seq=8, revision=1) == 1


def test_input_reference_is_no_target_and_no_other_batch():
    assert input_reference(graph(), 4) == ({"event": 1, "name": "x"}, [4, 2])
    assert input_reference(graph(), 5) is None and input_reference(None, 4) is None


def test_samples_are_asked_for_once_in_a_backward_pass(panel, link, context):
    directions = (("forward", 0), ("backward", 0), ("backward", 0), ("update", 0), ("backward", 1))
    for seq, (direction, step) in enumerate(directions, 1):
        context.state.update(stop={**STOP, "seq": seq, "direction": direction, "step": step})
    assert len([command for _, command, _ in link.asked if command == "samples"]) == 3


def test_without_a_batch_a_hint_stands(panel, link, context):
    link.answers["samples"] = ValueError("no batch yet")
    context.state.update(stop=STOP)
    assert not panel.pages.isVisible() and "DataLoader" in panel._empty.text()


def test_a_loss_made_of_other_ops_leaves_no_batch_and_says_so(panel, link, context, pictures):
    context.state.update(stop=STOP)
    assert panel.pages.isVisible()
    link.answers["samples"] = {**dict.fromkeys(pictures), "total": 0}
    context.state.update(stop={**STOP, "seq": 9, "position": [4, 0, 0], "revision": 1})
    assert not panel.pages.isVisible() and "computes its loss from other ops" in panel._empty.text()
    assert panel.batch is None


def test_broken_losses_are_the_worst(panel, link, context):
    link.answers["samples"] = samples(np.zeros((3, 1, 4, 4)), [1, 2, 3], [1, 3, 4], [9.0, 0.1, np.nan])
    context.state.update(stop=STOP)
    panel.view.setCurrentIndex(1)
    assert panel.grid.order == [2, 1, 0]
    panel.grab()


def test_classes_have_the_names_of_the_dataset(panel, link, context, pictures):
    names = [f"class {i}" for i in range(10)]
    link.answers["samples"] = {**pictures, "names": names}
    context.state.update(stop=STOP)
    assert panel.batch.verdict(4) == "class 4 → class 5" and "prediction class 5" in panel.batch.describe(4)
    panel.view.setCurrentIndex(panel.view.findData("confusion"))
    assert panel.confusion.name(3) == "class 3"
    assert panel.head.subject.text() == "75.0 % of 40 right"
    panel.grab()
    # A later batch whose answer does not name them keeps them.
    link.answers["samples"] = {**pictures, "names": None}
    context.state.update(stop={**STOP, "seq": 6})
    assert panel.confusion.name(3) == "class 3"


def test_classes_have_names_while_the_script_runs(panel, link, context, pictures):
    names = [f"class {i}" for i in range(10)]
    link.answers["samples"] = pictures
    context.state.update(stop=STOP)
    assert panel.batch.names is None
    context.state.update(running=True)
    body = {"subscription": 1, "step": 3, "views": {"data:samples": {**pictures, "names": names}}}
    context.state.update(snapshot=body)
    assert panel.batch.verdict(0).startswith("class ") and "label class " in panel.batch.describe(0)
    # A later batch that does not tell them, at a stop too, keeps the names.
    context.state.update(snapshot={**body, "step": 4, "views": {"data:samples": pictures}})
    assert panel.batch.verdict(0).startswith("class ")
    context.state.update(running=False, stop={**STOP, "seq": 99})
    assert panel.batch.names == names


def test_a_label_cannot_be_changed_while_the_script_runs_nor_of_a_batch_that_passed_by(panel, link, context, pictures):
    said = []
    context.said.connect(lambda text, severity: said.append(text))
    link.answers["samples"] = pictures
    context.state.update(stop=STOP)
    context.state.update(running=True)
    context.state.update(snapshot={"subscription": 1, "step": 3, "views": {"data:samples": pictures}})
    panel.edit_label(2)
    del link.answers["samples"]  # nothing is recorded where it is paused
    context.state.update(running=False, stop={**STOP, "seq": 99})
    panel.edit_label(2)
    assert "pause it (F6)" in said[0] and "step on by a batch" in said[1] and not link.moves


def test_confusion_of_the_pass_adds_up_the_batches_seen(panel, link, context, pictures):
    panel.view.setCurrentIndex(panel.view.findData("pass"))
    for seq, (epoch, batch) in enumerate([(1, 0), (1, 1), (1, 1), (2, 0)], 1):
        link.answers["samples"] = {**pictures, "pass": {"loader": "train", "epoch": epoch, "batch": batch}}
        context.state.update(stop={**STOP, "seq": seq})
        if seq == 3:
            assert int(panel.confusion.counts.sum()) == 80
            assert panel.head.subject.text() == "75.0 % of 80 right · 2 batches"
    assert int(panel.confusion.counts.sum()) == 40


def test_sequences_of_whole_numbers_are_written(panel, link, context):
    body = samples(np.zeros((2, 3)), [0, 1], [0, 0], [0.5, 0.25])
    body["inputs"]["data"] = np.array([[3, 17, 0], [5, 5, 19]])
    link.answers["samples"] = body
    context.state.update(stop=STOP)
    assert panel.batch.kind == "words" and panel.batch.words(0) == "3 17 0"
    assert panel.grid._columns() == 1
    panel.grab()


@pytest.mark.parametrize(("low", "kind"), [(0.0, "pictures"), (-1.0, "rows")])
def test_square_rows_of_intensities_are_pictures(low, kind):
    body = samples(np.linspace(low, 1, 2 * 64).reshape(2, 64), [0, 1], [0, 1], [0.5, 0.25])
    batch = Batch(body)
    assert batch.kind == kind and batch.picture(0).shape == ((8, 8) if kind == "pictures" else (1, 64))


def answer_dialog(monkeypatch, text):
    """Have the dialog that asks for a label be accepted with ``text``."""

    def accepted(dialog):
        dialog.field.setText(text)
        dialog.accept()

    monkeypatch.setattr(data.EditDialog, "open", accepted)


def test_double_click_forks_with_another_label(panel, link, context, qtbot, pictures, monkeypatch):
    at = {"event": 3, "name": "batch1", "shape": [40]}
    link.answers["labelsAt"] = {"labelsAt": at}
    context.state.update(stop=STOP)
    answer_dialog(monkeypatch, "7")
    where = panel.grid.box(2).center().toPoint()
    qtbot.mouseDClick(panel.grid.viewport(), Qt.MouseButton.LeftButton, pos=where)
    edit = {"kind": "tensor", "reference": {"event": 3, "name": "batch1"}, "value": 7, "index": [2]}
    assert link.moves == [
        ("goto", {"seq": 3}),
        ("fork", {"edits": [edit], "name": "label [2] = 7", "parameters": ()}),
    ]


def test_a_label_that_no_loader_hands_out_is_changed_before_the_loss_reads_it(panel, link, context, pictures, monkeypatch):
    link.answers["labelsAt"] = {"labelsAt": {"event": 2, "expression": "y", "shape": [40]}}
    context.state.update(stop=STOP)
    answer_dialog(monkeypatch, "7")
    panel.edit_label(2)
    edit = {"kind": "tensor", "reference": {"expression": "y"}, "value": 7, "index": [2]}
    assert link.moves == [
        ("goto", {"seq": 2}),
        ("fork", {"edits": [edit], "name": "label [2] = 7", "parameters": ()}),
    ]


def test_where_labels_were_made_is_asked_for_the_edit_alone(panel, link, context, pictures):
    said = []
    context.said.connect(lambda text, severity: said.append(text))
    for seq in range(20, 23):
        context.state.update(stop={**STOP, "seq": seq})
    assert "labelsAt" not in [command for _, command, _ in link.asked]
    link.answers["labelsAt"] = {"labelsAt": None}
    panel.edit_label(2)
    assert [command for _, command, _ in link.asked].count("labelsAt") == 1
    assert said == ["This sample has no label that could be changed here."] and not link.moves
    # An answer that comes when the script has gone on is of no use any more.
    link.answers["labelsAt"] = {"labelsAt": {"event": 3, "name": "batch1", "shape": [40]}}
    link.hold = True
    panel.edit_label(2)
    context.state.update(stop={**STOP, "seq": 30})
    link.hold = False
    link.deliver()
    assert not link.moves and len(said) == 1


def test_a_label_of_several_numbers_is_not_asked_for(panel, link, context, pictures):
    said = []
    context.said.connect(lambda text, severity: said.append(text))
    link.answers["labelsAt"] = {"labelsAt": {"event": 3, "name": "t", "shape": [40, 10]}}
    context.state.update(stop=STOP)
    panel.edit_label(2)
    assert "Tensor panel" in said[0] and not link.moves


def test_arrow_keys_go_from_point_to_point(panel, link, context, qtbot):
    inputs = [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    link.answers["samples"] = samples(inputs, [0, 0, 1, 1], [0, 1, 1, 1], [0.1, 2.0, 0.3, 0.2], classes=2)
    context.state.update(stop=STOP)
    qtbot.keyClick(panel.points, Qt.Key.Key_Right)
    assert context.state.selection.sample == 2
    qtbot.keyClick(panel.points, Qt.Key.Key_Up)
    assert context.state.selection.sample == 1


def test_targets_that_are_numbers():
    body = samples(np.zeros((2, 3)), [0, 0], [0, 0], [0.5, 0.25])
    body.update(
        labels=np.array([[1.5], [2.0]], np.float32),
        predictions=np.array([[1.25], [2.5]], np.float32),
        correct=None,
        confusion=None,
    )
    batch = Batch(body)
    assert batch.kind == "rows" and batch.verdict(0) == "1.500 → 1.250" and batch.right(0) is None


def test_the_view_is_remembered(panel):
    panel.view.setCurrentIndex(2)
    saved = panel.save()
    panel.view.setCurrentIndex(0)
    panel.restore(saved)
    assert panel.view.currentData() == "confusion"
    panel.restore({"view": "other"})
    assert panel.view.currentData() == "order"


def test_two_points_for_real(two_points, step, until, qtbot):
    panel = DataPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(360, 320)
    panel.show()
    step(two_points, "runTo", step=2)
    until(lambda: panel.batch is not None and panel.batch.kind == "points")
    assert panel.batch.total == 2 and panel.batch.labels.reshape(-1).tolist() == [0, 1]
    np.testing.assert_allclose(panel.batch.inputs, [[0.9, -0.2], [0.75, 0.6]], rtol=1e-6)
    assert two_points.troubles == []


def test_another_script_does_not_keep_the_batch_of_the_one_before(panel, context, link, pictures):
    link.answers["samples"] = {**pictures, "names": [f"class {i}" for i in range(10)]}
    context.state.update(program="first.py", stop=STOP)
    assert panel.batch.verdict(1) == "class 1"
    link.answers["samples"] = ValueError("samples: the history holds no batch and no loss yet; step on")
    context.state.update(program="second.py", stop=None)
    context.state.update(stop={**STOP, "seq": 0, "direction": None})
    assert panel.batch is None and panel.grid.batch is None and panel._stack.currentWidget() is panel._empty
    assert panel.head.subject.text() == ""
    # Nor what its classes were called.
    link.answers["samples"] = pictures
    context.state.update(stop=STOP)
    assert panel.batch.verdict(1) == "1" and panel._stack.currentWidget() is panel._content


def test_a_batch_that_is_not_remembered_any_more_says_of_which_step_it_is(panel, context, link):
    runs = [{"name": "run 1", "number": 1, "current": True}]
    context.state.update(runs=runs, stop={**STOP, "step": 2})
    assert "last seen" not in panel.head.subject.text()
    link.answers["samples"] = ValueError("samples: the history holds no batch and no loss yet; step on")
    context.state.update(stop={**STOP, "seq": 9, "step": 60})
    assert panel.head.subject.text().startswith("last seen in step 3 · 40 samples") and panel.batch is not None
    # Of a run that has begun anew it says nothing.
    context.state.update(runs=[{"name": "run 2", "number": 2, "current": True}], stop={**STOP, "seq": 0, "step": 0})
    assert panel.batch is None and panel._stack.currentWidget() is panel._empty
    assert panel._empty.text() == panel.empty_text
    # Where it has run, but no batch of it was seen, that is said.
    context.state.update(stop={**STOP, "seq": 40, "step": 60})
    assert "no batch is remembered" in panel._empty.text()


def test_the_verdict_of_a_point_stands_inside_the_axes(panel, context, link, monkeypatch):
    link.answers["samples"] = samples([[0.0, 0.0], [1.0, 1.0]], [0, 1], [0, 1], [0.1, 0.1], classes=2)
    context.state.update(stop=STOP)
    written = []

    class Pen(QPainter):
        def drawText(self, *arguments):
            if isinstance(arguments[0], QPointF):
                written.append((arguments[0].x(), self.fontMetrics().horizontalAdvance(arguments[1])))
            super().drawText(*arguments)

    monkeypatch.setattr("gui.data.points.QPainter", Pen)
    for width in (200, 360):
        panel.resize(width, 320)
        written.clear()
        panel.points.grab()
        field = panel.points._field()
        assert len(written) == 2
        for left, wide in written:
            assert field.left() < left and left + wide < field.right()


def test_the_verdict_of_a_line_stays_whole_in_little_room(panel, context, link):
    body = samples([[0.1, 0.2, 0.3, 0.4]] * 2, [0, 1], [0, 1], [0.62, 2.651], classes=2)
    body["labels"], body["predictions"] = np.array([[-0.9735], [1.454]]), np.array([[-0.1861], [-0.1736]])
    body["correct"] = None
    link.answers["samples"] = body
    context.state.update(stop=STOP)
    shown = []
    write = panel.grid._write

    def spy(painter, box, text, i, verdict, right=False):
        metrics = QFontMetricsF(panel.theme.code_font("small"))
        shown.append((text, metrics.horizontalAdvance(text) <= box.width()))
        write(painter, box, text, i, verdict, right)

    panel.grid._write = spy
    for width in (150, 200, 300):
        panel.resize(width, 200)
        shown.clear()
        panel.grid.grab()
        wide = QFontMetricsF(panel.theme.code_font("small")).horizontalAdvance("-0.9735 → -0.18610.6200") + 40
        assert ("-0.9735 → -0.1861", True) in shown or width < wide
    assert ("-0.9735 → -0.1861", True) in shown


def test_no_row_of_pictures_is_cut_at_the_lower_edge(panel, context):
    context.state.update(stop=STOP)
    ground = panel.theme.panel.rgb()
    for high in range(200, 520, 23):
        panel.resize(panel.width(), high)
        QApplication.processEvents()
        viewport, bar = panel.grid.viewport(), panel.grid.verticalScrollBar()
        for value in (0, 1, bar.maximum()):
            bar.setValue(value)
            image = viewport.grab().toImage()
            last = max(panel.grid.box(place).bottom() for place in range(len(panel.grid.order)) if panel.grid.place_at(
                panel.grid.box(place).center().x(), panel.grid.box(place).center().y()) == place)
            assert last <= viewport.height(), "what can be clicked is seen whole"
            rows = range(round(last) + 4, image.height())
            assert {image.pixelColor(x, y).rgb() for x in range(0, image.width(), 3) for y in rows} <= {ground}


def test_a_label_is_a_whole_number_and_the_dialog_says_so(qtbot):
    dialog = EditDialog("label of sample [0]", "2", Theme("light"), integer=True)
    qtbot.addWidget(dialog)
    dialog.field.setText("3.5")
    assert dialog.hint.text() == "This is not a whole number." and not dialog.fork.isEnabled()
    dialog.field.setText("3")
    assert dialog.value == 3 and dialog.fork.isEnabled()


def test_says_that_only_a_loss_function_shows_it_the_batch():
    """Of a loss written out, ``((y - t) ** 2).mean()``, nobody can tell which tensor is the batch."""
    assert "loss function" in DataPanel.empty_text
