"""Tensor: an array on a device, its gradient, and the Function that made it.

Arithmetic, indexing and all the other methods that are ops come from :mod:`engine.ops`, which binds them here;
this file holds what a tensor *is*: its array, its place in the graph, and its bookkeeping.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import dtypes, trace
from engine.device import CPU, Device, as_array, device_of
from engine.errors import DtypeError, GradientError, InPlaceError, MissingError, ShapeError

_hook_ids = itertools.count()


class Size(tuple):
    """``torch.Size``: a shape."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def numel(self) -> int:
        """The number of elements: the product of the extents."""
        n = 1
        for extent in self:
            n *= extent
        return n

    def __getitem__(self, index: Any) -> Any:
        result = tuple.__getitem__(self, index)
        return Size(result) if isinstance(index, slice) else result

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))


class Tensor:
    """An n-dimensional array that remembers how it was computed.

    ``Tensor(2, 3)`` and ``Tensor([1, 2])`` make float32 tensors as PyTorch's legacy constructor does; use
    :func:`engine.tensor` for new code.
    """

    # Defaults live on the class, so that making a tensor sets one attribute only.
    _array: np.ndarray
    _requires_grad = False
    _grad: Tensor | None = None
    _function: Any = None
    _output = 0
    _hooks: dict | None = None
    _version: list | None = None
    _base: Tensor | None = None
    _retains_grad = False
    #: Where a recorder first saw it: the same number in each run of the same script; 0: nowhere.
    _made = 0
    name: str | None = None

    # NumPy must leave ``array * tensor`` to the tensor's own operators.
    __array_priority__ = 1000

    def __new__(cls, *arguments: Any, **_ignored: Any) -> Tensor:
        tensor = object.__new__(cls)
        tensor._array = _legacy_array(arguments)
        return tensor

    if TYPE_CHECKING:
        # Bound by engine.backward and engine.ops; declared here for tools.
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __iadd__(self, other: Any) -> Tensor: ...
        def __isub__(self, other: Any) -> Tensor: ...
        def __imul__(self, other: Any) -> Tensor: ...
        def __itruediv__(self, other: Any) -> Tensor: ...
        def backward(
            self,
            gradient: Tensor | None = None,
            retain_graph: bool | None = None,
            create_graph: bool = False,
            inputs: Any = None,
        ) -> None: ...
        def __neg__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def cpu(self) -> Tensor: ...
        def cuda(self, device: Any = None, non_blocking: bool = False) -> Tensor: ...
        def pin_memory(self, device: Any = None) -> Tensor: ...

    def __getattr__(self, name: str) -> Any:
        raise MissingError(
            f"'Tensor' object has no attribute '{name}': this engine has no torch.Tensor.{name}"
        )

    # ---- what it is ----

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or its extent at ``dim``."""
        if dim is None:
            return Size(self._array.shape)
        n = self._array.ndim
        if not -n <= dim < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
        return self._array.shape[dim]

    @property
    def ndim(self) -> int:
        return self._array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.from_numpy(self._array.dtype)

    @property
    def device(self) -> Device:
        return CPU if type(self._array) is np.ndarray else device_of(self._array)

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def layout(self) -> str:
        return "torch.strided"

    def get_device(self) -> int:
        """The number of the GPU; -1: the CPU."""
        return -1 if self.device.index is None else self.device.index

    def stride(self, dim: int | None = None) -> tuple[int, ...] | int:
        """Elements between neighbours along each dimension, or along ``dim``."""
        strides = tuple(s // self._array.itemsize for s in self._array.strides)
        return strides if dim is None else strides[dim]

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory in row-major order without gaps."""
        return self._array.flags.c_contiguous

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._array.ctypes.data if isinstance(self._array, np.ndarray) else self._array.address

    def is_floating_point(self) -> bool:
        """Whether the dtype is float32 or float64."""
        return self._array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """False: the engine has no complex dtype."""
        return False

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise ShapeError(
                f"Boolean value of Tensor with shape {self._array.shape} is ambiguous; "
                "only a tensor with one element is true or false (use .any() or .all())"
            )
        return trace.reading("bool", lambda: bool(self._array.reshape(-1)[0]))

    def __iter__(self):
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self._array.shape[0]))

    # ``==`` compares elements, but a tensor stays a key by identity.
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        from engine.printing import tensor_text

        return trace.reading("repr", lambda: tensor_text(self))

    def __format__(self, specification: str) -> str:
        if self._array.ndim == 0:
            return format(self.item(), specification)
        return object.__format__(self, specification)

    # ---- its place in the graph ----

    @property
    def requires_grad(self) -> bool:
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self._function is not None and not value:
            raise GradientError(
                "you can only change requires_grad flags of leaf variables; "
                "use detach() for a tensor that does not take part in the gradient"
            )
        if value and self._array.dtype.kind != "f":
            raise GradientError(f"only Tensors of floating point dtype can require gradients, this one is {self.dtype}")
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Tensor | None:
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got {type(value).__name__}")
            if value._array.shape != self._array.shape:
                raise ShapeError(
                    f"assigned grad has shape {value._array.shape} but the tensor has shape {self._array.shape}; "
                    "they must be equal"
                )
            if value._array.dtype != self._array.dtype:
                raise DtypeError(f"assigned grad has dtype {value.dtype} but the tensor has dtype {self.dtype}")
        self._grad = value

    @property
    def is_leaf(self) -> bool:
        return self._function is None

    @property
    def grad_fn(self) -> Any:
        return self._function

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph, without version counting."""
        out = wrap(self._array)
        out._made = self._made
        return out

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self._array, self._made = value._array, value._made

    def detach(self) -> Tensor:
        """The same memory, outside the graph."""
        out = wrap(self._array)
        out._version = self._version_counter()
        out._made = self._made
        return out

    def detach_(self) -> Tensor:
        """Leave the graph: the tensor becomes a leaf that requires no gradient."""
        self._function, self._requires_grad, self._output = None, False, 0
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor although it is not a leaf."""
        if not self._requires_grad:
            raise GradientError("can't retain_grad on Tensor that has requires_grad=False")
        if self._function is None or self._retains_grad:
            return
        self._retains_grad = True
        hooks, _ = self._function_hooks()
        self._function.hooks[self._output] = (hooks, weakref.ref(self))

    @property
    def retains_grad(self) -> bool:
        return self._retains_grad

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook(gradient)`` when the gradient of this tensor is known; what it returns replaces the gradient."""
        if not self._requires_grad:
            raise GradientError("cannot register a hook on a tensor that doesn't require gradient")
        if self._function is None:
            if self._hooks is None:
                self._hooks = {}
            hooks = self._hooks
        else:
            hooks, _ = self._function_hooks()
        return RemovableHandle(hooks, hook)

    def _function_hooks(self) -> tuple[dict, Any]:
        function = self._function
        if function.hooks is None:
            function.hooks = {}
        return function.hooks.setdefault(self._output, ({}, None))

    # ---- in-place changes ----

    def _version_counter(self) -> list:
        """The time of the last change of the memory, in a list that all tensors on this memory share."""
        if self._version is None:
            self._version = [0]
        return self._version

    def _bump(self) -> None:
        """Note a change of the memory, so that backward can refuse what was saved before it."""
        clock.now += 1
        if self._version is None:
            self._version = [clock.now]
        else:
            self._version[0] = clock.now

    def _check_in_place(self, op: str) -> None:
        """Refuse an in-place ``op`` where PyTorch refuses it, or where this engine cannot follow it."""
        if not (grad_mode.enabled and self._requires_grad):
            return
        if self._function is None:
            raise InPlaceError(
                f"{op}: a leaf Variable that requires grad is being used in an in-place operation; "
                "do it inside torch.no_grad(), or out of place"
            )
        if self._base is not None:
            raise InPlaceError(
                f"{op}: in-place change of a view of a tensor that requires grad is not followed by this engine; "
                "use the out-of-place form"
            )

    def _write(self, array: np.ndarray, op: Any) -> Tensor:
        """Overwrite the elements with ``array`` (broadcast), announced to the observer."""
        observer = trace.on_change
        if observer is None or not observer.before_write(self, array, op):
            self._array[...] = array
        self._bump()
        if observer is not None:
            observer.after_update("in-place", self, op)
        return self

    # ---- out of the engine ----

    def item(self) -> Any:
        """The single element as a Python number."""
        if self._array.size != 1:
            raise ShapeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.item() if trace.on_read is None else trace.on_read.read("item", self._array.item)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._array.tolist() if trace.on_read is None else trace.on_read.read("tolist", self._array.tolist)

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The elements as a NumPy array that shares the tensor's memory."""
        if self._requires_grad and not force:
            raise GradientError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if self.is_cuda:
            raise TypeError(
                "can't convert cuda:0 device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        return trace.reading("numpy", lambda: self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None:
            array = array.astype(dtype, copy=False)
        return array.copy() if copy else array

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iub" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return trace.reading("index", lambda: int(self._array.item()))

    def __deepcopy__(self, memo: dict) -> Tensor:
        if self._function is not None:
            raise GradientError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol; "
                "use detach().clone()"
            )
        copy = object.__new__(type(self))
        copy._array = self._array.copy()
        copy._requires_grad = self._requires_grad
        memo[id(self)] = copy
        if self._grad is not None:
            copy._grad = trace.made(wrap(self._grad._array.copy()))
        return trace.made(copy)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("tensors are not pickled by this engine; save them with engine.save (safetensors)")


