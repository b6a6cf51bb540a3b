"""Curves as numbers, axes and their ticks, and the widget that draws several plots over one axis."""

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QFontMetrics, QImage, QWheelEvent
from PyQt6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from gui.plots.axes import kept_range, power_ticks, steps_range, tick_texts, tick_values, values_range
from gui.plots.paint import pen_of, wide_pen_of
from gui.plots.series import Curve, Plot, beside, columns, ema, held, nearest, value_at, value_text
from gui.theme import THEMES, Theme, _oklab
from gui.widgets.line_plot import LinePlot, Mark
from tests.gui.shots import DEUTERANOPIA, filtered

# ---- numbers ----


def test_smoothing_is_the_exponential_average_of_what_is_finite():
    values = np.array([1.0, 3.0, np.nan, 5.0, np.inf, 7.0])
    total = weight = 0.0
    expected = []
    for value in values:
        if np.isfinite(value):
            total, weight = 0.9 * total + 0.1 * value, 0.9 * weight + 0.1
        expected.append(total / weight if np.isfinite(value) else np.nan)
    assert ema(values, 0.9) == pytest.approx(expected, nan_ok=True)
    assert ema(values, 0.0) is values and len(ema(values[:0], 0.9)) == 0
    assert np.isnan(ema(np.array([np.nan]), 0.9)).all()


def test_smoothing_of_many_values_is_that_of_few():
    values = np.random.default_rng(0).normal(size=3000)
    total, expected = 0.0, []
    for k, value in enumerate(values):
        total = 0.99 * total + 0.01 * value
        expected.append(total / (1 - 0.99 ** (k + 1)))
    assert ema(values, 0.99) == pytest.approx(expected, rel=1e-9)


def test_a_column_of_pixels_shows_its_least_and_greatest_value():
    rng = np.random.default_rng(1)
    x, y = np.arange(100_000.0), rng.normal(size=100_000)
    y[[5000, 70_123]] = 50.0, -40.0
    y[300:400] = np.nan
    drawn_x, drawn_y = columns(x, y, 0, 100_000, 300)
    assert len(drawn_x) <= 602 and (np.diff(drawn_x) >= 0).all()
    assert np.nanmax(drawn_y) == 50.0 and np.nanmin(drawn_y) == -40.0
    for k in range(300):
        part, shown = y[(x >= k * 1000 / 3) & (x < (k + 1) * 1000 / 3)], drawn_y[2 * k : 2 * k + 2]
        assert sorted(shown) == [np.nanmin(part), np.nanmax(part)]


def test_only_what_is_shown_is_taken_and_few_points_all():
    x = np.arange(100_000.0)
    drawn_x, drawn_y = columns(x, x * 2, 500.5, 510.0, 300)
    assert drawn_x.tolist() == list(range(500, 512)) and (drawn_y == drawn_x * 2).all()
    assert len(columns(x[:0], x[:0], 0, 1, 300)[0]) == 0


def test_a_column_of_nothing_but_nan_is_a_gap():
    y = np.zeros(10_000)
    y[5000:] = np.nan
    _, drawn = columns(np.arange(10_000.0), y, 0, 10_000, 100)
    assert np.isfinite(drawn[:100]).all() and np.isnan(drawn[102:]).all()


def test_values_that_hold_have_corners():
    x, y = held(np.array([0.0, 4.0]), np.array([0.1, 0.01]), 9.0)
    assert x.tolist() == [0, 4, 4, 9] and y.tolist() == [0.1, 0.1, 0.01, 0.01]


def test_values_are_read_where_they_are():
    curve = Curve("a", np.array([0.0, 2.0, 5.0]), np.array([1.0, 2.0, 3.0]))
    rate = Curve("b", curve.x, curve.y, hold=True)
    assert value_at(curve, 2) == 2.0 and value_at(curve, 3) is None and value_at(curve, 3, exact=False) == 2.0
    assert value_at(rate, 3) == 2.0 and value_at(rate, -1) is None
    # A value that is not of the place where it is read says of which.
    assert [value_text(curve, 3, "%", exact) for exact in (True, False)] == ["", "2.000 % at 2"]
    assert [value_text(one, 2, "%", False) for one in (curve, rate)] == ["2.000 %"] * 2
    assert (value_text(rate, 3, "%", False), value_text(rate, -1)) == ("2.000 %", "")
    assert nearest([curve], 3.9) == 5 and nearest([curve], 3.2) == 2 and nearest([], 1) is None
    assert beside([curve], 2, True) == 5 and beside([curve], 2, False) == 0 and beside([curve], 0, False) is None


