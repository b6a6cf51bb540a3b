"""The line at the bottom: what the script does, how fast, and how much of its past is kept."""

from __future__ import annotations

import time
from typing import Any

from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from gui.context import Context
from gui.numbers import format_bytes, format_count, format_number
from gui.panels.panel import ElidedLabel
from gui.timers import repeating

#: Milliseconds between two looks at the engine while it runs.
_ASK = 1000


class StatusLine(QWidget):
    """State and place at the left, the figures at the right."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._state = context.state
        self._starting = ""
        self._marks: list[tuple[float, int]] = []
        self._rate = 0.0
        self._history = ""
        self.state = ElidedLabel()
        self.state.setAccessibleName("State of the script")
        self.figures = QLabel()
        self.figures.setObjectName("status")
        self.figures.setAccessibleName("Speed and history")
        self._dot = QLabel()
        self._busy = QProgressBar()
        self._busy.setRange(0, 0)
        self._busy.setTextVisible(False)
        self._busy.setFixedWidth(96)
        self._busy.setAccessibleName("The engine process is starting")
        self._busy.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 3, 8, 3)
        layout.setSpacing(8)
        for widget, stretch in ((self._dot, 0), (self.state, 1), (self._busy, 0), (self.figures, 0)):
            layout.addWidget(widget, stretch)
        self._timer = repeating(self, _ASK, self._ask)
        context.link.starting.connect(self._started)
        context.theme_changed.connect(self.apply_theme)
        self._state.subscribe(("stop", "running", "runs"), self._changed)
        self._state.subscribe("progress", self._progressed)
        self.apply_theme()

    def apply_theme(self) -> None:
        """Take on the theme's fonts and colours."""
        theme = self._context.theme
        for label in (self.state, self.figures):
            label.setFont(theme.text_font("small"))
        self._show()

    def _started(self, what: str) -> None:
        self._starting = what
        self._busy.setVisible(bool(what))
        self._show()

    def _changed(self) -> None:
        if self._state.running:
            self._marks.clear()
            self._timer.start()
        else:
            self._timer.stop()
            if self._state.stop is None:
                self._history, self._rate = "", 0.0
            else:
                self._ask()
        self._show()

    def _progressed(self) -> None:
        now, step = time.monotonic(), int(self._state.progress.get("step", 0))
        self._marks = [mark for mark in self._marks if now - mark[0] < 2.0]
        self._marks.append((now, step))
        first = self._marks[0]
        if now - first[0] > 0.3:
            self._rate = (step - first[1]) / (now - first[0])
        self._show()

    def _ask(self) -> None:
        self._context.link.ask(("status", "history"), "status", {}, self._answered, lambda _: None)

    def _answered(self, body: dict[str, Any]) -> None:
        if "historyBytes" in body:
            events = body.get("historyEvents", 0)
            self._history = f"history {format_bytes(body['historyBytes'])}, {format_count(events)} events"
        self._show()

    def _show(self) -> None:
        kind, text = self._words()
        theme = self._context.theme
        color = {"alarm": theme.phase["alarm"], "idle": theme.muted}.get(kind) or theme.phase.get(kind, theme.accent)
        self._dot.setText("●" if kind != "idle" else "○")
        self._dot.setStyleSheet(f"color: {color.name()}")
        self.state.setText(text)
        figures = []
        if self._state.stop is not None or self._state.running:
            source = self._state.progress if self._state.running else self._state.stop or {}
            figures.append(f"step {format_count(source.get('step') or 0)}")
            loss = self._state.progress.get("loss")
            if self._state.running and loss is not None:
                figures.append(f"loss {format_number(loss)}")
            if self._rate > 0:
                figures.append(f"{format_count(self._rate) if self._rate >= 10 else f'{self._rate:.1f}'} steps/s")
            if self._history:
                figures.append(self._history)
        self.figures.setText("  ·  ".join(figures))

    def _words(self) -> tuple[str, str]:
        """A phase, "alarm" or "idle", and what there is to say."""
        stop, run = self._state.stop, next((run for run in self._state.runs if run["current"]), {})
        if self._starting:
            return "idle", f"{self._starting} …"
        if run.get("state") == "lost":
            return "alarm", "the engine process is gone"
        if self._state.running:
            progress = self._state.progress
            place = f" in epoch {progress['epoch']}, batch {progress['batch']}" if progress.get("batch", -1) >= 0 else ""
            return "accent", "running" + place
        if stop is None:
            return "idle", "no script is open"
        phase = self._context.theme.direction(stop) if stop.get("direction") else "accent"
        if stop.get("reason") == "exception":
            return "alarm", f"stopped at an exception: {stop.get('text') or stop.get('description', '')}"
        if stop.get("reason") in ("end", "exited"):
            return "idle", str(stop.get("description") or "the script has ended")
        where = "in the past" if not stop.get("live", True) else "stopped"
        reason = "" if stop.get("reason") in ("step", "entry", "goto", "replay", None) else f" ({stop['reason']})"
        return phase, f"{where} at {stop.get('description', '')}{reason}"
