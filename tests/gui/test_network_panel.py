"""The network panel: what it asks for, what it shows, lights and selects."""

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from gui.breakpoints import breakpoints_of
from gui.network import not_finite
from gui.network.forms import SIZES, Form
from gui.network.glyphs import paint_alarm, short_number
from gui.network.log import EventLog
from gui.network.measuring import texts_of, title_font
from gui.network.places import READABLE, TITLED
from gui.network.spot import Spot
from gui.network.values import Content
from gui.network.weight_lines import MOST_LINES, _pen
from gui.network.words import Words, fitting_title
from gui.panels.network import NetworkPanel
from gui.state import Selection
from gui.theme import Theme
from tests.gui.network_fakes import events, filled, graph, node, shown_panel, stop

LOSS = "BCELoss/BinaryCrossEntropy"


@pytest.fixture
def panel(qtbot, context, link):
    return shown_panel(qtbot, context, link)


def go(panel, seq, **changes):
    panel.state.update(graph=graph(), stop=stop(seq, **changes))


def shown(panel, node, part="values"):
    item = panel.scene.nodes[node]
    return item.contents.get(part), item.faint.get(part)


def test_a_hint_stands_where_no_network_is_known(panel, context):
    context.state.update(stop={**stop(1), "seq": None})
    assert "first forward pass" in panel._empty.text() and not panel.view.isVisible()


@pytest.mark.parametrize(("kind", "what"), [("end", "The script ended"), ("exception", "stopped at an exception")])
def test_where_there_is_nothing_to_step_on_to_the_hint_says_how_to_go_back(panel, context, kind, what):
    nothing = {"nodes": [], "edges": [], "modules": [], "signature": "", "complete": True, "truncated": False}
    context.state.update(graph=nothing, stop={**stop(1), "kind": kind, "reason": kind})
    said = panel._empty.text()
    assert what in said and "Step back (Alt+F10)" in said and "restart" in said and "Step on" not in said
    context.state.update(stop={**stop(1), "seq": None})
    assert "Step on (F10)" in panel._empty.text()


def test_forward_shows_activations_and_what_is_older_is_faint(panel):
    go(panel, 14)
    assert shown(panel, "act/Relu")[0].data[0] == 14 and shown(panel, "act/Relu")[1] is False
    old, faint = shown(panel, "fc2/Linear")
    assert old.data[0] == 3 and faint
    assert shown(panel, "fc1/Linear", "weight")[0].data[1, 0] == 13
    assert panel.scene.nodes["act/Relu"].marks.phase == "forward"
    assert "activations" in panel.head.subject.text()


def test_backward_shows_gradients_of_what_has_been_reached(panel):
    go(panel, 8)
    assert shown(panel, "act/Relu")[0].data[0] == 8 and shown(panel, "fc2/Linear", "weight")[0].data[0, 1] == 7
    reached, faint = shown(panel, "fc1/Linear")
    assert reached.data[0] == 1 and faint  # its activation still
    assert shown(panel, LOSS)[0].data == 4 and not shown(panel, LOSS)[1]
    assert panel.scene.nodes["act/Relu"].marks.phase == "backward"


def test_a_double_click_on_an_element_asks_for_another_value(panel, qtbot):
    go(panel, 14)
    wanted = []
    panel.context.edit_wanted.connect(lambda: wanted.append(panel.state.selection))
    item = panel.scene.nodes["act/Relu"]
    unit = next(
        point for y in range(0, 400, 3) for x in range(0, 900, 3)
        if (spot := panel.scene.spot(point := QPointF(x, y), 1)) is not None
        and spot.node == "act/Relu" and spot.index is not None and item.boundingRect().contains(point)
    )  # fmt: skip
    viewport, place = panel.view.viewport(), panel.view.mapFromScene(unit)
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    assert panel.state.selection.index is not None and wanted == []
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=place)
    assert wanted == [panel.state.selection]
    texts = {action.text(): action for action in panel.pointing.menu.make().actions()}
    assert texts["Explain this number"].isEnabled() and "Stop at act backward" in texts
    texts["Stop at act backward"].trigger()
    assert breakpoints_of(panel.context).ops[-1]["module"] == "act"
    # Beside the network everything is shown again, and there is nothing to explain.
    panel.view.zoom_by(3)
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=panel.view.mapFromScene(QPointF(-500, -500)))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=panel.view.mapFromScene(QPointF(-500, -500)))
    assert panel.view.fitted and len(wanted) == 1
    assert not panel.pointing.menu.make(on_node=False).actions()[0].isEnabled()


