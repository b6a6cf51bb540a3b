"""The Parameters panel, and reading a script's parameters cell."""

import pytest
from PyQt6.QtCore import QPoint

from gui.panels.parameters import ParametersPanel
from gui.parameters_cell import read_parameters, read_value, setting
from gui.theme import Theme

SOURCE = '''"""# %% tags=["parameters"]"""
# %% tags=["parameters"]
hidden = 8
# step size
lr = 0.01
a, b = 1, (2, 3)
name: str = "run"  # where it goes
nesterov = False
steps = hidden * 2

# %%
other = 1
'''


@pytest.fixture
def panel(qtbot, context, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SOURCE)
    panel = ParametersPanel(context)
    qtbot.addWidget(panel)
    panel.resize(340, 320)
    panel.show()
    context.state.update(program=str(script), launched={"path": str(script), "parameters": ()})
    return panel


def test_reads_the_cell():
    found = {p.name: p.value for p in read_parameters(SOURCE)}
    assert found == {"hidden": 8, "lr": 0.01, "a": 1, "b": (2, 3), "name": "run", "nesterov": False, "steps": ...}
    comments = {p.name: p.comment for p in read_parameters(SOURCE)}
    assert comments["lr"] == "step size" and comments["name"] == "where it goes" and comments["hidden"] == ""
    assert read_parameters("x = 1\n") == [] and read_parameters("x = (\n") == []


def test_reads_the_same_as_the_engine():
    import ast
    from pathlib import Path

    from engine.script.parameters import cell_range, defaults

    scripts = sorted((Path(__file__).parents[2] / "samples").glob("*.py"))
    assert scripts
    for path in scripts:
        source = path.read_text(encoding="utf-8")
        lines = cell_range(source)
        wanted = {} if lines is None else defaults(ast.parse(source), lines)
        assert {p.name: p.value for p in read_parameters(source)} == wanted, path.name


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [("3", 8, 3), ("1e-3", 0.01, 0.001), ("2", 0.01, 2.0), ("True", False, True), ("a b", "run", "a b"), ("[1]", (2,), [1])],
)
def test_values_have_the_kind_of_the_default(text, default, value):
    assert read_value(text, default) == value


@pytest.mark.parametrize(("text", "default"), [("x", 8), ("True", 8), ("1", False), ("3", (1, 2)), ("", 1.0)])
def test_values_of_another_kind_are_refused(text, default):
    with pytest.raises(ValueError):
        read_value(text, default)


def test_settings_are_written_as_launch_reads_them():
    from engine.script.parameters import parse_settings

    values = {"hidden": 16, "lr": 1e-05, "name": "a=b", "nesterov": True, "b": (2, 4)}
    known = {"hidden": 8, "lr": 0.01, "name": "run", "nesterov": False, "b": (2, 3)}
    assert parse_settings([setting(name, value) for name, value in values.items()], known) == values


def test_restarts_with_what_was_changed(panel, link):
    panel.fields["hidden"].setText("16")
    panel.fields["nesterov"].setChecked(True)
    assert panel.note.text() == "hidden: 8 → 16, nesterov: False → True"
    panel.restart.click()
    name = "hidden = 16, nesterov = True"
    assert link.moves == [("restart", {"parameters": ["hidden=16", "nesterov=True"], "name": name})]


def test_a_run_is_called_by_what_it_has_other_than_the_first(panel, context, link):
    """Curves of "run 1", "run 2" and "run 3" do not say which learning rate is whose."""
    runs = [
        {"name": "run 1", "current": False, "parameters": ["a=9"]},
        {"name": "lr = 0.2", "current": True, "parameters": ["a=9", "lr=0.2"]},
    ]
    context.state.update(runs=runs)
    panel.fields["hidden"].setText("16")
    panel.restart.click()
    assert link.moves[-1] == ("restart", {"parameters": ["hidden=16"], "name": "hidden = 16, lr = 0.2"})
    context.state.update(runs=[{**runs[0], "current": True}, {**runs[1], "current": False}])
    panel.fields["hidden"].setText("8")
    panel.fields["lr"].setText("0.2")
    panel.restart.click()  # there is one of that name
    assert link.moves[-1] == ("restart", {"parameters": ["lr=0.2"], "name": None})


def test_what_is_no_value_cannot_be_sent(panel, link):
    panel.fields["lr"].setText("fast")
    assert not panel.restart.isEnabled() and not panel.fork.isEnabled()
    assert panel.problems["lr"].isVisible() and "such as 0.01" in panel.problems["lr"].text()
    assert not panel.problems["hidden"].isVisible()
    panel.restart_run()
    assert link.moves == []
    panel.reset.click()
    assert panel.fields["lr"].text() == "0.01" and panel.restart.isEnabled()


