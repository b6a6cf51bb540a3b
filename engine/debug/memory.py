"""Arrays wherever they lie: what the debugger asks of NumPy's arrays and of those on a GPU alike.

Events hold the engine's own arrays, on the device where they were computed. Only what is looked at travels to the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias, cast

import numpy as np

from engine.device.cuda_array import CudaArray

#: The types of arrays that have contents, for ``isinstance``. What a replay has skipped is none of these. For checkers of
#: types they are NumPy's, whose names a CudaArray answers to.
ARRAYS: tuple[type[np.ndarray], ...] = (np.ndarray, cast(Any, CudaArray))

Array: TypeAlias = Any


#: Of a dtype. NumPy puts it together each time, which takes as long as to find the least element of a small array.
name_of: Callable[[np.dtype], str] = cache(str)


def on_cpu(array: Array) -> np.ndarray:
    """``array``, copied to the CPU where it lies on a GPU; anything else as it is."""
    return array.host() if type(array) is CudaArray else array


def all_on_cpu(value: Any) -> Any:
    """``value``, an array or a tuple of arrays, on the CPU."""
    return tuple(map(on_cpu, value)) if type(value) is tuple else on_cpu(value)


def address(array: Array) -> int:
    """Of the first element; differences mean something within one :func:`lender`."""
    return (array.layout if type(array) is CudaArray else array).__array_interface__["data"][0]


def lender(array: Array) -> Any:
    """On a GPU what all views of one memory have in common; on the CPU ``array`` itself."""
    return array.loan if type(array) is CudaArray else array