def test_update_shows_the_change_of_the_weights(panel):
    go(panel, 10)
    change, faint = shown(panel, "fc1/Linear", "weight")
    assert change.data[0, 0] == -0.5 and change.data[1, 1] == 0.5 and not faint
    assert shown(panel, "fc2/Linear", "weight")[1] is True
    assert panel.scene.nodes["fc1/Linear"].marks.phase == "update"


def test_forward_of_the_loss_has_its_hue(panel):
    go(panel, 4)
    assert panel.scene.nodes[LOSS].marks.phase == "loss"


def test_a_fixed_mode_stays_whatever_the_phase(panel):
    go(panel, 10)
    panel.mode.setCurrentIndex(panel.mode.findData("forward"))
    assert shown(panel, "fc1/Linear")[1] is False and shown(panel, "fc1/Linear", "weight")[0].data[1, 1] == 1


def test_a_step_asks_only_for_what_is_new(panel, link):
    go(panel, 13)
    link.asked.clear()
    go(panel, 14)
    tensors = [arguments["tensors"] for _, command, arguments in link.asked if command == "tensors"]
    assert [[view["reference"] for view in views] for views in tensors] == [[{"event": 14, "name": "y"}]]
    link.asked.clear()
    go(panel, 13)
    assert not [key for key, command, _ in link.asked if command == "tensors"]


def test_nothing_becomes_faint_or_full_while_events_are_on_their_way(panel, link, context, monkeypatch):
    whole, at = link.answers["events"], 13
    link.answers["events"] = lambda arguments: {
        **whole(arguments), "events": [event for event in whole(arguments)["events"] if event["seq"] <= at], "last": at,
    }  # fmt: skip
    go(panel, 13)
    before = {id: dict(item.faint) for id, item in panel.scene.nodes.items()}
    assert any(faint for item in before.values() for faint in item.values())
    link.hold, at = True, 14
    go(panel, 14)
    context.state.update(graph={**graph(), "signature": "b"})
    assert {id: dict(item.faint) for id, item in panel.scene.nodes.items()} == before
    link.deliver()
    link.hold = False
    assert panel.scene.nodes["act/Relu"].marks.phase == "forward"
    # A refusal is no reason to wait for ever.
    link.answers["events"] = RuntimeError("gone")
    go(panel, 14, revision=1)
    refreshed = []
    monkeypatch.setattr(panel, "_refresh", lambda: refreshed.append(1))
    panel.state.reselect(sample=1)
    assert refreshed


def test_in_another_place_the_network_keeps_its_numbers_where_nobody_answers(panel, link, qtbot):
    go(panel, 14)
    items, numbers = panel.scene.nodes, dict(panel.scene.nodes["act/Relu"].contents)
    assert numbers
    link.hold = True
    panel.state.update(running=True)  # in an engine that hangs: no picture will come
    panel.resize(500, 380)
    qtbot.waitUntil(lambda: panel.scene.nodes is not items)
    assert panel.scene.nodes["act/Relu"].contents == numbers
    assert panel.scene.lines["fc1/Linear"].content is not None


def test_events_are_asked_for_from_where_they_are_known(panel, link):
    go(panel, 13)
    go(panel, 14)
    asked = [arguments.get("from") for _, command, arguments in link.asked if command == "events"]
    assert asked == [None, 15]


def test_another_process_makes_it_forget(panel, link):
    go(panel, 13)
    go(panel, 14, position=[99, 0, 0])
    assert [a.get("from") for _, command, a in link.asked if command == "events"] == [None, None]


def test_a_run_that_begins_again_makes_it_forget(panel, link):
    go(panel, 13)
    assert panel._log.fits(stop(1))
    go(panel, 1, reason="entry")  # at the same place as before: only the reason tells
    assert [a.get("from") for _, command, a in link.asked if command == "events"] == [None, None]


def test_layout_zoom_and_place_stay_across_steps(panel, qtbot):
    go(panel, 13)
    items = panel.scene.nodes
    panel.view.zoom_by(2.0)
    place = panel.view.place()
    go(panel, 14)
    assert panel.scene.nodes is items and panel.view.place() == place
    qtbot.keyClick(panel.view, Qt.Key.Key_0)
    assert panel.view.fitted and panel.view.place() == []


def test_what_was_saved_comes_back(panel):
    go(panel, 13)
    panel.view.zoom_by(3.0)
    panel.mode.setCurrentIndex(2)
    saved = panel.save()
    panel._fit()
    panel.mode.setCurrentIndex(0)
    panel.restore(saved)
    assert panel.save()["mode"] == "backward" and panel.view.zoom == pytest.approx(saved["place"][2])
    panel.restore({"place": "broken", "mode": 7})