# ---- axes ----


@pytest.mark.parametrize(("first", "last", "expected"), [(0, 0, (0, 5)), (0, 3, (0, 5)), (0, 188, (0, 200)), (1, 7, (0, 7)),
                                                         (0, 99_999, (0, 100_000)), (900, 1000, (900, 1000))])  # fmt: skip
def test_an_axis_of_steps_begins_and_ends_at_round_numbers(first, last, expected):
    assert steps_range(first, last) == pytest.approx(expected)


def test_an_axis_of_values_has_air_and_keeps_its_place():
    low, high = values_range(0.0, 1.0, False, (-np.inf, np.inf))
    assert low < 0 and high > 1
    assert values_range(2.3, 2.3, False, (-np.inf, np.inf)) == pytest.approx((2.07, 2.53))
    assert values_range(0.0, 100.0, False, (0.0, 100.0)) == (0.0, 100.0)
    assert values_range(50.0, 50.0, False, (0.0, 100.0)) == (45.0, 55.0)
    low, high = values_range(1e-3, 10.0, True, (-np.inf, np.inf))
    assert -3.5 < low < -3 and 1 < high < 1.5
    assert values_range(np.nan, np.nan, False, (-np.inf, np.inf)) == (0.0, 1.0)
    assert kept_range((0.0, 1.0), (0.2, 0.8)) == (0.0, 1.0)
    assert kept_range((0.0, 1.0), (0.2, 1.1)) == (0.2, 1.1) and kept_range((0.0, 1.0), (0.2, 0.3)) == (0.2, 0.3)


