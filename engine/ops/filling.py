"""Methods that fill a tensor with random numbers, and those that make a new one like it.

``generator`` must be one of the tensor's device, where the numbers are drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import creation, dtypes, random
from engine.errors import DtypeError
from engine.kernels.placing import placed
from engine.ops.in_place_forms import fill_with
from engine.random import Generator
from engine.tensor import Tensor


def _float_array(op: str, input: Tensor) -> np.ndarray:
    if input._array.dtype.kind != "f":
        raise DtypeError(f"{op}: expected a float tensor, got {input.dtype}")
    return input._array


def uniform_(input: Tensor, *bounds: float, generator: Generator | None = None, **named: float) -> Tensor:
    """``uniform_(from=0, to=1)``: uniform on [from, to)."""
    array = _float_array("uniform_", input)
    low, high = _named("uniform_", bounds, named, {"from": 0.0, "to": 1.0})
    return fill_with(input, random.uniform(array.shape, array.dtype, low, high, generator, input.device), "uniform_")


def _named(op: str, given: tuple, named: dict[str, Any], defaults: dict[str, Any]) -> list:
    # "from" is a word of Python's grammar: it can only come in as a keyword of a call.
    if len(given) > len(defaults) or not named.keys() <= defaults.keys():
        raise TypeError(f"{op}(): expected ({', '.join(defaults)}), got {given} and {named}")
    values = defaults | named | dict(zip(defaults, given, strict=False))
    return list(values.values())


def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    array = _float_array("normal_", input)
    return fill_with(input, random.normal(array.shape, array.dtype, mean, std, generator, input.device), "normal_")


def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Exponential with rate ``lambd``."""
    array = _float_array("exponential_", input)
    values = random.exponential(array.shape, array.dtype, lambd, generator, input.device)
    return fill_with(input, values, "exponential_")


def bernoulli_(input: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Ones with probability ``p`` (a number, or a tensor that broadcasts), else zeros."""
    array = input._array
    chances = placed(p._array, input.device) if isinstance(p, Tensor) else p
    values = random.bernoulli(chances, array.shape, array.dtype, generator, input.device)
    return fill_with(input, values, "bernoulli_")


def random_(input: Tensor, *bounds: int, generator: Generator | None = None, **named: int) -> Tensor:
    """Integers: ``random_()`` over all that the dtype holds, ``random_(to)`` below to, ``random_(from, to)``."""
    array = input._array
    if len(bounds) == 1 and "to" not in named:
        bounds = (0, *bounds)
    low, high = _named("random_", bounds, named, {"from": 0, "to": None})
    if high is None:
        values = random.random_full(array.shape, array.dtype, generator, input.device)
    else:
        values = random.integers(low, high, array.shape, array.dtype, generator, input.device)
    return fill_with(input, values, "random_")


def _device(input: Tensor, device: Any) -> Any:
    return input.device if device is None else device


def new_tensor(
    input: Tensor, data: Any, *, dtype: dtypes.dtype | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of ``data``, in the dtype and on the device of ``input``."""
    return creation.tensor(data, dtype=dtype or input.dtype, device=_device(input, device), requires_grad=requires_grad)


def new_zeros(input: Tensor, *size: Any, dtype: dtypes.dtype | None = None, device: Any = None, **options: Any) -> Tensor:
    """Zeros of the given size, in the dtype and on the device of ``input``."""
    return creation.zeros(*size, dtype=dtype or input.dtype, device=_device(input, device), **options)


def new_ones(input: Tensor, *size: Any, dtype: dtypes.dtype | None = None, device: Any = None, **options: Any) -> Tensor:
    """Ones of the given size, in the dtype and on the device of ``input``."""
    return creation.ones(*size, dtype=dtype or input.dtype, device=_device(input, device), **options)


def new_empty(input: Tensor, *size: Any, dtype: dtypes.dtype | None = None, device: Any = None, **options: Any) -> Tensor:
    """Arbitrary contents of the given size, in the dtype and on the device of ``input``."""
    return creation.empty(*size, dtype=dtype or input.dtype, device=_device(input, device), **options)


def new_full(
    input: Tensor, size: tuple[int, ...], fill_value: float, *, dtype: dtypes.dtype | None = None, device: Any = None,
    **options: Any,
) -> Tensor:
    """``fill_value`` in the given size, in the dtype and on the device of ``input``."""
    return creation.full(size, fill_value, dtype=dtype or input.dtype, device=_device(input, device), **options)


METHODS = {
    "uniform_": uniform_, "normal_": normal_, "exponential_": exponential_, "bernoulli_": bernoulli_,
    "random_": random_, "new_tensor": new_tensor, "new_zeros": new_zeros, "new_ones": new_ones,
    "new_empty": new_empty, "new_full": new_full,
}
FUNCTIONS = ()