def test_click_selects_a_unit_of_the_sample(panel, qtbot, context):
    context.state.reselect(sample=2)
    go(panel, 14)
    at = panel.view.mapFromScene(panel.scene.nodes["act/Relu"].center(5))
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    chosen = context.state.selection
    assert (chosen.event, chosen.name, chosen.index, chosen.sample, chosen.module) == (14, "y", (2, 5), 2, "act")
    assert panel.scene.nodes["act/Relu"].marks.picked == ("values", (5,))


def test_click_on_a_line_selects_its_weight(panel, qtbot, context):
    go(panel, 14)
    line = panel.scene.lines["fc1/Linear"].line(7, 1)
    at = panel.view.mapFromScene(line.pointAt(0.85))
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    chosen = context.state.selection
    assert (chosen.event, chosen.name, chosen.index) == (13, "w", (7, 1)) and chosen.label == "fc1.weight"
    assert panel.scene.lines["fc1/Linear"].picked == (7, 1)


def test_dragging_moves_and_selects_nothing(panel, qtbot, context):
    go(panel, 14)
    before, center = context.state.selection, panel.view.mapToScene(300, 200)
    qtbot.mousePress(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=panel.view.viewport().rect().center())
    qtbot.mouseMove(panel.view.viewport(), panel.view.viewport().rect().center() + QPointF(40, 30).toPoint())
    qtbot.mouseRelease(panel.view.viewport(), Qt.MouseButton.LeftButton)
    assert context.state.selection == before
    assert panel.view.mapToScene(300, 200) != center and not panel.view.fitted


def test_arrow_keys_walk_from_node_to_node(panel, qtbot, context):
    go(panel, 14)
    qtbot.keyClick(panel.view, Qt.Key.Key_Right)
    assert context.state.selection.module == "fc2"
    qtbot.keyClick(panel.view, Qt.Key.Key_Left)
    assert context.state.selection.module == "act"


def test_enter_goes_into_a_node_arrows_from_unit_to_unit_and_escape_out(panel, qtbot, context):
    go(panel, 14)
    qtbot.keyClick(panel.view, Qt.Key.Key_Left)
    assert context.state.selection.module == "fc1" and context.state.selection.index is None
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    assert context.state.selection.index == (0, 2)
    assert panel.scene.nodes["fc1/Linear"].marks.picked == ("values", (2,))
    qtbot.keyClick(panel.view, Qt.Key.Key_Right)
    assert context.state.selection.module == "act"
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    assert context.state.selection.index == (0, 0)
    qtbot.keyClick(panel.view, Qt.Key.Key_Escape)
    assert context.state.selection.index is None and context.state.selection.module == "act"


def test_arrows_go_through_a_matrix_of_weights(panel, context):
    context.state.update(selection=Selection(expression="fc1.weight", index=(3, 0)))
    go(panel, 14)
    panel.pointing.walk(1, 0)
    assert context.state.selection.index == (3, 1) and context.state.selection.name == "w"
    panel.pointing.walk(0, 1)
    assert context.state.selection.index == (4, 1)


def test_what_is_at_work_comes_into_sight_only_where_it_is_not(panel):
    go(panel, 13)
    panel.view.zoom_by(4.0)
    zoom = panel.view.zoom
    for at_work, seq in (("act/Relu", 14), ("fc1/Linear", 13)):
        box = panel.scene.nodes[at_work].boundingRect()
        panel.view.go([box.center().x() + 2000, box.center().y(), panel.view.zoom])
        go(panel, seq)
        seen = panel.view.mapToScene(panel.view.viewport().rect()).boundingRect()
        assert seen.intersects(box) and panel.view.zoom == pytest.approx(zoom)
    place = panel.view.place()
    go(panel, 13, reason="pause")
    assert panel.view.place() == place


def seen(panel):
    return panel.view.mapToScene(panel.view.viewport().rect()).boundingRect()


def test_of_a_node_larger_than_the_view_its_numbers_come_into_sight(panel):
    for at_work, seq, before in (("act/Relu", 14, 13), ("fc1/Linear", 13, 14)):
        for away in (-400, 400):
            go(panel, before)
            body = panel.scene.nodes[at_work].body()
            panel.view.go([body.center().x() + away, body.center().y() + away, 24.0])
            assert body.height() > seen(panel).height() and not body.intersects(seen(panel))
            go(panel, seq)
            found = seen(panel)
            assert body.top() <= found.top() + 0.1 and found.bottom() <= body.bottom() + 0.1
            assert body.intersected(found).width() == pytest.approx(min(body.width(), found.width()), abs=0.2)


