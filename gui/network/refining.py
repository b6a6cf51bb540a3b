"""Lines between units, and circles, while the zoom changes or one drags along the timeline: drawn quickly, and smoothed once
it rests, some in each turn of the loop.
"""

from __future__ import annotations

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QGraphicsView

from gui.network.scene import FEW_COLUMNS, NetworkScene
from gui.network.weight_lines import WeightLines
from gui.timers import single_shot
from gui.widgets.parts import viewport_of

#: Milliseconds after which the view is taken to rest, and from some lines to the next.
_REST, _NEXT = 120, 4


class Refining(QObject):
    """Of what is in ``view`` of ``scene``: lines of one layer of many take ten milliseconds when seen closely, circles of
    eight columns as long.
    """

    def __init__(self, view: QGraphicsView, scene: NetworkScene) -> None:
        super().__init__(view)
        self._view, self._scene = view, scene
        self._rest = single_shot(self, _REST, self._turn)
        self._next = single_shot(self, _NEXT, self._turn)

    def begin(self) -> None:
        """All is painted anew, at another zoom: quickly for now."""
        if self._scene.live:
            return  # that is painted as pictures, once for each zoom
        for part in self._scene.fine():
            part.rough = True
        self.later()

    def later(self) -> None:
        """Something has been drawn quickly: smooth it once it rests."""
        self._next.stop()
        if self._scene.nodes:
            self._rest.start()

    def finish(self) -> None:
        """Smooth all of it at once."""
        self._rest.stop()
        self._next.stop()
        for part in self._scene.fine():
            part.refine()

    def _turn(self) -> None:
        """Smooth the next ones in sight; the others when they are painted."""
        seen, left = self._view.mapToScene(viewport_of(self._view).rect()).boundingRect(), FEW_COLUMNS
        for part in (part for part in self._scene.fine() if part.rough):
            part.refine()
            if part.boundingRect().intersects(seen):
                left -= FEW_COLUMNS if isinstance(part, WeightLines) else 1
            if left <= 0:
                self._next.start()
                return
