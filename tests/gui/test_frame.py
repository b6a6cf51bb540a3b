"""The frame of the window: sizes, toolbar, breadcrumb, status line, menus, start page."""

import re
from types import SimpleNamespace

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLineEdit, QScrollArea, QTabBar

from engine.debug.events import KINDS
from engine.debug.stops import describe
from gui.breadcrumb import Breadcrumb, parts
from gui.context import Context
from gui.menus import Menus
from gui.settings import Settings
from gui.start_page import Card
from gui.state import Selection, State
from gui.status import place_of
from gui.theme import THEMES, Theme
from gui.window import Window
from tests.gui.clipping import clipped
from tests.gui.conftest import SAMPLES
from tests.gui.fake_link import FakeLink

STOP = {
    "reason": "step", "description": 'backward Convolution "conv2"', "position": [3, 0, 0], "level": "op",
    "kind": "backward", "file": str(SAMPLES / "fashion_cnn.py"), "line": 85, "function": "<module>", "module": "conv2",
    "op": "Convolution", "name": "Convolution", "direction": "backward", "epoch": 1, "epochs": 10, "batch": 2,
    "batches": 188, "step": 2, "live": True, "seq": 12, "hitBreakpointIds": [], "device": "cpu", "threads": 2, "seed": 0,
    "historyBytes": 38 * 2**20, "historyBudget": 256 * 2**20,
    "tensors": [
        {"name": "w", "shape": [32, 16, 3, 3], "dtype": "float32", "label": "conv2.weight"},
        {"name": "dw", "shape": [32, 16, 3, 3], "dtype": "float32", "label": None},
        {"name": "dx", "shape": [64, 16, 14, 14], "dtype": "float32", "label": None},
    ],
}  # fmt: skip


@pytest.fixture
def window(qtbot, tmp_path):
    window = Window(Context(State(), FakeLink(), Theme(), Settings(tmp_path / "settings.json")))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()


@pytest.fixture
def stopped(window, qtbot):
    window.open(str(SAMPLES / "fashion_cnn.py"))
    qtbot.waitUntil(lambda: window.workspace is not None)
    window.context.link.stopped.emit(dict(STOP))
    window.context.link.moves.clear()
    return window


def sizes(window):
    docks = window.workspace.docks
    return docks["code"].width(), docks["tensor"].width(), window.workspace.panels["timeline"].height()


def test_the_areas_have_their_sizes(stopped, qtbot):
    qtbot.waitUntil(lambda: sizes(stopped) == (340, 360, 72))
    shown = {key for key, panel in stopped.workspace.panels.items() if panel.isVisible()}
    assert shown == {"code", "variables", "network", "timeline", "tensor", "curves"}


def test_the_timeline_is_as_high_as_before_after_the_projector_s_theme(stopped, qtbot):
    qtbot.waitUntil(lambda: sizes(stopped) == (340, 360, 72))
    stopped.looks.set_theme("projector")
    qtbot.waitUntil(lambda: sizes(stopped)[2] > 80)
    stopped.looks.set_theme("light")
    qtbot.waitUntil(lambda: sizes(stopped)[2] == 72)


def test_with_larger_text_the_timeline_has_room(stopped, qtbot):
    """Also where theme and size change at once; and where it is small again, so is the strip."""
    stopped.resize(1280, 780)
    qtbot.waitUntil(lambda: sizes(stopped) == (340, 360, 72))
    panel, looks = stopped.workspace.panels["timeline"], stopped.looks
    for theme, scale, wanted in (("light", 2.0, 144), ("projector", 1.5, 140), ("light", 1.0, 72)):
        looks.set_theme(theme)
        looks.set_scale(scale)
        qtbot.waitUntil(lambda wanted=wanted: panel.height() == panel.parentWidget().height() >= wanted)
    qtbot.waitUntil(lambda: sizes(stopped)[2] == 72)
    assert stopped.height() == 780