def test_of_a_node_larger_than_the_view_the_element_that_arrows_go_to_stays_in_sight(panel, context):
    context.state.update(selection=Selection(expression="fc1.weight", index=(3, 0)))
    go(panel, 14)
    node = panel.scene.nodes["act/Relu"]
    panel.pointing._select(Spot("act/Relu", "values", (0,)))
    panel.view.go([node.center(0).x(), node.center(0).y(), 24.0])
    for unit in range(1, 8):
        panel.pointing.walk(0, 1)
        assert context.state.selection.index[-1] == unit and seen(panel).contains(node.center(unit))


def test_what_the_history_has_lost_stays_in_the_picture(panel, context):
    go(panel, 14)
    rest = graph()
    rest["nodes"] = [n for n in rest["nodes"] if n["id"] in ("fc2/Linear", "input#2")]
    rest["edges"], rest["cut"] = [], True
    context.state.update(graph=rest)
    assert "act/Relu" in panel.scene.nodes
    rest = {**rest, "cut": False}
    context.state.update(graph=rest)
    assert "act/Relu" not in panel.scene.nodes


def begun(count, more=()):
    """The graph while the first recorded pass goes on: the first nodes."""
    whole = graph()
    nodes = [*whole["nodes"][:count], *more]
    ids = {node["id"] for node in nodes}
    edges = [edge for edge in whole["edges"] if edge["from"] in ids and edge["to"] in ids]
    return {**whole, "nodes": nodes, "edges": edges, "complete": False}


def test_gone_back_into_the_first_recorded_pass_the_whole_network_stays_drawn(panel, context, until, monkeypatch):
    go(panel, 14)
    before, drawn = dict(panel.scene.nodes), []
    show_layout = panel.scene.show_layout
    monkeypatch.setattr(panel.scene, "show_layout", lambda *given, **more: (drawn.append(1), show_layout(*given, **more)))
    measures = node("Argmax", "Argmax", "", None, 0, ())
    for seq, part in ((2, begun(3)), (1, begun(2, [measures])), (3, begun(4)), (1, {**begun(0), "nodes": [measures]})):
        context.state.update(graph=part, stop=stop(seq, live=False))
        assert panel.scene.nodes == before and drawn == []
    # Numbers that are still to come are not shown.
    assert shown(panel, "fc1/Linear")[0] is not None and shown(panel, "fc2/Linear")[0] is None
    # Another network is another.
    other = begun(3)
    other["nodes"] = [*other["nodes"][:2], {**other["nodes"][2], "id": "other/Relu", "module": "other"}]
    other["edges"] = other["edges"][:1]
    context.state.update(graph=other, stop=stop(2, live=False))
    until(lambda: "other/Relu" in panel.scene.nodes)
    assert len(drawn) == 1


def test_a_run_that_begins_is_drawn_op_by_op_whatever_was_drawn_before_it(panel, context, until):
    go(panel, 14)
    context.state.update(graph=begun(3), stop={**stop(2), "reason": "entry"})
    until(lambda: set(panel.scene.nodes) == {"input", "fc1/Linear", "act/Relu"})


def test_ops_are_found_by_their_function_after_a_gap_in_the_events():
    log = EventLog()
    log.bind(graph())
    log.extend([
        {"seq": 50, "position": [9, 0, 0], "kind": "begin_backward", "name": "backward", "module": None, "tensors": []},
        {
            "seq": 51, "position": [9, 0, 1], "kind": "backward", "name": "Relu", "module": "act", "function": 8, "step": 0,
            "tensors": [{"name": "y", "shape": [4, 8]}],
        },
    ], first=50)  # fmt: skip
    assert log.node_of(51) == "act/Relu"


def test_a_graph_that_came_before_its_events_names_them_once_they_are_here(monkeypatch):
    log, again = EventLog(), {**graph(), "nodes": [node("fc1/Linear#2", "Linear", "fc1", 1, 1, (4, 8), (8, 2))]}
    told = [{**event, "function": 7} if event["seq"] in (1, 9) else event for event in events()]
    log.bind(again)
    log.extend(told[:1])
    assert log.node_of(1) == "fc1/Linear"
    log.bind(again)
    assert log.node_of(1) == "fc1/Linear#2"
    log.extend(told[1:])
    # Whatever comes behind them changes nothing about it: it is not looked through again.
    monkeypatch.setattr(log._follower, "bind", lambda whole: pytest.fail("bound again"))
    log.bind(again)
    assert log.node_of(1) == log.node_of(9) == "fc1/Linear#2"


@pytest.mark.parametrize("expression", ["fc1.weight", "model.fc1.weight", "fc1.weight.grad"])
def test_a_parameter_that_is_selected_elsewhere_is_ringed(panel, context, expression):
    go(panel, 14)
    context.state.update(selection=Selection(expression=expression, index=(3, 1)))
    assert panel.scene.nodes["fc1/Linear"].marks.picked == ("weight", (3, 1))
    context.state.update(selection=Selection(expression="nothing"))
    assert panel.scene.nodes["fc1/Linear"].marks.picked is None


