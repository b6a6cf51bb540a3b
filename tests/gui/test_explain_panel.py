"""The Explain panel, the terms, and the formulas."""

import math
import subprocess
import sys

import pytest
from PyQt6.QtCore import QPoint, Qt

from engine.debug.explain.terms import Contributor, largest_terms
from engine.definitions import optim
from gui.formulas import formula, pieces
from gui.panels.explain import ExplainPanel
from gui.state import Selection
from gui.terms import terms_of
from gui.theme import Theme
from gui.typesetting import Typesetting
from gui.widgets.formula_view import FormulaView, in_lines, typesetter
from gui.widgets.terms_view import TermsView
from tests.debug.processes import wait_until_gone


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
    return in_terms({**body, **changes})


def in_terms(body, limit=None):
    """``body`` with its contributors in the order of the terms, as the engine answers."""
    contributors = [Contributor(**{**c, "index": tuple(c["index"])}) for c in body["contributors"]]
    largest, about = largest_terms(contributors, body["result"], limit)
    return {**body, "contributors": [c.to_json() for c in largest], "terms": about}


@pytest.fixture
def panel(qtbot, context, link):
    link.answers["explain"] = explanation()
    panel = ExplainPanel(context)
    qtbot.addWidget(panel)
    panel.resize(360, 640)
    panel.show()
    context.state.update(stop={"seq": 23, "position": [2, 0, 0], "live": True, "op": "Linear", "direction": "forward"})
    yield panel
    qtbot.waitUntil(lambda: not typesetter._working)


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


def test_terms_beyond_those_asked_for_are_counted_and_added(qtbot, panel, context, link):
    factors = [(contributor("x", [i], 1.0, 0.5**i), contributor("w", [i], 0.5**i, 0.5**i)) for i in range(40)]
    decides = contributor("k", [0], 3, 0.0, decides=True)
    body = explanation(contributors=[decides, *(c for pair in factors for c in pair)], total=81, result=2 - 0.5**39)
    few = in_terms(body, 41)
    assert len(few["contributors"]) == 40 and few["terms"]["sizes"] == [2] * 20
    link.answers["explain"] = few
    select(context)
    assert "sum of 40 terms" in panel.page.terms_title.text()
    count, rest = panel.page.terms.rest
    assert count == 33 and math.isclose(rest, 2 - 0.5**39 - (2 - 0.5**7))


def test_the_word_for_what_only_decides_has_room(qtbot, context):
    view = TermsView(context.theme)
    qtbot.addWidget(view)
    view.set_terms(terms_of(explanation(contributors=[contributor("x", [0], 0, 0.0, decides=True)], result=0.0, total=1)))
    assert view._share_width() >= view.fontMetrics().horizontalAdvance("decides")


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
    assert all(piece.width > 0 and not piece.path.isEmpty() for equation in made.equations for piece in equation)


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
        assert formula(latex).equations


def test_the_process_that_makes_formulas():
    typesetting, latex = Typesetting(), r"y = \frac{1}{n}\sum_i \begin{cases}d_i^2 & d_i < 1\\ 0 & d_i \ge 1\end{cases}"
    try:
        assert typesetting.make(latex) == formula(latex)
        assert typesetting.make(r"\nonsense{") is None
        process = typesetting._process
        assert typesetting.make("y = x") == formula("y = x") and typesetting._process is process
        process.kill()
        process.wait()
        assert typesetting.make("y = 2x") == formula("y = 2x")  # nobody answers there: another process is asked
    finally:
        typesetting.close()


def test_the_process_that_makes_formulas_ends_with_the_windows():
    code = "import sys; from gui.typesetting import Typesetting; t = Typesetting(); t.make('y')"
    code += "; print(t._process.pid, *sys.modules)"
    pid, *modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "matplotlib" not in modules
    assert wait_until_gone(int(pid))


def test_a_formula_is_cut_only_outside_of_brackets():
    assert pieces(r"y = \frac{a + b}{c} + (d + e)") == ["y", r"= \frac{a + b}{c}", "+ (d + e)"]
    cut = ["y", "= -x", r"- \left(a - b\right)^-", r"+ \left[c\right."]
    assert pieces(r"y = -x - \left(a - b\right)^- + \left[c\right.") == cut


