"""Every layer: initial values, print-out, state and results as PyTorch's."""

import pytest

import engine
from engine import nn
from engine.errors import EngineError
from tests.engine.nn.pairs import assert_close, assert_same

IMAGE, SIGNAL, ROWS = (2, 4, 6, 5), (2, 4, 7), (3, 4)

LAYERS = [
    ("Linear(4, 3)", ROWS), ("Linear(4, 3, bias=False)", (2, 3, 4)), ("Linear(0, 2)", (2, 0)),
    ("Linear(4, 3, dtype=t.float64)", None), ("Identity(3, x=1)", ROWS),
    ("Flatten()", IMAGE), ("Flatten(0, 1)", IMAGE), ("Unflatten(1, (2, 2))", ROWS),
    ("Conv1d(4, 6, 3)", SIGNAL), ("Conv1d(4, 6, 3, padding='same', dilation=2)", SIGNAL),
    ("Conv1d(4, 2, 3, padding=1, padding_mode='circular', bias=False)", SIGNAL),
    ("Conv2d(4, 6, 3)", IMAGE), ("Conv2d(4, 6, (2, 3), stride=2, padding=(1, 0), groups=2, bias=False)", IMAGE),
    ("Conv2d(4, 6, (2, 3), padding='same', dilation=(1, 2))", IMAGE), ("Conv2d(4, 2, 3, padding='valid')", IMAGE),
    ("Conv2d(4, 2, 3, padding=(1, 2), padding_mode='reflect')", IMAGE),
    ("Conv2d(4, 2, (2, 3), padding='same', padding_mode='replicate')", IMAGE),
    ("ConvTranspose1d(4, 6, 3)", SIGNAL),
    ("ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1)", IMAGE),
    ("ConvTranspose2d(4, 6, (2, 3), groups=2, bias=False, dilation=2)", IMAGE),
    ("MaxPool1d(2)", SIGNAL), ("MaxPool2d(2)", IMAGE), ("MaxPool2d((2, 3), 1, 1, ceil_mode=True)", IMAGE),
    ("MaxPool2d(2, return_indices=True)", IMAGE), ("AvgPool1d(3, 2, 1)", SIGNAL), ("AvgPool2d(2)", IMAGE),
    ("AvgPool2d((3, 2), padding=1, count_include_pad=False)", IMAGE), ("AvgPool2d(2, divisor_override=3)", IMAGE),
    ("AdaptiveAvgPool1d(3)", SIGNAL), ("AdaptiveAvgPool2d(1)", IMAGE), ("AdaptiveAvgPool2d((None, 2))", IMAGE),
    ("BatchNorm1d(4)", ROWS), ("BatchNorm1d(4, momentum=None)", SIGNAL), ("BatchNorm2d(4, affine=False)", IMAGE),
    ("BatchNorm2d(4, track_running_stats=False)", IMAGE), ("BatchNorm2d(4, 1e-3, 0.5, bias=False)", IMAGE),
    ("LayerNorm(4)", ROWS), ("LayerNorm([6, 5], bias=False)", IMAGE),
    ("LayerNorm((4,), 1e-3, elementwise_affine=False)", ROWS), ("GroupNorm(2, 4)", IMAGE),
    ("GroupNorm(2, 4, affine=False)", IMAGE),
    ("InstanceNorm1d(4)", SIGNAL), ("InstanceNorm1d(3, affine=True)", ROWS),
    ("InstanceNorm2d(4, affine=True, bias=False)", IMAGE),
    ("Dropout()", ROWS), ("Dropout(0.2)", IMAGE), ("Dropout(1.0)", ROWS), ("Dropout1d(0.4)", SIGNAL),
    ("Dropout2d(0.4)", IMAGE), ("Embedding(10, 3)", "classes"), ("Embedding(10, 3, padding_idx=-1)", "classes"),
    ("Upsample(scale_factor=2)", IMAGE), ("Upsample(size=(7, 9), mode='bilinear')", IMAGE),
    ("Upsample(scale_factor=(2, 3), mode='bilinear', align_corners=True)", IMAGE), ("Upsample(9)", IMAGE),
    ("UpsamplingNearest2d(scale_factor=2)", IMAGE), ("UpsamplingBilinear2d(9)", IMAGE),
    ("ReLU()", ROWS), ("ReLU(inplace=True)", ROWS), ("ReLU6()", ROWS), ("LeakyReLU(0.2)", ROWS), ("ELU(0.5)", ROWS),
    ("CELU(0.5)", ROWS), ("SELU()", ROWS), ("GELU()", ROWS), ("GELU('tanh')", ROWS), ("SiLU()", ROWS), ("Mish()", ROWS),
    ("Sigmoid()", ROWS), ("Tanh()", ROWS), ("Softplus(2.0, 10.0)", ROWS), ("Hardtanh(-0.5, 0.5)", ROWS),
    ("LogSigmoid()", ROWS), ("Softsign()", ROWS), ("Tanhshrink()", ROWS), ("Hardsigmoid()", ROWS),
    ("Hardswish()", ROWS), ("PReLU()", ROWS), ("PReLU(4, 0.1)", IMAGE), ("Softmax(dim=1)", IMAGE),
    ("LogSoftmax(-1)", ROWS), ("Softmin(0)", ROWS),
    ("ZeroPad2d(2)", IMAGE), ("ConstantPad2d((1, 0, 2, -1), 3.5)", IMAGE), ("ReflectionPad2d(2)", IMAGE),
    ("ReplicationPad2d((1, 2, 3, 0))", IMAGE),
]


