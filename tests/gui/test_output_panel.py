"""The Output panel: what it says where nothing has been printed, and how much of what is."""

import pytest

from gui.panels import output
from gui.panels.output import OutputPanel


def test_an_open_script_that_has_printed_nothing_is_not_told_to_be_opened(qtbot, context, link):
    panel = OutputPanel(context)
    qtbot.addWidget(panel)
    panel.show()
    assert "Open a script" in panel.text.placeholderText()
    link.starting.emit("Starting the engine process")
    assert panel.text.placeholderText().startswith("Starting")
    context.state.update(stop={"seq": 1, "reason": "entry", "live": True, "tensors": []})
    link.starting.emit("")
    assert "Open" not in panel.text.placeholderText() and "printed nothing" in panel.text.placeholderText()
    link.output.emit("stdout", "epoch 1\n")
    panel._clear.click()
    context.state.update(stop={"seq": 2, "reason": "step", "live": True, "tensors": []})
    assert "nothing" not in panel.text.placeholderText() and "from here on" in panel.text.placeholderText()
    context.state.update(stop=None)
    link.starting.emit("Starting the engine process")
    link.starting.emit("")
    context.state.update(stop={"seq": 9, "reason": "end", "live": True, "tensors": []})
    assert "ended without printing" in panel.text.placeholderText()


@pytest.fixture
def panel(qtbot, context):
    made = OutputPanel(context)
    qtbot.addWidget(made)
    made.show()
    return made


def lines(panel):
    return panel.text.toPlainText().split("\n")


def test_a_line_of_megabytes_is_cut_and_says_so(panel, link, until):
    link.output.emit("stdout", "begin\n" + "x" * 200_000)
    for _ in range(5):
        link.output.emit("stdout", "x" * 200_000)
    link.output.emit("stdout", "\nend\n" + "y" * output._LONGEST + "\n" + "z" * (output._LONGEST + 1) + "\n")
    longest = output._LONGEST
    until(lambda: len(lines(panel)) > 1 and not panel._waiting)
    assert lines(panel) == ["begin", "x" * longest + output._CUT, "end", "y" * longest, "z" * longest + output._CUT, ""]


def test_a_line_that_comes_in_pieces_is_cut_once(panel, link):
    for _ in range(25):
        link.output.emit("stdout", "x" * 1000)
    assert lines(panel) == ["x" * output._LONGEST + output._CUT]


def test_of_very_many_lines_the_newest_are_shown_a_part_at_a_time(panel, link, until):
    link.output.emit("stdout", "first")
    link.output.emit("stdout", "".join(f"{i}\n" for i in range(100_000)))
    assert "99999" not in lines(panel)  # the window has its turn first
    until(lambda: not panel._waiting)
    shown = lines(panel)
    assert len(shown) <= output._LINES and shown[-2:] == ["99999", ""] and "first" not in shown[0]


def test_a_progress_bar_writes_over_its_line(panel, link):
    link.output.emit("stderr", "10 %")
    link.output.emit("stderr", "\r20 %\r30 %")
    link.output.emit("stderr", "\r\ndone\n")
    assert lines(panel) == ["30 %", "done", ""]
    link.output.emit("stderr", "40 %\r")
    assert lines(panel) == ["30 %", "done", "40 %"]
    link.output.emit("stderr", "50 %\r")
    link.output.emit("stderr", "\nover\n")
    assert lines(panel) == ["30 %", "done", "50 %", "over", ""]


def test_what_waits_is_cleared_too(panel, link, until):
    link.output.emit("stdout", "x\n" * output._AT_ONCE)
    assert panel._waiting
    panel._clear.click()
    link.output.emit("stdout", "new\n")
    until(lambda: not panel._waiting)
    assert lines(panel) == ["new", ""]