@pytest.mark.parametrize("width", [260, 340, 520, 900])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "adagrad", "adadelta", "sgd"])
def test_a_formula_of_an_optimiser_breaks_between_equations_and_within_one_only_with_an_indent(optimizer, width):
    latex = getattr(optim, f"{optimizer}_weight").latex
    made = formula(latex)
    assert len(made.equations) == latex.count(r",\quad") + 1  # none of them is within brackets
    room = width / 0.2  # at 20 pixels to an em
    lines = in_lines(made, room)
    begins = {id(equation[0]) for equation in made.equations}
    sizes = {id(piece): sum(p.width for p in equation) for equation in made.equations for piece in equation}
    for line in lines:
        (x, piece), alone = line[0], len(line) == 1
        assert (x == 0) == (id(piece) in begins)
        assert x == 0 or sizes[id(piece)] > room  # broken: it had no room in a line of its own
        assert alone or line[-1][0] + line[-1][1].width <= room
    assert [piece for line in lines for _, piece in line] == [piece for equation in made.equations for piece in equation]


def test_a_number_of_another_step_says_so(panel, context, link):
    link.answers["explain"] = explanation(step=1)
    context.state.update(stop={"seq": 23, "position": [2, 0, 0], "live": True, "op": "Linear", "step": 1})
    select(context)
    assert panel.head.subject.text() == "y[0, 0] · Linear"
    context.state.update(stop={"seq": 90, "kind": "epoch", "position": [9, 0, 0], "live": True, "step": 16, "tensors": []})
    assert panel.head.subject.text() == "y[0, 0] · Linear, step 2"


def test_what_is_given_has_no_digits_to_fill_up(panel, context, link):
    link.answers["explain"] = explanation(parameters={"lr": 1e-4, "beta1": 0.9, "maximize": 0, "step": 3.0, "pad": (1, 2.0)})
    select(context)
    given = panel.page.given.text().replace("\u00a0", " ")
    assert given == "with lr 1e-04, beta1 0.9, maximize 0, step 3, pad (1, 2)"


@pytest.mark.parametrize("percent", [100, 150])
@pytest.mark.parametrize("theme", ["light", "projector"])
def test_name_and_value_stand_in_one_line_where_they_can(panel, context, link, theme, percent):
    context.set_theme(Theme(theme, percent / 100))
    panel.resize(365, 400)
    places = set()
    for value in (0.2077, -0.02077, 123.4, 0.0):
        link.answers["explain"] = explanation(index=[5, 5, 4, 4], actual=value)
        select(context, (5, 5, 4, 4))
        panel.page.show_explanation(link.answers["explain"])
        panel.grab()
        name, number = panel.page.name, panel.page.value
        assert name.text().replace(" ", "") == "y[5,5,4,4]"
        assert name.geometry().right() < number.x() and number.geometry().right() <= panel.page.title.width()
        places.add((name.text(), number.font().pointSizeF(), panel.page.of.y()))
    assert len(places) == 1


def test_factors_do_not_touch_the_share(panel):
    view = panel.page.terms
    factors = [contributor(name, [63, 123, 101, 112], value, 0.04946) for name, value in (("x", 0.8733), ("w", 0.05663))]
    view.set_terms(terms_of(explanation(contributors=factors, result=0.04946, actual=0.04946)))
    assert len(view.factor_rects(0)) == 2
    for width in (600, 420, 285):
        view.resize(width, 100)
        share = width - view._share_width() - 2
        last, bar = view.factor_rects(0)[-1], view._lower(0)[1]
        assert last.right() + 6 <= (width + 6 if view.tall else share)
        assert bar.right() <= (share if view.tall else width) and bar.bottom() <= view._row_height()
    assert view.tall


def test_an_unreadable_formula_is_shown_as_text(qtbot, context):
    view = FormulaView(context.theme)
    qtbot.addWidget(view)
    view.set_formula(r"\nonsense{", "y = ?")
    qtbot.waitUntil(lambda: typesetter.failed(r"\nonsense{"))
    assert not view.is_typeset()
    qtbot.waitUntil(lambda: not typesetter._working)


