"""Page-locked ("pinned") host memory: a GPU copies it while Python goes on, because the system never moves it.

Pinned arrays are NumPy's; which memory is pinned is known by the array that owns it.
"""

from __future__ import annotations

import weakref

import numpy as np

from engine.device import copies

_pinned: dict[int, weakref.ref] = {}


def pinned_copy(array: np.ndarray) -> np.ndarray:
    """A C-contiguous copy of ``array`` in pinned memory.

    Raises:
        DeviceError: where there is no GPU.
    """
    copy = copies.pinned_array(array.shape, array.dtype) if array.size else np.empty(array.shape, array.dtype)
    np.copyto(copy, array)
    key = id(copy)
    _pinned[key] = weakref.ref(copy, lambda _: _pinned.pop(key, None))
    return copy


def is_pinned(array: np.ndarray) -> bool:
    """Whether the memory of ``array``, which may be a view, is pinned."""
    owner = array
    while id(owner) not in _pinned:
        if not isinstance(owner.base, np.ndarray):
            return False
        owner = owner.base
    return True
