"""The network panel while the script runs freely: what it paints is what it paints at a stop, and what it asks for."""

import numpy as np
import pytest

from gui.network.glyphs import bgra_of, quick_image
from gui.network.log import KINDS
from gui.panels.network_events import EVENTS
from tests.gui.network_fakes import answers, events, graph, shown_panel, stop


@pytest.fixture
def panel(qtbot, context, link):
    panel = shown_panel(qtbot, context, link)
    panel.state.update(graph=graph(), stop=stop(14))
    return panel


def run(panel):
    """Let it run freely, and show one picture."""
    panel.state.update(running=True, snapshot={"subscription": 1, "events": events(), "views": {}})
    views = panel.state.live["network"]
    bodies = {view["id"].removeprefix("network:"): answers()["tensor"](view["arguments"]) for view in views}
    for number in range(8):
        for body in bodies.values():
            body["data"], body["step"] = body["data"] + np.float32(number % 2), number
        panel.show_live(bodies)
    while panel.free._numbers.take({}):
        pass  # all has had its turn
    return bodies


def pixels(panel):
    image = panel.view.grab().toImage().convertToFormat(panel.view.grab().toImage().Format.Format_RGB32)
    data = image.constBits().asarray(image.sizeInBytes())
    return np.frombuffer(bytes(data), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].astype(int)


def test_a_live_picture_looks_as_the_same_numbers_at_a_stop(panel):
    run(panel)
    for item in panel.scene.nodes.values():
        panel.scene.rewritten.add(item)
        item.words.renew()
    live = pixels(panel)
    assert len(np.unique(live.reshape(-1, 3), axis=0)) > 20
    panel.view.set_live(False)
    still = pixels(panel)
    assert (np.abs(live - still).max(axis=2) > 24).mean() < 0.002


def bodies_of(panel, step, change=0.0):
    """Answers to all views, of one step."""
    found = {}
    for view in panel.state.live["network"]:
        body = answers()["tensor"](view["arguments"])
        span = [end + change for end in body["range"]]
        body = {**body, "data": body["data"] + np.float32(change), "range": span, "step": step}
        found[view["id"].removeprefix("network:")] = body
    return found


@pytest.fixture
def turns(panel, monkeypatch):
    """The panel while the script runs, with nodes that take turns: (panel, the ids of the views by their turn)."""
    monkeypatch.setattr("gui.network.live._EACH", 1)
    monkeypatch.setattr("gui.network.live._TURNS", (2,))
    panel.state.update(running=True, snapshot={"subscription": 1, "events": events(), "views": {}})
    panel.show_live(first := bodies_of(panel, 1))
    assert {id for id in first if id.endswith(" values")} == contents(panel).keys()  # the first picture is shown at once
    when = [changed(panel, bodies_of(panel, 3, 3)), changed(panel, {})]
    assert when[0] | when[1] == contents(panel).keys() and not when[0] & when[1]
    assert abs(len(when[0]) - len(when[1])) <= 1 and not changed(panel, {})
    return panel, when


def changed(panel, views):
    """Show a picture: what of the values has changed."""
    before = contents(panel)
    panel.show_live(views)
    return {id for id, now in contents(panel).items() if now is not before.get(id)}


def seen_steps(panel):
    """The steps that colours are of."""
    return {step for (_, part), step in panel.free._numbers.seen.items() if part == "values"}


def test_each_picture_changes_one_that_is_drawn(panel, monkeypatch):
    # What is only written, here the loss and the target, has no turn of its own: nothing would be painted in it.
    monkeypatch.setattr("gui.network.live._EACH", 1)
    panel.state.update(running=True, snapshot={"subscription": 1, "events": events(), "views": {}})
    views = [view for view in panel.state.live["network"] if view["id"].endswith(" values")]
    drawn = {f"{id} values" for id, item in panel.scene.nodes.items() if item.place.form.scaled}
    panel.show_live(bodies_of(panel, 1))
    turns = [changed(panel, bodies_of(panel, 2, 1) if turn == 0 else {}) for turn in range(views[0]["every"])]
    assert len(turns) > 2 and all(turn & drawn for turn in turns) and len(drawn) < len(views)
    assert sum(map(len, turns)) == len(set().union(*turns)) == len(views)


