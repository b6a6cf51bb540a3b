"""The message bar: where it lies, how it folds, and which of several messages it shows."""

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QMenu

from gui.context import Context
from gui.exporting_pictures import panel_size
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.gui.conftest import at_rest
from tests.gui.fake_link import FakeLink

LONG = (
    "The script stopped at an exception: DeviceError: cuda: there is no device of that kind in this machine, or its driver "
    "is not to be found. Without a GPU use device='cpu', or set the parameter device of the script to that in the panel "
    "Parameters, and restart it."
)
WAYS = [("Run it on this engine as torch", lambda: None), ("Step back", lambda: None), ("Restart", lambda: None)]


@pytest.fixture
def window(qapp, qtbot, until):
    one = Window(Context(State(), FakeLink(), Theme(), {}))
    qtbot.addWidget(one)
    one.show()
    one.show_workspace()
    until(lambda: one.workspace is not None and at_rest(one))
    return one


def places(window):
    """Where everything stands that is no message."""
    parts = [window.toolbar, window.pages, window.status, *window.workspace.panels.values()]
    return [(part.mapTo(window, QPoint(0, 0)), part.size()) for part in parts if part.isVisible()]


def over_the_line(window):
    """Whether the bar lies over the status line alone, as far as the line's right end."""
    bar, line = window.messages.geometry(), window.status.geometry()
    return line.contains(bar) and (bar.height(), bar.right()) == (line.height(), line.right())


@pytest.mark.parametrize(("size", "text"), [((1280, 800), 1.0), ((900, 600), 1.0), ((900, 600), 2.0)])
@pytest.mark.parametrize("words", ["Written: a.png", LONG])
def test_nothing_moves_when_a_message_comes_or_goes(window, until, size, text, words):
    window.resize(*size)
    window.looks.set_scale(text)
    until(lambda: at_rest(window))
    before, pictures = places(window), [panel_size(panel) for panel in window.workspace.panels.values()]
    window.messages.show_message(words, "error", WAYS)
    until(lambda: at_rest(window) and window.messages.isVisible())
    assert places(window) == before
    assert [panel_size(panel) for panel in window.workspace.panels.values()] == pictures
    window.messages.leave()
    until(lambda: at_rest(window) and not window.messages.isVisible())
    assert places(window) == before


@pytest.mark.parametrize("theme", ["light", "projector"])
@pytest.mark.parametrize("text", [0.8, 1.0, 2.0])
def test_a_message_of_one_line_lies_over_the_status_line_alone(window, until, theme, text):
    window.looks.set_theme(theme)
    window.looks.set_scale(text)
    bar = window.messages
    bar.show_message("Saved.", "warning", [("Close", lambda: None)])
    bar.show_message("Written.", "warning", [("Do", lambda: None)])
    until(lambda: at_rest(window))
    assert over_the_line(window) and not bar._fold.isVisible()
    for part in (bar._sign, bar.text, bar._more, bar._close, *bar._buttons):
        assert part.isVisible() and bar.rect().contains(part.geometry().translated(_offset(part, bar))), part
        assert part.height() >= part.minimumSizeHint().height(), part
        middle = part.geometry().translated(_offset(part, bar)).center().y()
        assert abs(middle - bar.rect().center().y()) <= 1, part


def _offset(part, bar):
    return part.parentWidget().mapTo(bar, QPoint(0, 0)) if part.parentWidget() is not bar else QPoint(0, 0)


