"""Hooks: when they are called, with what, and what their results do, as in PyTorch."""

import pytest

import engine
from engine import nn
from tests.engine.nn.pairs import assert_same, plain


def gradients(values):
    return plain(tuple(values))


def test_forward_hooks_in_order():
    def code(torch):
        log = []
        m = torch.nn.Identity()
        m.register_forward_pre_hook(lambda mod, args: log.append(("pre1", plain(args))) or (args[0] + 1,))
        m.register_forward_pre_hook(lambda mod, args: log.append(("pre0", plain(args))) or args[0] * 2, prepend=True)
        m.register_forward_hook(lambda mod, args, out: log.append(("post1", plain(args), plain(out))) or out * 10)
        m.register_forward_hook(lambda mod, args, out: log.append(("post0", plain(out))), prepend=True)
        handle = m.register_forward_hook(lambda mod, args, out: log.append("removed"))
        handle.remove()
        handle.remove()
        with m.register_forward_hook(lambda mod, args, out: log.append("within")):
            first = m(torch.ones(1)).tolist()
        return log, first, m(torch.ones(1)).tolist(), log

    assert_same(code)


def test_hooks_with_keyword_arguments():
    def code(torch):
        class Scale(torch.nn.Module):
            def forward(self, x, by=1.0):
                return x * by

        log = []
        m = Scale()
        m.register_forward_pre_hook(
            lambda mod, args, kwargs: (args, {"by": kwargs.get("by", 2.0) + 1}), with_kwargs=True
        )
        m.register_forward_hook(
            lambda mod, args, kwargs, out: log.append((plain(args), plain(kwargs), plain(out))), with_kwargs=True
        )
        return m(torch.ones(2)).tolist(), m(torch.ones(2), by=5.0).tolist(), log

    assert_same(code)


def test_a_pre_hook_with_keyword_arguments_returns_a_pair():
    def code(torch):
        m = torch.nn.Identity()
        m.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
        return m(torch.ones(1)).tolist()

    assert_same(code)


def test_always_called_hooks():
    def code(torch):
        log = []

        class Fails(torch.nn.Module):
            def forward(self, x):
                raise ValueError("no")

        m = Fails()
        m.register_forward_hook(lambda mod, args, out: log.append("usual"))
        m.register_forward_hook(lambda mod, args, out: log.append(("always", out)), always_call=True)
        try:
            m(torch.ones(1))
        except ValueError as error:
            return str(error), log

    assert_same(code)


def backward_log(torch, needs, hook_results=(None, None), loss=lambda outputs: sum(o.sum() for o in outputs)):
    class Mix(torch.nn.Module):
        def forward(self, a, b, number=3):
            return a * number, b.detach(), a * b

    log = []
    m = Mix()
    change, change_before = hook_results
    m.register_full_backward_hook(
        lambda mod, gi, go: log.append(("full", gradients(gi), gradients(go))) or (change and change(gi))
    )
    m.register_full_backward_pre_hook(
        lambda mod, go: log.append(("pre", gradients(go))) or (change_before and change_before(go))
    )
    a = torch.tensor([1.0, 2.0], requires_grad=needs[0])
    b = torch.tensor([3.0, 4.0], requires_grad=needs[1])
    outputs = m(a, b, 3)
    loss(outputs).backward()
    return log, plain(a.grad), plain(b.grad), [o.requires_grad for o in outputs]


@pytest.mark.parametrize("needs", [(True, False), (False, True), (True, True)])
def test_backward_hooks_see_all_gradients(needs):
    assert_same(lambda t: backward_log(t, needs, loss=lambda outputs: outputs[2].sum()))


def test_backward_hooks_when_an_output_is_not_used():
    assert_same(lambda t: backward_log(t, (True, True), loss=lambda outputs: (outputs[0] * 2).sum()))


def test_backward_hooks_replace_gradients():
    def doubled(values):
        return tuple(None if v is None else v * 2 for v in values)

    assert_same(lambda t: backward_log(t, (True, True), (doubled, None)))
    assert_same(lambda t: backward_log(t, (True, True), (None, doubled)))
    assert_same(lambda t: backward_log(t, (True, True), (doubled, doubled)))


@pytest.mark.parametrize("which", [0, 1])
def test_backward_hooks_that_return_too_much(which):
    results = [None, None]
    results[which] = lambda values: (values[0],) * 7
    assert_same(lambda t: backward_log(t, (True, True), tuple(results)))


@pytest.mark.filterwarnings("ignore:Full backward hook")
def test_backward_hooks_without_inputs_that_require_gradients():
    def code(torch, answer):
        log = []
        m = torch.nn.Linear(2, 1, bias=False)
        m.register_full_backward_hook(lambda mod, gi, go: log.append((gradients(gi), gradients(go))) or answer(torch))
        m(torch.ones(1, 2)).sum().backward()
        return log, m.weight.grad.tolist()

    assert_same(lambda t: code(t, lambda t: None))
    assert_same(lambda t: code(t, lambda t: (None,)))
    assert_same(lambda t: code(t, lambda t: (t.ones(1, 2),)))


def test_backward_hooks_of_a_network_go_from_the_end():
    def code(torch):
        log = []
        m = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
        for name, child in m.named_modules():
            child.register_full_backward_hook(lambda mod, gi, go, name=name: log.append(("full", name)))
            child.register_full_backward_pre_hook(lambda mod, go, name=name: log.append(("pre", name)))
        m(torch.ones(1, 2, requires_grad=True)).sum().backward()
        return log

    assert_same(code)


def test_no_backward_hook_without_gradients():
    m = nn.Identity()
    m.register_full_backward_hook(lambda *_: None)
    x = engine.ones(2, requires_grad=True)
    with engine.no_grad():
        assert m(x) is x
