"""What Qt and the window say on the console: nothing, but for what nobody can mend."""

from contextlib import contextmanager

from PyQt6.QtCore import QEvent, QtMsgType, qInstallMessageHandler
from PyQt6.QtWidgets import QApplication

#: What the offscreen platform says of itself, and nobody can mend. The second: of a window that goes to a screen with other
#: pixels while it is still being shown; one of plain Qt gets it too, and Qt mends the ratio then.
HARMLESS = ("This plugin does not support", "The cached device pixel ratio value was stale on window expose")


def complaints(errors):
    """The lines that a window has written to stderr and should not have."""
    return [line for line in errors.splitlines() if line.strip() and not line.startswith(HARMLESS)]


@contextmanager
def silent_qt():
    """Fail where Qt says anything meanwhile, also while what was deleted goes; gives the list of what it has said."""
    said = []

    def handle(kind, _context, text):
        if kind != QtMsgType.QtDebugMsg and not (text or "").startswith(HARMLESS):
            said.append(text)

    old = qInstallMessageHandler(handle)
    try:
        yield said
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    finally:
        qInstallMessageHandler(old)
    assert not said, f"Qt says: {said}"
