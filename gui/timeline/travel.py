"""Travelling along the strip by mouse and keys."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QWheelEvent

from gui.theme import Theme
from gui.timeline.strip import StripView
from gui.timers import single_shot

#: Milliseconds between two travels while dragging.
_THROTTLE = 16

_PLAIN, _CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


class TimelineStrip(StripView):
    """A drag travels, with Shift or the middle button it moves the view; the wheel zooms at the pointer, a double-click
    shows everything.

    Signals:
        wanted(seq): go to that event. earlier(step): go before the first event that is remembered, to the end of a step.
        stepped(back): one op on, or back, from the last, or first, event. leaped(back): a whole optimizer step.
        pointed(text): what is under the pointer; "": nothing. dragged(on): a drag that travels begins, or ends.
    """

    wanted = pyqtSignal(int)
    earlier = pyqtSignal(int)
    stepped = pyqtSignal(bool)
    leaped = pyqtSignal(bool)
    pointed = pyqtSignal(str)
    dragged = pyqtSignal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._waiting: int | None = None
        self._sent: int | None = None
        self._panned: float | None = None
        self._throttle = single_shot(self, _THROTTLE, self._send)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(
            "Timeline: left and right go by event, with Ctrl by step, Home and End to the first and last, + and - zoom, "
            "0 shows everything"
        )

    # ---- mouse ----

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or self.events.first is None:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        moves = event.button() == Qt.MouseButton.MiddleButton or event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if moves:
            self._panned = event.position().x()
        elif event.button() == Qt.MouseButton.LeftButton and self.step_before(event.position().x()) is None:
            self._drag(True)
            self._want(self.seq_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        x = event.position().x()
        if self._panned is not None:
            self.move_by((self._panned - x) / self._wide() * self.shown()[1])
            self._panned = x
        elif self._dragging:
            self._want(self.seq_at(x))
        far = None if self._dragging else self.step_before(x)
        if far != self.far:
            self.far = far
            self.update()
        self.setCursor(Qt.CursorShape.PointingHandCursor if far is not None else Qt.CursorShape.ArrowCursor)
        seq = self.seq_at(x)
        text = self.events.describe(seq) if seq is not None else ""
        if far is not None:
            text = f"{f'the end of step {far:,}' if far else 'the beginning'} · click to replay the run up to there"
        self.pointed.emit(text)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        step = self.step_before(event.position().x())
        if self._panned is None and not self._dragging and step is not None and event.button() == Qt.MouseButton.LeftButton:
            self.earlier.emit(step)
        self._panned = None
        if self._throttle.isActive():
            self._throttle.stop()
            self._send()
        self._drag(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        self.fit()

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        self._drag(False)  # the release goes elsewhere

    def _drag(self, on: bool) -> None:
        if on != self._dragging:
            self._dragging = on
            self.dragged.emit(on)

    def leaveEvent(self, event: object) -> None:
        self.far = None
        self.update()
        self.pointed.emit("")

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is None:
            return
        turned = event.angleDelta()
        if turned.x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.move_by(-(turned.x() or turned.y()) / 800 * self.shown()[1])
        else:
            self.zoom_by(1.0015 ** turned.y(), event.position().x())
        event.accept()

    # ---- travelling ----

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

    # ---- keys ----

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        key, modifiers = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        first, last = self.events.first, self.events.next - 1
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and modifiers in (_PLAIN, _CONTROL) and self.cursor is not None:
            self._go_beside(key == Qt.Key.Key_Right, modifiers == _CONTROL)
        elif key == Qt.Key.Key_Home and first is not None:
            self._want(first)
        elif key == Qt.Key.Key_End and first is not None:
            self._want(last)
        elif event.text() in ("+", "="):
            self.zoom_by(1.5)
        elif event.text() == "-":
            self.zoom_by(1 / 1.5)
        elif event.text() == "0":
            self.fit()
        else:
            super().keyPressEvent(event)

    def _go_beside(self, forward: bool, by_step: bool) -> None:
        assert self.cursor is not None
        seq = self.events.step_beside(self.cursor, forward) if by_step else self.cursor + (1 if forward else -1)
        if seq is not None and self.events.get(seq) is not None:
            self._want(seq)
        else:
            (self.leaped if by_step else self.stepped).emit(not forward)
