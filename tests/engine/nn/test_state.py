"""state_dict and load_state_dict, as PyTorch's."""

import pytest

import engine
from engine import nn
from engine.errors import CheckpointError
from tests.engine.nn.pairs import assert_same


def network(torch):
    return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1, bias=False))


def attempt(torch, change, **options):
    m = network(torch)
    state = network(torch).state_dict()
    change(torch, state)
    result = m.load_state_dict(state, **options)
    return repr(result), result.missing_keys, result.unexpected_keys, {k: v.tolist() for k, v in m.state_dict().items()}


CHANGES = {
    "nothing": lambda t, s: None,
    "missing": lambda t, s: (s.pop("0.weight"), s.pop("1.running_mean")),
    "unexpected": lambda t, s: s.update({"0.x": t.zeros(1), "3.weight": t.zeros(1), "0.weight.y": t.zeros(1)}),
    "shape": lambda t, s: s.update({"0.weight": t.zeros(2, 3), "2.weight": t.zeros(1)}),
    "all of it": lambda t, s: (s.pop("0.weight"), s.update({"0.x": t.zeros(1), "2.weight": t.zeros(1)})),
    "not a tensor": lambda t, s: s.update({"0.bias": 3}),
    "other dtype": lambda t, s: s.update({"0.bias": t.tensor([1.5, 2.5], dtype=t.float64)}),
    "extra state": lambda t, s: s.update({"0._extra_state": 1}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("options", [{}, {"strict": False}, {"assign": True}])
def test_loading(change, options):
    assert_same(lambda t: attempt(t, CHANGES[change], **options))


def test_errors_are_of_this_engine_too():
    with pytest.raises(CheckpointError, match="size mismatch for weight"):
        nn.Linear(2, 2).load_state_dict(nn.Linear(3, 2).state_dict())
    assert_same(lambda t: t.nn.Linear(1, 1).load_state_dict([1]))


def test_the_dictionary_shares_memory_and_can_keep_parameters():
    m = nn.Linear(1, 1)
    state = m.state_dict()
    assert not state["weight"].requires_grad
    with engine.no_grad():
        state["weight"].fill_(7)
    assert m.weight.item() == 7
    assert m.state_dict(keep_vars=True)["weight"] is m.weight
    assert list(m.state_dict(prefix="net.")) == ["net.weight", "net.bias"]


def test_metadata_holds_versions():
    assert_same(lambda t: {k: dict(v) for k, v in network(t).state_dict()._metadata.items()})


def test_batch_norm_loads_a_state_of_version_1():
    def code(torch):
        m = torch.nn.BatchNorm1d(2)
        m(torch.ones(3, 2))
        state = m.state_dict()
        del state["num_batches_tracked"], state._metadata
        result = m.load_state_dict(state)
        return repr(result), m.num_batches_tracked.item()

    assert_same(code)


def test_assign_keeps_requires_grad_and_takes_the_tensors():
    m = nn.Linear(2, 1)
    m.weight.requires_grad_(False)
    new = {"weight": engine.ones(1, 2), "bias": nn.Parameter(engine.ones(1))}
    m.load_state_dict(new, assign=True)
    assert m.bias is new["bias"] and not m.weight.requires_grad and isinstance(m.weight, nn.Parameter)
    with engine.no_grad():
        new["weight"].fill_(4)
    assert m.weight.tolist() == [[4.0, 4.0]]


def test_buffers_that_are_not_persistent_stay_out():
    def code(torch):
        m = torch.nn.Module()
        m.register_buffer("a", torch.zeros(1), persistent=False)
        m.register_buffer("b", torch.zeros(1))
        m.c = torch.nn.Buffer(torch.zeros(1), persistent=False)
        before = list(m.state_dict())
        m.register_buffer("a", torch.zeros(1))
        m.register_buffer("b", None)
        return before, list(m.state_dict()), [n for n, _ in m.named_buffers()]

    assert_same(code)


def test_extra_state():
    def code(torch):
        class Counter(torch.nn.Module):
            def __init__(self, count):
                super().__init__()
                self.count = count

            def get_extra_state(self):
                return {"count": self.count}

            def set_extra_state(self, state):
                self.count = state["count"]

        a, b = torch.nn.Sequential(Counter(3)), torch.nn.Sequential(Counter(0))
        b.load_state_dict(a.state_dict())
        missing = b.load_state_dict({}, strict=False).missing_keys
        return list(a.state_dict()), b[0].count, missing

    assert_same(code)
