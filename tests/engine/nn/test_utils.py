"""nn.utils and the composed functions of nn.functional, as PyTorch's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.nn import functional as F
from engine.nn import utils
from tests.engine.nn.pairs import assert_close, assert_same


def parameters(torch, scale=1.0):
    made = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((2, 3), (4,), ())]
    for p in made:
        p.grad = torch.randn(tuple(p.shape)) * scale
    return [*made, torch.nn.Parameter(torch.zeros(2))]


@given(st.sampled_from([0.5, 1.0, 2.0, 3.0, math.inf]), st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_clipping_by_norm(norm_type, scale, max_norm):
    def code(torch):
        made = parameters(torch, scale)
        total = torch.nn.utils.clip_grad_norm_(iter(made), max_norm, norm_type, foreach=False)
        return [total.item(), [p.grad.tolist() for p in made[:3]]]

    assert_close(code, rtol=1e-4)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_norm_that_is_not_finite(value):
    def code(torch, refuse):
        made = parameters(torch)
        made[1].grad[0] = value
        torch.nn.utils.clip_grad_norm_(made, 1.0, error_if_nonfinite=refuse)
        return [str(x) for p in made[:3] for x in p.grad.reshape(-1).tolist()]

    assert_same(lambda t: code(t, False))
    assert_same(lambda t: code(t, True))


def test_clipping_of_nothing_and_of_one():
    assert_same(lambda t: t.nn.utils.clip_grad_norm_([], 1.0).item())

    def code(torch):
        p = parameters(torch, 10.0)[0]
        torch.nn.utils.clip_grad_value_(p, 0.5)
        return p.grad.tolist()

    assert_same(code)
    total = utils.get_total_norm([engine.tensor([3.0]), engine.tensor([4.0])])
    assert total.item() == pytest.approx(5.0)


def test_parameters_as_a_vector():
    def code(torch):
        m = torch.nn.Linear(3, 2)
        vector = torch.nn.utils.parameters_to_vector(m.parameters())
        torch.nn.utils.vector_to_parameters(vector.detach() * 2, m.parameters())
        return vector.tolist(), m.weight.tolist(), m.bias.tolist(), vector.requires_grad

    assert_same(code)
    with pytest.raises(RuntimeError, match="8 elements"):
        utils.vector_to_parameters(engine.zeros(8), [engine.zeros(3), engine.zeros(6)])


FUNCTIONS = [
    "F.normalize(x)", "F.normalize(x, p=1, dim=-1)", "F.normalize(x * 0, eps=0.5)", "F.cosine_similarity(x, y)",
    "F.cosine_similarity(x, y[:1], dim=-1)", "F.pairwise_distance(x, y)",
    "F.pairwise_distance(x, y, 1.0, keepdim=True)",
    "F.scaled_dot_product_attention(x, y, y)", "F.scaled_dot_product_attention(x, y, y, is_causal=True)",
    "F.scaled_dot_product_attention(x, y, y, mask, scale=0.3)",
    "F.scaled_dot_product_attention(x, y, y, t.zeros(3, 3).masked_fill(mask, -1.0))",
    "F.hardswish(x)", "F.hardsigmoid(x)", "F.tanhshrink(x)", "F.prelu(x, y[0])", "F.softmin(x, 0)",
]


@pytest.mark.parametrize("text", FUNCTIONS)
def test_composed_functions(text):
    def code(torch):
        x, y = (torch.randn(3, 4, requires_grad=True) for _ in range(2))
        mask = torch.tensor([[True, False, False], [True, True, False], [False, True, True]])
        result = eval(text, {"F": torch.nn.functional, "x": x, "y": y, "mask": mask, "t": torch})
        (result * torch.randn(*result.shape)).sum().backward()
        return [result.tolist(), x.grad.tolist(), y.grad.tolist() if y.grad is not None else 0]

    assert_close(code, rtol=1e-4, atol=1e-5, seed=2)


@pytest.mark.parametrize("call", ["F.one_hot(t.tensor([[0, 2], [1, 1]]))", "F.one_hot(t.tensor([1, 0]), 5)",
                                  "F.one_hot(t.zeros(0, dtype=t.int64), 3)"])
def test_one_hot(call):
    assert_same(lambda t: [(r := eval(call, {"F": t.nn.functional, "t": t})).tolist(), list(r.shape), str(r.dtype)])


@pytest.mark.parametrize(("classes", "count", "message"), [([-1], -1, "non-negative"), ([3], 3, "smaller than num"),
                                                           ([], -1, "Can not infer"), ([1.0], 3, "LongTensor")])
def test_one_hot_refuses(classes, count, message):
    dtype = engine.float32 if classes == [1.0] else engine.int64
    with pytest.raises(RuntimeError, match=message):
        F.one_hot(engine.tensor(classes, dtype=dtype), count)


def test_prelu_and_attention_refuse():
    with pytest.raises(RuntimeError, match="3 elements but input has 4 channels"):
        F.prelu(engine.zeros(2, 4), engine.zeros(3))
    with pytest.raises(RuntimeError, match="is_causal"):
        F.scaled_dot_product_attention(*[engine.zeros(2, 2)] * 3, engine.zeros(2, 2), is_causal=True)
    with pytest.raises(NotImplementedError, match="inplace"):
        F.hardswish(engine.zeros(1), inplace=True)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_sequences_are_padded_to_the_longest(batch_first, side):
    def code(torch):
        pad_sequence = torch.nn.utils.rnn.pad_sequence
        words = pad_sequence([torch.tensor([4, 2]), torch.tensor([7]), torch.tensor([1, 5, 3])], batch_first, 0, side)
        long, short = torch.randn(3, 2).requires_grad_(), torch.randn(1, 2).requires_grad_()
        both = pad_sequence((short, long), batch_first=batch_first, padding_value=-1.5, padding_side=side)
        (both * both).sum().backward()
        return [words.tolist(), str(words.dtype), both.tolist(), short.grad.tolist(), long.grad.tolist()]

    assert_same(code)


def test_sequences_that_cannot_be_padded():
    pad_sequence = utils.rnn.pad_sequence
    with pytest.raises(RuntimeError, match=r"sequence 1 has shape \(2, 4\) but the first has \(2, 3\)"):
        pad_sequence([engine.ones(2, 3), engine.ones(2, 4)])
    with pytest.raises(RuntimeError, match="empty list"):
        pad_sequence([])
    with pytest.raises(RuntimeError, match="'left' or 'right'"):
        pad_sequence([engine.ones(2)], padding_side="both")
    with pytest.raises(AttributeError, match="torch.nn.utils.rnn.pack_padded_sequence"):
        utils.rnn.pack_padded_sequence
