"""The Stack panel."""

from PyQt6.QtCore import Qt

from gui.panels.stack import StackPanel
from gui.places import places_of

FRAMES = [
    {"id": 0, "name": "forward", "source": {"path": "/s/model.py"}, "line": 12, "column": 1},
    {"id": 1, "name": "<module>", "source": {"path": "/s/train.py"}, "line": 59, "column": 1},
]


def shown(qtbot, context, link, **more):
    link.answers["stackTrace"] = {"stackFrames": FRAMES, "totalFrames": 2}
    panel = StackPanel(context)
    qtbot.addWidget(panel)
    panel.show()
    context.state.update(stop={"seq": 1, "position": [1], "live": True, **more})
    return panel


def texts(panel):
    return [panel.list.item(i).text() for i in range(panel.list.count())]


def test_lists_frames_innermost_first(qtbot, context, link):
    panel = shown(qtbot, context, link)
    assert texts(panel) == ["forward  model.py:12", "top level  train.py:59"]
    assert panel.list.currentRow() == 0


def test_a_click_shows_line_and_variables_of_the_frame(qtbot, context, link):
    panel = shown(qtbot, context, link)
    wanted = []
    places_of(context).line_wanted.connect(lambda path, line: wanted.append((path, line)))
    place = panel.list.visualItemRect(panel.list.item(1)).center()
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert wanted == [("/s/train.py", 59)]
    assert places_of(context).frame == 1
    context.state.update(stop={"seq": 2, "position": [2], "live": True})
    assert places_of(context).frame == 0 and panel.list.currentRow() == 0


def test_the_definition_of_an_element_stands_on_top(qtbot, context, link):
    element = {"function": "helper", "line": 9, "stack": [{"function": "linear_forward", "line": 5}]}
    panel = shown(qtbot, context, link, element=element, level="element")
    assert [text.split()[0] for text in texts(panel)] == ["helper:9", "linear_forward:5", "forward", "top"]


def test_says_that_the_script_has_ended(qtbot, context, link):
    panel = shown(qtbot, context, link)
    link.answers["stackTrace"] = {"stackFrames": [], "totalFrames": 0}
    context.state.update(stop={"seq": 9, "position": [9], "live": True, "reason": "end"})
    assert "has ended" in panel._empty.text()


def test_a_real_session(qtbot, two_points, until):
    panel = StackPanel(two_points)
    qtbot.addWidget(panel)
    panel.show()
    until(lambda: panel.list.count())
    assert texts(panel)[0].startswith("top level  two_points.py:")
