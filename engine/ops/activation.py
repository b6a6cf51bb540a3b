"""Activations: ReLU, sigmoid, tanh and their relatives, each one op.

The signatures are those of ``torch.nn.functional``. With ``inplace=True`` (and in the forms with a trailing
underscore) the tensor's memory is overwritten and its history goes on from the result, as in PyTorch.
"""

from __future__ import annotations

import numpy as np

from engine import dtypes
from engine.definitions import activation as definitions
from engine.device import contiguous, empty
from engine.errors import DtypeError
from engine.function import Function, apply
from engine.kernels.cpu import activation as kernels
from engine.kernels.jit import Kernel
from engine.ops.elementwise import cast
from engine.ops.in_place import overwrite
from engine.tensor import Tensor

# Elementary operations an element, in the unit of engine.kernels.jit.PARALLEL_WORK: limited by memory, or by exp.
_MEMORY = 0.2
_EXPONENTIAL = 0.8


class _Activation(Function):
    """Runs flat kernels. Subclasses name them, and in ``__init__`` set parameters under their definitions' names."""

    stays_finite = True
    forward_kernel: Kernel
    backward_kernel: Kernel
    work: tuple[float, float] = (_EXPONENTIAL, _EXPONENTIAL)
    parameters: tuple = ()

    def forward(self, x: np.ndarray) -> np.ndarray:
        x = contiguous(x)
        y = empty(x.shape, x.dtype, x)
        self.forward_kernel.sized(x.size * self.work[0], y)(y.reshape(-1), x.reshape(-1), *self.parameters)
        if self.saves_output:
            self.y = y
        else:
            self.x = x
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        saved = self.y if self.saves_output else self.x
        dy = contiguous(dy)
        dx = empty(saved.shape, saved.dtype, saved)
        self.backward_kernel.sized(dx.size * self.work[1], dx)(
            dx.reshape(-1), dy.reshape(-1), saved.reshape(-1), *self.parameters
        )
        return dx

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1)


class _FromInput(_Activation):
    """The derivative is computed from the input."""

    saves_inputs = (0,)


class _FromOutput(_Activation):
    """The derivative is computed from the output."""

    saves_output = True


class Relu(_FromOutput):
    """y = max(0, x)"""

    definitions = {"y": definitions.relu_forward, "dx": definitions.relu_backward}
    forward_kernel, backward_kernel = kernels.relu_forward, kernels.relu_backward
    work = (_MEMORY, _MEMORY)


class LeakyRelu(_FromInput):
    """y = x where x > 0, else negative_slope·x"""

    definitions = {"y": definitions.leaky_relu_forward, "dx": definitions.leaky_relu_backward}
    forward_kernel, backward_kernel = kernels.leaky_relu_forward, kernels.leaky_relu_backward
    work = (_MEMORY, _MEMORY)

    def __init__(self, negative_slope: float) -> None:
        self.negative_slope = float(negative_slope)
        self.parameters = (self.negative_slope,)


class Elu(_FromInput):
    """y = scale·x where x > 0, else scale·alpha·(exp(input_scale·x) - 1)"""

    definitions = {"y": definitions.elu_forward, "dx": definitions.elu_backward}
    forward_kernel, backward_kernel = kernels.elu_forward, kernels.elu_backward

    def __init__(self, alpha: float, scale: float = 1.0, input_scale: float = 1.0) -> None:
        self.alpha, self.scale, self.input_scale = float(alpha), float(scale), float(input_scale)
        self.parameters = (self.alpha, self.scale, self.input_scale)


class Gelu(_FromInput):
    """y = x·Φ(x), with Φ the distribution function of the standard normal distribution"""

    definitions = {"y": definitions.gelu_forward, "dx": definitions.gelu_backward}
    forward_kernel, backward_kernel = kernels.gelu_forward, kernels.gelu_backward


class GeluTanh(_FromInput):
    """y = x·Φ(x) with Φ approximated by a hyperbolic tangent"""

    name = "Gelu"
    definitions = {"y": definitions.gelu_tanh_forward, "dx": definitions.gelu_tanh_backward}
    forward_kernel, backward_kernel = kernels.gelu_tanh_forward, kernels.gelu_tanh_backward


class Silu(_FromInput):
    """y = x·sigmoid(x)"""

    definitions = {"y": definitions.silu_forward, "dx": definitions.silu_backward}
    forward_kernel, backward_kernel = kernels.silu_forward, kernels.silu_backward


class Mish(_FromInput):
    """y = x·tanh(log(1 + exp(x)))"""

    definitions = {"y": definitions.mish_forward, "dx": definitions.mish_backward}
    forward_kernel, backward_kernel = kernels.mish_forward, kernels.mish_backward


class Sigmoid(_FromOutput):
    """y = 1 / (1 + exp(-x))"""

    definitions = {"y": definitions.sigmoid_forward, "dx": definitions.sigmoid_backward}
    forward_kernel, backward_kernel = kernels.sigmoid_forward, kernels.sigmoid_backward
    work = (_EXPONENTIAL, _MEMORY)


class Tanh(_FromOutput):
    """y = tanh(x)"""

    definitions = {"y": definitions.tanh_forward, "dx": definitions.tanh_backward}
    forward_kernel, backward_kernel = kernels.tanh_forward, kernels.tanh_backward
    work = (_EXPONENTIAL, _MEMORY)