def test_on_a_wide_window_layers_and_data_stand_beside_the_curves(stopped, qtbot):
    panels = stopped.workspace.panels
    three = [panels[key] for key in ("curves", "layers", "data")]
    stopped.resize(1920, 1080)
    qtbot.waitUntil(lambda: all(panel.isVisible() and panel.width() > 200 for panel in three))
    left = [panel.mapTo(stopped, panel.rect().topLeft()).x() for panel in three]
    assert left[0] < left[1] < left[2]
    qtbot.waitUntil(lambda: sizes(stopped)[0] == 440 and sizes(stopped)[2] == 72)
    stopped.resize(1280, 800)
    qtbot.waitUntil(lambda: sizes(stopped) == (340, 360, 72))
    assert not panels["layers"].isVisible()


@pytest.mark.parametrize(("theme", "beside"), [("light", ["layers", "data"]), ("projector", ["layers"])])
def test_beside_others_the_curves_have_room_for_their_head(stopped, qtbot, theme, beside):
    panels = stopped.workspace.panels
    stopped.looks.set_theme(theme)
    stopped.resize(1920, 1080)
    qtbot.waitUntil(lambda: [key for key in ("layers", "data") if panels[key].isVisible()] == beside)
    qtbot.waitUntil(lambda: all(clipped(panels[key].head) == [] for key in ("curves", *beside)))


def test_in_the_projector_theme_diagnostics_has_room_for_its_text(stopped, qtbot):
    """Three panels beside each other left it some 23 letters a line; one has it as wide as in a small window."""
    panels = stopped.workspace.panels
    stopped.resize(1920, 1080)
    qtbot.waitUntil(panels["data"].isVisible)
    stopped.looks.set_theme("projector")
    qtbot.waitUntil(lambda: panels["layers"].isVisible() and not panels["data"].isVisible())
    stopped.workspace.show_panel("diagnostics")
    qtbot.waitUntil(lambda: panels["diagnostics"].isVisible() and panels["diagnostics"].width() >= 360)
    assert panels["layers"].isVisible()
    stopped.looks.set_theme("light")
    qtbot.waitUntil(lambda: panels["layers"].isVisible() and panels["data"].isVisible())


def test_beside_the_others_layers_has_room_for_its_head_with_statistics(stopped, qtbot):
    stopped.looks.set_theme("projector")
    stopped.resize(1920, 1080)
    layers = stopped.workspace.panels["layers"]
    qtbot.waitUntil(layers.isVisible)
    texts = (layers.head.title, layers.over_time, layers.collect)
    between = 4 * 8  # at both ends, and between the three
    qtbot.waitUntil(lambda: layers.width() >= sum(widget.sizeHint().width() for widget in texts) + between)


def test_a_panel_that_floats_has_an_outline(stopped, qtbot):
    dock, theme = stopped.workspace.docks["tensor"], stopped.context.theme

    def corners():
        image = dock.grab().toImage()
        return {image.pixelColor(x, y).name() for x in (0, image.width() - 1) for y in (0, image.height() - 1)}

    assert theme.muted.name() not in corners()
    dock.setFloating(True)
    qtbot.waitUntil(lambda: corners() == {theme.muted.name()})
    dock.setFloating(False)
    qtbot.waitUntil(lambda: theme.muted.name() not in corners())


def test_a_panel_that_is_docked_again_is_in_front_of_the_other_tabs(stopped, qtbot):
    workspace = stopped.workspace
    dock = workspace.docks["tensor"]
    dock.setFloating(True)
    qtbot.waitUntil(workspace.panels["explain"].isVisible)
    dock.setFloating(False)
    qtbot.waitUntil(lambda: workspace.panels["tensor"].isVisible() and not workspace.panels["explain"].isVisible())


def test_other_room_brings_no_other_panel_to_the_front(stopped, qtbot):
    """Also larger text is a reason to arrange the panels anew: whoever reads an explanation goes on reading it."""
    panels = stopped.workspace.panels
    qtbot.waitUntil(lambda: sizes(stopped) == (340, 360, 72))
    for key in ("explain", "stack"):
        stopped.workspace.show_panel(key)
    for size, beside in (((1920, 1080), True), ((1280, 800), False)):
        stopped.resize(*size)
        qtbot.waitUntil(lambda beside=beside: panels["layers"].isVisible() is beside)
        qtbot.wait(50)
        assert panels["explain"].isVisible() and panels["stack"].isVisible() and panels["curves"].isVisible()


