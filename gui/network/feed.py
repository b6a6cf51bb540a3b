"""Gets the numbers that nodes are to show: from what is kept, else from the engine. No Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from gui.network.values import Content, Wanted, content

#: Arrays that are kept, so that going back needs no asking.
MOST_KEPT = 600

Ask = Callable[..., None]
Show = Callable[..., None]


class Feed:
    """Args:
    ask: ``ask(slot, command, arguments, then, otherwise)``, of which only the newest of a slot is answered.
    show: ``show(node, part, content or None, faint, signed)``.
    """

    def __init__(self, ask: Ask, show: Show) -> None:
        self._ask, self._show = ask, show
        self._kept: OrderedDict[tuple, Content] = OrderedDict()
        self._wanted: dict[tuple[str, str], Wanted] = {}

    def clear(self) -> None:
        """Forget everything: the numbers of events are those of another process."""
        self._kept.clear()
        self._wanted.clear()

    def forget(self) -> None:
        """Forget what is shown where: the nodes are others."""
        self._wanted.clear()

    def want(self, node: str, part: str, wanted: Wanted | None) -> None:
        """Have a part of a node show this; nothing for None. What is on its way is not asked for again."""
        place = (node, part)
        if wanted is None:
            self._wanted.pop(place, None)
            self._show(node, part, None, False, False)
        elif wanted.key in self._kept:
            self._wanted[place] = wanted
            self._deliver(node, part, wanted)
        elif self._wanted.get(place) != wanted:
            self._wanted[place] = wanted
            self._fetch(node, part, wanted)

    def _fetch(self, node: str, part: str, wanted: Wanted) -> None:
        slot = f"{node} {part}"

        def keep(body: dict[str, Any], minus: dict[str, Any] | None = None) -> None:
            self._kept[wanted.key] = content(body, minus)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            if self._wanted.get((node, part)) == wanted:
                self._deliver(node, part, wanted)

        def first(body: dict[str, Any]) -> None:
            if wanted.minus:
                self._ask(slot, "tensor", wanted.arguments(wanted.minus), lambda other: keep(body, other), missing)
            else:
                keep(body)

        def missing(message: str) -> None:
            # The event has left the history: what is shown would be older still.
            if self._wanted.get((node, part)) == wanted:
                self._show(node, part, None, False, False)

        self._ask(slot, "tensor", wanted.arguments(), first, missing)

    def _deliver(self, node: str, part: str, wanted: Wanted) -> None:
        self._kept.move_to_end(wanted.key)
        signed = wanted.name.startswith("d") or bool(wanted.minus)
        self._show(node, part, self._kept[wanted.key], wanted.faint, signed)
