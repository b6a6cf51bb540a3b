"""Gets the numbers that nodes are to show: from what is kept, else from the engine, many in one request. No Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from gui.network.values import Content, Wanted, content

#: Arrays that are kept, so that going back needs no asking.
MOST_KEPT = 600
#: Parts of nodes in one request: their pictures are made between two repaints.
_AT_ONCE = 16

Ask = Callable[..., None]
Show = Callable[..., None]
Spot = tuple[str, str]


class Feed:
    """What parts of nodes are to show is said by :meth:`want`, and asked for by :meth:`send`.

    Args:
        ask: ``ask(slot, command, arguments, then, otherwise)``, of which only the newest of a slot is answered.
        show: ``show(node, part, content or None, faint, signed)``.

    Attributes:
        wanted: by (node, part), what each is to show now.
    """

    def __init__(self, ask: Ask, show: Show) -> None:
        self._ask, self._show = ask, show
        self._kept: OrderedDict[tuple, Content | None] = OrderedDict()
        self._asked: dict[Spot, Wanted] = {}
        self.wanted: dict[Spot, Wanted] = {}

    def clear(self) -> None:
        """Forget everything: the numbers of events are those of another process."""
        self._kept.clear()
        self.forget()

    def forget(self) -> None:
        """Forget what is shown where: the nodes are others."""
        self.wanted.clear()
        self._asked.clear()

    def drop(self, node: str, part: str) -> None:
        """Something else is shown in this part of a node."""
        self.wanted.pop((node, part), None)

    def want(self, node: str, part: str, wanted: Wanted | None) -> None:
        """Have a part of a node show this; nothing for None. It is shown at once where it is known."""
        spot = node, part
        if wanted is None:
            self.wanted.pop(spot, None)
            self._show(node, part, None, False, False)
            return
        before, self.wanted[spot] = self.wanted.get(spot), wanted
        if wanted.key in self._kept:
            if before == wanted:  # it is shown already
                self._kept.move_to_end(wanted.key)
            else:
                self._deliver(spot, wanted)

    def send(self) -> None:
        """Ask for all that is wanted and not known, in the order in which it was wanted."""
        missing = {spot: wanted for spot, wanted in self.wanted.items() if wanted.key not in self._kept}
        if all(self._asked.get(spot) == wanted for spot, wanted in missing.items()):
            return
        self._asked = missing
        spots = list(missing)
        # What is at work comes alone, and first.
        starts = [0, *range(2, len(spots), _AT_ONCE)] if len(spots) > 2 else [0]
        for number, start in enumerate(starts):
            end = starts[number + 1] if number + 1 < len(starts) else len(spots)
            self._fetch(f"views {number}", {spot: missing[spot] for spot in spots[start:end]})

    def _fetch(self, slot: str, several: dict[Spot, Wanted]) -> None:
        views = [view for wanted in several.values() for view in wanted.views()]

        def answered(body: dict[str, Any]) -> None:
            answers = iter(body["tensors"])
            for spot, wanted in several.items():
                self.take(spot, wanted, [next(answers) for _ in wanted.views()])

        def refused(message: str) -> None:
            for spot in several:
                self._asked.pop(spot, None)

        self._ask(slot, "tensors", {"tensors": views}, answered, refused)

    def take(self, spot: Spot, wanted: Wanted, bodies: list[dict[str, Any]]) -> None:
        """Take in the answers to ``wanted.views()``, and show them where they are still wanted."""
        # What has left the history has no numbers: what is shown would be older still.
        found = None if any("error" in body for body in bodies) else content(*bodies, symbol=wanted.symbol)
        self._kept[wanted.key] = found
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        self._asked.pop(spot, None)
        if self.wanted.get(spot) == wanted:
            self._deliver(spot, wanted)

    def _deliver(self, spot: Spot, wanted: Wanted) -> None:
        self._kept.move_to_end(wanted.key)
        signed = wanted.name.startswith("d") or bool(wanted.minus)
        found = self._kept[wanted.key]
        self._show(*spot, found, wanted.faint and found is not None, signed and found is not None)