def contents(panel):
    return {f"{id} values": item.contents["values"] for id, item in panel.scene.nodes.items() if "values" in item.contents}


def test_nodes_take_turns_and_after_the_run_all_are_of_one_step(turns, link):
    panel, when = turns
    assert changed(panel, bodies_of(panel, 5, 5)) == when[0]
    assert seen_steps(panel) == {3, 5}
    link.answers["events"] = {"events": [], "first": 15, "last": 15, "complete": True}
    panel.state.update(running=False, stop={**stop(14), "seq": None, "direction": None, "position": [99, 0, 0]})
    for view in panel.state.live["network"]:
        if (id := view["id"].removeprefix("network:")).endswith(" values"):
            data = np.asarray(answers()["tensor"](view["arguments"])["data"]) + np.float32(5)
            np.testing.assert_array_equal(contents(panel)[id].data, data)
    assert panel.head.subject.text() == "activations, last seen in step 5"


def test_where_pictures_are_left_out_what_had_no_turn_is_shown_before_the_next_step(turns):
    panel, when = turns
    assert changed(panel, bodies_of(panel, 5, 5)) == when[0]
    assert changed(panel, bodies_of(panel, 9, 9)) == when[0] | when[1]
    assert seen_steps(panel) == {5, 9}
    assert changed(panel, {}) == when[1] and seen_steps(panel) == {9}


def test_what_is_written_changes_seldom_while_the_script_runs(panel, monkeypatch):
    panel.state.update(running=True, snapshot={"subscription": 1, "events": events(), "views": {}})
    renewed = []
    for node, item in panel.scene.nodes.items():
        monkeypatch.setattr(item.words, "renew", lambda node=node: renewed.append(node))
    for step in range(1, 33):
        panel.show_live(bodies_of(panel, step, 0.1 * step))
    assert all(2 <= renewed.count(node) <= 8 for node in panel.scene.nodes if panel.scene.nodes[node].contents)


def test_circles_of_which_few_come_have_their_numbers_written_with_them(panel, monkeypatch):
    monkeypatch.setattr("gui.network.live._EACH", 1)
    monkeypatch.setattr("gui.network.live._TURNS", (4,))
    panel.state.update(running=True, snapshot={"subscription": 1, "events": events(), "views": {}})
    node, item = next((node, item) for node, item in panel.scene.nodes.items() if item.place.numbers)
    renewed = []
    monkeypatch.setattr(item.words, "renew", lambda: renewed.append(item.contents["values"]))
    for step in range(1, 7):
        found = bodies_of(panel, step, 0.1 * step)
        panel.show_live({id: body for id, body in found.items() if id.startswith(f"{node} ")})
        assert renewed[-1:] == [item.contents["values"]] and len(renewed) == step


def test_only_where_numbers_have_changed_it_is_painted_and_all_of_it_is(turns, qtbot):
    panel, when = turns
    qtbot.wait(50)
    painted, still = [], panel.view._still
    paint = still.paint
    still.paint = lambda region: painted.append(region) or paint(region)
    for turn in range(2):
        found = {id: body for id, body in bodies_of(panel, 5, 5).items() if id.endswith(" values")}
        panel.show_live(found if turn == 0 else {})
        qtbot.waitUntil(lambda turn=turn: len(painted) == turn + 1)
    boxes = {f"{node.node['id']} {part}": box for (node, part), box in still._parts.items()}
    for turn, region in enumerate(painted):
        assert all(region.contains(box) for id, box in boxes.items() if id in when[turn])
        assert not any(region.intersects(box) for id, box in boxes.items() if id in when[1 - turn])
    screen = panel.screen().grabWindow(panel.winId()).toImage()
    assert screen.convertToFormat(screen.Format.Format_RGB32) == panel.grab().toImage().convertToFormat(
        screen.Format.Format_RGB32
    )


