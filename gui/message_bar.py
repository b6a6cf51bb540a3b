"""The bar for messages: what happened, where, and what to do. It waits for nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from gui.context import Context
from gui.icons import icon_side, pixmap, set_icon
from gui.timers import single_shot

#: Milliseconds that a mere information stays.
_STAY = 8000
_RANKS = ("", "info", "warning", "error")

#: A text, its severity, its buttons and what they do, and whether it stays.
_Message = tuple[str, str, Sequence[tuple[str, Callable[[], object]]], bool]


class MessageBar(QWidget):
    """Shows one message, the newest; hidden while there is none."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.setObjectName("message")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.severity = ""
        #: The whole text that is shown; "" where none is.
        self.whole = ""
        #: What was shown with buttons, or to stay, before a message without came over it: shown again when that leaves.
        self._below: _Message | None = None
        self._shown_actions: Sequence[tuple[str, Callable[[], object]]] = ()
        self._stays = False
        self._sign = QLabel()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.text.setAccessibleName("Message")
        self._actions = QHBoxLayout()
        self._actions.setSpacing(8)
        self._close = QToolButton()
        self._close.setAccessibleName("Close the message")
        self._close.setToolTip("Close the message (Esc)")
        self._close.clicked.connect(self.leave)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 8, 6)
        layout.setSpacing(8)
        layout.addWidget(self._sign)
        layout.addWidget(self.text, 1)
        layout.addLayout(self._actions)
        layout.addWidget(self._close)
        self._timer = single_shot(self, _STAY, self.leave)
        context.theme_changed.connect(self._draw)
        self.hide()

    def show_message(
        self, text: str, severity: str = "info", actions: Sequence[tuple[str, Callable[[], object]]] = (),
        stays: bool = False,
    ) -> None:  # fmt: skip
        """Show a message. One without buttons covers one with buttons only for a while: that comes back when it leaves, and
        an information, or what is less severe than what it covers, leaves by itself.

        Args:
            severity: "info", "warning" or "error".
            actions: text of a button and what it does; the bar is closed then.
            stays: it holds until it is withdrawn, as one with buttons does.
        """
        if actions:
            self._below = None
        elif self._shown_actions or self._stays:
            self._below = self.whole, self.severity, self._shown_actions, self._stays
        self.severity, self.whole, self._shown_actions, self._stays = severity, text, actions, stays
        self.text.setText(_short(text))
        self.text.setToolTip(text if len(text) > len(_short(text)) else "")
        while (item := self._actions.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for label, action in actions:
            button = QPushButton(label)
            button.setAccessibleName(label)
            button.clicked.connect(lambda _checked=False, action=action: (self.dismiss(), action()))
            self._actions.addWidget(button)
        self._draw()
        self.show()
        self._timer.stop()
        if self.passing:
            self._timer.start()

    @property
    def passing(self) -> bool:
        """Whether what is shown leaves by itself."""
        below = _RANKS.index(self._below[1]) if self._below is not None else 0
        covers = _RANKS.index(self.severity) < below
        held = bool(self._shown_actions) or self._stays
        return bool(self.severity) and not held and (self.severity == "info" or covers)

    @property
    def alarming(self) -> bool:
        """Whether an error is shown, or covered for a while."""
        return self.severity == "error" or (self._below is not None and self._below[1] == "error")

    def change_text(self, old: str, new: str) -> None:
        """Let the message ``old``, wherever it is, say something else; its buttons stay."""
        if self._below is not None and self._below[0] == old:
            self._below = new, *self._below[1:]
        if self.whole == old:
            self.whole = new
            self.text.setText(_short(new))
            self.text.setToolTip(new if len(new) > len(_short(new)) else "")

    def dismiss(self) -> None:
        """Hide the message."""
        self._timer.stop()
        self.severity = self.whole = ""
        self._below, self._shown_actions, self._stays = None, (), False
        self.hide()

    def withdraw(self, text: str) -> None:
        """This message does not hold any more: hide it, wherever it is."""
        if self._below is not None and self._below[0] == text:
            self._below = None
        if self.whole == text:
            self.leave()

    def leave(self) -> None:
        """Hide the message; what it covered comes back."""
        below, self._below = self._below, None
        if below is None:
            self.dismiss()
        else:
            self.show_message(*below)

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


def _short(text: str) -> str:
    """At most four lines; of a traceback the last ones matter most."""
    lines = text.strip().splitlines()
    if len(lines) > 4:
        lines = [lines[0], "…", *lines[-2:]]
    return "\n".join(line if len(line) < 400 else line[:397] + "…" for line in lines)
