"""The bar for messages: what happened, where, and what to do. It waits for nobody.

It lies over the right of the status line, and grows upwards over the contents where a text needs more lines: nothing moves
when it comes or goes, and what the line says of the script can be read at its left. Whoever goes on working somewhere else
has it folded to the height of that line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PyQt6 import sip
from PyQt6.QtCore import QEvent, QObject, QPoint, QRect, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetrics, QMouseEvent
from PyQt6.QtWidgets import QApplication, QGridLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from gui.context import Context
from gui.held_messages import Action, HeldMessages, Message
from gui.icons import icon_side, pixmap, set_icon
from gui.timers import single_shot
from gui.widgets.flow_layout import FlowLayout
from gui.widgets.menu import Menu

#: Milliseconds that a mere information stays.
_STAY = 8000

#: Share of the window that a message may lie over, and of the bar's width that its buttons may have beside the text.
_MOST, _BESIDE = 0.4, 0.35

#: Share of the status line that is left free, and the pixels that a message needs beside that at a text size of 100 %.
_FREE, _LEAST = 0.45, 400

#: Pixels at the left of the sign, between the parts, and above and below several lines.
_LEFT, _GAP, _AIR = 8, 8, 6

#: Characters of a message in the list of those that wait.
_LISTED = 100

_SPOKEN = {"info": "Information", "warning": "Warning", "error": "Error"}


class MessageBar(QWidget):
    """Shows one message, and how many more there are; hidden while there is none.

    Signals:
        covers(pixels): so much at the right of the status line lies below it; 0 where that is all of it, or nothing.
    """

    covers = pyqtSignal(int)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._held = HeldMessages()
        self._shown: Message | None = None
        self._kept: QWidget | None = None
        self._came_from: QWidget | None = None
        self._folded = False
        self.setObjectName("message")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self._sign = QLabel()
        self.text = QLabel()
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._actions = QWidget()
        self._buttons: list[QPushButton] = []
        self._row = FlowLayout(self._actions, _GAP, (0, 0, 0, 0))
        self._more = QToolButton()
        self._more.setObjectName("more")
        self._more.setToolTip("Messages that wait: choose one to read it")
        self._more.clicked.connect(self._list)
        self._fold = QToolButton()
        self._fold.clicked.connect(lambda: self._set_folded(not self._folded))
        self._close = QToolButton()
        self._close.setAccessibleName("Close the message")
        self._close.setToolTip("Close the message (Esc)")
        self._close.clicked.connect(self.leave)
        self._grid = QGridLayout(self)
        self._grid.setHorizontalSpacing(_GAP)
        self._grid.setVerticalSpacing(_AIR // 2)
        self._grid.setColumnStretch(1, 1)
        for column, part in ((0, self._sign), (1, self.text), (3, self._more), (4, self._fold), (5, self._close)):
            self._grid.addWidget(part, 0, column)
        self._timer = single_shot(self, _STAY, self._pass_on)
        context.theme_changed.connect(self._draw)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_changed)
        self._say()
        self._name_fold(False)
        self.hide()

    # ---- what there is ----

    @property
    def severity(self) -> str:
        """Of what is shown; "" where nothing is."""
        return self._shown.severity if self._shown is not None else ""

    @property
    def whole(self) -> str:
        """The whole text that is shown; "" where none is."""
        return self._shown.text if self._shown is not None else ""

    @property
    def passing(self) -> bool:
        """Whether what is shown leaves by itself."""
        return self._shown is not None and self._shown.passing

    @property
    def waiting(self) -> list[str]:
        """The texts behind what is shown, the newest first."""
        return [message.text for message in self._held.waiting]

    def show_message(
        self, text: str, severity: str = "info", actions: Sequence[Action] = (), stays: bool = False, of_run: bool = True,
        about: str = "",
    ) -> None:  # fmt: skip
        """Show a message, or let it wait behind an error; see :class:`gui.held_messages.Message`."""
        self._held.add(Message(text, severity, actions, stays, of_run, about))
        self._show_front()

    def change_text(self, old: str, new: str) -> None:
        """Let the message ``old``, wherever it is, say something else; its buttons stay."""
        for message in (self._held.front, *self._held.waiting):
            if message is not None and message.text == old:
                message.text = new
        self._say()
        self._place()

    def withdraw(self, text: str) -> None:
        """This message does not hold any more, wherever it is."""
        self._keep(lambda message: message.text != text)

    def withdraw_about(self, about: str) -> None:
        """What was said about this does not hold any more."""
        self._keep(lambda message: not about or message.about != about)

    def clear_run(self) -> None:
        """What was said of the script and its processes does not hold any more."""
        self._keep(lambda message: not message.of_run)

    def leave(self) -> None:
        """Close what is shown; what waits behind it comes."""
        front = self._held.front
        self._keep(lambda message: message is not front)

    def dismiss(self) -> None:
        """Close all messages."""
        self._keep(lambda _: False)

    def _pass_on(self) -> None:
        self._held.pass_on()
        self._show_front()

    def _keep(self, wanted: Callable[[Message], bool]) -> None:
        self._held.keep(wanted)
        self._show_front()

    def _pick(self, message: Message) -> None:
        self._held.pick(message)
        self._show_front()

    def _do(self, message: Message, action: Callable[[], object], _checked: bool = False) -> None:
        self._keep(lambda other: other is not message)
        action()

    def _list(self) -> None:
        """Offer the messages that wait."""
        menu = Menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for message in self._held.waiting:
            text = " ".join(f"{_SPOKEN[message.severity]}: {message.text}".split())
            entry = menu.addAction((text if len(text) <= _LISTED else f"{text[:_LISTED]}…").replace("&", "&&"))
            if entry is not None:
                entry.triggered.connect(lambda _checked=False, message=message: self._pick(message))
        menu.addSeparator()
        if (entry := menu.addAction("Close all messages")) is not None:
            entry.triggered.connect(self.dismiss)
        menu.popup(self._more.mapToGlobal(self._more.rect().topLeft()) - QPoint(0, menu.sizeHint().height()))

    # ---- how it is shown ----

    def lie_over(self, contents: QWidget, kept: QWidget) -> None:
        """Lie over ``kept``, the lowest line of ``contents``; and over what is above it where the text needs that."""
        self._kept = kept
        self.setParent(contents)
        contents.installEventFilter(self)
        self.hide()

    def _show_front(self) -> None:
        front = self._held.front
        if front is not self._shown:
            self._give_focus_back()
            self._shown, self._folded = front, False
            self._timer.stop()
            self._put_buttons()
            if self.passing:
                self._timer.start()
        self._say()
        self._draw()
        self.setVisible(front is not None)
        self.raise_()

    def _put_buttons(self) -> None:
        for button in self._buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []
        if (message := self._shown) is None:
            return
        for label, action in message.actions:
            button = QPushButton(label)
            button.setAccessibleName(label)
            button.clicked.connect(partial(self._do, message, action))
            self._row.addWidget(button)
            self._buttons.append(button)

    def _say(self) -> None:
        """The words, for eyes and for screen readers."""
        whole, count = self.whole, len(self._held.waiting)
        spoken = f"{_SPOKEN.get(self.severity, 'Message')}: {whole}" if whole else "Message"
        self.text.setAccessibleName(spoken)
        self.setAccessibleName(spoken)
        for button in (self._close, self._more, *self._buttons):
            button.setAccessibleDescription(spoken)
        self._more.setText(f"{count} more")
        self._more.setAccessibleName(f"{count} more {'message' if count == 1 else 'messages'}")
        self._more.setVisible(count > 0)

    def _draw(self) -> None:
        theme = self._context.theme
        self.setProperty("severity", self.severity)
        if style := self.style():
            style.polish(self)
        if self.severity:
            hues = {"warning": theme.phase_text["loss"], "error": theme.phase_text["alarm"]}
            color = hues.get(self.severity, theme.accent)
            self._sign.setPixmap(pixmap(self.severity, color, icon_side(theme.point_size()), self.devicePixelRatioF()))
        set_icon(self._close, "close", theme)
        self._place()

    def _place(self) -> None:
        """Take the room that the message needs, upwards from the bottom."""
        contents, message = self.parentWidget(), self._shown
        if self._kept is None or contents is None or message is None:
            self.text.setText(_short(self.whole))
            self._watch(False)
            self.covers.emit(0)
            return
        width, kept = self._width(contents.width()), self._kept.height()
        below = self._put_beside(width)
        metrics = QFontMetrics(self._context.theme.text_font())
        lines = max(2, round(_MOST * contents.height()) // metrics.lineSpacing())
        text = _fitted(_short(message.text), metrics, self._room(width, kept, False), lines)
        tall = below or _height(text, metrics, self.text.width()) > kept
        room = self._room(width, kept, tall)
        folded = self._folded and tall
        if folded:
            text = metrics.elidedText(" ".join(message.text.split()), Qt.TextElideMode.ElideRight, room)
        elif tall:
            text = _fitted(_short(message.text), metrics, room, lines)
        self._actions.setVisible(bool(self._buttons) and not (folded and below))
        air = _AIR if tall and not folded else 0
        self._grid.setContentsMargins(_LEFT, air, _LEFT // 2, air)
        self.text.setWordWrap(not folded)
        self.text.setText(text)
        self.text.setToolTip(message.text if text != message.text else "")
        self._name_fold(folded)
        self._grid.invalidate()
        height = max(kept, self._grid.totalHeightForWidth(width)) if tall and not folded else kept
        left = contents.width() - width
        self.setGeometry(QRect(left, contents.height() - height, width, height))
        self.covers.emit(width if left else 0)
        self._watch(height > kept)

    def _width(self, whole: int) -> int:
        """How much of the status line's width it takes: all of it where the rest would be too little for a message."""
        beside = whole - round(_FREE * whole)
        return beside if beside >= self._context.theme.space(_LEAST) else whole

    def _put_beside(self, width: int) -> bool:
        """Put the buttons beside the text, or where that would leave it little room, below; whether it is that."""
        wide = sum(button.sizeHint().width() + _GAP for button in self._buttons)
        below = wide > _BESIDE * width
        self._actions.setMinimumWidth(0 if below else wide)
        if below:
            self._grid.addWidget(self._actions, 1, 1, 1, 5)
        else:
            self._grid.addWidget(self._actions, 0, 2, Qt.AlignmentFlag.AlignVCenter)
        self._actions.setVisible(bool(self._buttons))
        return below

    def _room(self, width: int, height: int, tall: bool) -> int:
        """Pixels that a line of text has."""
        self._fold.setVisible(tall)
        self._grid.setContentsMargins(_LEFT, 0, _LEFT // 2, 0)
        self.resize(width, height)
        self._grid.activate()
        return self.text.width()

    def _name_fold(self, folded: bool) -> None:
        set_icon(self._fold, "up" if folded else "down", self._context.theme)
        words = "Show the whole message" if folded else "Fold the message to one line"
        self._fold.setToolTip(words)
        self._fold.setAccessibleName(words)

    def _set_folded(self, folded: bool) -> None:
        self._folded = folded
        self._place()

    def _covers(self) -> bool:
        """Whether it lies over more than what is kept for it."""
        return self.isVisible() and self._kept is not None and self.height() > self._kept.height()

    def _watch(self, wanted: bool) -> None:
        """Hear where the mouse is pressed, only as long as that matters: all events of everything are many."""
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
            if wanted:
                app.installEventFilter(self)

    def _give_focus_back(self) -> None:
        """A button that goes leaves the focus where it was before, not at whatever comes next in the window."""
        before, now = self._came_from, QApplication.focusWidget()
        if now is not None and self.isAncestorOf(now) and before is not None and not sip.isdeleted(before):
            before.setFocus()
        self._came_from = None

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        """What has the focus must be seen."""
        if new is not None and self.isAncestorOf(new) and old is not None and not self.isAncestorOf(old):
            self._came_from = old
        contents = self.parentWidget()
        if new is None or contents is None or not self._covers() or not contents.isAncestorOf(new) or new is self:
            return
        place = QRect(new.mapTo(contents, new.rect().topLeft()), new.size())
        if not self.isAncestorOf(new) and place.intersects(self.geometry()):
            self._set_folded(True)

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        """Follow the size of the window; where the mouse is pressed beside the bar, fold."""
        if a1 is None:
            return False
        if a1.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest) and a0 is self.parentWidget():
            self._place()
        elif isinstance(a1, QMouseEvent) and a1.type() == QEvent.Type.MouseButtonPress and self._covers():
            # A press that nobody takes goes on to what is below: the place counts, not whom it is offered to.
            inside = self.rect().contains(self.mapFromGlobal(a1.globalPosition().toPoint()))
            if not inside and isinstance(a0, QWidget) and a0.window() is self.window():
                self._set_folded(True)
        return False


def _short(text: str) -> str:
    """At most four lines; of a traceback the last ones matter most."""
    lines = text.strip().splitlines()
    if len(lines) > 4:
        lines = [lines[0], "…", *lines[-2:]]
    return "\n".join(line if len(line) < 400 else line[:397] + "…" for line in lines)


def _height(text: str, metrics: QFontMetrics, width: int) -> int:
    """Pixels of a text that is wrapped at ``width``."""
    return metrics.boundingRect(QRect(0, 0, max(width, 1), 1 << 20), Qt.TextFlag.TextWordWrap, text).height()


def _fitted(text: str, metrics: QFontMetrics, width: int, lines: int) -> str:
    """As much of a text as has room in so many lines."""
    most = lines * metrics.lineSpacing()
    if _height(text, metrics, width) <= most:
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _height(f"{text[:middle]}…", metrics, width) <= most else (low, middle)
    return f"{text[:low].rstrip()}…"
