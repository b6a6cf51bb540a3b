"""Columns of units as pictures, and many lines that are drawn quickly along the timeline."""

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtGui import QImage, QPainter

from gui.network import circles, units
from gui.network.items import NodeItem
from gui.network.layout import lay_out
from gui.network.scene import NetworkScene
from gui.network.values import Content
from gui.theme import Theme
from tests.gui.network_fakes import graph, shown_panel, stop

VALUES = np.array([-1, 0.5, -0.25, 1, 0, 0.75, -0.5, -0.75], np.float32)


@pytest.fixture
def item(qapp):
    scene = NetworkScene(Theme())
    scene.show_layout(lay_out(graph()), graph())
    yield scene.nodes["act/Relu"]
    scene.clear()


def painted(item, content, zoom, shift, opacity, ratio):
    image = QImage(round(700 * ratio), round(700 * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(item.theme.panel)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(*shift)
    painter.scale(zoom, zoom)
    painter.setOpacity(opacity)
    units.paint_units(painter, item, content, zoom)
    assert painter.opacity() == pytest.approx(opacity, abs=0.01) and painter.worldMatrixEnabled()
    painter.end()
    pixels = image.constBits().asstring(4 * image.width() * image.height())
    return np.frombuffer(pixels, np.uint8).reshape(image.height(), -1, 4)[..., :3].astype(int)


@pytest.mark.parametrize("values", (VALUES, VALUES[:5], None), ids=("known", "some known", "unknown"))
@pytest.mark.parametrize(
    ("zoom", "shift", "opacity", "ratio"), ((1, (0, 0), 1, 1), (0.75, (3.4, 7.7), 1, 1), (1.3, (2.2, 5.5), 0.45, 2))
)
def test_a_column_looks_as_its_circles_painted_one_by_one(item, values, zoom, shift, opacity, ratio, monkeypatch):
    content = None if values is None else Content(values, -1, 1)
    found = painted(item, content, zoom, shift, opacity, ratio)
    monkeypatch.setattr(units, "look_of", lambda painter: None)
    expected = painted(item, content, zoom, shift, opacity, ratio)
    drawn = (expected != expected[0, 0]).any(-1)
    assert drawn.sum() > 500
    # Qt rounds places to some hundredths of a pixel.
    assert abs(found - expected).max() <= 12


def test_a_column_is_made_once_for_its_numbers_and_a_look(item, monkeypatch):
    made, content, make = [], Content(VALUES, -1, 1), circles.picture
    monkeypatch.setattr(units, "picture", lambda *given: made.append(1) or make(*given))
    for zoom, count in ((1, 1), (1, 1), (1.2, 2), (1.2, 2)):
        painted(item, content, zoom, (0, 0), 1, 1)
        assert len(made) == count
    painted(item, Content(-VALUES, -1, 1), 1.2, (0, 0), 1, 1)
    assert len(made) == 3


def test_while_the_zoom_changes_circles_are_stretched_and_drawn_anew_when_it_rests(item, monkeypatch):
    made, content, make = [], Content(VALUES, -1, 1), circles.picture
    first, expected = (painted(item, content, zoom, (0, 0), 1, 1) for zoom in (1, 1.4))
    painted(item, content, 1, (0, 0), 1, 1)
    monkeypatch.setattr(units, "picture", lambda *given: made.append(1) or make(*given))
    item.rough = True
    stretched = painted(item, content, 1.4, (0, 0), 1, 1)
    assert not made and item.rough
    # The same circles at the same places, with softer edges.
    assert (stretched != first).any() and abs(stretched - expected).mean() < 0.1 * abs(first - expected).mean() < 10
    item.refine()
    assert (painted(item, content, 1.4, (0, 0), 1, 1) == expected).all() and made == [1] and not item.rough


def test_circles_that_were_never_drawn_are_dots_while_the_zoom_changes(item):
    item.rough = True
    painted(item, Content(VALUES, -1, 1), 1, (0, 0), 1, 1)
    assert item.rough
    painted(item, Content(VALUES, -1, 1), 0.3, (0, 0), 1, 1)
    assert not item.rough  # these are dots anyway


def test_circles_of_another_layout_are_not_stretched_over_what_lies_beside(item):
    """The numbers of a column are drawn anew where the network has grown and its circles are smaller: until the zoom rests
    those of before reached far out of it, and stayed there.
    """
    content = Content(VALUES, -1, 1)
    painted(item, content, 1, (0, 0), 1, 1)
    x, y, wide, high = item.place.values
    small = NodeItem(replace(item.place, values=(x, y, wide, high / 2)), item.node, item.size, item.theme)
    small.rough = True
    inside = small.rect("values")
    assert small.rough and (painted(small, content, 1.4, (0, 0), 1, 1)[round(1.4 * inside.bottom()) + 3:] == 255).all()


def test_along_the_timeline_many_lines_are_drawn_quickly_and_smoothed_when_it_rests(qtbot, context, link, until):
    panel = shown_panel(qtbot, context, link)
    panel.state.update(graph=graph(), stop=stop(14))
    lines, view = panel.scene.lines["fc1/Linear"], panel.view
    until(lambda: not lines.rough)
    many = Content(np.linspace(-1, 1, 32 * 32, dtype=np.float32).reshape(32, 32), -1, 1)
    few = Content(np.linspace(-1, 1, 16, dtype=np.float32).reshape(8, 2), -1, 1)
    panel._show_numbers("fc1/Linear", "weight", many, False, False)
    assert not lines.rough
    context.state.update(scrubbing=True)
    panel._show_numbers("fc1/Linear", "weight", many, False, False)
    assert not lines.rough  # nothing has changed
    panel._show_numbers("fc1/Linear", "weight", few, False, False)
    assert not lines.rough
    panel._show_numbers("fc1/Linear", "weight", many, False, False)
    assert lines.rough
    quick = view.grab().toImage()
    until(lambda: not lines.rough)
    smooth = view.grab().toImage()
    context.state.update(scrubbing=False)
    panel._show_numbers("fc1/Linear", "weight", few, False, False)
    panel._show_numbers("fc1/Linear", "weight", many, False, False)
    assert view.grab().toImage() == smooth != quick


@pytest.mark.parametrize(("zoom", "maker"), ((0.3, "quick_image"), (1.0, "picture")), ids=("dots", "circles"))
def test_numbers_that_stay_are_not_coloured_again(item, zoom, maker, monkeypatch):
    made, content, make = [], Content(VALUES, -1, 1), getattr(units, maker)
    monkeypatch.setattr(units, maker, lambda *given: made.append(1) or make(*given))
    first = painted(item, content, zoom, (0, 0), 1, 1)
    assert (painted(item, content, zoom, (0, 0), 1, 1) == first).all() and len(made) == 1
    assert (painted(item, Content(-VALUES, -1, 1), zoom, (0, 0), 1, 1) != first).any()
