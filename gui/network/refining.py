"""Lines between units while the zoom changes, or one drags along the timeline: drawn quickly, and smoothed once it rests,
some in each turn of the loop.
"""

from __future__ import annotations

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QGraphicsView

from gui.network.scene import NetworkScene
from gui.timers import single_shot
from gui.widgets.parts import viewport_of

#: Milliseconds after which the view is taken to rest, and from some lines to the next.
_REST, _NEXT = 120, 4


class Refining(QObject):
    """Of the lines in ``view`` of ``scene``: those of one layer of many take ten milliseconds when seen closely."""

    def __init__(self, view: QGraphicsView, scene: NetworkScene) -> None:
        super().__init__(view)
        self._view, self._scene = view, scene
        self._rest = single_shot(self, _REST, self._turn)
        self._next = single_shot(self, _NEXT, self._turn)

    def begin(self) -> None:
        """All is painted anew, at another zoom: quickly for now."""
        if self._scene.live:
            return  # that is painted as pictures, once for each zoom
        for lines in self._scene.lines.values():
            lines.rough = True
        self.later()

    def later(self) -> None:
        """Lines have been drawn quickly: smooth them once it rests."""
        self._next.stop()
        if self._scene.lines:
            self._rest.start()

    def finish(self) -> None:
        """Smooth all of them at once."""
        self._rest.stop()
        self._next.stop()
        for lines in self._scene.lines.values():
            lines.refine()

    def _turn(self) -> None:
        """Smooth the next ones in sight; the others when they are painted."""
        seen = self._view.mapToScene(viewport_of(self._view).rect()).boundingRect()
        rough = [lines for lines in self._scene.lines.values() if lines.rough]
        for lines in rough:
            lines.refine()
            if lines.boundingRect().intersects(seen):
                self._next.start()
                return
