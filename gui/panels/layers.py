"""The Layers panel: how large activations, gradients and updates are in every layer, now and over time."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtCore import QItemSelectionModel, QSize, Qt
from PyQt6.QtGui import QAction, QActionGroup
from PyQt6.QtWidgets import (
    QPushButton,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.context import Context
from gui.numbers import plural
from gui.panels.layers_table import LayersModel, Row, rows_of
from gui.panels.layers_time import OverTime, finite
from gui.panels.layers_view import LayersTable
from gui.panels.panel import Panel
from gui.steps import step_number
from gui.theme import Theme
from gui.timers import repeating
from gui.widgets.controls import tool_button
from gui.widgets.hint import Hint
from gui.widgets.menu import Menu

#: Milliseconds between two looks while the script runs.
_LOOK = 500

#: Steps between two update ratios, and between two histograms, which take three times as long as a training step.
_RATIO_EVERY = 10
_HISTOGRAMS_EVERY = 20

#: Height in pixels at 100 % below which table and curves are not shown together.
_LOW = 340

#: What is collected: the engine's tier, by the text of the choice. The costs are those of tests/benchmarks.
TIERS = {"off": "Off: full speed", "scalars": "Numbers: steps take some 15 % longer",
         "histograms": "Numbers with histograms: some 30 % longer"}  # fmt: skip

_WAITING = "Statistics are on from here: step on by a batch, or run (F5), and every layer gets a line."
_OFF = (
    "Statistics are off. Collected, they show activations, gradients and updates of every layer; "
    "each step then takes some 15 % longer."
)


class LayersPanel(Panel):
    """A table of all layers and parameters, and one of its columns over time."""

    key, title, area = "layers", "Layers", "right-bottom"
    trails = True
    empty_text = "Open a script (Ctrl+O); activations, gradients and updates of every layer show here."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.model = LayersModel()
        self.table = LayersTable(self.model, self.theme)
        self.curves = OverTime(self.theme)
        self.field, self.log, self.plot = self.curves.field, self.curves.log, self.curves.plot
        tip = "Show how the numbers were over time, instead of the table; both show where the panel is higher"
        self.over_time = tool_button("Time", "Show curves instead of the table", tip, checkable=True)
        self.collect = QToolButton()
        self.tiers: dict[str, QAction] = {}
        self._make_collect()
        self.head.add_control(self.over_time)
        self.head.add_control(self.collect)
        self.message = Hint(_OFF)
        self.message.setAccessibleName("Why the table is empty")
        self.message.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom)
        self.start = QPushButton("Collect statistics")
        self.start.setAccessibleName("Collect statistics")
        self.start.setToolTip(TIERS["scalars"])
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.table)
        self.split.addWidget(self.curves)
        self.split.setChildrenCollapsible(False)
        self.split.setSizes([100, 100])
        self.hint = QWidget()
        column = QVBoxLayout(self.hint)
        column.setContentsMargins(0, 0, 0, 8)
        column.addWidget(self.message, 2)
        column.addWidget(self.start, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.hint, 1)
        layout.addWidget(self.split, 1)
        self.set_content(content)
        self._sent: str | None = None
        self._restoring = False
        self._ratios: dict[str, float] = {}
        self._timer = repeating(self, _LOOK, self._ask)
        self.start.clicked.connect(lambda: self.tiers["scalars"].setChecked(True))
        self.curves.changed.connect(self._ask)
        self.over_time.toggled.connect(lambda _: self._fit_in())
        selection = self.table.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(lambda *_: self._ask())

    def _make_collect(self) -> None:
        self.collect.setText("Collect")
        self.collect.setAccessibleName("What statistics are collected")
        self.collect.setToolTip("What is collected at every step, and what that costs")
        self.collect.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = Menu(self)
        group = self._group = QActionGroup(menu)
        for tier, text in TIERS.items():
            action = QAction(text, group)
            action.setCheckable(True)
            action.setChecked(tier == "off")
            action.toggled.connect(lambda on: on and self._switch())
            menu.addAction(action)
            self.tiers[tier] = action
        self.collect.setMenu(menu)

    # ---- asking ----

    @property
    def tier(self) -> str:
        """What is to be collected: "off", "scalars" or "histograms"."""
        return next((tier for tier, action in self.tiers.items() if action is self._group.checkedAction()), "off")

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._timer.stop()
        if stop is None:
            return
        self.curves.set_cursor(step_number(stop))
        if self.tier != (self._sent or "off"):
            self._switch()
        else:
            self._ask()

    def show_running(self) -> None:
        self.show_content()
        self.curves.set_cursor(None)  # that of the stop before
        self._timer.start()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self.state.running:
            self._timer.start()

    def hideEvent(self, event: Any) -> None:
        self._timer.stop()
        super().hideEvent(event)

    def _switch(self) -> None:
        """Have the engine collect statistics, in this and every later run, or stop it."""
        if self._restoring:
            return
        self._sent = tier = self.tier
        arguments: dict[str, Any] = {"enabled": tier != "off"}
        if tier != "off":
            arguments.update(tier=tier, histogramsEvery=_HISTOGRAMS_EVERY)
        self.context.link.configure("statistics", arguments, self._switched)

    def _switched(self, body: dict[str, Any]) -> None:
        self._show(body)
        self._ask()

    def _ask(self) -> None:
        if self.state.stop is None or not self.isVisible() or self.tier == "off":
            self._show(self.state.statistics if self.tier != "off" else {})
            return
        names, column = self._names(), self.curves.column
        asked = self.curves.request(names, self.state.running)

        def answered(body: dict[str, Any]) -> None:
            self._answered(body, column, names, "from" in asked)

        self.ask("statistics", "statistics", asked, answered)

    def _names(self) -> list[str]:
        return self.curves.names(self.model.rows, self._chosen())

    def _answered(self, body: dict[str, Any], column: str, names: list[str], news: bool) -> None:
        self.state.update(statistics=body)
        self._show(body)
        if self._names() != names or self.curves.column != column:
            self._ask()
            return
        self._ask_ratios()
        self.curves.show_answer(body, names, news)

    def _ask_ratios(self) -> None:
        """The update ratio is counted every tenth step only: look for it in the last steps."""
        names = [row.name for row in self.model.rows if row.parameter]
        if not names or "update_ratio" in (self.state.statistics.get("latest") or {}).get(names[0], {}):
            return
        first = max(0, max(row.values["step"] for row in self.model.rows) - _RATIO_EVERY)
        self.ask("ratios", "statistics", {"names": names, "field": "update_ratio", "from": first}, self._take_ratios)

    def _take_ratios(self, body: dict[str, Any]) -> None:
        for name, series in (body.get("series") or {}).items():
            _, values = finite(series)
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
        self._set_rows(rows)
        on = self.tier != "off"
        self.message.setText(_WAITING if on else _OFF)
        self.start.setVisible(not on)
        self.hint.setVisible(not rows)
        self.split.setVisible(bool(rows))
        self.head.set_subject(_subject(rows), brief=_subject(rows).partition(",")[0])
        self.table.fit()
        self._fit_in()

    def _set_rows(self, rows: list[Row]) -> None:
        """Show these; what is selected stays so, wherever it stands now."""
        chosen = {self.model.rows[row].name for row in self._chosen()}
        self.model.set_rows(rows)
        selection = self.table.selectionModel()
        if selection is None or {rows[row].name for row in self._chosen()} == chosen:
            return
        rows_flag = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        selection.blockSignals(True)
        for place, row in enumerate(rows):
            if row.name in chosen:
                selection.select(self.model.index(place, 0), rows_flag)
        selection.blockSignals(False)

    def _chosen(self) -> set[int]:
        selection = self.table.selectionModel()
        return set() if selection is None else {index.row() for index in selection.selectedRows()}

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit_in()

    def _fit_in(self) -> None:
        """Where there is little room either the table is seen or the curves."""
        low = self.height() < self.theme.space(_LOW)
        self.over_time.setVisible(low and bool(self.model.rows))
        self.table.setVisible(not low or not self.over_time.isChecked())
        self.curves.setVisible(not low or self.over_time.isChecked())

    def apply_theme(self, theme: Theme) -> None:
        self.table.apply_theme(theme)
        self.curves.apply_theme(theme)
        self.message.apply_theme(theme)
        self._fit_in()

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 160)

    def save(self) -> dict[str, Any]:
        return {"field": self.field.currentText(), "log": self.log.isChecked(), "collect": self.tier}

    def restore(self, saved: dict[str, Any]) -> None:
        self.field.setCurrentIndex(max(0, self.field.findText(str(saved.get("field", "")))))
        self.log.setChecked(bool(saved.get("log", True)))
        self._restoring = True  # it is sent when the panel is seen
        self.tiers.get(str(saved.get("collect")), self.tiers["off"]).setChecked(True)
        self._restoring = False


def _subject(rows: list[Row]) -> str:
    if not rows:
        return ""
    outputs = sum(not row.parameter for row in rows)
    parameters = len(rows) - outputs
    return f"{outputs} {plural(outputs, 'output')}, {parameters} {plural(parameters, 'parameter')}"


PANEL = LayersPanel
