"""What the head of the network panel says, and what it shows, where numbers are of several steps."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from gui.network import caption
from gui.network.items import NodeItem
from gui.network.layout import lay_out
from gui.network.spot import Spot
from gui.network.values import Content
from gui.panels.network import NetworkPanel
from gui.panels.panel import ElidedLabel
from gui.theme import Theme
from tests.gui.conftest import at_rest
from tests.gui.network_fakes import answers, edge, events, graph, node, shown_panel, stop
from tests.gui.test_live import TO_ITS_END

LOSS = "BCELoss/BinaryCrossEntropy"


@pytest.fixture
def panel(qtbot, context, link):
    panel = shown_panel(qtbot, context, link, 700)
    panel.state.update(graph=graph(), stop=stop(14))
    return panel


def go(panel, seq, **changes):
    panel.state.update(graph=graph(), stop=stop(seq, **changes))


def test_steps_in_words():
    assert caption.steps_in_words([]) == ""
    assert caption.steps_in_words({412}) == "step 412"
    assert caption.steps_in_words({1413, 412, 700}) == "steps 412–1,413"


def test_what_is_dimmed_is_said(panel):
    assert panel.head.subject.text() == "activations · sample [0] of 4 · dimmed: the last step"
    go(panel, 8)
    assert panel.head.subject.text() == "gradients · sample [0] of 4 · dimmed: activations"
    go(panel, 10)
    assert panel.head.subject.text() == "weight changes · sample [0] of 4 · dimmed: weights, activations"
    go(panel, 3)
    assert panel.head.subject.text() == "activations · sample [0] of 4"
    # Before the next pass has begun nothing is of an earlier one.
    go(panel, 12)
    assert "step" not in panel.head.subject.text()


def test_a_network_without_a_number_says_so(panel):
    panel.state.update(stop={**stop(3), "seq": 0, "direction": None, "tensors": []})
    assert panel.head.subject.text() == "no numbers of it are at hand here"
    assert not any(content for item in panel.scene.nodes.values() for content in item.contents.values())


def test_where_there_is_little_room_the_head_says_at_least_what_the_numbers_are():
    fill = SimpleNamespace(
        mode="forward", phase="forward", step=2, validates=False, behind=True, handed=True, ran=None, done=None,
        batch=64,
    )  # fmt: skip
    said = caption.at_stop(cast(Any, fill), [], {"step": 2}, 0)
    assert said.text == "activations of the batch before · sample [0] of 64" and said.brief[-1] == "activations"
    assert said.brief[0].endswith("sample [0] of 64")  # of all that is left out last


def test_hints_say_what_dimmed_numbers_are(panel):
    def last(id, part=""):
        return panel.pointing.hint(Spot(id, part)).splitlines()[-1]

    assert last("fc2/Linear") == "of the last step: it has not run in this pass"
    assert last("fc2/Linear", "weight").startswith("of the last step") and last("act/Relu").startswith("14.00")
    assert last("input#2") == "not read yet in this step"
    go(panel, 8)
    assert last("fc1/Linear", "weight") == "the weight: its gradient is not known here"
    go(panel, 10)
    assert last("fc2/Linear", "weight") == "the weight: its change is not known here"


def test_a_step_that_is_older_than_the_stop_is_named(panel, link):
    link.answers["events"] = {"events": [], "first": 15, "last": 15, "complete": True}
    at = {"seq": 20, "position": [99, 0, 0], "direction": None}
    panel.state.update(stop={**stop(12), **at, "step": 100})
    assert panel.head.subject.text() == "activations, last seen in step 2"
    panel.state.update(stop={**stop(12), **at, "seq": 21, "step": 2})
    assert "last seen" not in panel.head.subject.text()


@pytest.mark.parametrize(("done", "said"), [(1, "of the batch before"), (6, "of step 1")])
def test_a_pass_of_some_steps_ago_is_not_that_of_the_batch_before(panel, link, done, said):
    """As behind a free run: an update of which neither the pass nor its backward was seen."""
    batch = {**events()[0], "seq": 20, "position": [90, 0, 0], "kind": "batch", "name": "loader", "direction": None}
    update = {**next(e for e in events() if e["kind"] == "update"), "seq": 21, "position": [91, 0, 0], "step": done}
    link.answers["events"] = {"events": [batch, update], "first": 15, "last": 21, "complete": True}
    link.answers["tensor"] = lambda arguments: answers()["tensor"](
        {**arguments, "reference": {**arguments["reference"], "event": min(arguments["reference"]["event"], 10)}}
    )
    panel.state.update(stop={**stop(12), **update, "op": update["name"]})
    text = panel.head.subject.text()
    assert text.startswith("weight changes") and text.endswith(said)


def test_without_a_loader_the_numbers_are_those_of_the_step_that_has_ended():
    """There the end of an optimizer's step stands for a batch; none was handed out, and none was before."""
    fill = SimpleNamespace(
        mode="update", phase="", step=6, validates=False, behind=True, handed=False, ran=6, done=6, batch=2,
    )  # fmt: skip
    assert caption.at_stop(cast(Any, fill), [], {"step": 6}, 0).text == "weight changes of step 6 · sample [0] of 2"


