"""The Tensor panel while the script runs freely: the same part of the same tensor, step after step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gui.panels.tensor_numbers import BINS
from gui.panels.tensor_source import Source, Subject
from gui.panels.tensor_view import Shown, shown

if TYPE_CHECKING:
    from gui.panels.tensor import TensorPanel

#: Figures and histogram are of each so manieth step that is shown: two a second can be read.
_EVERY = 16


class TensorLive:
    """Asks for what ``panel`` shows at the stop before; a parameter of the network where that is nothing.

    ``arrived`` gets what the map is to show, and the answer for the (first) array.
    """

    def __init__(self, panel: TensorPanel, arrived: Callable[[Shown, dict[str, Any]], object]) -> None:
        self._panel, self._arrived = panel, arrived
        #: What was chosen here.
        self._chosen: Subject | None = None

    def begin(self, events: list[dict[str, Any]]) -> None:
        """The structure of the steps is known: where nothing is shown yet, or what was chosen so of another network, choose
        the first weights that are used.
        """
        panel = self._panel
        ops = (event for event in events if event["kind"] == "forward")
        weights = {tensor["label"]: tensor["shape"] for op in ops for tensor in op["tensors"] if tensor.get("label")}
        another = self._chosen is not None and panel.subject is self._chosen and self._chosen.label not in weights
        # Without a subject the references are those of the run before.
        if panel.subject.reference and panel.source.references and not panel.source.problem and not another:
            return
        if weights:
            label, shape = next(iter(weights.items()))
            self._chosen = panel.subject = Subject({"expression": label}, label, label)
            panel.numbers.source = Source((panel.subject.reference,), label)
            panel.numbers.plan_for(tuple(shape))
            panel.show_content()

    def views(self) -> list[dict[str, Any]]:
        """See :meth:`gui.panels.panel.Panel.live_views`."""
        source, made = self._panel.source, self._panel.numbers.made
        if made is None or source.run is not None or source.problem:
            return []
        found = [
            _tensor(f"numbers {place}", {**made.arguments(reference), "describe": False})
            for place, reference in enumerate(source.references)
        ]
        if len(source.references) == 1:
            # These read the whole tensor, and nobody reads figures that change thirty times a second.
            whole = {"reference": source.references[0]}
            if self._panel.statistics.isVisible():
                # Only what describes the whole is wanted: of its numbers one does, instead of all made small.
                view = self._panel.shown
                first = [0] * len(view.shape) if view is not None and 0 not in view.shape else []
                found.append({**_tensor("statistics", {**whole, "slice": first, "maxShape": [1, 1]}), "every": _EVERY})
            if self._panel.histogram.isVisible():
                arguments = {**whole, "bins": BINS}
                found.append({"id": "histogram", "command": "histogram", "arguments": arguments, "every": _EVERY})
        return found

    def take(self, views: dict[str, dict[str, Any]]) -> None:
        """Show what a step has looked like."""
        panel, made = self._panel, self._panel.numbers.made
        answers = [views.get(f"numbers {place}") for place in range(len(panel.source.references))]
        if made is not None and answers and None not in answers:
            self._arrived(shown(answers, made), {**answers[0], **_description(views)})  # type: ignore[arg-type]
        if "histogram" in views:
            panel.show_histogram(views["histogram"])


def _tensor(id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, "command": "tensor", "arguments": arguments}


def _description(views: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found = views.get("statistics", {})
    return {"description": found["description"]} if "description" in found else {}
