"""Data: the batch that the network is at, what it made of each sample, and the confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtWidgets import QComboBox, QStackedWidget

from gui.context import Context
from gui.data.batch import Batch
from gui.data.confusion import ConfusionMatrix
from gui.data.points import PointsPlot
from gui.data.sample_grid import SampleGrid
from gui.panels.panel import Panel
from gui.state import Selection
from gui.theme import Theme

#: Samples asked for.
_MOST = 1024


class DataPanel(Panel):
    """Shows the protocol's ``samples``; the sample that is chosen is the one that all panels show."""

    key = "data"
    title = "Data"
    area = "right-bottom"
    empty_text = "The batch appears here when the script has taken one from a DataLoader or computed a loss."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.batch: Batch | None = None
        self._place: tuple | None = None
        self.grid = SampleGrid(self.theme)
        self.points = PointsPlot(self.theme)
        self.confusion = ConfusionMatrix(self.theme)
        self.pages = QStackedWidget()
        for page in (self.grid, self.points, self.confusion):
            self.pages.addWidget(page)
        self.grid.chosen.connect(self._choose)
        self.points.chosen.connect(self._choose)
        self.confusion.chosen.connect(self._choose_pair)
        self.view = QComboBox()
        for text, value, hint in (
            ("In order", "order", "The samples as the batch has them"),
            ("Worst first", "worst", "Mistakes by their loss, the greatest first"),
            ("Confusion", "confusion", "Which classes of this batch are taken for which"),
        ):
            self.view.addItem(text, value)
            self.view.setItemData(self.view.count() - 1, hint, 3)
        self.view.setAccessibleName("How the batch is shown")
        self.view.setToolTip("The batch in order, its worst mistakes first, or its confusion matrix")
        self.view.currentIndexChanged.connect(lambda _: self._show())
        self.head.add_control(self.view)
        self.set_content(self.pages)
        self.state.subscribe("graph", self._graph_changed)

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        run = next((entry.get("number") for entry in self.state.runs if entry.get("current")), None)
        place = None
        if stop is not None and stop.get("direction") in ("backward", "update"):
            place = run, stop.get("epoch"), stop.get("batch"), stop.get("step"), stop.get("revision")
        # Nothing changes for the samples between the ops of a backward pass or an update.
        if place is not None and place == self._place and self.batch is not None:
            return
        self._place = place
        self.ask("samples", "samples", {"count": _MOST}, self._answered, self._refused)

    def _graph_changed(self) -> None:
        """The inputs of a script without DataLoader are known by the graph only."""
        if self.isVisible() and self.batch is not None and self.batch.inputs is None and self.state.stop is not None:
            self._place = None
            self.show_stop(self.state.stop)

    def _answered(self, body: dict[str, Any]) -> None:
        batch = Batch(body)
        wanted = input_reference(self.state.graph, batch.total) if batch.inputs is None else None
        if wanted is None:
            self._take(batch)
            return

        def answered(found: dict[str, Any]) -> None:
            batch.take_inputs(found)
            self._take(batch)

        reference, shape = wanted
        size = [_MOST, _MOST] if len(shape) < 3 else [64, 64]
        self.ask("inputs", "tensor", {"reference": reference, "maxShape": size}, answered, lambda _: self._take(batch))

    def _take(self, batch: Batch) -> None:
        self.batch = batch
        self._show()

    def _refused(self, message: str) -> None:
        if self.batch is None:
            self.show_empty()

    def _show(self) -> None:
        batch = self.batch
        if batch is None:
            return
        self.show_content()
        chosen = self.view.currentData()
        if chosen == "confusion":
            self.pages.setCurrentWidget(self.confusion)
            self.confusion.show_counts(batch.confusion)
        elif batch.kind == "points" and chosen == "order":
            self.pages.setCurrentWidget(self.points)
            self.points.show_batch(batch)
        else:
            self.pages.setCurrentWidget(self.grid)
            self.grid.show_batch(batch, batch.order(chosen == "worst"))
        self.head.set_subject(batch.summary())

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