def test_what_was_explained_stays_while_the_stops_have_no_such_element(panel, context, link):
    select(context)
    context.state.update(
        stop={"seq": 24, "direction": "backward", "op": "Relu"},
        selection=Selection(event=24, name="dx", module="1", label="1 dx", kept=("y", (0, 0))),
    )
    assert panel._stack.currentWidget() is panel.page and panel.explanation["event"] == 23
    assert panel.page.of.text() == "from forward Linear, before this stop: nothing here has this element"
    assert panel.head.subject.text() == "y[0, 0] · before this stop" and context.state.contributors == []
    # It can be stepped where it is.
    panel.page.step.click()
    assert link.moves[0] == ("goto", {"seq": 23})
    # Another number takes its place; a tensor that the user has chosen, and none of its elements, has nothing to explain.
    link.answers["explain"] = explanation(op="Relu", name="dx", event=24)
    context.state.reselect(index=(0, 0), kept=None)
    assert panel.page.of.text() == "computed by Relu" and context.state.contributors
    context.state.select(event=24, name="dy")
    assert panel._stack.currentWidget() is panel._empty


def test_what_was_explained_before_a_step_back_is_from_after_this_stop(panel, context):
    select(context)
    context.state.update(
        stop={"seq": 22, "direction": "forward", "op": "Clone"},
        selection=Selection(event=22, name="y", module="0", label="0 y", kept=("y", (0, 0))),
    )
    assert panel.page.of.text() == "from forward Linear, after this stop: nothing here has this element"
    assert panel.head.subject.text() == "y[0, 0] · after this stop"


def test_explains_the_selected_element(panel, context, link):
    select(context)
    assert link.asked[-1][1] == "explain"
    assert link.asked[-1][2]["reference"] == {"event": 23, "name": "y"} and link.asked[-1][2]["index"] == [0, 0]
    assert panel.page.name.text() == "y[0, 0]" and panel.page.value.text() == "0.1990"
    assert "difference 0" in panel.page.verdict.text() and "says the same" in panel.page.verdict.text()
    assert panel.page.numbers.text().replace("\u200b", "").endswith("= 0.9·(-0.005) + (-0.2)·0.38 + 0.2795 = 0.199")
    assert "sum of 3 terms" in panel.page.terms_title.text()


def test_says_when_the_kernel_disagrees_and_why_it_is_nan(panel, context, link):
    link.answers["explain"] = explanation(
        agrees=False,
        actual=0.3,
        difference=0.101,
        cause="x[0, 0] is NaN",
        contributors=[contributor("x", [0, 0], math.nan, math.nan)],
    )
    select(context)
    assert "the kernel computed 0.3000" in panel.page.verdict.text()
    assert panel.page.cause.isVisible() and panel.page.cause.text() == "x[0, 0] is NaN"
    panel.grab()  # NaN is drawn, too


def test_behind_the_end_the_way_to_a_number_leads_back(panel, context):
    context.state.update(selection=Selection(), stop={"seq": 40, "kind": "line", "position": [4]})
    assert "Stop at an op (F10)" in panel._empty.text()
    context.state.update(stop={"seq": 41, "kind": "end", "position": [5]})
    assert "Step back to an op (Alt+F10)" in panel._empty.text() and "(F10)" not in panel._empty.text()


def test_a_number_that_was_set_by_hand_is_no_fault_of_the_kernel(panel, context, link):
    link.answers["explain"] = explanation(agrees=False, actual=0.9, difference=0.701, edited=True, now=None)
    select(context)
    assert panel.page.verdict.text() == "set to 0.9000 by an edit after Linear had computed it"
    assert panel.page.value.styleSheet() == panel.page.verdict.styleSheet() == ""
    assert panel.page.result.text() == "= 0.1990"


def test_a_number_whose_inputs_were_set_by_hand_since_is_none_either(panel, context, link):
    link.answers["explain"] = explanation(agrees=False, difference=0.701, edited=False, editedInputs=["w", "b"], now=None)
    select(context)
    assert panel.page.verdict.text() == "Linear had computed 0.1990 before an edit changed w and b"
    assert panel.page.value.styleSheet() == panel.page.verdict.styleSheet() == ""


