"""Dialogs by the keyboard alone: Tab goes in the order in which one reads, Return and Escape do as meant."""

from itertools import pairwise

import pytest
from PyQt6 import sip
from PyQt6.QtCore import QPoint, QSize, Qt
from PyQt6.QtWidgets import QApplication, QDialog, QPushButton, QWidget

from gui.attach_dialog import AttachDialog
from gui.keyboard import Keyboard
from gui.panels.tensor_edit import EditDialog
from gui.recording_run.dialog import RecordDialog
from gui.recording_run.recording import Picture
from gui.table_dialog import Row, TableDialog
from gui.theme import Theme
from gui.widgets.breakpoint_editor import BreakpointEditor

ROWS = [Row("Run", ("F5", "Continue", "")), Row("Run", ("F10", "Step over", "")), Row("View", ("F11", "Step into", ""))]


@pytest.fixture(autouse=True)
def keyboard(qapp):
    """As the window has it."""
    keyboard = Keyboard(qapp)
    yield
    qapp.focusChanged.disconnect(keyboard._focus_changed)
    keyboard.deleteLater()


@pytest.fixture(params=["attach", "edit", "table", "record", "breakpoint"])
def dialog(request, qtbot, context):
    makers = {
        "attach": AttachDialog,
        "edit": lambda: EditDialog("fc1.weight[0, 1]", "0.25", Theme("light")),
        "table": lambda: TableDialog(context, None, "Keys", ("Key", "What it does", ""), ROWS),
        "record": lambda: RecordDialog(context, {"Window": lambda: Picture(QSize(640, 400), lambda painter: None)}, str),
    }
    if request.param == "breakpoint":
        parent = QWidget()
        qtbot.addWidget(parent)
        dialog = BreakpointEditor(Theme("light"), {"line": 3}, lambda changes: None, parent)
        request.addfinalizer(parent.close)  # it is kept as long
        dialog.open_at(QPoint(40, 40))
    else:
        dialog = makers[request.param]()
        qtbot.addWidget(dialog)
        dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(lambda: dialog.isAncestorOf(QApplication.focusWidget()) if QApplication.focusWidget() else False)
    return dialog


def walk(dialog, qtbot, key=Qt.Key.Key_Tab):
    """What the key leads to, from where the focus is until it comes there again."""
    start, walked = QApplication.focusWidget(), []
    while not walked or walked[-1] is not start:
        qtbot.keyClick(QApplication.focusWidget(), key)
        walked.append(QApplication.focusWidget())
        assert len(walked) < 40
    return walked


def test_tab_goes_as_one_reads(dialog, qtbot):
    walked = walk(dialog, qtbot)
    assert all(widget.isVisible() and widget.isEnabled() for widget in walked)
    places = [widget.mapTo(dialog, QPoint(0, widget.height() // 2)) for widget in walked]
    first = min(range(len(walked)), key=lambda at: (places[at].y() // 8, places[at].x()))
    order = [*places[first:], *places[:first]]
    for one, other in pairwise(order):
        assert other.y() > one.y() + 8 or (abs(other.y() - one.y()) <= 8 and other.x() > one.x())
    assert walk(dialog, qtbot, Qt.Key.Key_Backtab)[-2::-1] == walked[:-1]


def test_return_behind_a_walk_is_still_what_the_dialog_is_for(dialog, qtbot):
    if not isinstance(dialog, QDialog) or isinstance(dialog, TableDialog):
        pytest.skip("it has no button that Return presses from everywhere")
    walk(dialog, qtbot)
    buttons = [button for button in dialog.findChildren(QPushButton) if button.isDefault()]
    assert [button.text().replace("&", "") in ("Attach", "Fork with this value", "Record…") for button in buttons] == [True]


def test_escape_closes(dialog, qtbot):
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: sip.isdeleted(dialog) or not dialog.isVisible())
    assert sip.isdeleted(dialog) or not isinstance(dialog, QDialog) or dialog.result() == QDialog.DialogCode.Rejected
