"""The widgets that draw numbers, and the arithmetic under them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PyQt6.QtCore import QObject, QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter
from PyQt6.QtWidgets import QLabel, QTabBar, QToolButton, QWidget

from gui.dock_parts import Fitting, style_tabs
from gui.panels.panel import ElidedLabel
from gui.panels.tensor_export import fetch, parts_of
from gui.panels.tensor_view import plan, shown
from gui.theme import Theme
from gui.widgets import heat_canvas
from gui.widgets.heat_map import HeatMap
from gui.widgets.heat_paint import CellPainter, Picture, number_writer
from gui.widgets.heat_scale import scale_texts
from gui.widgets.hint import Hint
from gui.widgets.histogram_plot import HistogramPlot
from gui.widgets.image_grid import atlas, layout_of
from gui.widgets.map_view import MapView
from gui.widgets.slicing import parsed, whole, with_leading
from gui.widgets.stepper import Stepper
from gui.widgets.value_scale import MODES, ValueScale, ends_of, finite_in, rounded_up, scale_for
from tests.gui.tensor_fakes import Engine

SHAPES = st.lists(st.integers(1, 5), min_size=0, max_size=5).map(tuple)


# ---------------------------------------------------------------------------------------------------- colours


@pytest.mark.parametrize("name", ["light", "dark", "projector"])
def test_zero_has_the_colour_of_the_background(qapp, name):
    theme = Theme(name)
    for scale in (ValueScale(-2, 2), ValueScale(-0.1, 7)):
        image = scale.image(np.array([[0.0, scale.high, scale.low]]), None, theme)
        assert image.pixelColor(0, 0) == theme.panel
        assert image.pixelColor(1, 0) != theme.panel != image.pixelColor(2, 0)
        assert image.pixelColor(1, 0) != image.pixelColor(2, 0)


def test_infinity_in_a_low_cell_does_not_look_like_the_greatest_number(qapp):
    theme, image = Theme("light"), QImage(60, 14, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    picture = Picture(np.array([[1.0], [-np.inf]], np.float32), ValueScale(-1, 1))
    painter = QPainter(image)
    CellPainter(painter, picture, theme, (0, 0), (60.0, 7.0), (0, 2, 0, 1)).paint()
    painter.end()
    bright = [sum(image.pixelColor(x, y).red() > 128 for x in range(60) for y in range(top, top + 7)) for top in (0, 7)]
    assert bright[0] == 0 < bright[1]


@pytest.mark.parametrize("cell", [1.5, 3.0, 5.0])
@pytest.mark.parametrize("name", ["light", "dark", "projector"])
def test_what_is_not_finite_is_marked_in_cells_of_a_few_pixels(qapp, name, cell):
    theme = Theme(name)
    ground, ink = theme.panel.lightness(), theme.ink.lightness()
    data = np.ones((int(60 / cell),) * 2, np.float32)

    def inked(value):
        """The squares of 10 pixels in which there is something as dark (or bright) as ink."""
        image = QImage(60, 60, QImage.Format.Format_RGB32)
        image.fill(QColor(128, 128, 128))
        data[len(data) // 2 :, len(data) // 2 :] = value
        painter, picture = QPainter(image), Picture(data, ValueScale(-1, 1))
        CellPainter(painter, picture, theme, (0, 0), (cell, cell), (0, len(data), 0, len(data))).paint()
        painter.end()
        light = {(x, y): image.pixelColor(x, y).lightness() for x in range(60) for y in range(60)}
        return {(x // 10, y // 10) for (x, y), seen in light.items() if abs(seen - ink) < abs(ink - ground) / 3}

    assert not inked(1.0)
    for value in (np.inf, -np.inf, np.nan):
        marked = inked(value)
        assert {(3, 3), (3, 4), (4, 3), (4, 4)} <= marked
        assert all(x >= 2 and y >= 2 for x, y in marked), "nothing is marked where numbers are finite"


def test_where_an_atlas_has_no_tile_there_is_no_number(qapp):
    theme = Theme("light")
    layout = layout_of((3, 2, 2), 1.0)
    assert (layout.down, layout.across) == (2, 2)

    def drawn(tiles):
        image = QImage(160, 160, QImage.Format.Format_RGB32)
        image.fill(QColor("white"))
        picture = Picture(atlas(np.zeros((3, 2, 2)), layout), ValueScale(-1, 1), tile=(2, 2), tiles=tiles)
        painter = QPainter(image)
        CellPainter(painter, picture, theme, (0, 0), (40.0, 40.0), (0, 4, 0, 4)).paint()
        painter.end()
        inked = lambda x, y: sum(image.pixelColor(x + i, y + j).red() < 100 for i in range(5, 35) for j in range(5, 35))  # noqa: E731
        return [inked(x, y) > 0 for x, y in ((0, 0), (120, 0), (0, 120), (120, 120))]

    assert drawn(None) == [True] * 4 and drawn(3) == [True, True, True, False]


def test_both_sides_of_an_uneven_scale_reach_their_end():
    entries = ValueScale(-0.1, 7).entries(np.array([-0.1, -0.05, 0, 3.5, 7, 100, -100]))
    assert entries.tolist() == [1, 64, 128, 192, 255, 255, 1]


def test_what_is_not_finite_is_an_alarm(qapp):
    theme = Theme("light")
    data = np.array([[np.nan, np.inf, -np.inf, 0.5]])
    image = ValueScale().image(data, finite_in(data), theme)
    colours = [image.pixelColor(i, 0) for i in range(4)]
    assert colours[:3] == [theme.phase["alarm"]] * 3 and colours[3] != theme.phase["alarm"]


@given(st.floats(1e-30, 1e30))
def test_ends_are_rounded_up_by_two_thirds_at_most(size):
    assert size * (1 - 1e-8) <= rounded_up(size) <= 1.67 * size  # from 3 to 5


def test_a_scale_stays_while_the_numbers_fit_it():
    first = scale_for(np.array([0.6, -0.2]))
    assert (first.low, first.high) == (-0.7, 0.7)
    assert scale_for(np.array([0.3]), kept=first) is first
    assert scale_for(np.array([0.9]), kept=first).high == 1.0
    assert scale_for(np.array([0.001]), kept=first).high == 0.001


def test_modes_of_a_scale():
    data = np.concatenate([np.linspace(-1, 1, 998), [50.0, np.nan]])
    assert scale_for(data).high == 50.0
    assert scale_for(data, mode="robust").high == 1.0
    ends = scale_for(data, mode="min-max")
    assert (ends.low, ends.high, ends.sequential) == (-1.0, 50.0, False)
    picture = scale_for(np.array([3.0, 5.0]), mode="min-max")
    assert (picture.low, picture.high, picture.sequential) == (3.0, 5.0, True)
    assert scale_for(np.array([np.nan])).high == 1.0
    assert scale_texts(ValueScale(-0.7, 0.7)) == ["0.7", "0", "-0.7"]


@pytest.mark.parametrize("mode", MODES)
def test_truth_values_have_a_scale_in_every_mode(mode):
    mask = np.array([[True, False], [True, True]]).T  # also where they do not lie in a row
    assert ends_of(mask, mode) == (pytest.approx(0, abs=0.1), 1.0)
    assert scale_for(mask, mode=mode).high == 1.0 == scale_for(mask, (0.0, 1.0), mode).high


# ---------------------------------------------------------------------------------------------------- places


@given(SHAPES, st.data())
@settings(max_examples=40, deadline=None)
def test_every_cell_of_a_map_is_its_element(shape, data):
    array = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    leading = [data.draw(st.none() | st.integers(0, n - 1)) for n in shape[:2]]
    made = plan(with_leading(shape, leading), (400, 400))
    answers = []
    link = type("Link", (), {"answers": {}})()
    engine = Engine(link)
    engine.arrays["a"] = array
    answers.append(link.answers["tensor"](made.arguments({"expression": "a"})))
    view = shown(answers, made)
    seen = 0
    for row, column in np.ndindex(view.data.shape):
        index = view.index(row, column)
        if index is not None:
            seen += 1
            assert view.data[row, column] == array[index] == view.number(row, column)
            assert view.cell(index) == (row, column)
    assert seen == min(np.prod(made.cut.selected, dtype=int), seen)
    assert seen == np.prod(made.layout.lead, dtype=int) * np.prod(made.layout.tile, dtype=int)


def test_an_atlas_has_rows_of_samples_and_columns_of_channels():
    data = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    layout = layout_of(data.shape)
    assert (layout.down, layout.across, layout.tile) == (2, 3, (4, 5))
    picture = atlas(data, layout)
    assert picture.shape == (8, 15)
    assert (picture[4:, 5:10] == data[1, 1]).all()
    assert layout.index(5, 7) == (1, 1, 1, 2) and layout.cell((1, 1, 1, 2)) == (5, 7)


def test_tiles_without_an_entry_are_background():
    layout = layout_of((5, 2, 2), aspect=1.0)
    assert (layout.across, layout.down) == (2, 3)
    assert (atlas(np.ones((5, 2, 2)), layout)[4:, 2:] == 0).all() and layout.index(5, 3) is None


def test_large_tensors_show_their_first_maps():
    layout = layout_of((64, 512, 3, 3))
    assert layout.across * layout.down <= 256
    assert plan(whole((64, 512, 3, 3)), (300, 300)).arguments({})["slice"][:2] == [
        [0, layout.lead[0], 1], [0, layout.lead[1], 1],
    ]  # fmt: skip


def test_slices_are_python_s():
    array = np.arange(60).reshape(3, 4, 5)
    cut = parsed("-1, 1:, ::2", array.shape)
    part = array[-1, 1:, ::2]
    assert cut.selected == part.shape == (3, 3) and str(cut) == "2, 1:, ::2"
    for index in np.ndindex(part.shape):
        assert array[cut.whole_index(index)] == part[index]
        assert cut.part_index(cut.whole_index(index)) == index
    assert cut.part_index((0, 1, 0)) is None and cut.part_index((2, 1, 1)) is None
    assert cut.wire((1, 3, 0, 2)) == [2, [2, 4, 1], [0, 4, 2]]
    assert whole((3,)).complete and not cut.complete


@pytest.mark.parametrize("text", ["3", "a", "0, 0, 0, 0", ":::", "::0", "::-1"])
def test_slices_that_are_none_say_so(text):
    with pytest.raises(ValueError):
        parsed(text, (3, 4, 5))


@given(st.integers(1, 300), st.integers(1, 300), st.booleans(), st.floats(1, 30), st.floats(0, 300), st.floats(0, 200))
@settings(max_examples=40, deadline=None)
def test_zooming_keeps_the_cell_under_the_mouse(rows, columns, square, factor, x, y):
    view = MapView(rows, columns, square, 300, 200)
    before = view.at(x, y)
    view.zoom_at(factor, x, y)
    (left, top), (width, height) = view.origin, view.cell
    assert left <= 1e-6 and top <= 1e-6
    if before is not None and width * columns >= 300 and height * rows >= 200:
        after = view.at(x, y)
        assert after is not None and max(abs(after[0] - before[0]), abs(after[1] - before[1])) <= 1
    first, last, begin, end = view.visible()
    assert 0 <= first < last <= rows and 0 <= begin < end <= columns
    view.reset()
    assert view.visible() == (0, rows, 0, columns)


# ---------------------------------------------------------------------------------------------------- heat map


@pytest.fixture
def heat(qtbot):
    widget = HeatMap(Theme("light"))
    qtbot.addWidget(widget)
    widget.resize(400, 300)
    widget.show()
    return widget


def test_a_click_says_which_cell(heat, qtbot):
    heat.show_numbers(np.eye(4), ValueScale(-1, 1))
    for signal, action in ((heat.clicked, qtbot.mouseClick), (heat.double_clicked, qtbot.mouseDClick)):
        with qtbot.waitSignal(signal) as said:
            action(heat, Qt.MouseButton.LeftButton, pos=heat.cell_rect(2, 1).center().toPoint())
        assert said.args == [2, 1]
    with qtbot.assertNotEmitted(heat.clicked):
        qtbot.mouseClick(heat, Qt.MouseButton.LeftButton, pos=QPoint(399, 299))


def test_cells_have_their_colour_and_their_ring(heat):
    theme = heat.theme
    heat.show_numbers(np.array([[1.0, 0.0], [-1.0, np.nan]]), ValueScale(-1, 1))
    picture = heat.grab().toImage()

    def colour(row, column):
        return picture.pixelColor((heat.cell_rect(row, column).topLeft() + QPointF(6, 6)).toPoint())

    assert colour(0, 1) == theme.panel and colour(1, 1) == theme.phase["alarm"]
    assert colour(0, 0).getRgb()[:3] == tuple(theme.diverging[255, :3])
    assert colour(1, 0).getRgb()[:3] == tuple(theme.diverging[1, :3])
    heat.mark((0, 1))
    corner = (heat.cell_rect(0, 1).topLeft() + QPointF(1, 10)).toPoint()
    assert heat.grab().toImage().pixelColor(corner) == theme.selection


def test_a_map_looks_at_its_numbers_once_whether_they_are_finite(heat, monkeypatch):
    data, looked = np.ones((3, 4), np.float32), []
    monkeypatch.setattr("gui.widgets.heat_canvas.finite_in", lambda numbers: looked.append(numbers) or finite_in(numbers))
    heat.show_numbers(data, ValueScale())
    assert len(looked) == 1 and looked[0] is data and heat.picture.whole and heat.picture.finite


def test_a_map_without_a_finite_number_has_no_scale(heat, monkeypatch):
    captions, scales = [], []
    monkeypatch.setattr(heat_canvas, "paint_scale", lambda *_: scales.append(1))
    caption = heat._caption
    monkeypatch.setattr(heat, "_caption", lambda painter, words, top: (captions.append(words), caption(painter, words, top)))
    heat.show_numbers(np.array([[np.nan, np.inf]]), ValueScale(-1, 1))
    heat.grab()
    assert not scales and captions[-1] == "no finite number, so no scale"
    heat.show_numbers(np.array([[np.nan, 0.5]]), ValueScale(-1, 1))
    heat.grab()
    assert scales and captions[-1] == "own scale · dimensionless"


def test_a_caption_without_room_does_without_its_unit_last_of_all(heat):
    metrics = heat.fontMetrics()
    whole, shared, bare = "scale shared by tensors · dimensionless", "shared scale · dimensionless", "shared scale"
    for words in (whole, shared, bare):
        assert heat_canvas.shortened(whole, metrics, metrics.horizontalAdvance(words)) == words
    assert heat_canvas.shortened("own scale · 1 = its greatest magnitude", metrics, 10).endswith("greatest magnitude")


def test_zoom_stays_for_the_same_shape_only(heat):
    heat.show_numbers(np.zeros((100, 100)), ValueScale(), square=True)
    heat.view.zoom_at(4, 50, 50)
    heat.show_numbers(np.ones((100, 100)), ValueScale(), square=True)
    assert heat.view.zoom > 3.9
    heat.show_numbers(np.ones((100, 101)), ValueScale(), square=True)
    assert heat.view.zoom == 1


def test_keys_move_the_selection_and_zoom(heat, qtbot):
    heat.show_numbers(np.zeros((3, 3)), ValueScale())
    heat.clicked.connect(lambda row, column: heat.mark((row, column)))
    for key, cell in (("Right", (0, 0)), ("Down", (1, 0)), ("Up", (0, 0)), ("Up", (0, 0))):
        qtbot.keyClick(heat, Qt.Key[f"Key_{key}"])
        assert heat.selected == cell
    heat.show_numbers(np.zeros((300, 300)), ValueScale())
    qtbot.keyClick(heat, Qt.Key.Key_Plus)
    assert heat.view.zoom == 1.25
    qtbot.keyClick(heat, Qt.Key.Key_0)
    assert heat.view.zoom == 1


def test_dragging_moves_and_does_not_select(heat, qtbot):
    heat.show_numbers(np.zeros((100, 100)), ValueScale(), square=True)
    heat.view.zoom_at(8, 0, 0)
    before = heat.view.origin
    with qtbot.assertNotEmitted(heat.clicked):
        qtbot.mousePress(heat, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
        qtbot.mouseMove(heat, QPoint(100, 120))
        qtbot.mouseRelease(heat, Qt.MouseButton.LeftButton, pos=QPoint(100, 120))
    assert heat.view.origin == pytest.approx((before[0] - 50, before[1] - 30))


def test_numbers_in_cells_are_aligned_and_fit():
    write = number_writer(np.array([-12.346, 0.5, 3.0]), 7)
    assert [write(x) for x in (-12.346, 0.5, 3.0)] == ["-12.35", "0.50", "3.00"]
    assert number_writer(np.array([0.5, -0.25]), 4)(-0.25) == "-.25"
    assert number_writer(np.array([3e-7]), 8)(3e-7) == "3.0e-7"
    assert number_writer(np.array([3, 200]), 4)(200) == "200"
    assert number_writer(np.array([-0.0001, 1.0]), 7)(-0.00001) == "0.000"


# ---------------------------------------------------------------------------------------------------- the others


def test_a_histogram_reads_its_bars(qtbot):
    plot = HistogramPlot(Theme("light"))
    qtbot.addWidget(plot)
    plot.resize(216, 72)
    plot.show()
    plot.show_counts(np.array([1, 3]), np.array([-1.0, 0.0, 1.0]))
    with qtbot.waitSignal(plot.read) as said:
        qtbot.mouseMove(plot, QPoint(150, 20))
    assert said.args == ["0 to 1.000: 3 elements, 75.0%"]
    empty = plot.grab().toImage()
    plot.mark(0.5)
    assert plot.grab().toImage() != empty


def test_an_elided_label_says_the_first_brief_text_that_has_room_before_it_cuts_a_name(qtbot):
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.show()
    label.set_text("conv2 y", "  64×32×14×14  float32", brief="conv2 y 64×32×14×14")
    wide = label.fontMetrics().horizontalAdvance
    for room, wanted in (
        (wide("conv2 y  64×32×14×14  float32"), "conv2 y  64×32×14×14  float32"),
        (wide("conv2 y  64×32×14×14  float32") - 1, "conv2 y 64×32×14×14"),
    ):
        label.resize(room, 20)
        assert label.shown == wanted
    label.resize(wide("conv2 y 64×32×14×14") - 1, 20)
    assert "…" in label.shown and label.toolTip() == label.text()


def test_a_hint_sets_its_paragraphs_closer_before_it_leaves_one_out(qtbot):
    text = "NaN or infinity was made here.\n\nWhere it comes from is looked for.\n\nStep on (F10)."
    hint, seen = Hint(text), set()
    qtbot.addWidget(hint)
    hint.apply_theme(Theme("projector", 1.5))
    hint.show()
    for height in range(400, 60, -4):
        hint.resize(320, height)
        said = QLabel.text(hint)
        seen.add(said)
        assert said == text or hint.toolTip() == text
    assert text in seen and text.replace("\n\n", "\n") in seen


def test_an_elided_label_is_as_high_as_its_text(qtbot):
    label = ElidedLabel("gauge")
    qtbot.addWidget(label)
    low = label.sizeHint().height()
    font = label.font()
    font.setPointSizeF(2 * font.pointSizeF())
    label.setFont(font)
    assert label.sizeHint().height() == label.minimumSizeHint().height() == label.fontMetrics().height() > 1.7 * low


def test_a_stepper_has_room_for_larger_text(qtbot):
    stepper = Stepper()
    qtbot.addWidget(stepper)
    stepper.offer("sample", "N", 64, 0)
    stepper.show()
    font = stepper.spin.font()
    font.setPointSizeF(2 * font.pointSizeF())
    stepper.spin.setFont(font)
    assert stepper.spin.width() > stepper.spin.fontMetrics().horizontalAdvance("sample all") + 16


def test_a_stepper_writes_its_number_as_an_index_also_in_little_room(qtbot):
    stepper = Stepper()
    qtbot.addWidget(stepper)
    stepper.offer("sample", "N", 64, 12)
    assert stepper.spin.text() == "sample [12]"
    stepper.set_short(True)
    assert stepper.spin.text() == "N [12]"
    assert stepper.spin.width() >= stepper.spin.fontMetrics().horizontalAdvance("N [63]") + 12


def test_tabs_that_have_no_room_are_seen_whole_or_not_at_all(qtbot):
    owner, bar = QObject(), QTabBar()
    qtbot.addWidget(bar)
    for name in ("Variables", "Stack", "Breakpoints", "Parameters", "Output"):
        bar.addTab(name)
    style_tabs(bar, Theme(), {}, owner, lambda title: None)
    bar.resize(1000, 30)
    bar.show()
    qtbot.waitExposed(bar)
    before, cover = bar.findChildren(QWidget, "tab-cover")
    bar.grab()
    assert not cover.isVisible()
    bar.resize(sum(bar.tabRect(i).width() for i in range(3)) + 70, 30)
    bar.grab()
    arrow = min(button.x() for button in bar.findChildren(QToolButton) if button.isVisible())
    cut = [i for i in range(5) if bar.tabRect(i).left() < arrow <= bar.tabRect(i).right()]
    assert len(cut) == 1 and cover.isVisible()
    assert cover.geometry().left() == bar.tabRect(cut[0]).left() and cover.geometry().right() >= arrow - 1
    picture = bar.grab(cover.geometry()).toImage()
    colors = {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(picture.height())}
    assert colors == {Theme().paper.name()}
    bar.setCurrentIndex(4)  # now tabs at the left are out of sight
    bar.grab()
    left = [bar.tabRect(i).right() + 1 for i in range(4) if bar.tabRect(i).left() < 0 <= bar.tabRect(i).right()]
    assert before.isVisible() == bool(left) and (not left or before.geometry().right() + 1 == left[0])
    style_tabs(bar, Theme(), {}, owner, lambda title: None)
    assert len(owner.findChildren(Fitting)) == 1


def test_a_stepper_that_offers_the_same_again_is_not_laid_out_anew(qtbot, monkeypatch):
    stepper, written = Stepper(), []
    qtbot.addWidget(stepper)
    stepper.show()
    write = stepper._write
    monkeypatch.setattr(stepper, "_write", lambda: (written.append(1), write()))
    for extent, value, seen, count in ((64, 3, 3, 1), (64, 5, 5, 1), (0, 5, -1, 1), (64, 2, 2, 1), (32, 2, 2, 2)):
        stepper.offer("sample", "N", extent, value)
        assert (stepper.value(), len(written), stepper.isHidden()) == (seen, count, extent < 2)
    stepper.offer("channel", "C", 32, 31)
    assert stepper.spin.text() == "channel [31]" and len(written) == 3
    assert stepper._buttons[0].isEnabled() and not stepper._buttons[1].isEnabled()


def test_a_stepper_steps_and_stays_silent_when_told(qtbot):
    stepper = Stepper()
    qtbot.addWidget(stepper)
    stepper.offer("sample", "N", 3, 0)
    with qtbot.waitSignal(stepper.changed) as said:
        stepper._buttons[1].click()
    assert said.args == [1]
    with qtbot.assertNotEmitted(stepper.changed):
        stepper.set_value(2)
        stepper.offer("sample", "N", 2, 5)
    assert stepper.value() == 1 and not stepper._buttons[1].isEnabled()
    stepper.offer("sample", "N", 1, 0)
    assert stepper.isHidden()


@given(SHAPES, st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_a_tensor_is_put_together_from_its_parts(shape, most):
    array = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    assert all(np.prod([b - a for a, b in part], dtype=int) <= most for part in parts_of(shape, most))
    found = []

    def ask(command, arguments, then):
        part = array[tuple(slice(*ends) for ends in arguments["slice"])]
        assert part.size <= most
        then({"data": part})

    fetch({"expression": "a"}, shape, ask, found.append, most)
    assert (found[0] == array).all() and found[0].shape == array.shape
