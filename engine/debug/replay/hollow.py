"""Arrays without contents: what a replay puts in the place of everything that it does not compute.

A Hollow has a shape and a dtype and can be handed about; whoever wants its numbers gets :class:`ContentsSkipped`,
and the replay begins again without skipping. It is no ``ndarray`` on purpose: neither NumPy nor Numba can read it by
another way than those below, so that no garbage can be taken for a result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.device import CPU, Device, device_of
from engine.trace import NoContents


class ContentsSkipped(BaseException):
    """The replay needs numbers that it has not computed. Not an Exception, so that no script catches it."""


class _Flags:
    """What an array's flags say."""

    writeable = aligned = True
    f_contiguous = fortran = owndata = False

    def __init__(self, contiguous: bool) -> None:
        self.c_contiguous = self.contiguous = self.carray = self.forc = contiguous


_CONTIGUOUS, _STRIDED = _Flags(True), _Flags(False)

#: Functions of NumPy whose result is hollow as well, of the shape of their first argument.
_SAME_SHAPE = (np.clip, np.copy)


class Hollow(NoContents, np.lib.mixins.NDArrayOperatorsMixin):
    """An array of ``shape`` and ``dtype`` whose contents are unknown.

    Attributes:
        real: the array whose place it has taken for a while, or None.
        strides: in bytes; those of a fresh array unless told otherwise.
        device: where the contents would lie.
    """

    __slots__ = ("_strides", "device", "dtype", "real", "shape")
    __hash__ = object.__hash__  # type: ignore[assignment]

    base = None

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        real: np.ndarray | None = None,
        strides: tuple[int, ...] | None = None,
        device: Device = CPU,
    ) -> None:
        self.shape, self.dtype, self.real = shape, dtype, real
        self.device = device if real is None else device_of(real)
        self._strides = strides if real is None else real.strides

    @property
    def flags(self) -> _Flags:
        return _CONTIGUOUS if self._strides is None or self._strides == self._dense() else _STRIDED

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        n = 1
        for extent in self.shape:
            n *= extent
        return n

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self._dense() if self._strides is None else self._strides

    def _dense(self) -> tuple[int, ...]:
        strides, n = [], self.dtype.itemsize
        for extent in reversed(self.shape):
            strides.append(n)
            n *= extent
        return tuple(reversed(strides))

    def __len__(self) -> int:
        return self.shape[0]

    # ---- what is known without contents ----

    def copy(self, order: str = "C") -> Hollow:
        return Hollow(self.shape, self.dtype, device=self.device)

    def astype(self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True) -> Hollow:
        wanted = np.dtype(dtype)
        return self if wanted == self.dtype and not copy else Hollow(self.shape, wanted, device=self.device)

    def reshape(self, *shape: Any) -> Hollow:
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return Hollow(np.broadcast_to(np.empty(()), self.shape).reshape(shape).shape, self.dtype, device=self.device)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method != "__call__" or out is not None or ufunc.nout != 1 or ufunc.signature is not None:
            raise needed(f"numpy.{ufunc.__name__}")
        # One element of each operand has the dtype of the result, or a Python number's freedom in it.
        probes = [np.ones((), x.dtype) if isinstance(x, Hollow) else _probe(x) for x in inputs]
        with np.errstate(all="ignore"):
            dtype = ufunc(*probes).dtype
        shape = np.broadcast_shapes(*[np.shape(x) if not isinstance(x, Hollow) else x.shape for x in inputs])
        return Hollow(shape, dtype, device=self.device)

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if function in _SAME_SHAPE and isinstance(args[0], Hollow) and kwargs.get("out") is None:
            return args[0].copy()
        if function in (np.zeros_like, np.ones_like, np.empty_like, np.full_like):
            return function(np.broadcast_to(np.empty((), self.dtype), self.shape), *args[1:], **{"order": "C", **kwargs})
        if function in (np.shape, np.ndim, np.size) and not kwargs and len(args) == 1:
            return {np.shape: self.shape, np.ndim: self.ndim, np.size: self.size}[function]
        raise needed(f"numpy.{function.__name__}")

    # ---- what is not ----

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise needed("an array")

    def __getitem__(self, index: Any) -> Any:
        raise needed("an element")

    def __setitem__(self, index: Any, value: Any) -> None:
        raise needed("writing an element")

    def __iter__(self) -> Any:
        raise needed("iteration")

    def __bool__(self) -> bool:
        raise needed("bool")

    def __float__(self) -> float:
        raise needed("float")

    def __int__(self) -> int:
        raise needed("int")

    def __index__(self) -> int:
        raise needed("an index")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise needed("pickling")

    def __copy__(self) -> Any:
        raise needed("copying")

    def __deepcopy__(self, memo: Any) -> Any:
        raise needed("copying")

    def __repr__(self) -> str:
        return f"<array of shape {self.shape}, dtype {self.dtype}, not computed>"

    def __getattr__(self, name: str) -> Any:
        # Reading any other attribute of an array (T, sum, ctypes, __array_interface__, _numba_type_ ...).
        if name in ("item", "tolist"):
            # Bound before it is known whether the value is on the tape.
            return lambda *args: _raise(name)
        raise needed(name)


def _probe(x: Any) -> Any:
    return x if isinstance(x, (bool, int, float)) else np.ones((), np.asarray(x).dtype)


def _raise(name: str) -> Any:
    raise needed(name)


def needed(what: str) -> ContentsSkipped:
    """The exception for ``what``, which needs contents."""
    global raised
    raised = ContentsSkipped(f"{what} of an array that the replay has not computed")
    return raised


#: The newest one that was raised.
raised: ContentsSkipped | None = None


def is_hollow(array: Any) -> bool:
    """Whether ``array`` has no contents."""
    return type(array) is Hollow
