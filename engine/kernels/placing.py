"""Bringing an array to a device."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.device import CPU, Device, on_host


def placed(array: Any, device: Device, wait: bool = True) -> Any:
    """``array`` on ``device``: itself where it lies there already, else a copy.

    Without ``wait`` Python goes on while a pinned array is copied to a GPU.
    """
    if device == CPU:
        return on_host(array)
    if not isinstance(array, np.ndarray):
        return array
    # Kernels are imported with the first array that needs them: numba.cuda takes its time.
    from engine.kernels import cuda

    return cuda.from_host(array, wait)
