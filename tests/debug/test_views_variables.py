"""The tree of variables of real frames, and what is evaluated and assigned in them."""

import collections
import random
import sys

import numpy as np
import pytest

import engine
from engine import nn, optim
from engine.debug.views import variables as module
from engine.debug.views.expressions import EvaluationError
from engine.debug.views.texts import text
from engine.debug.views.variables import Variables
from engine.tensor import wrap
from engine.trace import Observer, set_observer


class Bad:
    def __repr__(self):
        raise KeyError("no text")


class Counted:
    __slots__ = ("empty", "slot")
    reads = 0

    def __init__(self):
        self.slot = 5

    @property
    def costly(self):
        Counted.reads += 1
        return 1


class Point(collections.namedtuple("Point", "x y")):
    pass


def named(found):
    return {entry["name"]: entry for entry in found}


def opened(variables, frame, scope="Locals"):
    references = {entry["name"]: entry["variablesReference"] for entry in variables.scopes(frame)}
    return named(variables.variables(references[scope]))


def inside(variables, entry, **options):
    return named(variables.variables(entry["variablesReference"], **options))


def module_frame(source, **names):
    """The frame of a module's own code, as it stands at ``here()``."""
    caught = []
    scope = {"__name__": "__main__", "here": lambda: caught.append(sys._getframe(1)), **names}
    exec(source, scope)
    return caught[0]


def test_locals_of_many_kinds():
    number, words, nothing, bad, counted, point = 3, "two\nwords", None, Bad(), Counted(), Point(1, [2])
    items, mapping, several = list(range(2000)), {"a": 1, 2: [3], (4, 5): 6}, {7}
    array, tensor, _hidden = np.arange(6).reshape(2, 3), engine.ones(3, 2, requires_grad=True), 1
    variables, frame = Variables(), sys._getframe()
    found = opened(variables, frame)
    assert next(iter(found)) == "number" and list(found).index("_hidden") > list(found).index("tensor")
    assert found["number"] | {"name": "number", "value": "3", "type": "int", "variablesReference": 0} == found["number"]
    assert found["words"]["value"] == repr(words) and found["nothing"]["value"] == "None" and nothing is None and number
    assert found["bad"]["value"] == "<repr raised KeyError: 'no text'>" and bad is not None
    assert list(inside(variables, found["counted"])) == ["slot"] and Counted.reads == 0 and counted.slot == 5
    assert inside(variables, found["point"])["y"]["evaluateName"] == "point.y" and point.x == 1
    assert found["items"]["indexedVariables"] == 2000 and len(items) == 2000
    middle = inside(variables, found["items"], start=500, count=3)
    assert list(middle) == ["500", "501", "502"] and middle["501"]["evaluateName"] == "items[501]"
    assert len(inside(variables, found["items"])) == module.MOST_VARIABLES
    inner = inside(variables, found["mapping"])
    assert list(inner) == ["'a'", "2", "(4, 5)"] and "evaluateName" not in inner["(4, 5)"] and mapping
    assert inside(variables, inner["2"])["0"]["evaluateName"] == "mapping[2][0]"
    assert inside(variables, found["several"])["0"]["value"] == "7" and several
    assert found["array"]["tensor"] == {"shape": [2, 3], "dtype": "int64"} and array.size
    assert found["tensor"]["tensor"] == {"shape": [3, 2], "dtype": "float32", "requiresGrad": True, "hasGrad": False}
    parts = inside(variables, found["tensor"])
    assert parts["shape"]["value"] == "(3, 2)" and parts["grad"]["value"] == "None"
    assert parts["1"]["value"] == "float32 (2,) [1, 1]" and tensor.requires_grad
    assert list(inside(variables, found["tensor"], filter="indexed")) == ["0", "1", "2"]
    assert "0" not in inside(variables, found["tensor"], filter="named")
    assert sys.getrefcount(frame) and _hidden


def test_modules_and_optimizers():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = optim.Adam(model.parameters(), lr=0.25)
    model(engine.ones(4, 2)).sum().backward()
    optimizer.step()
    variables, frame = Variables(), sys._getframe()
    found = opened(variables, frame)
    assert found["model"]["value"] == "Sequential with 2 modules, 15 parameters"
    assert found["optimizer"]["value"] == "Adam, 4 parameters, lr 0.25"
    children = inside(variables, found["model"])
    assert list(children)[:2] == ["0", "1"] and "training" in children and "_parameters" not in children
    norm = inside(variables, children["1"])
    assert {"weight", "bias", "running_mean", "eps", "training"} <= set(norm)
    for entry in (*children.values(), *norm.values()):
        if "evaluateName" in entry:
            assert text(eval(entry["evaluateName"])) == entry["value"]
    groups = inside(variables, inside(variables, found["optimizer"])["param_groups"])
    assert inside(variables, groups["0"])["'lr'"]["value"] == "0.25"
    state = inside(variables, inside(variables, found["optimizer"])["state"])
    assert list(state) == ["tensor 0 (3, 2)", "tensor 1 (3,)", "tensor 2 (3,)", "tensor 3 (3,)"]
    assert "'exp_avg'" in inside(variables, state["tensor 0 (3, 2)"])
    tensors = opened(variables, frame, "Tensors")
    assert list(tensors) == [
        "model.0.weight", "model.0.bias", "model.1.weight", "model.1.bias",
        "model.1.running_mean", "model.1.running_var", "model.1.num_batches_tracked",
    ]  # fmt: skip
    for name, entry in tensors.items():
        assert eval(entry["evaluateName"]) is model.state_dict(keep_vars=True)[name.removeprefix("model.")]


