"""What classes are called along the axis of a tensor that has an entry for each: logits, the weights that make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gui.state import is_loss

if TYPE_CHECKING:
    from gui.panels.tensor import TensorPanel

#: Arrays of an op with a row for each sample and an entry for each output; of a loss, for each input.
_OUTPUTS, _INPUTS = ("y", "dy"), ("x", "dx")


class Classes:
    """Asks for ``panel`` what the classes are called: of each script until it is known, at most once in a step.

    Attributes:
        names: of the classes; None while they are not known. axis: of what is shown, that they belong to, or None.
    """

    def __init__(self, panel: TensorPanel) -> None:
        self._panel = panel
        self.names: list[str] | None = None
        self.axis: int | None = None
        self._program: str | None = None
        self._asked: tuple | None = None
        #: What the axis was found for: subject, stop, graph, selection; shape.
        self._of: tuple[Any, ...] = (None,) * 4
        self._shape: tuple[int, ...] | None = None

    def look(self) -> None:
        """Other numbers are shown: find their axis, and ask for the names where it may be one of classes."""
        panel, state = self._panel, self._panel.state
        if state.program != self._program:
            self._program, self.names, self._asked = state.program, None, None
        # While the script runs other numbers of the same tensor are shown many times a second.
        of = panel.subject, state.stop, state.graph, state.selection
        shape = panel.shown.shape if panel.shown is not None else None
        if shape != self._shape or any(a is not b for a, b in zip(of, self._of, strict=True)):
            self._of, self._shape = of, shape
            self.axis = self._find_axis() if shape is not None else None
        step = (state.stop or {}).get("step")
        if self.axis is None or self.names is not None or state.running or self._asked == (step,):
            return
        self._asked = (step,)
        panel.ask("classes", "samples", {"count": 1}, self._answered, lambda _: None)

    def _answered(self, body: dict[str, Any]) -> None:
        self.names = body.get("names")
        self._panel.read_again()

    def name_of(self, index: Sequence[int]) -> str:
        """What the class of an element is called; "" where it has none."""
        panel = self._panel
        if self.names is None or self.axis is None or panel.shown is None or len(index) <= self.axis:
            return ""
        fits = panel.shown.shape[self.axis] == len(self.names)
        return self.names[index[self.axis]] if fits else ""

    def _find_axis(self) -> int | None:
        panel = self._panel
        shape = panel.shown.shape if panel.shown is not None else ()
        ops, losses, labels = outputs(panel.state.graph)
        subject, stop = panel.subject, panel.state.stop or {}
        if not shape:
            return None
        here, name = subject.reference.get("event") == stop.get("seq"), str(subject.reference.get("name"))
        tensors = {tensor["name"]: tensor.get("label") for tensor in stop.get("tensors") or ()} if here else {}
        label = subject.label or tensors.get(name.removeprefix("d"))  # a gradient has the axes of its parameter
        if label:
            return 0 if label.removesuffix(".grad") in labels else None
        module = (stop.get("module") if here else panel.state.selection.module) or ""
        op = (stop.get("op") or "") if here else None
        of = lambda found: any(module == other and op in (None, kind) for other, kind in found)  # noqa: E731
        fits = (name in _OUTPUTS and of(ops)) or (name in _INPUTS and of(losses))
        return len(shape) - 1 if fits and len(shape) > 1 else None


def outputs(graph: dict[str, Any] | None) -> tuple[set[tuple[str, str]], set[tuple[str, str]], set[str]]:
    """(module, op) of the ops that make what a loss reads, back to the layer with weights; the same of the losses; and
    the names of that layer's parameters.
    """
    nodes = {node["id"]: node for node in (graph or {}).get("nodes", ())}
    edges = (graph or {}).get("edges", ())
    at_end = {id for id, node in nodes.items() if node["kind"] == "op" and is_loss(node["op"])}
    ops: set[tuple[str, str]] = set()
    labels: set[str] = set()
    todo = [edge["from"] for edge in edges if edge["to"] in at_end and edge["input"] != "t"]
    while todo:
        node = nodes[todo.pop()]
        key = node["module"] or "", node["op"]
        if node["kind"] != "op" or key in ops:
            continue
        ops.add(key)
        labels |= {parameter["label"] for parameter in node["parameters"]}
        if not node["parameters"]:
            todo += [edge["from"] for edge in edges if edge["to"] == node["id"]]
    return ops, {(nodes[id]["module"] or "", nodes[id]["op"]) for id in at_end}, labels
