"""The strip: one column of pixels for each event or several, the marks, the cursor, and travelling by mouse and keys."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtCore import QEvent, QSize, Qt
from PyQt6.QtGui import QHelpEvent, QPaintEngine, QPainter, QPixmap
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.theme import Theme
from gui.timeline.ahead import ahead, paint_ahead
from gui.timeline.marks import Events
from gui.timeline.paint import column, gutter, least_height, paint_cursor, paint_strip

#: Pixels for what lies before the first event that is remembered, and events that are shown at the largest zoom.
_BEFORE = 112.0
_FEWEST = 12.0
#: Pixels at the right of the newest event.
_AFTER = 8.0
#: Pixels from a mark within which the pointer means it.
_NEAR = 6

#: Pixels within which a pointer finds what the lanes show, rather than a line or a call between two ops.
_REACH = 4


class StripView(QWidget):
    """What is drawn, and where: events as columns of pixels. All but the cursor is drawn once and kept.

    Attributes:
        cursor: number of the event at the cursor. live: whether the script stands there.
        running: while the script runs, how many steps it has done; None where it stands.
        replayable: whether what lies before the window can be gone to, by a replay.
        far: of what lies before the window the step that is pointed at.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        # It paints all of itself: what lies under it need not be.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        self.theme = theme
        self.events = Events()
        self.cursor: int | None = None
        self.live = True
        self.running: int | None = None
        self.replayable = True
        self.far: int | None = None
        self.forks: list[tuple[int, str]] = []
        self.hits: list[int] = []
        self.alarms: list[tuple[int, str]] = []
        # Number of the event at the left edge, events across; None: all of them.
        self._start = 0.0
        self._span: float | None = None
        self._dragging = False
        self._picture: tuple[tuple, QPixmap] | None = None
        self._marked = 0
        #: Of the events, as they are shown.
        self._version = -1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(400, self.theme.space(72))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, least_height(self.theme))

    # ---- what is shown ----

    def show_events(self, events: Events, cursor: int | None, live: bool) -> None:
        """Show these, with the cursor at an event; the strip follows a cursor that leaves it."""
        moved = cursor != self.cursor
        before = self._told()
        self.events, self.cursor, self.live = events, cursor, live
        if moved and cursor is not None and self._span is not None and not self._dragging:
            start, span = self.shown()
            if not start <= cursor < start + span:
                # A quarter before it stays in view.
                self._start = cursor - span * (0.75 if cursor >= start + span else 0.25)
        self._keep_inside()
        self._version = events.version
        if self._told() != before:
            self.update()

    def _told(self) -> tuple[Any, ...]:
        """What the picture of the events and the cursor depends on."""
        return id(self.events), self._version, self.cursor, self.live, self.shown()

    def show_marks(self, forks: list[tuple[int, str]], hits: list[int], alarms: list[tuple[int, str]]) -> None:
        """Mark forks (with the run's name), lines with a breakpoint, and findings (with their titles)."""
        if (forks, hits, alarms) != (self.forks, self.hits, self.alarms):
            self.forks, self.hits, self.alarms = forks, hits, alarms
            self._marked += 1
            self.update()

    def set_replayable(self, on: bool) -> None:
        """Whether the run can be replayed: not that of a process that was joined."""
        if on != self.replayable:
            self.replayable = on
            self._marked += 1
            self.update()

    def run_on(self, step: int | None) -> None:
        """The script runs, and has done so many steps; None: it stands."""
        if step != self.running:
            self.running = step
            self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Take on another theme."""
        self.theme = theme
        self._picture = None
        self.updateGeometry()
        self.update()

    # ---- geometry ----

    def before(self) -> float:
        """Pixels for what is no longer remembered."""
        return 0.0 if self.events.complete or self.events.first is None else min(_BEFORE, self.width() / 4)

    def left(self) -> float:
        """Where the events begin."""
        return gutter(self.theme) + self.before()

    def _wide(self) -> float:
        """Pixels for the events; a little is left for the cursor at the newest one."""
        return max(1.0, self.width() - self.left() - max(_AFTER, ahead(self)))

    def _all(self) -> tuple[float, float]:
        first = float(self.events.first or 0)
        return first, max(_FEWEST, self.events.next - first)

    def shown(self) -> tuple[float, float]:
        """(first event at the left, events across)."""
        return self._all() if self._span is None else (self._start, self._span)

    def _keep_inside(self) -> None:
        if self._span is None:
            return
        first, count = self._all()
        if self._span >= count:
            self._span = None
        else:
            self._start = min(max(self._start, first), first + count - self._span)

    def x_of(self, seq: float) -> float:
        """Where an event's column begins."""
        start, span = self.shown()
        return self.left() + (seq - start) / span * self._wide()

    def seq_at(self, x: float) -> int | None:
        """The event at a pixel; None left of what is remembered."""
        left = self.left()
        if self.events.first is None or (x < left and not self._dragging):
            return None
        start, span = self.shown()
        across = span / self._wide()
        seq = math.floor(start + (max(x, left) - left) * across)
        return self.events.drawn_near(max(self.events.first, min(self.events.next - 1, seq)), math.floor(_REACH * across))

    def step_before(self, x: float) -> int | None:
        """The step at a pixel before what is remembered; None elsewhere, and where no replay leads there."""
        left, wide = gutter(self.theme), self.before()
        if not wide or not self.replayable or not left <= x < left + wide - 4:
            return None
        return round((x - left) / (wide - 5) * self.events.step_at(self.events.first))

    def x_before(self, step: int) -> float:
        """Where a step before what is remembered stands."""
        steps = max(1, self.events.step_at(self.events.first))
        return gutter(self.theme) + (self.before() - 5) * min(step, steps) / steps

    def fit(self) -> None:
        """Show all events."""
        self._span = None
        self.update()

    def span_shown(self) -> float | None:
        """Events across; None for all."""
        return self._span

    def set_span(self, span: float) -> None:
        """Show so many events."""
        self._start = self.shown()[0]
        self._span = max(_FEWEST, span)
        self._keep_inside()
        self.update()

    def move_by(self, events: float) -> None:
        """Show what lies so many events later."""
        if self._span is not None:
            self._start += events
            self._keep_inside()
            self.update()

    def zoom_by(self, factor: float, x: float | None = None) -> None:
        """Show ``1 / factor`` times as many events, with the one at ``x`` (the cursor's without one) staying there."""
        start, span = self.shown()
        if x is None:
            x = self.x_of(self.cursor) if self.cursor is not None else self.width() / 2
        share = min(1.0, max(0.0, (x - self.left()) / self._wide()))
        new = max(_FEWEST, span / factor)
        self._start, self._span = start + share * (span - new), new
        self._keep_inside()
        self.update()

    # ---- painting ----

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        engine = painter.paintEngine()
        if engine is not None and engine.type() not in (QPaintEngine.Type.Raster, QPaintEngine.Type.X11):
            paint_strip(painter, self)  # as vectors: for SVG
        else:
            painter.drawPixmap(0, 0, self.picture())
        if self.running is None:
            paint_cursor(painter, self)
        else:
            paint_ahead(painter, self)
        painter.end()

    def picture(self) -> QPixmap:
        """Everything but the cursor; drawn when it has changed."""
        ratio = self.devicePixelRatioF()
        size = self._wide(), self.width(), self.height(), ratio
        key = (id(self.events), self.events.version, self.shown(), self._marked, *size)
        if self._picture is None or self._picture[0] != key:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            painter = QPainter(pixmap)
            paint_strip(painter, self)
            painter.end()
            self._picture = key, pixmap
        return self._picture[1]

    # ---- words ----

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.hint(event.pos().x()), self)
            return True
        return super().event(event)

    def hint(self, x: float) -> str:
        """What a hint says at a pixel."""
        if self.running is not None and x >= self.left() + self._wide():
            return "The script runs. Pause it (F6): the strip then shows the events that are recorded from there on."
        step = self.step_before(x)
        if step is not None:
            return f"Step {step:,}, before what this process remembers. Click to replay the run up to its end."
        near = [f"{name} was forked here" for seq, name in self.forks if abs(column(self, seq) - x) < _NEAR]
        near += [title for seq, title in self.alarms if abs(column(self, seq) - x) < _NEAR]
        seq = self.seq_at(x)
        return "\n".join([*near, *([self.events.tip(seq)] if seq is not None else [])])
