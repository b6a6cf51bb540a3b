"""Which numbers each node shows at the cursor, which node is at work, and what a place on the canvas is called. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gui.network.layout import Layout
from gui.network.log import EventLog
from gui.network.spot import Spot
from gui.network.values import Wanted, values_request, weight_request
from gui.state import Selection


class Fill:
    """The numbers of a graph at one stop.

    Args:
        graph: of :func:`gui.network.forms.shown`. layout: of it. log: the events up to the stop. stop: body of the
            event ``stopped``. sample: which one of the batch. mode: "forward", "backward", "update", or "" for that of
            the newest op up to the stop.

    Attributes:
        mode: what is shown. current: id of the node at work, or None. phase: its phase. batch: samples, or None.
    """

    def __init__(
        self, graph: dict[str, Any], layout: Layout, log: EventLog, stop: dict[str, Any], sample: int, mode: str | None
    ) -> None:
        self._graph, self._layout, self._log = graph, layout, log
        self._nodes = {node["id"]: node for node in graph["nodes"]}
        seq = stop.get("seq")
        self._at = seq if seq is not None else log.next
        self._pass = log.pass_start(self._at)
        newest = log.newest_direction(self._at)
        self.mode = mode or newest or "forward"
        self._readers: dict[str, tuple[str, str]] = {}
        self._sources: dict[tuple[str, str], str] = {}
        for edge in graph["edges"]:
            self._readers.setdefault(edge["from"], (edge["to"], edge["input"]))
            self._sources[edge["to"], edge["input"]] = edge["from"]
        self._owners = {p["label"]: (n["id"], p["name"]) for n in graph["nodes"] for p in n["parameters"]}
        direction = stop.get("direction")
        self.current = self._node_at(seq, direction)
        loss = self.current in layout.places and layout.places[self.current].form.loss
        self.phase = "loss" if loss and direction == "forward" else direction or ""
        self.batch = self._batch()
        self._sample = max(0, min(sample, self.batch - 1)) if self.batch else 0

    def _node_at(self, seq: int | None, direction: str | None) -> str | None:
        if not direction:
            return None
        found = self._log.node_of(seq)
        if direction == "update":
            found = self._owners.get(found or "", (None, ""))[0]
        return found if found in self._nodes else None

    def _batch(self) -> int | None:
        for id, place in self._layout.places.items():
            outputs = self._nodes[id]["outputs"] if id in self._nodes else ()
            if place.form.batched and outputs:
                return outputs[0]["shape"][0]
        return None

    # ---- numbers ----

    def all(self) -> Iterator[tuple[str, str, Wanted | None]]:
        """(node, part, what to show there), the node at work first."""
        order = sorted(self._nodes, key=lambda id: id != self.current)
        for id in order:
            place = self._layout.places.get(id)
            if place is None:
                continue
            yield id, "values", self._values(id)
            if place.form.weight:
                yield id, "weight", self._weight(id)

    def _values(self, id: str) -> Wanted | None:
        form = self._layout.places[id].form
        if self._nodes[id]["kind"] == "input":
            reader, name = self._readers.get(id, (None, ""))
            event = self._forward(reader) if reader is not None else None
            return None if event is None else values_request(form, event, name, self._sample, self._old(event))
        if self.mode == "backward" and not form.loss:
            event = self._log.newest("backward", id, self._at)
            if event is not None and event > self._pass:
                return values_request(form, event, "dy", self._sample)
        event = self._forward(id)
        if event is None:
            return None
        # The loss stays in full: it is where the gradients come from.
        faint = self._old(event) or (self.mode != "forward" and not form.loss)
        return values_request(form, event, "y", self._sample, faint)

    def _weight(self, id: str) -> Wanted | None:
        form, node = self._layout.places[id].form, self._nodes[id]
        label = next((p["label"] for p in node["parameters"] if p["name"] == "w"), "")
        if self.mode == "backward":
            event = self._log.newest("backward", id, self._at)
            if event is not None and event > self._pass:
                return weight_request(form, event, "dw")
        if self.mode == "update":
            event = self._log.newest("update", label, self._at)
            if event is not None and event > self._step_start():
                return weight_request(form, event, "w_new", "w")
        event = self._forward(id)
        faint = event is not None and (self._old(event) or self.mode != "forward")
        return None if event is None else weight_request(form, event, "w", faint=faint)

    def _forward(self, id: str) -> int | None:
        """The newest run of an op up to the cursor; what the graph says where the log begins later."""
        found = self._log.newest("forward", id, self._at)
        known = self._nodes[id].get("event")
        return found if found is not None else known if known is not None and known <= self._at else None

    def _old(self, event: int) -> bool:
        """Whether an event belongs to an earlier pass while this one has begun."""
        return event < self._pass and self.current is not None and self.mode == "forward"

    def _step_start(self) -> int:
        """Where the newest backward pass began: updates before it are of the step before."""
        begun = self._log.begun(self._at)
        return begun if begun is not None else -1

    # ---- names ----

    def named(self, id: str, part: str) -> tuple[str, tuple[int, ...] | None]:
        """(what the part of a node is called, its whole shape)."""
        node, form = self._nodes[id], self._layout.places[id].form
        if part == "weight":
            label = next((p["label"] for p in node["parameters"] if p["name"] == "w"), "weight")
            what = {"backward": "gradient of ", "update": "change of "}.get(self.mode, "")
            return what + label, form.weight_shape
        if not node["outputs"]:
            return "", None
        wanted = self._values(id)
        what = "gradient of the output" if wanted is not None and wanted.name == "dy" else "output"
        return ("input" if node["kind"] == "input" else what), tuple(node["outputs"][0]["shape"])

    def selection(self, spot: Spot, sample: int) -> Selection | None:
        """What clicking a spot selects."""
        part = spot.part or "values"
        form, node = self._layout.places[spot.node].form, self._nodes[spot.node]
        wanted = self._weight(spot.node) if part == "weight" else self._values(spot.node)
        if wanted is None and part == "values":
            event = self._forward(spot.node) if node["kind"] == "op" else None
            wanted = None if event is None else Wanted(event, "y", (), (1, 1))
        if wanted is None:
            return None
        index = spot.index
        if part == "values" and index is not None and form.batched:
            index = (self._sample, *index)
        return Selection(
            event=wanted.event, name=wanted.name, index=index, sample=sample, module=node["module"] or None,
            label=self._label(node, part, wanted.name),
        )  # fmt: skip

    def _label(self, node: dict[str, Any], part: str, name: str) -> str:
        if part == "weight":
            label = next((p["label"] for p in node["parameters"] if p["name"] == "w"), name)
            return f"{label}.grad" if name == "dw" else label
        return f"{node['module'] or node['op'] or 'input'} {name}"

    def chosen(self, selection: Selection) -> Spot | None:
        """Where the selected thing is drawn."""
        if selection.expression:
            label = selection.expression.removesuffix(".grad")
            owner = self._owners.get(label) or next(
                (at for known, at in self._owners.items() if label.endswith(f".{known}")), None
            )
            return None if owner is None else self._spot(owner[0], owner[1], selection.index)
        if selection.event is None or selection.name is None:
            return None
        node = self._log.node_of(selection.event)
        if node in self._owners:
            node = self._owners[node][0]
        return self._spot(node, selection.name, selection.index) if node is not None and node in self._nodes else None

    def _spot(self, node: str, name: str, index: tuple[int, ...] | None) -> Spot:
        form = self._layout.places[node].form
        base = name.removesuffix("_new")
        source = self._sources.get((node, base[1:] if base.startswith("d") else base))
        if base in ("w", "dw"):
            return Spot(node, "weight", index if form.weight else None)
        if source is not None and base not in ("y", "dy"):
            node, form = source, self._layout.places[source].form
        elif base not in ("y", "dy"):
            return Spot(node)
        return Spot(node, "values", self._element(form, index))

    def _element(self, form: Any, index: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if index is None or not form.batched:
            return index
        return tuple(index[1:]) if index and index[0] == self._sample else None

    def lit(
        self, selection: Selection, contributors: list[dict[str, Any]]
    ) -> Iterator[tuple[str, str, tuple[int, ...], float]]:
        """(node, part, index, share 0 to 1) of what an explained number was computed from."""
        node = self._log.node_of(selection.event) if selection.event is not None else None
        node = self._owners[node][0] if node in self._owners else node
        if node is None or node not in self._nodes:
            return
        most = max((abs(c.get("share") or 0.0) for c in contributors), default=0.0) or 1.0
        for entry in contributors[:2000]:
            spot = self._spot(node, str(entry["tensor"]), tuple(entry["index"]))
            if spot.index is not None and spot.part:
                yield spot.node, spot.part, spot.index, abs(entry.get("share") or 0.0) / most
