"""A finding of the diagnoses as a card: cause, evidence, place, what to do, and a fork in which that is done."""

from __future__ import annotations

import html
import os
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent, QTextOption, QWheelEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui.context import Context
from gui.icons import icon
from gui.places import places_of
from gui.state import follow
from gui.steps import step_number
from gui.theme import Theme

_ICONS = {"error": "error", "warning": "warning", "hint": "info"}


#: Lines of code that are shown at once.
_MOST_LINES = 8


class _Code(QPlainTextEdit):
    """Code that the wheel scrolls where it is longer than it is high; else it scrolls what the code stands in."""

    whole = True

    def wheelEvent(self, e: QWheelEvent | None) -> None:
        if e is not None and self.whole:
            e.ignore()
        else:
            super().wheelEvent(e)


class FindingCard(QFrame):
    """One finding."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.finding: dict[str, Any] = {}
        self.line = QWidget()
        self.line.setObjectName("toolbar-line")
        self.line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.line.setFixedHeight(1)
        self.mark = QLabel()
        self.title = _text("Fault")
        self.cause = _text("Cause")
        self.sentence = _text("Evidence")
        self.suggestion = _text("What to do")
        self.place = QPushButton()
        self.place.setObjectName("link")
        self.place.setAccessibleName("Place of the fault")
        self.place.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.place.setMinimumWidth(1)
        self._place = ""
        #: The event that the place's link leads to, and the array there; None while it leads nowhere.
        self._goal: tuple[int | None, str | None] = (None, None)
        self.place.clicked.connect(self._jump)
        self.code = _Code()
        self.code.setAccessibleName("Code of the trial")
        self.code.setToolTip("What is run in the fork; change it to fit the names of your script")
        self.code.setTabChangesFocus(True)
        self.code.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.code.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.attempt = QPushButton("Try it in a fork")
        self.attempt.setAccessibleName("Try it in a fork")
        self.attempt.setToolTip("Fork the run here and run this code there; the run as it was stays beside it, to compare")
        self.attempt.clicked.connect(self._try)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.title, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(6)
        layout.addWidget(self.line)
        layout.addSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self.place)
        for widget in (self.sentence, self.cause, self.suggestion, self.code):
            layout.addWidget(widget)
        layout.addWidget(self.attempt, 0, Qt.AlignmentFlag.AlignLeft)
        self.apply_theme(context.theme)

    def show_finding(self, finding: dict[str, Any], first: bool) -> None:
        """Show a finding; what the user has changed in its code stays."""
        self.line.setVisible(not first)
        if finding == self.finding:
            return
        new_code = finding.get("what_if") != self.finding.get("what_if")
        self.finding = finding
        self.setAccessibleName(f"{finding['severity']}: {finding['title']}")
        self.title.setText(finding["title"])
        self.sentence.setText(finding["sentence"])
        evidence = "\n".join(f"{name} = {value}" for name, value in finding.get("evidence", {}).items())
        source = f"\n\nThreshold from: {finding['source']}" if finding.get("source") else ""
        self.sentence.setToolTip(_plain(evidence + source))
        self.cause.setText(finding["cause"])
        self.suggestion.setText(finding["suggestion"])
        self._place, tip = _place(finding["place"])
        self.place.setToolTip(f"{self._place}<br>{tip}" if tip else self._place)
        self.place.setVisible(bool(self._place))
        code = finding.get("what_if")
        if new_code:
            self.code.setPlainText(code or "")
        self.code.setVisible(bool(code))
        self.attempt.setVisible(bool(code))
        self.apply_theme(self._context.theme)

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        severity = self.finding.get("severity", "hint")
        side = theme.space(16)
        self.mark.setPixmap(icon(_ICONS.get(severity, "info"), theme).pixmap(side, side))
        self.mark.setToolTip(severity)
        self.title.setFont(theme.text_font("body", bold=True))
        self.sentence.setFont(theme.text_font())
        self.cause.setFont(theme.text_font())
        self.cause.setStyleSheet(f"color: {theme.muted.name()};")
        self.suggestion.setFont(theme.text_font())
        self.place.setFont(theme.code_font("small"))
        self.code.setFont(theme.code_font())
        self.code.setStyleSheet(f"QPlainTextEdit {{ background: {theme.paper.name()}; border-radius: 6px; padding: 4px; }}")
        self._fit_code()
        self._fit_place()

    def _fit_code(self) -> None:
        """Make the code as high as its lines are where they break between words."""
        metrics = self.code.fontMetrics()
        columns = max(10, (self.width() - 24) // max(1, metrics.horizontalAdvance("m")))
        lines = sum(lines_of(line, columns) for line in self.code.toPlainText().split("\n"))
        self.code.setFixedHeight(metrics.lineSpacing() * min(lines, _MOST_LINES) + 20)
        self.code.whole = lines <= _MOST_LINES

    def _fit_place(self) -> None:
        """Cut the middle of a place that is wider than the card, rather than everything at the right."""
        room = max(40, self.width() - 16)
        self.place.setText(self.place.fontMetrics().elidedText(self._place, Qt.TextElideMode.ElideMiddle, room))

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self._fit_code()
        self._fit_place()

    def _jump(self) -> None:
        """Go to the op in time, where the history has it, and show its line."""
        place, link = self.finding["place"], self._context.link
        if place.get("file"):
            places_of(self._context).show_line(place["file"], int(place["line"]))
            link.ask("finding", "locateFinding", {"finding": self.finding}, self._located)
        elif place.get("parameter"):
            self._context.state.select(expression=place["parameter"], label=place["parameter"], module=place.get("module"))
            self._context.want_panel("tensor")

    def _located(self, body: dict[str, Any]) -> None:
        stop, step = self._context.state.stop or {}, step_number(self.finding["place"])
        if body["event"] is None:
            if self._context.state.current_run.get("replayable", True):
                self._context.link.ask("finding", "locate", {"step": step}, self._replay)
            else:
                self._forgotten()
            return
        self._goal = body["event"], body.get("tensor")
        if stop.get("seq") == body["event"]:
            self.show_stop()
        else:
            self._context.link.move("goto", seq=body["event"])

    def _replay(self, body: dict[str, Any]) -> None:
        """What is remembered there then leads to the op."""
        step = step_number(self.finding["place"])
        if body["position"] is None:
            self._forgotten()
            return
        self._context.say(f"Replaying up to the end of step {step:,}, which is not remembered any more: choose the place "
                          "again there, and it leads to the op.")  # fmt: skip
        self._context.link.move("goto", position=body["position"])

    def _forgotten(self) -> None:
        self._context.say("What was computed there is not remembered any more, and no replay leads there: restart the "
                          "script to see it again.")  # fmt: skip

    def show_stop(self) -> None:
        """The script stands elsewhere; where the finding shows, the element that it speaks of is selected."""
        state, (event, tensor) = self._context.state, self._goal
        self._goal = None, None
        evidence, stop = self.finding.get("evidence", {}), state.stop or {}
        if event is None or tensor is None or stop.get("seq") != event:
            return
        # As where a watchpoint has stopped.
        seen = {"tensor": tensor, "index": evidence.get("index"), "sample": evidence.get("row")}
        state.update(selection=follow(state.selection, {**stop, **seen}))

    def _try(self) -> None:
        code = self.code.toPlainText().strip()
        if code:
            edits = [{"kind": "exec", "code": code}]
            self._context.link.fork(edits, f"try: {self.finding['title']}", step=self._begin())

    def _begin(self) -> int | None:
        """After how many steps the fork begins; None: where the run stands."""
        begins, stop = self.finding.get("begins"), self._context.state.stop or {}
        if begins is None and stop.get("reason") in ("end", "exited"):
            return self.finding["place"].get("step")  # the names that the code needs are gone by now
        return begins


def lines_of(text: str, columns: int) -> int:
    """How many lines a text takes that breaks between words, and inside of those only that are wider than a line."""
    lines, used = 1, 0
    for word in text.split(" "):
        wide = len(word) + (1 if used else 0)
        if used and used + wide > columns:
            lines, used, wide = lines + 1, 0, len(word)
        lines += max(0, (used + wide - 1) // columns)
        used = used + wide if used + wide <= columns else (used + wide - 1) % columns + 1
    return lines


def _place(place: dict[str, Any]) -> tuple[str, str]:
    parts = [place[name] for name in ("module", "op", "parameter") if place.get(name)]
    if place.get("file"):
        parts.append(f"{os.path.basename(place['file'])}:{place['line']}")
    where = " · ".join(map(str, parts))
    tip = "Select the parameter" if place.get("parameter") else ""
    tip = "Go there in time, as far as it is remembered, and show the line" if place.get("file") else tip
    return (f"{where} · step {step_number(place):,}" if where else ""), tip


def _text(name: str) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setAccessibleName(name)
    label.setMinimumWidth(1)
    return label


def _plain(text: str) -> str:
    """Text for a tooltip, which would take some of it for HTML."""
    return f"<span style='white-space: pre-wrap'>{html.escape(text.strip())}</span>" if text.strip() else ""