def test_says_what_the_number_is_now_where_it_was_changed_since(panel, context, link):
    link.answers["explain"] = explanation(edited=False, now=0.9)
    select(context)
    assert panel.page.verdict.text().startswith("✓ kernel says the same")
    assert panel.page.verdict.text().endswith("\nchanged since then: 0.9000 now")


def test_behind_another_tab_the_contributors_of_the_number_before_go_out(panel, context, link):
    select(context)
    assert context.state.contributors
    panel.hide()
    assert context.state.contributors, "the number is still selected"
    chosen = context.state.selection
    context.state.select(event=23, name="y", index=(1, 0))
    assert context.state.contributors == []
    context.state.select(event=23, name="y", index=chosen.index)
    panel.show()
    assert len(context.state.contributors) == 5


def test_tells_the_other_panels_of_the_contributors(qtbot, panel, context):
    select(context)
    assert {c["tensor"] for c in context.state.contributors} == {"x", "w", "b"}
    assert all(c["event"] == 23 for c in context.state.contributors)
    qtbot.mouseMove(panel.page.terms, QPoint(4, 4))
    panel.page.terms._point((0, 0))
    assert [(c["tensor"], c["pointed"]) for c in context.state.contributors] == [("b", True)]
    panel.page.terms._point(None)
    assert len(context.state.contributors) == 5


def test_clicking_a_contributor_selects_it_and_back_returns(qtbot, panel, context):
    select(context)
    rect = panel.page.terms.factor_rects(1)[1]
    qtbot.mouseClick(panel.page.terms, Qt.MouseButton.LeftButton, pos=rect.center())
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
        qtbot.keyClick(panel.page.terms, key)
    assert (context.state.selection.name, context.state.selection.index) == ("w", (0, 1))


def test_steps_the_element(panel, context, link):
    select(context)
    panel.page.step.click()
    assert link.moves == [("stepIn", {"tensor": "y", "index": [0, 0]})]
    context.state.update(stop={"seq": 30, "position": [3, 0, 0], "live": True})
    panel.page.step.click()
    assert link.moves[1:] == [("goto", {"seq": 23}), ("stepIn", {"tensor": "y", "index": [0, 0]})]


@pytest.mark.parametrize(
    ("step", "place", "told"),
    [(2, {"step": 2}, "Linear"), (2, {"step": 3, "kind": "end_step"}, "Linear"), (2, {"step": 5}, "Linear, step 3")],
)
def test_a_number_of_an_earlier_step_says_so(panel, context, link, step, place, told):
    link.answers["explain"] = {**explanation(), "step": step}
    select(context)
    context.state.update(stop={"seq": 99, "position": [6, 0, 0], "live": True, **place})
    assert panel.head.subject.text().endswith(f" · {told}")


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
    qtbot.waitUntil(panel.page.formula.is_typeset)
    image = panel.page.formula.grab().toImage()
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
    until(lambda: panel.page.formula.is_typeset())
    panel.page.step.click()
    until(lambda: two_points.state.stop["level"] == "element")
    assert two_points.state.stop["index"] == [0, 3]
    assert two_points.troubles == []


def test_what_is_pointed_at_elsewhere_is_marked(panel, context, link):
    terms = [contributor("x", [0, i], 0.1 * i, 0.1 * i) for i in range(1, 30)]
    link.answers["explain"] = explanation(contributors=terms, total=29, result=sum(c["share"] for c in terms))
    select(context, (0, 1))
    drawn = [term.contributors[0]["index"][1] for term in panel.page.terms._rows]
    assert drawn == list(range(29, 21, -1))
    total = panel.page.terms.rest[1] + sum(term.share for term in panel.page.terms._rows)
    context.state.update(pointed={"event": 23, "name": "x", "index": [0, 3], "label": None})
    assert panel.page.terms._marked["index"] == [0, 3]
    assert panel.page.terms._rows[-1].contributors[0]["index"] == [0, 3]  # though it is not among the largest
    assert panel.page.terms.rest[0] == 21
    assert math.isclose(panel.page.terms.rest[1] + sum(term.share for term in panel.page.terms._rows), total)
    for other in ({"event": 23, "name": "y"}, {"event": 22, "name": "x"}):
        context.state.update(pointed={**other, "index": [0, 3], "label": None})
        assert panel.page.terms._marked is None
    assert [term.contributors[0]["index"][1] for term in panel.page.terms._rows] == drawn
    panel.grab()


