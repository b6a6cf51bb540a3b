"""The five dtypes of the engine and PyTorch's rules for mixing them.

PyTorch orders dtypes by category: bool < integer < float. An operand that is a Python number or a tensor
without dimensions takes part only with its category, so ``int64_tensor * 2.5`` is float32 (the default
float) and ``float32_tensor * float64_scalar_tensor`` stays float32.
Source: PyTorch, "Tensor Attributes", section "torch.dtype", type promotion.
"""

from __future__ import annotations

import numpy as np

from engine.errors import DtypeError


class dtype:
    """An element type; printed as PyTorch prints it."""

    __slots__ = ("category", "name", "numpy")

    def __init__(self, name: str, numpy_type: type, category: int) -> None:
        self.name = name
        self.numpy = np.dtype(numpy_type)
        self.category = category

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self):
        return (_by_name, (self.name,))

    @property
    def is_floating_point(self) -> bool:
        return self.category == 2

    @property
    def is_complex(self) -> bool:
        return False

    @property
    def is_signed(self) -> bool:
        return self.name not in ("uint8", "bool")

    @property
    def itemsize(self) -> int:
        return self.numpy.itemsize


bool_ = dtype("bool", np.bool_, 0)
uint8 = dtype("uint8", np.uint8, 1)
int64 = dtype("int64", np.int64, 1)
float32 = dtype("float32", np.float32, 2)
float64 = dtype("float64", np.float64, 2)

ALL = (bool_, uint8, int64, float32, float64)
_ORDER = {d: i for i, d in enumerate(ALL)}
_FROM_NUMPY = {d.numpy: d for d in ALL}

_default = float32


def _by_name(name: str) -> dtype:
    return next(d for d in ALL if d.name == name)


def get_default_dtype() -> dtype:
    """The dtype of float tensors made from Python numbers; float32 unless changed."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make ``d`` (float32 or float64) the dtype of float tensors made from Python numbers."""
    global _default
    if d not in (float32, float64):
        raise DtypeError(f"set_default_dtype: only floating-point types are supported as the default type, got {d}")
    _default = d


def from_numpy(numpy_type: np.dtype, what: str = "array") -> dtype:
    """The engine's dtype of a NumPy dtype.

    Raises:
        DtypeError: when the engine has no such dtype.
    """
    found = _FROM_NUMPY.get(numpy_type)
    if found is None:
        names = ", ".join(d.name for d in ALL)
        raise DtypeError(f"{what} has dtype {numpy_type}, which the engine does not have; convert it to one of {names}")
    return found


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest dtype that both can be converted to: bool < uint8 < int64 < float32 < float64."""
    return a if _ORDER[a] >= _ORDER[b] else b


def of_scalar(value: object) -> dtype:
    """The dtype that a Python number stands for: bool, int64 or the default float."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (float, np.floating)):
        return _default
    raise DtypeError(f"expected a number, got {type(value).__name__}")


def result_type(operands: list[tuple[dtype, int]]) -> dtype:
    """PyTorch's result dtype.

    Args:
        operands: (dtype, rank) pairs; rank 1 for tensors with dimensions, 0 for tensors without,
            -1 for Python numbers. A higher rank wins unless the lower has the higher category.
    """
    result = None
    for rank in (1, 0, -1):
        of_rank = None
        for d, r in operands:
            if r == rank:
                of_rank = d if of_rank is None else promote_types(of_rank, d)
        if of_rank is None:
            continue
        if result is None:
            result = of_rank
        elif of_rank.category > result.category:
            result = _default if rank == -1 and of_rank.category == 2 else of_rank
    return result
