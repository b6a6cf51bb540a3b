"""The flat arrays that the update of one parameter works on, kept from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.device import contiguous, empty
from engine.errors import DtypeError, ShapeError
from engine.tensor import Tensor

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def flat(array: np.ndarray) -> np.ndarray:
    """``array`` with one dimension, as kernels take it: a view where it is contiguous, else a copy."""
    return contiguous(array).reshape(-1)


class Slot:
    """Parameter and state of one update.

    Attributes:
        parameter: kept alive, so that its ``id`` finds this slot and no other.
        array: the parameter's array; when the parameter has another one, the slot is out of date.
        size, shape, dtype: those of ``array``.
        w: ``array``, flat.
        operands: the state's arrays, flat, in the kernel's order; size 0 for state that is not in use.
        step: the step counter, an array without dimensions, or None.
        on_cpu: whether the arrays lie on the CPU.
        fresh: whether the state was made for this very update.
        copied: (array, flat copy) of what is not contiguous and must be written back.
    """

    __slots__ = (
        "array",
        "copied",
        "dtype",
        "fresh",
        "names",
        "on_cpu",
        "operands",
        "parameter",
        "shape",
        "size",
        "sources",
        "step",
        "w",
    )

    def __init__(
        self,
        parameter: Tensor,
        state: dict[str, Any],
        names: tuple[str, ...],
        arrays: dict[str, str],
        fresh: bool = False,
    ) -> None:
        self.parameter = parameter
        self.array = array = parameter._array
        if array.dtype not in _FLOATS:
            raise DtypeError(f"optimizer: a parameter must be float32 or float64 but one is {parameter.dtype}")
        self.size, self.shape, self.dtype = array.size, array.shape, array.dtype
        self.on_cpu = type(array) is np.ndarray
        self.names = names
        self.fresh = fresh
        self.sources = tuple((name, state[name]._array) for name in names)
        self.step: Any = state["step"]._array if "step" in names else None
        self.copied: list[tuple[np.ndarray, np.ndarray]] = []
        self.w = self._flat(array)
        self.operands = tuple(
            self._flat(_checked(state[name]._array, name, array)) if name in names else empty((0,), array.dtype, array)
            for name in arrays.values()
        )

    def holds(self, state: dict[str, Any]) -> bool:
        """Whether the slot's arrays are still those of ``state``."""
        for name, array in self.sources:
            tensor = state.get(name)
            if tensor is None or tensor._array is not array:
                return False
        return True

    def count(self) -> float:
        """Add 1 to the step counter and return it."""
        step = self.step.item() + 1.0
        self.step.fill(step)
        return step

    def write_back(self) -> None:
        """Bring the results from contiguous copies back to where they belong; the next step makes a new slot."""
        for array, copy in self.copied:
            array[...] = copy.reshape(array.shape)
        self.array = None

    def _flat(self, array: np.ndarray) -> np.ndarray:
        result = flat(array)
        if not array.flags.carray:
            self.copied.append((array, result))
        return result


def _checked(state: np.ndarray, name: str, array: np.ndarray) -> np.ndarray:
    if state.shape != array.shape or state.dtype != array.dtype:
        raise ShapeError(
            f"optimizer: state {name!r} has shape {state.shape} and dtype {state.dtype} but its parameter has "
            f"shape {array.shape} and dtype {array.dtype}; they must be equal"
        )
    return state