def test_marks_and_zoom_show_while_it_runs(panel, context):
    run(panel)
    before = pixels(panel)
    context.state.reselect(event=14, name="y", index=None, module="act")
    panel.show_live({})
    marked = pixels(panel)
    assert (before != marked).any()
    panel.view.zoom_by(1.5)
    assert (np.abs(marked - pixels(panel)).max(axis=2) > 24).mean() > 0.01


def test_choosing_what_is_shown_has_an_effect_after_a_free_run(panel, link):
    link.answers["events"] = {"events": [], "first": 15, "last": 15, "complete": True}
    run(panel)
    panel.state.update(running=False, stop={**stop(14), "seq": None, "direction": None, "position": [99, 0, 0]})
    kept = panel.scene.nodes["act/Relu"].contents["values"]
    assert panel.head.subject.text() == "activations, last seen in step 7"
    link.answers["tensor"] = None
    panel.mode.setCurrentIndex(panel.mode.findData("backward"))
    assert panel.head.subject.text().startswith("gradients")
    assert panel.scene.nodes["act/Relu"].contents.get("values") is not kept
    panel.mode.setCurrentIndex(panel.mode.findData("forward"))
    assert panel.scene.nodes["act/Relu"].contents["values"] is kept


def test_of_very_many_new_events_the_newest_are_asked_for_first(panel, link):
    link.asked.clear()
    panel.state.update(stop={**stop(14), "seq": 20 + 3 * EVENTS, "position": [500, 0, 0]})
    asked = [arguments for _, command, arguments in link.asked if command == "events"]
    assert asked[0] == {"kinds": KINDS, "count": EVENTS}


def test_along_the_past_no_events_are_asked_for(panel, link):
    def asked():
        return sum(command == "events" for _, command, _ in link.asked)

    before = asked()
    assert before
    for seq in (9, 7, 3):
        panel.state.update(stop=stop(seq, live=False))
    assert asked() == before and panel.scene.nodes["fc1/Linear"].contents["values"].data.max() > 0
    panel.state.update(stop=stop(14))
    assert asked() == before + 1


def test_a_drawing_of_a_running_network_is_made_of_its_items(panel, tmp_path):
    texts = []
    for name in ("stopped.svg", "running.svg"):
        panel.export_svg(tmp_path / name)
        texts.append((tmp_path / name).read_text().count("<text"))
        run(panel)
    assert texts[0] == texts[1] > 10


def test_images_have_the_colours_of_the_table():
    table = np.array([[10, 20, 30, 255], [200, 100, 50, 255]], np.uint8)
    image = quick_image(bgra_of(table)[np.array([[0, 1, 0]])])
    assert [image.pixelColor(x, 0).getRgb() for x in range(3)] == [tuple(table[i].tolist()) for i in (0, 1, 0)]


@pytest.mark.parametrize("ended", [False, True])
def test_in_another_size_the_last_picture_is_still_there(panel, qtbot, link, ended):
    run(panel)
    seen = panel.scene.nodes["act/Relu"].contents["values"]
    if ended:
        link.answers["events"] = {"events": [], "first": 15, "last": 15, "complete": True}
        panel.state.update(running=False, stop={**stop(14), "seq": None, "direction": None, "position": [99, 0, 0]})
    item = panel.scene.nodes["act/Relu"]
    panel.resize(420, 700)
    qtbot.waitUntil(lambda: panel.scene.nodes["act/Relu"] is not item)
    assert panel.scene.nodes["act/Relu"].contents["values"] is seen


def test_what_was_seen_last_stays_where_the_script_has_ended_and_its_models_are_gone(panel, link):
    """With a model that a function made the names of its layers go: the graph is another one then."""
    link.answers["events"] = {"events": [], "first": 15, "last": 15, "complete": True}
    run(panel)
    kept = panel.scene.nodes["act/Relu"].contents["values"]
    nameless = graph()
    names = {node["id"]: node["id"].rpartition("/")[2] + f"#{i}" for i, node in enumerate(nameless["nodes"])}
    for one in nameless["nodes"]:
        one["id"], one["module"] = names[one["id"]], ""
    for one in nameless["edges"]:
        one["from"], one["to"] = names[one["from"]], names[one["to"]]
    nameless["signature"] = "b"
    ended = {**stop(14), "seq": 99, "direction": None, "position": [99, 0, 0], "kind": "end", "reason": "end"}
    panel.state.update(running=False, stop=ended, graph=nameless)
    assert panel.scene.nodes["act/Relu"].contents["values"] is kept
    assert panel.head.subject.text() == "activations, last seen in step 7"


