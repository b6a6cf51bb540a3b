"""The Layers panel: how large activations, gradients and updates are in every layer, now and over time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.context import Context
from gui.panels.layers_table import COLUMNS, BarDelegate, LayersModel, Row, rows_of
from gui.panels.panel import Panel
from gui.theme import Theme
from gui.timers import repeating
from gui.widgets.controls import tool_button
from gui.widgets.line_plot import LinePlot

#: Milliseconds between two looks while the script runs.
_LOOK = 500

#: Steps between two update ratios.
_RATIO_EVERY = 10

#: Curves that are drawn at once.
_MOST_CURVES = 6

#: Height in pixels at 100 % below which table and curves are not shown together.
_LOW = 340

#: Pixels at 100 % below which the table does without its column of norms.
_NARROW = 360

#: What the curves show: (text, column of the table, whether of parameters).
FIELDS = (
    ("activations: std", "std", False), ("activation gradients: std", "gradient std", False),
    ("dead units: share", "dead", False), ("parameters: norm", "norm", True),
    ("parameter gradients: norm", "gradient norm", True), ("update ratio", "update_ratio", True),
)  # fmt: skip

_WAITING = "Statistics are on from here: step on by a batch, or run, and every layer gets a line. They cost a little speed."
_OFF = "Statistics are off. Switch “Collect” on to see activations, gradients and updates of every layer."


class LayersPanel(Panel):
    """A table of all layers and parameters, and one of its columns over time."""

    key, title, area = "layers", "Layers", "right-bottom"
    empty_text = "Open a script (Ctrl+O); activations, gradients and updates of every layer show here."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.model = LayersModel()
        self.bars = BarDelegate(self.model, self.theme)
        self.table = _table(self.model, self.bars)
        self.field = QComboBox()
        self.field.setAccessibleName("What the curves show")
        self.field.setToolTip("What the curves show, of the lines selected in the table, else of the first 6")
        for text, _, _ in FIELDS:
            self.field.addItem(text)
        self.log = tool_button("log", "Logarithmic axis", "Logarithmic axis", checkable=True, checked=True)
        tip = "Collect statistics of every step; off, the script runs at full speed"
        self.collect = tool_button("Collect", "Collect statistics", tip, checkable=True, checked=True)
        tip = "Show how the numbers were over time, instead of the table; both show where the panel is higher"
        self.over_time = tool_button("Over time", "Show curves instead of the table", tip, checkable=True)
        self.head.add_control(self.over_time)
        self.head.add_control(self.collect)
        self.plot = LinePlot(self.theme, "step")
        self.plot.setAccessibleName("Statistics over steps")
        self.plot.set_log(True)
        self.message = QLabel(_WAITING)
        self.message.setAccessibleName("Why the table is empty")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setContentsMargins(16, 16, 16, 16)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.table)
        self.curves = self._lower_part()
        self.split.addWidget(self.curves)
        self.split.setChildrenCollapsible(False)
        self.split.setSizes([100, 100])
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.split, 1)
        self.set_content(content)
        self._asked_for_them = False
        self._ratios: dict[str, float] = {}
        self._timer = repeating(self, _LOOK, self._ask)
        self.field.currentIndexChanged.connect(lambda _: self._ask())
        self.log.toggled.connect(self.plot.set_log)
        self.collect.toggled.connect(self._switch)
        self.over_time.toggled.connect(lambda _: self._fit_in())
        selection = self.table.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(lambda *_: self._ask())

    def _lower_part(self) -> QWidget:
        """The curves, and over them what they show."""
        part, line = QWidget(), QHBoxLayout()
        line.setContentsMargins(8, 4, 4, 0)
        line.addWidget(self.field)
        line.addStretch(1)
        line.addWidget(self.log)
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(line)
        layout.addWidget(self.plot, 1)
        return part

    # ---- asking ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._timer.stop()
        if stop is None:
            return
        self.plot.set_cursor(stop.get("step"))
        if self.collect.isChecked() and not self._asked_for_them:
            self._switch(True)
        else:
            self._ask()

    def show_running(self) -> None:
        self.show_content()
        self._timer.start()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self.state.running:
            self._timer.start()

    def hideEvent(self, event: Any) -> None:
        self._timer.stop()
        super().hideEvent(event)

    def _switch(self, on: bool) -> None:
        """Have the engine collect statistics, in this and every later run, or stop it."""
        self._asked_for_them = on
        self.context.link.configure("statistics", {"enabled": on}, self._switched)

    def _switched(self, body: dict[str, Any]) -> None:
        self._show(body)
        self._ask()

    def _ask(self) -> None:
        if self.state.stop is None or not self.isVisible():
            return
        column = FIELDS[self.field.currentIndex()][1]
        names = self._names()
        suffix = ".grad" if column.startswith("gradient ") else ""
        arguments: dict[str, Any] = {}
        if names:
            arguments = {"names": [name + suffix for name in names], "field": column.removeprefix("gradient ")}
        self.ask("statistics", "statistics", arguments, lambda body: self._answered(body, column, names, suffix))

    def _names(self) -> list[str]:
        """Of which rows curves are drawn: those selected, else the first."""
        _, column, parameters = FIELDS[self.field.currentIndex()]
        rows = [row for row in self.model.rows if row.parameter == parameters]
        rows = [row for row in rows if row.gradient or not column.startswith("gradient ")]
        if column == "dead":
            rows = [row for row in rows if "dead" in row.values]
        selection = self.table.selectionModel()
        chosen = {index.row() for index in selection.selectedRows()} if selection is not None else set()
        picked = [row for row in rows if self.model.rows.index(row) in chosen]
        return [row.name for row in (picked or rows)[:_MOST_CURVES]]

    def _answered(self, body: dict[str, Any], column: str, names: list[str], suffix: str) -> None:
        self.state.update(statistics=body)
        self._show(body)
        if self._names() != names:
            self._ask()
            return
        curves = {}
        for name in names:
            series = (body.get("series") or {}).get(name + suffix)
            if series is not None:
                curves[name] = _finite(series)
        self._ask_ratios()
        self.plot.set_y_label(self.field.currentText(), drawn=False)
        self.plot.show_curves(curves)

    def _ask_ratios(self) -> None:
        """The update ratio is counted every tenth step only: look for it in the last steps."""
        names = [row.name for row in self.model.rows if row.parameter]
        if not names or "update_ratio" in (self.state.statistics.get("latest") or {}).get(names[0], {}):
            return
        first = max(0, max(row.values["step"] for row in self.model.rows) - _RATIO_EVERY)
        self.ask("ratios", "statistics", {"names": names, "field": "update_ratio", "from": first}, self._take_ratios)

    def _take_ratios(self, body: dict[str, Any]) -> None:
        for name, series in (body.get("series") or {}).items():
            _, values = _finite(series)
            if len(values):
                self._ratios[name] = float(values[-1])
        self._show(body)

    # ---- showing ----

    def _show(self, body: dict[str, Any]) -> None:
        latest = body.get("latest") or {}
        for name, values in latest.items():
            ratio = values.get("update_ratio")
            if ratio is not None and not math.isnan(ratio):
                self._ratios[name] = ratio
        rows = rows_of(latest, {name: ratio for name, ratio in self._ratios.items() if name in latest})
        self.model.set_rows(rows)
        self.message.setText(_WAITING if body.get("enabled") else _OFF)
        self.message.setVisible(not rows)
        self.split.setVisible(bool(rows))
        self.head.set_subject(_subject(rows))
        self._widths()

    def _widths(self) -> None:
        used = {column for column, _, _ in COLUMNS[1:] if any(row.get(column) is not None for row in self.model.rows)}
        for place, (column, _, _) in enumerate(COLUMNS):
            narrow = column == "norm" and self.width() < self.theme.space(_NARROW)
            self.table.setColumnHidden(place, column != "name" and (column not in used or narrow))

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._widths()
        self._fit_in()

    def _fit_in(self) -> None:
        """Where there is little room either the table is seen or the curves."""
        low = self.height() < self.theme.space(_LOW)
        self.over_time.setVisible(low)
        self.table.setVisible(not low or not self.over_time.isChecked())
        self.curves.setVisible(not low or self.over_time.isChecked())

    def apply_theme(self, theme: Theme) -> None:
        self.bars.theme = theme
        self.plot.apply_theme(theme)
        self.plot.plot.setMinimumHeight(theme.space(88))
        self.message.setFont(theme.text_font())
        self._fit_in()
        for header, size in ((self.table.verticalHeader(), 24), (self.table.horizontalHeader(), 0)):
            if header is not None and size:
                header.setDefaultSectionSize(theme.space(size))
            elif header is not None:
                header.setFont(theme.text_font("small"))
        for place in range(1, len(COLUMNS)):
            self.table.setColumnWidth(place, theme.space(76 if COLUMNS[place][0] == "share" else 66))
        viewport = self.table.viewport()
        if viewport is not None:
            viewport.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 160)

    def save(self) -> dict[str, Any]:
        return {"field": self.field.currentText(), "log": self.log.isChecked(), "collect": self.collect.isChecked()}

    def restore(self, saved: dict[str, Any]) -> None:
        self.field.setCurrentIndex(max(0, self.field.findText(str(saved.get("field", "")))))
        self.log.setChecked(bool(saved.get("log", True)))
        if not saved.get("collect", True):
            self.collect.blockSignals(True)
            self.collect.setChecked(False)
            self.collect.blockSignals(False)


def _table(model: LayersModel, bars: BarDelegate) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setItemDelegate(bars)
    table.setAccessibleName("Layers and parameters")
    table.setShowGrid(False)
    table.setFrameShape(QTableView.Shape.NoFrame)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    vertical, horizontal = table.verticalHeader(), table.horizontalHeader()
    assert vertical is not None and horizontal is not None
    vertical.hide()
    horizontal.setHighlightSections(False)
    horizontal.setMinimumSectionSize(40)
    horizontal.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return table


def _finite(series: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values without those that were not counted."""
    steps = np.asarray(series["steps"], float)
    values = np.array([math.nan if value is None else value for value in series["values"]], float)
    known = ~np.isnan(values)
    return steps[known], values[known]


def _subject(rows: list[Row]) -> str:
    if not rows:
        return ""
    outputs = sum(not row.parameter for row in rows)
    return f"{outputs} outputs, {len(rows) - outputs} parameters"


PANEL = LayersPanel
