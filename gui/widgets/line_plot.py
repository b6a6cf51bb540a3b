"""``LinePlot``: plots of curves over steps, with a legend above them and a read-out below."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PyQt6.QtCore import QEvent, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gui.numbers import format_count
from gui.panels.panel import ElidedLabel
from gui.plots.canvas import PlotCanvas
from gui.plots.paint import Mark, swatch, wide_pen_of
from gui.plots.series import Curve, Plot, value_text
from gui.theme import Theme
from gui.widgets.flow_layout import FlowLayout

__all__ = ["Curve", "LinePlot", "Mark", "Plot"]

#: Share of the height that the legend may take.
_LEGEND = 0.25

#: Qt's QWIDGETSIZE_MAX: no width is too large.
_WIDEST = 16_777_215

#: Share of the axis within which a mark belongs to what is read.
_NEAR = 0.01


class LinePlot(QWidget):
    """Several plots over one axis; see :class:`~gui.plots.canvas.PlotCanvas` for what mouse and keys do.

    Signals:
        chosen(x): a place was clicked.
    """

    chosen = pyqtSignal(float)

    def __init__(self, theme: Theme, x_label: str = "step", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.canvas = PlotCanvas(theme, x_label)
        self.legend = QWidget()
        self.legend.setAccessibleName("Legend")
        self._legend_layout = FlowLayout(self.legend, spacing=12, margins=(8, 2, 8, 2))
        self._entries: list[tuple] = []
        self._more: QLabel | None = None
        self._fitting = False
        self._said: tuple | None = None
        self.read_out = ElidedLabel()
        self.read_out.setAccessibleName("Read-out of the curves")
        self.read_out.setContentsMargins(8, 0, 8, 2)
        self._place_text: Callable[[float], str] = lambda x: f"{self.canvas.x_label} {format_count(x)}"
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.legend, self.canvas, self.read_out):
            layout.addWidget(widget, int(widget is self.canvas))
        self.setFocusProxy(self.canvas)
        self.canvas.chosen.connect(self.chosen)
        self.canvas.pointed.connect(lambda _: self._say())
        self.apply_theme(theme)

    # ---- what is shown ----

    def show_plots(self, plots: Sequence[Plot]) -> None:
        """Show these plots; the view stays where the user has put it."""
        self.canvas.show_plots(plots)
        self._said = None
        self._write_legend()
        self._say()

    def show_curves(self, title: str, curves: Mapping[str, tuple[np.ndarray, np.ndarray]], log: bool = False) -> None:
        """Show one plot of (x, y) by name, each curve in a colour of its own."""
        found = [
            Curve(name, np.asarray(x, float), np.asarray(y, float), style=number)
            for number, (name, (x, y)) in enumerate(curves.items())
        ]
        self.show_plots([Plot(title, found, log=log)])

    def set_smoothing(self, decay: float) -> None:
        """Draw moving averages of this decay, and the values themselves faintly; 0: only the values."""
        if decay != self.canvas.decay:
            self.canvas.decay = decay
            self.canvas.renew()

    def set_axis(self, label: str, place_text: Callable[[float], str] | None = None) -> None:
        """What the common axis counts; ``place_text(x)`` says a place in the read-out."""
        self.canvas.x_label = label
        self._said = None
        self._place_text = place_text or (lambda x: f"{label} {format_count(x)}")
        self.canvas.renew()

    def set_cursor(self, x: float | None) -> None:
        """A line at the current step, or none."""
        self.canvas.set_cursor(x)
        self._say()

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Signs at places, with a text in the read-out."""
        self._said = None
        self.canvas.set_marks(marks)

    def show_all(self) -> None:
        """Show everything, also what is yet to come."""
        self.canvas.show_all()

    # ---- drawing ----

    def apply_theme(self, theme: Theme) -> None:
        """Take on another theme."""
        self.theme = self.canvas.theme = theme
        self.read_out.setFont(theme.code_font("small"))
        self.read_out.set_ground(theme.panel)
        self.read_out.setFixedHeight(round(QFontMetricsF(theme.code_font("small")).height()) + 6)
        self._entries = []
        self._write_legend()
        self.canvas.updateGeometry()
        self.canvas.renew()

    def _write_legend(self) -> None:
        curves: dict[str, Curve] = {}
        for plot in self.canvas.plots:
            for curve in plot.curves:
                curves.setdefault(curve.name, curve)
        wanted = [(name, curve.style, curve.dash, curve.points) for name, curve in curves.items()]
        if wanted == self._entries:
            return
        self._entries = wanted
        while (item := self._legend_layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        for curve in curves.values():
            self._legend_layout.addWidget(_Entry(curve, self.theme))
        self._more = QLabel()
        self._more.setObjectName("muted")
        self._more.setFont(self.theme.text_font("small"))
        self._legend_layout.addWidget(self._more)
        self._fit_legend()

    def _fit_legend(self) -> None:
        """Leave out entries for which there is no room beside the curves, and say how many."""
        layout, more = self._legend_layout, self._more
        if more is None or self._fitting:
            return  # an entry that shows lays out its parents at once, which may resize this, and so on without end
        self._fitting = True
        try:
            self._choose_entries(layout, more)
        finally:
            self._fitting = False

    def _choose_entries(self, layout: FlowLayout, more: QLabel) -> None:
        """As many as have room in a quarter of the height, in one line where there is little, in none where that is left to
        the curves.
        """
        entries = [widget for i in range(layout.count() - 1) if (item := layout.itemAt(i)) and (widget := item.widget())]
        for entry in entries:
            entry.setMaximumWidth(_WIDEST)
            entry.show()
        more.hide()
        line, left = layout.minimumSize().height(), self.height() - self.read_out.height() - self.canvas.least_height()
        self.legend.setVisible(len(entries) > 1 and left >= line)
        room = min(max(_LEGEND * self.height(), line), left)
        for kept in range(len(entries) - 1, 0, -1):
            layout.invalidate()
            if layout.heightForWidth(self.width()) <= room:
                break
            entries[kept].hide()
            more.setText(f"and {len(entries) - kept} more")
            more.setToolTip("\n".join(name for name, *_ in self._entries[kept:]))
            more.show()
        layout.invalidate()
        if not more.isHidden() and layout.heightForWidth(self.width()) > room:  # the name is cut, not "and 2 more"
            margins = layout.contentsMargins()
            taken = margins.left() + margins.right() + layout.spacing() + more.sizeHint().width()
            entries[0].setMaximumWidth(max(entries[0].minimumSizeHint().width(), self.width() - taken))
            layout.invalidate()
        self.legend.updateGeometry()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit_legend()
        self._said = None  # another room for what is read
        self._say()

    # ---- reading ----

    def text_at(self, x: float, exact: bool = True) -> str:
        """What the curves say at ``x``: the place, all values with their units, and the marks that are near."""
        parts = [self._place_text(x)]
        near = self._near(x) if exact else []
        for plot in self.canvas.plots:
            values = []
            for curve in plot.curves:
                if number := value_text(curve, x, plot.unit, exact):
                    values.append(number if len(plot.curves) == 1 else f"{curve.name} {number}")
            if values:
                parts.append(f"{plot.title} {', '.join(values)}")
        return "   ".join(near + parts)

    def _brief(self, x: float, exact: bool) -> str:
        """What of it has room: the first curve of each plot, which the legend names first, of as many as fit; at least the
        place. All values stand above their plots as well.
        """
        room, wide = self.width() - 16, self.read_out.fontMetrics().horizontalAdvance
        text = "   ".join([self._place_text(x), *(self._near(x) if exact else [])])
        for plot in self.canvas.plots:
            if plot.curves and (number := value_text(plot.curves[0], x, plot.unit, exact)):
                longer = f"{text}   {plot.title} {number}"
                if wide(longer) > room:
                    break
                text = longer
        return text

    def _near(self, x: float) -> list[str]:
        """What the marks at a place say."""
        low, high = self.canvas.shown
        return [mark.text for mark in self.canvas.marks if abs(mark.x - x) <= (high - low) * _NEAR][:2]

    def _say(self) -> None:
        pointer, cursor = self.canvas.pointer, self.canvas.cursor_at
        curves = [curve for plot in self.canvas.plots for curve in plot.curves if len(curve.x)]
        # Another run may have come further: its last step is not where the values of this one belong.
        own = [curve for curve in curves if curve.style == 0] or curves
        last = max((curve.x[-1] for curve in own), default=math.nan)
        at = pointer if pointer is not None else min(cursor, last) if cursor is not None else last
        wanted = (at, pointer is not None, self.canvas.shown)
        if wanted == self._said:
            return  # the cursor of a script that runs is beyond the last value thirty times a second
        self._said = wanted
        text = brief = ""
        if at is not None and not math.isnan(at):
            text = self.text_at(at, pointer is not None)
            brief = self._brief(at, pointer is not None)
        self.read_out.set_text(text, brief=brief)
        self.canvas.setAccessibleDescription(text)

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.FontChange:
            self.canvas.renew()
        return super().event(event)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 60)


class _Entry(QWidget):
    """A name with a piece of its line."""

    def __init__(self, curve: Curve, theme: Theme) -> None:
        super().__init__()
        self._pen, self._points, self._paper = wide_pen_of(curve, theme), curve.points, theme.panel
        self._wide, self._name, self._ink = swatch(theme), curve.name, theme.ink
        self.setFont(theme.text_font("small", bold=curve.style == 0))
        self.setToolTip(curve.name)
        self.setAccessibleName(f"Legend: {curve.name}")

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(self._wide + 6 + metrics.horizontalAdvance(self._name) + 1, metrics.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._wide + 6 + self.fontMetrics().averageCharWidth() * 4, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = self.rect().adjusted(self._wide + 6, 0, 0, 0)
        painter.setPen(self._ink)
        name = self.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideMiddle, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        painter.setPen(self._pen)
        painter.drawLine(0, self.height() // 2, self._wide, self.height() // 2)
        if self._points:
            painter.setBrush(self._paper)
            painter.setPen(QPen(self._pen.color(), 1.2))
            painter.drawEllipse(self._wide // 2 - 3, self.height() // 2 - 3, 6, 6)
        painter.end()