def test_contributors_are_lit_where_they_lie(panel, context):
    go(panel, 13)
    found = [
        {"tensor": "x", "index": [0, 1], "share": 0.5}, {"tensor": "w", "index": [4, 1], "share": -1.0},
        {"tensor": "x", "index": [3, 1], "share": 0.5},
    ]  # fmt: skip
    context.state.update(selection=Selection(event=13, name="y", index=(0, 4)), contributors=found)
    assert panel.scene.nodes["input"].marks.lit == [("values", (1,), 0.5)]  # of sample 3 nothing is shown
    assert panel.scene.lines["fc1/Linear"].lit == [((4, 1), 1.0)]


def test_hint_says_name_shape_and_value(panel):
    go(panel, 14)
    text = panel.pointing.hint(Spot("act/Relu", "values", (5,)))
    assert text.splitlines() == ["act · Relu", "output · 4 × 8", "[5] = 14.00"]
    assert "fc1.weight" in panel.pointing.hint(Spot("fc1/Linear", "weight", (0, 0))) and "-13.00" in panel.pointing.hint(
        Spot("fc1/Linear", "weight", (0, 0))
    )


def test_hint_of_what_is_drawn_in_a_mean_tells_where_the_number_is(panel):
    go(panel, 14)
    panel.scene.nodes["fc1/Linear"].contents["weight"] = Content(np.zeros((1, 1)), 0.0, 0.0)
    text = panel.pointing.hint(Spot("fc1/Linear", "weight", (0, 0)))
    assert "[0, 0] is drawn in a mean with its neighbours;\nclick it to read it in the Tensor panel" in text


def test_hint_of_a_matrix_says_that_its_range_is_one_of_means(panel):
    go(panel, 14)
    item = panel.scene.nodes["fc1/Linear"]
    item.contents["weight"] = Content(np.zeros((1, 1)), -0.5, 0.25)
    hint = panel.pointing.hint(Spot("fc1/Linear", "weight"))
    assert "means" not in hint and "-0.5000 … 0.2500" in hint
    item.place.form = replace(item.place.form, weight="matrix", weight_shape=(64, 1568))
    assert "-0.5000 … 0.2500, of means of neighbours" in panel.pointing.hint(Spot("fc1/Linear", "weight"))


def test_another_sample_is_asked_for(panel, context):
    go(panel, 14)
    context.state.reselect(sample=3)
    assert shown(panel, "act/Relu")[0].data[0] == pytest.approx(14.3)
    assert "sample [3] of 4" in panel.head.subject.text()


def test_events_that_have_left_the_history_leave_an_empty_place(panel, link):
    link.answers["tensor"] = lambda arguments: (_ for _ in ()).throw(ValueError("gone"))
    del link.answers["tensor"]
    go(panel, 14)
    assert shown(panel, "act/Relu")[0] is None
    panel.grab()


def test_canvas_shows_the_numbers_in_colour(panel, context):
    go(panel, 14)
    for theme in (Theme("light"), Theme("dark"), Theme("projector")):
        context.set_theme(theme)
        item = panel.scene.nodes["act/Relu"]
        at = panel.view.mapFromScene(item.center(2))
        found = QColor(panel.view.grab().toImage().pixelColor(at))
        expected = QColor(*map(int, theme.diverging[255][:3]))
        assert max(abs(a - b) for a, b in zip(found.getRgb(), expected.getRgb())) <= 3


def test_nan_and_infinity_are_marked(panel, link):
    old = link.answers["tensor"]

    def broken(arguments):
        body = old(arguments)
        if body["data"].shape == (8,):
            body["data"][:2] = np.nan, np.inf
            body["nonFinite"] = {"nan": 1, "inf": 1}
        return body

    link.answers["tensor"] = broken
    go(panel, 14)
    content, _ = shown(panel, "act/Relu")
    assert content.nans == 1 and np.isnan(content.data[0])
    at = panel.view.mapFromScene(panel.scene.nodes["act/Relu"].center(0) + QPointF(0, -6))
    alarm = panel.theme.phase["alarm"]
    assert panel.view.grab().toImage().pixelColor(at).rgb() == alarm.rgb()


