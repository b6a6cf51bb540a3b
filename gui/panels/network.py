"""Network: the recorded graph as a picture, filled with the numbers of the newest event of each op."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtCore import QPoint, QPointF, QVariantAnimation
from PyQt6.QtWidgets import QComboBox, QToolButton, QToolTip

from gui.context import Context
from gui.network.feed import Feed
from gui.network.fill import Fill
from gui.network.forms import shown, structure
from gui.network.items import Marks
from gui.network.layout import Layout, lay_out
from gui.network.live import LiveNumbers
from gui.network.log import KINDS, EventLog
from gui.network.measuring import texts_of
from gui.network.scene import NetworkScene
from gui.network.spot import Spot
from gui.network.view import NetworkView
from gui.network.walking import element_beside, first_element, node_beside
from gui.network.where import number_at
from gui.numbers import format_number, format_shape
from gui.panels.panel import Panel
from gui.state import Selection
from gui.theme import Theme
from gui.timers import single_shot
from gui.widgets.parts import viewport_of

#: Events asked for at the first stop.
_EVENTS = 5000
#: Milliseconds that numbers take along the edges after a step.
_MOTION = 180

_MODES = {
    "Follow the phase": (
        "",
        "Activations on the way forward, gradients on the way back, changes of the weights in an update",
    ),
    "Activations": ("forward", "What each op gave out, with the weights"),
    "Gradients": ("backward", "The gradient of the loss with respect to what each op gave out, and to its weights"),
    "Weight changes": ("update", "What the optimizer's last step has added to each weight"),
}
_WORDS = {"forward": "activations", "backward": "gradients", "update": "weight changes"}


class NetworkPanel(Panel):
    """Draws ``state.graph``; what it shows of a node comes from the newest event of its op up to the cursor."""

    key = "network"
    title = "Network"
    area = "center"
    empty_text = "The network appears here with its first forward pass. Step on (F10), or run to the first batch."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._log = EventLog()
        self._layouts: dict[Any, Layout] = {}
        self._layout: Layout | None = None
        self._graph: dict[str, Any] | None = None
        self._structure: Any = None
        self._placed: Any = None
        self._run: Any = None
        self._revision = 0
        self._fill: Fill | None = None
        #: Stop, selection and graph for which the numbers were last wanted.
        self._refreshed: tuple[Any, ...] = (None, None, None)
        #: The stop whose events are on their way: before they are here nobody knows what is old there.
        self._awaited: Any = None
        self.scene = NetworkScene(self.theme)
        self._feed = Feed(self.ask, self.scene.show_content)
        self._live = LiveNumbers(self.scene.show_content)
        #: Whether the numbers that are shown are those of a picture, taken while the script ran freely.
        self._pictured = False
        self._newest: int | None = None
        self.view = NetworkView(self.scene)
        self.view.setAccessibleName(
            "Network: arrow keys go from node to node, Enter into one, Escape out of it; + and - zoom, 0 fits"
        )
        self.view.clicked.connect(self._clicked)
        self.view.hovered.connect(self._hovered)
        self.view.walked.connect(self._walk)
        self.view.entered.connect(self._enter)
        self._relay = single_shot(self, 80, self._lay_out)
        self.view.resized.connect(self._relay.start)
        self._moved: Any = None
        self._motion = QVariantAnimation(self)
        self._motion.setStartValue(0.0)
        self._motion.setEndValue(1.0)
        self._motion.setDuration(_MOTION)
        self._motion.valueChanged.connect(self._flow)
        self.mode = QComboBox()
        for text, (mode, hint) in _MODES.items():
            self.mode.addItem(text, mode)
            self.mode.setItemData(self.mode.count() - 1, hint, 3)
        self.mode.setAccessibleName("What the network shows")
        self.mode.setToolTip("Which numbers are shown: of the phase at the cursor, or always the same")
        self.mode.currentIndexChanged.connect(lambda _: self._refresh())
        fit = QToolButton()
        fit.setText("Fit")
        fit.setAccessibleName("Fit the network into the panel")
        fit.setToolTip("Show the whole network (key 0 in the canvas; + and - zoom)")
        fit.clicked.connect(self._fit)
        self.head.add_control(self.mode)
        self.head.add_control(fit)
        self.set_content(self.view)
        self.state.subscribe(("graph", "graph_due"), self._graph_changed)
        self.state.subscribe("contributors", self._contributors_changed)
        self.state.subscribe("running", self._keep_drawn)

    def _keep_drawn(self) -> None:
        self.view.set_live(self.state.running)

    # ---- what there is to show ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        number = self.state.current_run.get("number")
        run = number, self.state.restoring  # a run that comes back numbers its events anew
        revision = (stop or {}).get("revision", 0)
        # At its entry a run that is begun again numbers its events anew.
        fits = stop is not None and stop.get("reason") != "entry" and self._log.fits(stop)
        if not fits or run != self._run or revision != self._revision:
            self._log.clear()
            self._feed.clear()
            self._pictured = self._pictured and stop is not None and run == self._run
        self._run, self._revision = run, revision
        self._newest = None
        self._live.clear()
        self._take_graph()
        past = stop is not None and not stop.get("live", True) and self._log.next > (stop.get("seq") or 0)
        if past and not self._pictured:
            if not self.state.graph_due:  # else when it is here
                self._refresh()  # only the cursor has moved
        else:
            self._ask_events()

    def _ask_events(self) -> None:
        """Ask for the events up to the stop: those that are new, or where these are very many, for the newest alone."""
        at, log = (self.state.stop or {}).get("seq"), self._log
        self._awaited = self.state.stop
        if at is not None and log.next and at >= log.next + _EVENTS:
            log.clear()
        start: int | None = log.next or None
        if at is not None and log.first is not None and at < log.first and not log.complete:
            # Back to before what is known.
            log.clear()
            start = max(0, at - _EVENTS // 2)
        arguments = {"kinds": KINDS, "count": _EVENTS, **({} if start is None else {"from": start})}

        def answered(body: dict[str, Any]) -> None:
            events, oldest = body["events"], body.get("first") or 0
            log.extend(events, oldest)
            if start is None or log.first is None or log.first <= oldest:
                log.complete = len(events) < _EVENTS
            if len(events) >= _EVENTS and start is not None:
                if at is not None and log.next > at:
                    self._refresh()
                if at is None:
                    log.clear()  # where it stands the newest ones tell, and what lies between is not needed
                self._ask_events()
                return
            if body.get("last") is not None:
                log.next = max(log.next, body["last"] + 1)
            self._pictured = self._pictured and not log.has_ops(oldest)
            self._awaited = None
            self._refresh()

        def refused(message: str) -> None:
            self._awaited = None
            self.head.set_problem(message)

        self.ask("events", "events", arguments, answered, refused)

    def _graph_changed(self) -> None:
        if self.isVisible() and not self.state.graph_due and not self._is_fresh():
            self._take_graph()
            if not self._awaits_events:
                self._refresh()

    @property
    def _awaits_events(self) -> bool:
        return self._awaited is not None and self._awaited is self.state.stop

    def _take_graph(self) -> None:
        """Draw the state's graph where it differs from the one that is drawn."""
        whole = self.state.graph
        if not whole or not whole.get("nodes"):
            if self._graph is None:
                self.show_empty()
            return
        graph = shown(whole)
        if not any(node["kind"] == "op" for node in graph["nodes"]) or self._is_rest(graph):
            return
        self._log.bind(whole)
        self.show_content()
        form = structure(graph)
        first, self._graph = self._graph is None, graph
        if form != self._structure:
            self._structure = form
            self._lay_out()
        if first:
            self.view.fit()

    def _is_rest(self, graph: dict[str, Any]) -> bool:
        """Whether ``graph`` is what the history still holds of the pass that is drawn: it is short of memory."""
        if not graph.get("cut") or self._graph is None:
            return False
        drawn = {node["id"] for node in self._graph["nodes"] if node["kind"] == "op"}
        return {node["id"] for node in graph["nodes"] if node["kind"] == "op"} <= drawn

    def _lay_out(self) -> None:
        """Place the nodes; once for each structure and size of the view."""
        if self._graph is None:
            return
        room = viewport_of(self.view).size()
        key = self._structure, room.width(), room.height(), self.theme.point_size("small")
        if key not in self._layouts:
            if len(self._layouts) > 16:
                self._layouts.clear()
            self._layouts[key] = lay_out(
                self._graph, max(200, room.width() - 36), max(120, room.height() - 36), texts_of(self.theme)
            )
        if self._layouts[key] is not self._layout:
            self._layout = self._layouts[key]
            self.scene.show_layout(self._layout, self._graph, keep=self._placed == self._structure)
            # In another place the same network shows what was seen of it last, until there is more.
            self._pictured, self._placed = self._pictured and self._placed == self._structure, self._structure
            self._keep_drawn()
            self._feed.forget()
            if self._pictured:
                self._live.again()
            if self.view.fitted:
                self.view.fit()
            self._refresh()

    # ---- numbers ----

    def _refresh(self) -> None:
        """Show the numbers of the cursor, asking for those that are not here yet, and light what is at work."""
        stop = self.state.stop
        if stop is None or self._graph is None or self._layout is None or not self.scene.nodes:
            return
        if self.state.running:
            self.renew_live()
            return
        # It ran freely, up to its end or to a pause before an op: the last picture is the best there is of what it shows.
        unseen = self._pictured and self.mode.currentData() not in ("", self._live.mode)
        if self._pictured and not unseen:
            self._feed.forget()
            self._live.again()
            self.head.set_subject("the last step that was seen")
            return
        self._refreshed = stop, self.state.selection, self.state.graph
        fill = Fill(self._graph, self._layout, self._log, stop, self.state.selection.sample, self.mode.currentData())
        for node, part, wanted in fill.all():
            self._feed.want(node, part, wanted)
        self._feed.send()
        self._show_fill(fill)
        if unseen:
            self.head.set_subject(f"{_WORDS[fill.mode]} · of a free run there are none: step on (F10)")

    def _is_fresh(self) -> bool:
        """Whether all that the state says now is shown, or asked for, already."""
        now = self.state.stop, self.state.selection, self.state.graph
        return not self.state.running and all(a is b for a, b in zip(self._refreshed, now, strict=True))

    def _show_fill(self, fill: Fill) -> None:
        self._fill = fill
        self._show_marks()
        self._show_subject(fill)

    def _show_subject(self, fill: Fill) -> None:
        what = _WORDS[fill.mode]
        batch = "" if fill.batch is None else f" · sample {min(self.state.selection.sample, fill.batch - 1)} of {fill.batch}"
        self.head.set_subject(f"{what}{batch}")

    # ---- while the script runs freely ----

    def take_structure(self, snapshot: dict[str, Any]) -> None:
        self._log.extend(snapshot["events"])
        self._newest = snapshot["events"][-1]["seq"]
        self._take_graph()

    def live_views(self) -> list[dict[str, Any]]:
        """The numbers of all nodes of a step; of its activations, unless others are chosen."""
        if self._newest is None or self._graph is None or self._layout is None or not self.scene.nodes:
            return []
        mode = self.mode.currentData() or "forward"
        fill = Fill(self._graph, self._layout, self._log, {"seq": self._newest}, self.state.selection.sample, mode)
        self._show_fill(fill)
        return self._live.want(fill)

    def show_live(self, views: dict[str, dict[str, Any]]) -> None:
        self._pictured = True
        self._live.take(views)
        self.view.renew()

    # ---- what is lit ----

    def show_selection(self, selection: Selection) -> None:
        if not self.state.graph_due and not self._is_fresh() and not self._awaits_events:
            self._refresh()

    def _contributors_changed(self) -> None:
        if self.isVisible():
            self._show_marks()

    def _show_marks(self) -> None:
        fill = self._fill
        if fill is None:
            return
        marks: dict[str, Marks] = {}
        if fill.current is not None:
            marks.setdefault(fill.current, Marks()).phase = fill.phase
        self.scene.light(fill.current, fill.phase)
        self._move(fill)
        chosen = fill.chosen(self.state.selection)
        if chosen is not None:
            mark = marks.setdefault(chosen.node, Marks())
            if chosen.index is None:
                mark.selected = True
            else:
                mark.picked = chosen.part, chosen.index
        if self.state.contributors and chosen is not None:
            for node, part, index, share in fill.lit(self.state.selection, self.state.contributors):
                marks.setdefault(node, Marks()).lit.append((part, index, share))
        self.scene.show_marks(marks)
        self.view.setAccessibleDescription(self.scene.marks_in_words())

    def _move(self, fill: Fill) -> None:
        """Let numbers flow once along the edges into the node at work, or back out of it."""
        at = (self.state.stop or {}).get("seq"), fill.current, fill.phase
        if at == self._moved:
            return
        self._moved = at
        self._motion.stop()
        if fill.current in self.scene.nodes and not self.state.running:
            self.view.reveal(self.scene.nodes[fill.current].boundingRect())
        self.scene.flow(None, None, False)
        still = (self.state.stop or {}).get("reason") == "goto"  # along the timeline nothing has time to flow
        moving = self.context.settings.get("motion", True) and not still
        wanted = moving and fill.phase in ("forward", "loss", "backward")
        if wanted and fill.current is not None and not self.state.running:
            self._motion.start()

    def _flow(self, share: Any) -> None:
        if self._fill is not None:
            over = share >= 1.0 or self.state.running
            self.scene.flow(self._fill.current, None if over else float(share), self._fill.phase == "backward")

    # ---- the user ----

    def _clicked(self, at: QPointF) -> None:
        spot = self.scene.spot(at, 5 / self.view.zoom)
        fill = self._fill
        if spot is not None and fill is not None:
            self._select(spot)

    def _select(self, spot: Spot) -> None:
        found = None if self._fill is None else self._fill.selection(spot, self.state.selection.sample)
        if found is not None:
            self.state.update(selection=found)

    def _walk(self, across: int, down: int) -> None:
        """Select what lies in a direction (arrow keys): the next element, else the next node."""
        fill = self._fill
        if fill is None or self._layout is None:
            return
        chosen = fill.chosen(self.state.selection)
        here = chosen.node if chosen is not None else fill.current
        places = self._layout.places
        if here not in places:
            here = next(iter(places))
        inside = element_beside(places[here], chosen, across, down) if chosen is not None and chosen.index else None
        beside = node_beside(self._layout, here, across, down)
        target = inside or (Spot(beside) if beside is not None else None)
        if target is not None:
            self._select(target)
            self.view.reveal(self.scene.nodes[target.node].boundingRect())

    def _enter(self, inwards: bool) -> None:
        """Select the first element of the selected node (Enter), or again the whole of it (Escape)."""
        chosen = self._fill.chosen(self.state.selection) if self._fill is not None else None
        if chosen is None or self._layout is None or chosen.node not in self._layout.places:
            return
        if inwards:
            spot = first_element(self._layout.places[chosen.node]) if chosen.index is None else None
        else:
            spot = Spot(chosen.node) if chosen.index is not None else None
        if spot is not None:
            self._select(spot)

    def _hovered(self, at: QPointF, screen: QPoint) -> None:
        spot = self.scene.spot(at, 5 / self.view.zoom)
        QToolTip.showText(screen, self.hint(spot) if spot is not None else "", self.view)

    def hint(self, spot: Spot) -> str:
        """What a hint says of a place: name, shape, value."""
        item, fill = self.scene.nodes.get(spot.node), self._fill
        if item is None or fill is None:
            return ""
        node = item.node
        place = f"{node['module']} · {node['op']}" if node["module"] else node["op"] or "input"
        part = spot.part or "values"
        lines = [place]
        name, shape = fill.named(spot.node, part)
        lines.append(f"{name} · {format_shape(shape)}" if shape is not None else name)
        shown_here = item.contents.get(part)
        if spot.index is not None and shown_here is not None:
            value = number_at(shown_here, item.place.form, part, spot.index)
            text = format_number(value) if value is not None else "zoom in the Tensor panel for the exact number"
            lines.append(f"[{', '.join(map(str, spot.index))}] = {text}")
        elif shown_here is not None and math.isfinite(shown_here.low):
            lines.append(f"{format_number(shown_here.low)} … {format_number(shown_here.high)}")
        if shown_here is None and part == "values" and item.place.form.kind == "label":
            lines.append("the same numbers in another shape")
        return "\n".join(lines)

    def _fit(self) -> None:
        self.view.fit()
        self._lay_out()

    # ---- theme, memory ----

    def apply_theme(self, theme: Theme) -> None:
        self.scene.apply_theme(theme)
        self._lay_out()
        self.mode.setFont(theme.text_font("small"))

    def save(self) -> dict[str, Any]:
        return {"place": self.view.place(), "mode": self.mode.currentData()}

    def restore(self, saved: dict[str, Any]) -> None:
        index = self.mode.findData(saved.get("mode", ""))
        self.mode.setCurrentIndex(max(0, index))
        place = saved.get("place")
        if isinstance(place, list) and all(isinstance(x, (int, float)) for x in place):
            self.view.go(place)


PANEL = NetworkPanel