def test_ticks_are_round_and_few():
    assert tick_values(0, 5, 6, whole=True) == [0, 1, 2, 3, 4, 5]
    assert tick_values(0, 2, 9, whole=True) == [0, 1, 2]
    assert tick_values(0.0, 1.0, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert tick_values(2.07, 2.53, 2) == pytest.approx([2.2, 2.4])
    assert tick_values(1, 1, 3) == []
    assert power_ticks(-3, 1, 5) == pytest.approx([1e-3, 1e-2, 1e-1, 1, 10])
    assert power_ticks(-0.7, -0.15, 2) == pytest.approx([0.2, 0.5])


@pytest.mark.parametrize(("ticks", "texts"), [
    ([0.0, 0.5, 1.0], ["0.0", "0.5", "1.0"]), ([0.0, 50.0, 100.0], ["0", "50", "100"]),
    ([0.0, 1000.0], ["0", "1,000"]), ([0.0, 100_000.0], ["0", "100k"]), ([1e-5, 2e-5], ["1e-5", "2e-5"]),
    ([0.001, 0.01, 0.1, 1.0], ["0.001", "0.01", "0.1", "1"]), ([1.6e-4], ["1.6e-4"]), ([], []),
])  # fmt: skip
def test_ticks_have_the_digits_that_tell_them_apart(ticks, texts):
    assert tick_texts(ticks) == texts


# ---- the widget ----


@pytest.fixture
def lines(qtbot):
    plot = LinePlot(Theme("dark"))
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.show()
    qtbot.waitExposed(plot)
    return plot


def plots(count=100):
    x = np.arange(float(count))
    loss = [Curve("train", x, 2.0 / (1 + x)), Curve("validation", x[::10], 3.0 / (1 + x[::10]), dash=1, points=True)]
    return [Plot("loss", loss), Plot("accuracy", [Curve("train", x, x)], "%", ends=(0.0, 100.0))]


def pixel(lines, x, area=0):
    canvas = lines.canvas
    box = canvas.areas()[area].box
    return QPoint(round(float(canvas.x_of(np.array([float(x)]))[0])), round(box.center().y()))


def test_one_point_has_an_axis_of_whole_steps(lines):
    lines.show_plots([Plot("loss", [Curve("train", np.array([0.0]), np.array([2.3]))])])
    assert lines.canvas.shown == (0, 5)
    picture = lines.canvas.grab().toImage()
    x, (area,) = pixel(lines, 0).x(), lines.canvas.areas()
    y = round(float(area.y_of(np.array([2.3]))[0]))
    around = {picture.pixelColor(x + i, y + j).name() for i in range(-3, 4) for j in range(-3, 4)}
    assert QColor(lines.theme.accent).name() in around


def test_plots_stand_below_each_other_over_one_axis(lines):
    lines.show_plots(plots())
    first, second = lines.canvas.areas()
    assert first.box.bottom() < second.title.top() < second.box.top() and first.box.left() == second.box.left()
    assert second.box.bottom() < lines.canvas.height() - 10 and first.box.right() < lines.canvas.width()
    assert lines.legend.isVisible() and lines.legend.geometry().bottom() <= lines.canvas.mapTo(lines, QPoint()).y()
    lines.show_curves("norm", {"a": (np.arange(3), np.arange(3))})
    assert not lines.legend.isVisible() and len(lines.canvas.areas()) == 1


def test_the_read_out_says_values_with_units_and_marks(lines):
    lines.show_plots(plots())
    assert lines.read_out.text() == "step 99   loss train 0.02000, validation 0.03297 at 90   accuracy 99.00 %"
    lines.set_marks([Mark(40, "Dead ReLU", True)])
    assert lines.text_at(40.0) == "Dead ReLU   step 40   loss train 0.04878, validation 0.07317   accuracy 40.00 %"
    lines.canvas.point_at(pixel(lines, 45).x() + 0.3)
    assert lines.canvas.pointer == 45 and lines.read_out.text() == "step 45   loss train 0.04348   accuracy 45.00 %"
    lines.set_cursor(30)
    lines.canvas.set_pointer(None)
    assert lines.read_out.text().startswith("step 30   loss train 0.06452, validation 0.09677")
    assert lines.canvas.accessibleDescription() == lines.read_out.text()


def test_the_read_out_is_of_the_last_step_of_the_current_run(lines):
    """Another run may have come further: its step is not that of this one's values."""
    far, near = np.arange(4.0), np.arange(3.0)
    curves = [Curve("run 1: train", near, near / 10), Curve("fork: train", far, far / 20, style=1)]
    lines.show_plots([Plot("loss", curves)])
    lines.set_cursor(3)
    assert lines.read_out.text() == "step 2   loss run 1: train 0.2000, fork: train 0.1000"


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm(lines):
    x = np.arange(4.0)
    lines.show_curves("loss", {"base": (x, np.array([1.0, 0.0, -1.0, np.nan]))}, log=True)
    (area,) = lines.canvas.areas()
    assert np.isfinite(area.y_of(np.array([1.0, 0.0, -1.0, np.nan]))).tolist() == [True, False, False, False]
    assert area.low < 0 < area.high
    lines.grab()


def test_the_view_stays_where_the_user_has_put_it(lines, qtbot):
    lines.show_plots(plots())
    lines.canvas.show_range(10, 20)
    lines.show_plots(plots(200))
    assert lines.canvas.shown == (10, 20)
    qtbot.mouseDClick(lines.canvas, Qt.MouseButton.LeftButton, pos=pixel(lines, 15))
    assert lines.canvas.shown == (0, 200)


def test_the_wheel_zooms_at_the_pointer_and_a_drag_moves(lines, qtbot):
    lines.show_plots(plots())
    at = QPointF(pixel(lines, 30))
    QApplication.sendEvent(lines.canvas, QWheelEvent(
        at, lines.canvas.mapToGlobal(at), QPoint(), QPoint(0, 600), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    ))  # fmt: skip
    low, high = lines.canvas.shown
    assert high - low < 50 and lines.canvas.value_of(at.x()) == pytest.approx(30, abs=0.5)
    with qtbot.assertNotEmitted(lines.chosen):
        qtbot.mousePress(lines.canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 60))
        qtbot.mouseMove(lines.canvas, QPoint(260, 60))
        qtbot.mouseRelease(lines.canvas, Qt.MouseButton.LeftButton, pos=QPoint(260, 60))
    assert lines.canvas.shown[0] < low and lines.canvas.shown[1] - lines.canvas.shown[0] == pytest.approx(high - low)


