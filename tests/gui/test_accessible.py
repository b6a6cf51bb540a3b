"""Everything by keyboard, and everything with a name: all widgets of the whole window."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QMenu,
    QScrollBar,
    QTabBar,
    QWidget,
)  # fmt: skip

from gui.actions import SPECS
from gui.context import Context
from gui.link import Link
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.gui.conftest import SAMPLES
from tests.gui.fake_link import FakeLink

#: What is pressed, chosen from, or typed into.
CONTROLS = (QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox, QLineEdit)


@pytest.fixture
def window(qtbot, until, tmp_path, monkeypatch, no_spare):
    """A window with a true script, stopped at its third op."""
    monkeypatch.chdir(tmp_path)
    window = Window(Context(State(), Link(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.open(str(SAMPLES / "two_points.py"), ("folder=",))
    until(lambda: window.context.state.stop and window.workspace)
    for _ in range(3):
        before = window.context.state.stop
        window.context.action("over").trigger()
        until(lambda before=before: window.context.state.stop is not before and not window.context.link.moving)
    yield window
    window.close()


@pytest.fixture
def quiet(qtbot, tmp_path):
    """A window without a script."""
    window = Window(Context(State(), FakeLink(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.show_workspace()
    yield window
    window.close()


def focusable(root):
    """Widgets of ours that the Tab key or a click can reach."""
    for widget in root.findChildren(QWidget):
        parent = widget.parentWidget()
        inner = widget.objectName().startswith("qt_") or isinstance(widget, (QScrollBar, QHeaderView, QMenu))
        inner = inner or isinstance(parent, QTabBar)
        viewport = isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget
        popup = widget.window() is not root
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not inner and not viewport and not popup:
            yield widget


def described(widget):
    names = [type(widget).__name__]
    while (widget := widget.parentWidget()) is not None:
        if widget.objectName() and not widget.objectName().startswith("qt_"):
            names.append(widget.objectName())
    return " < ".join(names[:4])


def test_every_widget_that_takes_the_focus_has_a_name_and_every_control_a_tooltip(window, qtbot):
    for key in window.workspace.panels:
        window.show_panel(key)
        qtbot.waitUntil(window.workspace.panels[key].isVisible)
        qtbot.wait(30)
    widgets = list(focusable(window))
    assert len(widgets) > 60
    nameless = sorted({described(widget) for widget in widgets if not widget.accessibleName()})
    # What is drawn or written in tells of itself where the mouse is; a tooltip over all of it would be in the way.
    controls = [widget for widget in widgets if isinstance(widget, CONTROLS)]
    assert len(controls) > 40
    mute = sorted({f"{described(widget)}: {widget.accessibleName()}" for widget in controls if not widget.toolTip()})
    faults = [f"no name: {text}" for text in nameless] + [f"no tooltip: {text}" for text in mute]
    assert not faults, "\n" + "\n".join(faults)


def test_every_action_teaches(quiet):
    window = quiet
    for name, spec in SPECS.items():
        action = window.context.action(name)
        assert len(spec.tip) > 8, name
        assert action.text() and spec.tip in action.toolTip()
        if spec.keys:
            assert action.shortcut().toString(action.shortcut().SequenceFormat.NativeText) in action.toolTip(), name
    in_menus = {action for menu in window.menus.values() for action in menu.actions()}
    assert {name for name in SPECS if window.context.action(name) not in in_menus} == set()


def test_the_keys_of_all_actions_are_different(quiet):
    window = quiet
    keys = [key.toString() for action in window.findChildren(QAction) for key in action.shortcuts()]
    assert len(keys) == len(set(keys))


def walked_by_tab(window, qtbot):
    """What Tab leads to, one after the other, from the choice of the level until it comes to that again."""
    window.toolbar.level.setFocus()
    walked = []
    for _ in range(400):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        walked.append(QApplication.focusWidget())
        if walked[-1] is window.toolbar.level:
            break
    return walked


def test_the_keyboard_leads_everywhere_and_the_panel_with_the_focus_is_marked(window, qtbot):
    window.activateWindow()
    shown = [key for key, panel in window.workspace.panels.items() if panel.isVisible()]
    assert len(shown) == 6
    window.workspace.show_panel("code")
    seen = []
    for _ in shown:
        qtbot.keyClick(window, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
        seen.append(window.workspace.current_key())
    assert sorted(seen) == sorted(shown) and seen[-1] == "code"
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_Backtab, modifiers)
    assert window.workspace.current_key() == seen[-2]
    for key in ("code", "tensor", "network"):
        window.show_panel(key)
        assert [key for key, panel in window.workspace.panels.items() if panel.head.property("active")] == [key]
    walked = walked_by_tab(window, qtbot)
    keys = {key for key, panel in window.workspace.panels.items() for w in walked if w is not None and panel.isAncestorOf(w)}
    assert walked[-1] is window.toolbar.level and len(keys) >= 4


def test_the_path_comes_between_the_toolbar_and_the_panels(window, qtbot):
    window.activateWindow()
    walked = walked_by_tab(window, qtbot)
    crumbs = [place for place, widget in enumerate(walked) if window.workspace.breadcrumb.isAncestorOf(widget)]
    assert crumbs and crumbs == list(range(crumbs[0], crumbs[0] + len(crumbs)))
    assert all(window.toolbar.isAncestorOf(widget) for widget in walked[: crumbs[0]])
    assert walked.index(window.workspace.panels["network"].view) > crumbs[-1]
    places = [walked[crumb].x() for crumb in crumbs]
    assert places == sorted(places)


def test_tab_goes_only_where_something_is_seen(window, qtbot):
    window.activateWindow()
    for key in ("parameters", "explain", "diagnostics"):
        window.show_panel(key)
    qtbot.wait(50)
    walked = walked_by_tab(window, qtbot)
    assert len(walked) > 20
    within = [widget.mapTo(window, widget.rect().center()) for widget in walked]
    lost = [described(widget) for widget, place in zip(walked, within) if not window.rect().contains(place)]
    assert not lost
    panel = window.workspace.panels["parameters"]
    order = [walked.index(widget) for widget in (*panel.fields.values(), panel.restart)]
    assert order == list(range(order[0], order[0] + len(order)))
    window.show_panel("breakpoints")  # a head that comes into sight can be used
    qtbot.waitUntil(window.workspace.panels["breakpoints"].head.isEnabled)
    assert not panel.head.isEnabled()


def test_alt_and_a_digit_go_to_a_panel(quiet, qtbot):
    window = quiet
    window.activateWindow()
    keys = list(window.workspace.panels)
    for digit, key in ((1, keys[0]), (9, keys[8]), (3, keys[2])):
        qtbot.keyClick(window, getattr(Qt.Key, f"Key_{digit}"), Qt.KeyboardModifier.AltModifier)
        assert window.workspace.current_key() == key
        assert window.workspace.panels[key].isVisible()


def test_a_panel_behind_another_tab_is_not_asked(window, qtbot, until):
    panels = window.workspace.panels
    window.show_panel("tensor")
    qtbot.waitUntil(lambda: not panels["explain"].isVisible())
    assert panels["tensor"].isVisible()
    shown = []
    panels["explain"].show_stop = shown.append
    before = window.context.state.stop
    window.context.action("over").trigger()
    until(lambda: window.context.state.stop is not before and not window.context.link.moving)
    assert shown == []
    window.show_panel("explain")
    until(lambda: shown)
    assert shown[-1] is window.context.state.stop