def test_scopes_of_the_scripts_own_code():
    source = "import os\nfrom collections import OrderedDict\ndef mine(): pass\nlr = 0.1\nbatch = [t]\nhere()"
    frame = module_frame(source, t=engine.zeros(2))
    variables = Variables()
    assert [entry["name"] for entry in variables.scopes(frame)] == ["Globals", "Tensors"]
    # ``here`` comes from this module, OrderedDict and os from elsewhere.
    assert list(opened(variables, frame, "Globals")) == ["t", "lr", "batch", "mine"]
    assert list(opened(variables, frame, "Tensors")) == ["t"]


def test_references_end_with_the_stop_and_are_not_used_again():
    items = [1]
    variables, frame = Variables(), sys._getframe()
    first = variables.scopes(frame)
    assert variables.scopes(frame) == first and items
    variables.clear()
    with pytest.raises(EvaluationError, match="references end"):
        variables.variables(first[0]["variablesReference"])
    assert not {s["variablesReference"] for s in variables.scopes(frame)} & {s["variablesReference"] for s in first}


def test_texts_are_short_and_never_fail():
    deep = []
    deep.append(deep)
    values = ["x" * 10**6, list(range(10**6)), dict.fromkeys(range(1000), "y" * 1000), b"z" * 10**6, 10**10000, Bad(), deep,
              [Bad()], collections.defaultdict(list, {1: [2]}), np.zeros((500, 500)), engine.zeros(500, 500), Bad, len,
              collections.deque([1, 2]), np.array(None), np.zeros(0), frozenset([1]), {}, (1,),
              engine.tensor(1.5)]  # fmt: skip
    for value in values:
        assert 0 < len(text(value)) <= 200 and "\n" not in text(value)
    assert text((1,)) == "(1,)" and text(frozenset([1])) == "frozenset({1})" and text(engine.tensor(1.5)) == "1.5 (float32)"
    assert text(collections.deque([1, 2])) == "deque([1, 2])"


# ---- evaluation ----


def test_expressions_see_the_frame_and_leave_the_run_alone():
    x, factor = engine.ones(3, requires_grad=True), 2
    variables, frame, observer = Variables(), sys._getframe(), Observer()
    engine.manual_seed(0), random.seed(0), np.random.seed(0)
    expected = engine.rand(2).tolist(), random.random(), np.random.rand()
    engine.manual_seed(0), random.seed(0), np.random.seed(0)
    set_observer(observer)
    try:
        found = variables.evaluate(frame, "[x.sum() * factor * i for i in range(2)]", "watch")
        variables.evaluate(frame, "(torch.rand(3), random.random(), numpy.random.rand())", "watch",
                           {"torch": engine, "random": random, "numpy": np})  # fmt: skip
    finally:
        assert set_observer(None) is observer
    assert found["result"] == "[0 (float32), 6 (float32)]" and found["type"] == "list" and factor == 2
    assert inside(variables, found)["1"]["evaluateName"] == "([x.sum() * factor * i for i in range(2)])[1]"
    assert (engine.rand(2).tolist(), random.random(), np.random.rand()) == expected
    whole = variables.evaluate(frame, "x", "hover")
    assert whole["tensor"]["mean"] == 1 and whole["tensor"]["requiresGrad"] and whole["tensor"]["count"] == 3
    assert variables.evaluate(frame, "x", "watch", expandable=False)["variablesReference"] == 0 and x.requires_grad
    assert (x * 2).requires_grad


def test_names_beside_the_frames():
    loss = "the script's"
    variables, frame = Variables(), sys._getframe()
    extra = {"loss": 1.0, "step": 7, "dy": wrap(np.ones(2))}
    assert variables.evaluate(frame, "loss, step", "repl", extra)["result"] == "(\"the script's\", 7)" and loss
    assert variables.evaluate(None, "dy * step", "repl", extra)["result"] == "float64 (2,) [7, 7]"
    with pytest.raises(EvaluationError, match="SyntaxError"):
        variables.evaluate(None, "step = 3", "repl", extra)
    outer = module_frame("a = 1\nhere()")
    assert variables.evaluate(outer, "b = step + a\nb", "repl", extra)["result"] == "8"
    assert outer.f_globals["b"] == 8 and "step" not in outer.f_globals