def run(panel, step, change=0.0, only=None):
    """Let it run freely, and show a picture of a step."""
    if not panel.state.running:
        panel.state.update(running=True, snapshot={"subscription": 1, "events": events(), "views": {}})
    bodies = {}
    for view in panel.state.live["network"]:
        id = view["id"].removeprefix("network:")
        body = answers()["tensor"](view["arguments"])
        if only is None or id in only:
            bodies[id] = {**body, "data": body["data"] + np.float32(change), "step": step}
    panel.show_live(bodies)
    return bodies


def test_while_it_runs_the_head_names_the_steps_that_stand_side_by_side(panel, qtbot):
    run(panel, 1400)
    qtbot.waitUntil(lambda: "step 1,400" in panel.head.subject.text())
    values = [f"{id} values" for id in panel.scene.nodes]
    for _ in range(8):
        run(panel, 1412, only=values[:3])
    qtbot.waitUntil(lambda: panel.head.subject.text() == "activations · steps 1,400–1,412 · sample [0] of 4")
    assert panel.pointing.hint(Spot("fc1/Linear")).splitlines()[-1] == "of step 1,412"
    assert panel.pointing.hint(Spot(LOSS)).splitlines()[-1] == "of step 1,400"
    # A weight that was looked at earlier does not count, and is named by its hint.
    for number in range(40):
        run(panel, 1420 + number, only=values)
    qtbot.waitUntil(lambda: "–1,459" in panel.head.subject.text())
    assert 1420 < min(panel.free._numbers.steps) <= 1459
    assert panel.pointing.hint(Spot("fc1/Linear", "weight")).splitlines()[-1] == "of step 1,400"


def test_the_head_changes_some_times_a_second_and_nothing_is_laid_out(panel, qtbot):
    texts = []
    set_text = panel.head.subject.set_text
    panel.head.subject.set_text = lambda *given, **more: texts.append(given) or set_text(*given, **more)
    run(panel, 1)
    layouts = []
    panel._drawing._drawn = layouts.append
    for number in range(40):
        run(panel, 2 + number)
    assert len(texts) <= 3 and layouts == []
    qtbot.waitUntil(lambda: "41" in panel.head.subject.text())


def test_behind_a_pause_what_pictures_have_shown_stays_dimmed_until_its_op_runs_again(panel, link):
    pictures = run(panel, 460, 1000.0)
    link.answers["events"] = {"events": [], "first": 15, "last": 15, "complete": True}
    at = {"direction": None, "step": 500}
    panel.state.update(running=False, stop={**stop(14), **at, "seq": None, "position": [99, 0, 0]})
    assert panel.head.subject.text() == "activations, last seen in step 460"
    new = [
        {**event, "seq": event["seq"] + 20, "position": [100 + event["seq"], 0, 0], "step": 500}
        for event in events() if event["seq"] in (12, 13)
    ]  # fmt: skip
    link.answers["events"] = {"events": new, "first": 15, "last": 33, "complete": True}
    link.answers["tensor"] = lambda arguments: answers()["tensor"](
        {**arguments, "reference": {**arguments["reference"], "event": 13 if arguments["reference"]["event"] > 20 else 1}}
    )
    panel.state.update(stop={**stop(13), **new[1], "step": 500})
    items = panel.scene.nodes
    assert not items["fc1/Linear"].faint["values"] and items["fc1/Linear"].contents["values"].data[0] == 13
    assert items["act/Relu"].faint["values"]
    np.testing.assert_array_equal(items["act/Relu"].contents["values"].data, pictures["act/Relu values"]["data"])
    assert panel.head.subject.text() == "activations · sample [0] of 4 · dimmed: step 460"
    # Going back in time, it is not shown what was still to come then.
    panel.state.update(stop={**stop(14), "live": False})
    assert items["fc2/Linear"].contents["values"].data[0] < 1000
    assert panel.head.subject.text().endswith("dimmed: the last step")