class _Clock:
    """Counts in-place changes of tensors. A Function notes the time when it is recorded: as long as the clock stands
    still, nothing that it saved can have changed."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0


clock = _Clock()


def wrap(array: np.ndarray) -> Tensor:
    """A tensor around ``array`` itself, outside the graph. NumPy scalars become tensors without dimensions."""
    tensor = object.__new__(Tensor)
    if type(array) is not np.ndarray:
        array = as_array(array)
    tensor._array = array
    return tensor


def _legacy_array(arguments: tuple) -> np.ndarray:
    if len(arguments) == 1 and isinstance(arguments[0], Tensor):
        return arguments[0]._array
    if len(arguments) == 1 and isinstance(arguments[0], (list, np.ndarray)):
        return np.array(arguments[0], dtype=np.float32)
    if len(arguments) == 1 and isinstance(arguments[0], tuple):
        arguments = arguments[0] if isinstance(arguments[0], Size) else arguments
        if isinstance(arguments[0], tuple):
            return np.array(arguments[0], dtype=np.float32)
    if all(isinstance(a, (int, np.integer)) for a in arguments):
        return np.zeros(arguments if arguments else (0,), np.float32)
    raise TypeError(f"Tensor: expected extents or a sequence of numbers, got {arguments!r}")


class RemovableHandle:
    """Removes the hook it stands for; also a context manager."""

    def __init__(self, hooks: dict, hook: Callable) -> None:
        self._hooks = hooks
        self.id = next(_hook_ids)
        hooks[self.id] = hook

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.remove()


class _GradMode:
    """Whether ops are recorded. One flag: only the training thread runs ops."""

    __slots__ = ("enabled",)

    def __init__(self) -> None:
        self.enabled = True


grad_mode = _GradMode()


class _GradContext:
    """Sets the flag inside a ``with`` block, or inside a decorated function."""

    _value = False

    def __enter__(self) -> None:
        self._previous = grad_mode.enabled
        grad_mode.enabled = self._value

    def __exit__(self, *_exception: Any) -> None:
        grad_mode.enabled = self._previous

    def __call__(self, function: Callable) -> Callable:
        value = self._value

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with set_grad_enabled(value):
                return function(*args, **kwargs)

        return inside


class no_grad(_GradContext):
    """Inside, ops are not recorded: results require no gradient."""

    _value = False

    def __new__(cls, function: Callable | None = None) -> Any:
        context = object.__new__(cls)
        return context if function is None else context(function)


class inference_mode(no_grad):
    """The same as :class:`no_grad` here."""

    def __new__(cls, mode: Any = True) -> Any:
        if callable(mode):
            return no_grad(mode)
        context = object.__new__(cls)
        context._value = not mode
        return context


class enable_grad(no_grad):
    """Inside, ops are recorded again."""

    _value = True


class set_grad_enabled(_GradContext):
    """Switch recording on or off, at once and until the end of the ``with`` block."""

    def __init__(self, mode: bool) -> None:
        self._value = bool(mode)
        self._previous = grad_mode.enabled
        grad_mode.enabled = self._value

    def __enter__(self) -> None:
        grad_mode.enabled = self._value

    def __call__(self, function: Callable) -> Callable:
        grad_mode.enabled = self._previous
        return _GradContext.__call__(self, function)


def is_grad_enabled() -> bool:
    """Whether ops are being recorded."""
    return grad_mode.enabled