@pytest.mark.parametrize(("value", "counts"), [(np.nan, (1, 0)), (np.inf, (0, 1)), (-np.inf, (0, 1))])
@pytest.mark.parametrize("side", [2, 8])
def test_what_is_not_finite_is_marked_in_pictures_too(qapp, value, counts, side):
    """In a picture the colour of alarms is much like that of the greatest numbers."""
    theme, data = Theme("light"), np.ones((20, 20), np.float32)
    data[10, 10] = value

    def painted(found):
        image = QImage(20 * side, 20 * side, QImage.Format.Format_RGB32)
        bgra = np.full((20, 20, 4), 200, np.uint8)
        alarm = theme.phase["alarm"]
        bgra[~np.isfinite(found.data), :3] = alarm.blue(), alarm.green(), alarm.red()
        image.fill(QColor(200, 200, 200))
        not_finite.note(found, "weight", bgra, (alarm.blue(), alarm.green(), alarm.red()))
        painter = QPainter(image)
        not_finite.paint(painter, theme, found, "weight", QRectF(0, 0, 20 * side, 20 * side), 1.0)
        painter.end()
        ground = QColor(200, 200, 200).rgb()
        return {(x, y) for x in range(20 * side) for y in range(20 * side) if image.pixel(x, y) != ground}

    marked = painted(Content(data, 1, 1, *counts))
    middle = 10.5 * side
    assert marked and all(abs(x - middle) <= 6 and abs(y - middle) <= 6 for x, y in marked)
    assert not painted(Content(np.ones((20, 20), np.float32), 1, 1))


def test_numbers_of_which_none_is_finite_have_no_made_up_range(panel, link):
    old = link.answers["tensor"]

    def broken(arguments):
        body = old(arguments)
        body["data"][...] = np.nan
        body["nonFinite"] = {"nan": body["data"].size, "inf": 0}
        return {**body, "range": None}

    link.answers["tensor"] = broken
    go(panel, 14)
    assert panel.scene.nodes["act/Relu"].captions()["scale"] == "not finite"


def test_the_caption_of_weights_says_what_the_numbers_are(panel):
    def said(id):
        return panel.scene.nodes[id].captions()["weight"].partition(" ±")[0]

    go(panel, 3)
    assert said("fc1/Linear") == said("fc2/Linear") == "w"
    go(panel, 8)  # the gradient of fc1 is still to come
    assert (said("fc1/Linear"), said("fc2/Linear")) == ("w", "dw")
    go(panel, 10)  # so is the update of fc2
    assert (said("fc1/Linear"), said("fc2/Linear")) == ("Δw", "w")
    assert panel.naming.named("fc1/Linear", "weight")[0] == "change of fc1.weight"
    assert panel.naming.named("fc2/Linear", "weight")[0] == "fc2.weight"


@pytest.mark.parametrize("theme", [Theme("light"), Theme("projector", 1.5)], ids=["light", "projector"])
def test_no_text_on_the_canvas_is_small_at_any_zoom(panel, context, monkeypatch, theme):
    """Less is written instead; zoomed in, all of it."""
    context.set_theme(theme)
    panel.resize(540, 360)
    panel._drawing.lay_out()
    go(panel, 14)
    written, line = [], Words._line

    def noted(self, painter, look, font, *given):
        written.append((given[0], font.pointSizeF() * zoom))
        return line(self, painter, look, font, *given)

    monkeypatch.setattr(Words, "_line", noted)
    seen = []
    for zoom in (0.3, 0.5, 0.7, 0.9, 1.1, 1.7, 2.6):
        written.clear()
        whole = panel.scene.itemsBoundingRect()
        image = QImage(round(whole.width() * zoom), round(whole.height() * zoom), QImage.Format.Format_RGB32)
        painter = QPainter(image)
        panel.scene.render(painter, QRectF(image.rect()), whole)
        painter.end()
        assert all(points >= 0.75 * theme.point_size("small") - 0.01 for _, points in written), (zoom, written)
        seen.append({text for text, _ in written})
    assert not seen[0] and "fc1" in seen[2] and {"fc1", "8 units"} <= seen[-1]


def test_zeros_alone_have_no_made_up_range(panel, link):
    old = link.answers["tensor"]

    def zeros(arguments):
        body = old(arguments)
        body["data"][...] = 0
        return {**body, "range": [0.0, 0.0]}

    link.answers["tensor"] = zeros
    go(panel, 14)
    assert panel.scene.nodes["act/Relu"].captions()["scale"] == "all 0"


@pytest.mark.parametrize(("value", "tip"), [(np.inf, 3), (-np.inf, 17)])
def test_the_arrow_of_an_infinity_points_where_it_lies(value, tip):
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    paint_alarm(painter, QPointF(10, 10), 8, value, QColor("black"))
    painter.end()
    inked = lambda y: sum(image.pixelColor(x, y).red() < 128 for x in range(20))  # noqa: E731
    assert inked(tip) > inked(20 - tip)