def test_what_an_op_only_read_is_explained_where_it_was_made(panel, context, link):
    context.state.update(graph={
        "nodes": [{"id": "a", "event": 21}, {"id": "b", "event": 23}],
        "edges": [{"from": "a", "to": "b", "output": "y", "input": "x"}],
    })  # fmt: skip

    def answer(arguments):
        if arguments["reference"] in ({"event": 21, "name": "y"}, {"expression": "0.weight"}):
            return explanation(op="Relu")
        return ValueError("x: Linear did not compute it here; it computed: y")

    link.answers["explain"] = answer
    context.state.select(event=23, name="x", index=(0, 1), label="0 x")
    assert panel.explanation["op"] == "Relu"
    context.state.select(event=23, name="w", index=(0, 1), label="0.weight")
    assert panel.explanation["op"] == "Relu" and link.asked[-1][2]["reference"] == {"expression": "0.weight"}
    context.state.select(event=23, name="b", index=(0,), label="0 b")
    assert panel.explanation is None


OPS = '''
import engine as torch
from engine import nn

torch.manual_seed(1)
model = nn.Sequential(
    nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5),
    nn.Linear(48, 4),
)
loss_fn = nn.CrossEntropyLoss()
adam = torch.optim.Adam(list(model.parameters())[:4], lr=0.01)
sgd = torch.optim.SGD(list(model.parameters())[4:], lr=0.1, momentum=0.9)
x, t = torch.randn(2, 2, 8, 8), torch.tensor([1, 3])
for step in range(2):
    adam.zero_grad()
    sgd.zero_grad()
    loss_fn(model(x), t).backward()
    adam.step()
    sgd.step()
'''

#: Op and array -> the tensors that an element of it is computed from, and how many numbers of them there are.
CHAIN = {
    ("forward", "Convolution", "y"): {"x": 18, "w": 18, "b": 1},  # 3 × 3 of both channels, and the bias
    ("backward", "Convolution", "dw"): {"x": 128, "dy": 128},  # every place of both pictures
    ("forward", "NativeBatchNorm", "y"): {"x": 1, "mean": 1, "rstd": 1, "w": 1, "b": 1},
    ("forward", "MaxPool2d", "y"): {"x": 4},
    ("forward", "Dropout", "y"): {"x": 1, "mask": 1},
    ("forward", "Linear", "y"): {"x": 48, "w": 48, "b": 1},
    ("backward", "Linear", "dx"): {"dy": 4, "w": 4},
    ("forward", "CrossEntropy", "y"): {"x": 8, "t": 2},
    ("backward", "CrossEntropy", "dx"): {"dy": 1, "p": 1, "t": 1},
    ("update", "Adam", "w_new"): {"w": 1, "dw": 1, "m": 1, "v": 1},
    ("update", "SGD", "w_new"): {"w": 1, "dw": 1, "m": 1},
}


def arrays_of(context, until, event, names):
    """Arrays of an event by name, from the engine process."""
    values = {}
    for name in names:
        arguments = {"reference": {"event": event, "name": name}, "maxShape": [64, 64]}
        then = lambda answer, name=name: values.update({name: answer["data"].numpy()})  # noqa: E731
        context.link.ask(("test", name), "tensor", arguments, then)
    until(lambda: values.keys() == set(names))
    return values