def make(torch, text):
    name, _, arguments = text.partition("(")
    return eval(f"make({arguments}", {"make": getattr(torch.nn, name), "t": torch})


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize("text", [text for text, _ in LAYERS])
def test_print_out_and_initial_state(text):
    def code(torch):
        m = make(torch, text)
        state = {key: (value.tolist(), str(value.dtype)) for key, value in m.state_dict().items()}
        return repr(m), state, [n for n, _ in m.named_parameters()], torch.rand(1).item()

    assert_same(code, seed=11)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize(("text", "shape"), [(text, shape) for text, shape in LAYERS if shape is not None])
def test_results_and_gradients(text, shape):
    def code(torch):
        m = make(torch, text)
        if shape == "classes":
            x = torch.tensor([[1, 9, 1], [0, 3, 3]])
            y = m(x)
        else:
            leaf = torch.randn(*shape, requires_grad=True)
            y = m(leaf * 1)
        y, *rest = y if isinstance(y, tuple) else (y,)
        (y * torch.randn(*y.shape)).sum().backward()
        gradients = [p.grad.tolist() for p in m.parameters()] + ([] if shape == "classes" else [leaf.grad.tolist()])
        m.eval()
        again = m(x if shape == "classes" else leaf.detach() * 1)
        again = again[0] if isinstance(again, tuple) else again
        state = [b.tolist() for b in m.buffers()]
        return [y.tolist(), *[r.tolist() for r in rest], gradients, again.tolist(), state]

    assert_close(code, rtol=2e-4, atol=2e-5, seed=3)


@pytest.mark.parametrize("text", [
    "Conv2d(4, 6, 3, groups=0)", "Conv2d(4, 6, 3, groups=3)", "Conv2d(3, 5, 3, groups=3)",
    "Conv2d(4, 6, 3, padding='same', stride=2)", "ConvTranspose2d(4, 6, 3, padding_mode='circular')",
    "Dropout(1.5)", "Dropout2d(-0.1)", "Embedding(3, 2, padding_idx=3)", "GroupNorm(3, 4)",
])
def test_arguments_that_are_refused(text):
    from tests.engine.nn.pairs import both

    theirs, ours = both(lambda t: make(t, text))
    assert ours[0] == theirs[0]
    if "GroupNorm" not in text:
        assert ours[1] == theirs[1]