def test_a_layer_of_4096_units_and_a_convolution_are_drawn(panel, link, context):
    shapes = {1: (4096,), 2: (16, 28, 28)}
    found = graph()
    found["nodes"] = [
        node("input", "", "", None, 0, (4, 64), kind="input"),
        node("wide/Linear", "Linear", "wide", 1, 1, (4, 4096), (4096, 64)),
        node("conv/Convolution", "Convolution", "conv", 2, 2, (4, 16, 28, 28), (16, 4, 3, 3)),
    ]  # fmt: skip
    found["edges"] = [
        {"from": "input", "to": "wide/Linear", "output": "y", "input": "x", "shape": [4, 64]},
        {"from": "wide/Linear", "to": "conv/Convolution", "output": "y", "input": "x", "shape": [4, 4096]},
    ]

    def tensor(arguments):
        name, event = arguments["reference"]["name"], arguments["reference"]["event"]
        shape = {"x": (64,), "w": (128, 64) if event == 1 else (16, 4, 3, 3)}.get(name, shapes[event])
        data = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
        return {"data": data, "range": [-1.0, 1.0], "nonFinite": {"nan": 0, "inf": 0}, "block": [1, 1]}

    link.answers.update(tensor=tensor, events=lambda arguments: {"events": [], "first": 1, "last": 2, "complete": True})
    context.state.update(graph=found, stop={**stop(2), "module": "conv"})
    wide, conv = panel.scene.nodes["wide/Linear"], panel.scene.nodes["conv/Convolution"]
    assert wide._images["values"].width() * wide._images["values"].height() == 4096
    assert (wide._images["weight"].width(), wide._images["weight"].height()) == (64, 128)
    assert conv._images["weight"].width() == 4 * 4 - 1 and conv._images["values"].width() == 4 * 29 - 1
    box = wide.rect("values")
    assert panel.scene.spot(box.topLeft() + QPointF(0.5, 0.5)) == Spot("wide/Linear", "values", (0,))
    assert not panel.grab().isNull()


def test_of_many_layers_in_sight_fewer_lines_are_drawn(panel):
    go(panel, 13)
    lines = panel.scene.lines["fc1/Linear"]
    lines.show_content(Content(np.linspace(-1, 1, 32 * 32, dtype=np.float32).reshape(32, 32), -1, 1))

    def drawn(zoom):
        return sum(len(array) for _, _, array in lines.sorted_lines(lines.most(zoom)))

    assert drawn(1.0) == MOST_LINES
    strongest = lines.sorted_lines(MOST_LINES)[-1]
    assert strongest[0] == 1.0
    panel.scene.lines.update({f"layer {i}": lines for i in range(30)})
    few, close = drawn(0.05), drawn(20.0)
    assert 40 <= few <= 2000 / 31 and close == MOST_LINES
    panel.view.grab()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_have_lines_in_the_colour_of_alarms(panel, value):
    go(panel, 13)
    lines = panel.scene.lines["fc1/Linear"]
    data = np.full((32, 32), 0.5, np.float32)
    assert all(share <= 1 for share, _, _ in lines.sorted_lines(MOST_LINES))
    data[3, 4] = value
    lines.show_content(Content(data, -1, 1, int(np.isnan(value)), int(np.isinf(value))))
    share, _, broken = lines.sorted_lines(MOST_LINES)[-1]
    assert share > 1 and len(broken) == 1
    assert _pen(panel.theme, share, many=True, dashed=False).color() == panel.theme.phase["alarm"]
    panel.view.grab()
    data[...] = value
    lines.show_content(Content(data, 0, 0, 1024 * int(np.isnan(value)), 1024 * int(np.isinf(value))))
    assert [share > 1 for share, _, _ in lines.sorted_lines(MOST_LINES)] == [True]


def test_units_that_are_dots_show_their_colours_too(panel):
    go(panel, 14)
    item = panel.scene.nodes["act/Relu"]
    item.contents["values"] = Content(np.full(8, -1, np.float32), -1, 1)

    def colour(zoom):
        image = QImage(200, 200, QImage.Format.Format_RGB32)
        image.fill(item.theme.panel)
        painter = QPainter(image)
        painter.scale(zoom, zoom)
        at = item.center(0)
        # Beside the minus.
        painter.translate(100 / zoom - at.x(), (100 - item.size.radius * zoom / 2) / zoom - at.y())
        item.paint_picture(painter, "values")
        painter.end()
        return image.pixelColor(100, 100)

    small, large = colour(7.0 / (2 * item.size.radius)), colour(2.0)
    assert small == large != item.theme.panel


def test_pictures_are_exported(panel, tmp_path):
    go(panel, 14)
    panel.export_png(tmp_path / "network.png")
    panel.export_svg(tmp_path / "network.svg")
    assert (tmp_path / "network.png").stat().st_size > 2000 and "<svg" in (tmp_path / "network.svg").read_text()