def test_a_click_and_enter_choose_a_step(lines, qtbot):
    lines.show_plots(plots())
    with qtbot.waitSignal(lines.chosen) as said:
        qtbot.mouseClick(lines.canvas, Qt.MouseButton.LeftButton, pos=pixel(lines, 42))
    assert said.args == [42.0]
    lines.canvas.set_pointer(None)
    lines.set_cursor(10)
    qtbot.keyClick(lines.canvas, Qt.Key.Key_Right)
    qtbot.keyClick(lines.canvas, Qt.Key.Key_Right)
    qtbot.keyClick(lines.canvas, Qt.Key.Key_Left)
    with qtbot.waitSignal(lines.chosen) as said:
        qtbot.keyClick(lines.canvas, Qt.Key.Key_Return)
    assert said.args == [11.0]
    qtbot.keyClick(lines.canvas, "+")
    assert lines.canvas.shown != (0, 100)
    qtbot.keyClick(lines.canvas, "0")
    assert lines.canvas.shown == (0, 100)


def test_moving_the_pointer_or_the_cursor_draws_no_curve_anew(lines, monkeypatch):
    lines.show_plots(plots())
    lines.grab()
    monkeypatch.setattr("gui.plots.canvas.draw", lambda *arguments: pytest.fail("drawn anew"))
    lines.canvas.set_pointer(5.0)
    lines.set_cursor(50)
    lines.grab()
    drawn: list[tuple] = []
    monkeypatch.setattr("gui.plots.canvas.draw", lambda *arguments: drawn.append(arguments))
    lines.canvas.renew()
    lines.grab()
    assert len(drawn) == 1


def test_smoothing_keeps_the_values_faintly(lines):
    lines.set_smoothing(0.9)
    lines.show_plots(plots())
    raw, smooth = lines.canvas.areas()[0].lines[0]
    assert raw[1] == pytest.approx(2.0 / (1 + np.arange(100.0))) and smooth[1] == pytest.approx(ema(raw[1], 0.9))
    assert lines.canvas.areas()[0].lines[1][1] is None  # evaluations are single values
    lines.grab()


def test_a_hundred_thousand_steps_are_drawn_from_few_points(lines):
    x = np.arange(100_000.0)
    curves = [Curve(f"run {k}", x, np.random.default_rng(k).normal(size=len(x)), k) for k in range(4)]
    lines.set_smoothing(0.9)
    lines.show_plots([Plot("loss", curves)])
    (area,) = lines.canvas.areas()
    assert all(len(line[0]) <= 2 * 400 + 2 for pair in area.lines for line in pair)
    lines.grab()


@pytest.mark.parametrize("name", ["light", "dark", "projector"])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_no_label_leaves_the_widget(lines, name, scale):
    lines.apply_theme(Theme(name, scale))
    lines.show_plots([
        Plot("loss", [Curve("train", np.arange(3000.0), np.linspace(1e-6, 5e-6, 3000))]),
        Plot("gradient norm", [Curve("train", np.arange(3000.0), np.linspace(10.0, 123_456.0, 3000))]),
    ])
    picture = lines.canvas.grab().toImage()
    paper = lines.theme.panel.name()
    edges = [picture.pixelColor(x, y).name() for y in range(picture.height()) for x in (0, picture.width() - 1)]
    edges += [picture.pixelColor(x, picture.height() - 1).name() for x in range(picture.width())]
    assert set(edges) == {paper}


def test_it_is_exported_as_vectors(lines, tmp_path):
    from PyQt6.QtGui import QPainter
    from PyQt6.QtSvg import QSvgGenerator

    lines.show_plots(plots())
    generator = QSvgGenerator()
    generator.setFileName(str(tmp_path / "plot.svg"))
    generator.setSize(lines.size())
    painter = QPainter(generator)
    lines.render(painter)
    painter.end()
    text = (tmp_path / "plot.svg").read_text()
    assert "<image" not in text and text.count("<polyline") >= 2 and ">loss<" in text


