"""The Diagnostics panel."""

from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QApplication, QDockWidget, QLabel

from gui.panels.diagnostics import DiagnosticsPanel
from gui.panels.diagnostics_card import lines_of
from gui.places import places_of
from gui.state import Selection
from gui.theme import Theme

SCRIPTS = Path(__file__).parents[1] / "debug" / "scripts"


def finding(id="dead-relu", severity="warning", line=12, what_if="model[1] = nn.LeakyReLU()", **more):
    place = {"op": "Relu", "module": "1", "parameter": "", "file": "/s/train.py" if line else "", "line": line, "step": 40}
    return {
        "id": id, "title": f"Title of {id}", "severity": severity, "cause": "Why it harms.",
        "sentence": "7 of 8 units are dead.",
        "evidence": {"dead": 7, "units": 8}, "place": place, "suggestion": "Try a leaky ReLU.",
        "what_if": what_if, "source": "",
        "badness": 1.0, **more,
    }  # fmt: skip


@pytest.fixture
def panel(qtbot, context, link):
    link.answers["diagnostics"] = {"enabled": True, "findings": []}
    panel = DiagnosticsPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 400)
    panel.show()
    return panel


def titles(panel):
    cards = sorted(panel.cards.values(), key=panel._column.indexOf)
    return [card.title.text() for card in cards]


def test_switches_the_diagnoses_on_when_it_is_first_shown(panel, context, link):
    assert link.moves == []
    context.state.update(stop={"seq": 1, "position": [1]})
    assert link.moves == [("diagnostics", {"enabled": True})]
    context.state.update(stop={"seq": 2, "position": [2]})
    assert len(link.moves) == 1
    assert "Nothing found" in panel._empty.text()


def test_says_when_nan_that_is_there_will_be_judged(panel, context):
    body = {"seq": 3, "position": [3], "reason": "data breakpoint", "description": "NaN in y of Div: first at [0]"}
    context.state.update(stop=body)
    assert "backward()" in panel._empty.text() and "NaN or infinity was made here" in panel._empty.text()
    context.state.update(stop={**body, "seq": 4, "step": 1, "description": "The norm of w is 3.2, above 3"})
    assert "Nothing found so far" in panel._empty.text()


def test_what_to_do_at_a_nan_is_read_also_by_the_back_row(panel, context):
    """In the room that it has in a window of 1280 × 800."""
    context.set_theme(Theme("projector", 1.5))
    panel.resize(365, 256)
    panel.show()
    context.state.update(stop={"seq": 3, "position": [3], "reason": "data breakpoint", "description": "NaN in y of Div: x"})
    said = QLabel.text(panel._empty)
    assert said.replace("\n\n", "\n") == panel._empty.text().replace("\n\n", "\n") and "(F5)" in said


def test_says_so_over_findings_that_are_older(panel, context):
    stop = {"seq": 3, "position": [3], "step": 2, "reason": "data breakpoint", "description": "NaN in y of Div"}
    inherited = f"{stop['description']}; it came in through w"
    context.state.update(stop={**stop, "reason": "step"}, findings=[finding("unscaled-inputs", "warning")])
    assert panel.note.isHidden()
    context.state.update(stop={**stop, "seq": 2, "description": inherited})
    assert panel.note.isHidden(), "it was made, and judged, before"
    context.state.update(stop=stop)
    assert not panel.note.isHidden() and "backward()" in panel.note.text()
    cause = finding("non-finite", "error")
    cause["place"]["step"] = 1
    context.state.update(findings=[finding("unscaled-inputs", "warning"), cause])
    assert not panel.note.isHidden(), "the NaN of another step was explained"
    context.state.update(findings=[finding("unscaled-inputs", "warning"), {**cause, "place": {**cause["place"], "step": 2}}])
    assert panel.note.isHidden()
    assert panel._column.itemAt(1).widget().finding["id"] == "non-finite"


