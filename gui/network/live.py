"""The numbers of the nodes while the script runs freely. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gui.live import widened
from gui.network.fill import Fill
from gui.network.values import Content, Wanted, content

#: Pictures from one change of the words to the next: some two a second, which can be read; but not more often than each
#: fourth time that a node is shown. Numbers beside circles are written with these where nodes take so many turns.
_WORDS, _RARER, _BESIDE = 16, 4, 4

#: Pictures from one look at weights to the next: they change by little in a step.
_WEIGHTS = 8

#: Nodes of one step take turns, each picture showing those of one turn: so many nodes, or more where that would be more
#: turns than the most. That makes pictures cheap, of which each takes time from the training. Powers of two, as what else
#: is shown every so many pictures: all of it comes round again soon.
_EACH, _TURNS = 2, (1, 2, 4, 8)

Spot = tuple[str, str]


class LiveNumbers:
    """Args:
        show: ``show(node, part, content, faint, signed, words)``.

    Attributes:
        mode: what was shown: "forward", "backward" or "update". seen: by (node, part), the step that it was shown of last.
    """

    def __init__(self, show: Callable[..., None]) -> None:
        self._show = show
        self._wanted: dict[str, tuple[str, str, Wanted]] = {}
        self._ranges: dict[tuple[str, str, str], tuple[float, float]] = {}
        #: The newest step, which number it is of those that were shown, and every how manieth has its words shown.
        self._step, self._steps, self._pace = -1, 0, _WORDS
        #: Nodes whose numbers are written beside their circles each time that these are shown.
        self._beside: set[str] = set()
        #: What comes of each step, and what has come of the newest one so far.
        self._together: set[Spot] = set()
        self._coming: dict[int, dict[Spot, tuple[Content, bool]]] = {}
        #: The last step of which all has come.
        self._last: dict[Spot, tuple[Content, bool]] = {}
        self._last_steps: dict[Spot, int] = {}
        self.mode = "forward"
        self.seen: dict[Spot, int] = {}
        #: The same of what is written at it.
        self._written: dict[Spot, int] = {}

    def clear(self) -> None:
        """The script stands again: scales are those of its stops."""
        self._wanted.clear()
        self._ranges.clear()

    def want(self, fill: Fill, anew: bool = True) -> list[dict[str, Any]]:
        """The views, as of :meth:`gui.panels.panel.Panel.live_views`, that fill the nodes; ``anew``: these do not show
        pictures yet.
        """
        if anew or fill.mode != self.mode:
            self.forget()
        self.mode = fill.mode
        self._steps = 0
        self._coming.clear()
        self._wanted = {f"{node} {part}": (node, part, wanted) for node, part, wanted in fill.all() if wanted is not None}
        self._together = {(node, part) for node, part, wanted in self._wanted.values() if part == "values" or wanted.minus}
        turn, turns = _turns(dict.fromkeys(node for node, _, _ in self._wanted.values()), fill)
        self._pace = max(_RARER, _WORDS // turns)
        places, seldom = fill.layout.places, turns >= _BESIDE
        self._beside = {node for node, _, _ in self._wanted.values() if seldom and places[node].numbers}
        views = []
        for id, (node, part, wanted) in self._wanted.items():
            if part == "weight" and not wanted.minus:
                when = {"every": _WEIGHTS, "later": turns - 1}
            else:
                when = {"every": turns, "later": turn[node]}
            for place, name in ((id, wanted.name), (_minus(id), wanted.minus)):
                if name:
                    arguments = {**wanted.arguments(name), "describe": False}
                    views.append({"id": place, "command": "tensor", "arguments": arguments, **when})
        return views

    def take(self, views: dict[str, dict[str, Any]]) -> None:
        """Show what a step has looked like. Scales widen at once, and narrow slowly; words change a few times a second."""
        for id, body in views.items():
            if id not in self._wanted:
                continue
            node, part, wanted = self._wanted[id]
            minus = views.get(_minus(id))
            if wanted.minus and minus is None:
                continue
            if body["step"] != self._step:
                self._step, self._steps = body["step"], self._steps + 1
            found: Content = content(body, minus, wanted.symbol)
            key = node, part, wanted.name
            self._ranges[key] = found.low, found.high = widened(self._ranges.get(key), (found.low, found.high))
            signed = wanted.name.startswith("d") or bool(wanted.minus)
            self._coming.setdefault(body["step"], {})[node, part] = found, signed
            words = self._steps % self._pace == 1 or node in self._beside
            self._note((node, part), body["step"], words)
            self._show(node, part, found, False, signed, words)
        for step in sorted(self._coming):
            if step < max(self._coming) or self._coming[step].keys() >= self._together:
                come = self._coming.pop(step)
                self._last.update(come)
                self._last_steps.update(dict.fromkeys(come, step))

    def _note(self, spot: Spot, step: int, words: bool) -> None:
        self.seen[spot] = step
        if words:
            self._written[spot] = step

    @property
    def steps(self) -> set[int]:
        """The steps of which numbers stand side by side, colours and what is written; weights, which are looked at seldom
        and change little, do not count.
        """
        return {steps[spot] for steps in (self.seen, self._written) for spot in self._together if spot in steps}

    def between(self, node: str, part: str, after: int, upto: int) -> tuple[Content, int] | None:
        """The activations (or weights) that a picture has shown of a part, and their step, where that is in this range."""
        found, step = self._last.get((node, part)), self._last_steps.get((node, part), 0)
        return (found[0], step) if found is not None and self.mode == "forward" and after < step <= upto else None

    def forget(self) -> None:
        """Forget the pictures: they are of another run, or of another network."""
        for known in (self._last, self._last_steps, self.seen, self._written):
            known.clear()

    def again(self) -> None:
        """Show the last step of which all was taken: others have been in its place, or half of the one after it."""
        for (node, part), (found, signed) in self._last.items():
            self._note((node, part), self._last_steps[node, part], True)
            self._show(node, part, found, False, signed, True)


def _turns(nodes: Iterable[str], fill: Fill) -> tuple[dict[str, int], int]:
    """The turn of each node, and how many there are. Neighbours together, so that a step runs through the network as it
    does, and its end is of one piece; and a picture in each turn: what is only written changes seldom.
    """
    drawn = [node for node in nodes if fill.layout.places[node].form.scaled]
    turns = next((count for count in _TURNS if count * _EACH >= len(drawn)), _TURNS[-1])
    found, place = {}, 0
    for node in nodes:
        found[node] = place * turns // max(1, len(drawn))
        place = min(place + (node in drawn), max(0, len(drawn) - 1))
    return found, turns


def _minus(id: str) -> str:
    """Id of the view of what is taken from that of ``id``."""
    return f"{id} minus"
