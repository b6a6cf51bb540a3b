"""The lower part of the Layers panel: one number of several layers over the steps, or one layer's histograms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.panels.layers_table import Row
from gui.panels.panel import ElidedLabel
from gui.theme import Theme
from gui.widgets.controls import tool_button
from gui.widgets.histogram_map import HistogramMap
from gui.widgets.line_plot import LinePlot

#: Curves that are drawn at once.
_MOST_CURVES = 6

#: The column that stands for histograms, of the values or of their gradients.
HISTOGRAM = "histogram"

#: What is shown: (text, column of the table, whether of parameters).
FIELDS = (
    ("activations: std", "std", False), ("activation gradients: std", "gradient std", False),
    ("dead units: share", "dead", False), ("parameters: norm", "norm", True),
    ("parameter gradients: norm", "gradient norm", True), ("update ratio", "update_ratio", True),
    ("histogram of the values", HISTOGRAM, False), ("histogram of the gradients", f"gradient {HISTOGRAM}", False),
)  # fmt: skip

NO_HISTOGRAMS = "No histograms yet. Choose “with histograms” under “Collect” and run on (F5)."


class OverTime(QWidget):
    """What to show, and the plot of it.

    Signals:
        changed(): something else is to be shown.
    """

    changed = pyqtSignal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.field = QComboBox()
        self.field.setAccessibleName("What is shown over time")
        self.field.setToolTip("What is shown over the steps, of the lines selected in the table, else of the first 6")
        for text, _, _ in FIELDS:
            self.field.addItem(text)
        self.log = tool_button("log", "Logarithmic axis", "Logarithmic axis", checkable=True, checked=True)
        self.plot = LinePlot(theme)
        self.plot.setAccessibleName("Statistics over steps")
        self.histogram = HistogramMap(theme)
        self.note = QLabel(NO_HISTOGRAMS)
        self.note.setWordWrap(True)
        self.note.setContentsMargins(16, 8, 16, 8)
        self.note.setAccessibleName("Why there is no histogram")
        self.read_out = ElidedLabel()
        self.read_out.setContentsMargins(8, 0, 8, 2)
        self.read_out.setAccessibleName("Read-out of the histogram")
        line = QHBoxLayout()
        line.setContentsMargins(8, 4, 4, 0)
        line.addWidget(self.field)
        line.addStretch(1)
        line.addWidget(self.log)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(line)
        for widget in (self.plot, self.histogram, self.note):
            layout.addWidget(widget, 1)
        layout.addWidget(self.read_out)
        #: By the engine's name what is known of the column: steps and values, and up to which step.
        self._known: dict[str, tuple[np.ndarray, np.ndarray, int]] = {}
        self._known_column = ""
        self.histogram.read.connect(self.read_out.setText)
        self.field.currentIndexChanged.connect(lambda _: self._choose())
        self.log.toggled.connect(lambda _: self.changed.emit())
        self._show_part(self.plot)

    # ---- what is shown ----

    @property
    def column(self) -> str:
        """The column of the table that is shown, or the histogram."""
        return FIELDS[self.field.currentIndex()][1]

    @property
    def is_histogram(self) -> bool:
        """Whether histograms are shown."""
        return self.column.endswith(HISTOGRAM)

    @property
    def suffix(self) -> str:
        """What the engine's names of the tensors end with."""
        return ".grad" if self.column.startswith("gradient ") else ""

    def names(self, rows: list[Row], chosen: set[int]) -> list[str]:
        """Of which rows something is shown: those selected, else the first."""
        _, column, parameters = FIELDS[self.field.currentIndex()]
        usable = [row for row in rows if self.is_histogram or row.parameter == parameters]
        usable = [row for row in usable if row.gradient or not column.startswith("gradient ")]
        if column == "dead":
            usable = [row for row in usable if "dead" in row.values]
        picked = [row for row in usable if rows.index(row) in chosen]
        return [row.name for row in (picked or usable)[: 1 if self.is_histogram else _MOST_CURVES]]

    def request(self, names: list[str], news: bool = False) -> dict[str, Any]:
        """The arguments of the request ``statistics`` for these rows; with ``news`` for what is not known yet, where the
        run has only gone on since the answer before.
        """
        if not names:
            return {}
        if self.is_histogram:
            return {"histograms": names[0] + self.suffix}
        asked = [name + self.suffix for name in names]
        arguments: dict[str, Any] = {"names": asked, "field": self.column.removeprefix("gradient ")}
        if news and self._known_column == self.column and all(name in self._known for name in asked):
            arguments["from"] = min(self._known[name][2] for name in asked) + 1
        return arguments

    def show_answer(self, body: dict[str, Any], names: list[str], news: bool = False) -> None:
        """Show what the engine has answered for these rows; ``news``: it goes on from what is known."""
        if self.is_histogram:
            self._show_histograms(body.get("histograms"))
            return
        series = body.get("series") or {}
        if not news:
            self._known, self._known_column = {}, self.column
        for name, found in series.items():
            self._known[name] = _longer(self._known.get(name), found)
        known = {name: self._known[name + self.suffix] for name in names if name + self.suffix in self._known}
        curves = {name: (steps + 1, values) for name, (steps, values, _) in known.items()}  # the engine counts from 0
        self._show_part(self.plot)
        self.plot.show_curves(self.field.currentText(), curves, self.log.isChecked())

    def _show_histograms(self, found: dict[str, Any] | None) -> None:
        if found is None or not len(steps := found["steps"].numpy()):
            self._show_part(self.note)
            return
        self._show_part(self.histogram)
        self.histogram.show_histograms(found["name"], steps + 1, found["counts"].numpy(), found["edges"].numpy())

    def _show_part(self, part: QWidget) -> None:
        for widget in (self.plot, self.histogram, self.note):
            widget.setVisible(widget is part)
        self.read_out.setVisible(part is self.histogram)
        self.log.setVisible(not self.is_histogram)

    def _choose(self) -> None:
        self.log.setVisible(not self.is_histogram)
        self.changed.emit()

    def set_cursor(self, step: float | None) -> None:
        """A line at the current step."""
        self.plot.set_cursor(step)
        self.histogram.set_cursor(step)

    def apply_theme(self, theme: Theme) -> None:
        """Take on another theme."""
        self.plot.apply_theme(theme)
        self.plot.setMinimumHeight(theme.space(88))
        self.histogram.apply_theme(theme)
        self.note.setFont(theme.text_font())
        self.read_out.setFont(theme.code_font("small"))
        self.read_out.set_ground(theme.panel)


def _longer(
    known: tuple[np.ndarray, np.ndarray, int] | None, series: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, int]:
    """What is known with what is newer in an answer: steps and values, and up to which step."""
    steps, values = finite(series)
    last = int(series["steps"][-1]) if len(series["steps"]) else -1
    if known is None:
        return steps, values, last
    fresh = steps > known[2]
    return np.concatenate([known[0], steps[fresh]]), np.concatenate([known[1], values[fresh]]), max(last, known[2])


def finite(series: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values without those that were not counted."""
    steps = np.asarray(series["steps"], float)
    values = np.array([math.nan if value is None else value for value in series["values"]], float)
    known = ~np.isnan(values)
    return steps[known], values[known]
