"""Fetching the numbers that the Tensor panel shows: as many as its map has pixels, of the part that is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from gui.numbers import format_shape
from gui.panels.tensor_source import Source
from gui.panels.tensor_view import Plan, Shown, plan, shown
from gui.timers import READABLE, Paced

if TYPE_CHECKING:
    from gui.panels.tensor import TensorPanel

#: Bins of the histogram.
BINS = 64

#: How many times as large a block, and how many times as small, may be as the one that fits the map now.
_COARSER, _FINER = 4 / 3, 2

#: Where in what is asked the plan stands.
_MADE = 4

#: Rows and columns that are seen: first, last + 1 of each.
Region = tuple[int, int, int, int]


class TensorNumbers:
    """Asks for ``panel``.

    Args:
        arrived: gets what a map shows, and the answer for the (first) array.
        refused: gets why there is nothing.

    Attributes:
        source: what stands behind the view.
        made: which numbers were asked for last.
    """

    def __init__(
        self, panel: TensorPanel, arrived: Callable[[Shown, dict[str, Any]], object], refused: Callable[[str], object]
    ) -> None:
        self._panel = panel
        self._arrived, self._refused = arrived, refused
        self.source = Source()
        self._shown: tuple[Any, ...] = ()
        self._wanted: tuple[Any, ...] = ()
        #: Whether the view was moved while numbers were on their way.
        self._closer = False
        self.made: Plan | None = None
        self._trail = Paced(panel, READABLE, self._ask_histogram)
        self._shapes: dict[tuple[Any, ...], tuple[int, ...]] = {}

    def forget(self) -> None:
        """What is asked for next is fetched even if it was just fetched."""
        self._wanted = ()

    def give_up(self) -> None:
        """There is nothing to show."""
        self._shown = self._wanted = ()

    @property
    def arriving(self) -> bool:
        """Whether what is shown is of another source, part or place than the one that is asked for. While the script runs
        nothing is asked: there the pictures are what was asked for.
        """
        return self._shown != self._wanted and not self._panel.state.running

    def ask(self, slot: str, command: str, arguments: dict[str, Any], then: Any, run: int | None = None) -> None:
        """Ask the engine; a refusal is told to the panel."""
        self._panel.ask(slot, command, arguments, then, self._refused, run)

    def ask_source(self, command: str, arguments: dict[str, Any], then: Any, run: int | None = None) -> None:
        """The same, while what stands behind a view is looked for."""
        self.ask("source", command, arguments, then, run)

    def fetch(self) -> None:
        """Ask for the numbers of the part that is chosen."""
        if not self.source.references or self.source.problem:
            return
        shape = self._known_shape()
        if shape is None:
            probe, asked = {"reference": self.source.references[0], "shapeOnly": True}, self._identity()

            def found(body: dict[str, Any]) -> None:
                self._shapes[asked] = tuple(body["shape"])
                if self._identity() == asked:  # else another tensor is shown by now
                    self._ask_numbers(tuple(body["shape"]))

            self.ask("shape", "tensor", probe, found)
        else:
            self._ask_numbers(shape)

    def plan_for(self, shape: tuple[int, ...]) -> None:
        """Find what to ask for of a tensor of that shape, without asking."""
        panel = self._panel
        panel.controls.set_tensor(shape, panel.is_parameter, panel.state.selection.sample)
        self.made = plan(panel.controls.cut(shape), panel.map.pixels(), None)

    def look_closer(self, view: Shown) -> None:
        """After zooming: ask for the part that is seen where a number stands for several elements, or did."""
        if self._shown and self._shown != self._wanted:
            # Other numbers are on their way: what is seen now says nothing of them.
            self._closer = True
            return
        if view.tiled or not self._shown:
            self.fetch()
            return
        if view.block == (1, 1) and view.plan.region is None:
            return
        map_view = self._panel.map.view
        top, bottom, left, right = map_view.visible()
        everything = (top, bottom, left, right) == (0, map_view.rows, 0, map_view.columns)
        region = None if everything or bottom <= top or right <= left else (top, bottom, left, right)
        self._ask_numbers(view.shape, region)

    def _known_shape(self) -> tuple[int, ...] | None:
        reference, stop = self.source.references[0], self._panel.state.stop or {}
        if reference.get("event") == stop.get("seq"):
            for tensor in stop.get("tensors") or ():
                if tensor["name"] == reference["name"]:
                    return tuple(tensor["shape"])
        return self._shapes.get(self._identity()) if self._recorded() else None

    def _recorded(self) -> bool:
        """Whether only the cursor moves, along events that are over: their arrays do not change any more."""
        stop = self._panel.state.stop or {}
        return not stop.get("live", True) and all("event" in reference for reference in self.source.references)

    def _identity(self) -> tuple[Any, ...]:
        """What the source is, in the run that is current and the process that computes it."""
        state = self._panel.state
        number = state.current_run.get("number")
        return json.dumps(self.source.references), self.source.run, number, state.restoring

    def _ask_numbers(self, shape: tuple[int, ...], region: Region | None = None) -> None:
        panel, source = self._panel, self.source
        panel.controls.set_tensor(shape, panel.is_parameter, panel.state.selection.sample)
        try:
            cut = panel.controls.cut(shape)
        except ValueError as error:
            panel.head.set_problem(f"slice: {error}")
            return
        panel.head.set_problem("")
        made = self.made = plan(cut, panel.map.pixels(), region)
        if panel.state.running:
            return  # the pictures are of what was made; an answer would be of a step that nobody knows
        stop = panel.state.stop
        asked = (*self._identity(), made, (stop or {}).get("revision"), None if self._recorded() else id(stop))
        if asked == self._wanted or self._serves(asked):
            return
        self._wanted = asked
        answers: dict[int, dict[str, Any]] = {}

        def answered(place: int, body: dict[str, Any]) -> None:
            answers[place] = body
            if len(answers) < len(source.references) or self._wanted != asked:
                return
            shapes = [tuple(answers[i]["shape"]) for i in range(len(answers))]
            if len(set(shapes)) > 1:
                self._refused(f"{source.title}: {format_shape(shapes[0])} and {format_shape(shapes[1])} have no difference.")
                return
            self._shown = asked
            view = shown([answers[i] for i in range(len(answers))], made)
            self._arrived(view, answers[0])
            if self._closer:
                self._closer = False
                self.look_closer(view)

        for place, reference in enumerate(source.references):
            run = source.run_of(place)
            self.ask(f"numbers {place}", "tensor", made.arguments(reference), partial(answered, place), run)
        if len(source.references) == 1 and region is None:
            # Each place that the timeline is dragged past has its picture; what is read of it follows some times a second.
            self._trail.call(at_once=not panel.state.scrubbing)

    def _serves(self, asked: tuple[Any, ...]) -> bool:
        """Whether the numbers that are shown, or on their way, are about those of ``asked``: the map has got another size
        meanwhile, be it only that the numbers beside it take more room or less.
        """
        if not self._wanted or self._wanted[:_MADE] + self._wanted[_MADE + 1 :] != asked[:_MADE] + asked[_MADE + 1 :]:
            return False
        old, new = self._wanted[_MADE], asked[_MADE]
        return replace(old, most=new.most) == new and all(
            a == b or (a <= _COARSER * b and 1 < b <= _FINER * a) for a, b in zip(old.block, new.block)
        )

    def _ask_histogram(self) -> None:
        panel, references = self._panel, self.source.references
        if len(references) == 1 and not self.source.problem:
            arguments = {"reference": references[0], "bins": BINS, "describe": False}
            panel.ask("histogram", "histogram", arguments, panel.show_histogram, lambda text: panel.histogram.clear())
