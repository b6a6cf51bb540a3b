"""The canvas: all nodes of a layout and the lines between them, and what is where."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QGraphicsScene

from gui.network.edges import RouteItem
from gui.network.items import Marks, NodeItem
from gui.network.layout import Layout
from gui.network.spot import Spot
from gui.network.values import Content
from gui.network.weight_lines import WeightLines
from gui.network.where import element_at
from gui.numbers import plural
from gui.theme import Theme

#: Columns of units that are drawn as fast as the lines of one layer of many.
FEW_COLUMNS = 8


class NetworkScene(QGraphicsScene):
    """Shows a :class:`~gui.network.layout.Layout`; nodes are addressed by their ids."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.nodes: dict[str, NodeItem] = {}
        self.routes: list[RouteItem] = []
        self.lines: dict[str, WeightLines] = {}
        #: Whether numbers change many times a second; the parts of nodes whose numbers, and the nodes whose words, have
        #: changed since they were painted then.
        self.live = False
        self.renewed: set[tuple[NodeItem, str]] = set()
        self.rewritten: set[NodeItem] = set()
        #: Goes up with every change of anything but numbers.
        self.revision = 0
        self.setBackgroundBrush(theme.panel)
        # Some seventy items are found faster one after the other, and no tree of their places can be out of date.
        self.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)

    def show_layout(self, layout: Layout, graph: dict[str, Any], keep: bool = False) -> None:
        """Show another graph, without numbers yet; ``keep``: it is the same in another place, and keeps its numbers. There
        may be nobody left who could send them again.
        """
        before = self.nodes if keep else {}
        self.clear()
        self.nodes, self.routes, self.lines = {}, [], {}
        self.renewed.clear()
        self.rewritten.clear()
        self.revision += 1
        for node in graph["nodes"]:
            item = NodeItem(layout.places[node["id"]], node, layout.size, self.theme)
            item.setZValue(1.0)
            item.live = self.live
            self.addItem(item)
            self.nodes[node["id"]] = item
        for route in layout.routes:
            source, target = self.nodes[route.source], self.nodes[route.target]
            if target.place.form.weight == "edges" and route.kind == "flow" and source.place.form.kind == "units":
                lines = WeightLines(source, target, self.theme)
                self.lines[route.target] = lines
                self.addItem(lines)
                continue
            item = RouteItem(route, source, target, self.theme)
            self.addItem(item)
            self.routes.append(item)
        self.setSceneRect(QRectF(0, 0, layout.width, layout.height).adjusted(-16, -16, 16, 16))
        for id, old in before.items():
            if id in self.nodes and self.nodes[id].place.form == old.place.form:
                for part, content in old.contents.items():
                    self.show_content(id, part, content, old.faint.get(part, False), old.signed)

    def drawBackground(self, painter: QPainter | None, rect: QRectF) -> None:
        # At most zooms the last pixels are covered not quite whole: by their edges a picture would differ from the next.
        assert painter is not None
        painter.fillRect(rect.adjusted(-1, -1, 1, 1), self.backgroundBrush())

    def apply_theme(self, theme: Theme) -> None:
        self.revision += 1
        self.theme = theme
        self.setBackgroundBrush(theme.panel)
        for item in (*self.routes, *self.lines.values()):
            item.theme = theme
            item.update()
        for node in self.nodes.values():
            node.apply_theme(theme)

    def set_live(self, on: bool) -> None:
        """Whether numbers change many times a second: the view then paints them, see :mod:`gui.network.still`."""
        self.live = on
        for node in self.nodes.values():
            node.live = on

    def show_content(
        self, node: str, part: str, content: Content | None, faint: bool = False, signed: bool = False,
        words: bool = True, quick: bool = False,
    ) -> None:  # fmt: skip
        """Show numbers in a part of a node; ``words``: also in what is written under it; ``quick``: many lines are drawn
        quickly, for others come in a moment.
        """
        item = self.nodes.get(node)
        if item is None:
            return
        if part == "weight" and node in self.lines:
            self.lines[node].show_content(content, faint, quick)
        framed = item.is_framed(part)
        item.show_content(part, content, faint, signed, words)
        if self.live:
            self.renewed.add((item, part))
            if words:
                self.rewritten.add(item)
            if item.is_framed(part) != framed or (part == "weight" and node in self.lines):
                self.revision += 1

    def fine(self) -> list[WeightLines | NodeItem]:
        """What may be drawn quickly, and smoothed later: lines between units, and columns of units where these are many."""
        units = [node for node in self.nodes.values() if node.place.form.kind == "units"]
        return [*self.lines.values(), *(units if len(units) > FEW_COLUMNS else ())]

    def renew_words(self) -> None:
        """Write at all nodes what belongs to the numbers that they show."""
        for item in self.nodes.values():
            item.words.renew()

    def show_notes(self, notes: dict[str, str]) -> None:
        """Say this of nodes that have no values; nothing of the others."""
        for id, item in self.nodes.items():
            item.show_note(notes.get(id, ""))

    def show_marks(self, marks: dict[str, Marks]) -> None:
        """Light these nodes, and no others."""
        self.revision += 1
        plain = Marks()
        for id, item in self.nodes.items():
            mark = marks.get(id, plain)
            item.show_marks(mark)
            if id in self.lines:
                picked = mark.picked[1] if mark.picked and mark.picked[0] == "weight" else None
                lit = [(index, share) for part, index, share in mark.lit if part == "weight" and len(index) == 2]
                self.lines[id].show_marks(picked, lit)  # type: ignore[arg-type]

    def marks_in_words(self) -> str:
        """What is lit, for those who cannot see it: ``conv1 is at work (forward); conv1 weight [0, 0, 1, 1] is selected;
        19 numbers are lit``.
        """
        words = []
        items = [(item.place.form.title, item.marks) for item in self.nodes.values()]
        words += [f"{title} is at work ({marks.phase})" for title, marks in items if marks.phase]
        words += [f"{title} is selected" for title, marks in items if marks.selected]
        words += [f"{title} {marks.picked[0]} {list(marks.picked[1])} is selected" for title, marks in items if marks.picked]
        if count := sum(len(marks.lit) for _, marks in items):
            words.append(f"{count} {plural(count, 'number is', 'numbers are')} lit")
        return "; ".join(words)

    def light(self, node: str | None, phase: str) -> None:
        """Show that numbers flow into a node, or with phase "backward" out of it, back to those before it."""
        self.revision += 1
        for item in self.routes:
            on = node is not None and item.route.target == node and phase in ("forward", "loss", "backward")
            item.light(phase if on else "", on and phase == "backward")

    def flow(self, node: str | None, share: float | None, backward: bool) -> None:
        """Dots so far on their way into a node, or back out of it; None for none."""
        self.revision += 1
        for item in self.routes:
            item.show_flow(share if item.route.target == node else None)
        for id, lines in self.lines.items():
            # Layers of many lines would be all dots.
            few = lines.content is not None and lines.content.data.size <= 128
            lines.show_flow(share if id == node and few else None, backward)

    def spot(self, at: QPointF, reach: float = 5.0) -> Spot | None:
        """What lies at a point of the scene; weights drawn as lines within ``reach`` of it."""
        for id, item in self.nodes.items():
            if not item.boundingRect().contains(at):
                continue
            for part in ("values", "weight"):
                box = item.rect(part)
                if box.isEmpty() or not box.contains(at) or (item.place.form.kind == "label" and part == "values"):
                    continue
                u, v = (at.x() - box.left()) / box.width(), (at.y() - box.top()) / box.height()
                index = element_at(item.place.form, part, u, v)
                return Spot(id, part, index)
            if item.body().adjusted(-8, -20, 8, 34).contains(at):
                return Spot(id)
        for id, lines in self.lines.items():
            if lines.boundingRect().contains(at):
                index = lines.nearest(at, reach)
                if index is not None:
                    return Spot(id, "weight", index)
        return None
