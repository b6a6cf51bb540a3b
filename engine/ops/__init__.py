"""The ops, one family a file: Functions (forward and backward adjacent), then the public functions.

Every family has a table ``METHODS`` (name of a Tensor method or operator -> function that takes the tensor first)
and a tuple ``FUNCTIONS`` (public functions that PyTorch has in ``torch``). This module binds the methods to
:class:`~engine.tensor.Tensor` once, and hands the functions on.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import engine.backward  # noqa: F401 - binds Tensor.backward
from engine.tensor import Tensor

#: Families in import order.
FAMILIES = (
    "linear",
    "elementwise",
    "transfer",
    "arithmetic",
    "division",
    "powers",
    "maths",
    "trigonometry",
    "comparison",
    "selection",
    "reduction",
    "variance",
    "extrema",
    "matmul",
    "cumulative",
    "counting",
    "einsum",
    "in_place_forms",
    "filling",
    "movement",
    "permuting",
    "indexing",
    "joining",
    "rearranging",
    "padding",
    "gathering",
    "scattering",
    "sorting",
    "conv",
    "pool",
    "upsample",
    "activation",
    "softmax",
    "loss",
    "norm",
    "dropout",
    "embedding",
)

functions: dict[str, Callable] = {}


def _refusing_others(function: Callable) -> Callable:
    """``function`` with a clear error for operands that are no tensors; the usual case pays nothing but the call."""

    @functools.wraps(function)
    def refusing(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except AttributeError as error:
            if error.name != "_array":
                raise
            given = type(error.obj).__name__
            raise TypeError(
                f"{function.__name__}(): expected a Tensor, got {given}; engine.tensor(...) makes one of it"
            ) from None

    return refusing


for _family in FAMILIES:
    _module = importlib.import_module(f"{__name__}.{_family}")
    for _name, _method in getattr(_module, "METHODS", {}).items():
        setattr(Tensor, _name, _method)
    for _name in getattr(_module, "FUNCTIONS", ()):
        functions[_name] = _refusing_others(getattr(_module, _name))
