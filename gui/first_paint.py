"""``FirstPaint``: what takes long waits until the window has been seen."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, QObject, QTimer
from PyQt6.QtWidgets import QWidget

from gui.timers import single_shot

#: Milliseconds after which it is waited for no more: a window that opens as an icon is not painted.
_PATIENCE = 500


class FirstPaint(QObject):
    """Waits for the first paint of ``widget``."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._waiting: list[Callable[[], object]] = []
        self._painted = False
        self._go = single_shot(self, _PATIENCE, self._carry_on)
        widget.installEventFilter(self)

    def then(self, call: Callable[[], object]) -> None:
        """Call from Qt's loop, and not before the widget has been painted."""
        if self._painted:
            QTimer.singleShot(0, call)
        else:
            self._waiting.append(call)
            if not self._go.isActive():
                self._go.start()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Paint:
            self._widget.removeEventFilter(self)
            self._painted = True
            self._go.start(0)
        return False

    def _carry_on(self) -> None:
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()
