"""What the keyboard can do everywhere: Return presses the button that has the focus, as Space does, and what a dialog shows
has letters; and whether a key is held down.
"""

from __future__ import annotations

from itertools import pairwise

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QAbstractButton, QApplication, QDialog, QDialogButtonBox, QFileDialog, QWidget

from gui.letters import mark_dialog

_RETURN = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_PRESSES = (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
#: What a window hears of every key, of those of actions too, before an action is triggered by it and when it is let go.
_HEARD = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyRelease)


def order_buttons(dialog: QWidget) -> None:
    """Let Tab go through the buttons of a dialog as they stand there, which is another order on each desktop."""
    for box in dialog.findChildren(QDialogButtonBox):
        for one, other in pairwise(sorted(box.buttons(), key=lambda button: button.x())):
            QWidget.setTabOrder(one, other)


class Keyboard(QObject):
    """Follows the focus. Only the button that has it is watched, and its window: all events of everything would be too many.

    In a dialog Return is its default button's, as everywhere.

    Attributes:
        held: whether the key that was pressed last is held down and repeats by itself.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.held = False
        parent.installEventFilter(self)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_changed)

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if isinstance(old, QAbstractButton):
            old.removeEventFilter(self)
        window = new.window() if new is not None else None
        if isinstance(window, QDialog):
            if not isinstance(window, QFileDialog):
                mark_dialog(window)
                order_buttons(window)
            return
        if isinstance(new, QAbstractButton):
            new.installEventFilter(self)
        if window is not None:
            window.installEventFilter(self)  # a panel that floats; a second time changes nothing

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        """Return is passed on as Space."""
        if a1 is not None and a1.type() in _HEARD and isinstance(a1, QKeyEvent):
            self.held = a1.isAutoRepeat()
        if not isinstance(a0, QAbstractButton) or not isinstance(a1, QKeyEvent):
            return False
        if a1.type() not in _PRESSES or a1.key() not in _RETURN:
            return False
        if a1.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        space = QKeyEvent(a1.type(), Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, " ", a1.isAutoRepeat())
        QApplication.sendEvent(a0, space)
        return True
