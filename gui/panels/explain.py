"""Why one number is what it is: formula, formula with its numbers, the largest terms, and the check against the kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QMenu, QToolButton

from gui.context import Context
from gui.icons import set_icon
from gui.makers import maker_of
from gui.numbers import format_count
from gui.panels.explain_page import ExplainPage
from gui.panels.panel import Panel
from gui.state import Selection
from gui.steps import step_number
from gui.terms import element_name
from gui.theme import Theme
from gui.widgets.menu import Menu

#: Contributors that are asked for, those of the largest terms, and that the other panels are told of. Ten thousand of them
#: would keep the window for a tenth of a second.
_ASKED, _TOLD = 2_000, 1_000


class ExplainPanel(Panel):
    """Explains the selected element; its contributors are selected by clicking them."""

    key = "explain"
    title = "Explain"
    shows_every_stop = False
    area = "right"
    empty_text = (
        "The arithmetic behind one number appears here: its formula with the numbers filled in, the terms that matter "
        "most, and whether the kernel computed the same.\n\nStop at an op (F10) and click a number in the Tensor panel "
        "or the network."
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.explanation: dict[str, Any] | None = None
        #: In words, what had been done at the event of the explanation.
        self._of = ""
        self._asked: tuple | None = None
        self._trail: list[Selection] = []
        self._going = False
        self.back = QToolButton()
        self.back.setAccessibleName("Back to the number before")
        self.back.setToolTip("Back to the number that was explained before")
        self.back.clicked.connect(self.go_back)
        self.back.setEnabled(False)
        self.head.add_control(self.back)
        self.page = ExplainPage(self.theme)
        self.page.terms.pointed.connect(self._point)
        self.page.terms.chosen.connect(self.choose)
        self.page.step.clicked.connect(self._step)
        self.page.menu_wanted.connect(lambda place: self.menu().popup(place))
        self.set_content(self.page)
        self.state.subscribe("pointed", self._pointed_elsewhere)
        self.state.subscribe(("selection", "stop"), self._unseen)

    # ---- asking ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._asked = None  # an expression's value, and what computed it, may be other ones now
        self.page.set_stepping((stop or {}).get("level") == "element")
        self.show_selection(self.state.selection)

    def show_selection(self, selection: Selection) -> None:
        if self.state.running:
            return
        if selection.reference is None or selection.index is None:
            if selection.kept is not None and self.explanation is not None:
                self._keep(self.explanation)
            else:
                self._nothing(None)
            return
        wanted = (tuple(selection.reference.items()), selection.index)
        if wanted == self._asked:
            return
        if not self._going:
            self._trail.clear()
        self._going = False
        self.back.setEnabled(bool(self._trail))
        self._asked = wanted
        if self.explanation is None:
            self.show_empty()  # until there is an answer
        else:
            self.show_content()
        self._explain(selection.reference, self._refused_here)

    def _explain(self, reference: dict[str, Any], refused: Callable[[str], object]) -> None:
        index = list(self.state.selection.index or ())
        arguments = {"reference": reference, "index": index, "limit": _ASKED, "order": "terms"}
        self.ask("explain", "explain", arguments, self._answered, refused)

    def _refused_here(self, message: str) -> None:
        """An array that its op only read is explained where it was made: by the op before, or by the last update."""
        selection = self.state.selection
        made = maker_of(self.state.graph, selection.event, selection.name) if selection.event and selection.name else None
        if made is not None and made.event is not None:
            self._explain({"event": made.event, "name": made.name}, lambda _: self._refused(message))
        elif selection.event is not None and selection.label.endswith((".weight", ".bias")):
            self._explain({"expression": selection.label}, lambda _: self._refused(message))
        else:
            self._refused(message)

    def _answered(self, body: dict[str, Any]) -> None:
        self.explanation = body
        stop = self.state.stop or {}
        phase = f"{stop.get('direction')} " if stop.get("direction") and stop.get("seq") == body["event"] else ""
        inside = f" of {self.state.selection.module}" if self.state.selection.module else ""
        self._of = f"{phase}{body['op']}{inside}"
        self.show_content()
        self.head.set_problem("")
        # Of a number of another step, which stays selected, that is said: it has another value by now.
        step = body.get("step")
        when = "" if step is None or step + 1 == step_number(self.state.stop) else f", step {format_count(step + 1)}"
        name, by = element_name(body["name"], body["index"]), f" · {body['op']}"
        dense = name.replace(" ", "")
        self.head.set_subject(name, f"{by}{when}", brief=(f"{dense}{by}{when}", f"{dense}{when}"))
        self.page.show_explanation(body)
        self._tell(())

    def _keep(self, body: dict[str, Any]) -> None:
        """The script has gone on, or back, to an op without such an element: what was explained last stays, and says of
        what it is.
        """
        self._asked = None
        self.show_content()
        later = (body["event"] or 0) > ((self.state.stop or {}).get("seq") or 0)  # after a step back
        when = f"{'after' if later else 'before'} this stop"
        self.head.set_subject(element_name(body["name"], body["index"]), f" · {when}")
        self.page.show_origin(f"from {self._of}, {when}: nothing here has this element")
        if self.state.contributors:
            self.state.update(contributors=[])

    def _refused(self, message: str) -> None:
        selection = self.state.selection
        name = element_name(selection.label or selection.name or selection.expression or "", selection.index or ())
        self._nothing(f"{name}\n\nNothing to explain: {message}\n\n{self._advice(message)}")

    def _advice(self, message: str) -> str:
        if "did not compute it here" in message:
            return "This op only read it. Select an array that it computed, or step to the op that computed this one."
        if "no recorded event" in message:
            return "Step over the op that computes it (F10), then select it again."
        return "Select another number."

    def _nothing(self, text: str | None) -> None:
        self._asked = None if text is None else self._asked
        self.explanation = None
        self.head.set_subject("")
        if text is None and (self.state.stop or {}).get("kind") in ("end", "exception"):
            text = self.empty_text.replace("Stop at an op (F10)", "Step back to an op (Alt+F10)")
        self.show_empty(text)
        if self.state.contributors:
            self.state.update(contributors=[])

    # ---- contributors ----

    def _unseen(self) -> None:
        """Behind another tab nothing is explained: what was lit for the number before belongs to no number any more."""
        if not self.isVisible() and self.state.contributors:
            self._asked = None  # shown again it is explained, and lit, anew
            self.state.update(contributors=[])

    def _point(self, contributors: list[dict[str, Any]]) -> None:
        self._tell(tuple((c["tensor"], tuple(c["index"])) for c in contributors))

    def _tell(self, pointed: tuple[tuple[str, tuple[int, ...]], ...]) -> None:
        """Tell the other panels of the contributors; with some pointed at, of these alone."""
        body = self.explanation
        if body is None:
            return
        flat = [c for term in self.page.terms.terms.terms for c in term.contributors][:_TOLD]
        kept = [c for c in flat if not pointed or (c["tensor"], tuple(c["index"])) in pointed]
        self.state.update(contributors=[{**c, "event": body["event"], "pointed": bool(pointed)} for c in kept])

    def _pointed_elsewhere(self) -> None:
        """Another panel's element under the mouse: its row is marked here, if it is one of the terms."""
        body, pointed = self.explanation, self.state.pointed
        if body is None or not self.isVisible():
            return
        here = None
        if pointed is not None:
            index = list(pointed["index"])
            for term in self.page.terms.terms.terms:
                for c in term.contributors:
                    if list(c["index"]) == index and _is(c, pointed, body["event"]):
                        here = c
        self.page.terms.mark(here)

    def choose(self, contributor: dict[str, Any]) -> None:
        """Select a contributor: in the op that computed it where the graph says which one, else where it was read."""
        body = self.explanation
        if body is None:
            return
        self._trail.append(self.state.selection)
        self._going = True
        made = maker_of(self.state.graph, body["event"], contributor["tensor"])
        event, name = (made.event, made.name) if made is not None and made.event is not None else (
            body["event"], contributor["tensor"]
        )
        selection = replace(
            self.state.selection, event=event, name=name, expression=None, index=tuple(contributor["index"]),
            label=contributor.get("label") or contributor["tensor"],
        )  # fmt: skip
        self.state.update(selection=selection)

    def go_back(self) -> None:
        """Explain the number before."""
        if self._trail:
            self._going = True
            self.state.update(selection=self._trail.pop())
            self.back.setEnabled(bool(self._trail))

    # ---- the rest ----

    def _step(self) -> None:
        body = self.explanation
        if body is None:
            return
        if body["event"] != (self.state.stop or {}).get("seq"):
            self.context.link.move("goto", seq=body["event"])  # what follows waits for it
        self.context.link.move("stepIn", tensor=body["name"], index=list(body["index"]))

    def menu(self) -> QMenu:
        """What can be copied."""
        menu = Menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, field in (("Copy formula as LaTeX", "latex"), ("Copy formula", "here"), ("Copy with numbers", "numbers")):
            action = menu.addAction(text)
            if action is not None:
                action.setEnabled(self.explanation is not None)
                action.triggered.connect(lambda _=False, field=field: self._copy(field))
        return menu

    def _copy(self, field: str) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None and self.explanation is not None:
            clipboard.setText(str(self.explanation[field]))

    def apply_theme(self, theme: Theme) -> None:
        self.page.apply_theme(theme)
        set_icon(self.back, "back", theme)


def _is(contributor: Mapping[str, Any], pointed: dict[str, Any], event: int) -> bool:
    """Whether a contributor is of the tensor that is pointed at."""
    if pointed.get("event") == event and pointed.get("name") == contributor["tensor"]:
        return True
    return bool(contributor.get("label")) and contributor["label"] in (pointed.get("label"), pointed.get("expression"))


PANEL = ExplainPanel