@pytest.mark.parametrize("name", THEMES)
def test_two_runs_are_told_apart_without_colour_and_by_who_is_colour_blind(name):
    theme, x = Theme(name), np.arange(3.0)
    first, second = Curve("run 1: train", x, x), Curve("run 2: train", x, x, style=1)
    assert pen_of(first, theme).dashPattern() != pen_of(second, theme).dashPattern()
    assert wide_pen_of(second, theme).dashPattern() == [part / 2 for part in pen_of(second, theme).dashPattern()]
    assert len(wide_pen_of(second, theme).dashPattern()) > 1 and not pen_of(first, theme).dashPattern()
    # As seen with deuteranopia they are as far apart as any two hues of the phases, at least.
    picture = QImage(2, 1, QImage.Format.Format_RGB32)
    for i, curve in enumerate((first, second)):
        picture.setPixelColor(i, 0, pen_of(curve, theme).color())
    seen = filtered(picture, DEUTERANOPIA)
    a, b = (_oklab(seen.pixelColor(i, 0)) for i in range(2))
    assert np.linalg.norm(a - b) > 0.15


def test_numbers_of_a_low_plot_do_not_stand_upon_each_other(lines):
    x = np.arange(4.0)
    for y in (np.array([2.297, 2.300, 2.303, 2.309]), np.array([0.52, 0.55, 0.6, 0.66])):
        lines.show_plots([Plot("loss", [Curve("train", x, y)])])
        lines.canvas._kept.clear()
        for height in (300, 120, 90, 80):
            lines.resize(300, height)
            (area,) = lines.canvas.areas()
            places = sorted(float(area.y_of(np.array([value]))[0]) for value, _ in area.ticks)
            assert places and min(np.diff(places), default=99) >= 9
            assert all(abs(float(text) - value) < 1e-9 for value, text in area.ticks)


def test_where_there_is_little_room_the_read_out_says_what_has_room(lines):
    """The first curve's values, of as many plots as fit; all stand above their plots as well."""
    lines.show_plots(plots())
    lines.resize(900, 300)
    assert lines.read_out.shown == lines.read_out.text()
    lines.resize(360, 300)
    assert lines.read_out.shown == "step 99   loss 0.02000   accuracy 99.00 %"
    lines.resize(220, 300)
    assert lines.read_out.shown == "step 99   loss 0.02000" and "accuracy" in lines.read_out.toolTip()
    lines.resize(90, 300)
    assert lines.read_out.shown == "step 99"


def test_a_long_legend_leaves_the_curves_their_room_and_says_how_many_are_left_out(lines):
    names = [f"evaluation: y_train (called in line {i})" for i in range(12)]
    lines.show_curves("loss", {name: (np.arange(3), np.arange(3)) for name in names})
    lines.resize(340, 220)
    QApplication.processEvents()
    assert lines.legend.height() <= 0.3 * lines.height()
    def shown():
        entries = [e for e in lines.legend.findChildren(QWidget) if e.accessibleName().startswith("Legend: ")]
        return [entry.accessibleName().removeprefix("Legend: ") for entry in entries if entry.isVisible()]

    kept = shown()
    more = [label.text() for label in lines.legend.findChildren(QLabel) if label.isVisible()]
    assert kept and kept == names[: len(kept)] and more == [f"and {12 - len(kept)} more"]
    # A name that is longer than there is room for is elided, and whole in its hint.
    lines.resize(180, 220)
    QApplication.processEvents()
    entry = next(e for e in lines.legend.findChildren(QWidget) if e.accessibleName() == f"Legend: {names[0]}")
    assert entry.width() < entry.sizeHint().width() and entry.geometry().right() < 180 and entry.toolTip() == names[0]
    lines.resize(1200, 900)
    QApplication.processEvents()
    assert shown() == names


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize("height", [90, 130, 180, 260, 420])
def test_a_legend_says_in_one_line_how_many_are_left_out_and_leaves_it_to_the_curves(lines, height, scale):
    names = ["larger steps: train", "run 1: train", "run 1: validation"]
    lines.apply_theme(Theme("projector", scale))
    lines.show_curves("loss", {name: (np.arange(3), np.arange(3)) for name in names})
    lines.resize(350, height)
    QApplication.processEvents()
    assert lines.canvas.height() >= min(lines.canvas.least_height(), height - lines.read_out.height())
    more = next(label for label in lines.legend.findChildren(QLabel))
    entries = [e for e in lines.legend.findChildren(QWidget) if e.accessibleName().startswith("Legend: ") and e.isVisible()]
    if not lines.legend.isVisible():
        assert height < 6 * QFontMetrics(Theme("projector", scale).text_font()).height()
        return
    assert (len(entries) < 3) == more.isVisible()
    for widget in [*entries, *([more] if more.isVisible() else [])]:
        assert lines.legend.rect().contains(widget.geometry())
    if more.isVisible():
        assert more.width() >= QFontMetrics(more.font()).horizontalAdvance(more.text())


