"""Small helpers that the layers' constructors share."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import dtypes
from engine.device import tensor_device
from engine.errors import DtypeError
from engine.kernels.placing import placed
from engine.nn import init
from engine.nn.parameter import Parameter
from engine.tensor import Tensor, wrap


def new_tensor(shape: tuple[int, ...], device: Any = None, dtype: dtypes.dtype | None = None) -> Tensor:
    """A tensor of zeros, to be filled by an initialisation.

    Raises:
        DeviceError: for a device that is not there.
    """
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if not isinstance(dtype, dtypes.dtype):
        raise DtypeError(f"dtype must be one of the engine's dtypes, not {dtype!r}")
    return wrap(placed(np.zeros(shape, dtype.numpy), tensor_device(device)))


def new_parameter(shape: tuple[int, ...], device: Any = None, dtype: dtypes.dtype | None = None) -> Parameter:
    """A parameter of zeros, to be filled by an initialisation."""
    return Parameter(new_tensor(shape, device, dtype))


def pair(value: int | tuple[int, ...], count: int = 2) -> tuple[int, ...]:
    """``value`` for each of ``count`` dimensions: an int is repeated, a sequence stays."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * count


def reset_affine(module: Any) -> None:
    """Set a normalisation's weight to 1 and its bias to 0, where it has them."""
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)
