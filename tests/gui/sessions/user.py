"""``User``: somebody at the window, who presses keys, clicks and drags where things are drawn, and reads what is shown.

Events are given to the windows of the platform, not to widgets: they go where a real key or click would go, to whatever
lies on top there and has the focus.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from PyQt6 import sip
from PyQt6.QtCore import QPoint, QPointF, Qt, QTimer
from PyQt6.QtGui import QGuiApplication, QImage, QKeySequence
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QGraphicsView,
    QLabel,
    QMenu,
    QMenuBar,
    QScrollBar,
    QTabBar,
    QToolTip,
    QWidget,
)  # fmt: skip

from gui.panels.panel import Panel
from tests.gui.conftest import PATIENCE

_LEFT = Qt.MouseButton.LeftButton
_NONE = Qt.KeyboardModifier.NoModifier

Widget = TypeVar("Widget", bound=QWidget)


class User:
    """Acts on ``window`` and reads it. With ``shots`` a picture of it is kept at every station.

    Args:
        until: ``until(condition)`` lets the window live until the condition holds.
        shots: folder for the pictures; None keeps none.
        prefix: begin of their names.
    """

    def __init__(self, window: QWidget, until: Callable[..., None], shots: Path | None = None, prefix: str = "") -> None:
        self.window = window
        self._until = until
        self._shots = shots
        self._prefix = prefix
        self._count = 0
        self._trouble: BaseException | None = None

    @property
    def theme(self) -> Any:
        """The colours that the window is drawn with."""
        return self.window.context.theme  # type: ignore[attr-defined]

    # ---- looking ----

    def wait(self, condition: Callable[[], Any], patience: int = PATIENCE) -> Any:
        """Wait until something is to be seen; what ``condition`` returned then."""
        found: list[Any] = []
        try:
            self._until(lambda: found.append(condition()) or found[-1], timeout=patience)
        except Exception as error:
            raise AssertionError(f"this was waited for in vain; the window shows: {self.state}") from error
        return found[-1]

    @property
    def state(self) -> str:
        """What the window says, for the message of a test that fails; with a picture where pictures are kept."""
        titles = [panel.accessibleName() for panel in self.all(Panel, None, self.window)]
        heads = {title: self.subject(title) for title in titles}
        canvas = [view.accessibleDescription() for view in self.all(QGraphicsView, None, self.window)]
        said = {"status": self.status, "path": self.path, "message": self.message, "heads": heads, "canvas": canvas}
        if self._shots is not None:
            self.window.grab().save(str(self._shots / f"{self._prefix}-failed.png"))
        return "\n".join(f"{key}: {value}" for key, value in said.items())

    def all(self, kind: type[Widget], name: str | None = None, within: QWidget | None = None) -> list[Widget]:
        """The widgets that can be seen, of a kind and with that accessible name (or text); ``*`` at its end: any rest."""
        top = within or QApplication.activePopupWidget() or QApplication.activeModalWidget() or self.window
        found = [widget for widget in (top, *top.findChildren(kind)) if isinstance(widget, kind) and widget.isVisible()]
        return [widget for widget in found if _is_seen(widget) and (name is None or _is_named(widget, name))]

    def the(self, kind: type[Widget], name: str, within: QWidget | None = None) -> Widget:
        """The one widget of that name that can be seen; waits for it."""
        found = self.wait(lambda: self.all(kind, name, within))
        assert len(found) == 1, f"{len(found)} are called {name!r}: {[type(widget).__name__ for widget in found]}"
        return found[0]

    def sees(self, name: str, kind: type[QWidget] = QWidget) -> bool:
        """Whether there is anything of that name to be seen."""
        return bool(self.all(kind, name))

    def panel(self, title: str) -> Panel:
        """A panel; its tab is clicked first where another one covers it."""
        if not self.all(Panel, title, self.window):
            self.tab(title)
        return self.the(Panel, title, self.window)

    def text(self, name: str, within: QWidget | None = None) -> str:
        """The text of the label of that accessible name; "" where there is none to be seen."""
        found = self.all(QLabel, name, within)
        return found[0].text() if found else ""

    def texts(self, within: QWidget) -> str:
        """All that is written in a panel, in labels and buttons."""
        labels = [label.text() for label in self.all(QLabel, within=within)]
        return "\n".join(labels + [button.text() for button in self.all(QAbstractButton, within=within)])

    def subject(self, title: str) -> str:
        """What a panel's head says that it shows."""
        return self.text(f"{title}: what it shows")

    @property
    def status(self) -> str:
        """What the status line says about where the script stands."""
        return self.text("State of the script")

    @property
    def path(self) -> list[str]:
        """The parts of the breadcrumb."""
        crumbs = self.all(QWidget, "Where the script stands")
        parts = self.all(QAbstractButton, within=crumbs[0]) if crumbs else []
        return [part.text() for part in sorted(parts, key=lambda part: part.x())]

    @property
    def message(self) -> str:
        """The message over the status line, as a screen reader says it; "" where there is none."""
        kinds = ("Information: ", "Warning: ", "Error: ")
        names = (label.accessibleName() for label in self.all(QLabel))
        return next((name for name in names if name.startswith(kinds)), "")

    def picture(self, widget: QWidget) -> QImage:
        """A widget as it is drawn now."""
        return widget.grab().toImage().convertToFormat(QImage.Format.Format_ARGB32)

    def shot(self, station: str) -> None:
        """Keep a picture of the whole window."""
        if self._shots is None:
            return
        self._count += 1
        self.settle()
        name = f"{self._prefix}-{self._count:02d}-{station}.png"
        handle = self.window.windowHandle()
        if QGuiApplication.platformName() == "xcb" and handle is not None and (screen := handle.screen()) is not None:
            area = self.window.frameGeometry()
            picture = screen.grabWindow(0, area.x(), area.y(), area.width(), area.height())  # with all pop-ups
        else:
            picture = self.window.grab()
        assert picture.save(str(self._shots / name))

    @property
    def event(self) -> int:
        """The number of the event at which the timeline stands; -1 while it is on its way there."""
        subject = self.subject("Timeline")
        if subject == "nothing has been computed yet":
            return 0
        if first := re.fullmatch(r"event ([\d,]+)", subject):
            return int(first[1].replace(",", ""))
        found = re.match(r"event ([\d,]+)( · in the past)? · kept: [\d,]+ to ([\d,]+)", subject)
        if found is None:
            return -1
        here, last = (int(found[i].replace(",", "")) for i in (1, 3))
        return here if here == last or found[2] else -1

    def step(self, keys: str) -> int:
        """Press the keys of a step; the number of the event where the script stands then."""
        before = self.wait(lambda: self.event + 1) - 1
        self.key(keys)
        self.wait(lambda: self.event not in (-1, before) and self.path and not self.status.startswith("running"))
        return self.event

    def settle(self) -> None:
        """Let what is on its way arrive: nobody looks at the window for less than a quarter of a second."""
        QTest.qWait(350)

    # ---- acting ----

    def key(self, keys: str) -> None:
        """Press keys: "F10", "Alt+F10", "Return"."""
        combination = QKeySequence(keys)[0]
        self._press(combination.key(), combination.keyboardModifiers())

    def type(self, text: str) -> None:
        """Write a text."""
        for letter in text:
            handle = self._focused()
            QTest.keyClick(handle, letter)  # type: ignore[call-overload]

    def click(self, widget: QWidget, at: QPoint | QPointF | None = None, button: Qt.MouseButton = _LEFT) -> None:
        """Click on a widget: in its middle, or at a place in it."""
        handle, place = self._place(widget, at)
        QTest.mouseMove(handle, place)
        QTest.mouseClick(handle, button, _NONE, place)

    def double_click(self, widget: QWidget, at: QPoint | QPointF | None = None) -> None:
        """Double-click likewise."""
        handle, place = self._place(widget, at)
        QTest.mouseDClick(handle, _LEFT, _NONE, place)

    def hover(self, widget: QWidget, at: QPoint | QPointF | None = None) -> None:
        """Move the mouse there."""
        handle, place = self._place(widget, at)
        QTest.mouseMove(handle, place - QPoint(1, 0))
        QTest.mouseMove(handle, place)

    def hint(self, widget: QWidget, at: QPoint | QPointF) -> str:
        """The hint that shows when the mouse rests at a place."""
        QToolTip.hideText()
        self.wait(lambda: not QToolTip.isVisible())
        self.hover(widget, at)
        self.wait(QToolTip.isVisible)
        return QToolTip.text()

    def hint_now(self, widget: QWidget, at: QPoint) -> str:
        """The hint that shows as soon as the mouse is at a place; "" where none does."""
        handle, place = self._place(widget, at)
        QTest.mouseMove(handle, place)
        return QToolTip.text() if QToolTip.isVisible() else ""

    def scroll_to(self, name: str, within: QWidget, kind: type[QWidget] = QLabel) -> str:
        """Click below the handle of a panel's scroll bar until a label of it can be seen; its text."""
        for bar in [bar for bar in self.all(QScrollBar, None, within) if bar.height() > bar.width()] * 20:
            if self.all(kind, name, within):
                break
            self.click(bar, QPoint(bar.width() // 2, bar.height() - 3))
        return self.text(name, within)

    def sample(self, title: str) -> None:
        """Click a sample of the start page."""
        self.scroll_to(title, self.window, QAbstractButton)
        self.button(title)

    def drag(self, widget: QWidget, *places: QPoint) -> None:
        """Press at the first place, move over the others, release at the last."""
        spots = [self._place(widget, place) for place in places]
        handle = spots[0][0]
        QTest.mousePress(handle, _LEFT, _NONE, spots[0][1])
        for _, place in spots[1:]:
            QTest.mouseMove(handle, place, 20)
        QTest.mouseRelease(handle, _LEFT, _NONE, spots[-1][1])

    def button(self, name: str, within: QWidget | None = None) -> None:
        """Click a button, as soon as it can be clicked."""
        button = self.the(QAbstractButton, name, within)
        self.wait(button.isEnabled)
        self.click(button)

    def tab(self, title: str) -> None:
        """Click the tab of that name."""
        for bar in self.all(QTabBar):
            for i in range(bar.count()):
                if bar.tabText(i).rstrip(" 0123456789") == title and bar.isTabVisible(i):
                    self.click(bar, bar.tabRect(i).center())
                    self.wait(lambda: self.all(Panel, title))
                    return
        raise AssertionError(f"no tab {title!r}")

    def choose(self, name: str, entry: str, within: QWidget | None = None) -> None:
        """Open a list and click one of its entries."""
        box = self.the(QComboBox, name, within)
        self.click(box)
        view = self.wait(lambda: QApplication.activePopupWidget() and self.all(QAbstractItemView))[0]
        row = box.findText(entry)
        assert row >= 0, f"{name} has no entry {entry!r}"
        self.click(view.viewport(), view.visualRect(view.model().index(row, 0)).center())
        self.wait(lambda: QApplication.activePopupWidget() is None and box.currentText() == entry)

    def menu(self, *names: str) -> None:
        """Click through the menus of the window."""
        bar = self.the(QMenuBar, "*")
        action = next(action for action in bar.actions() if _plain(action.text()) == names[0])
        self.click(bar, bar.actionGeometry(action).center())
        self.entry(*names[1:])

    def entry(self, *names: str) -> None:
        """Click an entry of the menu that is open, and of those that it opens."""
        for name in names:
            menu = self.wait(_open_menu)
            action = next((one for one in menu.actions() if _plain(one.text()) == name), None)
            assert action is not None, f"no entry {name!r} in {[_plain(one.text()) for one in menu.actions()]}"
            assert action.isEnabled(), f"{name!r} cannot be chosen now"
            self.click(menu, menu.actionGeometry(action).center())

    def menu_of(self, button: str, *names: str) -> None:
        """Click a button that opens a menu and waits for it, then an entry of the menu."""
        chosen: list[str] = []

        def look() -> None:
            if isinstance(QApplication.activePopupWidget(), QMenu) and not chosen:
                chosen.extend(names)
                try:
                    self.entry(*names)
                except BaseException as error:
                    self._trouble = error
                    self.key("Escape")

        watching = QTimer()
        watching.timeout.connect(look)
        watching.start(20)
        self.button(button)
        self.wait(lambda: chosen and QApplication.activePopupWidget() is None)
        watching.stop()
        if self._trouble is not None:
            raise self._trouble

    def answering(self, act: Callable[[], object], answer: Callable[[QDialog], object]) -> None:
        """Do something that opens a dialog and waits for it; ``answer(dialog)`` is done once the dialog is there."""
        seen: list[QDialog] = []
        latest = time.monotonic() + PATIENCE / 1000

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            if time.monotonic() > latest and isinstance(dialog, QDialog):
                said = f"the dialog {dialog.windowTitle()!r} stays: {self.texts(dialog)}"
                self._trouble = self._trouble or AssertionError(said)
                if self._shots is not None:
                    dialog.grab().save(str(self._shots / f"{self._prefix}-dialog-stays.png"))
                dialog.reject()
            if seen or not isinstance(dialog, QDialog) or not dialog.isVisible():
                return
            seen.append(dialog)
            try:
                answer(dialog)
            except BaseException as error:
                self._trouble = error
                dialog.reject()

        watching = QTimer()
        watching.timeout.connect(look)
        watching.start(20)
        try:
            act()
            self.wait(lambda: seen and (sip.isdeleted(seen[0]) or not seen[0].isVisible()))
        finally:
            watching.stop()
        # A window manager gives the focus back to the window under a dialog; offscreen there is none.
        self.window.activateWindow()
        self.wait(self.window.isActiveWindow)
        if self._trouble is not None:
            raise self._trouble

    def save_as(self, act: Callable[[], object], path: Path) -> None:
        """Do something that asks where to save, write the path there, press Return, and wait for the file."""

        self.answering(act, lambda dialog: self._write_name(dialog, path))
        self.wait(lambda: path.exists() and path.stat().st_size > 0)

    def open_file(self, path: Path) -> None:
        """Ctrl+O, the path, Return."""
        self.answering(lambda: self.key("Ctrl+O"), lambda dialog: self._write_name(dialog, path))

    def _write_name(self, dialog: QDialog, path: Path) -> None:
        self.key("Ctrl+A")
        self.type(str(path))
        self.key("Return")
        if not sip.isdeleted(dialog) and dialog.isVisible():  # the first Return took the completion that was offered
            self.key("Return")

    # ---- how ----

    def _focused(self) -> Any:
        popup, modal = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        handle = (popup or modal or self.window).windowHandle()
        return handle or QGuiApplication.focusWindow()

    def _press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
        QTest.keyClick(self._focused(), key, modifiers)  # type: ignore[call-overload]

    def _place(self, widget: QWidget, at: QPoint | QPointF | None) -> tuple[Any, QPoint]:
        place = at.toPoint() if isinstance(at, QPointF) else at
        if place is None:
            place = widget.visibleRegion().boundingRect().center()
        assert widget.isVisible() and widget.rect().contains(place), f"{place} of {_name(widget)} cannot be clicked"
        top = widget.window()
        assert top is not None
        return top.windowHandle(), widget.mapTo(top, place)


def _open_menu() -> QMenu | None:
    popup = QApplication.activePopupWidget()
    return popup if isinstance(popup, QMenu) else None


def _is_seen(widget: QWidget) -> bool:
    """Whether anything of it, or in it, is not covered. What fills it with a picture of its own leaves nothing of itself."""
    parts = (widget, *widget.findChildren(QWidget))
    return any(part.isVisible() and not part.visibleRegion().isEmpty() for part in parts)


def _is_named(widget: QWidget, name: str) -> bool:
    texts = [widget.accessibleName(), _plain(widget.text()) if isinstance(widget, QAbstractButton) else ""]
    if name.endswith("*"):
        return any(text.startswith(name[:-1]) for text in texts)
    return name in texts


def _plain(text: str) -> str:
    return re.sub(r"&(.)", r"\1", text).split("\t")[0]


def _name(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.accessibleName()!r}"