def test_a_run_too_short_for_a_picture_leaves_the_numbers_of_before(panel, link):
    """Its structure has come, its numbers have not: they are gone from the engine when it has ended."""
    before = {id: None if found is None else found.data for id, found in contents(panel).items()}
    assert sum(data is not None for data in before.values()) > 3 and panel.head.subject.text().startswith("activations")
    later = [
        {**event, "seq": event["seq"] + 200, "position": [300 + event["seq"], 0, 0], "step": 904 + event["step"]}
        for event in events()
    ]  # fmt: skip
    panel.state.update(running=True, snapshot={"subscription": 1, "events": later, "views": {}})
    link.answers["events"] = {"events": [], "first": 900, "last": 900, "complete": False}
    link.answers["tensor"] = None
    end = {"kind": "end", "direction": None, "op": None, "tensors": [], "seq": 900, "position": [999, 0, 0], "step": 1000}
    panel.state.update(running=False, stop={**stop(14), **end})
    for id, found in contents(panel).items():
        assert (found is None) == (before[id] is None), id
        np.testing.assert_array_equal(found.data if found else None, before[id], err_msg=id)
    assert panel.head.subject.text() == "activations, last seen in step 2"


END = {"kind": "end", "direction": None, "op": None, "tensors": [], "seq": 900, "position": [999, 0, 0], "step": 1000}


def ended_before_a_picture(panel, link, structure, **changes):
    """The structure has come, no picture; the script ends, and nothing of it is recorded."""
    panel.state.update(running=True, snapshot={"subscription": 1, "events": structure, "views": {}}, **changes)
    link.answers["events"] = {"events": [], "first": 900, "last": 900, "complete": False}
    panel.state.update(running=False, stop={**stop(14), **END})


def test_a_run_too_short_for_a_picture_shows_no_numbers_where_none_were_seen_before(qtbot, context, link):
    """It was begun at its first line: the head spoke of weight changes over an empty network."""
    panel = shown_panel(qtbot, context, link)
    panel.state.update(stop={**stop(14), "kind": "line", "reason": "entry", "seq": None, "position": [0, 0, 0], "step": 0})
    ended_before_a_picture(panel, link, events(), graph=graph())
    assert panel.scene.nodes and not any(contents(panel).values())
    assert panel.head.subject.text() == "no numbers of it are at hand here: step back (Alt+F10)"


def test_numbers_of_the_network_before_are_not_those_of_another_one(panel, link):
    """A script trains two networks, one after the other, with the same loss: the second one had the loss of the first."""
    other = graph()
    for node in other["nodes"]:
        node["event"] = None if node["event"] is None else node["event"] + 200
        for tensor in (*node["outputs"], *node["parameters"]):
            tensor["shape"] = [{8: 6, 1: 3}.get(extent, extent) for extent in tensor["shape"]]
        if node.get("op") in ("Linear", "Conv2d"):
            node["module"] = f"second.{node['module']}"
            old, node["id"] = node["id"], f"second.{node['id']}"
            for edge in other["edges"]:
                edge["from"], edge["to"] = (node["id"] if edge[end] == old else edge[end] for end in ("from", "to"))
    other["signature"] = "other"
    assert any(contents(panel).values())
    later = [{**event, "seq": event["seq"] + 200, "module": f"second.{event['module']}"} for event in events()]
    ended_before_a_picture(panel, link, later, graph=other)
    assert {node["id"] for node in other["nodes"]} >= set(panel.scene.nodes) and not any(contents(panel).values())
    assert panel.head.subject.text().startswith("no numbers of it are at hand here")
