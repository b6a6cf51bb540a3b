"""Tensors of random numbers: ``rand``, ``randn``, ``randint`` and so on. None of it is recorded.

The numbers are PyTorch's after the same seed (:mod:`engine.random`): on the CPU those of its CPU generator, on a GPU
those of its GPU generator. ``generator`` must be one of the device where the tensor is to lie.
"""

from __future__ import annotations

from typing import Any

from engine import dtypes, random
from engine.creation import extents, given_size
from engine.device import tensor_device
from engine.errors import DtypeError
from engine.from_data import finish, numpy_dtype
from engine.kernels.placing import placed
from engine.ops.elementwise import broadcast_shape
from engine.random import Generator
from engine.tensor import Tensor, wrap


def rand(
    *size: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """Uniform on [0, 1)."""
    shape = extents("rand", given_size(size, options))
    target = tensor_device(device)
    array = random.uniform(shape, numpy_dtype("rand", dtype), generator=generator, device=target)
    return finish("rand", array, target, requires_grad, options)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """Standard normal."""
    shape = extents("randn", given_size(size, options))
    target = tensor_device(device)
    array = random.normal(shape, numpy_dtype("randn", dtype), generator=generator, device=target)
    return finish("randn", array, target, requires_grad, options)


def randint(
    *arguments: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """``randint(high, size)`` or ``randint(low, high, size)``: integers from low (0) to high - 1; int64."""
    names = ("low", "high", "size") if len(arguments) + len(options.keys() & {"low", "high", "size"}) == 3 else (
        "high", "size")
    given = dict(zip([n for n in names if n not in options], arguments, strict=False))
    given |= {name: options.pop(name) for name in names if name in options}
    if "high" not in given or "size" not in given:
        raise TypeError("randint(): expected (high, size) or (low, high, size)")
    shape = extents("randint", tuple(given["size"]))
    wanted = numpy_dtype("randint", dtype, dtypes.int64)
    low, high = int(given.get("low", 0)), int(given["high"])
    if not low < high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    target = tensor_device(device)
    array = random.integers(low, high, shape, wanted, generator, target)
    return finish("randint", array, target, requires_grad, options)


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """The integers 0 ... n - 1 in random order. For a GPU too they are drawn on the CPU, from a stream that the GPU's
    generator seeds: they are not PyTorch's there."""
    target = tensor_device(device)
    array = random.permutation(n, generator, target)
    if dtype is not None:
        array = array.astype(numpy_dtype("randperm", dtype))
    return finish("randperm", array, target, requires_grad, options)


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of ``input``."""
    target = input.device if device is None else tensor_device(device)
    wanted = numpy_dtype("rand_like", dtype, input.dtype)
    array = random.uniform(input._array.shape, wanted, generator=generator, device=target)
    return finish("rand_like", array, target, requires_grad, options)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """Standard normal, in the shape and dtype of ``input``."""
    target = input.device if device is None else tensor_device(device)
    wanted = numpy_dtype("randn_like", dtype, input.dtype)
    array = random.normal(input._array.shape, wanted, generator=generator, device=target)
    return finish("randn_like", array, target, requires_grad, options)


def randint_like(
    input: Tensor, *bounds: int, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any
) -> Tensor:
    """``randint_like(input, high)`` or ``(input, low, high)``: integers in the shape and dtype of ``input``."""
    return randint(
        *bounds, input._array.shape, dtype=input.dtype if dtype is None else dtype,
        device=input.device if device is None else device, requires_grad=requires_grad, **options,
    )


def normal(
    mean: Tensor | float = 0.0, std: Tensor | float = 1.0, size: tuple[int, ...] | None = None, *,
    generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    **options: Any,
) -> Tensor:
    """Normal numbers; ``size`` where both mean and std are numbers, else their broadcast shape."""
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        if size is None:
            raise TypeError("normal(): size is needed where mean and std are numbers")
        shape, target = extents("normal", tuple(size)), tensor_device(device)
        array = random.normal(shape, numpy_dtype("normal", dtype), mean, std, generator, target)
        return finish("normal", array, target, requires_grad, options)
    tensors = [t for t in (mean, std) if isinstance(t, Tensor)]
    for t in tensors:
        if t._array.dtype.kind != "f":
            raise DtypeError(f"normal expects a float tensor, got {t.dtype}")
    shape = broadcast_shape("normal", *tensors)
    array = random.normal(shape, tensors[0]._array.dtype, generator=generator, device=tensors[0].device)
    array *= std._array if isinstance(std, Tensor) else std
    array += mean._array if isinstance(mean, Tensor) else mean
    return finish("normal", array, tensors[0].device if device is None else device, requires_grad, options)


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """Ones with the probabilities ``input``, or with probability ``p`` in the shape of ``input``; else zeros."""
    array = input._array
    if p is not None:
        return wrap(random.bernoulli(p, array.shape, array.dtype, generator, input.device))
    return wrap(random.bernoulli(array, generator=generator))


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Indices drawn with probabilities proportional to ``input`` (categories) or (rows, categories).

    For an input on a GPU too they are drawn on the CPU, as those of :func:`randperm`.
    """
    drawn = random.multinomial(input._array, num_samples, replacement, generator)
    return wrap(placed(drawn, input.device))


FUNCTIONS = (
    "bernoulli", "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like",
    "randperm",
)
