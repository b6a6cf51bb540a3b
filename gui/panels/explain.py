"""Why one number is what it is: formula, formula with its numbers, the largest terms, and the check against the kernel."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from gui.context import Context
from gui.icons import icon
from gui.numbers import format_number
from gui.panels.panel import Panel
from gui.state import Selection
from gui.terms import element_name, terms_of
from gui.theme import Theme
from gui.widgets.formula_view import FormulaView
from gui.widgets.terms_view import TermsView

#: Contributors that are asked for, and that the other panels are told of.
_ASKED, _TOLD = 10_000, 2_000


class ExplainPanel(Panel):
    """Explains the selected element; its contributors are selected by clicking them."""

    key = "explain"
    title = "Explain"
    area = "right"
    empty_text = (
        "The arithmetic behind one number appears here: its formula with the numbers filled in, the terms that matter "
        "most, and whether the kernel computed the same.\n\nStop at an op (F10) and click a number in the Tensor panel "
        "or the network."
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.explanation: dict[str, Any] | None = None
        self._asked: tuple | None = None
        self._trail: list[Selection] = []
        self._going = False
        self.back = QToolButton()
        self.back.setAccessibleName("Back to the number before")
        self.back.setToolTip("Back to the number that was explained before")
        self.back.clicked.connect(self.go_back)
        self.back.setEnabled(False)
        self.head.add_control(self.back)
        self._build()
        self.apply_theme(self.theme)

    def _build(self) -> None:
        self.name = _label("What is explained")
        self.value = _label("Value")
        self.of = _label("Where it was computed", wrap=True)
        self.of.setObjectName("muted")
        self.formula = FormulaView(self.theme)
        self.numbers = _label("Formula with its numbers", wrap=True)
        self.terms_title = _label("About the terms", wrap=True)
        self.terms_title.setObjectName("muted")
        self.terms = TermsView(self.theme)
        self.terms.pointed.connect(self._point)
        self.terms.chosen.connect(self.choose)
        self.cause = _label("Cause", wrap=True)
        self.result = _label("Result")
        self.verdict = _label("Check against the kernel", wrap=True)
        self.step = QPushButton("Step this element")
        self.step.setAccessibleName("Step this element")
        self.step.setToolTip("Step through the definition of this element line by line (F11 goes into the selected element)")
        self.step.clicked.connect(self._step)
        body = QWidget()
        body.setObjectName("explain-body")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(8)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.name, 0, Qt.AlignmentFlag.AlignBottom)
        top.addStretch(1)
        top.addWidget(self.value, 0, Qt.AlignmentFlag.AlignBottom)
        self._column.addLayout(top)
        self._column.addWidget(self.of)
        self._column.addWidget(self.cause)
        self._column.addWidget(_line())
        self._column.addWidget(self.formula)
        self._column.addWidget(self.numbers)
        self._column.addWidget(_line())
        self._column.addWidget(self.terms_title)
        self._column.addWidget(self.terms)
        self._column.addWidget(_line())
        self._column.addWidget(self.result)
        self._column.addWidget(self.verdict)
        self._column.addWidget(self.step, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)
        self.page = QScrollArea()
        self.page.setWidgetResizable(True)
        self.page.setFrameShape(QFrame.Shape.NoFrame)
        self.page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page.setWidget(body)
        body.setAutoFillBackground(False)
        body.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        body.customContextMenuRequested.connect(lambda place: self.menu().popup(body.mapToGlobal(place)))
        self.set_content(self.page)

    # ---- asking ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._asked = None  # an expression's value, and what computed it, may be other ones now
        self.show_selection(self.state.selection)

    def show_selection(self, selection: Selection) -> None:
        if self.state.running:
            return
        if selection.reference is None or selection.index is None:
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
        arguments = {"reference": selection.reference, "index": list(selection.index), "limit": _ASKED}
        self.ask("explain", "explain", arguments, self._answered, self._refused)

    def _answered(self, body: dict[str, Any]) -> None:
        self.explanation = body
        self.show_content()
        self.head.set_problem("")
        self._show(body)
        self._tell(())

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
        self.show_empty(text)
        if self.state.contributors:
            self.state.update(contributors=[])

    # ---- showing ----

    def _show(self, body: dict[str, Any]) -> None:
        name = element_name(body["name"], body["index"])
        self.head.set_subject(f"{name} · {body['op']}")
        self.name.setText(name)
        self.value.setText(format_number(body["actual"]))
        self.value.setToolTip(f"{body['actual']!r} (the kernel's)")
        parts = [f"an element of {body['label']}" if body.get("label") else "", f"computed by {body['op']}"]
        given = ", ".join(f"{key} {_text(value)}" for key, value in body["parameters"].items())
        self.of.setText(" · ".join(filter(None, [*parts, given])))
        self.formula.set_formula(body["latex"], body["plain"])
        self.numbers.setText(_breakable(f"{body['here']}\n{_without_head(body)}"))
        self._show_terms(body)
        self._show_result(body)
        self.cause.setText(body["cause"])
        self.cause.setVisible(bool(body["cause"]))

    def _show_terms(self, body: dict[str, Any]) -> None:
        terms = terms_of(body)
        self.terms.set_terms(terms)
        summands = sum(not term.decides for term in terms.terms)
        shown = "term" if summands == 1 else "terms"
        if terms.summands:
            text = f"The sum of {summands:,} {shown}, the largest first" if summands > 1 else "One term"
        elif not body["complete"] or any(term.share is None for term in terms.terms):
            text = f"{body['total']:,} numbers were read; the sum is too long for shares"
        else:
            text = f"{body['total']:,} numbers were read; bars: value · derivative, how strongly the result hangs on each"
        self.terms_title.setText(text)

    def _show_result(self, body: dict[str, Any]) -> None:
        self.result.setText(f"= {format_number(body['result'])}")
        self.result.setToolTip(f"{body['result']!r} (the definition's, in float64)")
        difference, tolerance = body["difference"], body["tolerance"]
        size = "0" if difference == 0 else format_number(difference)
        if body["agrees"]:
            text = f"✓ kernel says the same (difference {size})"
        else:
            actual = format_number(body["actual"])
            text = f"✗ the kernel computed {actual}: difference {size}, where rounding explains {format_number(tolerance)}"
        self.verdict.setText(text)
        fine = body["agrees"] and not _odd(body["actual"])
        self.value.setStyleSheet("" if fine else f"color: {self.theme.phase_text['alarm'].name()};")
        finite = isinstance(difference, (int, float)) and math.isfinite(difference)
        self.verdict.setToolTip(
            f"kernel − definition = {difference!r}; rounding explains up to {tolerance!r}" if finite else ""
        )
        self._color(self.verdict, "update" if body["agrees"] else "alarm")

    def _color(self, label: QLabel, phase: str) -> None:
        label.setStyleSheet(f"color: {self.theme.phase_text[phase].name()};")

    # ---- contributors ----

    def _point(self, contributors: list[dict[str, Any]]) -> None:
        self._tell(tuple((c["tensor"], tuple(c["index"])) for c in contributors))

    def _tell(self, pointed: tuple[tuple[str, tuple[int, ...]], ...]) -> None:
        """Tell the other panels of the contributors; with some pointed at, of these alone."""
        body = self.explanation
        if body is None:
            return
        flat = [c for term in self.terms.terms.terms for c in term.contributors][:_TOLD]
        kept = [c for c in flat if not pointed or (c["tensor"], tuple(c["index"])) in pointed]
        self.state.update(contributors=[{**c, "event": body["event"], "pointed": bool(pointed)} for c in kept])

    def choose(self, contributor: dict[str, Any]) -> None:
        """Select a contributor: in the op that computed it where the graph says which one, else where it was read."""
        body = self.explanation
        if body is None:
            return
        self._trail.append(self.state.selection)
        self._going = True
        event, name = self._maker(body["event"], contributor["tensor"])
        selection = replace(
            self.state.selection, event=event, name=name, expression=None, index=tuple(contributor["index"]),
            label=contributor.get("label") or contributor["tensor"],
        )  # fmt: skip
        self.state.update(selection=selection)

    def _maker(self, event: int, name: str) -> tuple[int, str]:
        """The op that gave out what the op ``event`` read as ``name``, and its name there."""
        graph = self.state.graph or {}
        nodes = {node["id"]: node for node in graph.get("nodes", ())}
        here = next((node["id"] for node in nodes.values() if node.get("event") == event), None)
        for edge in graph.get("edges", ()) if here is not None else ():
            source = nodes.get(edge["from"], {})
            if edge["to"] == here and edge.get("input") == name and source.get("event") is not None:
                return source["event"], edge["output"]
        return event, name

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
        menu = QMenu(self)
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
        self.name.setFont(theme.code_font("head", bold=True))
        self.value.setFont(theme.code_font("title", bold=True))
        self.of.setFont(theme.text_font("body"))
        self.numbers.setFont(theme.code_font("body"))
        self.terms_title.setFont(theme.text_font("body"))
        self.result.setFont(theme.code_font("head", bold=True))
        self.verdict.setFont(theme.text_font("body"))
        self.cause.setFont(theme.text_font("body"))
        self.step.setFont(theme.text_font("body"))
        self.back.setIcon(icon("back", theme))
        self.back.setIconSize(QSize(theme.space(16), theme.space(16)))
        self.formula.apply_theme(theme)
        self.terms.apply_theme(theme)
        self._color(self.cause, "alarm")
        if self.explanation is not None:
            self._show_result(self.explanation)


def _label(name: str, wrap: bool = False) -> QLabel:
    label = QLabel()
    label.setAccessibleName(name)
    label.setWordWrap(wrap)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setMinimumWidth(1)
    return label


def _line() -> QWidget:
    line = QWidget()
    line.setObjectName("toolbar-line")
    line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
    line.setFixedHeight(1)
    return line


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_text, value))})"
    return format_number(value) if isinstance(value, (int, float)) else str(value)


def _odd(value: Any) -> bool:
    """Whether a number is NaN or infinite."""
    return isinstance(value, float) and not math.isfinite(value)


def _without_head(body: dict[str, Any]) -> str:
    """``= 0.9·(-0.2) = -0.18`` out of ``y[0] = 0.9·(-0.2) = -0.18``."""
    head, equals, rest = str(body["numbers"]).partition(" = ")
    return f"= {rest}" if equals else head


def _breakable(text: str) -> str:
    """A line may also end behind a product's dot."""
    return text.replace("·", "·\u200b")


PANEL = ExplainPanel
