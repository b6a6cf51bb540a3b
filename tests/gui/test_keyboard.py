"""Keys that hold everywhere: letters, Return on buttons, the menu key, undo; and that F1 lists what the panels take."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QContextMenuEvent, QKeyEvent
from PyQt6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.actions import SPECS
from gui.attach_dialog import AttachDialog
from gui.context import Context
from gui.keyboard import Keyboard
from gui.keys_dialog import IN_PANELS, KeysDialog
from gui.letters import letter_of, marked_in, plain, with_letters
from gui.panels.tensor_edit import EditDialog
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.undoing import edited_run, run_of_edit
from gui.widgets.menu import Menu
from gui.window import Window
from tests.gui.fake_link import FakeLink

GUI = Path(__file__).parents[2] / "gui"

#: Files whose widgets take keys, and the panel under which F1 lists them.
FILES = {
    "plots/canvas.py": "Curves", "network/view.py": "Network", "timeline/travel.py": "Timeline",
    "widgets/breakpoint_list.py": "Breakpoints", "start_page.py": "Start page", "data/sample_grid.py": "Data",
    "data/points.py": "Data", "widgets/terms_view.py": "Explain", "widgets/find_bar.py": "Code",
    "widgets/variable_tree.py": "Variables", "widgets/code_view.py": "Code", "widgets/breakpoint_form.py": "Breakpoints",
    "widgets/heat_map.py": "Tensor", "window.py": "Everywhere", "run_choice.py": "Toolbar",
}  # fmt: skip
#: What F1 writes for Qt's names.
NAMES = {"Delete": "Del", "Enter": "Return", "Escape": "Esc", "Plus": "+", "Minus": "-", "Copy": "Ctrl+C"}


@pytest.fixture
def window(qtbot, tmp_path):
    window = Window(Context(State(), FakeLink(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.show_workspace()
    window.activateWindow()
    yield window
    window.close()


# ---- letters ----


@given(st.lists(st.text("abAB &\t…x1", max_size=12), max_size=12))
def test_letters_are_different_and_the_texts_stay(texts):
    found = with_letters([text.replace("&", "&&") for text in texts])
    assert [plain(text) for text in found] == texts
    letters = [letter for letter in map(letter_of, found) if letter]
    assert len(letters) == len(set(letters))
    assert all(letter_of(text.partition("\t")[0]) == letter_of(text) for text in found)


def test_a_letter_that_is_there_stays_and_first_letters_go_first():
    found = with_letters(["Stop", "Step over", "St&art"])
    assert found == ["&Stop", "Step &over", "St&art"]
    assert with_letters(["&Save", "&Stop", "S"]) == ["&Save", "S&top", "S"]


def test_a_text_gives_up_its_letter_where_another_has_no_other():
    assert with_letters(["ab", "c", "a"]) == ["a&b", "&c", "&a"]
    assert [letter_of(text) for text in with_letters(["ab", "bc", "cd", "a", "ba"])] == ["b", "c", "d", "a", ""]


def shown_letters(menu):
    menu.popup(QPoint(10, 10))
    QApplication.processEvents()
    found = [(action.text(), letter_of(action.text())) for action in menu.actions() if not action.isSeparator()]
    menu.hide()
    return found


def test_all_menus_are_reached_by_alt_and_all_their_entries_have_letters(window, qtbot):
    bar = window.menuBar()
    titles = [letter_of(action.text()) for action in bar.actions()]
    assert len(set(titles)) == len(titles) == 4 and all(titles)
    for path, menu in window.menus.items():
        found = shown_letters(menu)
        letters = [letter for _, letter in found if letter]
        assert len(letters) == len(set(letters)), path
        assert len(letters) == len(found), (path, found)
    # What the menus write is not what the toolbar, the table of keys or a screen reader says.
    assert not any("&" in button.text() + button.accessibleName() for button in window.toolbar.findChildren(QToolButton))
    window.help.keys()
    dialog = window.findChild(KeysDialog)
    assert dialog is not None and not any("&" in cell for row in dialog.shown() for cell in row)
    dialog.close()


def test_a_context_menu_has_letters(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    menu = Menu(parent)
    for text in ("Copy", "Copy value", "Change…\tF2", "c"):
        menu.addAction(text)
    assert shown_letters(menu) == [("C&opy", "o"), ("Copy &value", "v"), ("C&hange…\tF2", "h"), ("&c", "c")]


@pytest.mark.parametrize("make", [
    lambda window: AttachDialog(window),
    lambda window: EditDialog("w[0]", "1.0", window.context.theme, parent=window),
    lambda window: KeysDialog(window.context, window),
])  # fmt: skip
def test_what_a_dialog_shows_has_letters(window, qtbot, make):
    dialog = make(window)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.isActiveWindow() and QApplication.focusWidget() is not None)
    letters = [letter_of(part.text()) for part in marked_in(dialog)]
    assert len(letters) >= 2 and all(letters) and len(letters) == len(set(letters))
    dialog.close()


# ---- Return ----


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
@pytest.mark.parametrize("make", [QPushButton, QToolButton])
def test_return_presses_the_button_that_has_the_focus(qtbot, make, key):
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    field, button = QLineEdit(), make()
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    pressed = []
    button.clicked.connect(lambda: pressed.append(1))
    for widget in (field, button):
        column.addWidget(widget)
    _kept = Keyboard(window)
    window.show()
    window.activateWindow()
    field.setFocus()
    qtbot.keyClick(field, key)
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    qtbot.keyClick(button, key)
    assert pressed == [1]


def test_in_a_dialog_return_is_its_default_buttons(qtbot):
    dialog = QDialog()
    qtbot.addWidget(dialog)
    _kept = Keyboard(dialog)
    form, tool = QFormLayout(dialog), QToolButton()
    tool.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok)
    pressed = []
    tool.clicked.connect(lambda: pressed.append("tool"))
    buttons.accepted.connect(lambda: pressed.append("ok"))
    form.addRow(tool)
    form.addRow(buttons)
    dialog.show()
    tool.setFocus()
    qtbot.keyClick(tool, Qt.Key.Key_Return)
    assert pressed == ["ok"]


def test_return_in_a_table_closes_it_and_copies_nothing(window, qtbot):
    QApplication.clipboard().setText("mine")
    dialog = KeysDialog(window.context, window)
    dialog.show()
    qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
    assert QApplication.clipboard().text() == "mine" and not dialog.isVisible()


# ---- the menu key ----


def test_every_panel_has_a_menu_by_key_and_its_dock_closes_by_it(window, qtbot):
    for key, panel in window.workspace.panels.items():
        window.show_panel(key)
        qtbot.waitUntil(panel.isVisible)
        asked = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), panel.mapToGlobal(QPoint(5, 5)))
        QApplication.sendEvent(panel, asked)
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu), key
        texts = [plain(action.text()) for action in menu.actions()]
        assert f"Export {panel.title} as PNG…" in texts and ("Close the panel" in texts) == (key != "network")
        menu.close()


@pytest.mark.parametrize("where", ["title", "subject", "hint"])
def test_a_press_anywhere_on_a_panel_gives_it_the_focus(window, qtbot, where):
    for key, panel in window.workspace.panels.items():
        window.show_panel("code" if key != "code" else "network")
        window.workspace.docks[key].raise_() if key in window.workspace.docks else None
        qtbot.waitUntil(panel.isVisible)
        place = {"title": panel.head, "subject": panel.head.subject, "hint": panel._empty}[where]
        if where == "hint":
            panel.show_empty()
        assert window.workspace.current_key() != key
        qtbot.mouseClick(place, Qt.MouseButton.LeftButton)
        assert window.workspace.current_key() == key


# ---- F1 ----


def keys_of(path: Path) -> set[str]:
    """Keys that a file names within ``keyPressEvent``, or in the constants that it is made of."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "keyPressEvent"]
    constants = {name for node in taken for name in re.findall(r"\b_[A-Z]+\b", ast.unparse(node))}
    taken += [
        node for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and any(name in ast.unparse(node) for name in constants)
    ]
    text = "\n".join(map(ast.unparse, taken))
    named = re.findall(r"Key\.Key_(\w+)", text) + re.findall(r"StandardKey\.(\w+)", text)
    written = re.findall(r"event\.text\(\) (?:==|in) (.*?):\n", text)
    return {NAMES.get(name, name) for name in named} | {key for part in written for key in re.findall(r"'([+\-0])'", part)}


