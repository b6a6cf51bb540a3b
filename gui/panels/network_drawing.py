"""The Network panel's graph: which one is drawn, and where its nodes stand in the view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gui.network.forms import shown, structure
from gui.network.laying import Laying
from gui.network.layout import Layout
from gui.network.log import EventLog
from gui.network.measuring import texts_of
from gui.widgets.parts import viewport_of

if TYPE_CHECKING:
    from gui.panels.network import NetworkPanel

#: Pixels around the network.
_MARGIN = 36


class Drawing:
    """Takes graphs, and has their nodes placed. A large one is there only some turns of the window's loop later; until then
    the one before stays as it is.

    Args:
        log: is told what a graph calls its ops.
        drawn: is called when nodes stand elsewhere; with whether they are the same as before.

    Attributes:
        graph, layout: what is drawn, and where; None before the first.
    """

    def __init__(self, panel: NetworkPanel, log: EventLog, drawn: Callable[[bool], object]) -> None:
        self._panel, self._log, self._drawn = panel, log, drawn
        self.graph: dict[str, Any] | None = None
        self.layout: Layout | None = None
        self._structure: Any = None
        #: The answer that was taken last.
        self._taken: dict[str, Any] | None = None
        #: Whether a graph of the run that is shown has been taken.
        self._of_run = False
        #: The graph that is to be drawn, while it is laid out.
        self._next: dict[str, Any] | None = None
        self._laying = Laying(panel, self._laid_out)

    def forget(self) -> None:
        """The script was closed: its network is not that of the next."""
        self.graph = self.layout = self._structure = self._next = self._taken = None

    def begin_run(self) -> None:
        """Another run is shown, or the same anew: its network need not be the one that is drawn."""
        self._of_run = False

    def take(self, whole: dict[str, Any] | None) -> bool:
        """Draw the answer to ``graph`` where it differs from what is drawn; False where it holds no network."""
        if not whole or not whole.get("nodes"):
            return self.graph is not None
        if whole is self._taken and self._of_run:
            self._log.bind(whole)
            return True
        graph = shown(whole)
        if not any(node["kind"] == "op" for node in graph["nodes"]) or self._is_rest(graph):
            return True
        self._log.bind(whole)
        if self._is_begun(graph):
            graph = self._next or self.graph or graph
        self._of_run, self._taken = True, whole
        if structure(graph) != self._structure:
            self._next = graph
            self.lay_out()
        else:
            self.graph = graph
            if self._next is not None:  # there is no need of it any more
                self._next = None
                self.lay_out()
        return True

    def _is_rest(self, graph: dict[str, Any]) -> bool:
        """Whether ``graph`` is what the history, short of memory, still holds of the pass that is drawn. What is measured
        without gradient outside of modules does not count.
        """
        if not graph.get("cut") or self.graph is None:
            return False
        drawn = {node["id"] for node in self.graph["nodes"] if node["kind"] == "op"}
        ops = [node for node in graph["nodes"] if node["kind"] == "op"]
        network = [node for node in ops if node["module"] or node.get("requiresGrad", True)]
        return {node["id"] for node in network or ops} <= drawn

    def _is_begun(self, graph: dict[str, Any]) -> bool:
        """Whether ``graph`` is what had been done of the first recorded pass at a place that was gone back to, and the whole
        of this run's network is drawn: that stays, as it does in all later passes.
        """
        drawn = self._next or self.graph
        if not self._of_run or drawn is None or graph.get("complete") or not drawn.get("complete"):
            return False
        known = set(structure(drawn)[0])
        told = zip(graph["nodes"], structure(graph)[0], strict=True)
        others = [node["module"] for node, alike in told if node["kind"] == "op" and alike not in known]
        # Beside a network of modules, what runs outside of them measures: the pass before, as a rule.
        return not others or (not any(others) and any(node["module"] for node in drawn["nodes"]))

    def lay_out(self) -> None:
        """Place the nodes; once for each structure and size of the view."""
        graph = self._next or self.graph
        if graph is None:
            return
        room, theme = viewport_of(self._panel.view).size(), self._panel.theme
        key = structure(graph), room.width(), room.height(), theme.point_size("small")
        wide, high = max(200, room.width() - _MARGIN), max(120, room.height() - _MARGIN)
        self._laying.want(key, graph, wide, high, texts_of(theme))

    def _laid_out(self, key: Any, layout: Layout) -> None:
        graph = self._next or self.graph
        if layout is self.layout or graph is None:
            return
        same = key[0] == self._structure
        self.graph, self._next, self._structure, self.layout = graph, None, key[0], layout
        self._drawn(same)
