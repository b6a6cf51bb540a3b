"""The Curves panel: the loss of every step, of every run."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QComboBox, QLabel, QMenu, QVBoxLayout, QWidget

from gui.context import Context
from gui.panels.panel import Panel
from gui.theme import Theme
from gui.widgets.controls import tool_button
from gui.widgets.line_plot import LinePlot, Mark

#: Steps that are averaged, by the text of the choice.
WINDOWS = {"no smoothing": 1, "mean of 5": 5, "mean of 20": 20, "mean of 100": 100}

#: Stops of one run that are marked; the oldest are forgotten.
_MOST_MARKS = 200

#: Reasons of stops that are marked: those that the user has set.
_MARKED = ("breakpoint", "data breakpoint", "op breakpoint", "module breakpoint", "exception")

_NO_LOSS = "No loss yet. It is recorded at every backward(); step on by a batch, or run."


class CurvesPanel(Panel):
    """Loss over steps. The current step is a line, what a diagnosis found an alarm, stops at breakpoints short marks."""

    key, title, area = "curves", "Curves", "right-bottom"
    empty_text = "Open a script (Ctrl+O); the loss of every step shows here, of all its runs."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.plot = LinePlot(self.theme, "step", "loss")
        self.plot.setAccessibleName("Loss over steps")
        self.smoothing = QComboBox()
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip("Draw the mean of the last steps; the values themselves stay, faintly")
        for text, window in WINDOWS.items():
            self.smoothing.addItem(text, window)
        tip = "Logarithmic loss axis; losses that are not above 0 are left out"
        self.log = tool_button("log", "Logarithmic loss axis", tip, checkable=True)
        self.head.add_control(self.smoothing)
        self.head.add_control(self.log)
        self.message = QLabel(_NO_LOSS)
        self.message.setAccessibleName("Why there is no curve")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.plot, 1)
        self.set_content(content)
        self._stops: dict[str, list[tuple[int, str]]] = {}
        self._missed = False
        self.smoothing.currentIndexChanged.connect(lambda _: self.plot.set_smoothing(self.smoothing.currentData()))
        self.log.toggled.connect(self.plot.set_log)
        self.plot.plot.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.plot.plot.customContextMenuRequested.connect(self._menu)
        self.state.subscribe(("curves", "runs", "findings"), self._changed)
        self.state.subscribe("progress", self._progressed)
        self.state.subscribe("stop", self._note_stop)

    # ---- what is shown ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._draw()
        if stop is not None:
            self.plot.set_cursor(stop.get("step"))

    def show_running(self) -> None:
        self.show_content()
        self._draw()

    def _changed(self) -> None:
        if self.isVisible() and self.state.stop is not None:
            self._draw()
        else:
            self._missed = True

    def _progressed(self) -> None:
        if self.isVisible() and self.state.running and "step" in self.state.progress:
            self.plot.set_cursor(self.state.progress["step"])

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self._missed and self.state.stop is not None:
            self._draw()

    def _draw(self) -> None:
        self._missed = False
        curves = {name: curve for name, curve in self.state.curves.items() if len(curve["steps"])}
        current = self._current()
        order = sorted(curves, key=lambda name: name != current)
        self.plot.show_curves({name: (curves[name]["steps"], curves[name]["losses"]) for name in order}, current)
        self.message.setVisible(not curves)
        self.plot.setVisible(bool(curves))
        self.plot.set_marks(self._marks(curves, current))
        latest = curves.get(current)
        self.head.set_subject(f"loss, {len(latest['steps'])} steps" if latest is not None else "")

    def _current(self) -> str:
        return next((run["name"] for run in self.state.runs if run["current"]), next(iter(self.state.curves), ""))

    def _marks(self, curves: dict[str, Any], current: str) -> list[Mark]:
        marks = [Mark(step, text) for step, text in self._stops.get(current, ())]
        for finding in self.state.findings:
            step = (finding.get("place") or {}).get("step")
            if step is not None:
                marks.append(Mark(step, finding.get("title", ""), True))
        curve = curves.get(current)
        if curve is not None:
            losses = np.asarray(curve["losses"], float)
            broken = np.flatnonzero(~np.isfinite(losses))
            if broken.size:
                step = int(curve["steps"][broken[0]])
                marks.append(Mark(step, f"loss is {losses[broken[0]]} from here", True))
        return marks

    def _note_stop(self) -> None:
        """Remember where the run has stopped because the user wanted it to; also while the panel is hidden."""
        stop = self.state.stop
        if stop is None:
            self._stops.clear()
            return
        if stop.get("reason") in _MARKED and stop.get("live", True) and stop.get("step") is not None:
            noted = self._stops.setdefault(self._current(), [])
            entry = (int(stop["step"]), f"{stop['reason']}: {stop.get('description', '')}")
            if entry not in noted:
                noted.append(entry)
                del noted[:-_MOST_MARKS]

    # ---- the menu ----

    def _menu(self, place: QPoint) -> None:
        self.menu().popup(self.plot.plot.mapToGlobal(place))

    def menu(self) -> QMenu:
        """What can be done with the curves."""
        menu = QMenu(self)
        for text, call in (("Show all steps\tdouble-click", self.plot.show_all), ("Copy the losses", self.copy)):
            action = menu.addAction(text)
            if action is not None:
                action.triggered.connect(lambda _checked=False, call=call: call())
        return menu

    def copy(self) -> None:
        """Put all losses on the clipboard, a line a step: run, step, loss."""
        lines = ["run\tstep\tloss"]
        for name, curve in self.state.curves.items():
            lines += [f"{name}\t{step}\t{loss!r}" for step, loss in zip(curve["steps"].tolist(), curve["losses"].tolist())]
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText("\n".join(lines))

    # ---- theme and settings ----

    def apply_theme(self, theme: Theme) -> None:
        self.plot.apply_theme(theme)
        self.message.setFont(theme.text_font())

    def save(self) -> dict[str, Any]:
        return {"smoothing": self.smoothing.currentData(), "log": self.log.isChecked()}

    def restore(self, saved: dict[str, Any]) -> None:
        place = self.smoothing.findData(saved.get("smoothing"))
        self.smoothing.setCurrentIndex(max(0, place))
        self.log.setChecked(bool(saved.get("log")))


PANEL = CurvesPanel
