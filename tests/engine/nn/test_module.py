"""Module: members, traversal, calling, printing, conversions, as PyTorch's."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import nn, trace
from engine.errors import DeviceError, MissingError
from tests.engine.nn.pairs import assert_same, both

LEAVES = ("Linear(2, 3)", "ReLU()", "Linear(2, 2, bias=False)", "BatchNorm1d(3)", "Flatten()", "Identity()")


@st.composite
def trees(draw, depth=2):
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(LEAVES))
    children = draw(st.lists(trees(depth=depth - 1), max_size=3))
    return draw(st.sampled_from(("Sequential", "ModuleList", "ModuleDict"))), children


def build(torch, tree):
    if isinstance(tree, str):
        name, _, arguments = tree.partition("(")
        return eval(f"make({arguments}", {"make": getattr(torch.nn, name)})
    kind, children = tree
    modules = [build(torch, child) for child in children]
    if kind == "ModuleDict":
        return torch.nn.ModuleDict({f"c{i}": m for i, m in enumerate(modules)})
    return torch.nn.Sequential(*modules) if kind == "Sequential" else torch.nn.ModuleList(modules)


@given(trees())
def test_trees_look_like_torchs(tree):
    def describe(torch):
        module = build(torch, tree)
        module.eval()
        return (
            repr(module),
            [name for name, _ in module.named_parameters("root")],
            [name for name, _ in module.named_buffers(recurse=True)],
            [(name, type(m).__name__) for name, m in module.named_modules()],
            [name for name, _ in module.named_children()],
            {key: value.tolist() for key, value in module.state_dict().items()},
            [m.training for m in module.modules()],
        )

    assert_same(describe)


def test_shared_members_come_once():
    def describe(torch):
        a = torch.nn.Linear(2, 2)
        m = torch.nn.Sequential(a, torch.nn.ReLU(), a)
        m.tied = a.weight
        found = [n for n, _ in m.named_parameters()], [n for n, _ in m.named_parameters(remove_duplicate=False)]
        modules = [n for n, _ in m.named_modules()], [n for n, _ in m.named_modules(remove_duplicate=False)]
        return found, modules, len(list(m.children())), list(m.state_dict())

    assert_same(describe)


class Holder:
    """Code that assigns, run with both frameworks."""

    @staticmethod
    def before_init(torch, value):
        class Bad(torch.nn.Module):
            def __init__(self):
                self.member = value(torch)

        return Bad()

    @staticmethod
    def after_init(torch, *values):
        m = torch.nn.Module()
        for value in values:
            m.member = value(torch)
        return sorted(m._parameters), sorted(m._buffers), sorted(m._modules), "member" in m.__dict__


VALUES = {
    "parameter": lambda t: t.nn.Parameter(t.zeros(2)),
    "buffer": lambda t: t.nn.Buffer(t.zeros(2)),
    "module": lambda t: t.nn.ReLU(),
    "tensor": lambda t: t.zeros(2),
    "number": lambda t: 3,
    "none": lambda t: None,
}


@pytest.mark.parametrize("kind", VALUES)
def test_assigning_before_init(kind):
    theirs, ours = both(lambda t: type(Holder.before_init(t, VALUES[kind])).__name__)
    assert ours == theirs


@pytest.mark.parametrize("second", VALUES)
@pytest.mark.parametrize("first", VALUES)
def test_assigning_one_kind_over_another(first, second):
    assert_same(lambda t: Holder.after_init(t, VALUES[first], VALUES[second]))


@pytest.mark.parametrize("register", ["register_parameter", "register_buffer", "add_module"])
@pytest.mark.parametrize("name", ["a.b", "", "weight", "forward", 3])
def test_names_that_cannot_be_registered(register, name):
    value = VALUES["module" if register == "add_module" else "parameter" if "param" in register else "tensor"]

    def code(torch):
        m = torch.nn.Linear(1, 1)
        getattr(m, register)(name, value(torch))
        return sorted(m.state_dict())

    assert_same(code)


@pytest.mark.parametrize("value", ["tensor", "number", "non-leaf"])
def test_what_is_not_a_parameter_is_refused(value):
    make = {**VALUES, "non-leaf": lambda t: t.nn.Parameter(t.zeros(1)) * 2}[value]
    assert_same(lambda t: t.nn.Module().register_parameter("w", make(t)))
    if value == "number":
        assert_same(lambda t: t.nn.Module().register_buffer("w", make(t)))
        assert_same(lambda t: t.nn.Module().add_module("w", make(t)))


def test_attribute_errors_and_deletion():
    assert_same(lambda t: t.nn.Linear(1, 1).nothing)

    def deleted(torch):
        m = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(2))
        del m[0].weight, m[1].running_mean
        m[0].weight = 3
        return sorted(m.state_dict()), m[0].__dict__["weight"], "running_mean" in dir(m[1]), "bias" in dir(m[0])

    assert_same(deleted)


@pytest.mark.parametrize("path", ["", "0", "1.0", "1.weight", "2", "0.weight.x"])
def test_paths(path):
    def code(torch, get):
        m = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Sequential(torch.nn.BatchNorm1d(2)))
        return type(getattr(m, get)(path)).__name__

    assert_same(lambda t: code(t, "get_submodule"))


def test_members_by_path():
    def code(torch):
        m = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Sequential(torch.nn.BatchNorm1d(2)))
        return m.get_parameter("0.weight").shape[0], m.get_buffer("1.0.running_var").tolist()

    assert_same(code)
    assert_same(lambda t: t.nn.BatchNorm1d(2).get_parameter("running_mean"))
    assert_same(lambda t: t.nn.BatchNorm1d(2).get_buffer("weight"))
    assert_same(lambda t: t.nn.Linear(1, 1).get_parameter("no.weight"))


def test_forward_is_required_and_train_takes_a_bool():
    assert_same(lambda t: t.nn.Module()(1))
    assert_same(lambda t: t.nn.Linear(1, 1).train(1))


def test_apply_goes_children_first():
    def code(torch):
        seen = []
        torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Sequential(torch.nn.ReLU())).apply(
            lambda m: seen.append(type(m).__name__)
        )
        return seen

    assert_same(code)


@pytest.mark.parametrize("arguments", ["t.float64", "'cpu'", "'cpu', t.float64", "t.zeros(1, dtype=t.float64)",
                                       "dtype=t.float64, device='cpu'", "t.int64", "nothing=1"])
def test_to(arguments):
    def code(torch):
        m = torch.nn.BatchNorm1d(2)
        m.weight.grad = torch.ones(2)
        before = m.weight
        result = eval(f"m.to({arguments})", {"m": m, "t": torch})
        grad = str(m.weight.grad.dtype)
        return result is m, m.weight is before, grad, {k: str(v.dtype) for k, v in m.state_dict().items()}

    theirs, ours = both(code)
    if arguments == "nothing=1":
        assert ours[0] == theirs[0] == "TypeError"
    else:
        assert ours == theirs


def test_other_conversions():
    m = nn.BatchNorm1d(2).double()
    assert m.running_mean.dtype is engine.float64 and m.num_batches_tracked.dtype is engine.int64
    assert m.float().cpu().weight.dtype is engine.float32
    assert m.type(engine.float64).num_batches_tracked.dtype is engine.float64
    with pytest.raises(MissingError, match="float16"):
        m.half()
    for call in (m.cuda, lambda: m.to("cuda"), lambda: m.to(0), lambda: nn.Linear(1, 1, device="cuda")):
        with pytest.raises(DeviceError, match="no NVIDIA driver|no usable GPU"):
            call()


def test_gradients_are_forgotten_or_zeroed():
    m = nn.Linear(2, 1)
    m(engine.ones(1, 2)).sum().backward()
    kept = m.weight.grad
    m.zero_grad(set_to_none=False)
    assert m.weight.grad is kept and kept.tolist() == [[0.0, 0.0]]
    m.zero_grad()
    assert m.weight.grad is None
    assert not m.requires_grad_(False).weight.requires_grad


def test_deepcopy_is_independent():
    m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    m.again = m[0]
    m[0].register_forward_hook(lambda *_: None)
    m[0].weight.grad = engine.ones(2, 2)
    c = copy.deepcopy(m)
    assert c[0] is c.again and c[0].weight is not m[0].weight and isinstance(c[0].weight, nn.Parameter)
    assert c[0].weight.tolist() == m[0].weight.tolist() and c[0].weight.grad is None
    with engine.no_grad():
        c[0].weight.zero_()
    assert np.any(m[0].weight.detach().numpy() != 0) and len(c[0]._forward_hooks) == 1


def test_parameter():
    data = engine.zeros(2)
    p = nn.Parameter(data)
    with engine.no_grad():
        p.add_(1)
    assert data.tolist() == [1.0, 1.0] and p.is_leaf and p.requires_grad
    assert_same(lambda t: repr(t.nn.Parameter(t.tensor([1.5, 2.0]))))
    assert_same(lambda t: repr(t.nn.Parameter(t.tensor([1, 2]), requires_grad=False)))
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(engine.tensor([1]))
    with pytest.raises(TypeError, match="Tensor"):
        nn.Parameter([1.0])
    assert not nn.Buffer(data, persistent=False).persistent


class Recorder(trace.Observer):
    def __init__(self):
        self.events = []

    def enter_module(self, module, inputs):
        self.events.append(("enter", type(module).__name__, len(inputs)))

    def exit_module(self, module, outputs):
        self.events.append(("exit", type(module).__name__, outputs is not None))


def test_the_observer_sees_every_call():
    recorder = Recorder()
    previous = trace.set_observer(recorder)
    try:
        nn.Sequential(nn.Identity(), nn.Identity())(engine.ones(1))
        with pytest.raises(NotImplementedError):
            nn.Sequential(nn.Module())(engine.ones(1))
    finally:
        trace.set_observer(previous)
    assert recorder.events == [
        ("enter", "Sequential", 1),
        ("enter", "Identity", 1),
        ("exit", "Identity", True),
        ("enter", "Identity", 1),
        ("exit", "Identity", True),
        ("exit", "Sequential", True),
        ("enter", "Sequential", 1),
        ("enter", "Module", 1),
        ("exit", "Module", False),
        ("exit", "Sequential", False),
    ]