def test_a_layout_of_the_users_own_stays_when_the_window_grows(stopped, qtbot):
    qtbot.waitUntil(lambda: sizes(stopped) == (340, 360, 72))
    stopped.workspace.docks["stack"].toggleViewAction().trigger()
    stopped.resize(1920, 1080)
    qtbot.wait(50)
    assert not stopped.workspace.panels["layers"].isVisible() and not stopped.workspace.docks["stack"].isVisible()


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_the_window_keeps_its_size_and_the_toolbar_shows_everything(stopped, qtbot, size, theme, scale):
    stopped.resize(*size)
    stopped.looks.set_theme(theme)
    stopped.looks.set_scale(scale)
    stopped.workspace.arrange()
    toolbar = stopped.toolbar

    def everything_fits():
        assert (stopped.width(), stopped.height()) == size
        for widget in [*toolbar.findChildren(QAbstractButton), toolbar.level, toolbar.speed, toolbar.runs]:
            assert widget.isVisible()
            right = widget.mapTo(toolbar, widget.rect().topRight()).x()
            bottom = widget.mapTo(toolbar, widget.rect().bottomRight()).y()
            assert right < toolbar.width() and bottom < toolbar.height(), widget.accessibleName()
            least = min(widget.sizeHint().width(), widget.minimumSizeHint().width())
            assert widget.width() >= least, widget.accessibleName()

    qtbot.waitUntil(everything_fits)


@pytest.mark.parametrize(("theme", "share"), [("light", 0.38), ("projector", 0.35)])
def test_the_canvas_keeps_the_middle_also_where_text_is_large(stopped, qtbot, theme, share):
    stopped.resize(1920, 1080)
    stopped.looks.set_theme(theme)
    stopped.workspace.arrange(stopped.workspace.fits_wide)
    qtbot.waitUntil(lambda: stopped.workspace.panels["network"].width() >= share * 1920)


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize("theme", THEMES)
def test_rows_grow_by_their_line_of_text_not_by_the_air_around_it(stopped, theme, scale):
    stopped.looks.set_theme(theme)
    stopped.looks.set_scale(scale)
    line = stopped.fontMetrics().height()
    for row in (stopped.workspace.panels["network"].head, stopped.workspace.breadcrumb):
        assert line + 8 <= row.height() <= line + 18
        for control in row.findChildren(QAbstractButton):
            assert not control.isVisible() or row.rect().contains(control.geometry())
    assert stopped.workspace.panels["network"].mode.height() >= line


def test_the_toolbar_says_restart_at_1280(stopped):
    words = {
        button.text() for button in stopped.toolbar.findChildren(QAbstractButton)
        if button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    }  # fmt: skip
    assert words >= {"Open", "Restart", "Back", "Continue", "Over", "Into", "Out", "Compare"}


def test_a_toolbar_without_room_goes_on_in_a_second_row(stopped, qtbot):
    one = stopped.toolbar.height()
    stopped.looks.set_theme("projector")
    stopped.looks.set_scale(2.0)
    stopped.resize(700, 700)
    toolbar = stopped.toolbar

    def everything_fits():
        assert toolbar.height() > 2 * one
        for widget in (toolbar.level, toolbar.runs):
            assert widget.mapTo(toolbar, widget.rect().topRight()).x() < toolbar.width()

    qtbot.waitUntil(everything_fits)


def test_the_path_to_a_stop():
    dw = Selection(event=12, name="dw")
    assert [part.text for part in parts(STOP, dw)] == ["epoch 1", "batch 3 of 188", "backward", "conv2", "weight"]
    forward = {**STOP, "kind": "forward", "direction": "forward", "module": "features.0"}
    assert [part.text for part in parts(forward)][2:] == ["forward", "features", "0", "Convolution"]
    dx = Selection(event=12, name="dx")
    assert [part.text for part in parts(STOP, dx)][-2:] == ["Convolution", "input"]
    other = Selection(event=11, name="dw")
    assert parts(STOP, other)[-1].text == "Convolution"
    line = {"level": "line", "line": 51, "function": "forward", "epoch": 0, "batch": -1, "step": 0}
    assert [part.text for part in parts(line)] == ["forward()", "line 51"]
    enter = {**STOP, "level": "module", "kind": "enter", "direction": None, "op": None}
    assert [part.text for part in parts(enter)][2:] == ["forward", "conv2", "entered"] and parts(enter)[2].phase == "forward"
    assert [part.text for part in parts({**enter, "kind": "exit"})][2:] == ["forward", "conv2", "left"]
    lost = {**enter, "module": "criterion", "name": "CrossEntropyLoss"}
    assert [part.text for part in parts(lost)][2:] == ["loss", "criterion", "entered"]
    assert parts(None) == []