@pytest.mark.parametrize(("size", "text"), [((1280, 800), 1.0), ((900, 600), 1.0), ((900, 600), 2.0)])
def test_a_long_message_grows_upwards_and_folds_where_one_works_elsewhere(window, until, qtbot, size, text):
    window.resize(*size)
    window.looks.set_scale(text)
    bar = window.messages
    until(lambda: at_rest(window))
    bar.show_message(LONG, "error", WAYS)
    until(lambda: at_rest(window))
    body = bar.parentWidget()
    assert window.status.height() < bar.height() < 0.6 * body.height()
    assert (bar.x() + bar.width(), bar.y() + bar.height()) == (body.width(), body.height())
    assert text == 2.0 or bar.text.text() == LONG
    assert bar.text.height() >= bar.text.heightForWidth(bar.text.width())
    for button in bar._buttons:
        assert bar.rect().contains(button.geometry().translated(_offset(button, bar)))
        assert button.width() >= button.sizeHint().width()
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton)
    assert bar.height() > window.status.height()  # one may mark its words
    qtbot.mouseClick(window.workspace.panels["network"], Qt.MouseButton.LeftButton)
    assert over_the_line(window) and bar.text.text().endswith("…") and bar.text.toolTip() == LONG
    bar._fold.click()
    assert bar.height() > window.status.height()
    bar._fold.click()
    assert over_the_line(window)
    bar.show_message("another", "error", WAYS)
    bar.leave()
    assert bar.height() > window.status.height()  # told again, it is there to be read


def test_what_gets_the_focus_is_not_covered(window, until):
    bar, strip = window.messages, window.workspace.panels["timeline"]
    bar.show_message("\n".join([LONG] * 4), "error")
    until(lambda: at_rest(window))
    assert bar._covers()
    window.workspace.give_focus("code")
    assert bar._covers()
    window.activateWindow()
    until(lambda: QApplication.activeWindow() is window)
    window.workspace.give_focus("timeline")
    until(lambda: strip.isAncestorOf(QApplication.focusWidget()))
    assert not bar._covers()


def test_screen_readers_read_the_whole_message(window):
    bar = window.messages
    assert bar.text.accessibleName() == "Message"
    bar.show_message(LONG, "error", WAYS)
    assert bar.text.accessibleName() == f"Error: {LONG}"
    bar._fold.click()
    assert bar.text.accessibleName() == f"Error: {LONG}"
    assert {b.accessibleDescription() for b in (*bar._buttons, bar._close)} == {f"Error: {LONG}"}
    bar.show_message("refused", "warning")
    assert bar._more.accessibleName() == "1 more message"


def test_those_that_wait_can_be_read_and_closed(window, until):
    bar = window.messages
    bar.show_message("gone", "error")
    bar.show_message("refused & told", "warning")
    bar.show_message("Written: a.png")

    def entries():
        bar._more.click()
        menu = next(menu for menu in bar.findChildren(QMenu) if menu.isVisible())
        found = {entry.text().replace("&&", "&"): entry for entry in menu.actions() if entry.text()}
        menu.close()
        return found

    texts = [text.replace("&", "") for text in entries()]
    assert texts == ["Information: Written: a.png", "Warning: refused  told", "Close all messages"]
    entry = next(entry for text, entry in entries().items() if "refused" in text)
    entry.trigger()
    assert bar.whole == "refused & told" and bar.waiting == ["Written: a.png", "gone"]
    bar.leave()
    assert bar.whole == "gone"
    next(entry for text, entry in entries().items() if "all messages" in text.replace("&", "")).trigger()
    assert bar.whole == "" and bar.waiting == [] and not bar.isVisible()


def test_the_same_words_are_told_once(window):
    bar = window.messages
    for _ in range(3):
        bar.show_message("refused", "warning")
    assert bar.whole == "refused" and bar.waiting == []


def test_a_newer_information_hides_an_older_one_no_longer_than_it_stays(window):
    bar = window.messages
    bar.show_message("Copied a.")
    bar.show_message("Copied b.")
    assert bar.whole == "Copied b." and bar.waiting == ["Copied a."]
    bar._timer.timeout.emit()
    assert bar.whole == "" and bar.waiting == []  # it was shown before


