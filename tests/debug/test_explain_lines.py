"""What an explanation writes is true: the line with numbers comes to the value shown, and both lines speak of the same."""

import math
import re

import numpy as np
import pytest

import engine
from engine import nn, optim, trace
from engine.debug.explain.element import explain, explainable
from engine.definitions import all_definitions
from engine.definitions.settings import general, special
from engine.nn import functional as F
from tests.debug.arithmetic_text import computed, value_of
from tests.debug.recorded import EventRecorder, array_of, events_of, recorded, recorded_updates
from tests.engine.programs import PROGRAMS
from tests.oracle import of_ops


def tensor(values, dtype=np.float64):
    t = engine.tensor(np.asarray(values, dtype))
    t.requires_grad = True
    return t


def answers(events):
    """One explanation of every array of ``events``: of an element in the middle."""
    for event in events:
        for name, shape in explainable(event).items():
            if math.prod(shape):
                yield explain(event, name, tuple(n // 2 for n in shape))


def everything():
    for program in PROGRAMS:
        yield from answers(recorded(program))
    yield from answers(recorded_updates())


@pytest.fixture(scope="module")
def explained():
    return list(everything())


def test_the_line_with_numbers_comes_to_the_value_shown(explained):
    evaluated = 0
    for answer in explained:
        line = answer.numbers
        if "…" in line or " = " not in line.partition(" = ")[2].partition(" (because")[0]:
            continue  # A long sum that is cut, or a number that was only chosen.
        first = line.split(" = ")[1]
        if re.match(r"^\w+(\[[\d, \]\[]*)?$", first):
            continue  # An element read, or a setting: dx[1] = dy[1] = 1.5.
        found, shown = value_of(line)
        assert found == pytest.approx(shown, rel=1e-3, abs=1e-12), line
        evaluated += 1
    assert evaluated > 400


def test_the_value_shown_is_the_result(explained):
    for answer in explained:
        shown = answer.numbers.partition(" (because")[0].split(" = ")[-1].split(" ")[0]
        assert float(shown) == pytest.approx(float(answer.result), rel=1e-4, abs=1e-300), answer.numbers


def test_no_template_is_left_in_what_is_shown(explained):
    for answer in explained:
        for text in (answer.latex, answer.plain, answer.here, answer.numbers):
            assert not set(text) & set("⟦⟧¦"), text
            assert "  " not in text and text.count("(") == text.count(")") and text.count("[") == text.count("]"), text
        assert not re.search(r"\w\(\(-?[\d.]+\)\)|-\(-\(-?[\d.]+\)\)", answer.numbers), answer.numbers


def test_every_definition_was_read(explained):
    used = set()
    for program in PROGRAMS:
        for event in recorded(program):
            used |= {event.function.definitions[name.split("[")[0]].name for name in explainable(event)}
    used |= {event.details["definitions"][name].name for event in recorded_updates() for name in explainable(event)}
    assert used == of_ops()


def test_general_formulas_are_whole():
    for definition in all_definitions().values():
        for text in (definition.latex, definition.plain):
            assert not set(text) & set("⟦⟧¦"), definition.name
        assert definition.plain.count("(") == definition.plain.count(")"), definition.name
        assert definition.latex.count("{") == definition.latex.count("}"), definition.name


# ---- the formula is the one that was computed ----

_READ = re.compile(r"[^\W\d]\w*(\[\d+\])?\[[\d, ]+\]")
_NAME = re.compile(r"(?<![\w.])([^\W\d][\w\u0302]*)(?![\w\u0302(])")


def formula_value(event, answer):
    """What the formula at the element comes to, its names replaced by what they stand for; None where it is in words."""
    text = answer.here.partition(";")[0].partition(", that is")[0].partition(", and 0")[0]
    text = text.replace("²", "^2").replace("³", "^3")
    if "Σ" in text or "Π" in text or re.search(r" (if|else|where|the|with|over|by|in) ", text):
        return None
    first, *rest = re.split(r", (?=[^\[\]]*(?:\[[^\]]*\] )?= )", text)
    symbols = dict(part.split(" = ", 1) for part in rest if " = " in part)
    line = first.split(" = ", 1)[1]
    for _ in range(6):
        for symbol, meaning in symbols.items():
            line = re.sub(rf"(?<![\w\u0302]){re.escape(symbol)}(?![\w\u0302\[(])", f"({meaning})", line)
    try:
        line = _READ.sub(lambda found: _read(event, found[0]), line)
        line = _NAME.sub(lambda found: repr(float(_named(event, answer, found[1]))), line)
        return computed(line)
    except (KeyError, SyntaxError, AttributeError, TypeError, ValueError):
        return None


def _read(event, text):
    name, _, index = text.rpartition("[")
    value = array_of(event, name)[tuple(int(i) for i in index.rstrip("]").split(","))]
    return f"({float(value)!r})"


def _named(event, answer, name):
    if name in ("e", "pi"):
        raise SyntaxError(name)
    return answer.parameters[name] if name in answer.parameters else array_of(event, name).item()


def test_the_formula_comes_to_the_value_that_was_computed():
    events = [event for program in PROGRAMS for event in recorded(program)] + recorded_updates()
    evaluated = set()
    for event in events:
        for answer in answers([event]):
            with np.errstate(all="ignore"):
                found = formula_value(event, answer)
            assert found is not None or event.kind != "update", answer.here
            if found is not None:
                assert found == pytest.approx(float(answer.result), rel=1e-6, abs=1e-9), answer.here
                evaluated.add((event.kind, event.name, answer.name, answer.plain))
    assert len(evaluated) > 250



def update(cls, steps=1, **options):
    """The last update of one weight by an optimizer: of the weight, {result: explanation}."""
    weights = tensor([0.5])
    optimizer = getattr(optim, cls)([weights], **options)
    recorder = EventRecorder()
    previous = trace.set_observer(recorder)
    try:
        for step in range(steps):
            weights.grad = engine.tensor([0.25 + step], dtype=engine.float64)
            optimizer.step()
    finally:
        trace.set_observer(previous)
    return {name: explain(recorder.events[-1], name, (0,)) for name in explainable(recorder.events[-1])}


M = "m_new[0] = beta1·m[0] + (1 - beta1)·"
V = "v_new[0] = beta2·v[0] + (1 - beta2)·"
STEP = "w[0] - lr·m̂/(√v̂ + eps), "
HATS = "m̂ = m_new[0]/(1 - beta1^step), v̂ = {}/(1 - beta2^step)"


@pytest.mark.parametrize(
    ("cls", "steps", "options", "here"),
    [
        ("SGD", 1, {"lr": 0.1}, "w[0] - lr·dw[0]"),
        ("SGD", 1, {"lr": 0.1, "maximize": True}, "w[0] - lr·(-dw[0])"),
        ("SGD", 1, {"lr": 0.1, "weight_decay": 0.01}, "w[0] - lr·(dw[0] + weight_decay·w[0])"),
        ("SGD", 1, {"lr": 0.1, "momentum": 0.9}, "w[0] - lr·m_new[0], m_new[0] = dw[0]"),
        ("SGD", 2, {"lr": 0.1, "momentum": 0.9}, "w[0] - lr·m_new[0], m_new[0] = momentum·m[0] + dw[0]"),
        ("SGD", 2, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
         "w[0] - lr·m_new[0], m_new[0] = momentum·m[0] + (1 - dampening)·dw[0]"),
        ("SGD", 2, {"lr": 0.1, "momentum": 0.9, "nesterov": True},
         "w[0] - lr·(dw[0] + momentum·m_new[0]), m_new[0] = momentum·m[0] + dw[0]"),
        ("Adam", 1, {}, f"{STEP}{HATS.format('v_new[0]')}, {M}dw[0], {V}dw[0]²"),
        ("Adam", 1, {"weight_decay": 0.1, "amsgrad": True},
         f"{STEP}{HATS.format('max(v_new[0], vmax[0])')}, {M}g, {V}g², g = dw[0] + weight_decay·w[0]"),
        ("AdamW", 1, {"weight_decay": 0.0}, f"{STEP}{HATS.format('v_new[0]')}, {M}dw[0], {V}dw[0]²"),
        ("AdamW", 1, {},
         "w[0]·(1 - lr·weight_decay) - lr·m̂/(√v̂ + eps), " + HATS.format("v_new[0]") + f", {M}dw[0], {V}dw[0]²"),
        ("RMSprop", 1, {}, "w[0] - lr·dw[0]/(√v_new[0] + eps), v_new[0] = alpha·v[0] + (1 - alpha)·dw[0]²"),
        ("RMSprop", 1, {"momentum": 0.9, "centered": True},
         "w[0] - lr·(momentum·m[0] + dw[0]/(√(v_new[0] - a_new[0]²) + eps)), v_new[0] = alpha·v[0] + (1 - alpha)·dw[0]², "
         "a_new[0] = alpha·a[0] + (1 - alpha)·dw[0]"),
        ("Adagrad", 1, {}, "w[0] - lr·dw[0]/(√s_new[0] + eps), s_new[0] = s[0] + dw[0]²"),
        ("Adagrad", 2, {"lr_decay": 0.1},
         "w[0] - (lr/(1 + (step - 1)·lr_decay))·dw[0]/(√s_new[0] + eps), s_new[0] = s[0] + dw[0]²"),
        ("Adadelta", 1, {},
         "w[0] - lr·Δ, Δ = √(u[0] + eps)/√(v_new[0] + eps)·dw[0], v_new[0] = rho·v[0] + (1 - rho)·dw[0]²"),
    ],
)  # fmt: skip
def test_an_update_has_the_formula_of_its_settings(cls, steps, options, here):
    answer = update(cls, steps, **options)["w_new"]
    assert answer.here == f"w_new[0] = {here}"
    assert ("weight" in answer.latex) == bool(options.get("weight_decay", 0.01 if cls == "AdamW" else 0))
    assert ("momentum" in answer.latex) == ("momentum" in options and (steps > 1 or cls != "SGD"))


def test_plain_sgd_with_its_numbers():
    assert update("SGD", lr=0.1)["w_new"].numbers == "w_new[0] = 0.5 - 0.1·0.25 = 0.475"
    assert update("SGD", lr=0.1)["w_new"].latex == (
        r"w_i^{\mathrm{new}} = w_i - \mathrm{lr}\,\frac{\partial L}{\partial w_i}"
    )
    second = update("Adam", steps=2)["m_new"].numbers
    assert second == "m_new[0] = 0.9·0.025 + (1 - 0.9)·1.25 = 0.1475"


def test_a_small_step_is_seen_in_the_result():
    assert update("SGD", lr=1e-5)["w_new"].numbers == "w_new[0] = 0.5 - 1e-05·0.25 = 0.4999975"


def here(run, *inputs, kind="forward", op=None, name="y", index=None):
    events = events_of(run, *inputs)
    event = next(e for e in events if e.kind == kind and name in explainable(e) and (op is None or e.name == op))
    shape = explainable(event)[name]
    return explain(event, name, index or tuple(n // 2 for n in shape))


def pixels(*shape):
    return tensor(np.arange(math.prod(shape)).reshape(shape) / 10)


@pytest.mark.parametrize(
    ("options", "shapes", "expected"),
    [
        ({}, ((1, 1, 4, 4), (1, 1, 2, 2)), "Σ_c,i,j x[0, 0, 1 + i, 1 + j]·w[0, 0, i, j]"),
        ({"stride": 2}, ((1, 1, 4, 4), (1, 1, 2, 2)), "Σ_c,i,j x[0, 0, 2 + i, 2 + j]·w[0, 0, i, j]"),
        ({"padding": 1, "dilation": 2}, ((1, 1, 4, 4), (1, 1, 2, 2)),
         "Σ_c,i,j x[0, 0, 1 + 2·i, 1 + 2·j]·w[0, 0, i, j]; outside the picture x counts as 0"),
        ({"groups": 2}, ((1, 4, 3, 3), (2, 2, 2, 2)), "Σ_c,i,j x[0, 2 + c, 1 + i, 1 + j]·w[1, c, i, j]"),
    ],
)  # fmt: skip
def test_a_convolution_names_the_pixels(options, shapes, expected):
    answer = here(lambda x, w: F.conv2d(x, w, **options), *[pixels(*shape) for shape in shapes])
    assert answer.here.partition(" = ")[2] == expected
    assert ("b_o" in answer.latex) is False


def test_stride_is_in_the_formula_only_where_there_is_one():
    x, w = pixels(1, 1, 5, 5), pixels(1, 1, 2, 2)
    assert here(lambda x, w: F.conv2d(x, w), x, w).plain == "y[n, o, p, q] = Σ_c,i,j x[n, c, p + i, q + j]·w[o, c, i, j]"
    strided = here(lambda x, w: F.conv2d(x, w, stride=2, padding=1), x, w)
    assert strided.plain.startswith("y[n, o, p, q] = Σ_c,i,j x[n, c, 2·p + i - 1, 2·q + j - 1]·w[o, c, i, j]; outside")
    gradient = here(lambda x, w: F.conv2d(x, w), x, w, kind="backward", name="dx")
    assert gradient.plain == "dx[n, c, h, v] = Σ_o,i,j dy[n, o, h - i, v - j]·w[o, c, i, j]"


def test_batch_norm_in_training_and_in_evaluation():
    layer = nn.BatchNorm1d(2).to(engine.float64)
    x = pixels(3, 2)
    training = here(layer, x, kind="backward", op="NativeBatchNorm", name="dx")
    assert "Σ_k,j dy[k" in training.plain and "evaluation" not in training.plain
    layer.eval()
    answer = here(layer, x, kind="backward", op="NativeBatchNorm", name="dx")
    assert answer.plain == "dx[n, c, m] = w[c]·rstd[c]·dy[n, c, m]; in evaluation mean and rstd are constants"
    assert r"\hat" not in answer.latex
    bare = nn.BatchNorm1d(2, affine=False).to(engine.float64)
    assert here(bare, x, op="NativeBatchNorm").plain == "y[n, c, m] = (x[n, c, m] - mean[c])·rstd[c]"


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({}, "y = Σ_n (L - x[n, t[n]]) / N, L = ln(Σ_k exp(x[n, k])), N = 2"),
        ({"reduction": "sum"}, "y = Σ_n (L - x[n, t[n]]), L = ln(Σ_k exp(x[n, k]))"),
        ({"reduction": "none"}, "y[n] = (L - x[n, t[n]]), L = ln(Σ_k exp(x[n, k]))"),
        ({"reduction": "sum", "weight": engine.tensor([0.5, 1.0, 2.0], dtype=engine.float64)},
         "y = Σ_n w[t[n]]·(L - x[n, t[n]]), L = ln(Σ_k exp(x[n, k]))"),
        ({"reduction": "sum", "label_smoothing": 0.1},
         "y = Σ_n ((1 - smoothing)·(L - x[n, t[n]]) + Σ_c smoothing/C·(L - x[n, c])), L = ln(Σ_k exp(x[n, k])), C = 3"),
        ({"reduction": "sum", "ignore_index": 2},
         "y = Σ_n (L - x[n, t[n]]), L = ln(Σ_k exp(x[n, k])); rows whose label is 2 count as 0"),
    ],
)  # fmt: skip
def test_cross_entropy_has_the_formula_of_its_settings(options, plain):
    assert here(lambda x: F.cross_entropy(x, engine.tensor([0, 2]), **options), pixels(2, 3)).plain == plain


def test_losses_divide_only_where_they_average():
    x, t = pixels(2, 2), pixels(2, 2).detach()
    assert here(lambda x: F.mse_loss(x, t), x).plain == "y = Σ_i (x[i] - t[i])² / N, N = 4"
    assert here(lambda x: F.mse_loss(x, t, reduction="sum"), x).plain == "y = Σ_i (x[i] - t[i])²"
    mean, none = (
        here(lambda x, r=r: F.mse_loss(x, t, reduction=r), x, kind="backward", name="dx") for r in ("mean", "none")
    )
    assert mean.here == "dx[1, 1] = dy·2·(x[1, 1] - t[1, 1])/N, N = 4"
    assert none.here == "dx[1, 1] = dy[1, 1]·2·(x[1, 1] - t[1, 1])"


def test_the_other_sign_of_a_number_is_not_written_as_the_number():
    assert here(lambda x: -x, tensor([1.0])).numbers == "y[0] = -(1) = -1"
    assert here(lambda x: -x, tensor([-2.0])).numbers == "y[0] = -(-2) = 2"


# ---- what is computed otherwise is said ----


def test_a_stable_form_is_named_where_it_was_taken():
    negative = here(engine.sigmoid, tensor([-2.0]))
    assert negative.numbers == "y[0] = exp(-2)/(1 + exp(-2)) = 0.1192"
    assert negative.note.startswith("1/(1 + exp(-x)) is computed as exp(x)/(1 + exp(x)) where x < 0: the same number")
    positive = here(engine.sigmoid, tensor([2.0]))
    assert positive.numbers == "y[0] = 1/(1 + exp(-2)) = 0.8808" and positive.note == ""
    assert negative.note in str(negative) and negative.to_json()["note"] == negative.note
    assert "greatest of the row is subtracted" in here(lambda x: F.softmax(x, 1), pixels(1, 3)).note
    assert here(engine.tanh, tensor([2.0])).note == ""


# ---- rounding ----


def test_terms_that_cancel_are_written_in_more_digits():
    answer = here(lambda a, b: a - b, tensor([1.23456789]), tensor([1.23451234]))
    found, shown = value_of(answer.numbers)
    assert found == pytest.approx(shown, rel=1e-3) and shown == pytest.approx(5.555e-5)
    plain = here(lambda a, b: a - b, tensor([1.23456789]), tensor([-3.0]))
    assert plain.numbers == "y[0] = 1.2346 - (-3) = 4.2346"


@pytest.mark.parametrize(
    ("text", "value"),
    [("3·(-2)² - |1 - 4|/2", 10.5), ("√(4 + 5)·√16", 12.0), ("||-2| - 5|", 3.0), ("7 mod 4^1", 3.0), ("ln(exp(2))", 2.0)],
)
def test_lines_are_read_as_they_are_meant(text, value):
    assert computed(text) == pytest.approx(value)


def test_templates():
    text = "y = x⟦b: + b⟧⟦n > 1:⟦=n¦n⟧·z¦⟧⟦=k + i¦ at k⟧"
    assert general(text) == "y = x + bn·z at k"
    assert special(text, {"b": 0, "n": 3, "k": 1}) == "y = x3·z at k"
    assert special(text, {"b": 1, "n": 1, "k": 1, "i": 2}) == "y = x + b3"
    with pytest.raises(ValueError, match="has no colon"):
        special("⟦b⟧", {"b": 1})


def test_every_formula_can_be_typeset(explained):
    formulas = pytest.importorskip("gui.formulas")
    for latex in {answer.latex for answer in explained}:
        assert formulas.formula(latex).equations, latex
