"""What an explained number was computed from, on the canvas: a ring around each, or one outline where they are too small;
and units that are too small for more than a dot."""

import numpy as np
import pytest
from PyQt6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from gui.network.items import Marks
from gui.network.layout import lay_out
from gui.network.measuring import number_font
from gui.network.places import APART
from gui.network.scene import NetworkScene
from gui.network.values import Content, colours
from gui.state import Selection
from gui.theme import Theme
from tests.gui.network_fakes import edge, graph, node, shown_panel, stop

CONV = "conv/Convolution"


@pytest.fixture
def convolution(qtbot):
    """A convolution of 16 by 8 kernels."""
    nodes = [
        node("input", "", "", None, 0, (4, 8, 12, 12), kind="input"),
        node(CONV, "Convolution", "conv", 1, 1, (4, 16, 12, 12), (16, 8, 3, 3)),
    ]
    whole = {**graph(), "nodes": nodes, "edges": [edge("input", CONV, shape=(4, 8, 12, 12))], "complete": False}
    scene = NetworkScene(Theme("light"))
    scene.show_layout(lay_out(whole), whole)
    weights = np.random.default_rng(0).normal(size=(16, 8, 3, 3)).astype("f4")
    scene.show_content(CONV, "weight", Content(weights, float(weights.min()), float(weights.max())))
    return scene


def painted(scene, zoom):
    """A picture of the scene."""
    box = scene.sceneRect()
    image = QImage(round(box.width() * zoom), round(box.height() * zoom), QImage.Format.Format_RGB32)
    image.fill(scene.theme.panel)
    painter = QPainter(image)
    scene.render(painter)
    painter.end()
    return image


def colours_in(image, box, zoom, scene):
    """The colours of the pixels in a rectangle of the scene."""
    left, top = (box.left() - scene.sceneRect().left()) * zoom, (box.top() - scene.sceneRect().top()) * zoom
    columns, rows = range(round(left), round(left + box.width() * zoom)), range(round(top), round(top + box.height() * zoom))
    return [image.pixelColor(x, y).name() for y in rows for x in columns]


@pytest.mark.parametrize("zoom, alone", [(0.8, False), (16.0, True)])
def test_many_small_numbers_have_one_outline_which_hides_none_of_them(convolution, zoom, alone):
    item = convolution.nodes[CONV]
    before = painted(convolution, zoom)
    lit = [("weight", (3, into, i, j), 0.5) for into in range(8) for i in range(3) for j in range(3)]
    convolution.show_marks({CONV: Marks(lit=lit)})
    after = painted(convolution, zoom)
    _, _, rings, outline = item.lit
    assert len(rings) == (72 if alone else 0) and outline.isEmpty() == alone
    box = item.rect("weight")
    changed = [a != b for a, b in zip(*(colours_in(image, box, zoom, convolution) for image in (before, after)))]
    assert 0 < np.mean(changed) < (0.16 if not alone else 0.1), "rings upon rings would hide a whole row of kernels"
    convolution.show_marks({})
    assert colours_in(painted(convolution, zoom), box, zoom, convolution) == colours_in(before, box, zoom, convolution)


def test_dots_have_the_colours_of_their_units_with_ground_between_them(qtbot):
    scene = NetworkScene(Theme("light"))
    scene.show_layout(lay_out(graph()), graph())
    item = scene.nodes["fc1/Linear"]
    values = np.linspace(-1, 1, 8, dtype=np.float32)
    scene.show_content("fc1/Linear", "values", Content(values, -1.0, 1.0))
    zoom = 7.0 / (2 * item.size.radius)
    image, ground = painted(scene, zoom), QColor(scene.theme.panel).name()

    def pixel(at, down=0.0):
        x, y = (at.x() - scene.sceneRect().left()) * zoom, (at.y() - scene.sceneRect().top()) * zoom + down
        return image.pixelColor(int(x), int(y))

    wanted = colours(values, 1.0, scene.theme.diverging, (0, 0, 0), True).tolist()
    high = item.rect("values").height() / 8
    for unit in range(8):
        assert list(pixel(item.center(unit)).getRgb()[:3]) == wanted[unit][:3]
        assert pixel(item.center(unit), high * zoom / 2).name() == ground


def test_no_ring_lies_on_the_input_of_another_batch(panel, link):
    """The batch is there and selected, its op has not run yet: the input still shows that of the batch before."""
    whole = graph()
    whole["nodes"][0]["label"] = "x"
    panel.state.update(graph=whole, stop=stop(14))
    naming = panel.naming
    seen = naming.fill.values("input")
    assert seen is not None
    assert naming.chosen(Selection(event=seen.event, name="x")).node == "input"
    assert naming.chosen(Selection(event=99, name="x")) is None


@pytest.fixture
def panel(qtbot, context, link):
    return shown_panel(qtbot, context, link)


def test_a_number_beside_a_unit_leaves_room_for_its_ring(panel):
    """The ring of a selected unit is 5 pixels around it, and 2 wide."""
    panel.state.update(graph=graph(), stop=stop(14))
    item = panel.scene.nodes["input"]
    assert item.place.numbers == "left" and APART >= 5 + 2
    shown = max(QFontMetricsF(number_font(item.theme)).horizontalAdvance(text) for text in ("-0.200", "0.900"))
    assert item.place.beside - APART >= shown
