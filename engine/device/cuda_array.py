"""CudaArray: an n-dimensional array on the GPU that answers to NumPy's names.

What an array *is* (shape, strides, views) NumPy itself works out, on a *layout*: a NumPy array of the same shape and
strides in address space that nobody reads. What an array *computes* goes through NumPy's two protocols
(NEP 13 ``__array_ufunc__`` and NEP 18 ``__array_function__``) to the tables below, which :mod:`engine.kernels.cuda`
fills. So a Function that says ``np.multiply(dy, y)`` or ``x.reshape(-1)`` runs on both devices as it stands.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.device import CUDA, copies, gate
from engine.device.pinned import is_pinned
from engine.device.pool import Loan, pool
from engine.device.streams import Stream
from engine.errors import MissingError, MixedDevicesError

#: NumPy's functions on arrays of which one is a CudaArray; and what runs its ufuncs. Filled by engine.kernels.cuda.
FUNCTIONS: dict[Callable, Callable] = {}
UFUNCS: dict[str, Callable] = {}

#: Called when the CPU has waited for the GPU, once :mod:`engine.device.faults` has had a check.
on_wait: Callable[[bool], None] | None = None

# NumPy's type stubs know nothing of the protocols by which its functions take arrays of other kinds.
copyto: Any = np.copyto


class Flags:
    """What an array's flags say."""

    aligned = True
    fortran = owndata = False

    def __init__(self, c_contiguous: bool, f_contiguous: bool, writeable: bool) -> None:
        self.c_contiguous = self.contiguous = c_contiguous
        self.f_contiguous = f_contiguous
        self.writeable = writeable
        self.carray = c_contiguous and writeable


_FLAGS = {kind: Flags(*kind) for kind in itertools.product((False, True), repeat=3)}


