"""The Tensor panel: the numbers of what is selected, as a map, as a histogram, and in figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QPoint, QTimer

from gui.context import Context
from gui.icons import set_icon
from gui.numbers import format_count, format_shape
from gui.panels.panel import Panel
from gui.panels.tensor_actions import TensorActions
from gui.panels.tensor_classes import Classes
from gui.panels.tensor_content import TensorContent, text_at
from gui.panels.tensor_live import TensorLive
from gui.panels.tensor_numbers import TensorNumbers
from gui.panels.tensor_scales import Scales
from gui.panels.tensor_source import Source, Subject, resolve, subject_of
from gui.panels.tensor_view import Shown
from gui.state import Selection
from gui.steps import begins, step_number
from gui.theme import Theme
from gui.timers import single_shot
from gui.widgets.controls import tool_button

#: Milliseconds from zooming or resizing to asking for other numbers.
_DETAIL = 60


class TensorPanel(Panel):
    """Shows what is selected, or what the op at the stop is about."""

    key, title, area = "tensor", "Tensor", "right"
    prompt = True
    empty_text = "Stop at an op, or select a tensor in the network or the variables; its numbers show here."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.content = TensorContent(self.theme)
        self.controls, self.map, self.histogram = self.content.controls, self.content.map, self.content.histogram
        self.read_out, self.statistics, self.message = self.content.read_out, self.content.statistics, self.content.message
        tip = "Go on showing this tensor when something else is selected"
        self.keep = tool_button("", "Keep this tensor", tip, checkable=True)
        self.more = tool_button("⋯", "More about this tensor", "Copy, save, slice, fit the colours")
        self.head.add_control(self.keep)
        self.head.add_control(self.more)
        self.set_content(self.content)
        self.subject = Subject()
        self.shown: Shown | None = None
        self.numbers = TensorNumbers(self, self._show_numbers, self._refuse)
        self.classes = Classes(self)
        self._live = TensorLive(self, self._show_seen)
        #: Of which run, and of what, the numbers are that were seen last, and at which step.
        self._seen: tuple[Any, tuple[dict[str, Any], ...], int] | None = None
        #: The step in which an op computed the numbers that are shown; None of what has its numbers of now.
        self._made_in: int | None = None
        #: The stop and the selection for which numbers were asked for last.
        self._asked: tuple[dict[str, Any] | None, Selection] | None = None
        self._scales = Scales()
        self.actions_ = TensorActions(self)
        #: What is to be given another value as soon as its number is here.
        self._edited: Selection | None = None
        self._detail = single_shot(self, _DETAIL, self._look_closer)
        self._show_forked = single_shot(self, 0, self.actions_.show_forked)
        self._connect()
        self.first = self.map  # where F2, Enter and the arrows are at once
        self.context.edit_wanted.connect(self._edit_selected)
        self.state.subscribe("contributors", self._mark)
        self.state.subscribe("runs", self._runs_changed)

    def _connect(self) -> None:
        self.controls.view_chosen.connect(self._resolve)
        self.controls.part_chosen.connect(self.numbers.fetch)
        self.controls.range_chosen.connect(self._recolor)
        self.controls.sample_chosen.connect(lambda sample: self.state.reselect(sample=sample))
        self.map.clicked.connect(self.select)
        self.map.double_clicked.connect(self.actions_.edit)
        self.map.explain_wanted.connect(self.explain)
        self.map.copy_wanted.connect(self.actions_.copy)
        self.map.hovered.connect(self._hovered)
        self.map.view_changed.connect(self._detail.start)
        self.map.menu_wanted.connect(lambda place: self.actions_.menu().popup(place))
        self.histogram.read.connect(lambda text: self.read_out.setText(text) if text else self._hover(-1, -1))
        self.keep.toggled.connect(lambda kept: None if kept else self.show_selection(self.state.selection))
        self.more.clicked.connect(lambda: self.actions_.menu().popup(self.more.mapToGlobal(QPoint(0, self.more.height()))))

    @property
    def source(self) -> Source:
        """What stands behind what is shown."""
        return self.numbers.source

    # ---- what is shown ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        if stop is None:
            return
        self._look_for_fork()
        lasts = "expression" in self.subject.reference and (self.keep.isChecked() or bool(self.state.selection))
        if begins(stop) and not lasts:
            self._begin_anew()
        if self.keep.isChecked():
            self._follow_kept(stop)
        else:
            self._show(self.state.selection, stop)

    def _begin_anew(self) -> None:
        """A run begins, of another script perhaps: no op of it has computed the numbers that are shown."""
        self.subject, self.shown, self._seen = Subject(), None, None
        self.numbers.give_up()
        self.keep.setChecked(False)

    def show_selection(self, selection: Selection) -> None:
        stop = self.state.stop
        if stop is None:
            return
        if self.source.shows(selection.reference):
            if self.controls.set_sample(selection.sample) or self._asked != (stop, selection):
                self.numbers.fetch()
        elif not self.keep.isChecked():
            self._show(selection, stop)
        self._mark()

    def _show(self, selection: Selection, stop: dict[str, Any]) -> None:
        subject = subject_of(selection, stop)
        if subject is None:
            self._keep_or_empty()
            return
        self.show_content()
        if subject != self.subject or subject.reference.get("event") is None or self.source.problem:
            self.subject = subject
            self.numbers.forget()
        elif self.shown is not None:
            self._say_what(self.shown)
        self._resolve()

    def _keep_or_empty(self) -> None:
        """Nothing was computed here: what this run has shown stays, and says of which step it is."""
        now = self._seen_now(self.state.stop)
        if self.shown is not None and "expression" in self.subject.reference:
            # A parameter that a free run has shown: it has other numbers here, of another run perhaps.
            self.numbers.forget()
            self._resolve()
        elif self.shown is None or self._seen is None or self._seen[0] != now[0]:
            self.subject, self.shown = Subject(), None
            self.numbers.give_up()
            self.head.set_subject("")
            over = (self.state.stop or {}).get("kind") in ("end", "exception")
            way = "Step back to an op (Alt+F10)" if over else "Step on to an op (F10)"
            self.show_empty(f"Nothing was computed here. {way}, or select a tensor.")
        elif self._seen[2] != now[2]:
            self._say_last_seen(self._seen[2])
        else:
            self._say_what(self.shown)

    def _say_last_seen(self, step: int) -> None:
        """The numbers are those of a picture; figures and histogram were of another one, for these come more seldom."""
        if self.shown is not None:
            self.content.write_of(self.shown)
        title, count = self.source.title, format_count(step)
        self.head.set_subject(f"{title}, last seen in step {count}", brief=(f"{title}, step {count}", title))

    def _follow_kept(self, stop: dict[str, Any]) -> None:
        """A kept tensor is shown anew where its op runs again."""
        reference = self.subject.reference
        if "expression" not in reference:
            subject = subject_of(Selection(event=stop.get("seq"), name=reference.get("name")), stop)
            if subject is None or subject.title != self.subject.title:
                if self.shown is not None:
                    self._say_what(self.shown)
                return
            self.subject = subject
        self.numbers.forget()
        self._resolve()

    def _runs_changed(self) -> None:
        """Other runs to compare with."""
        self._look_for_fork()
        others = {run["number"]: run["name"] for run in self.state.runs if not run.get("current")}
        if self.controls.offer_runs(others) and self.isVisible() and self.state.stop is not None:
            self._resolve()

    def _resolve(self) -> None:
        """Find the arrays that the view needs, then fetch them."""
        if not self.subject.reference:
            return
        self._asked = self.state.stop, self.state.selection

        def found(source: Source) -> None:
            self.numbers.source = source
            if source.problem:
                self._refuse(source.problem)
            else:
                self.numbers.fetch()

        view = self.controls.view.currentData()
        resolve(self.subject, view, (self.state.stop or {}).get("seq"), self.numbers.ask_source, found, self.state.run_names)

    def _refuse(self, text: str) -> None:
        if self.shown is not None and self._seen is not None and self._seen[:2] == self._seen_now(None)[:2]:
            # Nothing is recorded of a script that ran freely, or not any more: what was seen last says more than that.
            self._say_last_seen(self._seen[2])
            return
        self.content.refuse(text)
        self.shown = None
        self.numbers.give_up()
        self.head.set_subject(self.subject.title)

    @property
    def is_parameter(self) -> bool:
        """Whether the first dimensions are those of a parameter, not samples and channels."""
        name = (self.source.references[0].get("name") or "").removeprefix("d").partition("_")[0]
        return bool(self.subject.label) or name in ("w", "b", "m", "v")

    # ---- while the script runs freely ----

    def take_structure(self, snapshot: dict[str, Any]) -> None:
        self._live.begin(snapshot["events"])

    def live_views(self) -> list[dict[str, Any]]:
        return self._live.views()

    def show_live(self, views: dict[str, dict[str, Any]]) -> None:
        self._live.take(views)

    def _show_seen(self, view: Shown, answer: dict[str, Any]) -> None:
        self._show_numbers(view, answer)
        self._seen = self._seen_now(self.state.snapshot)

    def _seen_now(self, place: dict[str, Any] | None) -> tuple[Any, tuple[dict[str, Any], ...], int]:
        return self.state.current_run.get("number"), self.source.references, self._step_of(place)

    def _step_of(self, place: dict[str, Any] | None) -> int:
        """The step that a stop lies in; a snapshot is of one that has ended."""
        return int((place or {}).get("step") or 0) if place is self.state.snapshot else step_number(place)

    # ---- the answers ----

    def _show_numbers(self, view: Shown, answer: dict[str, Any]) -> None:
        self.shown, self._seen = view, self._seen_now(self.state.stop)
        step = answer.get("step") if "event" in self.source.references[0] else None
        self._made_in = None if step is None else step + 1
        self.content.accept(view.shape, view.dtype.startswith(("int", "uint", "bool")))
        self._say_what(view)
        self._draw(view)
        self.classes.look()
        if len(self.source.references) > 1:
            self.content.write_of(view)
        elif "description" in answer:
            self.content.write(answer["description"], trailing=self.state.scrubbing)
        self._mark()

    def _say_what(self, view: Shown) -> None:
        """What is shown, and when it was computed where that is another step than the stop's, or later in it."""
        step, title, apart = self._made_in, self.source.title, " "
        if step is not None and step != step_number(self.state.stop):
            title, apart = f"{title}, of step {format_count(step)}", " · "
        elif self._is_ahead():
            title, apart = f"{title}, computed later", " · "
        shape = format_shape(view.shape).replace(" ", "")
        self.head.set_subject(title, f"  {shape}  {view.dtype}", brief=f"{title}{apart}{shape}")

    def _is_ahead(self) -> bool:
        """Whether the event that is shown comes after the stop, which was stepped back to."""
        event, here = self.source.references[0].get("event"), (self.state.stop or {}).get("seq")
        return event is not None and here is not None and event > here

    def _draw(self, view: Shown, fit: bool = False) -> None:
        kind, colors = str(self.controls.view.currentData()), self.controls.range
        scale, tints, note, unit = self._scales.tinted(view, self.source.title, kind, colors.mode, colors.share, fit)
        layout = view.plan.layout
        in_rows = bool(layout.lead) and layout.across == layout.lead[-1]
        self.map.tiles_are_numbered = (in_rows, in_rows and layout.down > 1)
        self.map.show_numbers(
            view.data, scale, size=view.size, at=view.start, block=(1, 1) if view.tiled else view.block,
            square=view.square, tile=view.tile, note=note, unit=unit, tints=tints,
            tiles=math.prod(layout.lead) if view.tile is not None else None,
        )  # fmt: skip

    def show_histogram(self, body: dict[str, Any]) -> None:
        """Draw the counts of the whole tensor."""
        if len(self.source.references) == 1:
            self.content.show_histogram(body)

    def _look_closer(self) -> None:
        if self.shown is not None and not self.isHidden():
            self.numbers.look_closer(self.shown)

    # ---- the selected element ----

    def select(self, row: int, column: int) -> None:
        """Select the element of a cell, for the whole window."""
        index = self.shown.index(row, column) if self.shown is not None else None
        if index is None:
            return
        selection, reference = self.state.selection, self.source.references[0]
        if self.source.shows(selection.reference):
            self.state.update(selection=replace(selection, index=index))
        else:
            self.state.update(selection=Selection(
                event=reference.get("event"), name=reference.get("name"), expression=reference.get("expression"),
                index=index, sample=selection.sample, module=selection.module, label=self.source.title,
            ))  # fmt: skip

    def _look_for_fork(self) -> None:
        """When all have heard of what is new, show what a fork has changed, where that is waited for."""
        if self.actions_.forked is not None:
            self._show_forked.start()

    def _edit_selected(self) -> None:
        """Ask for another value of the selected element, once it is shown."""
        self.keep.setChecked(False)
        self._edited = self.state.selection
        self._mark()

    def explain(self, row: int, column: int) -> None:
        """Select the element of a cell, and have it explained."""
        self.select(row, column)
        self.context.want_panel("explain")

    def _mark(self) -> None:
        """Ring the selected element, and what made the number that is explained."""
        view, selection = self.shown, self.state.selection
        if view is None or not self.source.references:
            return
        own, cell = self.source.shows(selection.reference), None
        # A difference has the shape of the tensor that it is of, and no reference of its own.
        if selection.index is not None and (own or selection.reference == self.subject.reference):
            cell = view.cell(selection.index)
        self.map.mark(cell, self._shares(view, selection))
        there = own and cell is not None and not self.numbers.arriving
        edited, self._edited = self._edited, None if there or self._edited != selection else self._edited
        if edited is not None and there and edited == selection:
            QTimer.singleShot(0, self.actions_.edit_selected)  # its dialog waits, and the answer is still being drawn
        number = view.number(*cell) if cell is not None else None
        self.histogram.mark(float(number) if number is not None and view.block == (1, 1) else None)
        self._hover(-1, -1)

    def _shares(self, view: Shown, selection: Selection) -> list[tuple[int, int, float]]:
        reference = self.source.references[0]
        names = {self.subject.label, reference.get("expression")} - {"", None}
        here = [
            c for c in self.state.contributors
            if c.get("label") in names
            or (c.get("tensor") == reference.get("name") and reference.get("event") == c.get("event", selection.event))
        ]  # fmt: skip
        most = max((abs(c.get("share") or 0.0) for c in here), default=0.0) or 1.0
        cells = [(view.cell(tuple(c["index"])), abs(c.get("share") or 0.0) / most) for c in here]
        return [(*cell, share) for cell, share in cells if cell is not None]

    def _hovered(self, row: int, column: int) -> None:
        """The mouse is over a cell: read its number, and tell the other panels."""
        index = self.shown.index(row, column) if self.shown is not None and row >= 0 else None
        pointed = None
        if index is not None and self.source.references:
            pointed = {**self.source.references[0], "label": self.label or None, "index": list(index)}
        self.state.update(pointed=pointed)
        self._hover(row, column)

    def _hover(self, row: int, column: int) -> None:
        cell = (row, column) if row >= 0 else self.map.selected
        if self.shown is None:
            self.read_out.setText("")
        elif 0 in self.shown.shape:
            self.read_out.setText("This tensor has no elements: one of its dimensions is 0")
        elif cell is not None:
            self.read_out.setText(self.text_at(*cell))
        else:
            part = self.shown.part_text()
            self.read_out.set_text(f"{part}. Point at a number to read it" if part else "Point at a number to read it",
                                   brief=part or "Point at a number")  # fmt: skip

    def text_at(self, row: int, column: int) -> str:
        """Index and exact value of a cell, with its class where it has one; or what it is the mean of."""
        if self.shown is None:
            return ""
        index = self.shown.index(row, column) if self.shown.block == (1, 1) else None
        name = self.classes.name_of(index) if index is not None else ""
        return text_at(self.shown, row, column) + (f" · {name}" if name else "")

    def read_again(self) -> None:
        """More is known of the number that is read."""
        if self.shown is not None:
            self._hover(-1, -1)

    @property
    def label(self) -> str:
        """The name of the parameter, or of its gradient, that is shown; "" where it is neither."""
        label, reference = self.subject.label, self.source.references[0] if self.source.references else {}
        return str(reference.get("expression", label)) if label else ""

    def _recolor(self) -> None:
        if self.shown is not None:
            self._draw(self.shown)
            self._mark()

    def fit_scale(self) -> None:
        """Find the range of colours anew."""
        if self.shown is not None:
            self._draw(self.shown, fit=True)

    # ---- theme and settings ----

    def apply_theme(self, theme: Theme) -> None:
        self.content.apply_theme(theme)
        set_icon(self.keep, "pin", theme)

    def save(self) -> dict[str, Any]:
        return self.controls.save()

    def restore(self, saved: dict[str, Any]) -> None:
        self.controls.restore(saved)


PANEL = TensorPanel
