"""Pictures of what seldom changes, and many lines at once."""

import subprocess
import sys

import numpy as np
import pytest
from PyQt6.QtCore import QSize
from PyQt6.QtGui import QColor, QImage, QPainter

from gui.widgets.layer import Layer, draw_lines, polygon

pytestmark = pytest.mark.usefixtures("qapp")


def image(scale=1):
    found = QImage(20 * scale, 20 * scale, QImage.Format.Format_RGB32)
    found.setDevicePixelRatio(scale)
    found.fill(0)
    return found


def test_a_layer_is_drawn_once_for_a_key_a_size_and_a_resolution():
    layer, drawn = Layer(), []

    def draw(painter):
        drawn.append(painter)
        painter.fillRect(2, 2, 4, 4, QColor("red"))

    def paint(key, scale=1):
        target = image(scale)
        painter = QPainter(target)
        layer.paint(painter, QSize(20, 20), QColor("white"), key, draw)
        painter.end()
        return target, len(drawn)

    first, count = paint("a")
    assert count == 1 and first.pixelColor(3, 3) == QColor("red") and first.pixelColor(10, 10) == QColor("white")
    assert paint("a") == (first, 1)
    assert paint("b")[1] == 2
    double, count = paint("b", 2)
    assert count == 3 and double.pixelColor(11, 11) == QColor("red") and double.pixelColor(12, 12) == QColor("white")
    layer.forget()
    assert paint("b", 2)[1] == 4


def test_many_lines_and_points_are_where_they_were_given():
    target = image()
    painter = QPainter(target)
    painter.setPen(QColor("white"))
    draw_lines(painter, np.array([1.0, 5.0]), 2, np.array([1.0, 5.0]), 10)
    draw_lines(painter, np.zeros(0), 2, np.zeros(0), 10)
    painter.end()
    lit = {(x, y) for x in range(20) for y in range(20) if target.pixelColor(x, y) == QColor("white")}
    assert lit == {(x, y) for x in (1, 5) for y in range(2, 11)}
    points = polygon(np.array([1.0, 2.5]), np.array([3.0, -4.0]))
    assert [(point.x(), point.y()) for point in points] == [(1, 3), (2.5, -4)]
    assert len(polygon(np.zeros(0), np.zeros(0))) == 0


def test_drawing_a_long_curve_imports_nothing():
    code = (
        "import sys, numpy as np; from gui.plots.series import columns; x = np.arange(9999.0); columns(x, x, 0, 9999, 99); "
        "sys.exit('numpy.ma' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