def test_shows_findings_as_they_come_the_gravest_first(panel, context):
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(findings=[finding("a", "hint"), finding("b", "error")])
    assert titles(panel) == ["Title of b", "Title of a"]
    card = panel.cards[next(key for key in panel.cards if key[0] == "b")]
    assert card.cause.text() == "Why it harms." and card.sentence.text() == "7 of 8 units are dead."
    assert card.place.text() == "1 · Relu · train.py:12 · step 41"
    assert panel.head.subject.text() == "1 error · 1 hint"


def test_a_fault_that_has_grown_worse_is_one_card(panel, context):
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(findings=[finding(), finding(sentence="8 of 8 units are dead.")])
    (card,) = panel.cards.values()
    assert card.sentence.text() == "8 of 8 units are dead."
    context.state.update(findings=[])
    assert not panel.cards


def test_the_focus_stays_in_the_panel_when_a_card_goes(panel, context, qtbot):
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(findings=[finding()])
    panel.activateWindow()
    (card,) = panel.cards.values()
    card.attempt.setFocus()
    qtbot.waitUntil(card.attempt.hasFocus)
    context.state.update(findings=[])
    assert panel.enabled.hasFocus()


def test_the_place_shows_the_line(panel, context):
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(findings=[finding()])
    wanted = []
    places_of(context).line_wanted.connect(lambda path, line: wanted.append((path, line)))
    next(iter(panel.cards.values())).place.click()
    assert wanted == [("/s/train.py", 12)]


def test_the_place_goes_to_the_op_in_time(panel, context, link):
    context.state.update(stop={"seq": 9, "position": [9]})
    context.state.update(findings=[finding()])
    (card,) = panel.cards.values()
    said = []
    context.said.connect(lambda text, severity: said.append(text))
    link.answers["locateFinding"] = lambda arguments: {"event": 4 if arguments["finding"]["id"] == "dead-relu" else 5}
    card.place.click()
    assert link.moves[-1] == ("goto", {"seq": 4}) and not said
    before = list(link.moves)
    context.state.update(stop={"seq": 4, "position": [4], "live": False})
    card.place.click()
    assert link.moves == before, "it stands there already"
    link.answers["locateFinding"] = {"event": None}
    link.answers["locate"] = lambda arguments: {"position": [3, 0, 0] if arguments == {"step": 41} else None, "steps": 60}
    card.place.click()
    assert link.moves[len(before):] == [("goto", {"position": [3, 0, 0]})]
    assert said[-1].startswith("Replaying up to the end of step 41")
    before = list(link.moves)
    link.answers["locate"] = {"position": None, "steps": 60}
    card.place.click()
    context.state.update(runs=[{"name": "attached", "current": True, "replayable": False}])
    assert context.state.current_run["replayable"] is False
    link.asked.clear()
    card.place.click()
    assert link.moves == before and "locate" not in [command for _, command, _ in link.asked]
    assert [text.startswith("What was computed there is not remembered any more") for text in said[-2:]] == [True, True]


def test_the_place_of_nan_selects_the_element_that_it_speaks_of(panel, context, link):
    found = finding()
    found |= {"id": "non-finite", "evidence": {"index": [8, 0], "row": 8, "direction": "forward"}}
    link.answers["diagnostics"] = {"enabled": True, "findings": [found]}
    context.state.update(stop={"seq": 9, "position": [9]})
    link.answers["locateFinding"] = {"event": 4, "tensor": "y"}
    next(iter(panel.cards.values())).place.click()
    assert context.state.selection.index is None, "only when it is there"
    tensors = [{"name": "x", "shape": [16, 3]}, {"name": "y", "shape": [16, 3]}]
    stop = {"seq": 4, "position": [4], "live": False, "direction": "forward", "op": "Div", "tensors": tensors}
    context.state.update(stop=stop)
    selected = context.state.selection
    assert (selected.event, selected.name, selected.index, selected.sample) == (4, "y", (8, 0), 8)
    context.state.update(selection=Selection(), stop={**stop, "revision": 1})
    assert context.state.selection == Selection(), "once"


