"""Two windows on one script: each keeps what the other has set."""

from gui.breakpoints import breakpoints_of
from gui.context import Context
from gui.settings import Settings, merged
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.gui.conftest import SAMPLES
from tests.gui.fake_link import FakeLink

SCRIPT = str(SAMPLES / "two_points.py")


def opened(qtbot, path):
    window = Window(Context(State(), FakeLink(), Theme(), Settings(path)))
    qtbot.addWidget(window)
    window.show()
    window.open(SCRIPT)
    qtbot.waitUntil(lambda: window.workspace is not None and window.context.state.program == SCRIPT)
    return window


def lines(path):
    return {entry["line"] for entry in Settings(path).script(SCRIPT).get("breakpoints", {}).get(SCRIPT, [])}


def set_lines(window, *numbers):
    breakpoints_of(window.context).set_lines(SCRIPT, [{"line": number} for number in numbers])


def test_breakpoints_of_two_windows_on_one_script(qapp, qtbot, tmp_path):
    path = tmp_path / "settings.json"
    first, second = opened(qtbot, path), opened(qtbot, path)
    set_lines(first, 20, 21)
    first.context.state.update(watches=["a"])
    first.remembering.save()
    set_lines(second, 25)
    second.context.state.update(watches=["b"])
    second.remembering.save()
    for _ in range(2):  # once for the timer, once when it is closed
        first.remembering.save()
        second.remembering.save()
    assert lines(path) == {20, 21, 25} and set(Settings(path).script(SCRIPT)["watches"]) == {"a", "b"}
    set_lines(first, 21)
    first.remembering.save()
    second.remembering.save()
    assert lines(path) == {21, 25}  # what one of them takes away is gone
    first.close()
    second.close()
    assert lines(path) == {21, 25}
    third = opened(qtbot, path)
    assert {entry["line"] for entry in breakpoints_of(third.context).lines(SCRIPT)} == {21, 25}
    third.close()


def test_what_each_window_has_opened_last_is_recent(tmp_path):
    first, second = Settings(tmp_path / "settings.json"), Settings(tmp_path / "settings.json")
    for number in range(20):  # more than are kept
        for name, settings in (("a", first), ("b", second)):
            settings.add_recent(f"{name}{number}")
            settings.save()
    recent = Settings(tmp_path / "settings.json")["recent"]
    assert len(recent) == 12 and {f"{name}{number}" for name in "ab" for number in (16, 17, 18, 19)} <= set(recent)
    for number in range(20, 24):  # one of them does nothing for a while
        second.add_recent(f"b{number}")
        second.save()
    first.add_recent("a20")
    first.save()
    assert {"a20", "b20", "b21", "b22", "b23"} <= set(Settings(tmp_path / "settings.json")["recent"])


def test_only_the_recent_scripts_are_a_short_list():
    mine, theirs = [{"line": number} for number in range(20)], [{"line": 99}]
    both = merged({"breakpoints": []}, {"breakpoints": mine}, {"breakpoints": theirs})
    assert both == {"breakpoints": [*mine, *theirs]}
    assert len(merged({"recent": []}, {"recent": list("abcdefghij")}, {"recent": list("klmnopq")})["recent"]) == 12
