"""Which nodes of a network ops stand for whose place in their pass is not known by counting. No Qt.

A validation pass runs the same modules as the training pass does, but under ``torch.no_grad()`` nothing is on the tape, and
the network that is drawn does not hold it. And where the events begin in the middle of a pass nobody can count its ops.
Such ops are followed along the network's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: An op by its module's path and its name.
Key = tuple[str, str]
#: Of what an op gives out, without the first extent; None where it is not told.
Shape = tuple[int, ...] | None


class Node(NamedTuple):
    """A node that ops may stand for; ``on_tape``: whether it was recorded for backward."""

    id: str
    key: Key
    shape: Shape
    on_tape: bool


class Follower:
    """Follows ops along the nodes of a graph, in the order in which these ran.

    An op of a module stands for the next node of that module and op, of those with the same shape if there are any; behind
    the last one it begins again. An op outside of modules stands for a node only where that is the very next one: a metric
    that happens to subtract is not the subtraction in the loss.
    """

    def __init__(self) -> None:
        self._order: list[Node] = []
        self._places: dict[Key, list[int]] = {}
        self._at = -1

    def bind(self, graph: dict[str, Any]) -> None:
        """Follow along the ops of ``graph`` that the loss depends on."""
        ops = [node for node in graph["nodes"] if node["kind"] == "op" and node.get("main", True)]
        order = [
            Node(op["id"], (op["module"] or "", op["op"]), output_shape(op["outputs"]), op.get("requiresGrad", True))
            for op in ops
        ]
        if order == self._order:
            return
        if order[: self._at + 1] != self._order[: self._at + 1]:  # it has not only grown
            self.restart()
        self._order, self._places = order, {}
        for place, node in enumerate(order):
            self._places.setdefault(node.key, []).append(place)

    def restart(self) -> None:
        """What comes next is no continuation."""
        self._at = -1

    def node(self, key: Key, shape: Shape, on_tape: bool) -> tuple[Node | None, bool]:
        """(the node that an op stands for, whether another run through the network begins with it).

        Args:
            shape: of what the op has given out, without the first extent. on_tape: whether it is on the tape; where the
                loss depends on a run of a module that is and on one that is not, each op stands for one of its kind.
        """
        known = self._places.get(key, [])
        known = [place for place in known if self._order[place].on_tape == on_tape] or known
        alike = [place for place in known if self._order[place].shape == shape]
        if key[0]:
            places = alike or [place for place in known if _rank(self._order[place].shape) == _rank(shape)]
        else:
            places = [place for place in alike if self._is_next(place)]
        place = next((place for place in places if place > self._at), next(iter(places), None))
        if place is None:
            return None, False
        begins = self._at < 0 or place <= self._at
        self._at = place
        return self._order[place], begins

    def _is_next(self, place: int) -> bool:
        """Whether only ops of modules, which an evaluation may pass over, lie between here and a place."""
        start = self._at + 1 if place > self._at else 0
        return all(node.key[0] for node in self._order[start:place])


def output_shape(tensors: list[dict[str, Any]]) -> Shape:
    """The shape of "y", or of the first of several outputs, as of :data:`Shape`."""
    found = next((tensor["shape"] for tensor in tensors if tensor["name"] in ("y", "y0")), None)
    return None if found is None else tuple(found[1:])


def _rank(shape: Shape) -> int | None:
    return None if shape is None else len(shape)