def test_each_part_leads_to_its_level(stopped):
    crumb = stopped.workspace.findChild(Breadcrumb)
    buttons = {button.text(): button for button in crumb.findChildren(QAbstractButton)}
    for text, level in (("epoch 1", "epoch"), ("batch 3 of 188", "batch"), ("backward", "line")):
        buttons[text].click()
        assert stopped.context.link.moves[-1] == ("stepBack", {"granularity": level})
        assert stopped.context.state.level == level
    buttons["conv2"].click()
    assert stopped.context.link.moves[-1] == ("stepOut", {})


def test_a_long_path_leaves_out_its_coarse_parts(stopped, qtbot):
    crumb = stopped.workspace.findChild(Breadcrumb)
    stopped.context.link.stopped.emit({**STOP, "seq": 13, "module": "encoder.layers.3.attention.projection.output"})

    def short():
        shown = [button.text() for button in crumb.findChildren(QAbstractButton) if button.isVisible()]
        assert shown[-1] == "conv2.weight" and "epoch 1" not in shown
        assert sum(button.width() for button in crumb.findChildren(QAbstractButton) if button.isVisible()) < crumb.width()
        assert "epoch 1 › batch 3 of 188" in crumb._more.toolTip() and crumb._more.isVisible()

    qtbot.waitUntil(short)


def test_going_along_the_past_again_asks_for_no_graph(stopped):
    link, state = stopped.context.link, stopped.context.state
    link.answers["graph"] = lambda _: {"nodes": [], "edges": [], "of": (state.stop or {}).get("seq")}
    graphs = lambda: [asked for asked in link.asked if asked[0] == ("state", "graph")]  # noqa: E731
    for seq in (5, 6):
        link.stopped.emit({**STOP, "live": False, "seq": seq})
        assert state.graph["of"] == seq
    link.asked.clear()
    link.stopped.emit({**STOP, "live": False, "seq": 5})
    assert not graphs() and state.graph["of"] == 5
    # Where the script stands its events may be those of another process.
    link.stopped.emit({**STOP, "live": True, "seq": 12})
    link.stopped.emit({**STOP, "live": False, "seq": 5})
    assert len(graphs()) == 2


def test_the_crumbs_are_used_again_and_lead_where_they_say(stopped):
    crumb = stopped.workspace.findChild(Breadcrumb)
    other = {**STOP, "seq": 13, "epoch": 0, "step": 3, "module": "fc"}
    for stop in (other, STOP):
        stopped.context.link.stopped.emit(dict(stop))
    before = set(crumb.findChildren(QAbstractButton))
    stopped.context.link.stopped.emit(other)
    buttons = [button for button in crumb.findChildren(QAbstractButton) if button.isVisible()]
    assert set(buttons) <= before
    assert " › ".join(b.text() for b in sorted(buttons, key=lambda b: b.x())) == crumb.text
    next(button for button in buttons if button.text() == "backward").click()
    assert stopped.context.link.moves[-1] == ("stepBack", {"granularity": "line"})


def test_the_path_follows_a_script_that_runs(stopped, until):
    crumb, state = stopped.workspace.findChild(Breadcrumb), stopped.context.state
    stopped.context.link.resumed.emit()
    state.update(progress={"epoch": 2, "batch": 17, "batches": 188, "step": 205})
    until(lambda: crumb._going.isVisible() and "epoch 2  ›  batch 18 of 188" in crumb._going.text())
    assert not any(button.isVisible() for button in crumb.findChildren(QAbstractButton))