def test_a_legend_whose_lines_change_the_plots_own_height_is_fitted_once(lines, qtbot, monkeypatch):
    """An entry that shows lays out the window at once. Beside a neighbour the plot's height follows its legend's, so that
    fitting it again at every size had no end, and the window stood still until Python's stack was full.
    """
    box = QWidget()
    qtbot.addWidget(box)
    neighbour = QLabel("neighbour " * 12)
    neighbour.setWordWrap(True)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(neighbour, 1)
    layout.addWidget(lines, 1)
    neighbour.hide()
    box.resize(360, 254)
    box.show()
    x = np.arange(10.0)
    names = [f"evaluation: y_train (called in line {85 + n})" for n in range(8)]
    lines.show_plots([Plot("loss", [Curve(name, x, x, style=n) for n, name in enumerate(names)])])
    sizes = []
    resized = LinePlot.resizeEvent
    monkeypatch.setattr(LinePlot, "resizeEvent", lambda plot, event: (sizes.append(event.size()), resized(plot, event))[1])
    neighbour.show()
    assert 0 < len(sizes) < 20
    lines.setParent(None)  # its own fixture closes it


def test_the_read_out_names_the_last_step_of_the_current_run_beside_one_that_is_further(lines):
    x = np.arange(1.0, 6.0)
    lines.show_plots([Plot("loss", [Curve("run 3", x[:1], np.array([0.6821])), Curve("run 1", x, x / 10, style=1)])])
    lines.set_axis("step")
    lines.set_cursor(2)
    assert lines.read_out.text().startswith("step 1 ") and "0.6821" in lines.read_out.text()


@pytest.mark.parametrize(("values", "log", "why"), [
    ([np.nan, np.inf, -np.inf], False, "no finite number"),
    ([np.nan, np.nan, np.inf], True, "no finite number"),
    ([0.0, -1.0, np.nan], True, "nothing above 0 for a logarithmic axis"),
])  # fmt: skip
def test_an_axis_has_no_numbers_where_there_is_none(qtbot, values, log, why):
    plot = LinePlot(Theme("light"))
    qtbot.addWidget(plot)
    plot.resize(400, 240)
    plot.show()
    x = np.arange(3.0)
    plot.show_plots([Plot("loss", [Curve("run", x, np.array(values))], log=log)])
    (area,) = plot.canvas.areas()
    assert area.why == why and not area.ticks
    # The first number there is brings the axis, whose range nothing was made up for.
    plot.show_plots([Plot("loss", [Curve("run", x, np.array([np.nan, 40.0, 42.0]))], log=log)])
    (area,) = plot.canvas.areas()
    assert not area.why and len(area.ticks) >= 2
    assert (10**area.low if log else area.low) > 30


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_a_plot_that_has_no_room_is_not_cut_but_named_and_can_be_got(lines, qtbot, scale):
    theme = Theme("projector", scale)
    lines.apply_theme(theme)
    lines.show_plots(plots())
    canvas, chosen, high = lines.canvas, [], 0
    lines.chosen.connect(chosen.append)
    for height in range(60, 500, 20):
        lines.resize(300, height)
        lines.grab()
        assert canvas.height() <= lines.height()
        assert len(canvas.areas()) >= high  # the higher, the more
        high = len(canvas.areas())
        if height > 180:
            assert canvas.areas()[-1].box.bottom() + 8 < canvas.height() and canvas.areas()[-1].box.height() > 30
    assert high == len(plots()) and canvas._turned.isEmpty()
    lines.resize(300, round(180 * scale))
    lines.grab()
    titles = [plot.title for plot in plots()]
    assert [area.plot.title for area in canvas.areas()] == titles[:1] and canvas._turned.width() > 20
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas._turned.center().toPoint())
    assert [area.plot.title for area in canvas.areas()] == titles[1:2] and chosen == []  # nobody travels
    qtbot.keyClick(canvas, Qt.Key.Key_Up)
    assert [area.plot.title for area in canvas.areas()] == titles[:1]
