"""What is lit in the Network panel: the node at work, what is selected, and numbers that flow along the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QVariantAnimation

from gui.network.fill import Fill
from gui.network.items import Marks
from gui.network.naming import Naming

if TYPE_CHECKING:
    from gui.panels.network import NetworkPanel

#: Milliseconds that numbers take along the edges after a step.
_MOTION = 180


class Lighting:
    """Lights nodes of ``panel``."""

    def __init__(self, panel: NetworkPanel) -> None:
        self._panel, self._scene = panel, panel.scene
        self._fill: Fill | None = None
        self._moved: Any = None
        self._motion = QVariantAnimation(panel)
        self._motion.setStartValue(0.0)
        self._motion.setEndValue(1.0)
        self._motion.setDuration(_MOTION)
        self._motion.valueChanged.connect(self._flow)

    def show(self, fill: Fill | None) -> None:
        """Light what is at work and what is selected, of what ``fill`` shows."""
        self._fill = fill
        if fill is None:
            return
        state, naming = self._panel.state, Naming(fill)
        marks: dict[str, Marks] = {}
        if fill.current is not None:
            marks.setdefault(fill.current, Marks()).phase = fill.phase
        self._scene.light(fill.current, fill.phase)
        self._move(fill)
        chosen = naming.chosen(state.selection)
        if chosen is not None:
            mark = marks.setdefault(chosen.node, Marks())
            if chosen.index is None:
                mark.selected = True
            else:
                mark.picked = chosen.part, chosen.index
        if state.contributors and chosen is not None:
            for node, part, index, share in naming.lit(state.selection, state.contributors):
                marks.setdefault(node, Marks()).lit.append((part, index, share))
        self._scene.show_marks(marks)
        self._panel.view.setAccessibleDescription(self._scene.marks_in_words())

    def _move(self, fill: Fill) -> None:
        """Let numbers flow once along the edges into the node at work, or back out of it."""
        state = self._panel.state
        stop = state.stop or {}
        at = stop.get("seq"), fill.current, fill.phase
        if at == self._moved:
            return
        self._moved = at
        self._motion.stop()
        if fill.current in self._scene.nodes and not state.running:
            node = self._scene.nodes[fill.current]
            updated = fill.phase == "update" and node.place.weight[2] > 0
            self._panel.view.reveal(node.boundingRect(), node.rect("weight") if updated else node.body())
        self._scene.flow(None, None, False)
        still = stop.get("reason") == "goto"  # along the timeline nothing has time to flow
        moving = self._panel.context.settings.get("motion", True) and not still
        wanted = moving and fill.phase in ("forward", "loss", "backward")
        if wanted and fill.current is not None and not state.running:
            self._motion.start()

    def _flow(self, share: Any) -> None:
        if self._fill is not None:
            over = share >= 1.0 or self._panel.state.running
            self._scene.flow(self._fill.current, None if over else float(share), self._fill.phase == "backward")