def test_the_status_line(stopped, until):
    text = stopped.status.state.text()
    wanted = "stopped at conv2 backward (Convolution)  ·  step 3  ·  cpu 2 threads  ·  history 38 of 256 MB  ·  seed 0"
    assert text == wanted
    assert "F10 steps one op" in stopped.status.hint.text()
    stopped.context.state.update(level="batch")
    assert "F10 steps one batch" in stopped.status.hint.text()
    # Behind the end there is no step forwards.
    state = stopped.context.state
    state.update(stop={**state.stop, "kind": "end"}, launched={"path": "a.py"})
    assert stopped.status.hint.text().startswith("Alt+F10 steps back   Ctrl+Shift+F5 restarts it")
    assert "F10 steps one" not in stopped.status.hint.text()
    state.update(launched={}, stop={**state.stop, "seq": state.stop["seq"] + 1})
    assert "restarts" not in stopped.status.hint.text() and "Alt+F10 steps back" in stopped.status.hint.text()
    stopped.context.link.resumed.emit()
    stopped.context.state.update(progress={
        "step": 1240, "epoch": 7, "batch": 111, "batches": 188, "loss": 0.25, "stepsPerSecond": 1240.3, "threads": 1,
        "device": "cpu", "historyBytes": 0, "historyBudget": 2**28, "seed": 67280421310721,
    })  # fmt: skip
    until(lambda: stopped.status.state.text().split("  ·  ") == [
        "running in epoch 7, batch 112 of 188", "step 1,241", "loss 0.2500", "1,240 steps/s", "cpu 1 thread",
    ])  # fmt: skip


@pytest.mark.parametrize(("stop", "words"), [
    ({"level": "op", "direction": "forward", "module": "Linear", "op": "Linear"}, "Linear forward"),
    ({"level": "op", "direction": "forward", "module": "fc", "op": "Linear"}, "fc forward (Linear)"),
    ({"level": "element", "direction": "backward", "module": "fc", "op": "Linear", "tensor": "dw", "index": [2, 0]},
     "dw[2, 0] of fc backward"),
])  # fmt: skip
def test_a_place_in_few_words_says_nothing_twice(stop, words):
    assert place_of(stop) == words


def test_a_tab_that_is_clicked_gives_its_panel_the_focus(stopped, qtbot):
    """Not the next panel that is in sight, to which Qt gives it when the panel before is hidden."""
    workspace = stopped.workspace
    stopped.activateWindow()
    workspace.show_panel("tensor")
    bar = next(bar for bar in workspace.findChildren(QTabBar) if "Explain" in map(bar.tabText, range(bar.count())))
    tab = [bar.tabText(i) for i in range(bar.count())].index("Explain")
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(tab).center())
    qtbot.waitUntil(lambda: workspace.current_key() == "explain")


def test_in_little_room_whole_figures_are_left_out_of_the_status_line(stopped):
    status = stopped.status
    emit = stopped.context.link.stopped.emit
    text = "NaN in y of Div (Network): first at [1, 0], sample [1] of the batch ([12345] of the dataset)"
    emit({**STOP, "seq": 14, "reason": "data breakpoint", "text": text})
    said = f"stopped at conv2 backward (Convolution): {text}"
    seen = set()
    for scale in (1.0, 1.5):
        stopped.looks.set_scale(scale)
        for wanted in range(1900, 900, -100):
            stopped.resize(wanted, 800)
            QApplication.processEvents()
            width = status.width()
            shown, hinted = status.state.shown, status.hint.isVisible()
            seen.add((shown.count("  ·  "), hinted))
            if status.state.fontMetrics().horizontalAdvance(said) < width - 60:  # there is room for what has happened
                assert shown.startswith(said) and not shown.endswith("…")
            else:
                assert shown.endswith("…") and not hinted
    assert {hinted for _, hinted in seen} == {True, False} and {count for count, _ in seen} > {0, 1}


def test_places_in_few_words():
    assert place_of({"level": "batch", "kind": "batch", "batch": 0, "batches": 10}) == "batch 1 of 10"
    assert place_of({"level": "op", "direction": "update", "op": "SGD", "module": None}) == "SGD update"
    assert place_of({"level": "line", "description": "line 3 in train"}) == "line 3 in train"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("exception", "end")])
def test_what_is_said_of_a_stop_goes_on_after_stopped_at(kind):
    name = "<module>" if kind == "line" else "Adam"
    event = SimpleNamespace(kind=kind, direction="", name=name, module="", line=7, batch=2, step=3, details={})
    words = describe(event)
    assert not re.search(r"\b(has|is|begins|ended|enter|leave)\b|<module>", words), words


