"""Moving a module to another dtype (and, by name, to another device)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import dtypes
from engine.device import Device, tensor_device
from engine.errors import MissingError
from engine.kernels.placing import placed
from engine.tensor import Tensor, no_grad, wrap


class Conversion:
    """``to``, ``float``, ``double``, ``cpu`` ... of :class:`~engine.nn.Module`."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    children: Callable

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """Replace the memory of every parameter, gradient and buffer by what ``fn`` makes of it."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is not None:
                    gradient = parameter.grad
                    parameter.data = fn(parameter.data)
                    if gradient is not None:
                        parameter.grad = fn(gradient)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Convert in place: ``to(device)``, ``to(dtype)``, ``to(device, dtype)`` or ``to(tensor)``.

        Only floating-point parameters and buffers change their dtype.

        Raises:
            DeviceError: for a device that is not there.
            TypeError: for a dtype that is not floating point.
        """
        device, dtype = _parse_to(args, kwargs)
        if device is not None:
            wanted = tensor_device(device)
            self._apply(lambda t: t if t.device == wanted else wrap(placed(t._array, wanted)))
        if dtype is None:
            return self
        if not dtype.is_floating_point:
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype}"
            )
        return self._apply(lambda t: _as(t, dtype) if t.is_floating_point() else t)

    def type(self, dst_type: dtypes.dtype) -> Any:
        """Convert every parameter and buffer to ``dst_type``."""
        return self._apply(lambda t: _as(t, dst_type))

    def float(self) -> Any:
        """Convert floating-point parameters and buffers to float32."""
        return self.to(dtypes.float32)

    def double(self) -> Any:
        """Convert floating-point parameters and buffers to float64."""
        return self.to(dtypes.float64)

    def half(self) -> Any:
        """Not available: the engine has no float16."""
        raise MissingError("Module.half: the engine has no float16; it has float32 and float64")

    def bfloat16(self) -> Any:
        """Not available: the engine has no bfloat16."""
        raise MissingError("Module.bfloat16: the engine has no bfloat16; it has float32 and float64")

    def cpu(self) -> Any:
        """Move every parameter and buffer to the CPU."""
        return self.to("cpu")

    def cuda(self, device: int | Device | None = None) -> Any:
        """Move every parameter and buffer to the GPU.

        Raises:
            DeviceError: where there is none, saying what is missing.
        """
        return self.to("cuda" if device is None else device)


def _as(tensor: Tensor, dtype: dtypes.dtype) -> Tensor:
    return tensor if tensor.dtype is dtype else wrap(tensor._array.astype(dtype.numpy))


def _parse_to(args: tuple, kwargs: dict) -> tuple[Any, dtypes.dtype | None]:
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    unknown = set(kwargs) - {"device", "dtype", "non_blocking", "copy", "memory_format", "tensor"}
    if unknown:
        raise TypeError(f"to() received an invalid keyword argument {unknown.pop()!r}")
    for argument in (*args, kwargs.get("tensor")):
        if isinstance(argument, Tensor):
            device, dtype = argument.device, argument.dtype
        elif isinstance(argument, dtypes.dtype):
            dtype = argument
        elif isinstance(argument, (str, Device)):
            device = argument
        elif isinstance(argument, int) and not isinstance(argument, bool):
            device = f"cuda:{argument}"
        elif argument is not None and not isinstance(argument, bool):
            raise TypeError(f"to() expected a device, a dtype or a tensor, got {type(argument).__name__}")
    return device, dtype
