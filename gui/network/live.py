"""The numbers of the nodes while the script runs freely. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gui.live import widened
from gui.network.fill import Fill
from gui.network.values import Content, Wanted, content

#: Pictures from one change of the words to the next: some three a second, which can be read.
_WORDS = 10

#: Pictures from one look at weights to the next: they change by little in a step.
_WEIGHTS = 4


class LiveNumbers:
    """Args:
    show: ``show(node, part, content, faint, signed, words)``.
    """

    def __init__(self, show: Callable[..., None]) -> None:
        self._show = show
        self._wanted: dict[str, tuple[str, str, Wanted]] = {}
        self._ranges: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._count = 0
        self._shown: dict[tuple[str, str], tuple[Content, bool]] = {}
        #: What was shown: "forward", "backward" or "update".
        self.mode = "forward"

    def clear(self) -> None:
        """The script stands again: scales are those of its stops."""
        self._wanted.clear()
        self._ranges.clear()

    def want(self, fill: Fill) -> list[dict[str, Any]]:
        """The views, as of :meth:`gui.panels.panel.Panel.live_views`, that fill the nodes."""
        self.mode = fill.mode
        self._shown.clear()
        self._wanted = {
            f"{node} {part}": (node, part, wanted) for node, part, wanted in fill.all() if wanted is not None
        }
        views = []
        for id, (_, _, wanted) in self._wanted.items():
            names = ((id, wanted.name), (f"{id} minus", wanted.minus)) if wanted.minus else ((id, wanted.name),)
            for place, name in names:
                arguments = {**wanted.arguments(name), "describe": False}
                view = {"id": place, "command": "tensor", "arguments": arguments}
                views.append({**view, "every": _WEIGHTS} if id.endswith(" weight") and not wanted.minus else view)
        return views

    def take(self, views: dict[str, dict[str, Any]]) -> None:
        """Show what a step has looked like. Scales widen at once, and narrow slowly; words change a few times a second."""
        self._count += 1
        words = self._count % _WORDS == 1
        for id, (node, part, wanted) in self._wanted.items():
            body, minus = views.get(id), views.get(f"{id} minus")
            if body is None or (wanted.minus and minus is None):
                continue
            found: Content = content(body, minus)
            key = node, part, wanted.name
            self._ranges[key] = found.low, found.high = widened(self._ranges.get(key), (found.low, found.high))
            signed = wanted.name.startswith("d") or bool(wanted.minus)
            self._shown[node, part] = found, signed
            self._show(node, part, found, False, signed, words)

    def again(self) -> None:
        """Show the last picture that was taken: others have been in its place."""
        for (node, part), (found, signed) in self._shown.items():
            self._show(node, part, found, False, signed, True)
