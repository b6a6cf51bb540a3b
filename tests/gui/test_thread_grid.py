"""Which thread of which block of a GPU: the arithmetic, the figure, and the part of the Explain panel."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QPointF

from gui.panels.explain import ExplainPanel
from gui.theme import Theme
from gui.thread_grid import Span, ThreadGrid
from gui.widgets.element_view import variable_rows
from gui.widgets.formula_view import typesetter
from gui.widgets.thread_view import ThreadView
from tests.gui.test_explain_panel import explanation


def product(n, i, j, shape, tile=16):
    """The launch of element (n, i, j) of a matrix product: blocks of ``tile`` x ``tile`` threads, j along x."""
    return {
        "kernel": "naive", "threadIdx": [j % tile, i % tile, 0], "blockIdx": [j // tile, i // tile, n],
        "blockDim": [tile, tile, 1], "gridDim": [-(-shape[2] // tile), -(-shape[1] // tile), shape[0]],
        "index": [n, i, j], "shape": list(shape),
    }  # fmt: skip


def flat(place, index, shape, threads=128):
    """The launch of the element that is number ``place`` of an array."""
    size = 1
    for extent in shape:
        size *= extent
    return {
        "kernel": "derived", "threadIdx": [place % threads, 0, 0], "blockIdx": [place // threads, 0, 0],
        "blockDim": [threads, 1, 1], "gridDim": [-(-size // threads), 1, 1], "index": list(index), "shape": list(shape),
    }  # fmt: skip


@pytest.fixture
def view(qtbot):
    view = ThreadView(Theme())
    qtbot.addWidget(view)
    view.resize(330, 400)
    view.show()
    return view


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.integers(1, 20))
def test_what_is_drawn_of_an_axis_holds_the_place(place, total, most):
    place %= total
    span = Span.around(place, total, most)
    assert 0 <= span.first <= place < span.first + span.count <= total and span.count == min(most, total)
    assert span.cut == (span.first > 0, span.first + span.count < total)


@given(st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)), st.data())
def test_the_thread_s_cell_computes_the_element_of_a_product(shape, data):
    n, i, j = (data.draw(st.integers(0, extent - 1)) for extent in shape)
    grid = ThreadGrid(product(n, i, j, shape))
    assert grid.element_at(*grid.cell()) == (n, i, j)
    computed = {grid.element_at(row, column) for row in range(16) for column in range(16)} - {None}
    rows, columns = (range(k // 16 * 16, min(k // 16 * 16 + 16, extent)) for k, extent in ((i, shape[1]), (j, shape[2])))
    assert computed == {(n, row, column) for row, column in itertools.product(rows, columns)}
    assert grid.idle == (len(computed) < 256)


@given(st.integers(1, 1000), st.data())
def test_the_thread_s_cell_computes_the_element_that_the_place_is(size, data):
    place = data.draw(st.integers(0, size - 1))
    grid = ThreadGrid(flat(place, (place,), (size,)))
    assert grid.element_at(*grid.cell()) == (place,)
    first = place // 128 * 128
    drawn = [grid.element_at(row, column) for row in range(grid.high) for column in range(grid.wide)]
    assert drawn == [(k,) if k < size else None for k in range(first, first + 128)]


def test_words():
    grid = ThreadGrid(product(0, 37, 105, (1, 64, 300)))
    assert grid.title == "Thread (9, 5) of block (6, 2)"
    assert grid.grid_text == ["Grid: 19 × 4 blocks", "shown: x 0 to 15"] and grid.block_text.endswith("16 × 16 threads")
    assert grid.arithmetic[0].endswith("= 6·16 + 9 = 105") and grid.arithmetic[1].endswith("= 2·16 + 5 = 37")
    assert grid.tip(5, 9) == "threadIdx (9, 5): i = 37, j = 105"
    batched = ThreadGrid(product(3, 5, 17, (8, 20, 40)))
    assert batched.title.endswith("block (1, 0, 3)") and batched.arithmetic[2] == "n = blockIdx.z = 3"
    tail = ThreadGrid(flat(249, (4, 49), (5, 50)))
    assert (tail.title, tail.grid_text) == ("Thread 121 of block 1", ["Grid: 2 blocks"])
    assert tail.tip(3, 25) == "threadIdx 121: element 249"
    assert tail.tip(3, 31) == "threadIdx 127: no element is left for it" and tail.idle
    far = ThreadGrid(flat(195_880, (31, 7, 5, 6), (64, 32, 14, 14)))
    assert far.grid_text == ["Grid: 3,136 blocks", "shown: x 1,522 to 1,537"] and not far.idle


@pytest.mark.parametrize("launch", [product(0, 37, 105, (1, 64, 300)), flat(249, (4, 49), (5, 50)), flat(0, (), ())])
@pytest.mark.parametrize("width", [330, 240, 120])
def test_the_figure_marks_the_thread_and_stays_inside(view, launch, width):
    view.resize(width, 400)
    view.show_launch(launch)
    assert view.grid is not None
    row, column = view.grid.cell()
    here = view.thread_cell(row, column)
    assert view.tip_at(here.center()) == view.grid.tip(row, column) != ""
    assert view.tip_at(view.block_cell().center()) == f"blockIdx {view.grid.point(view.grid.block)}"
    assert view.tip_at(QPointF(width - 1, 399)) == ""
    for area in (view.grid_area(), view.block_area()):
        assert area.left() >= 0 and area.right() <= width
    assert view.block_area().bottom() < view.sizeHint().height()
    picture = view.grab().toImage()
    assert here.width() < 6 or picture.pixelColor(here.center().toPoint()) == Theme().accent
    assert picture.pixelColor(view.block_cell().center().toPoint()) == Theme().accent


@pytest.fixture
def panel(qtbot, context, link):
    link.answers["explain"] = explanation(launch=product(0, 0, 0, (1, 1, 1)))
    panel = ExplainPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 640)
    panel.show()
    yield panel
    qtbot.waitUntil(lambda: not typesetter._working)


def test_the_explanation_shows_the_thread_first_while_the_element_is_stepped(panel, context, link):
    page = panel.page
    stop = {"seq": 23, "position": [2, 0, 0], "live": True, "op": "Linear", "direction": "forward", "level": "op"}
    context.state.update(stop=stop)
    context.state.select(event=23, name="y", index=(0, 0))
    assert page.threads.isVisible() and page.threads.title.text() == "Thread (0, 0) of block (0, 0)"
    assert "on the GPU" in page.of.text() and "Hatched" in page.threads.note.text()
    order = page._column.indexOf
    assert order(page.threads) > order(page.step) > order(page.formula)
    context.state.update(stop={**stop, "level": "element"})
    assert order(page.threads) < order(page.formula) and page.threads.isVisible()
    context.state.update(stop=stop)
    assert order(page.threads) > order(page.step)
    # On the CPU there is nothing of that kind.
    link.answers["explain"] = explanation(launch=None)
    context.state.update(stop={**stop, "seq": 24})
    assert not page.threads.isVisible() and not page.threads_line.isVisible() and "GPU" not in page.of.text()


def test_variables_of_cuda_are_listed_with_those_of_the_definition():
    rows = variable_rows({"locals": {"n": 1}, "launch": product(0, 1, 2, (1, 4, 4))})
    assert [row[:2] for row in rows] == [
        ("n", "1"), ("threadIdx", "(2, 1, 0)"), ("blockIdx", "(0, 0, 0)"), ("blockDim", "(16, 16, 1)"),
        ("gridDim", "(1, 1, 1)"),
    ]  # fmt: skip
    assert variable_rows({"locals": {"n": 1}, "launch": None}) == [("n", "1", False)]