def test_what_a_watchpoint_found_is_said_until_the_step_is_over(panel, context):
    stop = {"seq": 4, "position": [4, 0, 0], "step": 2}
    found = {"reason": "data breakpoint", "description": "NaN in y of Div"}
    waits = lambda: panel._empty.text().startswith("NaN or infinity was made here")  # noqa: E731
    context.state.update(stop=stop)
    assert not waits()
    context.state.update(stop={**stop, **found})
    assert waits()
    context.state.update(stop={**stop, "seq": 6, "position": [5, 0, 0], "reason": "step"})
    assert waits()
    context.state.update(stop={**stop, "seq": 2, "position": [2, 0, 0], "reason": "step"})
    assert not waits(), "before it was made"
    context.state.update(stop={**stop, "seq": 9, "position": [9, 0, 0], "step": 3, "reason": "step"})
    assert not waits()


def test_a_parameter_without_a_line_is_selected(panel, context):
    found = finding(line=0)
    found["place"]["parameter"] = "1.weight"
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(findings=[found])
    next(iter(panel.cards.values())).place.click()
    assert context.state.selection.expression == "1.weight"


def test_code_breaks_between_words(panel, context):
    code = 'for g in optimizer.param_groups: g["weight_decay"] = 1e-2'
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(findings=[finding(what_if=code)])
    (card,) = panel.cards.values()
    for wide in (230, 300, 400, 700):
        card.resize(wide, 500)
        QApplication.processEvents()
        layout = card.code.document().firstBlock().layout()
        pieces = [layout.lineAt(i) for i in range(layout.lineCount())]
        text = [code[piece.textStart() : piece.textStart() + piece.textLength()] for piece in pieces]
        assert all(piece.endswith((" ", ":", "]", "=")) for piece in text[:-1]) and "".join(text) == code, text
        whole = card.code.fontMetrics().lineSpacing() * len(pieces)
        assert whole <= card.code.viewport().height() <= whole + 2 * card.code.fontMetrics().lineSpacing()


@pytest.mark.parametrize(("text", "columns", "lines"), [
    ("", 10, 1), ("abc def", 10, 1), ("abc def", 7, 1), ("abc def", 6, 2), ("abcdefghij", 4, 3), ("ab abcdefgh c", 4, 4),
    ("aa bb cc dd", 5, 2),
])  # fmt: skip
def test_lines_of_a_text_that_breaks_between_words(text, columns, lines):
    assert lines_of(text, columns) == lines


def test_a_trial_begins_where_the_finding_says_and_never_behind_the_script(panel, context, link):
    """At the end of the script the names of a function that trained are gone: the fork begins at the finding's step."""
    ended = {"seq": 9, "position": [9], "kind": "end", "reason": "end"}
    for found, stop, step in (
        (finding(), {"seq": 1, "position": [1]}, None), (finding(), ended, 40),
        (finding(begins=34), ended, 34), (finding(begins=34), {"seq": 1, "position": [1]}, 34),
    ):
        context.state.update(findings=[], stop=stop)
        context.state.update(findings=[found])
        next(iter(panel.cards.values())).attempt.click()
        command, arguments = link.moves[-1]
        assert command == "fork" and arguments.get("step") == step


def test_tries_the_code_as_it_stands_in_a_fork(panel, context, link):
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(findings=[finding()])
    (card,) = panel.cards.values()
    card.code.setPlainText("net[1] = nn.LeakyReLU()")
    context.state.update(findings=[finding(sentence="worse")])
    card.attempt.click()
    command, arguments = link.moves[-1]
    assert command == "fork" and arguments["edits"] == [{"kind": "exec", "code": "net[1] = nn.LeakyReLU()"}]


def test_without_a_trial_there_is_no_button(panel, context):
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(findings=[finding(what_if=None)])
    (card,) = panel.cards.values()
    assert not card.attempt.isVisible() and not card.code.isVisible()


def test_can_be_switched_off_and_remembers_it(panel, context, link):
    context.state.update(stop={"seq": 1, "position": [1]})
    link.answers["diagnostics"] = {"enabled": False, "findings": []}
    panel.enabled.click()
    assert link.moves[-1] == ("diagnostics", {"enabled": False})
    assert "off" in panel._empty.text()
    assert panel.save() == {"watch": False}


