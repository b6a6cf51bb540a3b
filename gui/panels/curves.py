"""The Curves panel: loss, accuracy, learning rate and gradient norm of all runs, per step or per epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QComboBox, QMenu, QVBoxLayout, QWidget

from gui.context import Context
from gui.curve_data import QUANTITIES, Series, end_of, epoch_at, series_of
from gui.findings import newest
from gui.numbers import format_count, plural
from gui.panels.curves_choice import CurvesChoice
from gui.panels.panel import Panel
from gui.steps import step_number
from gui.theme import Theme
from gui.widgets.context_menu import context_menu
from gui.widgets.controls import tool_button
from gui.widgets.hint import Hint
from gui.widgets.line_plot import Curve, LinePlot, Mark, Plot

#: Decays of the exponential moving average, by the text of the choice.
SMOOTHING = {"raw": 0.0, "EMA 0.9": 0.9, "EMA 0.99": 0.99}

#: Stops of one run that are marked; the oldest are forgotten.
_MOST_MARKS = 200

#: Reasons of stops that are marked: those that the user has set.
_MARKED = ("breakpoint", "data breakpoint", "op breakpoint", "module breakpoint", "exception")

_NO_LOSS = "No loss yet.\n\nIt is recorded at every backward(); step on by a batch, or run (F5)."
_NOTHING_OF_IT = "Nothing of what is chosen under “Show” has been measured yet.\n\nRun on (F5), or choose something else."

class CurvesPanel(Panel):
    """One plot a quantity over a common axis. The current step is a line, findings are alarms, breakpoints are rings."""

    key, title, area = "curves", "Curves", "right-bottom"
    empty_text = "Open a script (Ctrl+O); loss and accuracy of every step show here, of all its runs."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.plot = LinePlot(self.theme)
        self.plot.chosen.connect(self._travel)
        self.smoothing = QComboBox()
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip("Exponential moving average of training curves; the values themselves stay, faintly")
        for text, decay in SMOOTHING.items():
            self.smoothing.addItem(text, decay)
        tip = "Logarithmic axes of loss, learning rate and gradient norm; what is not above 0 is left out"
        self.log = tool_button("log", "Logarithmic axes", tip, checkable=True)
        self.choice = CurvesChoice()
        self.quantities, self.axis = self.choice.quantities, self.choice.axis
        for control in (self.choice, self.smoothing, self.log):
            self.head.add_control(control)
        self.message = Hint(_NO_LOSS)
        self.message.setAccessibleName("Why there is no curve")
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.plot, 1)
        self.set_content(content)
        self._stops: dict[int, list[tuple[int, str]]] = {}
        self._missed = False
        self._drawn: tuple[Any, ...] = ()
        self.smoothing.currentIndexChanged.connect(lambda _: self.plot.set_smoothing(self.smoothing.currentData()))
        self.log.toggled.connect(lambda _: self._draw())
        self.choice.changed.connect(self._draw)
        self.choice.turned.connect(self._turn_axis)
        self.plot.canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.plot.canvas.customContextMenuRequested.connect(self._menu)
        self.state.subscribe(("curves", "measures", "runs", "findings"), self._changed)
        self.state.subscribe("progress", self._progressed)
        self.state.subscribe("stop", self._note_stop)

    # ---- what is shown ----

    @property
    def per_epoch(self) -> bool:
        """Whether an epoch, not a step, is a place on the axis; only where the script has epochs."""
        measured = self.state.measures.get(self._current()) or {}
        return self.axis["epoch"].isChecked() and len(measured.get("epochs", ())) > 0

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._draw_news()
        if stop is not None:
            self._put_cursor(step_number(stop))

    def show_running(self) -> None:
        self.show_content()
        self._draw()

    def _changed(self) -> None:
        if self.isVisible() and self.state.stop is not None:
            self._draw_news()
        else:
            self._missed = True

    def _news(self) -> tuple[Any, ...]:
        """What the curves and their marks are made of."""
        current, state = self._current(), self.state
        return (
            state.curves, state.measures, state.findings, current, tuple(self._stops.get(current, ())),
            tuple(state.run_names.values()),
        )  # fmt: skip

    def _draw_news(self) -> None:
        """Draw where there is something new, not where only the cursor has moved."""
        news = self._news()
        old = self._drawn
        if not old or old[3:] != news[3:] or any(a is not b for a, b in zip(old[:3], news[:3], strict=True)):
            self._draw()

    def _progressed(self) -> None:
        if self.isVisible() and self.state.running and "step" in self.state.progress:
            self._put_cursor(step_number(self.state.progress))

    def _put_cursor(self, step: int | None) -> None:
        if step is not None and self.per_epoch:
            step = epoch_at(self.state.measures.get(self._current()), step)
        self.plot.set_cursor(step)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self._missed and self.state.stop is not None:
            self._draw()

    def _turn_axis(self) -> None:
        self._draw()
        self.plot.show_all()
        place = self.state.progress if self.state.running else self.state.stop
        self._put_cursor(step_number(place) if place else None)

    def _draw(self) -> None:
        self._missed, self._drawn = False, self._news()
        current, per_epoch = self._current(), self.per_epoch
        order = sorted(self.state.curves, key=lambda number: number != current)
        found = {
            number: series_of(self.state.curves[number], self.state.measures.get(number), per_epoch) for number in order
        }  # fmt: skip
        found = {number: series for number, series in found.items() if series}
        plots = self._plots(found)
        self.message.setText(_NOTHING_OF_IT if found else _NO_LOSS)
        shown, hidden = (self.plot, self.message) if plots else (self.message, self.plot)
        hidden.hide()  # first: both at once would share the room for a moment
        shown.show()
        self.axis["epoch"].setEnabled(any(len(m.get("epochs", ())) for m in self.state.measures.values()))
        self.plot.set_axis("epoch" if per_epoch else "step", None if per_epoch else self._place_text)
        self.plot.show_plots(plots)
        self.plot.set_marks(self._marks(current))
        latest = self.state.curves.get(current)
        # Several backward passes that add up their gradients are one step.
        count = int(latest["steps"][-1]) + 1 if latest is not None and len(latest["steps"]) else 0
        epochs = epoch_at(self.state.measures.get(current), count)
        text = f"{format_count(count)} {plural(count, 'step')}"
        self.head.set_subject(text + (f", epoch {epochs}" if epochs else "") if plots else "", brief=text if plots else "")

    def _plots(self, found: dict[int, list[Series]]) -> list[Plot]:
        plots, runs = [], self.state.run_names
        names = list(dict.fromkeys(one.name for series in found.values() for one in series))
        for quantity, unit in QUANTITIES.items():
            if not self.quantities[quantity].isChecked():
                continue
            curves = [
                Curve(one.name if len(found) == 1 else f"{runs[run]}: {one.name}", one.x, one.y, place,
                      names.index(one.name), one.points, one.hold)
                for place, (run, series) in enumerate(found.items()) for one in series if one.quantity == quantity
            ]  # fmt: skip
            if curves:
                log = self.log.isChecked() and quantity != "accuracy"
                ends = (0.0, 100.0) if quantity == "accuracy" else (-np.inf, np.inf)
                smooth = quantity in ("loss", "accuracy", "gradient norm")
                plots.append(Plot(quantity, curves, unit, log, ends, smooth))
        return plots

    def _place_text(self, step: float) -> str:
        epoch = epoch_at(self.state.measures.get(self._current()), step)
        return f"step {format_count(step)}" + ("" if epoch is None else f", epoch {epoch}")

    def _current(self) -> int:
        return self.state.current_run.get("number") or next(iter(self.state.curves), 0)

    def _marks(self, current: int) -> list[Mark]:
        marks = [Mark(step, text) for step, text in self._stops.get(current, ())]
        for finding in newest(self.state.findings):
            step = (finding.get("place") or {}).get("step")
            if step is not None:
                marks.append(Mark(step_number({"step": step}), finding.get("title", ""), True))
        curve = self.state.curves.get(current)
        if curve is not None:
            losses = np.asarray(curve["losses"], float)
            broken = np.flatnonzero(~np.isfinite(losses))
            if broken.size:
                step = int(curve["steps"][broken[0]]) + 1
                marks.append(Mark(step, f"loss is {losses[broken[0]]} from here", True))
        if self.per_epoch:
            measured = self.state.measures.get(current)
            marks = [Mark(epoch_at(measured, mark.x) or 0, mark.text, mark.alarm) for mark in marks]
        return marks

    def _note_stop(self) -> None:
        """Remember where the run has stopped because the user wanted it to; also while the panel is hidden."""
        stop = self.state.stop
        if stop is None:
            self._stops.clear()
            return
        if stop.get("reason") in _MARKED and stop.get("live", True) and stop.get("step") is not None:
            noted = self._stops.setdefault(self._current(), [])
            entry = (step_number(stop), f"{stop['reason']}: {stop.get('description', '')}")
            if entry not in noted:
                noted.append(entry)
                del noted[:-_MOST_MARKS]

    # ---- travelling ----

    def _travel(self, x: float) -> None:
        """Go to where the loss at a step was computed, to the end of an epoch; forwards where the run has not been there."""
        measured = self.state.measures.get(self._current())
        curve = self.state.curves.get(self._current())
        last = int(curve["steps"][-1]) + 1 if curve is not None and len(curve["steps"]) else 0
        # The loss of step number x is computed where one step less has ended.
        step, what = (end_of(measured, x, last), "step") if self.per_epoch else (max(0, int(x) - 1), "loss")

        end = {"step": step}

        def answered(body: dict[str, Any], what: str = what) -> None:
            if body["position"] is not None:
                self.context.link.move("goto", position=body["position"])
            elif what == "loss":
                # An evaluation behind the last step: no backward pass has begun there yet.
                end["step"] = int(x)
                self.ask("travel", "locate", end, lambda again: answered(again, "step"))
            elif end["step"] > body["steps"]:
                self.context.link.move("runTo", step=end["step"])

        if self.state.stop is not None and not self.state.running:
            self.ask("travel", "locate", {"step": step, "what": what}, answered)

    # ---- the menu ----

    def _menu(self, place: QPoint) -> None:
        self.menu().popup(self.plot.canvas.mapToGlobal(place))

    def menu(self) -> QMenu:
        """What can be done with the curves."""
        entries = ("Show all steps\t0", self.plot.show_all, True), ("Copy the values", self.copy, True)
        return context_menu(self, entries)

    def copy(self) -> None:
        """Put everything that was measured on the clipboard, a line a value: run, quantity, of what, step, value."""
        lines, names = ["run\tquantity\tof\tstep\tvalue"], self.state.run_names
        for run, curve in self.state.curves.items():
            for one in series_of(curve, self.state.measures.get(run)):
                unit = QUANTITIES[one.quantity]
                start = f"{names[run]}\t{one.quantity}{f' in {unit}' if unit else ''}\t{one.name}"
                lines += [f"{start}\t{x:.0f}\t{y!r}" for x, y in zip(one.x.tolist(), one.y.tolist())]
        if (clipboard := QApplication.clipboard()) is not None:
            clipboard.setText("\n".join(lines))

    # ---- theme and settings ----

    def apply_theme(self, theme: Theme) -> None:
        self.plot.apply_theme(theme)
        self.message.apply_theme(theme)

    def save(self) -> dict[str, Any]:
        return {
            "smoothing": self.smoothing.currentText(), "log": self.log.isChecked(), "epochs": self.axis["epoch"].isChecked(),
            "shown": [quantity for quantity, action in self.quantities.items() if action.isChecked()],
        }  # fmt: skip

    def restore(self, saved: dict[str, Any]) -> None:
        self.smoothing.setCurrentIndex(max(0, self.smoothing.findText(str(saved.get("smoothing")))))
        self.log.setChecked(bool(saved.get("log")))
        self.axis["epoch" if saved.get("epochs") else "step"].setChecked(True)
        shown = saved.get("shown")
        if isinstance(shown, list):
            for quantity, action in self.quantities.items():
                action.setChecked(quantity in shown)


PANEL = CurvesPanel
