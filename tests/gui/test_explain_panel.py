"""The Explain panel, the terms, and the formulas."""

import math

import pytest
from PyQt6.QtCore import QPoint, Qt

from gui.formulas import formula, pieces
from gui.panels.explain import ExplainPanel
from gui.state import Selection
from gui.terms import terms_of
from gui.widgets.formula_view import FormulaView, typesetter


def contributor(tensor, index, value, share, decides=False, label=""):
    derivative = share / value if value and share is not None else 0.0
    return {
        "tensor": tensor, "index": index, "value": value, "share": share, "derivative": derivative, "decides": decides,
        "label": label,
    }  # fmt: skip


def explanation(**changes):
    contributors = [
        contributor("x", [0, 0], 0.9, -0.0045), contributor("w", [0, 0], -0.005, -0.0045, label="0.weight"),
        contributor("x", [0, 1], -0.2, -0.076), contributor("w", [0, 1], 0.38, -0.076, label="0.weight"),
        contributor("b", [0], 0.2795, 0.2795, label="0.bias"),
    ]  # fmt: skip
    body = {
        "op": "Linear", "name": "y", "index": [0, 0], "label": "", "latex": r"y_{n,o} = \sum_{i} x_{n,i}\,w_{o,i} + b_o",
        "plain": "y[n, o] = Σ_i x[n, i]·w[o, i] + b[o]", "here": "y[0, 0] = Σ_i x[0, i]·w[0, i] + b[0]",
        "numbers": "y[0, 0] = 0.9·(-0.005) + (-0.2)·0.38 + 0.2795 = 0.199", "parameters": {}, "result": 0.199,
        "actual": 0.199, "difference": 0.0, "tolerance": 4e-7, "agrees": True, "cause": "", "complete": True,
        "contributors": contributors, "total": 5, "sum_of_shares": 0.1185,
        "nonfinite": [], "event": 23, "position": [2, 0, 0],
    }  # fmt: skip
    return {**body, **changes}


@pytest.fixture
def panel(qtbot, context, link):
    link.answers["explain"] = explanation()
    panel = ExplainPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 640)
    panel.show()
    context.state.update(stop={"seq": 23, "position": [2, 0, 0], "live": True, "op": "Linear", "direction": "forward"})
    yield panel
    qtbot.waitUntil(lambda: not typesetter._working, timeout=20_000)


def select(context, index=(0, 0)):
    context.state.select(event=23, name="y", index=index)


def test_products_are_one_term_and_add_up_to_the_result():
    terms = terms_of(explanation())
    assert [term.label for term in terms.terms] == ["b[0]", "x[0, 1] · w[0, 1]", "x[0, 0] · w[0, 0]"]
    assert terms.summands
    assert math.isclose(sum(term.share for term in terms.terms), 0.199)
    assert terms.terms[1].numbers == "-0.2000 · 0.3800"


def test_equal_summands_of_two_tensors_are_no_product():
    body = explanation(contributors=[contributor("x", [0], 1.5, 1.5), contributor("z", [0], 1.5, 1.5)], result=3.0, total=2)
    terms = terms_of(body)
    assert [term.label for term in terms.terms] == ["x[0]", "z[0]"] and terms.summands


def test_shares_that_do_not_add_up_are_not_called_a_sum():
    body = explanation(contributors=[contributor("x", [0], 2.0, 8.0)], result=4.0, total=1)
    assert not terms_of(body).summands


def test_what_only_decides_comes_last():
    body = explanation(
        contributors=[contributor("k", [0], 3, 0.0, decides=True), contributor("x", [3], -0.3, -0.3)], result=-0.3, total=2
    )
    assert [term.decides for term in terms_of(body).terms] == [False, True]


@pytest.mark.parametrize(
    "latex",
    [
        r"y_i = \tfrac12 x_i\left(1 + \mathrm{erf}(x_i/\sqrt2)\right)",
        r"y_i = \begin{cases} a_i & c_i \\ b_i & \text{else} \end{cases}",
        r"y_k = \Bigl( \sum_{r} |x_{k,r}|^p \Bigr)^{1/p}",
        r"y = \frac{1}{n}\sum_i \begin{cases}d_i^2/\beta & |d_i| < \beta\\ 0 & |d_i| \ge \beta\end{cases},\; d_i = x_i",
    ],
)
def test_formulas_that_mathtext_alone_cannot_read(latex):
    made = formula(latex)
    assert all(piece.width > 0 and not piece.path.isEmpty() for piece in made.pieces)


def test_every_formula_of_the_definitions_can_be_drawn():
    import importlib
    import pkgutil

    definitions = importlib.import_module("engine.definitions")
    found = set()
    for info in pkgutil.iter_modules(definitions.__path__, "engine.definitions."):
        module = importlib.import_module(info.name)
        found |= {value.latex for value in vars(module).values() if isinstance(getattr(value, "latex", None), str)}
    assert len(found) > 200
    for latex in found:
        assert formula(latex).pieces


def test_a_formula_is_cut_only_outside_of_brackets():
    assert pieces(r"y = \frac{a + b}{c} + (d + e)") == ["y", r"= \frac{a + b}{c}", "+ (d + e)"]


def test_an_unreadable_formula_is_shown_as_text(qtbot, context):
    view = FormulaView(context.theme)
    qtbot.addWidget(view)
    view.set_formula(r"\nonsense{", "y = ?")
    qtbot.waitUntil(lambda: typesetter.failed(r"\nonsense{"), timeout=20_000)
    assert not view.is_typeset()
    qtbot.waitUntil(lambda: not typesetter._working)