def test_the_tab_counts_what_is_found_while_nobody_looks(qtbot, context, link):
    link.answers["diagnostics"] = {"enabled": True, "findings": []}
    panel, dock = DiagnosticsPanel(context), QDockWidget("Diagnostics")
    qtbot.addWidget(dock)
    dock.setWidget(panel)
    context.state.update(stop={"seq": 1, "position": [1]})
    context.state.update(running=True)
    assert dock.windowTitle() == "Diagnostics"
    context.state.update(findings=[finding(), finding(sentence="8 of 8 units are dead."), finding("b", "error")])
    assert dock.windowTitle() == "Diagnostics 2" and not panel.isVisible()
    dock.show()
    qtbot.waitExposed(dock)
    assert titles(panel) == ["Title of b", "Title of dead-relu"]  # without a stop
    context.state.update(findings=[])
    assert dock.windowTitle() == "Diagnostics"


def test_what_turns_nan_is_found_without_a_stop(qtbot, real, until):
    panel = DiagnosticsPanel(real)
    qtbot.addWidget(panel)
    panel.resize(360, 400)
    panel.show()
    real.link.launch(str(SCRIPTS / "becomes_nan.py"))
    until(lambda: real.state.stop)
    real.link.move("continue")
    until(lambda: panel.cards)
    until(lambda: not real.link.moving)
    (found,) = [one for one in panel.findings() if one["id"].startswith("non")]
    assert found["severity"] == "error" and found["cause"] and found["suggestion"]
    assert found["place"]["step"] == 388 and found["place"]["line"] and found["place"]["file"].endswith("becomes_nan.py")
    assert any("777" in str(value) for value in found["evidence"].values()) or "777" in found["sentence"]
    card = next(card for card in panel.cards.values() if card.finding == found)
    assert card.place.isVisible() and "becomes_nan.py" in card.place.text()
    assert real.troubles == []


def test_a_real_session(qtbot, real, until, tmp_path):
    script = tmp_path / "faulty.py"
    script.write_text(
        "import engine as torch\nfrom engine import nn\n\ntorch.manual_seed(0)\nmodel = nn.Linear(4, 1)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)\nx, y = torch.randn(16, 4), torch.randn(16, 1)\n"
        "for step in range(60):\n    loss = ((model(x) - y) ** 2).mean()\n    loss.backward()\n    optimizer.step()\n"
    )  # no zero_grad
    panel = DiagnosticsPanel(real)
    qtbot.addWidget(panel)
    panel.resize(360, 400)
    panel.show()
    real.link.launch(str(script))
    until(lambda: real.state.stop)
    real.link.move("runTo", step=30)
    until(lambda: panel.cards and not real.link.moving)
    assert any("grad" in title.lower() for title in titles(panel)), titles(panel)
    # "Try it" forks the run with the fix; both runs are there.
    card = next(card for card in panel.cards.values() if card.attempt.isVisibleTo(panel))
    panel.cards_area.ensureWidgetVisible(card.attempt)
    card.attempt.click()
    until(lambda: len(real.state.runs) == 2 and not real.link.moving)
    current = next(run for run in real.state.runs if run["current"])
    assert current["name"].startswith("try: ") and current["parent"] == 1 and real.troubles == []


def test_the_wheel_turns_no_line_of_short_code_out_of_sight(panel, context):
    """It scrolled the code by a line instead of the cards, and left two empty ones below."""
    context.state.update(stop={"seq": 1, "position": [1]})
    for code, moves in (('for g in optimizer.param_groups: g["lr"] *= 0.1', False), ("\n".join(["x = 1"] * 20), True)):
        context.state.update(findings=[finding(what_if=code)])
        (card,) = panel.cards.values()
        card.resize(260, 500)
        QApplication.processEvents()
        bar, viewport = card.code.verticalScrollBar(), card.code.viewport()
        bar.setRange(0, 12)  # as it is before the lines are broken anew
        middle = QPointF(viewport.rect().center())
        turn = QWheelEvent(
            middle, viewport.mapToGlobal(middle), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(viewport, turn)
        assert (bar.value() > 0) == moves
