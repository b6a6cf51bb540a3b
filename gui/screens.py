"""The window comes back where its screen goes: a monitor or a projector that is unplugged."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QObject, QPoint, QRect, Qt
from PyQt6.QtGui import QGuiApplication, QScreen
from PyQt6.QtWidgets import QDockWidget, QWidget

from gui.timers import single_shot

#: Milliseconds after which one looks: first the platform may have moved the windows itself.
_SETTLING = 200

#: Width and height of what must be in reach of a window's upper edge, where it is held.
_GRIP = 96, 32

#: Width and height that the frame and title around a window may take, before anybody knows.
_FRAME = 8, 40

_LARGE = Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen


class Screens(QObject):
    """Brings the window, and panels that float, onto a screen that exists when one is removed or changes its place."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._shown: list[QWidget] = []
        self._showing = single_shot(self, 0, self._show_again)
        self._look = single_shot(self, _SETTLING, self.bring_back)
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication):
            app.screenRemoved.connect(self._removed)
            app.screenAdded.connect(self._watch)
        for screen in QGuiApplication.screens():
            self._watch(screen)

    def _watch(self, screen: QScreen) -> None:
        screen.geometryChanged.connect(self._look.start)

    def _removed(self) -> None:
        # Of two that go at once the first has taken the windows with it before the second is told.
        self._shown += [widget for widget in self._windows() if widget not in self._shown]
        self._showing.start()
        self._look.start()

    def _windows(self) -> list[QWidget]:
        docks = [dock for dock in self._window.findChildren(QDockWidget) if dock.isFloating()]
        return [widget for widget in (self._window, *docks) if widget.isVisible()]

    def _show_again(self) -> None:
        """Qt hides the windows of a screen that goes where the others are no part of the same desktop."""
        for widget in self._shown:
            widget.show()
        self._shown = []

    def bring_back(self) -> None:
        """Move what cannot be reached any more."""
        screens = [(screen.geometry(), screen.availableGeometry()) for screen in QGuiApplication.screens()]
        for widget in self._windows():
            frame = widget.frameGeometry()
            wanted = back_on_screen(frame, screens)
            if wanted == frame:
                continue
            large = widget.windowState() & _LARGE
            if large:
                widget.setWindowState(widget.windowState() & ~_LARGE)
            # The frame around the window is no part of its size.
            border = frame.size() - widget.size()
            widget.resize((wanted.size() - border).expandedTo(widget.minimumSizeHint()))
            widget.move(wanted.topLeft())
            if large:
                widget.setWindowState(widget.windowState() | large)


def show_whole(window: QWidget) -> None:
    """Show a window, as large as its screen where it would not fit on that."""
    if not fits_screen(window):
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
    window.show()


def fits_screen(window: QWidget) -> bool:
    """Whether a window that is not shown yet has room on its screen with the frame that it will get: not every desktop makes
    one smaller, and what is below the edge, the status line first, nobody sees."""
    screen = window.screen()
    if screen is None:
        return True
    place, (width, height) = screen.availableGeometry(), _FRAME
    return window.width() + width <= place.width() and window.height() + height <= place.height()


def back_on_screen(frame: QRect, screens: Sequence[tuple[QRect, QRect]]) -> QRect:
    """Where a window belongs: as it is while its upper edge is in reach on one of ``screens`` (whole, and without task
    bars; the primary one first), else inside the one that shows most of it, as large as it was where that fits."""
    width, height = _GRIP
    grip = QRect(frame.center().x() - width // 2, frame.top(), width, height)

    def shown(part: QRect, place: QRect) -> int:
        both = place.intersected(part)
        return both.width() * both.height() if both.isValid() else 0

    if not screens or any(2 * shown(grip, whole) >= width * height for whole, _ in screens):
        return QRect(frame)
    _, place = max(screens, key=lambda screen: shown(frame, screen[0]))
    size = frame.size().boundedTo(place.size())
    left = min(max(frame.left(), place.left()), place.right() + 1 - size.width())
    top = min(max(frame.top(), place.top()), place.bottom() + 1 - size.height())
    return QRect(QPoint(left, top), size)
