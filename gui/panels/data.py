"""Data: the batch that the network is at, what it made of each sample, and the confusion matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QStackedWidget

from gui.context import Context
from gui.data.batch import Batch
from gui.data.confusion import ConfusionMatrix
from gui.data.points import PointsPlot
from gui.data.sample_grid import SampleGrid
from gui.data.tally import Tally, accuracy
from gui.numbers import format_count, plural
from gui.panels.panel import Panel
from gui.panels.tensor_edit import EditDialog, Place, place_of_labels
from gui.state import Selection
from gui.steps import begins, step_number
from gui.theme import Theme

#: Samples asked for.
_MOST = 1024

#: Where the engine remembers no batch though the script has trained.
_UNSEEN = "Of what ran freely no batch is remembered. Step on by a batch, or restart and step, and it appears here."
#: An answer without any sample: the last op took one scalar, and gave one.
_NO_BATCH = (
    "No batch is known here.\n\nIt is taken from a DataLoader, or from what a loss function of nn is called with; this "
    "script computes its loss from other ops."
)

#: The batch is shown of each so manieth step that is shown of a script that runs freely.
_EVERY = 2


class DataPanel(Panel):
    """Shows the protocol's ``samples``; the sample that is chosen is the one that all panels show."""

    key = "data"
    title = "Data"
    area = "right-bottom"
    trails = True
    empty_text = (
        "The batch appears here when the script has taken one from a DataLoader or given it to a loss function, such as "
        "nn.MSELoss."
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.batch: Batch | None = None
        self._place: tuple | None = None
        self._named_inputs = True
        self._passed_by = False  # seen of a script that ran freely
        #: Inputs that came of their own, which may be megabytes: what they are of, and the answer.
        self._inputs: tuple[Any, dict[str, Any]] | None = None
        self._tally = Tally()
        self._names: list[str] | None = None
        self._program = self.state.program
        #: The run and the step that the batch is of.
        self._of: int | None = None
        self._step = 0
        self.grid = SampleGrid(self.theme)
        self.points = PointsPlot(self.theme)
        self.confusion = ConfusionMatrix(self.theme)
        self.pages = QStackedWidget()
        for page in (self.grid, self.points, self.confusion):
            self.pages.addWidget(page)
        self.grid.chosen.connect(self._choose)
        self.points.chosen.connect(self._choose)
        self.confusion.chosen.connect(self._choose_pair)
        self.grid.opened.connect(self.edit_label)
        self.points.opened.connect(self.edit_label)
        self.view = QComboBox()
        for text, value, hint in (
            ("In order", "order", "The samples as the batch has them"),
            ("Worst first", "worst", "What is wrong before what is right, each by its loss, the greatest first"),
            ("Confusion", "confusion", "Which classes of this batch are taken for which"),
            ("Confusion of pass", "pass", "The same of all batches of this pass over the data that have been shown here"),
        ):
            self.view.addItem(text, value)
            self.view.setItemData(self.view.count() - 1, hint, 3)
        self.view.setAccessibleName("How the batch is shown")
        self.view.setToolTip(
            "The batch in order, its worst mistakes first, or its confusion matrix.\n"
            "A click chooses a sample for all panels, a double click (Enter) changes its label in a fork of the run."
        )
        self.view.currentIndexChanged.connect(lambda _: self._show())
        self.head.add_control(self.view)
        self.set_content(self.pages)
        self.state.subscribe("graph", self._graph_changed)

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        if self.state.program != self._program:
            self._program = self.state.program
            self._forget()
        if begins(stop):
            self._inputs = None  # events are numbered anew
        run = self.state.current_run.get("number")
        place = None
        if stop is not None and stop.get("direction") in ("backward", "update"):
            place = run, stop.get("epoch"), stop.get("batch"), stop.get("step"), stop.get("revision")
        # Nothing changes for the samples between the ops of a backward pass or an update.
        if place is not None and place == self._place and self.batch is not None:
            return
        self._place = place
        self.ask("samples", "samples", {"count": _MOST}, self._answered, self._refused)

    def live_views(self) -> list[dict[str, Any]]:
        views = [{"id": "samples", "command": "samples", "arguments": {"count": _MOST}, "every": _EVERY}]
        # Without a DataLoader the inputs are known by the graph only.
        batch = self.batch
        wanted = input_reference(self.state.graph, batch.total) if batch is not None and not self._named_inputs else None
        if wanted is not None:
            size = [_MOST, _MOST] if len(wanted[1]) < 3 else [64, 64]
            arguments = {"reference": wanted[0], "maxShape": size, "describe": False}
            views.append({"id": "inputs", "command": "tensor", "arguments": arguments, "every": _EVERY})
        return views

    def show_live(self, views: dict[str, dict[str, Any]]) -> None:
        if "samples" in views:
            batch = Batch(views["samples"])
            self._named_inputs = batch.inputs is not None
            if "inputs" in views:
                batch.take_inputs(views["inputs"])
            self._passed_by = True
            self._take(batch)

    def _forget(self) -> None:
        """What was seen of another script says nothing of this one."""
        self.batch, self._place, self._names, self._tally = None, None, None, Tally()
        self._inputs = None
        for page in (self.grid, self.points):
            page.clear()
        self.head.set_subject("")

    def _graph_changed(self) -> None:
        """The inputs of a script without DataLoader are known by the graph only."""
        if self.isVisible() and self.batch is not None and self.batch.inputs is None and self.state.stop is not None:
            self._place = None
            self.show_stop(self.state.stop)

    def _answered(self, body: dict[str, Any]) -> None:
        batch, self._passed_by = Batch(body), False
        wanted = input_reference(self.state.graph, batch.total) if batch.inputs is None else None
        if wanted is None:
            self._take(batch)
            return

        def answered(found: dict[str, Any]) -> None:
            self._inputs = of, found
            batch.take_inputs(found)
            self._take(batch)

        reference, shape = wanted
        size = [_MOST, _MOST] if len(shape) < 3 else [64, 64]
        run = self.state.current_run.get("number")
        of = reference, size, run, (self.state.stop or {}).get("revision")
        if self._inputs is not None and self._inputs[0] == of:
            answered(self._inputs[1])
            return
        arguments = {"reference": reference, "maxShape": size, "describe": False}
        self.ask("inputs", "tensor", arguments, answered, lambda _: self._take(batch))

    def _take(self, batch: Batch) -> None:
        if not batch.total and batch.part is None:
            self._nothing(_NO_BATCH)
            return
        if batch.names is not None:
            self._names = batch.names
        elif self._names is not None and batch.confusion is not None and len(batch.confusion) == len(self._names):
            batch.names = self._names  # known of a batch before
        self.batch = batch
        run = self.state.current_run.get("number")
        self._of = run
        snapshot = self.state.snapshot if self._passed_by else None  # of a step that has ended
        self._step = step_number(self.state.stop) if snapshot is None else int(snapshot.get("step") or 0)
        self._tally.add(run, batch.part, batch.confusion)
        self._show()

    def _refused(self, message: str) -> None:
        run = self.state.current_run.get("number")
        if self.batch is None or run != self._of:  # a run that has just begun has none yet
            self._nothing(_UNSEEN if (self.state.stop or {}).get("step") else None)
        elif self._step != step_number(self.state.stop):
            seen = f"last seen in step {format_count(self._step)}"
            self.head.set_subject(f"{seen} · {self.batch.summary()}", brief=seen)

    def _nothing(self, text: str | None) -> None:
        self.batch = None
        self.head.set_subject("")
        self.show_empty(text)

    def _show(self) -> None:
        batch = self.batch
        if batch is None:
            return
        self.show_content()
        chosen = self.view.currentData()
        summary = batch.summary()
        if chosen in ("confusion", "pass"):
            # Without a DataLoader the batch is the pass.
            whole = chosen == "pass" and batch.part is not None
            counts = self._tally.counts() if whole else batch.confusion
            self.pages.setCurrentWidget(self.confusion)
            self.confusion.show_counts(counts, batch.names)
            batches = self._tally.batches
            seen = f" · {batches} {plural(batches, 'batch', 'batches')}" if whole else ""
            summary = f"{accuracy(counts)}{seen}" if counts is not None else summary
        elif batch.kind == "points" and chosen == "order":
            self.pages.setCurrentWidget(self.points)
            self.points.show_batch(batch)
        else:
            self.pages.setCurrentWidget(self.grid)
            self.grid.show_batch(batch, batch.order(chosen == "worst"))
        self.head.set_subject(summary, brief=summary.partition(" · ")[0])

    def show_selection(self, selection: Selection) -> None:
        self.grid.show_sample(selection.sample)
        self.points.show_sample(selection.sample)

    # ---- the user ----

    def _choose(self, sample: int) -> None:
        index = self.state.selection.index
        # An element of one sample becomes the same element of the other.
        same = index is not None and len(index) > 1 and index[0] == self.state.selection.sample
        self.state.reselect(sample=sample, **({"index": (sample, *index[1:])} if same and index else {}))

    def _choose_pair(self, label: int, prediction: int) -> None:
        """Choose the sample of greatest loss with this label and this prediction."""
        batch = self.batch
        if batch is None or batch.labels is None or batch.predictions is None:
            return
        if len(batch.labels) != len(batch.predictions):
            return
        here = np.flatnonzero((batch.labels.reshape(-1) == label) & (batch.predictions.reshape(-1) == prediction))
        if len(here):
            losses = [batch.loss(int(i)) or 0.0 for i in here]
            self._choose(int(here[int(np.argmax(losses))]))

    def edit_label(self, sample: int) -> None:
        """Ask for another label of a sample, and fork the run with it where the labels were made."""
        batch, stop = self.batch, self.state.stop
        if self.state.running:
            self.context.say("The script runs: pause it (F6) and step on by a batch, then its labels can be changed.")
        elif batch is None or stop is None or self._passed_by or batch.labels is None or sample >= len(batch.labels):
            self._no_label()
        else:
            # Where they were made is looked for in the whole history: only for this.
            self.ask("labels at", "labelsAt", {}, lambda body: self._edit(sample, batch, stop, body), self._no_label)

    def _no_label(self, _why: str = "") -> None:
        why = " It was seen while the script ran freely: step on by a batch." if self._passed_by else ""
        self.context.say(f"This sample has no label that could be changed here.{why}")

    def _edit(self, sample: int, batch: Batch, stop: dict[str, Any], body: dict[str, Any]) -> None:
        """Ask for another label of a sample of ``batch``, unless the script has gone on meanwhile."""
        at = body["labelsAt"]
        if batch is not self.batch or stop is not self.state.stop or self.state.running:
            return
        if at is None or batch.labels is None:
            self._no_label()
            return
        shape = at["shape"]
        if math.prod(shape[1:]) != 1 or shape[0] <= sample:
            self.context.say("The label of this sample is more than one number: change its elements in the Tensor panel.")
            return
        place = place_of_labels(at, stop, self.state.graph)
        if place is None:
            return
        value = np.asarray(batch.labels[sample]).reshape(-1)[0]
        whole = batch.labels.dtype.kind in "iub"
        name = f"label of sample [{sample}]"
        dialog = EditDialog(name, str(value.item()), self.theme, whole, self, place.note, self._classes())
        index = (sample, *[0] * (len(shape) - 1))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._fork(place, index, dialog, stop))
        dialog.open()  # not exec(), which would keep all other answers waiting

    def _fork(self, place: Place, index: tuple[int, ...], dialog: EditDialog, stop: dict[str, Any]) -> None:
        if dialog.value is None:
            return
        if place.seq is not None and place.seq != stop.get("seq"):
            self.context.link.move("goto", seq=place.seq)  # the fork waits for it
        self.context.link.fork([place.edit(index, dialog.value)], f"label [{index[0]}] = {dialog.field.text().strip()}")

    def _classes(self) -> str:
        """What the numbers of labels mean."""
        names = self.batch.names if self.batch is not None else None
        if names is None:
            return ""
        # Some names, those of MNIST, begin with their number.
        named = (name if name.startswith(f"{i} ") else f"{i} {name}" for i, name in enumerate(names[:32]))
        return f"Classes: {', '.join(named)}."

    # ---- theme, memory ----

    def apply_theme(self, theme: Theme) -> None:
        for page in (self.grid, self.points, self.confusion):
            page.apply_theme(theme)
        self.view.setFont(theme.text_font("small"))

    def save(self) -> dict[str, Any]:
        return {"view": self.view.currentData()}

    def restore(self, saved: dict[str, Any]) -> None:
        self.view.setCurrentIndex(max(0, self.view.findData(saved.get("view", "order"))))


def input_reference(graph: dict[str, Any] | None, total: int) -> tuple[dict[str, Any], list[int]] | None:
    """(reference, shape) of the first input of the network that has ``total`` samples and is not the loss's target."""
    nodes = {node["id"]: node for node in (graph or {}).get("nodes", ())}
    for edge in (graph or {}).get("edges", ()):
        source, reader = nodes[edge["from"]], nodes[edge["to"]]
        fits = source["kind"] == "input" and source.get("main", True) and edge["input"] != "t"
        if fits and reader["event"] is not None and len(edge["shape"]) > 1 and edge["shape"][0] == total:
            return {"event": reader["event"], "name": edge["input"]}, edge["shape"]
    return None


PANEL = DataPanel
