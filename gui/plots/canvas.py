"""``PlotCanvas``: several plots over one axis, drawn once; only the lines of cursor and pointer are drawn anew."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PyQt6.QtCore import QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PyQt6.QtWidgets import QApplication, QSizePolicy, QWidget

from gui.plots.area import Area, Smoothing, arrange, step_ticks
from gui.plots.axes import kept_range, steps_range
from gui.plots.paint import Mark, draw, draw_lines, draw_titles
from gui.plots.series import Curve, Plot, beside, nearest
from gui.theme import Theme
from gui.widgets.layer import Layer

#: The least that is shown of the common axis, and pixels between the axis of values and the first step.
_LEAST = 4.0
_INSET = 4.0
#: Pixels beside the line of the cursor that belong to it.
_FOOT = 6


class PlotCanvas(QWidget):
    """Plots below each other. The wheel zooms at the pointer, a drag moves, a double-click shows everything again.

    Signals:
        chosen(x): a place was clicked, or Enter was pressed at the pointer.
        pointed(x): the pointer is there; NaN: it is nowhere.
    """

    chosen = pyqtSignal(float)
    pointed = pyqtSignal(float)

    def __init__(self, theme: Theme, x_label: str = "step", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.x_label = theme, x_label
        self.plots: list[Plot] = []
        self.marks: list[Mark] = []
        self.cursor_at: float | None = None
        self.pointer: float | None = None
        self.decay = 0.0
        self._shown: tuple[float, float] | None = None
        self._whole: tuple[float, float] | None = None
        self._whole_of: list[Plot] | None = None
        #: The last place of any curve, and the plots that it was found in.
        self._last = math.inf
        self._last_of: list[Plot] | None = None
        self._kept: dict[tuple[str, bool], tuple[float, float]] = {}
        self._smoothing = Smoothing()
        self._areas: list[Area] = []
        #: The plot that is shown first, and where one clicks to see those that have no room.
        self._first = 0
        self._turned = QRectF()
        self._arranged: tuple[QSize, Theme] | None = None
        self._version = 0
        self._below, self._titled = Layer(), Layer()
        self._read: tuple | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._drag: tuple[QPointF, tuple[float, float]] | None = None
        self._dragged = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(
            "Curves: left and right read values, Enter goes there, up and down show other plots, + and - zoom, 0 shows "
            "everything"
        )

    # ---- what is shown ----

    def show_plots(self, plots: Sequence[Plot]) -> None:
        """Show these; ranges stay where they suit."""
        self.plots = list(plots)
        self._first = min(self._first, max(0, len(self.plots) - 1))
        self.renew()

    def split(self) -> tuple[list[Plot], list[Plot]]:
        """The plots that have room, each with its axes, and the others, which come with :meth:`turn`."""
        ordered = [*self.plots[self._first :], *self.plots[: self._first]]
        line = QFontMetricsF(self.theme.text_font("small")).height()
        count = max(1, int((self.height() - line - 8) / (3.2 * line + 10)))
        if count >= len(ordered):
            return list(self.plots), []
        return ordered[:count], ordered[count:]

    def turn(self, by: int = 1) -> None:
        """Show the plots that had no room, in the place of those that had."""
        shown, hidden = self.split()
        if hidden:
            self._first = (self._first + by * len(shown)) % len(self.plots)
            self.renew()

    def renew(self) -> None:
        """Draw everything anew when it is seen next."""
        self._arranged = None
        self._version += 1
        self.update()

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Lines through all plots with a sign at the top."""
        if list(marks) != self.marks:
            self.marks = list(marks)
            self.renew()

    def set_cursor(self, x: float | None) -> None:
        """A line at the current step, or none."""
        if x == self.cursor_at:
            return
        before, self.cursor_at = self.cursor_at, x
        if self._arranged is None or self._read != self._reading():
            self.update()
            return
        for place in (before, x):
            if place is not None:
                self.update(QRect(round(self._pixel(place)) - _FOOT, 0, 2 * _FOOT + 1, self.height()))

    def set_pointer(self, x: float | None) -> None:
        """Read the values here; None: those at the cursor."""
        if x != self.pointer:
            self.pointer = x
            self.update()
            self.pointed.emit(math.nan if x is None else x)

    @property
    def shown(self) -> tuple[float, float]:
        """The ends of the common axis."""
        return self._shown or self.whole

    @property
    def whole(self) -> tuple[float, float]:
        """The ends that show everything."""
        if self._whole is not None and self._whole_of is self.plots:
            return self._whole
        ends = [(curve.x[0], curve.x[-1]) for plot in self.plots for curve in plot.curves if len(curve.x)]
        if not ends:
            return 0.0, 5.0
        # The cursor stands one step behind the last value where the next step has not computed its loss yet.
        ahead = 1.0 if self.x_label == "step" else 0.0
        wanted = steps_range(float(min(first for first, _ in ends)), float(max(last for _, last in ends)) + ahead)
        self._whole, self._whole_of = kept_range(self._whole, wanted), self.plots
        return self._whole

    def show_range(self, low: float, high: float) -> None:
        """Show a part of the common axis, as far as there is something."""
        first, last = self.whole
        size = min(max(high - low, min(_LEAST, last - first)), last - first)
        low = min(max(low, first), last - size)
        self._shown = None if size >= (last - first) * (1 - 1e-9) else (low, low + size)
        self.renew()

    def show_all(self) -> None:
        """Show everything, also what is yet to come."""
        self._shown = None
        self._kept.clear()
        self.renew()

    def zoom_by(self, factor: float, x: float | None = None) -> None:
        """Show 1 / ``factor`` times as much, with the place ``x`` staying where it is."""
        low, high = self.shown
        middle = x if x is not None else self.pointer if self.pointer is not None else (low + high) / 2
        self.show_range(middle - (middle - low) / factor, middle + (high - middle) / factor)

    # ---- geometry ----

    def areas(self) -> list[Area]:
        """Where everything stands."""
        wanted = self.size(), self.theme
        if self._arranged != wanted:
            self._arranged = wanted
            rect = QRectF(self.rect()).adjusted(0, 2, 0, 0)
            shown, _ = self.split()
            self._areas = arrange(shown, rect, self.shown, self.decay, self.theme, self._smoothing, self._kept)
        return self._areas

    def x_of(self, values: np.ndarray) -> np.ndarray:
        """Places of the common axis as pixels."""
        low, high = self.shown
        box = self._areas[0].box if self._areas else QRectF(self.rect())
        return box.left() + _INSET + (values - low) / (high - low) * (box.width() - _INSET)

    def _pixel(self, x: float) -> float:
        low, high = self.shown
        box = self._areas[0].box if self._areas else QRectF(self.rect())
        return box.left() + _INSET + (x - low) / (high - low) * (box.width() - _INSET)

    def value_of(self, pixel: float) -> float:
        """The place of the common axis at a pixel."""
        low, high = self.shown
        box = self._areas[0].box if self._areas else QRectF(self.rect())
        return low + (pixel - box.left() - _INSET) / max(1.0, box.width() - _INSET) * (high - low)

    def sizeHint(self) -> QSize:
        line = QFontMetricsF(self.theme.text_font("small")).height()
        return QSize(300, round(len(self.plots) * (3.2 * line + 10) + line + 48))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 40)

    def least_height(self) -> int:
        """Below which there is more of the axes to see than of a curve."""
        return round(3.5 * QFontMetricsF(self.theme.text_font("small")).height()) + 18

    # ---- painting ----

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        self.areas()
        self._read = self._reading()
        key = (self._version, self.theme, self._read)
        self._titled.paint(painter, self.size(), self.theme.panel, key, self._draw_titled)
        places = [None if x is None else self._pixel(x) for x in (self.cursor_at, self.pointer)]
        draw_lines(painter, self._areas, places[0], places[1], self.theme)
        painter.end()

    def _reading(self) -> tuple[float, bool]:
        """Where values are read, and whether just there; behind the last value it is all one."""
        here, exact = self._here(), self.pointer is not None
        if self._last_of is not self.plots:
            self._last_of = self.plots
            self._last = max((float(curve.x[-1]) for curve in self._curves() if len(curve.x)), default=math.inf)
        return (here if exact else min(here, self._last)), exact

    def _draw_titled(self, painter: QPainter) -> None:
        """Everything but the lines of cursor and pointer. The curves beneath the values are not drawn for these alone."""
        self._below.paint(painter, self.size(), self.theme.panel, (self._version, self.theme), self._draw)
        at, exact = self._reading()
        others = ", ".join(plot.title for plot in self.split()[1])
        self._turned = draw_titles(painter, self._areas, at, exact, self.theme, others)

    def _draw(self, painter: QPainter) -> None:
        box = self._areas[0].box if self._areas else QRectF(self.rect())
        ticks = step_ticks(self.shown, box, self.theme)
        draw(painter, self._areas, self.x_of, ticks, self.x_label, self.marks, self.theme)

    # ---- mouse and keys ----

    def _here(self) -> float:
        """Where values are read: at the pointer, the cursor, or the end."""
        here = self.pointer if self.pointer is not None else self.cursor_at
        return self.shown[1] if here is None else here

    def _curves(self) -> list[Curve]:
        return [curve for plot in self.plots for curve in plot.curves]

    def point_at(self, pixel: float) -> None:
        """Read the values nearest to a pixel."""
        box = self.areas()[0].box if self.plots else QRectF()
        inside = box.left() - 4 <= pixel <= box.right() + 8
        self.set_pointer(nearest(self._curves(), self.value_of(pixel)) if inside else None)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self._turned.contains(event.position()):
            self.turn()
        elif event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag, self._dragged = (event.position(), self.shown), False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        if self._drag is not None and self._areas:
            start, (low, high) = self._drag
            moved = event.position().x() - start.x()
            if abs(moved) >= QApplication.startDragDistance() or self._dragged:
                self._dragged = True
                by = moved / max(1.0, self._areas[0].box.width()) * (high - low)
                self.show_range(low - by, high - by)
                return
        self._say_turn(self._turned.contains(event.position()))
        self.point_at(event.position().x())

    def _say_turn(self, here: bool) -> None:
        """Say with the pointer over their names how plots without room are got."""
        tip = "Click, or press Down, to see the plots that have no room here" if here else ""
        if tip != self.toolTip():
            self.setToolTip(tip)
            self.setCursor(Qt.CursorShape.PointingHandCursor if here else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton and self._drag is not None:
            dragged, self._drag = self._dragged, None
            self.point_at(event.position().x())
            if not dragged and self.pointer is not None:
                self.chosen.emit(self.pointer)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        self._drag = None
        self.show_all()

    def leaveEvent(self, event: object) -> None:
        self.set_pointer(None)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is None:
            return
        turned = event.angleDelta()
        low, high = self.shown
        if turned.x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            by = (turned.x() or turned.y()) / 800 * (high - low)
            self.show_range(low - by, high - by)
        else:
            self.zoom_by(1.0015 ** turned.y(), self.value_of(event.position().x()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            here = self._here()
            self.set_pointer(beside(self._curves(), here, key == Qt.Key.Key_Right) or nearest(self._curves(), here))
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.split()[1]:
            self.turn(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.pointer is not None:
            self.chosen.emit(self.pointer)
        elif key == Qt.Key.Key_Escape and self.pointer is not None:
            self.set_pointer(None)
        elif event.text() in ("+", "="):
            self.zoom_by(1.5)
        elif event.text() == "-":
            self.zoom_by(1 / 1.5)
        elif event.text() == "0":
            self.show_all()
        else:
            super().keyPressEvent(event)
