"""What the diagnoses have found: cause, evidence, place, what to do, and a fork in which that is done."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCheckBox, QDockWidget, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from gui.context import Context
from gui.findings import fault_of, newest
from gui.numbers import plural
from gui.panels.diagnostics_card import FindingCard
from gui.panels.panel import Panel
from gui.theme import Theme

SEVERITIES = ("error", "warning", "hint")
_NOTHING = (
    "Nothing found so far.\n\nAt each backward() and step() the diagnoses look for dead units, vanishing and exploding "
    "gradients, NaN, a wrong learning rate, forgotten zero_grad and more. Run on (F5); what they find is listed here."
)
_BROKEN = (
    "NaN or infinity was made here.",
    "Step on to the backward() of this pass, or run on (F5): then the cause is looked for, and listed here.",
)

_OFF = "The diagnoses are off. Tick Watch to have them look at every step."


class DiagnosticsPanel(Panel):
    """One card a finding, the gravest first."""

    key = "diagnostics"
    title = "Diagnostics"
    area = "right-bottom"
    trails = True
    empty_text = "Faults of the training are named here, with cause and evidence.\n\nOpen a script (Ctrl+O) and run it (F5)."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._asked = False
        #: Run, step and position at which a watchpoint has found NaN or infinity last.
        self._made: tuple[Any, Any, list[int]] | None = None
        self.enabled = QCheckBox("Watch")
        self.enabled.setChecked(True)
        self.enabled.setAccessibleName("Watch the training for faults")
        self.enabled.setToolTip("Look for faults at every step; costs some time while running")
        self.enabled.toggled.connect(self._switch)
        self.head.add_control(self.enabled)
        body = QWidget()
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(12, 4, 12, 12)
        self._column.setSpacing(0)
        #: What is said over findings that are older than the NaN at which the script stands.
        self.note = QLabel(" ".join(_BROKEN))
        self.note.setWordWrap(True)
        self.note.setAccessibleName("Note")
        self.note.setContentsMargins(0, 0, 0, 8)
        self.note.hide()
        self._column.addWidget(self.note)
        self._column.addStretch(1)
        self.cards_area = QScrollArea()
        self.cards_area.setWidgetResizable(True)
        self.cards_area.setFrameShape(QFrame.Shape.NoFrame)
        self.cards_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.cards_area.setWidget(body)
        body.setAutoFillBackground(False)
        self.set_content(self.cards_area)
        self.cards: dict[tuple, FindingCard] = {}
        self.state.subscribe(("findings", "kept_findings", "runs"), self._findings_changed)
        self.state.subscribe("stop", self._begin)

    # ---- asking ----

    def _begin(self) -> None:
        """At the first stop, seen or not: what goes wrong is noticed also while nobody looks at this panel."""
        if not self._asked and self.state.stop is not None:
            self._asked = True
            self._switch(self.enabled.isChecked())

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        if self.enabled.isChecked():
            self.ask("findings", "diagnostics", {}, self._received)
        self._show()
        for card in self.cards.values():
            card.show_stop()

    def _switch(self, on: bool) -> None:
        self.context.link.configure("diagnostics", {"enabled": on}, self._received)

    def _received(self, body: dict[str, Any]) -> None:
        if body.get("enabled"):
            self.state.update(findings=[*self.state.kept_findings, *body["findings"]])
        self._show()

    def _findings_changed(self) -> None:
        self._count()
        if self.isVisible() and self.state.stop is not None:
            self._show()

    def _count(self) -> None:
        """Say in the tab how many faults were found: also while the panel is hidden, and while the script runs."""
        count = len(self.findings())
        dock = self.parentWidget()
        while dock is not None and not isinstance(dock, QDockWidget):
            dock = dock.parentWidget()
        if dock is not None:
            dock.setWindowTitle(f"{self.title} {count}" if count else self.title)

    def show_running(self) -> None:
        self._show()

    # ---- showing ----

    def findings(self) -> list[dict[str, Any]]:
        """The newest finding of each fault, the gravest first."""
        rank = {severity: i for i, severity in enumerate(SEVERITIES)}
        return sorted(newest(self.state.findings), key=lambda finding: rank.get(finding["severity"], len(rank)))

    def _show(self) -> None:
        findings = self.findings()
        wanted = [fault_of(finding) for finding in findings]
        for key in [key for key in self.cards if key not in wanted]:
            card = self.cards.pop(key)
            if card.hasFocus() or any(child.hasFocus() for child in card.findChildren(QWidget)):
                self.enabled.setFocus()  # a trial was begun there; Qt would give it to the toolbar
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        for i, finding in enumerate(findings):
            card = self.cards.get(wanted[i])
            if card is None:
                card = self.cards[wanted[i]] = FindingCard(self.context)
            card.show_finding(finding, first=i == 0)
            if self._column.indexOf(card) != i + 1:  # the note is first
                self._column.removeWidget(card)
                self._column.insertWidget(i + 1, card)
        counts = [(s, sum(f["severity"] == s for f in findings)) for s in SEVERITIES]
        self.head.set_subject(" · ".join(f"{n} {plural(n, s)}" for s, n in counts if n))
        broken = self._broken() and self.enabled.isChecked()
        self.note.setVisible(broken and not self._explained(findings))
        if findings:
            self.show_content()
        else:
            self.show_empty(_OFF if not self.enabled.isChecked() else "\n\n".join(_BROKEN) if broken else _NOTHING)

    def _explained(self, findings: list[dict[str, Any]]) -> bool:
        """Whether the cause of NaN or infinity in this step is among the findings."""
        step = (self.state.stop or {}).get("step")
        return any(f["id"] == "non-finite" and f["place"].get("step") == step for f in findings)

    def _broken(self) -> bool:
        """Whether the window shows what lies behind where a watchpoint has found NaN or infinity, in a step that no
        diagnosis has judged yet.
        """
        stop, run = self.state.stop or {}, self.state.current_run.get("number")
        told = str(stop.get("description", ""))
        # What came in through an input was made, and judged, before.
        found = told.startswith(("NaN in ", "Infinity in ", "-Infinity in ")) and "it came in through" not in told
        if stop.get("reason") == "data breakpoint" and not stop.get("again") and found:
            self._made = run, stop.get("step"), stop.get("position") or []
        if self._made is None or self.state.running:
            return False
        *made, position = self._made
        return made == [run, stop.get("step")] and (stop.get("position") or []) >= position

    def apply_theme(self, theme: Theme) -> None:
        self.enabled.setFont(theme.text_font("small"))
        self.note.setFont(theme.text_font())
        for card in self.cards.values():
            card.apply_theme(theme)

    def save(self) -> dict[str, Any]:
        return {"watch": self.enabled.isChecked()}

    def restore(self, saved: dict[str, Any]) -> None:
        if isinstance(saved.get("watch"), bool):
            self.enabled.blockSignals(True)
            self.enabled.setChecked(saved["watch"])
            self.enabled.blockSignals(False)


PANEL = DiagnosticsPanel
