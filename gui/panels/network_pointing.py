"""The Network panel under the mouse and the keys: what a click and an arrow key select, and what a hint says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPoint, QPointF, QRectF
from PyQt6.QtWidgets import QToolTip

from gui.network.rings import element_box
from gui.network.spot import Spot
from gui.network.walking import element_beside, first_element, node_beside
from gui.network.where import number_at
from gui.numbers import format_count, format_number, format_shape
from gui.panels.network_menu import NetworkMenu

if TYPE_CHECKING:
    from gui.network.items import NodeItem
    from gui.panels.network import NetworkPanel

#: Pixels within which a line is pointed at.
_REACH = 5


class Pointing:
    """Selects on the canvas of ``panel``."""

    def __init__(self, panel: NetworkPanel) -> None:
        self._panel, self._view, self._scene = panel, panel.view, panel.scene
        self.menu = NetworkMenu(panel)
        self._view.clicked.connect(self.click)
        self._view.double_clicked.connect(self._double_click)
        self._view.edit_wanted.connect(self.menu.edit)
        self._view.menu_wanted.connect(self._menu_at)
        self._view.hovered.connect(self._hovered)
        self._view.walked.connect(self.walk)
        self._view.entered.connect(self.enter)

    def click(self, at: QPointF) -> None:
        """Select what lies at a point of the scene."""
        spot = self._scene.spot(at, _REACH / self._view.zoom)
        if spot is not None:
            self._select(spot)

    def _double_click(self, at: QPointF) -> None:
        """Ask for another value of an element; beside the network show all of it."""
        spot = self._scene.spot(at, _REACH / self._view.zoom)
        if spot is None:
            self._view.fit()
            return
        self._select(spot)
        if spot.index is not None:
            self.menu.edit()

    def _menu_at(self, at: QPointF | None, screen: QPoint) -> None:
        """Offer what can be done with what lies at a point, or (None: by a key) with what is selected."""
        if at is not None:
            self.click(at)
        self.menu.make(on_node=at is None or self._scene.spot(at, _REACH / self._view.zoom) is not None).popup(screen)

    def _select(self, spot: Spot) -> None:
        naming, state = self._panel.naming, self._panel.state
        found = None if naming is None else naming.selection(spot, state.selection.sample)
        if found is not None:
            state.update(selection=found)

    def walk(self, across: int, down: int) -> None:
        """Select what lies in a direction (arrow keys): the next element, else the next node."""
        naming, state = self._panel.naming, self._panel.state
        if naming is None:
            return
        layout, chosen = naming.fill.layout, naming.chosen(state.selection)
        places = layout.places
        here = chosen.node if chosen is not None else naming.fill.current
        if here not in places:
            here = next(iter(places))
        inside = element_beside(places[here], chosen, across, down) if chosen is not None and chosen.index else None
        beside = node_beside(layout, here, across, down)
        target = inside or (Spot(beside) if beside is not None else None)
        if target is not None:
            self._select(target)
            node = self._scene.nodes[target.node]
            element = element_box(node, target.part, target.index) if target.index else QRectF()
            self._view.reveal(node.boundingRect(), node.body() if element.isEmpty() else element)

    def enter(self, inwards: bool) -> None:
        """Select the first element of the selected node (Enter), or again the whole of it (Escape)."""
        naming = self._panel.naming
        chosen = naming.chosen(self._panel.state.selection) if naming is not None else None
        if naming is None or chosen is None or chosen.node not in naming.fill.layout.places:
            return
        if inwards:
            spot = first_element(naming.fill.layout.places[chosen.node]) if chosen.index is None else None
        else:
            spot = Spot(chosen.node) if chosen.index is not None else None
        if spot is not None:
            self._select(spot)

    def _hovered(self, at: QPointF, screen: QPoint) -> None:
        spot = self._scene.spot(at, _REACH / self._view.zoom)
        QToolTip.showText(screen, self.hint(spot) if spot is not None else "", self._view)

    def hint(self, spot: Spot) -> str:
        """What a hint says of a place: name, shape, value, and which step they are of where that is another one."""
        item, naming = self._scene.nodes.get(spot.node), self._panel.naming
        if item is None or naming is None:
            return ""
        node, part = item.node, spot.part or "values"
        name, shape = naming.named(spot.node, part)
        lines = [
            f"{node['module']} · {node['op']}" if node["module"] else node["op"] or "input",
            f"{name} · {format_shape(shape)}" if shape is not None else name,
            *_value(item, spot, part),
        ]
        seen = self._panel.free.seen_in(spot.node, part)
        lines.append(f"of step {format_count(seen)}" if seen is not None else naming.remark(spot.node, part))
        return "\n".join(line for line in lines if line)


def _value(item: NodeItem, spot: Spot, part: str) -> list[str]:
    """The number at a place, or the range of all."""
    content, form = item.contents.get(part), item.place.form
    if content is None:
        return ["the same numbers in another shape"] if part == "values" and form.kind == "label" else []
    if spot.index is not None:
        value = number_at(content, form, part, spot.index)
        place = f"[{', '.join(map(str, spot.index))}]"
        if value is not None:
            return [f"{place} = {format_number(value)}"]
        # So is the range in the caption: that of what the colours stand for.
        return [f"{place} is drawn in a mean with its neighbours;", "click it to read it in the Tensor panel"]
    if math.isfinite(content.low):
        means = ", of means of neighbours" * (part == "weight" and form.averaged)
        return [f"{format_number(content.low)} … {format_number(content.high)}{means}"]
    return []