def test_two_points_for_real(two_points, step, until, qtbot):
    panel = NetworkPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(600, 480)
    panel.show()
    step(two_points, "runTo", step=2)
    until(lambda: "0/Linear" in panel.scene.nodes)
    for _ in range(12):
        found = step(two_points, "next", granularity="op")
        if found["op"] == "Relu" and found["direction"] == "forward":
            break
    until(lambda: filled(panel, found["seq"]))
    relu = panel.scene.nodes["1/Relu"]
    assert relu.marks.phase == "forward" and relu.contents["values"].data.shape == (8,) and not relu.faint["values"]
    assert (relu.contents["values"].data >= 0).all()
    assert panel.scene.lines["0/Linear"].content.data.shape == (8, 2)
    assert two_points.troubles == []


def test_numbers_have_room_in_their_boxes_whatever_they_are(qapp):
    for name, scale in (("light", 1.0), ("projector", 1.5)):
        texts = texts_of(Theme(name, scale))
        form = Form("number", (), False, "", (), "loss")
        widest = max(texts.number(short_number(value)) for value in (-2.04e13, 5.8e26, -8.8e-32, -0.00888, 9999.0))
        for size in SIZES:
            assert form.values_size(size._replace(text=texts.factor))[0] >= widest


def test_words_that_stay_as_they_are_are_not_written_again(panel, monkeypatch):
    go(panel, 12)
    panel.grab()
    again = panel.grab().toImage()
    written = []
    write = Words._write
    monkeypatch.setattr(Words, "_write", lambda self, *given: written.append(self) or write(self, *given))
    assert panel.grab().toImage() == again and written == []
    panel.state.update(graph=graph(), stop=stop(14))
    panel.grab()
    assert written


def test_behind_a_closed_script_its_network_is_not_shown_for_the_next(panel, context):
    go(panel, 14)
    assert panel.view.isVisible()
    panel.hide()
    context.state.update(stop=None, graph=None)  # closed; the start page is shown
    panel.show()
    nothing = {"nodes": [], "edges": [], "modules": [], "signature": "", "complete": True, "truncated": False}
    context.state.update(graph=nothing, stop=stop(1))
    assert not panel.view.isVisible()


def test_a_network_that_is_placed_once_its_script_has_ended_is_shown(panel):
    go(panel, 14)
    placed, panel._drawing.graph = panel._drawing.graph, None  # as while it is being placed
    panel.state.update(graph=None, stop={**stop(14), "kind": "end"})
    assert "The script ended before" in panel._empty.text() and not panel.view.isVisible()
    panel._drawing.graph = placed
    panel._drawn(False)
    assert panel.view.isVisible()


@pytest.mark.parametrize("size", [(520, 330), (420, 300), (700, 260)])
def test_titles_become_smaller_before_they_are_cut(panel, context, size):
    """At a zoom where they would be as large as can be read, and wider than what they were laid out for."""
    context.set_theme(Theme("projector", 1.5))
    panel.resize(*size)
    go(panel, 14)
    places = [item.place for item in panel.scene.nodes.values()]
    assert len(places) == 6
    for zoom in (TITLED, 0.7, READABLE, 1.0):
        for place in places:
            grown = max(1.0, round(READABLE / zoom, 2))
            room = place.title_box()[2]
            font = fitting_title(context.theme, False, grown, place.form.title, room)
            wide = QFontMetricsF(font).horizontalAdvance(place.form.title)
            assert wide <= room + 1 and title_font(context.theme).pointSizeF() <= font.pointSizeF()


def test_an_element_of_a_biass_update_is_none_of_the_weights(two_points, step, until, qtbot):
    panel = NetworkPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(900, 600)
    panel.show()
    step(two_points, "runTo", step=1)
    seen = set()
    while len(seen) < 2:
        stop = step(two_points, "next", granularity="op")
        labels = [tensor.get("label") for tensor in stop["tensors"]]
        bias = "2.bias" in labels
        if stop["direction"] != "update" or not (bias or "2.weight" in labels):
            continue
        seen.add(bias)
        until(lambda seq=stop["seq"]: filled(panel, seq))
        for name in ("w", "w_new", "dw"):
            index = (0,) if bias else (0, 3)
            selection = Selection(event=stop["seq"], name=name, index=index, module="2", label="2")
            explained = [{"tensor": "w", "index": list(index), "share": 1.0}]
            two_points.state.update(selection=selection, contributors=explained)
            panel.grab()
            marks = panel.scene.nodes["2/Linear"].marks
            picked, lit = (None, []) if bias else (("weight", index), [("weight", index, 1.0)])
            assert (marks.picked, marks.lit, marks.selected) == (picked, lit, bias)
    assert two_points.troubles == []