def test_a_watchpoint_is_told_in_the_status_line(stopped):
    stopped.context.link.stopped.emit({**STOP, "seq": 14, "reason": "data breakpoint", "text": "NaN in dw"})
    assert stopped.status.state.text().startswith("stopped at conv2 backward (Convolution): NaN in dw")
    stopped.context.link.stopped.emit({**STOP, "seq": 15, "reason": "data breakpoint", "description": "NaN in dw; made"})
    assert stopped.status.state.text().startswith("stopped at conv2 backward (Convolution): NaN in dw  ·")


def test_a_watchpoint_that_stops_between_ops_is_told_once_with_the_line(stopped):
    rose = "The loss rose to 1.9; the mean of the last 5 was 1.84"
    stop = {**STOP, "seq": 16, "level": "line", "kind": "loss", "direction": "", "op": "", "module": "", "text": rose}
    stopped.context.link.stopped.emit({**stop, "reason": "data breakpoint", "description": rose})
    assert stopped.status.state.text().startswith("stopped at line 85: The loss rose to 1.9  ·")


def test_a_stop_at_a_breakpoint_is_told_as_a_sentence_also_why_its_condition_failed(stopped):
    at = {**STOP, "seq": 14, "reason": "op breakpoint", "description": "Breakpoint at backward of Convolution (conv2)"}
    stopped.context.link.stopped.emit(at)
    assert stopped.status.state.text().startswith("stopped at the breakpoint at backward of Convolution (conv2)  ·")
    why = "its condition 'lose > 1' cannot be evaluated: NameError: name 'lose' is not defined"
    stopped.context.link.stopped.emit({**at, "seq": 15, "description": f"{at['description']}: {why}"})
    assert why in stopped.status.state.text()


def test_a_watchpoint_that_the_cursor_comes_back_to_is_told_too(stopped):
    stop = {**STOP, "seq": 14, "reason": "data breakpoint", "description": "NaN in dw; made", "live": False}
    stopped.context.link.stopped.emit(stop)
    assert stopped.status.state.text().startswith("in the past at conv2 backward (Convolution): NaN in dw  ·")


def test_menus_that_change(window, qtbot):
    menus = window.menu_bar
    assert isinstance(menus, Menus)
    recent, samples = window.menus["File › Open recent"], window.menus["File › Samples"]
    recent.aboutToShow.emit()
    assert [action.text() for action in recent.actions()] == ["Nothing yet"]
    samples.aboutToShow.emit()
    xor = next(action for action in samples.actions() if action.text().startswith("XOR"))
    assert xor.toolTip().endswith(".")
    xor.trigger()
    assert window.context.state.program == str(SAMPLES / "xor.py")
    qtbot.waitUntil(lambda: window.workspace is not None)
    recent.aboutToShow.emit()
    assert [action.text() for action in recent.actions()] == ["xor.py"]
    levels = {action.text(): action for action in window.menus["Run › Level"].actions()}
    levels["Batch"].trigger()
    assert window.context.state.level == "batch" and window.toolbar.level.currentText() == "batch"
    window.context.state.update(level="op")
    assert levels["Op"].isChecked() and not levels["Batch"].isChecked()
    panels = {action.text(): action for action in window.menus["View › Panels"].actions()}
    dock = window.workspace.docks["stack"]
    assert panels["Stack"].isChecked()
    panels["Stack"].trigger()
    assert not dock.isVisible() and not panels["Stack"].isChecked()
    window.context.action("layout").trigger()
    assert panels["Stack"].isChecked()


def test_closing_the_script_leads_to_the_start_page(stopped):
    stopped.context.action("close").trigger()
    assert ("stop", {}) in stopped.context.link.moves
    assert stopped.pages.currentWidget() is stopped.start_page
    assert stopped.context.state.program is None and stopped.context.state.stop is None
    assert stopped.windowTitle() == "Nablascope" and not stopped.context.action("close").isEnabled()


def test_all_breakpoints_are_removed(stopped):
    path = str(SAMPLES / "fashion_cnn.py")
    stopped.context.state.update(breakpoints={path: [{"line": 85}]}, watchpoints=[{"kind": "nan-inf"}])
    stopped.context.action("clear_breakpoints").trigger()
    assert not any(stopped.context.state.breakpoints.values()) and stopped.context.state.watchpoints == []
    assert ("setBreakpoints", {"source": {"path": path}, "breakpoints": []}) in stopped.context.link.moves