@pytest.mark.parametrize(
    ("text", "shape"),
    [("BatchNorm1d(4)", IMAGE), ("BatchNorm2d(4)", ROWS), ("InstanceNorm2d(4)", ROWS),
     ("InstanceNorm1d(3, affine=True)", SIGNAL)],
)
def test_dimensions_that_are_refused(text, shape):
    assert_same(lambda t: make(t, text)(t.zeros(*shape)))


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(EngineError, match="linear: x has 5 features"):
        nn.Linear(4, 3)(engine.zeros(2, 5))
    with pytest.raises(EngineError, match="conv2d"):
        nn.Conv2d(3, 2, 3)(engine.zeros(1, 4, 5, 5))


def test_a_weight_may_be_replaced_by_a_computed_tensor():
    m = nn.Linear(2, 1, bias=False)
    raw = nn.Parameter(engine.ones(1, 2))
    del m.weight
    m.weight = raw * 3
    m(engine.ones(1, 2)).sum().backward()
    assert raw.grad.tolist() == [[3.0, 3.0]] and list(m.parameters()) == []


def test_transposed_convolution_to_a_size():
    def code(torch):
        m = torch.nn.ConvTranspose2d(2, 1, 3, stride=2)
        return [list(m(torch.zeros(1, 2, 4, 4), output_size=[10, size]).shape) for size in (9, 10)]

    assert_same(code)
    with pytest.raises(ValueError, match="valid sizes range from 9 to 10"):
        nn.ConvTranspose2d(2, 1, 3, stride=2)(engine.zeros(1, 2, 4, 4), output_size=[11, 9])


def test_embedding_from_a_table():
    def code(torch):
        table = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        m = torch.nn.Embedding.from_pretrained(table, padding_idx=0)
        free = torch.nn.Embedding.from_pretrained(table, freeze=False)
        return repr(m), m.weight.requires_grad, free.weight.requires_grad, m(torch.tensor([1, 0])).tolist()

    assert_same(code)


LOSSES = [
    ("MSELoss()", "real"), ("MSELoss(reduction='sum')", "real"), ("L1Loss(reduction='none')", "real"),
    ("SmoothL1Loss(beta=0.5)", "real"), ("HuberLoss(delta=0.5)", "real"), ("BCELoss()", "share"),
    ("BCELoss(t.tensor([1.0, 2.0, 0.5, 1.0]))", "share"), ("BCEWithLogitsLoss()", "share"),
    ("BCEWithLogitsLoss(pos_weight=t.tensor([1.0, 2.0, 0.5, 1.0]))", "share"),
    ("CrossEntropyLoss()", "class"), ("CrossEntropyLoss(t.tensor([1.0, 2.0, 0.5, 1.0]), ignore_index=1)", "class"),
    ("CrossEntropyLoss(label_smoothing=0.1, reduction='sum')", "class"), ("CrossEntropyLoss()", "share"),
    ("NLLLoss(reduction='none')", "class"), ("KLDivLoss(reduction='batchmean')", "share"),
    ("KLDivLoss(reduction='sum', log_target=True)", "real"), ("MSELoss(size_average=False)", "real"),
    ("MSELoss(reduce=False)", "real"),
]


@pytest.mark.filterwarnings("ignore:size_average and reduce")
@pytest.mark.parametrize(("text", "target"), LOSSES)
def test_losses(text, target):
    def describe(torch):
        m = make(torch, text)
        return repr(m), m.reduction, list(m.state_dict())

    def code(torch):
        m = make(torch, text)
        raw = torch.randn(5, 4, requires_grad=True)
        x = raw.sigmoid() if text.startswith("BCELoss") else raw
        y = {"real": lambda: torch.randn(5, 4), "share": lambda: torch.rand(5, 4),
             "class": lambda: torch.tensor([0, 3, 1, 1, 2])}[target]()
        loss = m(x, y)
        loss.sum().backward()
        return [loss.tolist(), raw.grad.tolist()]

    assert_same(describe)
    assert_close(code, seed=5)