def test_forks_here_with_assignments(panel, context, link):
    panel.fields["lr"].setText("0.5")
    assert not panel.fork.isEnabled()
    context.state.update(stop={"seq": 1, "position": [1]})
    assert panel.fork.isEnabled() and panel.fields["lr"].text() == "0.5"
    panel.fork.click()
    assert link.moves[-1][1]["edits"] == [{"kind": "parameters", "settings": ["lr=0.5"]}]
    assert link.moves[-1][1]["name"] == "lr = 0.5"


def test_a_forked_run_shows_what_was_changed_in_it_and_is_restarted_with_it(panel, context, link):
    run = {"name": "lr = 0.5", "current": True, "parameters": ["hidden=4"], "assigned": ["lr=0.3", "lr=0.5"]}
    context.state.update(runs=[run], stop={"seq": 1, "position": [1]})
    assert (panel.fields["lr"].text(), panel.fields["hidden"].text()) == ("0.5", "4")
    assert panel.changed() == [] and not panel.fork.isEnabled()
    panel.fields["a"].setText("2")
    panel.fork.click()
    assert link.moves[-1][1]["edits"] == [{"kind": "parameters", "settings": ["a=2"]}]
    panel.restart.click()
    assert link.moves[-1] == ("restart", {"parameters": ["lr=0.5", "a=2"], "name": "lr = 0.5, a = 2"})


def test_opened_while_the_script_runs_it_shows_the_values(qtbot, context, panel, tmp_path):
    other = ParametersPanel(context)
    qtbot.addWidget(other)
    context.state.update(stop={"seq": 1, "position": [1]}, running=True)
    other.show()
    assert other.fields["lr"].text() == "0.01" and not other.fork.isEnabled()


def test_shows_the_values_of_the_current_run(panel, context):
    runs = [
        {"name": "run 1", "current": False, "parameters": []},
        {"name": "run 2", "current": True, "parameters": ["lr=0.2"]},
    ]
    context.state.update(runs=runs)
    assert panel.fields["lr"].text() == "0.2" and panel.head.subject.text() == "run 2"
    assert panel.changed() == []


def test_an_expression_is_shown_but_cannot_be_changed(panel):
    assert panel.fields["steps"].text() == "hidden * 2" and not panel.fields["steps"].isEnabled()


def test_a_script_without_a_cell_says_how_to_make_one(panel, context, tmp_path):
    other = tmp_path / "plain.py"
    other.write_text("x = 1\n")
    context.state.update(program=str(other))
    assert "tags=" in panel._empty.text()


def test_a_real_session(qtbot, two_points, until):
    two_points.state.update(program=two_points.state.stop["file"])
    panel = ParametersPanel(two_points)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.fields["hidden"].text() == "8"
    panel.fields["hidden"].setText("3")
    panel.restart.click()
    until(lambda: len(two_points.state.runs) == 2)
    until(lambda: panel.head.subject.text() == "hidden = 3")
    assert panel.fields["hidden"].text() == "3"
    assert two_points.troubles == []


def test_the_buttons_stay_in_sight_and_whole(panel, context):
    for width, height, theme in ((340, 320, Theme()), (270, 300, Theme("projector")), (280, 300, Theme("dark", 1.5))):
        context.set_theme(theme)
        panel.resize(width, height)
        panel.grab()
        for button in (panel.restart, panel.fork, panel.reset):
            place = button.geometry().translated(button.parentWidget().mapTo(panel, QPoint(0, 0)))
            assert panel.rect().contains(place) and button.width() >= min(button.sizeHint().width(), width - 24)


def test_no_button_grows_and_moves_the_others_when_a_value_is_changed(panel):
    buttons = (panel.restart, panel.fork, panel.reset)
    before = [button.sizeHint().width() for button in buttons]
    panel.fields["hidden"].setText("3")
    assert panel.reset.isEnabled()
    assert [button.sizeHint().width() for button in buttons] == before


def test_the_field_that_is_written_in_stays_in_sight_and_the_focus_in_the_panel(panel, context, qtbot):
    context.state.update(stop={"seq": 1, "position": [1]})
    panel.resize(340, 240)
    panel.activateWindow()
    field = panel.fields["nesterov" if "nesterov" in panel.fields else "name"]
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    panel._scroll.ensureWidgetVisible(field, 0, 4)
    field.setChecked(True)
    assert panel.note.isVisible()
    view = panel._scroll.viewport()
    qtbot.waitUntil(lambda: view.rect().contains(field.rect().translated(field.mapTo(view, QPoint(0, 0)))))
    panel.fork.setFocus()
    run = {"name": "run 2", "current": True, "parameters": [], "assigned": ["nesterov=True"]}
    context.state.update(runs=[run])
    assert not panel.fork.isEnabled() and panel.restart.hasFocus()
