"""The numbers of the nodes while the script runs freely. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
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
#: turns than the most. The engine looks at that step once and sends all of it; to show it all at once would hold up the
#: window. Powers of two, as what else is shown every so many pictures: all of it comes round again soon.
_EACH, _TURNS = 2, (1, 2, 4, 8)

Spot = tuple[str, str]


@dataclass
class _Seen:
    """What a picture says of a part of a node: the answer, less that of another."""

    wanted: Wanted
    body: dict[str, Any]
    minus: dict[str, Any] | None
    words: bool

    @property
    def step(self) -> int:
        return self.body["step"]

    @property
    def signed(self) -> bool:
        return self.wanted.name.startswith("d") or bool(self.wanted.minus)

    @cached_property
    def content(self) -> Content:
        return content(self.body, self.minus, self.wanted.symbol)


class LiveNumbers:
    """Args:
        show: ``show(node, part, content, faint, signed, words)``.

    Attributes:
        mode: what was shown: "forward", "backward" or "update". seen: by (node, part), the step that it was shown of last.
    """

    def __init__(self, show: Callable[..., None]) -> None:
        self._show = show
        self._wanted: dict[str, tuple[str, str, Wanted]] = {}
        self._turn: dict[Spot, int] = {}
        self._ranges: dict[tuple[str, str, str], tuple[float, float]] = {}
        #: The newest step, which number it is of those that were shown, and every how manieth has its words shown.
        self._step, self._steps, self._pace = -1, 0, _WORDS
        #: Nodes whose numbers are written beside their circles each time that these are shown.
        self._beside: set[str] = set()
        #: What comes of each step.
        self._together: set[Spot] = set()
        #: What is not shown yet, turn after turn. None before the first picture, which is shown at once.
        self._pending: list[dict[Spot, _Seen]] | None = None
        #: What has come last.
        self._last: dict[Spot, _Seen] = {}
        self.mode = "forward"
        self.seen: dict[Spot, int] = {}
        #: The same of what is written at it.
        self._written: dict[Spot, int] = {}

    def clear(self) -> None:
        """The script stands again: scales are those of its stops."""
        self._wanted.clear()
        self._ranges.clear()
        self._pending = None

    def want(self, fill: Fill, anew: bool = True) -> list[dict[str, Any]]:
        """The views, as of :meth:`gui.panels.panel.Panel.live_views`, that fill the nodes; ``anew``: these do not show
        pictures yet.
        """
        if anew or fill.mode != self.mode:
            self.forget()
        self.mode = fill.mode
        self._steps, self._pending = 0, None
        self._wanted = {f"{node} {part}": (node, part, wanted) for node, part, wanted in fill.all() if wanted is not None}
        self._together = {(node, part) for node, part, wanted in self._wanted.values() if part == "values" or wanted.minus}
        turn, turns = _turns(dict.fromkeys(node for node, _, _ in self._wanted.values()), fill)
        self._turn = {
            (node, part): turn[node] if (node, part) in self._together else turns - 1
            for node, part, _ in self._wanted.values()
        }  # fmt: skip
        self._pace = max(_RARER, _WORDS // turns)
        places, seldom = fill.layout.places, turns >= _BESIDE
        self._beside = {node for node, _, _ in self._wanted.values() if seldom and places[node].numbers}
        views = []
        for id, (node, part, wanted) in self._wanted.items():
            every = turns if (node, part) in self._together else _WEIGHTS
            for place, name in ((id, wanted.name), (_minus(id), wanted.minus)):
                if name:
                    arguments = {**wanted.arguments(name), "describe": False}
                    views.append({"id": place, "command": "tensor", "arguments": arguments, "every": every})
        return views

    def take(self, views: dict[str, dict[str, Any]]) -> bool:
        """A picture has come: show what has its turn, of what it brings or of what has come before; whether that was
        anything. Scales widen at once, and narrow slowly; words change a few times a second.
        """
        late: list[dict[Spot, _Seen]] = []
        if found := self._found(views):
            self._last.update(found)
            turns = self._in_turns(found)
            # Where pictures were left out, what should have been shown before comes first.
            late, self._pending = (turns, []) if self._pending is None else (self._pending, turns)
        pending = self._pending or []
        now = [*late, *pending[:1]]
        del pending[:1]
        for turn in now:
            for spot, seen in turn.items():
                self._put(spot, seen)
        return bool(now)

    def _in_turns(self, found: dict[Spot, _Seen]) -> list[dict[Spot, _Seen]]:
        """What has come, turn after turn."""
        turns: dict[int, dict[Spot, _Seen]] = {}
        for spot, seen in found.items():
            turns.setdefault(self._turn[spot], {})[spot] = seen
        return [turns[turn] for turn in sorted(turns)]

    def _found(self, views: dict[str, dict[str, Any]]) -> dict[Spot, _Seen]:
        """What is wanted of a picture, by the parts of the nodes."""
        found = {}
        for id, body in views.items():
            if id not in self._wanted:
                continue
            node, part, wanted = self._wanted[id]
            minus = views.get(_minus(id))
            if wanted.minus and minus is None:
                continue
            if body["step"] != self._step:
                self._step, self._steps = body["step"], self._steps + 1
            found[node, part] = _Seen(wanted, body, minus, self._steps % self._pace == 1 or node in self._beside)
        return found

    def _put(self, spot: Spot, seen: _Seen) -> None:
        found, key = seen.content, (*spot, seen.wanted.name)
        self._ranges[key] = found.low, found.high = widened(self._ranges.get(key), (found.low, found.high))
        self._note(spot, seen, seen.words)

    def _note(self, spot: Spot, seen: _Seen, words: bool) -> None:
        self.seen[spot] = seen.step
        if words:
            self._written[spot] = seen.step
        self._show(*spot, seen.content, False, seen.signed, words)

    @property
    def steps(self) -> set[int]:
        """The steps of which numbers stand side by side, colours and what is written; weights, which are looked at seldom
        and change little, do not count.
        """
        return {steps[spot] for steps in (self.seen, self._written) for spot in self._together if spot in steps}

    def between(self, node: str, part: str, after: int, upto: int) -> tuple[Content, int] | None:
        """The activations (or weights) that have come last of a part, and their step, where that is in this range."""
        seen = self._last.get((node, part))
        if seen is None or self.mode != "forward" or not after < seen.step <= upto:
            return None
        return seen.content, seen.step

    def forget(self) -> None:
        """Forget the pictures: they are of another run, or of another network."""
        for known in (self._last, self.seen, self._written):
            known.clear()

    def again(self) -> None:
        """Show all that has come last: of some only a part was shown, or others have been in its place."""
        for spot, seen in self._last.items():
            self._note(spot, seen, True)


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
