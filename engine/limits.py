"""The limits of the dtypes: ``torch.finfo`` and ``torch.iinfo``."""

from __future__ import annotations

import numpy as np

from engine import dtypes


class finfo:
    """Properties of a floating-point dtype (the default dtype when None).

    ``eps`` is the distance from 1 to the next number, ``tiny`` and ``smallest_normal`` the smallest positive
    number with full precision, ``resolution`` the decimal precision.
    """

    def __init__(self, type: dtypes.dtype | None = None) -> None:
        d = dtypes.get_default_dtype() if type is None else type
        if not isinstance(d, dtypes.dtype) or not d.is_floating_point:
            raise TypeError(
                f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo' (got {d})"
            )
        of = np.finfo(d.numpy)
        self.dtype = d.name
        self.bits = of.bits
        self.eps = float(of.eps)
        self.max = float(of.max)
        self.min = float(of.min)
        self.tiny = self.smallest_normal = float(of.tiny)
        self.resolution = 10.0**-of.precision

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        values = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
        return f"finfo({values}, dtype={self.dtype})"


class iinfo:
    """Properties of an integer dtype: ``bits``, ``min``, ``max``."""

    def __init__(self, type: dtypes.dtype) -> None:
        if not isinstance(type, dtypes.dtype) or type.category != 1:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type}'")
        of = np.iinfo(type.name)
        self.dtype = type.name
        self.bits = of.bits
        self.min = int(of.min)
        self.max = int(of.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
