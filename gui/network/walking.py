"""Where arrow keys lead on the canvas: from node to node, and inside a node from element to element. No Qt."""

from __future__ import annotations

from gui.network.layout import Layout
from gui.network.places import Place
from gui.network.spot import Spot


def node_beside(layout: Layout, here: str, across: int, down: int) -> str | None:
    """The nearest node in a direction."""
    x, y = _middle(layout.places[here])
    best: tuple[float, str] | None = None
    for id, place in layout.places.items():
        dx, dy = _middle(place)[0] - x, _middle(place)[1] - y
        along, aside = (dx * across, abs(dy)) if across else (dy * down, abs(dx))
        if id != here and along > 1 and along >= aside * 0.5:
            cost = along + 3 * aside
            best = min(best, (cost, id)) if best else (cost, id)
    return best[1] if best is not None else None


def first_element(place: Place) -> Spot | None:
    """The element that Enter goes to from the whole of a node."""
    if place.form.kind == "label" or not place.form.shape:
        return None
    return Spot(place.id, "values", (0,) * len(place.form.shape))


def element_beside(place: Place, spot: Spot, across: int, down: int) -> Spot | None:
    """The element beside one; None where the node ends there.

    Units and strips have one direction, down; weights and pictures have rows and columns; in feature maps up and down go
    from map to map.
    """
    form = place.form
    index = list(spot.index or ())
    shape = form.weight_shape if spot.part == "weight" else form.shape
    if not index or len(index) != len(shape):
        return None
    if spot.part == "weight" and len(index) > 1:
        row, column = (0, 1)
    elif form.kind in ("picture", "rows") and len(index) > 1:
        row, column = len(index) - 2, len(index) - 1
    else:
        row, column = 0, None
    axis = row if down else column
    if axis is None or not 0 <= index[axis] + across + down < shape[axis]:
        return None
    index[axis] += across + down
    return Spot(spot.node, spot.part, tuple(index))


def _middle(place: Place) -> tuple[float, float]:
    return place.x + place.width / 2, place.middle
