"""Layouts, made in pieces: a large network takes longer to be laid out than the window may stand still."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from time import perf_counter
from typing import Any

from PyQt6.QtCore import QObject

from gui.network.layout import Layout, pieces
from gui.network.texts import Texts
from gui.timers import single_shot

#: Seconds that one turn of the window's loop takes of it; of small networks that is all.
_AT_ONCE = 0.008
#: Nodes of a network that is laid out at once.
_SMALL = 8
#: Layouts that are kept.
_MOST_KEPT = 16


class Laying(QObject):
    """Lays out one graph at a time, the one that was wanted last.

    Args:
        done: is told of each layout: ``done(key, layout)``.
    """

    def __init__(self, parent: QObject, done: Callable[[Hashable, Layout], object]) -> None:
        super().__init__(parent)
        self._done = done
        self._kept: dict[Hashable, Layout] = {}
        self._key: Hashable = None
        self._work: Iterator[Layout | None] | None = None
        self._small = True
        self._made: Layout | None = None
        self._go_on = single_shot(self, 0, self._turn)

    @property
    def busy(self) -> bool:
        """Whether a layout is being made."""
        return self._work is not None

    def want(self, key: Hashable, graph: dict[str, Any], width: float, height: float, texts: Texts) -> None:
        """Lay out ``graph``, for which ``key`` stands: at once where it is small, or was laid out before; else from the next
        turn on: whoever wants it is in the midst of much else.
        """
        if self._work is not None and key == self._key:
            return
        self._key, self._work, self._made = key, None, None
        self._go_on.stop()
        if key in self._kept:
            self._done(key, self._kept[key])
            return
        self._small = len(graph["nodes"]) <= _SMALL
        self._work = pieces(graph, width, height, texts)
        if self._small:
            self._turn()
        else:
            self._go_on.start()

    def _turn(self) -> None:
        """Make some pieces; a large layout is handed on in a turn of its own, since to draw it takes long too."""
        if self._made is None:
            self._made = self._some()
            if self._made is None or not self._small:
                self._go_on.start()
                return
        self._hand_on(self._made)

    def _some(self) -> Layout | None:
        """Pieces, for a while; the layout with the last one."""
        assert self._work is not None
        end = perf_counter() + _AT_ONCE
        while self._small or perf_counter() < end:
            layout = next(self._work)
            if layout is not None:
                return layout
        return None

    def _hand_on(self, layout: Layout) -> None:
        self._work = self._made = None
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[self._key] = layout
        self._done(self._key, layout)
