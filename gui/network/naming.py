"""What the numbers on the canvas are called, and where the selected ones lie. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gui.network.fill import Fill
from gui.network.forms import TARGET
from gui.network.spot import Spot
from gui.network.values import Wanted
from gui.numbers import format_count
from gui.state import Selection


class Naming:
    """Of what ``fill`` shows."""

    def __init__(self, fill: Fill) -> None:
        self.fill = fill

    def origin(self, id: str, part: str, wanted: Wanted) -> str:
        """Which pass the faint numbers of a part are of."""
        if (id, part) in self.fill.pictured:
            return f"step {format_count(self.fill.pictured[id, part])}"
        if self.fill.log.passes.validates(wanted.event):
            return "a validation"
        step = self.fill.log.step_of(wanted.event)
        if step is None:
            return "an earlier pass"
        # Where a stop says "step 2", two steps are done: the second one by its number would seem to be that of the stop.
        return "the last step" if step == self.fill.done else f"step {format_count(step)}"

    def remark(self, id: str, part: str) -> str:
        """What is to be said of the numbers of a part; "" of those that are what they look like."""
        wanted = self.fill.weight(id) if part == "weight" else self.fill.values(id)
        if wanted is None:
            given = self.fill.nodes[id]["kind"] == "input" and self.fill.layout.places[id].form.title == TARGET
            return "not read yet in this step" if given else ""
        if not wanted.faint:
            return ""
        if self.fill.mode == "forward":
            return f"of {self.origin(id, part, wanted)}: it has not run in this pass"
        what = "weight" if part == "weight" else "activation"
        return f"the {what}: its {'gradient' if self.fill.mode == 'backward' else 'change'} is not known here"

    def named(self, id: str, part: str) -> tuple[str, tuple[int, ...] | None]:
        """(what the part of a node is called, its whole shape)."""
        node, form = self.fill.nodes[id], self.fill.layout.places[id].form
        if part == "weight":
            label = next((p["label"] for p in node["parameters"] if p["name"] == "w"), "weight")
            wanted = self.fill.weight(id)
            what = {"dw": "gradient of ", "Δw": "change of "}.get(wanted.symbol if wanted else "", "")
            return what + label, form.weight_shape
        if not node["outputs"]:
            return "", None
        wanted = self.fill.values(id)
        what = "gradient of the output" if wanted is not None and wanted.name == "dy" else "output"
        return ("input" if node["kind"] == "input" else what), tuple(node["outputs"][0]["shape"])

    def selection(self, spot: Spot, sample: int) -> Selection | None:
        """What clicking a spot selects."""
        part = spot.part or "values"
        form, node = self.fill.layout.places[spot.node].form, self.fill.nodes[spot.node]
        wanted = self.fill.weight(spot.node) if part == "weight" else self.fill.values(spot.node)
        if wanted is None and part == "values":
            event = self.fill.forward(spot.node) if node["kind"] == "op" else None
            wanted = None if event is None else Wanted(event, "y", (), (1, 1))
        if wanted is None:
            return None
        index = spot.index
        if part == "values" and index is not None and form.batched:
            index = (self.fill.sample, *index)
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
            owner = self.fill.owners.get(label) or next(
                (at for known, at in self.fill.owners.items() if label.endswith(f".{known}")), None
            )
            return None if owner is None else self._spot(owner[0], owner[1], selection.index)
        if selection.event is None or selection.name is None:
            return None
        node = self.fill.log.node_of(selection.event) or self._given(selection.name, selection.event)
        node, name = self._owned(node, selection.name)
        return self._spot(node, name, selection.index) if node is not None and node in self.fill.nodes else None

    def _owned(self, node: str | None, name: str) -> tuple[str | None, str]:
        """What the log calls a node may be a parameter, whose update has its "w": then its owner, and that array's name
        there, which is another one for a bias.
        """
        if node not in self.fill.owners:
            return node, name
        owner, own = self.fill.owners[node]
        return owner, {"w": own, "w_new": f"{own}_new", "dw": f"d{own}"}.get(name, name)

    def _given(self, name: str, event: int) -> str | None:
        """The input that is an array of the batch of ``event``; None where it shows that of another batch."""
        found = next((id for id, node in self.fill.nodes.items() if name and node.get("label") == name), None)
        wanted = self.fill.values(found) if found is not None else None
        return found if wanted is not None and wanted.event >= event else None

    def _spot(self, node: str, name: str, index: tuple[int, ...] | None) -> Spot:
        form = self.fill.layout.places[node].form
        base = name.removesuffix("_new")
        source = self.fill.sources.get((node, base[1:] if base.startswith("d") else base))
        if base in ("w", "dw"):
            return Spot(node, "weight", index if form.weight else None)
        if source is not None and base not in ("y", "dy"):
            node, form = source, self.fill.layout.places[source].form
        elif base not in ("y", "dy") and self.fill.nodes[node]["kind"] == "op":
            return Spot(node)
        return Spot(node, "values", self._element(form, index))

    def _element(self, form: Any, index: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if index is None or not form.batched:
            return index
        return tuple(index[1:]) if index and index[0] == self.fill.sample else None

    def lit(
        self, selection: Selection, contributors: list[dict[str, Any]]
    ) -> Iterator[tuple[str, str, tuple[int, ...], float]]:
        """(node, part, index, share 0 to 1) of what an explained number was computed from."""
        node = self.fill.log.node_of(selection.event) if selection.event is not None else None
        if self._owned(node, "")[0] not in self.fill.nodes:
            return
        most = max((abs(c.get("share") or 0.0) for c in contributors), default=0.0) or 1.0
        for entry in contributors:
            owner, name = self._owned(node, str(entry["tensor"]))
            spot = self._spot(str(owner), name, tuple(entry["index"]))
            if spot.index is not None and spot.part:
                yield spot.node, spot.part, spot.index, abs(entry.get("share") or 0.0) / most