def test_statements_change_the_frames_variables():
    lr, items, gone = 0.1, [], "here"
    variables, frame = Variables(), sys._getframe()

    def run(source):
        return variables.evaluate(frame, source, "repl")

    assert run("lr = lr * 10\nitems.append(lr)")["result"] == ""
    assert lr == 1.0 and items == [1.0]
    assert run("import math\nnew = [lr + i for i in range(2)]\nnew")["result"] == "[1.0, 2.0]"
    assert run("new[1] * math.pi")["result"] == repr(2.0 * 3.141592653589793)
    assert run("def f(): return lr + len(new)\nf()")["result"] == "3.0"
    assert run("print('said'); 5")["output"] == "said\n"
    assert run("for lr in range(3): pass")["type"] == "" and lr == 2
    assert run("None")["result"] == ""
    with pytest.raises(EvaluationError, match=r"^ZeroDivisionError: division by zero") as failed:
        run("lr = 7\nprint('before')\n1 / 0\nlr = 8")
    assert lr == 7 and failed.value.output == "before\n" and gone
    run("del gone")
    if sys.version_info < (3, 13):
        with pytest.raises(UnboundLocalError):
            gone


def test_cells_and_globals_are_written():
    count = 0

    def reader():
        return count

    variables, frame = Variables(), sys._getframe()
    variables.evaluate(frame, "count = 5", "repl")
    assert count == 5 and reader() == 5
    variables.evaluate(frame, "global SHARED\nSHARED = 3", "repl")
    assert globals().pop("SHARED") == 3


def test_globals_that_called_code_changes_are_kept():
    source = "n = 1\ndef bump():\n    global n\n    n += 1\ndef f():\n    k = 0\n    here()\nf()"
    frame = module_frame(source)
    Variables().evaluate(frame, "bump(); k = n", "repl")
    assert frame.f_globals["n"] == 2


@pytest.mark.parametrize(("source", "message"), [
    ("nowhere", "NameError: name 'nowhere' is not defined"), ("1 +", "SyntaxError"),
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"), ("[].pop()", "IndexError: pop from empty list"), ("\0", "Error"),
    ("(" * 5000, "Error"), ("return 3", "SyntaxError"),
])  # fmt: skip
def test_errors_are_told_with_their_type(source, message):
    with pytest.raises(EvaluationError, match=message.replace("(", r"\(")):
        Variables().evaluate(sys._getframe(), source, "repl")
    assert engine.is_grad_enabled()


def test_output_is_bounded():
    found = Variables().evaluate(sys._getframe(), "for i in range(3): print('x' * 50_000)", "repl")
    assert len(found["output"]) == 1 << 16


# ---- assignment ----


def test_setting_expressions():
    model, lr, items = nn.Linear(3, 2), 0.5, [1, 2]
    variables, frame, told = Variables(), sys._getframe(), []
    assert variables.set_expression(frame, "lr", "lr / 2")["value"] == "0.25" and lr == 0.25
    assert variables.set_expression(frame, "items[-1]", "9")["value"] == "9" and items == [1, 9]
    variables.set_expression(frame, "model.weight[1, 2]", "7.5", lambda array: told.append(array.copy()))
    assert model.weight[1, 2].item() == 7.5 and told[0][1, 2] != 7.5 and model.weight.requires_grad
    for target in ("1", "f()", "a b", "lr + 1", "(lr, items)"):
        with pytest.raises(EvaluationError):
            variables.set_expression(frame, target, "1")
    with pytest.raises(EvaluationError, match="TypeError"):
        variables.set_expression(frame, "model.weight", "3")


def test_setting_variables_of_the_tree():
    lr, items, mapping, pair, vector = 0.5, [1, 2], {"a": 1}, (1, 2), engine.zeros(3)
    optimizer = optim.SGD([engine.ones(2, requires_grad=True)], lr=0.1)
    variables, frame = Variables(), sys._getframe()
    locals_reference = variables.scopes(frame)[0]["variablesReference"]
    assert variables.set_variable(locals_reference, "lr", "0.75")["value"] == "0.75" and lr == 0.75
    found = named(variables.variables(locals_reference))

    def put(entry, name, value):
        return variables.set_variable(entry["variablesReference"], name, value)["value"]

    assert put(found["items"], "1", "items[0] + 40") == "41" and items == [1, 41]
    assert put(found["mapping"], "'a'", "'z'") == "'z'" and mapping == {"a": "z"}
    assert put(found["vector"], "2", "4.0") == "4.0" and vector.tolist() == [0, 0, 4]
    group = inside(variables, inside(variables, found["optimizer"])["param_groups"])["0"]
    assert put(group, "'lr'", "0.3") == "0.3" and optimizer.param_groups[0]["lr"] == 0.3
    for entry, name in ((found["pair"], "0"), (found["items"], "5"), (found["items"], "x")):
        with pytest.raises(EvaluationError):
            put(entry, name, "1")
    assert pair == (1, 2)


def test_statements_at_a_traced_line_stay():
    variables = Variables()

    def traced():
        lr, other = 0.1, 1
        other += 1
        return lr, other

    def trace(frame, event, argument):
        if frame.f_code is traced.__code__ and event == "line" and "other" in frame.f_locals:
            variables.evaluate(frame, "lr = 'changed'", "repl")
            assert frame.f_locals["lr"] == "changed"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = traced()
    finally:
        sys.settrace(before)
    assert found == ("changed", 2)