def listed(panel: str) -> set[str]:
    keys = {key for place, row, _, _ in IN_PANELS if place == panel for key in row.split(", ")}
    return keys | ({"Left", "Right", "Up", "Down"} if "Arrows" in keys else set())


def test_f1_lists_every_key_that_a_widget_takes():
    taking = {str(path.relative_to(GUI)) for path in GUI.rglob("*.py") if "def keyPressEvent" in path.read_text("utf-8")}
    assert taking == set(FILES)
    # F6 is an action's, and Enter is Return.
    missing = {name: keys_of(GUI / name) - listed(panel) - {"F6"} for name, panel in FILES.items()}
    assert not {name: keys for name, keys in missing.items() if keys}


def test_f1_lists_no_key_of_a_panel_that_nothing_takes():
    taken: dict[str, set[str]] = {}
    for name, panel in FILES.items():
        taken.setdefault(panel, set()).update(keys_of(GUI / name))
    of_qt = {("Breakpoints", "Space"), ("Start page", "Return"), ("Timeline", "Ctrl+Left"), ("Timeline", "Ctrl+Right"),
             ("Code", "Shift+Return")}  # fmt: skip
    for panel in taken.keys() - {"Everywhere"}:
        more = {key for key in listed(panel) - {"Arrows"} if key not in taken[panel] and (panel, key) not in of_qt}
        assert not more, panel