def test_full_screen_and_back(window):
    window.context.action("full_screen").trigger()
    assert window.windowState() & Qt.WindowState.WindowFullScreen
    window.context.action("full_screen").trigger()
    assert not window.windowState() & Qt.WindowState.WindowFullScreen


def test_what_is_copied_for_an_issue_names_versions_and_no_path(stopped):
    from PyQt6.QtWidgets import QApplication

    stopped.context.action("issue").trigger()
    text = QApplication.clipboard().text()
    assert "Python: 3." in text and "PyQt6: 6." in text and "theme light" in text and "op Convolution" in text
    assert str(SAMPLES) not in text and "fashion_cnn" not in text


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_the_start_page_needs_no_sideways_scrolling(window, qtbot, theme, scale):
    window.looks.set_theme(theme)
    window.looks.set_scale(scale)
    page = window.start_page

    def everything_fits():
        assert isinstance(page, QScrollArea) and not page.horizontalScrollBar().maximum()
        cards = page.findChildren(Card)
        assert len({card.width() for card in cards}) == 1 and clipped(page) == []

    qtbot.waitUntil(everything_fits)


def test_large_text_keeps_layers_and_data_behind_the_curves(stopped, qtbot):
    stopped.resize(1920, 1080)
    qtbot.waitUntil(lambda: stopped.workspace.panels["layers"].isVisible())
    stopped.looks.set_theme("projector")
    stopped.looks.set_scale(1.5)
    qtbot.waitUntil(lambda: not stopped.workspace.panels["layers"].isVisible())


@pytest.mark.parametrize("width", [180, 280, 340, 600])
def test_no_name_of_a_tab_is_cut(stopped, qtbot, width):
    workspace = stopped.workspace
    workspace.resizeDocks([workspace.docks["code"]], [width], Qt.Orientation.Horizontal)
    bar = next(bar for bar in workspace.findChildren(QTabBar) if "Breakpoints" in map(bar.tabText, range(bar.count())))

    def whole():
        metrics = bar.fontMetrics()
        return all(bar.tabRect(i).width() >= metrics.horizontalAdvance(bar.tabText(i)) for i in range(bar.count()))

    qtbot.waitUntil(whole)
    small, body = (stopped.context.theme.text_font(size).pointSizeF() for size in ("small", "body"))
    qtbot.waitUntil(lambda: abs(bar.font().pointSizeF() - (body if width == 600 else small)) < 0.1 or width == 340)
    workspace.docks["output"].raise_()
    # The one that is chosen is in sight, also where arrows are needed for the others.
    qtbot.waitUntil(lambda: bar.rect().intersects(bar.tabRect(bar.currentIndex())))


def test_a_script_is_opened_as_pytorch_script(window, monkeypatch, tmp_path):
    path = tmp_path / "net.py"
    path.write_text("import torch\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    for name, as_torch in (("open_as_torch", True), ("open", False)):
        window.context.action(name).trigger()
        command, arguments = window.context.link.moves[-1]
        assert (command, arguments["path"], arguments["as_torch"]) == ("launch", str(path), as_torch)
        assert window.context.state.launched["as_torch"] is as_torch


def test_cards_of_the_start_page_go_by_arrows_and_open_by_return(window, qtbot, monkeypatch):
    cards = window.start_page.findChildren(Card)
    qtbot.waitUntil(lambda: all(card.isVisible() for card in cards) and len({card.y() for card in cards}) > 1)
    first = cards[0]
    below = min((card for card in cards if card.x() == first.x() and card.y() > first.y()), key=lambda card: card.y())
    window.activateWindow()
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Down)
    assert window.focusWidget() is below
    qtbot.keyClick(below, Qt.Key.Key_Up)
    assert window.focusWidget() is first
    clicked = []
    first.clicked.disconnect()
    first.clicked.connect(lambda: clicked.append(True))
    qtbot.keyClick(first, Qt.Key.Key_Return)
    assert clicked


