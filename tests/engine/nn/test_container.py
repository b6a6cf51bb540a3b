"""Containers, as PyTorch's."""

from collections import OrderedDict

import pytest

import engine
from engine import nn
from tests.engine.nn.pairs import assert_same


def sequence(torch, kind="Sequential"):
    modules = [torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1), torch.nn.Tanh()]
    return torch.nn.Sequential(*modules) if kind == "Sequential" else torch.nn.ModuleList(modules)


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
@pytest.mark.parametrize(
    "statement",
    [
        "m[0]", "m[-1]", "m[4]", "m[-5]", "m[1:3]", "m[::2]", "len(m)", "m.append(t.nn.ReLU())",
        "m.insert(1, t.nn.GELU())", "m.insert(9, t.nn.GELU())", "m.insert(0, 3)", "m.extend([t.nn.ELU()])",
        "m.pop(1)", "m.pop(-1)", "m.__delitem__(0)", "m.__delitem__(slice(1, 3))", "m.__setitem__(1, t.nn.ELU())",
        "m.__setitem__(7, t.nn.ELU())", "[type(x).__name__ for x in m]", "m + type(m)(*([t.nn.ELU()],) * 0)",
        "m[2] in m", "m.__setitem__(1, 3)",
    ],
)
def test_sequences(kind, statement):
    if "insert(0, 3)" in statement and kind == "ModuleList":
        pytest.skip("PyTorch fails later, without a message of its own")

    def code(torch):
        m = sequence(torch, kind)
        result = eval(statement, {"m": m, "t": torch})
        return repr(result), repr(m), list(m.state_dict())

    assert_same(code)


def test_sequential_from_an_ordered_dict_and_arithmetic():
    def code(torch):
        named = torch.nn.Sequential(OrderedDict([("first", torch.nn.ReLU()), ("second", torch.nn.Tanh())]))
        both = named + torch.nn.Sequential(torch.nn.ELU())
        named.append(torch.nn.ELU())
        named += torch.nn.Sequential(torch.nn.GELU())
        return repr(named), repr(both), repr(both * 2), repr(named[1:]), named.first is named[0]

    assert_same(code)
    assert_same(lambda t: t.nn.Sequential() + 3)
    assert_same(lambda t: t.nn.Sequential(t.nn.ReLU()) * 0)


def test_sequential_calls_in_order():
    m = nn.Sequential(nn.ReLU(), nn.Flatten(0))
    assert m(engine.tensor([[-1.0, 2.0]])).tolist() == [0.0, 2.0]
    empty = nn.Sequential()
    assert empty(3) == 3


def test_module_list_prints_repetitions_once():
    assert_same(lambda t: repr(t.nn.ModuleList([t.nn.Linear(1, 2), t.nn.Linear(1, 2), t.nn.ReLU()])))
    assert_same(lambda t: repr(t.nn.ModuleList([t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh()) for _ in range(2)])))
    assert_same(lambda t: t.nn.ModuleList([t.nn.ReLU()]).extend(3))


def test_module_dict():
    def code(torch):
        m = torch.nn.ModuleDict({"a": torch.nn.Linear(1, 1), "b": torch.nn.ReLU()})
        m["c"] = torch.nn.Tanh()
        m.update([("d", torch.nn.ELU())])
        popped = m.pop("b")
        del m["d"]
        found = "a" in m, len(m), list(m), list(m.keys()), [k for k, _ in m.items()], len(list(m.values()))
        text = repr(m), repr(popped), list(m.state_dict())
        m.clear()
        return found, text, repr(m)

    assert_same(code)
    assert_same(lambda t: t.nn.ModuleDict({"a": 1}))


def test_parameter_list():
    def code(torch):
        m = torch.nn.ParameterList([torch.zeros(2, 3), torch.nn.Parameter(torch.ones(1))])
        m.append(torch.zeros(2)).extend([torch.nn.Parameter(torch.zeros(1))])
        m[0] = torch.ones(1, 4)
        m += [torch.zeros(3)]
        kinds = [type(p).__name__ for p in m]
        return repr(m), len(m), kinds, list(m.state_dict()), repr(m[1:3]), m[-1].shape[0]

    assert_same(code)
    assert_same(lambda t: t.nn.ParameterList([t.zeros(1)])[1].shape)


def test_parameter_dict():
    def code(torch):
        m = torch.nn.ParameterDict({"a": torch.zeros(2, 3)})
        m["b"] = torch.nn.Parameter(torch.ones(1))
        m.update({"c": torch.zeros(1)})
        popped = m.pop("b")
        del m["c"]
        return (repr(m), type(m["a"]).__name__, list(m), "a" in m, len(m), list(m.state_dict()), popped.shape[0],
                m.get("x", 5), [k for k, _ in m.items()], len(list(m.values())), list(m.keys()))

    assert_same(code)
    assert_same(lambda t: t.nn.ParameterDict({"a": t.zeros(1)})["b"])
