"""The layout of random networks: nothing overlaps, no line crosses a node, and it is the same each time."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from gui.network.layout import lay_out
from gui.network.places import caption_widths
from gui.network.texts import WIDEST, rough
from tests.gui.network_fakes import edge, node

#: Shape and weight of what ops give out.
KINDS = [
    ("Linear", (4, 8), (8, 2)), ("Linear", (4, 1), (1, 8)), ("Linear", (4, 100), (100, 8)), ("Linear", (4, 4096), (4096, 2)),
    ("Convolution", (4, 8, 10, 10), (8, 3, 3, 3)), ("Convolution", (4, 6, 30), (6, 2, 5)), ("Relu", (4, 8), None),
    ("MaxPool2d", (4, 64, 7, 7), None), ("Mean", (), None), ("BinaryCrossEntropyWithLogits", (), None),
    ("Reshape", (4, 512), None), ("Softmax", (4, 12, 20), None),
]  # fmt: skip

GRAPHS = st.lists(
    st.tuples(st.integers(0, len(KINDS) - 1), st.lists(st.integers(0, 60), min_size=1, max_size=3), st.booleans()),
    min_size=1, max_size=40,
)  # fmt: skip
ROOMS = st.tuples(st.integers(200, 1500), st.integers(150, 1000), st.sampled_from([0.8, 1.0, 1.3, 1.95]))


def graph_of(ops):
    """A graph of these ops; each reads some before it, and may read an input of its own."""
    nodes, edges, ranks = [node("n0", "", "", None, 0, (4, 2), kind="input")], [], {"n0": 0}
    made = ["n0"]
    for number, (kind, sources, own) in enumerate(ops, 1):
        op, shape, weight = KINDS[kind]
        before = sorted({made[source % len(made)] for source in sources})
        if own:
            late = f"i{number}"
            nodes.append(node(late, "", "", None, 0, (4, 2), kind="input"))
            ranks[late] = 0
            edges.append(edge(late, f"n{number}", "t" if op.startswith("Binary") else "b"))
        ranks[f"n{number}"] = 1 + max(ranks[source] for source in before)
        nodes.append(node(f"n{number}", op, f"block.module{number}", number, ranks[f"n{number}"], shape, weight))
        edges += [edge(source, f"n{number}", "x" if i == 0 else f"x[{i}]") for i, source in enumerate(before)]
        made.append(f"n{number}")
    return {"nodes": nodes, "edges": edges, "complete": True}


def cross(a, b, slack=0.01):
    """Whether two boxes (x, y, width, height) overlap."""
    return (
        a[0] < b[0] + b[2] - slack and b[0] < a[0] + a[2] - slack
        and a[1] < b[1] + b[3] - slack and b[1] < a[1] + a[3] - slack
    )  # fmt: skip


def parts(place):
    """What is drawn of a node, by name: pictures, title, captions."""
    x, y, wide, high = place.values
    before = place.beside if place.numbers == "left" else 0.0
    found = {"values": (x - before, y, wide + place.beside, high), "title": place.title_box()}
    if place.weight[2]:
        found["weight"] = place.weight
    if place.form.caption:
        found["shape"] = place.caption_box("shape")
    if place.form.scaled:
        found["scale"] = place.caption_box("scale")
    if place.form.weight:
        found["scale of weights"] = place.caption_box("weight")
    return found


def way(route):
    """Points along a route, a pixel or so apart."""
    corners = list(route.points)
    if route.kind == "flow":
        start, a, b, end = corners
        half = (b[0] - a[0]) / 2
        curve = [a]
        for step in range(1, 41):
            t = step / 40
            u = 1 - t
            x = u**3 * a[0] + 3 * u * u * t * (a[0] + half) + 3 * u * t * t * (b[0] - half) + t**3 * b[0]
            curve.append((x, u**3 * a[1] + 3 * u * u * t * a[1] + 3 * u * t * t * b[1] + t**3 * b[1]))
        corners = [start, *curve, end]
    for (x0, y0), (x1, y1) in zip(corners, corners[1:]):
        count = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / 2))
        yield from ((x0 + (x1 - x0) * k / count, y0 + (y1 - y0) * k / count) for k in range(count + 1))


@settings(deadline=None, max_examples=40)
@given(GRAPHS, ROOMS)
def test_no_two_nodes_overlap_with_their_texts(ops, room):
    width, height, factor = room
    places = list(lay_out(graph_of(ops), width, height, rough(factor)).places.values())
    boxes = [(place.x, place.y, place.width, place.height) for place in places]
    for i, a in enumerate(boxes):
        assert not any(cross(a, b) for b in boxes[:i])


@settings(deadline=None, max_examples=40)
@given(GRAPHS, ROOMS)
def test_all_of_a_node_lies_in_its_box_and_apart(ops, room):
    width, height, factor = room
    for place in lay_out(graph_of(ops), width, height, rough(factor)).places.values():
        found = parts(place)
        for name, (x, y, wide, high) in found.items():
            assert x >= place.x - 0.01 and x + wide <= place.x + place.width + 0.01, (place.id, name)
            assert y >= place.y - 0.01 and y + high <= place.y + place.height + 0.01, (place.id, name)
        names = list(found)
        for i, a in enumerate(names):
            for b in names[:i]:
                assert not cross(found[a], found[b]), (place.id, a, b)


@settings(deadline=None, max_examples=30)
@given(GRAPHS, ROOMS)
def test_captions_have_room_for_every_number(ops, room):
    width, height, factor = room
    texts = rough(factor)
    for place in lay_out(graph_of(ops), width, height, texts).places.values():
        wanted = {"shape": texts.caption(place.form.caption)} if place.form.caption else {}
        if place.form.scaled:
            wanted["scale"] = max(texts.caption(f"± {number.removeprefix('-')}") for number in WIDEST)
        if place.form.weight:
            wanted["weight"] = max(texts.caption(f"Δw ± {number.removeprefix('-')}") for number in WIDEST)
        assert caption_widths(place.form, texts).keys() == wanted.keys()
        for name, wide in wanted.items():
            assert wide * place.share(name) <= place.caption_box(name)[2] + 0.01


@settings(deadline=None, max_examples=40)
@given(GRAPHS, ROOMS)
def test_no_line_crosses_a_node(ops, room):
    width, height, factor = room
    layout = lay_out(graph_of(ops), width, height, rough(factor))
    for route in layout.routes:
        others = [p for p in layout.places.values() if p.id not in (route.source, route.target)]
        boxes = [(p.x, p.y, p.width, p.height) for p in others]
        for x, y in way(route):
            assert not any(cross((x, y, 0, 0), box, slack=0.5) for box in boxes), route


@settings(deadline=None, max_examples=40)
@given(GRAPHS, ROOMS)
def test_weights_drawn_as_lines_cross_no_node(ops, room):
    width, height, factor = room
    graph = graph_of(ops)
    layout = lay_out(graph, width, height, rough(factor))
    for link in graph["edges"]:
        a, b = layout.places[link["from"]], layout.places[link["to"]]
        if b.form.weight != "edges" or link["input"] != "x":
            continue
        assert b.line == a.line and b.column == a.column + 1
        boxes = [(p.x, p.y, p.width, p.height) for p in layout.places.values() if p.id not in (a.id, b.id)]
        for top in (0, a.form.shape[0] - 1):
            for end in (0, b.form.shape[0] - 1):
                y0 = a.values[1] + (top + 0.5) * a.values[3] / a.form.shape[0]
                y1 = b.values[1] + (end + 0.5) * b.values[3] / b.form.shape[0]
                for k in range(101):
                    at = a.right + (b.left - a.right) * k / 100, y0 + (y1 - y0) * k / 100
                    assert not any(cross((*at, 0, 0), box, slack=0.5) for box in boxes)


@settings(deadline=None, max_examples=20)
@given(GRAPHS, ROOMS)
def test_layout_is_the_same_each_time(ops, room):
    width, height, factor = room
    assert lay_out(graph_of(ops), width, height, rough(factor)) == lay_out(graph_of(ops), width, height, rough(factor))
