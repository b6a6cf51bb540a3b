"""Which numbers each node shows at the cursor, and which node is at work. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gui.network.forms import TARGET, Form
from gui.network.layout import Layout
from gui.network.log import EventLog
from gui.network.values import Wanted, values_request, weight_request


class Fill:
    """The numbers of a graph at one stop.

    Args:
        graph: of :func:`gui.network.forms.shown`. layout: of it. log: the events up to the stop. stop: body of the
            event ``stopped``. sample: which one of the batch. mode: "forward", "backward", "update", or "" for that of
            the newest op up to the stop.

    Attributes:
        nodes: of the graph, by their ids. sample: which one is shown. owners: by its label, the node that reads a
            parameter, and its name there. sources: what a node's input comes from, by (node, input).
        mode: what is shown. current: id of the node at work, or None. phase: its phase. batch: samples, or None.
        validates: whether the network runs without gradient. step: which step the newest op belongs to, the first being 1;
            None before the first op. done: how many steps the optimizer had done at the stop.
        behind: whether a batch has been handed out that the network has not seen yet: what is shown is of the one before.
        ran: which step the pass that is shown belongs to, the first being 1; None where the log does not say.
        pictured: by (node, part), the steps of what is shown dimmed in the place of older numbers.
    """

    def __init__(
        self, graph: dict[str, Any], layout: Layout, log: EventLog, stop: dict[str, Any], sample: int, mode: str | None
    ) -> None:
        self.layout, self.log = layout, log
        self.pictured: dict[tuple[str, str], int] = {}
        self.nodes = {node["id"]: node for node in graph["nodes"]}
        seq = stop.get("seq")
        self._at = seq if seq is not None else log.next
        newest = log.newest_direction(self._at)
        self.step = log.newest_step(self._at)
        self.mode = mode or newest or "forward"
        #: Up to which event runs forward are shown: those behind the pass that has gone backward are others.
        self._upto = self._at
        if newest in ("backward", "update") and (begun := log.begun(self._at)) is not None:
            self._upto = begun
        # The pass in which the network has run last: where the next one has begun without it, that is still what is shown.
        found = (log.newest("forward", id, self._upto) for id in self.nodes)
        ran = max((event for event in found if event is not None), default=self._at)
        self._pass = log.passes.start(ran)
        self.validates = log.passes.validates(ran)
        self.ran = log.step_of(ran)
        handed = log.batch(self._at)
        self.behind = handed is not None and handed[0] > ran and ran != self._at
        #: Whether it is a batch that was handed out: without a DataLoader the end of an optimizer's step stands for it.
        self.handed = handed is not None and bool(handed[1])
        self.done = stop.get("step")
        self._readers: dict[str, tuple[str, str]] = {}
        self.sources: dict[tuple[str, str], str] = {}
        for edge in graph["edges"]:
            self._readers.setdefault(edge["from"], (edge["to"], edge["input"]))
            self.sources[edge["to"], edge["input"]] = edge["from"]
        self.owners = {p["label"]: (n["id"], p["name"]) for n in graph["nodes"] for p in n["parameters"]}
        direction = stop.get("direction")
        self.current = self._node_at(seq, direction)
        loss = self.current in layout.places and layout.places[self.current].form.loss
        self.phase = "loss" if loss and direction == "forward" else direction or ""
        self.batch = self._batch()
        self.sample = max(0, min(sample, self.batch - 1)) if self.batch else 0

    def _node_at(self, seq: int | None, direction: str | None) -> str | None:
        if not direction:
            return None
        found = self.log.node_of(seq)
        if direction == "update":
            found = self.owners.get(found or "", (None, ""))[0]
        return found if found in self.nodes else None

    def _batch(self) -> int | None:
        """How many samples are in the batch of the newest pass; a validation's may be another than the training's."""
        batched = [id for id, place in self.layout.places.items() if place.form.batched and self.nodes[id]["outputs"]]
        newest = max((event for id in batched if (event := self.forward(id)) is not None), default=-1)
        graph = next((self.nodes[id]["outputs"][0]["shape"][0] for id in batched), None)
        return self.log.samples_of(newest) or graph

    # ---- numbers ----

    def all(self) -> Iterator[tuple[str, str, Wanted | None]]:
        """(node, part, what to show there), the node at work first."""
        order = sorted(self.nodes, key=lambda id: id != self.current)
        for id in order:
            place = self.layout.places.get(id)
            if place is None:
                continue
            yield id, "values", self.values(id)
            if place.form.weight:
                yield id, "weight", self.weight(id)

    def values(self, id: str) -> Wanted | None:
        form = self.layout.places[id].form
        if self.nodes[id]["kind"] == "input":
            return self._given(id, form)
        if self.mode == "backward" and not form.loss:
            event = self.log.newest("backward", id, self._at)
            if event is not None and event > self._pass:
                return values_request(form, event, "dy", self.sample)
        event = self.forward(id)
        if event is None:
            return None
        # The loss stays in full: it is where the gradients come from.
        faint = self._old(event) or (self.mode != "forward" and not form.loss)
        return values_request(form, event, "y", self.sample, faint)

    def _given(self, id: str, form: Form) -> Wanted | None:
        """What an input is: as an op has read it, before that as the batch holds it. What is of a pass before is dimmed; a
        target is not shown then: it would be that of other samples.
        """
        reader, name = self._readers.get(id, (None, ""))
        event = self.forward(reader) if reader is not None else None
        if event is None or not self._old(event):
            return None if event is None else values_request(form, event, name, self.sample)
        label, batch = self.nodes[id].get("label", ""), self.log.batch(self._at)
        if batch is not None and batch[0] == self._pass and label in batch[1]:
            whole = batch[1][label]
            if (whole[1:] if form.batched else whole) == form.shape:
                return values_request(form, batch[0], label, self.sample)
        return None if form.title == TARGET else values_request(form, event, name, self.sample, True)

    def unread(self) -> dict[str, str]:
        """The targets that no op has read yet in this pass, and what is said of them."""
        targets = [id for id, place in self.layout.places.items() if place.form.title == TARGET and id in self.nodes]
        return {id: "not yet" for id in targets if self._readers.get(id) and self.values(id) is None}

    def weight(self, id: str) -> Wanted | None:
        form, node = self.layout.places[id].form, self.nodes[id]
        label = next((p["label"] for p in node["parameters"] if p["name"] == "w"), "")
        if self.mode == "backward":
            event = self.log.newest("backward", id, self._at)
            if event is not None and event > self._pass:
                return weight_request(form, event, "dw")
        if self.mode == "update":
            event = self.log.newest("update", label, self._at)
            if event is not None and event > self._step_start():
                return weight_request(form, event, "w_new", "w")
        event = self.forward(id)
        faint = event is not None and (self._old(event) or self.mode != "forward")
        return None if event is None else weight_request(form, event, "w", faint=faint)

    def forward(self, id: str) -> int | None:
        """The newest run of an op up to the cursor; what the graph says where the log begins later."""
        found = self.log.newest("forward", id, self._upto)
        known = self.nodes[id].get("event")
        return found if found is not None else known if known is not None and known <= self._at else None

    def _old(self, event: int) -> bool:
        """Whether an event belongs to an earlier pass."""
        return event < self._pass and self.mode == "forward"

    def _step_start(self) -> int:
        """Where the newest backward pass began: updates before it are of the step before."""
        begun = self.log.begun(self._at)
        return begun if begun is not None else -1
