"""The strip: one column of pixels for each event or several, the marks above, the cursor, and travelling by the mouse."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtCore import QEvent, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QWheelEvent
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.theme import Theme
from gui.timeline.marks import Events
from gui.timeline.paint import column, paint_strip
from gui.timers import single_shot

#: Milliseconds between two travels while dragging.
_THROTTLE = 16
#: Pixels for what lies before the first event that is remembered, and events that are shown at the largest zoom.
_BEFORE = 112.0
_FEWEST = 12.0
#: Pixels at the right of the newest event.
_AFTER = 8.0


class TimelineStrip(QWidget):
    """Signals: wanted(seq): go to that event; earlier(share): go before the first one that is remembered, ``share`` of the
    way there; stepped(back): one step of the level.
    """

    wanted = pyqtSignal(int)
    earlier = pyqtSignal(float)
    stepped = pyqtSignal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.events = Events()
        self.cursor: int | None = None
        self.live = True
        self.forks: list[tuple[int, str]] = []
        self.hits: list[int] = []
        # Number of the event at the left edge, events across; None: all of them.
        self._start = 0.0
        self._span: float | None = None
        self._dragging = False
        self._waiting: int | None = None
        self._sent: int | None = None
        self._throttle = single_shot(self, _THROTTLE, self._send)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Timeline: left and right step, + and - zoom, Home and End go to the first and last event")

    def sizeHint(self) -> QSize:
        return QSize(400, 72)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 40)

    # ---- what is shown ----

    def show_events(self, events: Events, cursor: int | None, live: bool) -> None:
        """Show these, with the cursor at an event; the strip follows a cursor that leaves it."""
        moved = cursor != self.cursor
        self.events, self.cursor, self.live = events, cursor, live
        if moved and cursor is not None and self._span is not None and not self._dragging:
            start, span = self.shown()
            if not start <= cursor < start + span:
                # A quarter before it stays in view.
                self._start = cursor - span * (0.75 if cursor >= start + span else 0.25)
        self._keep_inside()
        self.update()

    def show_marks(self, forks: list[tuple[int, str]], hits: list[int], findings: list[Any]) -> None:
        self.forks, self.hits = forks, hits
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    # ---- geometry ----

    def before(self) -> float:
        """Pixels at the left for what is no longer remembered."""
        return 0.0 if self.events.complete or self.events.first is None else min(_BEFORE, self.width() / 4)

    def _wide(self) -> float:
        """Pixels for the events; a little is left for the cursor at the newest one."""
        return self.width() - self.before() - _AFTER

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
        left = self.before()
        return left + (seq - start) / span * (self._wide())

    def seq_at(self, x: float) -> int | None:
        """The event at a pixel; None left of what is remembered."""
        left = self.before()
        if x < left and self._dragging is False:
            return None
        start, span = self.shown()
        seq = math.floor(start + (max(x, left) - left) / max(1.0, self._wide()) * span)
        first, last = self.events.first, self.events.next - 1
        return None if first is None else max(first, min(last, seq))

    def fit(self) -> None:
        """Show all events."""
        self._span = None
        self.update()

    def span_shown(self) -> float | None:
        return self._span

    def set_span(self, span: float) -> None:
        self._start = self.shown()[0]
        self._span = max(_FEWEST, span)
        self._keep_inside()
        self.update()

    def zoom_by(self, factor: float, x: float | None = None) -> None:
        """Show ``1 / factor`` times as many events, with the one at ``x`` (the cursor's without one) staying there."""
        start, span = self.shown()
        if x is None:
            x = self.x_of(self.cursor) if self.cursor is not None else self.width() / 2
        left = self.before()
        share = min(1.0, max(0.0, (x - left) / max(1.0, self._wide())))
        new = max(_FEWEST, span / factor)
        self._start, self._span = start + share * (span - new), new
        self._keep_inside()
        self.update()

    # ---- painting ----

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        paint_strip(painter, self)
        painter.end()

    # ---- mouse and keys ----

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton or self.events.first is None:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        left = self.before()
        if event.position().x() < left - 4:
            self.earlier.emit(max(0.0, event.position().x() / (left - 4)))
            return
        self._dragging = True
        self._want(self.seq_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        if self._dragging:
            self._want(self.seq_at(event.position().x()))
        before = event.position().x() < self.before() - 4
        self.setCursor(Qt.CursorShape.PointingHandCursor if before else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        self._dragging = False
        if self._throttle.isActive():
            self._throttle.stop()
            self._send()

    def _want(self, seq: int | None) -> None:
        """Travel there: at once, but only so often."""
        if seq is None or (seq == self._sent and self._waiting is None):
            return
        self._waiting = seq
        self.cursor = seq  # follows the pointer at once; the stop says the same a moment later
        self.update()
        if not self._throttle.isActive():
            self._send()
            self._throttle.start()

    def _send(self) -> None:
        if self._waiting is not None:
            self._sent, self._waiting = self._waiting, None
            self.wanted.emit(self._sent)
            self._throttle.start()
        else:
            self._sent = None

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is None:
            return
        turned = event.angleDelta()
        if turned.x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            if self._span is not None:
                self._start -= (turned.x() or turned.y()) / 800 * self._span
                self._keep_inside()
                self.update()
        else:
            self.zoom_by(1.0015 ** turned.y(), event.position().x())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.stepped.emit(key == Qt.Key.Key_Left)
        elif key == Qt.Key.Key_Home and self.events.first is not None:
            self.wanted.emit(self.events.first)
        elif key == Qt.Key.Key_End and self.events.first is not None:
            self.wanted.emit(self.events.next - 1)
        elif event.text() in ("+", "="):
            self.zoom_by(1.5)
        elif event.text() == "-":
            self.zoom_by(1 / 1.5)
        elif event.text() == "0":
            self.fit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.hint(event.pos().x()), self)
            return True
        return super().event(event)

    def hint(self, x: float) -> str:
        """What a hint says at a pixel."""
        if x < self.before() - 4:
            return "Earlier than this process remembers. Click to replay the run up to there."
        near = next((name for seq, name in self.forks if abs(column(self, seq) - x) < 6), None)
        seq = self.seq_at(x)
        text = self.events.describe(seq) if seq is not None else ""
        return f"{near} was forked here\n{text}" if near else text