def test_a_run_that_begins_again_forgets_its_pictures(panel, link):
    run(panel, 460)
    link.answers["events"] = {"events": [], "first": None, "last": None, "complete": True}
    entry = {**stop(1), "reason": "entry", "seq": 0, "direction": None, "step": 0}
    panel.state.update(running=False, graph=None, stop=entry)
    assert "460" not in panel.head.subject.text()


def test_numbers_at_the_end_of_a_short_run_are_those_of_the_step_that_is_named(real, until, qtbot, tmp_path):
    """The run is made again here, to that step."""
    script = tmp_path / "train.py"
    script.write_text(TO_ITS_END)
    panel = NetworkPanel(real)
    qtbot.addWidget(panel)
    panel.resize(700, 480)
    panel.show()
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    real.link.move("continue")
    until(lambda: "values" in getattr(panel.scene.nodes.get("2/Linear"), "contents", ()) and panel.free.pictured)
    (tmp_path / "enough").touch()
    until(lambda: (real.state.stop or {}).get("reason") == "end" and at_rest(panel))
    text = panel.head.subject.text()
    assert text.startswith("activations, last seen in step ")
    step = int(text.rpartition(" ")[2].replace(",", ""))
    assert 0 < step <= real.state.stop["step"]
    code = TO_ITS_END.replace('not pathlib.Path("enough").exists()', "step < wanted")
    code = code.replace("    loss.backward()", "    made = model(x)\n    loss.backward()")
    names = {"wanted": step}
    exec(compile(code, "again", "exec"), names)
    assert names["step"] == step
    shown = panel.scene.nodes["2/Linear"].contents["values"].data
    np.testing.assert_allclose(shown, names["made"].tolist()[0], rtol=1e-6)


@pytest.mark.parametrize("theme", [Theme("light"), Theme("dark"), Theme("projector")])
def test_the_head_row_is_not_cut_in_the_default_window(panel, context, theme):
    """The panel is as wide as in a window of 1280 × 800 pixels."""
    panel.resize(525 if theme.name == "projector" else 574, 520)
    context.set_theme(theme)
    for seq in (3, 8, 10, 14):
        go(panel, seq)
        shown = panel.head.subject.shown
        assert shown and not shown.endswith("…"), seq
    run(panel, 12_412)
    panel.free.say_steps()
    assert "12,412" in panel.head.subject.shown and "…" not in panel.head.subject.shown


def test_of_several_shorter_texts_the_first_that_has_room_is_shown(qtbot):
    label = ElidedLabel()
    qtbot.addWidget(label)
    texts = ("much longer than all the others", ("shorter than that one", "short", ""))
    label.show()
    seen = []
    for width in range(600, 20, -4):
        label.resize(width, 20)
        label.set_text(texts[0], brief=texts[1])
        if label.shown not in seen:
            seen.append(label.shown)
    assert seen == [texts[0], "shorter than that one", "short", ""]
    assert label.text() == texts[0] and label.toolTip() == texts[0]


@pytest.mark.parametrize(
    ("weight", "said"),
    [((64, 1568), "w\u0304"), ((200, 2), "w\u0304"), ((64, 128), "w"), ((16, 200, 3, 3), "w")],
)
def test_a_range_of_means_says_that_it_is_one(qapp, weight, said):
    ops = [node("input", "", "", None, 0, (4, 2), kind="input"), node("a/Op", "Op", "a", 1, 1, (4, weight[0]), weight)]
    layout = lay_out({"nodes": ops, "edges": [edge("input", "a/Op")], "complete": False}, 600, 480)
    place = layout.places["a/Op"]
    item = NodeItem(place, ops[1], layout.size, Theme("light"))
    item.contents["weight"] = Content(np.zeros((2, 2)), -0.25, 0.125, symbol="w")
    assert item.captions()["weight"] == f"{said} ± 0.250"