class CudaArray(np.lib.mixins.NDArrayOperatorsMixin):
    """Elements at ``layout``'s place in the block of ``loan``. Made by :func:`empty`, :func:`from_host` and views.

    Attributes:
        layout: shape, strides and place, as a NumPy array that must not be read.
        writeable: False where several indices are one element (broadcasts).
    """

    __slots__ = ("__weakref__", "_address", "_flat", "_raw", "dtype", "layout", "loan", "shape", "writeable")
    __hash__ = object.__hash__  # type: ignore[assignment]

    device = CUDA
    base = None

    def __init__(self, loan: Loan, layout: np.ndarray, writeable: bool = True) -> None:
        self.loan, self.layout, self.writeable = loan, layout, writeable
        self.shape, self.dtype = layout.shape, layout.dtype
        self._raw: Any = None
        self._flat: CudaArray | None = None
        self._address: int | None = None

    # ---- what it is ----

    @property
    def raw(self) -> Any:
        """What kernels take."""
        if self._raw is None:
            self._raw = gate.array(self.loan.block, self.layout)
        return self._raw

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return self.layout.size

    @property
    def nbytes(self) -> int:
        return self.layout.nbytes

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self.layout.strides

    @property
    def flags(self) -> Flags:
        flags = self.layout.flags
        return _FLAGS[flags.c_contiguous, flags.f_contiguous, self.writeable]

    @staticmethod
    def empty(shape: Any, dtype: Any) -> CudaArray:
        """:func:`empty`: an array where this one lies."""
        return empty(shape, dtype)

    @property
    def place(self) -> tuple[int, int]:
        """Identity of the memory: the block, and the byte in it where the array begins."""
        return id(self.loan.block), self.layout.__array_interface__["data"][0] - self.loan.block.start

    @property
    def address(self) -> int:
        """Of the first element, on the device; in the simulator on the host."""
        address = self._address
        if address is None:
            block = self.loan.block
            address = self._address = block.address + self.layout.__array_interface__["data"][0] - block.start
        return address

    def record_stream(self, stream: Stream) -> None:
        """``stream`` uses the array's memory too; see :meth:`engine.device.pool.Loan.record_stream`."""
        self.loan.record_stream(stream)

    def __len__(self) -> int:
        return len(self.layout)

    # ---- views ----

    def viewed(self, layout: np.ndarray) -> CudaArray:
        """The array that ``layout``, a view of this one's, describes."""
        return CudaArray(self.loan, layout, self.writeable and 0 not in _repeating(layout))

    @property
    def T(self) -> CudaArray:
        return self.viewed(self.layout.T)

    def transpose(self, *axes: Any) -> CudaArray:
        return self.viewed(self.layout.transpose(*axes))

    def swapaxes(self, a: int, b: int) -> CudaArray:
        return self.viewed(self.layout.swapaxes(a, b))

    def squeeze(self, axis: Any = None) -> CudaArray:
        return self.viewed(self.layout.squeeze(axis))

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> CudaArray:
        return self.viewed(self.layout.diagonal(offset, axis1, axis2))

    def view(self, dtype: Any = None) -> CudaArray:
        return self.viewed(self.layout.view() if dtype is None else self.layout.view(dtype))

    def reshape(self, *shape: Any) -> CudaArray:
        """A view where the strides allow it, else a copy, as in NumPy; the array itself where it has the shape already."""
        if shape == (-1,) and (self._flat is not None or len(self.shape) == 1):
            return self if self._flat is None else self._flat
        sizes = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
        target = _completed(sizes if isinstance(sizes, (tuple, list)) else (sizes,), self.size)
        if target == self.shape:
            return self
        if self.layout.flags.c_contiguous:
            if len(target) != 1:
                return CudaArray(self.loan, self.layout.reshape(target), self.writeable)
            # Kernels take arrays with one dimension so often that it is kept.
            if self._flat is None:
                self._flat = CudaArray(self.loan, self.layout.reshape(target), self.writeable)
            return self._flat
        layout = self.layout.view()
        try:
            layout.shape = target
        except AttributeError:
            return self.copy().reshape(target)
        except ValueError:
            raise ValueError(f"cannot reshape array of size {self.size} into shape {tuple(sizes)}") from None
        return self.viewed(layout)

    def ravel(self) -> CudaArray:
        return self.reshape(-1)

    def flatten(self) -> CudaArray:
        return self.copy().reshape(-1)

    def __getitem__(self, index: Any) -> CudaArray:
        if index is None:
            return CudaArray(self.loan, self.layout[None], self.writeable)
        if _is_basic(index):
            picked = self.layout[_with_ellipsis(index)]
            return self.viewed(picked)
        return FUNCTIONS[_getitem](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if _is_basic(index):
            copyto(self[index], value, casting="unsafe")
        else:
            FUNCTIONS[_setitem](self, index, value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    # ---- copies ----

    def copy(self, order: str = "C") -> CudaArray:
        result = empty(self.shape, self.dtype)
        copyto(result, self)
        return result

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> CudaArray:
        wanted = np.dtype(dtype)
        if wanted == self.dtype and not copy:
            return self
        result = empty(self.shape, wanted)
        copyto(result, self, casting="unsafe")
        return result

    def fill(self, value: Any) -> None:
        copyto(self, value, casting="unsafe")

    def host(self) -> np.ndarray:
        """A copy on the CPU, after every kernel launched so far in the current stream has ended."""
        result = np.empty(self.shape, self.dtype)
        if self.size:
            dense = self if self.layout.flags.c_contiguous else self.copy()
            copies.to_host(dense.raw, result)
            waited()
        return result

    def put(self, host: np.ndarray, wait: bool = True) -> None:
        """Overwrite the contents by those of ``host``, of the same shape and dtype.

        Without ``wait`` the call returns before the copy has ended where ``host`` is pinned; it must not change till then.
        """
        if not self.size:
            return
        if self.layout.flags.c_contiguous:
            if not wait and host.flags.c_contiguous and is_pinned(host):
                copies.start_to_device(self.raw, host)
            else:
                copies.to_device(self.raw, np.ascontiguousarray(host))
        else:
            copyto(self, from_host(host))

    def item(self, *index: Any) -> Any:
        return self.host().item(*index)

    def tolist(self) -> Any:
        return self.host().tolist()

    def tobytes(self) -> bytes:
        return self.host().tobytes()

    def __bool__(self) -> bool:
        return bool(self.host())

    def __int__(self) -> int:
        return int(self.host())

    def __float__(self) -> float:
        return float(self.host())

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise MixedDevicesError(
            "cuda: a computation on the CPU was given an array that lies on the GPU; "
            "copy it there first: tensor.cpu() (or tensor.to('cpu'))"
        )

    def __repr__(self) -> str:
        return f"<array on {self.device} of shape {self.shape}, dtype {self.dtype}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("arrays on the GPU are not pickled; copy to the CPU first")

    # ---- arithmetic ----

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        run = UFUNCS.get(method)
        if run is None:
            raise MissingError(f"cuda: numpy.{ufunc.__name__}.{method} has no kernel for the GPU")
        return run(ufunc, *inputs, **options)

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        run = FUNCTIONS.get(function)
        if run is None:
            raise MissingError(f"cuda: numpy.{function.__name__} has no implementation for arrays on the GPU")
        return run(*args, **kwargs)

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        return np.add.reduce(self, axis=axis, dtype=dtype, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.maximum.reduce(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.minimum.reduce(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.logical_or.reduce(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.logical_and.reduce(self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: Any = None) -> Any:
        return np.argmax(self, axis)

    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
        return FUNCTIONS[np.take](self, indices, axis, out, mode)

    def cumsum(self, axis: Any = None, dtype: Any = None) -> Any:
        return np.cumsum(self, axis, dtype)

    def argmin(self, axis: Any = None) -> Any:
        return np.argmin(self, axis)


def waited(everywhere: bool = False) -> None:
    """Say that the CPU has waited for the current stream, or for all streams.

    Raises:
        Exception: what a kernel has found wrong in the meantime (:mod:`engine.device.faults`).
    """
    if on_wait is not None:
        on_wait(everywhere)


#: Keys in ``FUNCTIONS`` for indexing by arrays.
def _getitem() -> None: ...
def _setitem() -> None: ...


def empty(shape: Any, dtype: Any) -> CudaArray:
    """A C-contiguous array with arbitrary contents, from the pool."""
    dtype = np.dtype(dtype)
    shape = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple([int(extent) for extent in shape])
    nbytes = math.prod(shape) * dtype.itemsize
    if not nbytes:
        # What an op lacks (no bias, no weights) is an array without elements: one of each kind does for all.
        return _nothing(shape, dtype)
    return _lent(shape, dtype, nbytes)


def _lent(shape: tuple[int, ...], dtype: np.dtype, nbytes: int, fresh: bool = False) -> CudaArray:
    loan = pool.lend(nbytes, (shape, dtype), fresh)
    return CudaArray(loan, np.ndarray(shape, dtype, loan.block.layout))


@functools.lru_cache(64)
def _nothing(shape: tuple[int, ...], dtype: np.dtype) -> CudaArray:
    return _lent(shape, dtype, 0)


def from_host(array: np.ndarray, wait: bool = True) -> CudaArray:
    """A copy of ``array`` on the GPU; ``wait`` as for :meth:`CudaArray.put`."""
    array = np.asarray(array)
    result = empty(array.shape, array.dtype)
    result.put(array, wait)
    return result


def kept_from_host(array: np.ndarray) -> CudaArray:
    """:func:`from_host` for what stays from step to step: it takes no block that the steps' arrays have in turn."""
    result = _lent(array.shape, array.dtype, array.nbytes, fresh=True)
    result.put(array)
    return result


def _completed(shape: Any, size: int) -> tuple[int, ...]:
    """``shape`` with its -1 replaced."""
    shape = tuple([int(extent) for extent in shape])
    if -1 not in shape:
        return shape
    known = math.prod([extent for extent in shape if extent != -1])
    return tuple([(size // known if known else 0) if extent == -1 else extent for extent in shape])


def _repeating(layout: np.ndarray) -> tuple[int, ...]:
    return tuple([stride for stride, extent in zip(layout.strides, layout.shape, strict=True) if extent > 1])


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, (slice, np.integer))
        or (isinstance(part, int) and not isinstance(part, bool))
        for part in parts
    )  # fmt: skip


def _with_ellipsis(index: Any) -> tuple:
    # NumPy makes a scalar, not a view, of an index that names one element, unless there is an ellipsis.
    parts = index if isinstance(index, tuple) else (index,)
    return parts if any(part is Ellipsis for part in parts) else (*parts, Ellipsis)
