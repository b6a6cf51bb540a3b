"""The line at the bottom: what the script does, where it computes, how fast, and how much of its past is kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from gui.actions import SPECS, shown_key
from gui.context import Context
from gui.numbers import format_bytes, format_count, format_number, plural
from gui.panels.panel import ElidedLabel
from gui.steps import step_number
from gui.timers import COUNTING, Paced

#: Seed of a generator that nobody seeded (PyTorch's).
_UNSEEDED = 67280421310721

_MEGABYTE = 2**20

#: Pixels between the parts of the line, and what stands between the figures.
_GAP = 8
_BETWEEN = "  ·  "

#: Pixels of the line at a text size of 100 %: a message of one line lies over it, with its buttons.
_HEIGHT = 26

#: Pixels of the dot that shows the state's colour.
_DOT = 9

#: What a step of a level is called where it is not the level itself: an element is stepped through line by line.
_STEPPED = {"element": "line of it"}

#: Reasons of stops whose description names the place, and why a condition could not be asked.
_AT_BREAKPOINT = ("breakpoint", "op breakpoint", "module breakpoint")

#: Characters of what an exception says that are shown.
_LONGEST = 300


class Dot(QWidget):
    """A dot in the colour of the state, hollow where nothing is open. Painted: a style sheet for each colour takes long."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[QColor, bool, QColor] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_state(self, color: QColor, full: bool, ground: QColor) -> None:
        """Be of this colour, on this ground."""
        if self._shown != (color, full, ground):
            self._shown = QColor(color), full, QColor(ground)
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if self._shown is None:
            return
        color, full, ground = self._shown
        painter = QPainter(self)
        painter.fillRect(self.rect(), ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(color, 1.2))
        painter.setBrush(color if full else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()


class StatusLine(QWidget):
    """State, place and figures at the left; at the right what a newcomer may press."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._state = context.state
        #: What the engine process, or the window, is doing that may take long; "" for nothing.
        self._starting = self._working = ""
        self.setObjectName("status-line")
        self._dot = Dot()
        self._hinted = True
        #: Pixels at the right that something else lies over.
        self._left = 0
        self.state = ElidedLabel()
        self.state.setAccessibleName("State of the script")
        self.hint = QLabel()
        self.hint.setObjectName("status")
        self.hint.setAccessibleName("What to press")
        self._busy = QProgressBar()
        self._busy.setRange(0, 0)
        self._busy.setTextVisible(False)
        self._busy.setFixedWidth(96)
        self._busy.setAccessibleName("Under way")
        self._busy.hide()
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(_GAP, 3, _GAP, 3)
        layout.setSpacing(_GAP)
        for widget, stretch in ((self._dot, 0), (self.state, 1), (self._busy, 0), (self.hint, 0)):
            layout.addWidget(widget, stretch)
        context.link.starting.connect(self._started)
        context.link.working.connect(self._works)
        context.theme_changed.connect(self.apply_theme)
        self._paced = Paced(self, COUNTING, self._show)
        self._state.subscribe(("stop", "running", "runs", "level", "restoring", "scrubbing", "program"), self._follow)
        self._state.subscribe("progress", self._paced.call)
        self.apply_theme()

    def apply_theme(self) -> None:
        """Take on the theme's fonts and colours."""
        for label in (self.state, self.hint):
            label.setFont(self._context.theme.text_font("small"))
        # What lies over the line must not keep the window from becoming narrower.
        self.setMinimumSize(1, self._context.theme.row(_HEIGHT))
        self._dot.setFixedSize(self._context.theme.space(_DOT), self._context.theme.space(_DOT))
        self.state.set_ground(self._context.theme.paper)
        self._show()

    def leave(self, pixels: int) -> None:
        """Leave so much at the right to what lies over it."""
        if pixels != self._left:
            self._left = pixels
            self._row.setContentsMargins(_GAP, 3, _GAP + pixels, 3)
            self._show()
            self._row.activate()

    def _started(self, what: str) -> None:
        self._starting = what
        self._show_busy()

    def _works(self, what: str) -> None:
        self._working = what
        self._show_busy()

    def _show_busy(self) -> None:
        self._busy.setVisible(bool(self._starting or self._working))
        self._show()

    def _follow(self) -> None:
        self._paced.call(at_once=not self._state.scrubbing)

    def _show(self) -> None:
        kind, text = self._words()
        theme = self._context.theme
        color = {"alarm": theme.phase["alarm"], "idle": theme.muted}.get(kind) or theme.phase.get(kind, theme.accent)
        self._dot.show_state(color, kind != "idle", theme.paper)
        self.hint.setText(self._hint())
        self._say(text, self._figures())

    def _say(self, text: str, figures: list[str]) -> None:
        """What has happened, and as many of the figures as have room. What may be pressed has a third of the line, or is
        not shown; nor is it where what has happened needs its room.
        """
        wide = self.state.fontMetrics().horizontalAdvance
        busy = self._busy.width() + _GAP if self._starting or self._working else 0
        room = self.width() - 3 * _GAP - 2 - self._dot.width() - busy - self._left
        hint = self.hint.sizeHint().width() + _GAP
        hinted = bool(self.hint.text()) and not self._left and hint < self.width() / 3 and wide(text) + hint <= room
        if hinted != self._hinted:
            self._hinted = hinted
            self.hint.setVisible(hinted)
        room -= hint if hinted else 0
        parts = [text, *figures]
        shown = next((some for n in range(len(parts), 0, -1) if wide(some := _BETWEEN.join(parts[:n])) <= room), "")
        self.state.set_text(_BETWEEN.join(parts), brief=shown)

    def _figures(self) -> list[str]:
        """Step, loss and speed, device and threads, history, seed, as far as they are known; the last are left out first."""
        running = self._state.running
        source = self._state.progress if running else self._state.stop
        if self._starting or not source:
            return []
        found = []
        if running or source.get("step") or source.get("direction"):
            found.append(f"step {format_count(step_number(source))}")
        # Before the first backward() the loss is NaN because there is none.
        if running and source.get("loss") is not None and (source.get("step") or source["loss"] == source["loss"]):
            found.append(f"loss {format_number(source['loss'])}")
        if running and source.get("stepsPerSecond"):
            rate = source["stepsPerSecond"]
            found.append(f"{format_count(rate) if rate >= 10 else f'{rate:.1f}'} steps/s")
        if source.get("threads"):
            device, count = source.get("device", "cpu"), source["threads"]
            found.append(f"cpu {count} {plural(count, 'thread')}" if device == "cpu" else device)
        if source.get("historyBytes") and source.get("historyBudget"):
            kept, budget = source["historyBytes"], source["historyBudget"]
            whole = kept >= _MEGABYTE
            found.append(f"history {f'{kept / _MEGABYTE:.0f}' if whole else format_bytes(kept)} of {format_bytes(budget)}")
        if source.get("seed") is not None and not running:  # while it runs only that of the stop before is known
            found.append("no seed" if source["seed"] == _UNSEEDED else f"seed {source['seed']}")
        return found

    def _hint(self) -> str:
        """What to press, for who is new here."""
        if self._starting:
            return ""
        if self._state.stop is None and not self._state.running:
            begins = self._state.program is not None and not self._state.restoring
            return f"{_key('restart')} restarts it" if begins else ""
        ended = (self._state.stop or {}).get("kind") == "end"
        wanted = (("pause", "pauses"),) if self._state.running else (
            ("back", "steps back"), *([("restart", "restarts it")] if self._state.launched else ()), ("keys", "all keys"),
        ) if ended else (
            ("over", f"steps one {_STEPPED.get(self._state.level, self._state.level)}"), ("into", "steps into it"),
            ("keys", "all keys"),
        )  # fmt: skip
        return "   ".join(f"{_key(name)} {what}" for name, what in wanted)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._show()

    def _words(self) -> tuple[str, str]:
        """A phase, "alarm" or "idle", and what there is to say."""
        stop, run = self._state.stop, self._state.current_run
        if self._starting:
            return "idle", f"{self._starting} …"
        if self._working:
            return "accent", f"{self._working} …"
        if self._state.restoring:
            return "idle", "shown from the session's file, not replayed"
        if run.get("state") == "lost":
            return "alarm", "the engine process is gone"
        if run.get("state") == "ended" and self._state.program is None:
            return "idle", "the process has come to its end"  # it was attached to; what it showed last stays
        if self._state.running:
            progress = self._state.progress
            if kernel := progress.get("compiling"):
                return "accent", f"compiling {kernel} (once; kept for later runs)"
            if progress.get("batch", -1) < 0:
                return "accent", "running"
            of = f" of {progress['batches']}" if progress.get("batches") else ""
            return "accent", f"running in epoch {progress['epoch']}, batch {progress['batch'] + 1}{of}"
        if stop is None and self._state.program is not None:
            return "idle", "the script does not run"  # it could not begin, or was ended
        if stop is None:
            return "idle", "no script is open"
        phase = self._context.theme.direction(stop) if stop.get("direction") else "accent"
        where = "stopped" if stop.get("live", True) else "in the past"
        if stop.get("reason") == "exception":
            # An exception may carry a whole file; the message bar says more of it.
            return "alarm", f"stopped at an exception: {stop.get('text') or stop.get('description', '')}"[:_LONGEST]
        if stop.get("reason") in ("end", "exited"):
            return "idle", str(stop.get("description") or "the script has ended")
        if stop.get("reason") == "data breakpoint":
            found = str(stop.get("text") or stop.get("description") or "a watchpoint").partition(";")[0]
            # Between ops the stop is described by what was found; its place is the line then.
            place = place_of(stop)
            place = f"line {stop['line']}" if found in place and stop.get("line") else place
            return "alarm", f"{where} at {place}: {found}"
        if stop.get("reason") in _AT_BREAKPOINT and (said := str(stop.get("description") or "")):
            failed = ": its condition " in said
            return "alarm" if failed else phase, f"{where} at the {said[:1].lower()}{said[1:]}"[:_LONGEST]
        reason = "" if stop.get("reason") in ("step", "entry", "goto", "replay", None) else f" ({stop['reason']})"
        return phase, f"{where} at {place_of(stop)}{reason}"


@lru_cache(maxsize=16)
def _key(action: str) -> str:
    return shown_key(SPECS[action].keys[0])


def place_of(stop: dict[str, Any]) -> str:
    """A stop in few words: ``conv2 backward``, ``line 86``."""
    if stop.get("level") == "op" and stop.get("direction"):
        op, module = str(stop.get("op") or ""), str(stop.get("module") or "")
        return f"{module or op} {stop['direction']}" + (f" ({op})" if module and op and op != module else "")
    if stop.get("level") == "element" and stop.get("direction"):
        index = ", ".join(map(str, stop.get("index") or ()))
        return f"{stop.get('tensor')}[{index}] of {stop.get('module') or stop.get('op')} {stop['direction']}"
    if stop.get("kind") == "batch" and stop.get("batch", -1) >= 0:
        of = f" of {stop['batches']}" if stop.get("batches") else ""
        return f"batch {stop['batch'] + 1}{of}"
    return str(stop.get("description", ""))
