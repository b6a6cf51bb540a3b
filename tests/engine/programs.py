"""Small programs over the public API that together run every op of the engine, forward and backward.

``PROGRAMS`` maps a name to (function of tensors, builder of its inputs). Inputs are float64, a few elements each,
the same at every call, and lie off the places where an op has no derivative (ties, whole numbers, ends of ranges).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import engine
from engine.nn import functional as F

#: Where the inputs lie; tests/cuda sets it to "cuda" for a while.
DEVICE = "cpu"
#: What they are; the test that compiles the CUDA kernels sets it to float32 for a while.
DTYPE = engine.float64

Program = tuple[Callable[..., Any], Callable[[], tuple[engine.Tensor, ...]]]


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> engine.Tensor:
    """Different numbers between ``low`` and ``high``, evenly spread and shuffled; other ``seed``, other numbers."""
    n = int(np.prod(shape))
    values = low + (high - low) * (np.arange(n) + 0.61 - 0.13 * seed) / n
    values = np.random.default_rng(seed).permutation(values).reshape(shape)
    return engine.tensor(values, dtype=DTYPE, requires_grad=True, device=DEVICE)


def of(*shapes: tuple[int, ...], low: float = -2.0, high: float = 2.0) -> Callable[[], tuple[engine.Tensor, ...]]:
    """A builder of one tensor of :func:`numbers` for each of ``shapes``."""
    return lambda: tuple(numbers(*shape, low=low, high=high, seed=i) for i, shape in enumerate(shapes))


def call(module: Any, name: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
    """The function ``name`` of ``module`` on tensors, then ``arguments``; looked up when it is called."""

    def run(*tensors: engine.Tensor) -> Any:
        there = {option: on_device(value) for option, value in options.items()}
        return getattr(module, name)(*tensors, *[on_device(value) for value in arguments], **there)

    return run


def on_device(value: Any) -> Any:
    """``value`` on ``DEVICE``, and of ``DTYPE`` where it has fractions, if it is a tensor."""
    if not isinstance(value, engine.Tensor):
        return value
    return value.to(DEVICE, DTYPE if value.is_floating_point() else value.dtype)


def ints(*values: Any) -> engine.Tensor:
    """An int64 tensor."""
    return engine.tensor(values, device=DEVICE)


def mask(*shape: int) -> engine.Tensor:
    """True at about two of three places."""
    return engine.tensor(np.arange(int(np.prod(shape))).reshape(shape) % 3 != 1, device=DEVICE)


def constant(*shape: int, low: float = 0.2, high: float = 1.8) -> engine.Tensor:
    """Positive numbers that require no gradient (weights of classes and the like)."""
    return numbers(*shape, low=low, high=high, seed=5).detach()


PROGRAMS: dict[str, Program] = {}

# ---- elementwise ----

POSITIVE = {"low": 0.3, "high": 3.0}
RANGES = dict.fromkeys(("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"), POSITIVE) | {
    "asin": {"low": -0.9, "high": 0.9}, "acos": {"low": -0.9, "high": 0.9}, "tan": {"low": -1.2, "high": 1.2},
}
for name in (
    "neg", "abs", "sign", "reciprocal", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "erf",
    "sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "floor", "ceil", "trunc", "round", "frac", "clone",
    "square",
):
    PROGRAMS[name] = (call(engine, name), of((2, 3), **RANGES.get(name, {})))

PROGRAMS |= {
    "add": (lambda a, b: a + b, of((2, 3), (2, 3))),
    "add_broadcast": (lambda a, b: a + b + 2, of((2, 3), (3,))),
    "sub": (lambda a, b: engine.sub(a, b, alpha=3), of((2, 3), (2, 1))),
    "rsub": (lambda a: 1.5 - a, of((2, 3))),
    "mul": (lambda a, b: a * b * 0.5, of((2, 3), (2, 3))),
    "div": (lambda a, b: a / b, of((2, 3), (2, 3), **POSITIVE)),
    "rdiv": (lambda a: 2 / a, of((2, 3), **POSITIVE)),
    "div_floor": (lambda a, b: engine.div(a, b, rounding_mode="floor"), of((2, 3), (2, 3), **POSITIVE)),
    "floor_divide": (lambda a, b: a + (a // b).detach(), of((2, 3), (2, 3), **POSITIVE)),
    "div_trunc": (lambda a, b: engine.div(a, b, rounding_mode="trunc"), of((2, 3), (2, 3))),
    "remainder": (lambda a, b: a % b, of((2, 3), (2, 3), **POSITIVE)),
    "fmod": (call(engine, "fmod"), of((2, 3), (2, 3))),
    "pow_number": (lambda a: a**3, of((2, 3))),
    "pow_fraction": (lambda a: a**1.5, of((2, 3), **POSITIVE)),
    "pow_tensor": (lambda a, b: a**b, of((2, 3), (2, 3), **POSITIVE)),
    "rpow": (lambda a: 2.0**a, of((2, 3))),
    "atan2": (call(engine, "atan2"), of((2, 3), (2, 3))),
    "where": (lambda a, b: engine.where(mask(2, 3), a, b), of((2, 3), (3,))),
    "clamp": (lambda a: a.clamp(-0.7, 1.1), of((3, 4))),
    "clamp_min": (lambda a: a.clamp(min=0.5), of((2, 3))),
    "maximum": (lambda a, b: engine.maximum(a, b), of((2, 3), (2, 3))),
    "minimum": (lambda a, b: engine.minimum(a, b), of((2, 3), (3,))),
    "lerp": (lambda a, b, w: engine.lerp(a, b, w), of((2, 3), (2, 3), (2, 3))),
    "addcmul": (lambda a, b, c: engine.addcmul(a, b, c, value=0.5), of((2, 3), (2, 3), (2, 3))),
    "cast": (lambda a: (a.float() * 2).double(), of((2, 3))),
}

# ---- activations ----

for name in (
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "tanh", "softplus",
    "hardtanh", "logsigmoid", "softsign",
):
    PROGRAMS[name] = (call(F, name), of((3, 4), low=-3.0, high=7.0))
PROGRAMS |= {
    "leaky_relu_slope": (lambda x: F.leaky_relu(x, 0.3), of((3, 4))),
    "elu_alpha": (lambda x: F.elu(x, 0.7), of((3, 4))),
    "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), of((3, 4))),
    "softplus_threshold": (lambda x: F.softplus(x, 2, 3), of((3, 4))),
    "relu_inplace": (lambda x: F.relu(x * 2, inplace=True), of((3, 4))),
    "softmax": (lambda x: F.softmax(x, 1), of((3, 4))),
    "softmax_first": (lambda x: F.softmax(x, 0), of((3, 2, 2))),
    "log_softmax": (lambda x: F.log_softmax(x, -1), of((3, 4))),
}

# ---- reductions ----

PROGRAMS |= {
    "sum": (lambda x: x.sum(), of((2, 3))),
    "sum_dims": (lambda x: x.sum((0, 2), keepdim=True), of((2, 3, 2))),
    "mean": (lambda x: x.mean(1), of((2, 3, 2))),
    "prod": (lambda x: x.prod(1), of((2, 3))),
    "var": (lambda x: x.var(), of((2, 3))),
    "var_biased": (lambda x: x.var(1, unbiased=False), of((2, 3))),
    "std": (lambda x: x.std(0, keepdim=True), of((3, 2))),
    "logsumexp": (lambda x: x.logsumexp(1), of((2, 3))),
    "cumsum": (lambda x: x.cumsum(1), of((2, 3))),
    "cumprod": (lambda x: x.cumprod(0), of((3, 2))),
    "norm": (lambda x: x.norm(), of((2, 3))),
    "norm_1": (lambda x: x.norm(1, 1), of((2, 3))),
    "norm_3": (lambda x: x.norm(3, 0), of((2, 3))),
    "norm_inf": (lambda x: x.norm(float("inf"), 1), of((2, 3))),
}

# ---- in place ----


def in_place(name: str, *arguments: Any) -> Callable[..., engine.Tensor]:
    """The method ``name`` on a copy of the first tensor, whose history goes on from the result."""
    return lambda x, *tensors: getattr(x * 1, name)(*tensors, *arguments) * 2


PROGRAMS |= {
    "add_": (in_place("add_"), of((2, 3), (3,))),
    "mul_": (in_place("mul_", 3.0), of((2, 3))),
    "fill_": (in_place("fill_", 3.0), of((2, 3))),
    "zero_": (in_place("zero_"), of((2, 3))),
    "copy_": (in_place("copy_"), of((2, 3), (3,))),
    "clamp_": (in_place("clamp_", 0.0), of((2, 3))),
    "masked_fill_": (lambda x: (x * 1).masked_fill_(mask(2, 3), 2.0), of((2, 3))),
}

# ---- extremes ----

PROGRAMS |= {
    "amax": (lambda x: x.amax((0, 2)), of((2, 3, 2))),
    "amin": (lambda x: x.amin(1, keepdim=True), of((2, 3))),
    "amax_ties": (lambda x: engine.cat((x, x)).amax(0), of((2, 3))),
    "max_all": (lambda x: x.max(), of((2, 3))),
    "min_all": (lambda x: x.min(), of((2, 3))),
    "max": (lambda x: x.max(1).values, of((2, 4))),
    "min": (lambda x: x.min(0, keepdim=True).values, of((3, 2))),
    "median": (lambda x: x.median(1).values, of((2, 4))),
    "median_all": (lambda x: x.median(), of((2, 3))),
}

# ---- products of matrices ----

PROGRAMS |= {
    "mm": (lambda a, b: a @ b, of((2, 3), (3, 2))),
    "mm_rows": (lambda a, b: a @ b, of((2, 2, 3), (3, 2))),
    "mm_transposed": (lambda a, b: a.t() @ b.t(), of((3, 2), (2, 3))),
    "bmm": (lambda a, b: engine.bmm(a, b), of((2, 2, 3), (2, 3, 2))),
    "matmul_broadcast": (lambda a, b: a @ b, of((2, 1, 2, 3), (2, 3, 2))),
    "mv": (lambda a, b: a @ b, of((2, 3), (3,))),
    "vm": (lambda a, b: a @ b, of((3,), (3, 2))),
    "dot": (lambda a, b: a @ b, of((3,), (3,))),
    "outer": (lambda a, b: engine.outer(a, b), of((3,), (2,))),
    "addmm": (lambda c, a, b: engine.addmm(c, a, b, beta=0.5, alpha=2), of((2, 2), (2, 3), (3, 2))),
}

# ---- data movement ----

PROGRAMS |= {
    "expand": (lambda x: x.expand(2, 3, 2), of((3, 1))),
    "reshape": (lambda x: x.reshape(3, 2), of((2, 3))),
    "reshape_copy": (lambda x: x.t().reshape(6), of((2, 3))),
    "view": (lambda x: x.view(-1), of((2, 3))),
    "squeeze": (lambda x: x.squeeze(1), of((2, 1, 3))),
    "unsqueeze": (lambda x: x.unsqueeze(1), of((2, 3))),
    "permute": (lambda x: x.permute(2, 0, 1), of((2, 3, 2))),
    "transpose": (lambda x: x.transpose(0, 1), of((2, 3))),
    "contiguous": (lambda x: x.t().contiguous(), of((2, 3))),
    "flip": (lambda x: x.flip(0, 1), of((2, 3))),
    "roll": (lambda x: engine.roll(x, (1, 2), (0, 1)), of((2, 3))),
    "roll_flat": (lambda x: engine.roll(x, 2), of((2, 3))),
    "repeat": (lambda x: x.repeat(2, 1, 2), of((2, 3))),
    "tril": (lambda x: x.tril(), of((3, 3))),
    "triu": (lambda x: x.triu(1), of((2, 3, 3))),
    "diagonal": (lambda x: x.diagonal(1), of((3, 3))),
    "diag": (lambda x: engine.diag(x, 1), of((3,))),
    "cat": (lambda a, b: engine.cat((a, b), 1), of((2, 3), (2, 2))),
    "stack": (lambda a, b: engine.stack((a, b), 1), of((2, 3), (2, 3))),
    "split": (lambda x: x.split(2, 1), of((2, 5))),
    "pad": (lambda x: F.pad(x, (1, 2, 0, 1), value=3.0), of((2, 3))),
    "pad_reflect": (lambda x: F.pad(x, (2, 1), mode="reflect"), of((2, 3))),
    "pad_circular": (lambda x: F.pad(x, (1, 1, 1, 0), mode="circular"), of((1, 2, 3))),
    "unfold": (lambda x: x.unfold(1, 3, 1), of((2, 5))),
}

# ---- indexing ----

PROGRAMS |= {
    "slice": (lambda x: x[1:, ::2], of((3, 4))),
    "select": (lambda x: x.select(1, 2), of((3, 4))),
    "index": (lambda x: x[ints(2, 0, 2)], of((3, 2))),
    "index_pairs": (lambda x: x[ints(2, 0, 2), ints(1, 1, 1)], of((3, 2))),
    "index_mask": (lambda x: x[mask(3, 2)], of((3, 2))),
    "gather": (lambda x: x.gather(1, ints((0, 2), (1, 1))), of((2, 3))),
    "index_select": (lambda x: x.index_select(1, ints(2, 2, 0)), of((2, 3))),
    "take": (lambda x: x.take(ints(5, 0, 5)), of((2, 3))),
    "masked_fill": (lambda x: x.masked_fill(mask(2, 3), 7.0), of((2, 3))),
    "index_fill": (lambda x: engine.index_fill(x, 1, ints(0, 2), 7.0), of((2, 3))),
    "scatter": (lambda x, v: x.scatter(1, ints((0, 2), (1, 0)), v), of((2, 3), (2, 2))),
    "scatter_add": (lambda x, v: x.scatter_add(1, ints((0, 0), (1, 0)), v), of((2, 3), (2, 2))),
    "index_add": (lambda x, v: x.index_add(0, ints(1, 1, 0), v, alpha=2), of((2, 3), (3, 3))),
    "index_copy": (lambda x, v: x.index_copy(1, ints(2, 0), v), of((2, 3), (2, 2))),
    "index_put": (lambda x, v: x.index_put((ints(1, 0), ints(2, 2)), v), of((2, 3), (2,))),
    "sort": (lambda x: x.sort(1).values, of((2, 4))),
    "topk": (lambda x: x.topk(2, 0).values, of((4, 2))),
    "kthvalue": (lambda x: x.kthvalue(2, 1).values, of((2, 4))),
}

# ---- layers ----


PROGRAMS |= {
    "linear": (call(F, "linear"), of((4, 3), (2, 3), (2,))),
    "linear_no_bias": (call(F, "linear"), of((2, 2, 3), (2, 3))),
    "conv2d": (call(F, "conv2d", padding=1), of((2, 2, 3, 4), (3, 2, 3, 2), (3,))),
    "conv2d_strided": (
        call(F, "conv2d", stride=(2, 1), padding=(1, 2), dilation=(1, 2)), of((1, 1, 5, 4), (2, 1, 3, 2)),
    ),
    "conv2d_groups": (call(F, "conv2d", groups=2), of((2, 4, 3, 3), (2, 2, 2, 2), (2,))),
    "conv1d": (call(F, "conv1d", stride=2, padding=1), of((2, 2, 6), (3, 2, 3), (3,))),
    "conv_transpose2d": (
        call(F, "conv_transpose2d", stride=2, padding=1, output_padding=1), of((1, 2, 3, 2), (2, 2, 3, 3), (2,)),
    ),
    "conv_transpose2d_groups": (call(F, "conv_transpose2d", groups=2, dilation=2), of((1, 2, 2, 3), (2, 1, 2, 2))),
    "conv_transpose1d": (call(F, "conv_transpose1d"), of((2, 2, 3), (2, 3, 2), (3,))),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), of((1, 2, 4, 6))),
    "max_pool2d_overlap": (
        lambda x: F.max_pool2d(x, 3, 1, padding=1, return_indices=True), of((1, 1, 4, 5)),
    ),
    "max_pool1d": (lambda x: F.max_pool1d(x, 3, 2, dilation=2), of((1, 2, 9))),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, (2, 3), 1, (1, 1)), of((1, 2, 3, 4))),
    "avg_pool2d_inner": (lambda x: F.avg_pool2d(x, 2, 2, 1, count_include_pad=False), of((1, 1, 4, 5))),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (2, 3)), of((1, 2, 3, 5))),
    "interpolate_nearest": (lambda x: F.interpolate(x, scale_factor=2), of((1, 1, 2, 3))),
    "interpolate_bilinear": (
        lambda x: F.interpolate(x, size=(4, 3), mode="bilinear", align_corners=False), of((1, 1, 3, 2)),
    ),
    "interpolate_linear": (lambda x: F.interpolate(x, size=5, mode="linear", align_corners=True), of((1, 2, 3))),
}

# ---- norms, dropout, embedding ----


def batch_norm(x: engine.Tensor, w: engine.Tensor, b: engine.Tensor, training: bool = True) -> engine.Tensor:
    """Batch norm with fresh running statistics."""
    mean, variance = constant(3), constant(3)
    return F.batch_norm(x, mean, variance, w, b, training=training, momentum=0.2)


def dropout(name: str) -> Callable[[engine.Tensor], engine.Tensor]:
    """The dropout ``name`` with the same mask at every call."""

    def run(x: engine.Tensor) -> engine.Tensor:
        engine.manual_seed(3)
        return getattr(F, name)(x, 0.4)

    return run


PROGRAMS |= {
    "batch_norm": (batch_norm, of((4, 3), (3,), (3,))),
    "batch_norm_maps": (batch_norm, of((2, 3, 2, 2), (3,), (3,))),
    "batch_norm_plain": (lambda x: F.batch_norm(x, None, None, training=True), of((4, 3))),
    "batch_norm_evaluation": (lambda x, w, b: batch_norm(x, w, b, False), of((2, 3, 2), (3,), (3,))),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (4,), w, b), of((3, 4), (4,), (4,))),
    "layer_norm_plain": (lambda x: F.layer_norm(x, (2, 3)), of((2, 2, 3))),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), of((2, 4, 3), (4,), (4,))),
    "dropout": (dropout("dropout"), of((3, 5))),
    "dropout2d": (dropout("dropout2d"), of((2, 3, 2, 2))),
    "embedding": (lambda w: F.embedding(ints((2, 0), (2, 1)), w), of((4, 3))),
    "embedding_padding": (lambda w: F.embedding(ints((2, 0), (2, 1)), w, padding_idx=1), of((4, 3))),
}

# ---- losses ----

PROBABILITY = {"low": 0.05, "high": 0.95}
LABELS = ints(2, 0, -1, 1)


for name, options, ranges in (
    ("mse_loss", {}, {}),
    ("l1_loss", {}, {}),
    ("smooth_l1_loss", {"beta": 0.8}, {}),
    ("huber_loss", {"delta": 0.7}, {}),
    ("binary_cross_entropy", {}, PROBABILITY),
    ("binary_cross_entropy_with_logits", {}, PROBABILITY),
    ("kl_div", {}, PROBABILITY),
):
    # The mean of Kullback-Leibler divergences warns; "batchmean" stands below.
    for reduction in ("sum", "none") if name == "kl_div" else ("mean", "sum", "none"):
        PROGRAMS[f"{name}_{reduction}"] = (call(F, name, reduction=reduction, **options), of((3, 2), (3, 2), **ranges))
PROGRAMS |= {
    "binary_cross_entropy_weight": (
        call(F, "binary_cross_entropy", weight=constant(2)), of((3, 2), (3, 2), **PROBABILITY),
    ),
    "binary_cross_entropy_with_logits_weights": (
        call(F, "binary_cross_entropy_with_logits", weight=constant(3, 1), pos_weight=constant(2)),
        of((3, 2), (3, 2), **PROBABILITY),
    ),
    "kl_div_log_target": (call(F, "kl_div", log_target=True, reduction="batchmean"), of((3, 2), (3, 2))),
}
for reduction in ("mean", "sum", "none"):
    options = {"reduction": reduction, "ignore_index": -1}
    PROGRAMS |= {
        f"cross_entropy_{reduction}": (call(F, "cross_entropy", LABELS, **options), of((4, 3))),
        f"cross_entropy_smooth_{reduction}": (
            call(F, "cross_entropy", LABELS, weight=constant(3), label_smoothing=0.2, **options), of((4, 3)),
        ),
        f"nll_loss_{reduction}": (call(F, "nll_loss", LABELS, weight=constant(3), **options), of((4, 3))),
        f"cross_entropy_soft_{reduction}": (
            call(F, "cross_entropy", weight=constant(3), label_smoothing=0.1, reduction=reduction),
            of((4, 3), (4, 3), **PROBABILITY),
        ),
    }
PROGRAMS |= {
    "cross_entropy_maps": (call(F, "cross_entropy", ints(((0, 2), (1, 1)))), of((1, 3, 2, 2))),
    "cross_entropy_plain": (call(F, "cross_entropy", ints(0, 2)), of((2, 3))),
}
