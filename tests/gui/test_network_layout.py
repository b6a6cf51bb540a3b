"""Where nodes stand, how edges run, which event fills what: all without Qt."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gui.network.columns import break_lines
from gui.network.forms import SIZES, forms, shown, structure
from gui.network.layout import lay_out
from gui.network.log import EventLog
from gui.network.places import READABLE, TITLED
from gui.network.texts import rough
from gui.network.values import Wanted, colours, content, pixels
from gui.network.where import box_of, element_at, number_at
from tests.gui.network_fakes import edge, events, graph, node


def chain(count, shape=(8, 8, 16, 16), skip=0):
    """``count`` convolutions in a row, with a connection over ``skip`` of them each so often."""
    nodes = [node("input", "", "", None, 0, (8, 3, 16, 16), kind="input")]
    edges = []
    for i in range(count):
        nodes.append(node(f"c{i}/Convolution", "Convolution", f"c{i}", i, i + 1, shape, (8, 8, 3, 3)))
        edges.append(edge("input" if i == 0 else f"c{i - 1}/Convolution", f"c{i}/Convolution", shape=shape))
        if skip and i >= skip and i % skip == 0:
            edges.append(edge(f"c{i - skip}/Convolution", f"c{i}/Convolution", "b", shape))
    return {"nodes": nodes, "edges": edges, "complete": True}


def overlaps(layout):
    places = list(layout.places.values())
    return [(a.id, b.id) for i, a in enumerate(places) for b in places[:i] if beside(a, b) and level(a, b)]


def beside(a, b):
    return a.x < b.x + b.width - 0.5 and b.x < a.x + a.width - 0.5


def level(a, b):
    return a.values[1] < b.values[1] + b.values[3] and b.values[1] < a.values[1] + a.values[3]


def test_no_module_of_the_layout_loads_qt():
    names = ", ".join(f"gui.network.{name}" for name in ("layout", "log", "values", "where", "fill"))
    code = f"import sys, {names}\nassert not any('PyQt6' in m for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_small_dense_layers_are_units_joined_by_lines():
    found = forms(shown(graph()))
    assert found["fc1/Linear"].kind == "units" and found["fc1/Linear"].weight == "edges"
    assert found["input#2"].title == "target" and found["BCELoss/BinaryCrossEntropy"].loss
    assert "Slice" not in found


@pytest.mark.parametrize(
    ("shape", "weight", "kind", "drawn"),
    [
        ((4, 32), (32, 2), "units", "edges"), ((4, 33), (33, 2), "strip", "matrix"),
        ((4, 4096), (4096, 2), "strip", "matrix"), ((4, 16, 28, 28), (16, 1, 3, 3), "maps", "filters"),
        ((4, 12, 20), (20, 2), "rows", "matrix"), ((), None, "number", ""),
    ],
)  # fmt: skip
def test_form_of_a_layer(shape, weight, kind, drawn):
    nodes = [node("input", "", "", None, 0, (4, 2), kind="input"), node("a/Op", "Linear", "a", 1, 1, shape, weight)]
    found = forms({"nodes": nodes, "edges": [edge("input", "a/Op")], "complete": False})["a/Op"]
    assert (found.kind, found.weight) == (kind, drawn)


def test_columns_follow_the_ranks_on_one_line():
    layout = lay_out(shown(graph()), 600, 480)
    order = ["input", "fc1/Linear", "act/Relu", "fc2/Linear", "BCELoss/BinaryCrossEntropy"]
    lefts = [layout.places[id].x for id in order]
    assert layout.lines == 1 and lefts == sorted(lefts) and not overlaps(layout)
    assert len({layout.places[id].row for id in order}) == 1
    # The target stands under the loss.
    target, loss = layout.places["input#2"], layout.places["BCELoss/BinaryCrossEntropy"]
    assert target.column == loss.column and target.values[1] > loss.values[1]


def test_layout_is_the_same_each_time_and_fits():
    first, second = lay_out(shown(graph()), 600, 480), lay_out(shown(graph()), 600, 480)
    assert first == second
    assert first.width <= 600 and first.height <= 480


def test_deep_networks_go_on_in_further_lines():
    layout = lay_out(chain(60, skip=3), 560, 480)
    assert layout.lines > 2 and not overlaps(layout)
    assert min(560 / layout.width, 480 / layout.height) > 0.3
    assert {route.kind for route in layout.routes} == {"flow", "skip", "wrap"}
    lines = [layout.places[f"c{i}/Convolution"].line for i in range(60)]
    assert lines == sorted(lines)


def convolutional():
    """A network of 14 nodes, as that of samples/fashion_cnn.py."""
    ops = (
        ("conv1", "Convolution", (8, 16, 28, 28), (16, 1, 3, 3)), ("", "Relu", (8, 16, 28, 28), None),
        ("pool", "MaxPool2d", (8, 16, 14, 14), None), ("conv2", "Convolution", (8, 32, 14, 14), (32, 16, 3, 3)),
        ("", "Relu", (8, 32, 14, 14), None), ("pool", "MaxPool2d", (8, 32, 7, 7), None), ("", "Reshape", (8, 1568), None),
        ("dropout", "Dropout", (8, 1568), None), ("hidden", "Linear", (8, 64), (64, 1568)), ("", "Relu", (8, 64), None),
        ("dropout", "Dropout", (8, 64), None), ("output", "Linear", (8, 10), (10, 64)), ("", "CrossEntropy", (), None),
    )  # fmt: skip
    nodes = [node("n0", "", "", None, 0, (8, 1, 28, 28), kind="input")]
    nodes += [node(f"n{i}", op, name, i, i, shape, weight) for i, (name, op, shape, weight) in enumerate(ops, 1)]
    nodes.append(node("target", "", "", None, 0, (8,), kind="input"))
    edges = [edge(f"n{i}", f"n{i + 1}") for i in range(len(ops))] + [edge("target", f"n{len(ops)}", "t")]
    return {"nodes": nodes, "edges": edges, "complete": True}


@pytest.mark.parametrize("network", [convolutional(), shown(graph())], ids=["convolutional", "2-8-1"])
@pytest.mark.parametrize(
    ("width", "height", "factor", "least"),
    [
        (538, 510, 1.0, "all"), (489, 390, 1.5, "none"), (489, 440, 1.3, "ranges"),
        (489, 284, 1.95, "none"), (489, 214, 1.95, "none"), (754, 564, 1.95, "ranges"),
    ],
)  # fmt: skip
def test_in_the_window_what_is_written_is_read(network, width, height, factor, least):
    """In the room that the panel has at 1280 × 800 and 1920 × 1080, the texts as large as light and projector have them."""
    layout = lay_out(network, width, height, rough(factor))
    zoom = min(width / layout.width, height / layout.height)
    order = ("none", "ranges", "all")
    assert order.index(layout.size.captions) >= order.index(least)
    assert zoom >= (TITLED if layout.size.captions == "none" else READABLE)


def test_skip_connection_runs_over_the_nodes_between():
    layout = lay_out(chain(4, skip=3), 3000, 480)
    skip = next(route for route in layout.routes if route.kind == "skip")
    top = min(layout.places[f"c{i}/Convolution"].y for i in (1, 2))
    assert min(y for _, y in skip.points) < top
    assert skip.points[0][0] == layout.places[skip.source].right and skip.points[-1][0] == layout.places[skip.target].left


def test_branches_stand_in_rows_of_their_own():
    nodes = [node("input", "", "", None, 0, (8, 3, 16, 16), kind="input")]
    nodes += [node(f"b{i}/Convolution", "Convolution", f"b{i}", i, 1, (8, 8, 16, 16), (8, 3, 3, 3)) for i in range(3)]
    nodes.append(node("Cat", "Cat", "", 4, 2, (8, 24, 16, 16)))
    edges = [edge("input", f"b{i}/Convolution") for i in range(3)] + [
        edge(f"b{i}/Convolution", "Cat", f"x[{i}]") for i in range(3)
    ]
    layout = lay_out({"nodes": nodes, "edges": edges, "complete": True}, 900, 600)
    assert len({layout.places[f"b{i}/Convolution"].row for i in range(3)}) == 3 and not overlaps(layout)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=3), min_size=1, max_size=30), st.integers(200, 1500))
def test_any_graph_is_placed_without_overlap(inputs, width):
    shapes = [(4, 3), (4, 100), (4, 8, 10, 10), (), (4, 5, 6), (4, 4096)]
    nodes, edges, ranks = [node("n0", "", "", None, 0, (4, 3), kind="input")], [], [0]
    for number, sources in enumerate(inputs, 1):
        before = sorted({source % number for source in sources})
        ranks.append(1 + max(ranks[source] for source in before))
        nodes.append(node(f"n{number}", "Linear", f"m{number}", number, ranks[-1], shapes[number % len(shapes)]))
        edges += [edge(f"n{source}", f"n{number}", f"x[{i}]") for i, source in enumerate(before)]
    layout = lay_out({"nodes": nodes, "edges": edges, "complete": True}, width, 500)
    assert not overlaps(layout)
    assert len(layout.routes) == len(edges) and layout.size.side in {size.side for size in SIZES}


@given(st.lists(st.floats(5, 300), min_size=1, max_size=40), st.floats(50, 900))
@settings(deadline=None, max_examples=40)
def test_lines_hold_what_fits(widths, width):
    starts = break_lines(widths, [20.0] * len(widths), width, [False] * len(widths))
    assert starts[0] == 0 and starts == sorted(set(starts))
    for start, end in zip(starts, [*starts[1:], len(widths)]):
        used = sum(widths[start:end]) + 20.0 * (end - start - 1)
        assert used <= width or end - start == 1


def test_structure_does_not_depend_on_the_batch_size():
    small = graph()
    for entry in small["nodes"]:
        for output in entry["outputs"]:
            output["shape"][:1] = [1] if output["shape"] else []
    assert structure(small) == structure(graph())
    small["nodes"][1]["outputs"][0]["shape"][1] = 9
    assert structure(small) != structure(graph())


# ---- events ----


def test_log_finds_the_newest_event_of_each_node():
    log = EventLog()
    log.extend(events())
    assert log.newest("forward", "fc1/Linear", 12) == 1 and log.newest("forward", "fc1/Linear", 14) == 13
    assert log.newest("backward", "act/Relu", 14) == 8 and log.newest("backward", "act/Relu", 7) is None
    assert log.newest("update", "fc2.weight", 14) == 11
    assert log.node_of(7) == "fc2/Linear" and log.next == 15
    assert [log.newest_direction(at) for at in (0, 4, 9, 12)] == ["", "forward", "backward", "update"]


def test_backward_of_an_op_that_ran_twice_goes_from_the_last_run_to_the_first():
    def event(seq, kind, shape=(4, 8)):
        name = "backward" if kind == "begin_backward" else "Relu"
        tensors = [{"name": "y", "shape": list(shape), "dtype": "float32"}]
        position = [seq, 0, 0]
        return {"seq": seq, "position": position, "kind": kind, "name": name, "module": "net", "tensors": tensors, "step": 0}

    log = EventLog()
    log.extend([event(1, "forward"), event(2, "forward", (4, 3)), event(3, "forward"), event(4, "begin_backward")])
    # The run in between was not on the way: its shape tells.
    log.extend([event(5, "backward"), event(6, "backward")])
    assert log.node_of(5) == "net/Relu#3" and log.node_of(6) == "net/Relu"


def test_log_sees_that_another_process_stands_for_the_run():
    log = EventLog()
    log.extend(events())
    assert log.fits({"seq": 3, "position": [3, 0, 0]}) and not log.fits({"seq": 3, "position": [7, 0, 0]})
    assert log.fits({"seq": 99, "position": [7, 0, 0]})


# ---- numbers ----


@pytest.mark.parametrize(
    ("shape", "weight"),
    [
        ((4, 20), (20, 2)), ((4, 100), (100, 7)), ((4, 4096), None), ((4, 5, 9, 7), (5, 1, 3, 3)),
        ((4, 6, 9, 7), (6, 4, 2, 3)), ((4, 12, 20), None),
    ],
)  # fmt: skip
def test_each_element_is_found_where_it_is_drawn(shape, weight):
    nodes = [node("input", "", "", None, 0, (4, 99), kind="input"), node("a/Op", "Linear", "a", 1, 1, shape, weight)]
    form = forms({"nodes": nodes, "edges": [edge("input", "a/Op")], "complete": False})["a/Op"]
    rng = np.random.default_rng(0)
    for part, extents in (("values", form.shape), ("weight", form.weight_shape if weight else ())):
        for _ in range(20 if extents else 0):
            index = tuple(int(rng.integers(n)) for n in extents)
            u, v, wide, high = box_of(form, part, index)
            assert element_at(form, part, u + wide / 2, v + high / 2) == index


def test_pictures_of_maps_have_every_number_at_its_place():
    nodes = [node("input", "", "", None, 0, (4, 9), kind="input"), node("a/Op", "Op", "a", 1, 1, (4, 3, 2, 2))]
    form = forms({"nodes": nodes, "edges": [edge("input", "a/Op")], "complete": False})["a/Op"]
    table = np.zeros((256, 4), np.uint8)
    table[:, 0] = np.arange(256)
    data = np.zeros((3, 2, 2), np.float32)
    data[2, 1, 0], data[0, 0, 1] = -1.0, 1.0
    found = content({"data": data, "range": [-1.0, 1.0], "nonFinite": {}, "block": [1, 1]})
    picture = pixels(form, "values", found, table, table, (1, 2, 3), False)
    # Two tiles across and two down, one pixel apart.
    assert picture.shape == (5, 5, 4)
    assert picture[0, 1, 0] == 254 and picture[4, 0, 0] == 2 and picture[0, 0, 0] == 128
    assert (picture[:, 2] == 0).all() and (picture[3:, 3:] == 0).all()
    assert number_at(found, form, "values", (2, 1, 0)) == -1.0


def test_what_is_not_finite_has_the_colour_of_alarms():
    table = np.zeros((256, 4), np.uint8)
    found = colours(np.array([np.nan, np.inf, 0.0]), 1.0, table, (9, 8, 7))
    assert found[0].tolist() == found[1].tolist() == [9, 8, 7, 255] and found[2].tolist() == [0, 0, 0, 0]


def test_change_of_weights_is_a_difference():
    old = {"data": np.ones((2, 2), np.float32), "range": [1.0, 1.0], "block": [1, 1]}
    new = {"data": np.array([[1.5, 1.0], [1.0, 0.0]], np.float32), "range": [0.0, 1.5], "block": [1, 1]}
    found = content(new, old)
    assert found.data.tolist() == [[0.5, 0.0], [0.0, -1.0]] and found.limit == 1.0


def test_request_names_event_slice_and_size():
    wanted = Wanted(7, "y", (3, (0, 64)), (32, 32))
    assert wanted.arguments() == {"reference": {"event": 7, "name": "y"}, "slice": [3, [0, 64]], "maxShape": [32, 32]}