def test_the_explanations_of_a_real_training_step(real, qtbot, until, step, tmp_path):
    script = tmp_path / "ops.py"
    script.write_text(OPS)
    panel = ExplainPanel(real)
    qtbot.addWidget(panel)
    panel.resize(360, 640)
    panel.show()
    real.link.launch(str(script))
    until(lambda: real.state.stop)
    step(real, "runTo", step=2)  # one pass of both optimisers
    events = {}
    while len(events) < len(CHAIN):
        stop = step(real, "next", granularity="op")
        assert stop["reason"] == "step"
        for tensor in stop["tensors"]:
            key = (stop["kind"], stop["name"], tensor["name"])
            if key not in CHAIN or key in events or not (stop["kind"] != "update" or len(tensor["shape"]) > 1):
                continue
            events[key] = stop["seq"]
            index = tuple(n // 2 for n in tensor["shape"])
            real.state.select(event=stop["seq"], name=tensor["name"], index=index)
            until(lambda: panel.explanation and panel.explanation["event"] == real.state.selection.event
                  and panel.explanation["name"] == real.state.selection.name)  # fmt: skip
            body, read = panel.explanation, {}
            for c in body["contributors"]:
                read[c["tensor"]] = read.get(c["tensor"], 0) + 1
            assert read == CHAIN[key], key
            assert body["agrees"] and panel.page.verdict.text().startswith("✓ kernel says the same (difference "), key
            # All of them are lit in the other panels, and the numbers are those of the arrays.
            assert len(real.state.contributors) == sum(read.values())
            values = arrays_of(real, until, stop["seq"], read)
            for c in body["contributors"]:
                assert values[c["tensor"]][tuple(c["index"])] == pytest.approx(c["value"], rel=1e-6, abs=1e-12), key
    assert real.troubles == []


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize("width", [240, 365, 900])
def test_the_numbers_of_a_term_have_room(panel, context, until, width, scale):
    context.set_theme(Theme("projector", scale))
    panel.resize(width, 640)
    select(context)
    view = panel.page.terms
    needs = max(view.fontMetrics().horizontalAdvance(term.numbers) for term in view.terms.terms)
    for row in range(3):
        numbers, bar = view._lower(row)
        assert numbers.width() >= min(needs, view.width())
        assert not numbers.intersects(bar) and bar.width() >= 0.25 * view.width()
        assert bar.bottom() < (row + 1) * view._row_height()
    page = panel.page
    until(lambda: view.height() >= 3 * view._row_height())
    for label in (page.name, page.value):
        until(lambda label=label: label.width() >= min(label.sizeHint().width(), page.viewport().width() - 24))


def test_a_line_that_is_cut_at_the_lower_edge_is_left_out(qtbot, panel, context):
    select(context)
    qtbot.waitUntil(lambda: not typesetter._working)
    page = panel.page
    viewport, bar = page.viewport(), page.verticalScrollBar()
    high = page.terms.line_at(0)[1]

    def cuts_the_second_row():
        lowest = page.terms.y() + high + high // 2
        made = typesetter.get(explanation()["latex"]) is not None
        if made and page.formula.height() == page.formula.sizeHint().height() and viewport.height() == lowest:
            return True
        panel.resize(360, panel.height() + lowest - viewport.height())
        return False

    qtbot.waitUntil(cuts_the_second_row)
    assert bar.maximum() >= high

    def is_empty(rows):
        image, ground = viewport.grab().toImage(), panel.theme.panel.rgb()
        places = [(x, y) for x in range(image.width()) for y in range(image.height() - rows, image.height())]
        return all(image.pixelColor(x, y).rgb() == ground for x, y in places)

    assert is_empty(high // 2) and not is_empty(high), "the second row is left out, the first one is not"
    bar.setValue(high - high // 2)
    assert not is_empty(high), "now it is whole"


def test_a_note_says_where_it_is_computed_otherwise(panel, context, link, qtbot):
    link.answers["explain"] = explanation(note="1/(1 + exp(-x)) is computed as exp(x)/(1 + exp(x)) where x < 0")
    select(context)
    qtbot.waitUntil(lambda: panel.page.note.isVisibleTo(panel.page))
    assert panel.page.note.text().startswith("1/(1 + exp(-x)) is computed as")
    link.answers["explain"] = explanation()
    select(context, (0, 1))
    qtbot.waitUntil(lambda: not panel.page.note.isVisibleTo(panel.page))
