"""Network: the recorded graph as a picture, filled with the numbers of the newest event of each op."""

from __future__ import annotations

from typing import Any

from gui.context import Context
from gui.network import caption
from gui.network.feed import Feed
from gui.network.fill import Fill
from gui.network.naming import Naming
from gui.network.scene import NetworkScene
from gui.network.values import Content, Wanted
from gui.network.view import NetworkView
from gui.panels.network_controls import fit_button, mode_box
from gui.panels.network_drawing import Drawing
from gui.panels.network_events import Events
from gui.panels.network_free import FreeRun
from gui.panels.network_lighting import Lighting
from gui.panels.network_pointing import Pointing
from gui.panels.panel import Panel
from gui.state import Selection
from gui.steps import begins
from gui.theme import Theme
from gui.timers import READABLE, Paced, single_shot

#: Said where the script has come to this before a picture of its network was made: there is nothing to step on to.
_BACK = "before a picture of its network was made. Step back (Alt+F10), or restart (Ctrl+Shift+F5) and step (F10)."
_UNSEEN = {"end": f"The script ended {_BACK}", "exception": f"The script stopped at an exception {_BACK}"}

#: The event before the first: up to it nothing is known.
_NOTHING = -1


class NetworkPanel(Panel):
    """Draws ``state.graph``; what it shows of a node comes from the newest event of its op up to the cursor."""

    key = "network"
    title = "Network"
    area = "center"
    empty_text = "The network appears here with its first forward pass. Step on (F10), or run to the first batch."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._events = Events(self, self._events_arrived)
        self._log = self._events.log
        self._drawing = Drawing(self, self._log, self._drawn)
        self._run: Any = None
        self._process: int | None = None
        self._revision = 0
        self._fill: Fill | None = None
        #: Stop, selection and graph for which the numbers were last wanted.
        self._refreshed: tuple[Any, ...] = (None, None, None)
        #: The event up to which the log counts, behind a run of which nothing but its structure is known; None: all of it.
        self._before: int | None = None
        self.scene = NetworkScene(self.theme)
        self._feed = Feed(self.ask, self._show_numbers)
        self._words = Paced(self, READABLE, self.scene.renew_words)
        self.free = FreeRun(self)
        self._add_view()
        self._add_controls()
        self.state.subscribe(("graph", "graph_due"), self._graph_changed)
        self.state.subscribe("contributors", self._contributors_changed)
        self.state.subscribe("running", self._keep_drawn)

    def _add_view(self) -> None:
        self.view = NetworkView(self.scene)
        self.view.setAccessibleName(
            "Network: arrow keys go from node to node, Enter into one, Escape out of it; + and - zoom, 0 fits"
        )
        self.pointing = Pointing(self)
        self._lighting = Lighting(self)
        self._relay = single_shot(self, 80, self._drawing.lay_out)
        self.view.resized.connect(self._relay.start)
        self.set_content(self.view)

    def _add_controls(self) -> None:
        self.mode = mode_box()
        self.mode.currentIndexChanged.connect(lambda _: self._refresh())
        fit = fit_button()
        fit.clicked.connect(self._fit)
        self.head.add_control(self.mode)
        self.head.add_control(fit)

    def _keep_drawn(self) -> None:
        self.view.set_live(self.state.running)

    # ---- what there is to show ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        current = self.state.current_run
        run, process = (current.get("number"), self.state.restoring), current.get("process")
        revision = (stop or {}).get("revision", 0)
        # At its entry a run that is begun again numbers its events anew.
        anew = stop is None or begins(stop) or run != self._run
        # Each process that stands for a run numbers its events anew.
        other = process != self._process or not self._log.fits(stop or {})
        if anew or other or revision != self._revision:
            self._log.clear()
            self._feed.clear()
            if anew:
                self._drawing.begin_run()
                self.free.forget()
                self.free.pictured = False
        self._run, self._process, self._revision = run, process, revision
        if self.free.newest is None or anew:
            self._before = None
        self.free.stopped()
        self._take_graph()
        past = stop is not None and not stop.get("live", True) and self._log.next > (stop.get("seq") or 0)
        if past and not self.free.pictured:
            if not self.state.graph_due:  # else when it is here
                self._refresh()  # only the cursor has moved
        else:
            self._events.ask()

    def _events_arrived(self, oldest: int) -> None:
        graph = self._drawing.graph or {"nodes": ()}
        # What ran freely may have stopped at an op whose node cannot be told: its pass was not seen.
        recorded = self._log.has_ops(oldest, {node["id"] for node in graph["nodes"]})
        self.free.pictured = self.free.pictured and not recorded
        if recorded:
            self._before = None
        self._refresh()

    def _graph_changed(self) -> None:
        if self.state.graph is None and self.state.stop is None:
            self._drawing.forget()
        if self.isVisible() and not self.state.graph_due and not self._is_fresh():
            self._take_graph()
            if not self._events.awaited:
                self._refresh()

    def _take_graph(self) -> None:
        """Draw the state's graph where it differs from the one that is drawn.

        Where a script has ended the models are gone that a function made, and with them the names of their layers: what was
        seen of them last stays.
        """
        if (self.state.stop or {}).get("kind") == "end" and self.free.pictured:
            self.show_content()
            return
        if self._drawing.take(self.state.graph):
            self.show_content()
        else:
            kind = (self.state.stop or {}).get("kind", "")
            if kind in _UNSEEN:
                self.head.set_subject("")
            self.show_empty(_UNSEEN.get(kind))

    def _drawn(self, same: bool) -> None:
        """Nodes stand elsewhere; ``same``: they are those that were there before."""
        graph, layout = self._drawing.graph, self._drawing.layout
        assert graph is not None and layout is not None
        self.show_content()  # a script may have ended while they were placed, and with it what it says of its network
        first = not self.scene.nodes
        self.scene.show_layout(layout, graph, keep=same)
        if not same:
            self.free.forget()
            self.free.pictured = False
        self._keep_drawn()
        self._feed.forget()
        if self.free.pictured:
            self.free.again()  # until there is more it shows what was seen of it last
        if self.view.fitted or first:
            self.view.fit()
        self._refresh()

    # ---- numbers ----

    def _show_numbers(self, node: str, part: str, content: Content | None, faint: bool, signed: bool) -> None:
        # Along the timeline pictures pass more quickly than what is written under them can be read.
        scrubbing = self.state.scrubbing
        self.scene.show_content(node, part, content, faint, signed, words=not scrubbing, quick=scrubbing)
        if scrubbing:
            self._words.call()
            if part == "weight":
                self.view.refine_later()

    @property
    def naming(self) -> Naming | None:
        """What the numbers that are shown are called; None while there are none."""
        return None if self._fill is None else Naming(self._fill)

    def _refresh(self) -> None:
        """Show the numbers of the cursor, asking for those that are not here yet, and light what is at work."""
        stop = self.state.stop
        graph, layout = self._drawing.graph, self._drawing.layout
        if stop is None or graph is None or layout is None or not self.scene.nodes:
            return
        if self.state.running:
            self.renew_live()
            return
        # It ran freely, up to its end or to a pause before an op: the last picture is the best there is of what it shows.
        unseen = self.free.pictured and self.mode.currentData() not in ("", self.free.mode)
        if self.free.pictured and not unseen:
            self._feed.forget()
            self.free.again()
            return
        self._refreshed = stop, self.state.selection, self.state.graph
        # A run too short for a picture has told what its ops were, but not their numbers: those of before stay.
        fill, wanted = self._filled(stop if self._before is None else {**stop, "seq": self._before})
        if self._before is not None and not any(part == "weight" and one is not None for _, part, one in wanted):
            # Of its weights nothing is known: what was recorded before is of another network, whose loss is none of its.
            fill, wanted = self._filled({**stop, "seq": _NOTHING})
        for node, part, one in wanted:
            if self.free.show_seen(fill, node, part, one):
                self._feed.drop(node, part)
            else:
                self._feed.want(node, part, one)
        self._feed.send()
        self.scene.show_notes(fill.unread())
        self._show(fill)
        said = caption.unseen(fill.mode) if unseen else caption.at_stop(fill, wanted, stop, self.state.selection.sample)
        self.say(said)

    def _filled(self, stop: dict[str, Any]) -> tuple[Fill, list[tuple[str, str, Wanted | None]]]:
        """What is drawn with the numbers of a stop, and what it wants of each node."""
        assert self._drawing.graph is not None and self._drawing.layout is not None
        sample, mode = self.state.selection.sample, self.mode.currentData()
        fill = Fill(self._drawing.graph, self._drawing.layout, self._log, stop, sample, mode)
        return fill, list(fill.all())

    def _is_fresh(self) -> bool:
        """Whether all that the state says now is shown, or asked for, already."""
        now = self.state.stop, self.state.selection, self.state.graph
        return not self.state.running and all(a is b for a, b in zip(self._refreshed, now, strict=True))

    def _show(self, fill: Fill) -> None:
        self._fill = fill
        self._lighting.show(fill)

    def say(self, said: caption.Caption) -> None:
        """Say in the head what is shown."""
        self.head.set_subject(said.text, brief=said.brief)

    # ---- while the script runs freely ----

    def take_structure(self, snapshot: dict[str, Any]) -> None:
        if self.free.newest is None:
            seq = (self._refreshed[0] or {}).get("seq")
            self._before = _NOTHING if seq is None else seq
        self._log.extend(snapshot["events"])
        self.free.newest = snapshot["events"][-1]["seq"]
        self._take_graph()

    def live_views(self) -> list[dict[str, Any]]:
        """The numbers of all nodes of a step; of its activations, unless others are chosen."""
        graph, layout, newest = self._drawing.graph, self._drawing.layout, self.free.newest
        if newest is None or graph is None or layout is None or not self.scene.nodes:
            return []
        mode = self.mode.currentData() or "forward"
        fill = Fill(graph, layout, self._log, {"seq": newest}, self.state.selection.sample, mode)
        self._show(fill)
        views = self.free.views(fill)
        self.free.say_steps()
        return views

    def show_live(self, views: dict[str, dict[str, Any]]) -> None:
        self.free.take(views)

    # ---- what is lit ----

    def show_selection(self, selection: Selection) -> None:
        if not self.state.graph_due and not self._is_fresh() and not self._events.awaited:
            self._refresh()

    def _contributors_changed(self) -> None:
        if self.isVisible():
            self._lighting.show(self._fill)

    # ---- the user, theme, memory ----

    def _fit(self) -> None:
        self.view.fit()
        self._drawing.lay_out()

    def apply_theme(self, theme: Theme) -> None:
        self.scene.apply_theme(theme)
        self._drawing.lay_out()
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