def test_what_was_said_of_a_file_holds_until_it_is_written(window):
    context, bar = window.context, window.messages
    context.say("a.png cannot be written", "error", "a.png")
    context.say("b.png cannot be written", "error", "b.png")
    context.link.stopped.emit({"reason": "step", "position": [1, 0, 0]})
    window.scripts.close()
    assert bar.whole == "b.png cannot be written" and bar.waiting == ["a.png cannot be written"]
    context.say("Written: b.png", about="b.png")
    assert bar.whole == "a.png cannot be written" and bar.waiting == ["Written: b.png"]
    context.unsay("a.png")
    assert bar.whole == "Written: b.png" and bar.passing


def test_what_is_said_of_a_run_goes_with_it(window):
    bar = window.messages
    window.context.link.lost.emit("killed by signal 9")
    window.context.link.failed.emit("It cannot be done.")
    window.context.say("a.png cannot be written", "error", "a.png")
    window.scripts.restart()
    assert bar.whole == "a.png cannot be written" and bar.waiting == []


def test_a_button_closes_its_own_message_only(window):
    bar, done = window.messages, []
    bar.show_message("choose", "warning", [("Do", lambda: done.append(1))])
    bar.show_message("gone", "error", [("End", lambda: done.append(2))])
    bar._buttons[0].click()
    assert done == [2] and bar.whole == "choose"
    bar._buttons[0].click()
    assert done == [2, 1] and bar.whole == ""


RUNNING = {
    "epoch": 9, "batch": 92, "batches": 93, "step": 838, "loss": 0.3455, "stepsPerSecond": 78.0, "threads": 2,
    "device": "cpu", "historyBytes": 38 << 20, "historyBudget": 256 << 20,
}  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "projector"])
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
@pytest.mark.parametrize("words", ["The text of a.py has changed.", LONG])
def test_beside_a_message_that_stays_the_figures_can_be_read(window, until, theme, size, words):
    window.resize(*size)
    window.looks.set_theme(theme)
    window.context.state.update(running=True, progress=RUNNING)
    line, bar = window.status, window.messages
    until(lambda: at_rest(window) and "step 839" in line.state.shown)
    before = line.state.geometry().topLeft()
    bar.show_message(words, "warning", WAYS[2:])
    until(lambda: at_rest(window))
    assert line.state.geometry().topLeft() == before
    end = line.state.x() + line.state.fontMetrics().horizontalAdvance(line.state.shown)
    assert "step 839" in line.state.shown and "…" not in line.state.shown and end <= bar.x() < bar.x() + bar.text.x()
    assert not line.hint.isVisible()
    if theme == "light" or size[0] > 1280:
        assert "loss 0.3455" in line.state.shown
    bar.leave()
    until(lambda: at_rest(window) and line.hint.isVisible())


def test_a_message_does_not_keep_the_window_from_becoming_narrow(window, until):
    window.resize(1920, 1080)
    window.messages.show_message(LONG, "error")
    until(lambda: at_rest(window))
    least = window.minimumSizeHint().width()
    window.messages.leave()
    until(lambda: at_rest(window))
    assert window.minimumSizeHint().width() == least


@pytest.mark.parametrize("closed", ["its button", "its cross", "another message"])
def test_the_focus_goes_back_to_where_it_was_when_a_button_goes(window, until, closed):
    window.activateWindow()
    until(window.isActiveWindow)
    code = window.workspace.panels["code"]
    window.workspace.give_focus("code")
    before = QApplication.focusWidget()
    assert before is not None and (before is code or code.isAncestorOf(before))
    bar = window.messages
    bar.show_message("The engine process is gone", "error", [("Replay to here", lambda: None)])
    until(lambda: at_rest(window) and bar.isVisible())
    part = bar._close if closed == "its cross" else bar._buttons[0]
    part.setFocus()
    assert QApplication.focusWidget() is part
    if closed == "another message":
        bar.show_message("The script has ended", "error", [("Restart", lambda: None)])
    else:
        part.click()
    assert QApplication.focusWidget() is before
