"""Keeping gradients small: by their common norm, or element by element.

``foreach`` is accepted for PyTorch's sake; there is one implementation here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from engine import trace
from engine.kernels.placing import clip_many, norms_of_many
from engine.tensor import Tensor, no_grad, wrap


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]


def _together(tensors: list[Tensor]) -> list[Any] | None:
    """The arrays of ``tensors`` where one launch on the GPU can do to all what else is done to each, to the bit the same.

    Not while a debugger looks on: it is shown what happens to each.
    """
    if trace.on_forward is not None or trace.on_run is not None or trace.on_change is not None:
        return None
    arrays = [t._array for t in tensors]
    alike = all(t.is_cuda and a.size and a.flags.carray and a.dtype == arrays[0].dtype
                for t, a in zip(tensors, arrays, strict=True))  # fmt: skip
    return arrays if alike and arrays and arrays[0].dtype.kind == "f" else None


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all elements of ``tensors`` together, as if they were one vector.

    Args:
        norm_type: the p of the norm; ``inf`` for the greatest absolute value.

    Raises:
        RuntimeError: the norm is not finite and ``error_if_nonfinite`` is true.
    """
    from engine.ops.joining import stack
    from engine.ops.reduction import vector_norm

    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return wrap(np.zeros((), np.float32))
    with no_grad():
        arrays = _together(tensors) if norm_type == 2.0 else None
        norms = wrap(norms_of_many(arrays)) if arrays else stack([vector_norm(t, norm_type) for t in tensors])
        total = vector_norm(norms, norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply every gradient by max_norm / (total_norm + 1e-6) where that is less than 1."""
    total = total_norm._array
    gradients = _gradients(parameters)
    arrays = _together(gradients)
    if arrays and total_norm.is_cuda and total.dtype == arrays[0].dtype:
        clip_many(arrays, total, max_norm)
        for gradient in gradients:
            gradient._bump()
        return
    factor = total.dtype.type(max_norm) / (total + total.dtype.type(1e-6))
    # np.minimum hands a NaN on, as PyTorch's clamp does.
    factor = np.minimum(factor, total.dtype.type(1))
    for gradient in gradients:
        with np.errstate(invalid="ignore"):  # 0·inf is NaN, as it is in PyTorch
            scaled = gradient._array * factor.astype(gradient._array.dtype)
        gradient._write(scaled, "clip_grad_norm_")


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients in place so that their common norm is at most ``max_norm``.

    Returns:
        The norm before scaling.

    Raises:
        RuntimeError: the norm is not finite and ``error_if_nonfinite`` is true.
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, float(max_norm), total)
    return total


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Cut every element of the gradients off at ±``clip_value``, in place."""
    limit = float(clip_value)
    for gradient in _gradients(parameters):
        gradient._write(np.clip(gradient._array, -limit, limit), "clip_grad_value_")
