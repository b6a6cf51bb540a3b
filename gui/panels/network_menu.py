"""The context menu of the Network panel: what can be done with the element or the op that is pointed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QMenu

from gui.breakpoints import breakpoints_of
from gui.widgets.context_menu import Entry, context_menu

if TYPE_CHECKING:
    from gui.network.spot import Spot
    from gui.panels.network import NetworkPanel


class NetworkMenu:
    """Acts on what is selected in ``panel``."""

    def __init__(self, panel: NetworkPanel) -> None:
        self._panel = panel

    def make(self, on_node: bool = True) -> QMenu:
        """The menu; ``on_node``: whether something of the network is pointed at, not the room beside it."""
        panel, chosen = self._panel, self._chosen() if on_node else None
        context, element = panel.context, chosen is not None and panel.state.selection.index is not None
        return context_menu(panel, (
            ("Explain this number", lambda: context.want_panel("explain"), element),
            ("Change this number…\tF2", self.edit, element),
            ("Show in Tensor", lambda: context.want_panel("tensor"), chosen is not None),
            None,
            *self._stops(chosen),
            ("Show the whole network\t0", panel.view.fit, True),
        ))  # fmt: skip

    def edit(self) -> None:
        """Ask for another value of the selected element."""
        if self._chosen() is not None and self._panel.state.selection.index is not None:
            self._panel.context.want_edit()

    def _chosen(self) -> Spot | None:
        naming = self._panel.naming
        return None if naming is None else naming.chosen(self._panel.state.selection)

    def _stops(self, chosen: Spot | None) -> list[Entry | None]:
        """Breakpoints at the op that is pointed at."""
        naming = self._panel.naming
        if naming is None or chosen is None or (node := naming.fill.nodes[chosen.node])["kind"] != "op":
            return []
        breakpoints = breakpoints_of(self._panel.context)
        found: list[Entry | None] = []
        for direction in ("forward", "backward"):
            entry = {"op": node["op"], "direction": direction}
            if node["module"]:
                entry["module"] = node["module"]
            here = f"{node['module'] or node['op']} {direction}"
            found.append((f"Stop at {here}", lambda entry=entry: breakpoints.add("op", entry), True))
        return [*found, None]
