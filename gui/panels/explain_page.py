"""The page of the Explain panel: a small essay about one number."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtCore import QPoint, Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.numbers import format_number, plural, trimmed
from gui.panels.explain_threads import ThreadsPart
from gui.panels.explain_title import ExplainTitle
from gui.terms import element_name, terms_of
from gui.theme import Theme
from gui.widgets.formula_view import FormulaView
from gui.widgets.terms_view import TermsView
from gui.widgets.whole_lines import WholeLines


class ExplainPage(QScrollArea):
    """Name and value, formula, formula with its numbers, the largest terms, the result and the check against the kernel;
    of an element that a GPU computed also its thread.

    Signals:
        menu_wanted(QPoint): the context menu, at a global position.
    """

    menu_wanted = pyqtSignal(QPoint)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._body: dict[str, Any] | None = None
        self._stepping = False
        self._build()
        self.apply_theme(theme)

    def _build(self) -> None:
        self.name = _label("What is explained")
        self.value = _label("Value")
        self.of = _label("Where it was computed", wrap=True)
        self.of.setObjectName("muted")
        self.formula = FormulaView(self._theme)
        self.given = _label("What the op was given", wrap=True)
        self.given.setObjectName("muted")
        self.numbers = _label("Formula with its numbers", wrap=True)
        self.note = _label("How it is computed", wrap=True)
        self.note.setObjectName("muted")
        self.terms_title = _label("About the terms", wrap=True)
        self.terms_title.setObjectName("muted")
        self.terms = TermsView(self._theme)
        self.cause = _label("Cause", wrap=True)
        self.result = _label("Result")
        self.verdict = _label("Check against the kernel", wrap=True)
        self.step = QPushButton("Step this element")
        self.step.setAccessibleName("Step this element")
        self.step.setToolTip("Step through the definition of this element line by line (F11 goes into the selected element)")
        self.threads_line, self.threads = _line(), ThreadsPart(self._theme)
        body = QWidget()
        body.setObjectName("explain-body")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(8)
        self.title = ExplainTitle(self._theme, self.name, self.value)
        self._column.addWidget(self.title)
        self._column.addWidget(self.of)
        self._column.addWidget(self.cause)
        self._column.addWidget(_line())
        self._column.addWidget(self.formula)
        self._column.addWidget(self.given)
        self._column.addWidget(self.numbers)
        self._column.addWidget(self.note)
        self._column.addWidget(_line())
        self._column.addWidget(self.terms_title)
        self._column.addWidget(self.terms)
        self._column.addWidget(_line())
        self._column.addWidget(self.result)
        self._column.addWidget(self.verdict)
        self._column.addWidget(self.step, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self.threads_line)
        self._column.addWidget(self.threads)
        self._column.addStretch(1)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(body)
        body.setAutoFillBackground(False)
        self._whole_lines = WholeLines(self, self._theme)
        body.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        body.customContextMenuRequested.connect(lambda place: self.menu_wanted.emit(body.mapToGlobal(place)))

    def show_explanation(self, body: dict[str, Any]) -> None:
        """Show the answer to ``explain``, from its top where the formula is another one."""
        bar = self.verticalScrollBar()
        if bar is not None and body["latex"] != (self._body or {}).get("latex"):
            bar.setValue(0)
        self._body = body
        self.title.show_number(element_name(body["name"], body["index"]), format_number(body["actual"]))
        self.value.setToolTip(f"{body['actual']!r} ({'set by an edit' if body.get('edited') else 'of the kernel'})")
        self.show_origin(f"computed by {body['op']}{' on the GPU' if body.get('launch') else ''}")
        self.formula.set_formula(body["latex"], body["plain"])
        # Unbreakable within: "(1, 1)" does not end a line after its comma.
        given = ", ".join(f"{key} {_text(value)}".replace(" ", "\u00a0") for key, value in body["parameters"].items())
        self.given.setText(f"with {given}")
        self.given.setVisible(bool(given))
        self.numbers.setText(_breakable(f"{body['here']}\n{_without_head(body)}"))
        self.note.setText(body.get("note", ""))
        self.note.setVisible(bool(self.note.text()))
        self._show_terms(body)
        self._show_result(body)
        self.cause.setText(body["cause"])
        self.cause.setVisible(bool(body["cause"]))
        self.threads.show_launch(body.get("launch"))
        self.threads_line.setVisible(body.get("launch") is not None)

    def show_origin(self, text: str) -> None:
        """Say below the name where the number is from."""
        label = (self._body or {}).get("label")
        self.of.setText(" · ".join(filter(None, [f"an element of {label}" if label else "", text])))

    def set_stepping(self, stepping: bool) -> None:
        """While an element is stepped, the thread that computes it comes first; else it comes last."""
        if stepping == self._stepping:
            return
        self._stepping = stepping
        for part in (self.threads, self.threads_line):
            self._column.removeWidget(part)
        at = self._column.indexOf(self.cause) + 1 if stepping else self._column.indexOf(self.step) + 1
        self._column.insertWidget(at, self.threads_line)
        self._column.insertWidget(at + 1, self.threads)
        bar = self.verticalScrollBar()
        if stepping and self.threads.isVisibleTo(self) and bar is not None:
            bar.setValue(0)

    def _show_terms(self, body: dict[str, Any]) -> None:
        terms = terms_of(body)
        self.terms.set_terms(terms)
        summands = terms.count
        read = f"{body['total']:,} {plural(body['total'], 'number was', 'numbers were')} read"
        if terms.summands:
            text = f"The sum of {summands:,} terms, the largest first" if summands > 1 else "One term"
        elif not body["complete"] or any(term.share is None for term in terms.terms):
            text = f"{read}; the sum is too long for shares"
        else:
            text = f"{read}; bars: value · derivative, how strongly the result hangs on each"
        self.terms_title.setText(text)

    def _show_result(self, body: dict[str, Any]) -> None:
        self.result.setText(f"= {format_number(body['result'])}")
        self.result.setToolTip(f"{body['result']!r} (the definition's, in float64)")
        difference, tolerance = body["difference"], body["tolerance"]
        size = "0" if difference == 0 else format_number(difference).replace("-", "−")
        inputs, now = body.get("editedInputs") or [], body.get("now")
        edited = (body.get("edited") or bool(inputs)) and not body["agrees"]
        if edited and body.get("edited"):
            text = f"set to {format_number(body['actual'])} by an edit after {body['op']} had computed it"
        elif edited:
            text = f"{body['op']} had computed {format_number(body['actual'])} before an edit changed {' and '.join(inputs)}"
        elif body["agrees"]:
            note = "" if difference == 0 else ", within float32 rounding"
            text = f"✓ kernel says the same (difference {size}{note})"
            if _odd(body["actual"]):
                text = f"✓ kernel says the same: {format_number(body['actual'])}"
        else:
            actual = format_number(body["actual"])
            text = f"✗ the kernel computed {actual}: difference {size}, where rounding explains {format_number(tolerance)}"
        if now is not None:
            text += f"\nchanged since then: {format_number(now)} now"
        self.verdict.setText(text)
        fine = (body["agrees"] or edited) and not _odd(body["actual"])
        self.value.setStyleSheet("" if fine else f"color: {self._theme.phase_text['alarm'].name()};")
        finite = isinstance(difference, (int, float)) and math.isfinite(difference)
        self.verdict.setToolTip(
            f"kernel − definition = {difference!r}; rounding explains up to {tolerance!r}" if finite else ""
        )
        if edited:
            self.verdict.setStyleSheet("")  # neither agreement nor a fault
        else:
            self._color(self.verdict, "update" if body["agrees"] else "alarm")

    def _color(self, label: QLabel, phase: str) -> None:
        label.setStyleSheet(f"color: {self._theme.phase_text[phase].name()};")

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        self._theme = self._whole_lines.theme = theme
        self.title.apply_theme(theme)
        self.of.setFont(theme.text_font("body"))
        self.given.setFont(theme.text_font("body"))
        self.numbers.setFont(theme.code_font("body"))
        self.note.setFont(theme.text_font("body"))
        self.terms_title.setFont(theme.text_font("body"))
        self.result.setFont(theme.code_font("head", bold=True))
        self.verdict.setFont(theme.text_font("body"))
        self.cause.setFont(theme.text_font("body"))
        self.step.setFont(theme.text_font("body"))
        self.formula.apply_theme(theme)
        self.terms.apply_theme(theme)
        self.threads.apply_theme(theme)
        self._color(self.cause, "alarm")
        if self._body is not None:
            self._show_result(self._body)


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
    # What is given, not measured, has no digits to fill up: "step 3", "lr 1e-04".
    return trimmed(format_number(value)) if isinstance(value, (int, float)) else str(value)


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