# ---- undo ----


def run(number, parent=None, current=False, name=None):
    return {"number": number, "name": name or f"run {number}", "parent": parent, "current": current, "state": "stopped",
            "position": [1, 0, 0], "forkedAt": [1, 0, 0] if parent else None}  # fmt: skip


def test_the_run_before_an_edit_and_the_run_of_the_newest_edit():
    runs = [run(1), run(2, 1), run(3, 1, current=True), run(4, 3)]
    assert edited_run(runs)["number"] == 1 and run_of_edit(runs)["number"] == 4
    runs[0]["current"], runs[2]["current"] = True, False
    assert edited_run(runs) is None and run_of_edit(runs)["number"] == 3
    assert edited_run([]) is None and run_of_edit([]) is None
    assert edited_run([run(2, 7, current=True)]) is None


def test_undo_goes_to_the_run_that_was_edited_and_redo_back(window, monkeypatch):
    switched = []
    monkeypatch.setattr(window.context.link, "switch", switched.append, raising=False)
    undo, redo = (window.context.action(name) for name in ("undo", "redo"))
    assert not undo.isEnabled() and not redo.isEnabled()
    stop = {"reason": "step", "seq": 1, "live": True}
    window.context.state.update(stop=stop, runs=[run(1), run(2, 1, True, "w[0] = 2")])
    assert undo.isEnabled() and not redo.isEnabled()
    undo.trigger()
    assert switched == [1] and "run 1" in window.messages.whole and "“w[0] = 2” is kept" in window.messages.whole
    window.context.state.update(runs=[run(1, None, True), run(2, 1, False, "w[0] = 2")])
    assert not undo.isEnabled() and redo.isEnabled()
    redo.trigger()
    assert switched == [1, 2]


def test_in_a_field_undo_is_the_fields(window, qtbot, monkeypatch):
    switched = []
    monkeypatch.setattr(window.context.link, "switch", switched.append, raising=False)
    stop = {"reason": "step", "seq": 1, "live": True}
    window.context.state.update(stop=stop, runs=[run(1), run(2, 1, True)])
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    qtbot.keyClicks(field, "abc")
    qtbot.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert field.text() == "" and not switched


def test_about_has_letters(window, qtbot):
    window.help.about()
    box = window.findChild(QMessageBox)
    assert box is not None
    qtbot.waitUntil(lambda: box.isActiveWindow() and QApplication.focusWidget() is not None)
    letters = [letter_of(part.text()) for part in marked_in(box)]
    assert len(letters) == 2 and all(letters) and len(set(letters)) == 2
    box.close()


@pytest.mark.parametrize("floats", [False, True])
def test_the_window_knows_whether_a_key_is_held(window, qtbot, until, floats):
    window.show()
    window.open_workspace()
    until(lambda: window.workspace is not None)
    window.workspace.docks["code"].setFloating(floats)
    line = QLineEdit(window.workspace.panels["code"])
    line.show()
    line.window().activateWindow()
    line.setFocus()
    until(lambda: QApplication.focusWidget() is line)

    def send(kind, repeats):
        QApplication.sendEvent(line, QKeyEvent(kind, Qt.Key.Key_F10, Qt.KeyboardModifier.NoModifier, "", repeats))
        return window.keyboard.held

    assert not send(QEvent.Type.ShortcutOverride, False)
    assert send(QEvent.Type.ShortcutOverride, True)
    assert send(QEvent.Type.KeyRelease, True)  # X11 lets a key go before each time it repeats
    assert not send(QEvent.Type.KeyRelease, False)


def test_only_steps_and_the_like_repeat_while_their_key_is_held(window):
    repeats = {name for name in SPECS if window.context.action(name).autoRepeat()}
    assert {"over", "into", "out", "back", "finer", "faster", "find_next", "larger"} <= repeats
    assert repeats.isdisjoint({"continue", "pause", "stop", "restart", "breakpoint", "undo", "theme", "open", "quit"})