def test_explains_the_selected_element(panel, context, link):
    select(context)
    assert link.asked[-1][1] == "explain"
    assert link.asked[-1][2]["reference"] == {"event": 23, "name": "y"} and link.asked[-1][2]["index"] == [0, 0]
    assert panel.name.text() == "y[0, 0]" and panel.value.text() == "0.1990"
    assert "difference 0" in panel.verdict.text() and "says the same" in panel.verdict.text()
    assert panel.numbers.text().replace("\u200b", "").endswith("= 0.9·(-0.005) + (-0.2)·0.38 + 0.2795 = 0.199")
    assert "sum of 3 terms" in panel.terms_title.text()


def test_says_when_the_kernel_disagrees_and_why_it_is_nan(panel, context, link):
    link.answers["explain"] = explanation(
        agrees=False,
        actual=0.3,
        difference=0.101,
        cause="x[0, 0] is NaN",
        contributors=[contributor("x", [0, 0], math.nan, math.nan)],
    )
    select(context)
    assert "the kernel computed 0.3000" in panel.verdict.text()
    assert panel.cause.isVisible() and panel.cause.text() == "x[0, 0] is NaN"
    panel.grab()  # NaN is drawn, too


def test_tells_the_other_panels_of_the_contributors(qtbot, panel, context):
    select(context)
    assert {c["tensor"] for c in context.state.contributors} == {"x", "w", "b"}
    assert all(c["event"] == 23 for c in context.state.contributors)
    qtbot.mouseMove(panel.terms, QPoint(4, 4))
    panel.terms._point((0, 0))
    assert [(c["tensor"], c["pointed"]) for c in context.state.contributors] == [("b", True)]
    panel.terms._point(None)
    assert len(context.state.contributors) == 5


def test_clicking_a_contributor_selects_it_and_back_returns(qtbot, panel, context):
    select(context)
    rect = panel.terms.factor_rects(1)[1]
    qtbot.mouseClick(panel.terms, Qt.MouseButton.LeftButton, pos=rect.center())
    chosen = context.state.selection
    assert (chosen.event, chosen.name, chosen.index, chosen.label) == (23, "w", (0, 1), "0.weight")
    assert panel.back.isEnabled()
    panel.back.click()
    assert (context.state.selection.name, context.state.selection.index) == ("y", (0, 0))
    assert not panel.back.isEnabled()


def test_a_contributor_is_followed_to_the_op_that_computed_it(panel, context):
    nodes = [{"id": "a", "kind": "op", "event": 20}, {"id": "b", "kind": "op", "event": 23}]
    context.state.update(graph={"nodes": nodes, "edges": [{"from": "a", "to": "b", "output": "y", "input": "x"}]})
    select(context)
    panel.choose(contributor("x", [0, 1], 1.0, 1.0))
    assert (context.state.selection.event, context.state.selection.name) == (20, "y")


def test_keys_move_over_the_terms_and_select(qtbot, panel, context):
    select(context)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Return):
        qtbot.keyClick(panel.terms, key)
    assert (context.state.selection.name, context.state.selection.index) == ("w", (0, 1))


def test_steps_the_element(panel, context, link):
    select(context)
    panel.step.click()
    assert link.moves == [("stepIn", {"tensor": "y", "index": [0, 0]})]
    context.state.update(stop={"seq": 30, "position": [3, 0, 0], "live": True})
    panel.step.click()
    assert link.moves[1:] == [("goto", {"seq": 23}), ("stepIn", {"tensor": "y", "index": [0, 0]})]


def test_what_was_only_read_is_said_and_not_explained(panel, context, link):
    select(context)
    link.answers["explain"] = RuntimeError("x: Linear did not compute it here; it computed: y")
    context.state.select(event=23, name="x", index=(0, 0))
    assert "only read it" in panel._empty.text()
    assert context.state.contributors == []


def test_an_old_answer_is_not_asked_for_twice(panel, context, link):
    select(context)
    asked = len(link.asked)
    context.state.update(selection=Selection(event=23, name="y", index=(0, 0), sample=3))
    assert len(link.asked) == asked


def test_the_formula_is_drawn_in_the_colours_of_the_theme(qtbot, panel, context):
    select(context)
    qtbot.waitUntil(panel.formula.is_typeset, timeout=20_000)
    image = panel.formula.grab().toImage()
    darkest = min(image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(0, image.height(), 2))
    assert darkest < 80


def test_a_real_session(qtbot, two_points, step, until):
    panel = ExplainPanel(two_points)
    qtbot.addWidget(panel)
    panel.resize(360, 640)
    panel.show()
    two_points.link.configure("setOpBreakpoints", {"breakpoints": [{"op": "Linear", "direction": "backward"}]})
    stop = step(two_points, "continue")
    two_points.state.select(event=stop["seq"], name="dw", index=(0, 3))
    until(lambda: panel.explanation and panel.explanation["name"] == "dw")
    assert panel.explanation["agrees"]
    assert terms_of(panel.explanation).summands
    until(lambda: panel.formula.is_typeset())
    panel.step.click()
    until(lambda: two_points.state.stop["level"] == "element")
    assert two_points.state.stop["index"] == [0, 3]
    assert two_points.troubles == []