def test_the_tensor_panel_gets_the_focus_where_its_numbers_are(stopped):
    """F2, Enter and the arrows are for the selected number: there they are at once, not in the choice of what is shown."""
    workspace = stopped.workspace
    tensor = workspace.panels["tensor"]
    stopped.activateWindow()
    workspace.give_focus("tensor")
    assert workspace.focusWidget() is not tensor.map  # there are no numbers yet
    tensor.content.accept((2, 2))
    workspace.give_focus("tensor")
    assert workspace.focusWidget() is tensor.map


def test_what_an_op_reads_and_computes_goes_by_the_op():
    """Of a module that computes by several ops; sample fashion_cnn has a layer of the name "output" besides."""
    stop = {**STOP, "direction": "forward", "module": "Network", "op": "Relu", "tensors": [{"name": "y", "label": None}]}
    assert [part.text for part in parts(stop, Selection(event=12, name="y"))][3:] == ["Network", "Relu", "output"]


def test_a_run_s_name_is_written_out_where_there_is_room(stopped, qtbot):
    name = "conv1.weight[5, 0, 2, 2] = 3"
    runs = [{"number": i, "name": n, "state": "stopped", "current": i == 2} for i, n in ((1, "run 1"), (2, name))]
    stopped.context.state.update(runs=runs)
    choice, toolbar = stopped.toolbar.runs, stopped.toolbar
    whole = choice.fontMetrics().horizontalAdvance(name)
    stopped.resize(1920, 1080)
    qtbot.waitUntil(lambda: choice.width() > whole + 20)
    stopped.resize(1280, 800)
    qtbot.waitUntil(lambda: toolbar.width() == 1280 and choice.width() < whole)
    assert choice.mapTo(toolbar, choice.rect().topRight()).x() < toolbar.width()
    test_the_toolbar_says_restart_at_1280(stopped)
    stopped.resize(1920, 1080)
    qtbot.waitUntil(lambda: choice.width() > whole + 20)
    stopped.context.state.update(runs=[{**run, "current": run["number"] == 1} for run in runs])
    qtbot.waitUntil(lambda: choice.width() < whole)


def test_several_changes_of_the_text_size_are_laid_out_once(window, qtbot):
    scales = []
    window.context.theme_changed.connect(lambda: scales.append(window.context.theme.scale))
    window.looks.set_scale(1.0)
    del scales[:]
    for _ in range(3):
        window.context.action("larger").trigger()
    assert scales == []
    qtbot.waitUntil(lambda: scales == [1.5])
    for _ in range(9):
        window.context.action("smaller").trigger()
    qtbot.waitUntil(lambda: scales == [1.5, 0.8])


def test_the_current_run_gets_another_name_in_the_toolbar(stopped, qtbot):
    runs = [{"number": i, "name": n, "state": "stopped", "current": i == 2} for i, n in ((1, "run 1"), (2, "w[0] = 3"))]
    stopped.context.state.update(runs=runs)
    choice, link = stopped.toolbar.runs, stopped.context.link
    asked = lambda: [arguments for move, arguments in link.moves if move == "rename"]  # noqa: E731

    def typed(text, key):
        choice.setFocus()
        qtbot.keyClick(choice, Qt.Key.Key_F2)
        field = choice.findChildren(QLineEdit)[-1]
        assert field.text() == "w[0] = 3" and field.selectedText() == field.text()
        qtbot.waitUntil(field.hasFocus)
        qtbot.keyClicks(field, text)
        qtbot.keyClick(field, key)
        qtbot.waitUntil(choice.hasFocus)

    typed("thrown away", Qt.Key.Key_Escape)
    typed(" ", Qt.Key.Key_Return)
    assert asked() == []
    typed(" warmer ", Qt.Key.Key_Return)
    assert asked() == [{"run": 2, "name": "warmer"}]
    # From the menu too; and going elsewhere takes what is written.
    stopped.context.action("rename").trigger()
    field = choice.findChildren(QLineEdit)[-1]
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "cold")
    stopped.toolbar.level.setFocus()
    qtbot.waitUntil(lambda: asked()[1:] == [{"run": 2, "name": "cold"}])
    assert choice.menu().actions()[0].isEnabled()
    stopped.context.state.update(runs=[])
    assert not stopped.context.action("rename").isEnabled() and not choice.isEnabled()