class Softplus(_FromInput):
    """y = log(1 + exp(beta·x))/beta, and x itself where beta·x > threshold"""

    definitions = {"y": definitions.softplus_forward, "dx": definitions.softplus_backward}
    forward_kernel, backward_kernel = kernels.softplus_forward, kernels.softplus_backward

    def __init__(self, beta: float, threshold: float) -> None:
        self.beta, self.threshold = float(beta), float(threshold)
        self.parameters = (self.beta, self.threshold)


class Hardtanh(_FromInput):
    """y = x, kept between min_val and max_val"""

    definitions = {"y": definitions.hardtanh_forward, "dx": definitions.hardtanh_backward}
    forward_kernel, backward_kernel = kernels.hardtanh_forward, kernels.hardtanh_backward
    work = (_MEMORY, _MEMORY)

    def __init__(self, min_val: float, max_val: float) -> None:
        self.min_val, self.max_val = float(min_val), float(max_val)
        self.parameters = (self.min_val, self.max_val)


class LogSigmoid(_FromInput):
    """y = log(sigmoid(x))"""

    definitions = {"y": definitions.log_sigmoid_forward, "dx": definitions.log_sigmoid_backward}
    forward_kernel, backward_kernel = kernels.log_sigmoid_forward, kernels.log_sigmoid_backward


class Softsign(_FromInput):
    """y = x / (1 + |x|)"""

    definitions = {"y": definitions.softsign_forward, "dx": definitions.softsign_backward}
    forward_kernel, backward_kernel = kernels.softsign_forward, kernels.softsign_backward
    work = (_MEMORY, _MEMORY)


def _run(op: str, function: Function, input: Tensor, inplace: bool = False) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(input).__name__}")
    if input._array.dtype.kind != "f":
        raise DtypeError(f"{op}: input has dtype {input.dtype}, shape {input._array.shape}; it must be float")
    return overwrite(f"{op}_", function, input) if inplace else apply(function, input)


def _as_float(op: str, input: Tensor) -> Tensor:
    """Integers and bools become the default float, as PyTorch's sigmoid and tanh do with them."""
    if isinstance(input, Tensor) and input._array.dtype.kind != "f":
        return cast(input, dtypes.get_default_dtype().numpy)
    return input


# ---- public functions ----


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x) for each element; integers stay integers.

    Raises:
        DtypeError: for bool.
    """
    if isinstance(input, Tensor) and input._array.dtype.kind in "iu":
        return overwrite("relu_", Relu(), input) if inplace else apply(Relu(), input)
    return _run("relu", Relu(), input, inplace)


def relu_(input: Tensor) -> Tensor:
    """:func:`relu` in place."""
    return relu(input, True)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope·x (Maas, Hannun and Ng, 2013)."""
    return _run("leaky_relu", LeakyRelu(negative_slope), input, inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha·(exp(x) - 1) (Clevert, Unterthiner and Hochreiter, 2016)."""
    return _run("elu", Elu(alpha), input, inplace)


#: The fixed point of mean 0 and variance 1 (Klambauer et al., 2017, "Self-Normalizing Neural Networks", section 2).
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """scale·x where x > 0, else scale·alpha·(exp(x) - 1), with constants that keep mean 0 and variance 1."""
    return _run("selu", Elu(SELU_ALPHA, SELU_SCALE), input, inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha·(exp(x/alpha) - 1) (Barron, 2017).

    Raises:
        RuntimeError: alpha is 0.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _run("celu", Elu(alpha, 1.0, 1.0 / alpha), input, inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x·Φ(x) (Hendrycks and Gimpel, 2016).

    Args:
        approximate: ``"none"`` for Φ by the error function, ``"tanh"`` for the approximation by tanh.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate argument must be either none or tanh, got {approximate!r}")
    return _run("gelu", Gelu() if approximate == "none" else GeluTanh(), input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x·sigmoid(x), also called swish."""
    return _run("silu", Silu(), input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·tanh(softplus(x)) (Misra, 2019)."""
    return _run("mish", Mish(), input, inplace)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)); integers give the default float."""
    return _run("sigmoid", Sigmoid(), _as_float("sigmoid", input))


def sigmoid_(input: Tensor) -> Tensor:
    """:func:`sigmoid` in place."""
    return _run("sigmoid", Sigmoid(), input, True)


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent; integers give the default float."""
    return _run("tanh", Tanh(), _as_float("tanh", input))


def tanh_(input: Tensor) -> Tensor:
    """:func:`tanh` in place."""
    return _run("tanh", Tanh(), input, True)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + exp(beta·x))/beta; x itself where beta·x > threshold."""
    return _run("softplus", Softplus(beta, threshold), input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x, kept between min_val and max_val.

    Raises:
        ValueError: min_val > max_val.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}")
    return _run("hardtanh", Hardtanh(min_val, max_val), input, inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x), 6)"""
    return _run("relu6", Hardtanh(0.0, 6.0), input, inplace)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return _run("logsigmoid", LogSigmoid(), input)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|); integers give the default float."""
    return _run("softsign", Softsign(), _as_float("softsign", input))


METHODS = {
    "relu": lambda self: relu(self),
    "relu_": relu_,
    "sigmoid": sigmoid,
    "sigmoid_": sigmoid_,
    "tanh": tanh,
    "tanh_": tanh_,
}
FUNCTIONS = ("celu", "relu", "relu_", "selu", "sigmoid", "sigmoid_", "tanh", "tanh_")
