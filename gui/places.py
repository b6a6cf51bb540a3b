"""Which frame of the stack is looked at, and which line of a file the user wants to see: shared by the panels of code."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

from gui.context import Context


class Places(QObject):
    """See :func:`places_of`.

    Signals:
        frame_changed(): another frame is looked at.
        line_wanted(path, line): a line is to be shown.

    Attributes:
        frame: number of the frame, 0 is the innermost; 0 again at every stop.
    """

    frame_changed = pyqtSignal()
    line_wanted = pyqtSignal(str, int)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.frame = 0
        self._context = context
        context.state.subscribe("stop", self._stopped)

    def _stopped(self) -> None:
        # After an edit the same stop is shown once more: the frame stays.
        if not (self._context.state.stop or {}).get("revision"):
            self.frame = 0

    def look_at(self, frame: int) -> None:
        """Look at another frame."""
        if frame != self.frame:
            self.frame = frame
            self.frame_changed.emit()

    def show_line(self, path: str, line: int) -> None:
        """Have a line shown, in the Code panel brought to the front."""
        self._context.want_panel("code")
        self.line_wanted.emit(path, line)


def places_of(context: Context) -> Places:
    """The places of a window."""
    found = context.findChild(Places)
    return found if found is not None else Places(context)
