"""Convolution in one and two dimensions, and its transpose: one op each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.definitions import conv as definitions
from engine.device import contiguous, empty
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.kernels.cpu import convolution as kernels
from engine.ops.elementwise import refuse_non_tensors
from engine.tensor import Tensor

#: A number for all dimensions, or one for each.
Setting = int | Sequence[int]


class _Windowed(Function):
    """Parameters that every convolution has, and its layout: 1-D convolutions are 2-D ones of height 1."""

    stays_finite = True
    saves_inputs = (0, 1)

    def __init__(self, stride, padding, dilation, groups, flat: bool) -> None:
        self.stride, self.padding, self.dilation, self.groups, self.flat = stride, padding, dilation, groups, flat

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if self.flat and array.ndim == 3:
            return array.reshape(*array.shape[:2], 1, array.shape[2])
        return array

    def _operand(self, array: np.ndarray) -> np.ndarray:
        array = contiguous(array)
        return array.reshape(*array.shape[:2], 1, array.shape[2]) if self.flat else array

    def _result(self, array: Any) -> Any:
        if array is None or not self.flat:
            return array
        return array.reshape(array.shape[0], array.shape[1], array.shape[3])

    @property
    def _settings(self) -> tuple:
        return self.stride, self.padding, self.dilation, self.groups


class Convolution(_Windowed):
    """y = b + x ⋆ w over windows of x."""

    definitions = {
        "y": definitions.conv2d_forward,
        "dx": definitions.conv2d_backward_input,
        "dw": definitions.conv2d_backward_weight,
        "db": definitions.conv2d_backward_bias,
    }

    def forward(self, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
        self.x, self.w = x, w = self._operand(x), self._operand(w)
        (sh, sw), (ph, pw), (dh, dw) = self.stride, self.padding, self.dilation
        n, _, height, width = x.shape
        filters, _, kh, kw = w.shape
        shape = (n, filters, (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1,
                 (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1)
        y = empty(shape, x.dtype, x)
        bias = empty((0,), x.dtype, x) if b is None else contiguous(b)
        kernels.conv2d_forward(y, x, w, bias, *self._settings)
        return self._result(y)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        x, w, needs = self.x, self.w, self.needs
        dy = self._operand(dy)
        dx = dw = db = None
        if needs[0]:
            dx = empty(x.shape, x.dtype, x)
            kernels.conv2d_backward_input(dx, dy, w, *self._settings)
        if needs[1] or (len(needs) > 2 and needs[2]):
            dw = empty(w.shape, w.dtype, w)
            db = empty((w.shape[0] if len(needs) > 2 else 0,), w.dtype, w)
            kernels.conv2d_backward_weight(dw, db, dy, x, *self._settings)
        return self._result(dx), self._result(dw), db


class ConvTranspose(_Windowed):
    """The transpose of Convolution: forward spreads every pixel of x over a window of y."""

    definitions = {
        "y": definitions.conv_transpose2d_forward,
        "dx": definitions.conv_transpose2d_backward_input,
        "dw": definitions.conv_transpose2d_backward_weight,
        "db": definitions.conv_transpose2d_backward_bias,
    }

    def __init__(self, stride, padding, dilation, groups, flat: bool, output_padding) -> None:
        super().__init__(stride, padding, dilation, groups, flat)
        self.output_padding = output_padding

    def forward(self, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
        self.x, self.w = x, w = self._operand(x), self._operand(w)
        extents = [
            (x.shape[2 + d] - 1) * self.stride[d] - 2 * self.padding[d]
            + self.dilation[d] * (w.shape[2 + d] - 1) + self.output_padding[d] + 1
            for d in (0, 1)
        ]
        y = empty((x.shape[0], w.shape[1] * self.groups, *extents), x.dtype, x)
        kernels.conv2d_backward_input(y, x, w, *self._settings)
        if b is not None:
            y += b.reshape(1, -1, 1, 1)
        return self._result(y)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        x, w, needs = self.x, self.w, self.needs
        dy = self._operand(dy)
        dx = dw = db = None
        if needs[0]:
            dx = empty(x.shape, x.dtype, x)
            kernels.conv2d_forward(dx, dy, w, empty((0,), x.dtype, x), *self._settings)
        if needs[1]:
            dw = empty(w.shape, w.dtype, w)
            kernels.conv2d_backward_weight(dw, empty((0,), w.dtype, w), x, dy, *self._settings)
        if len(needs) > 2 and needs[2]:
            db = dy.sum(axis=(0, 2, 3))
        return self._result(dx), self._result(dw), db


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Setting = 1,
    padding: Setting | str = 0,
    dilation: Setting = 1,
    groups: int = 1,
) -> Tensor:
    """2-D cross-correlation of a batch of pictures with filters.

    Args:
        input: (N, C, H, W) or (C, H, W) float.
        weight: (O, C/groups, KH, KW), of the same dtype.
        bias: (O) or None.
        stride, dilation: pixels, >= 1; a number or a pair.
        padding: pixels of zeros on each side, >= 0; a number, a pair, ``"valid"`` (0) or ``"same"`` (stride 1).
        groups: channels and filters are cut into so many independent groups.

    Returns:
        (N, O, OH, OW) with OH = (H + 2 PH - DH (KH - 1) - 1) // SH + 1, and OW likewise.

    Raises:
        ShapeError, DtypeError: when operands or settings do not fit.
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Setting = 1,
    padding: Setting | str = 0,
    dilation: Setting = 1,
    groups: int = 1,
) -> Tensor:
    """1-D cross-correlation: input (N, C, L) or (C, L), weight (O, C/groups, K), bias (O); see :func:`conv2d`."""
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Setting = 1,
    padding: Setting = 0,
    output_padding: Setting = 0,
    groups: int = 1,
    dilation: Setting = 1,
) -> Tensor:
    """2-D transposed convolution (the gradient of :func:`conv2d` with respect to its input).

    Args:
        input: (N, C, H, W) or (C, H, W) float.
        weight: (C, O/groups, KH, KW).
        bias: (O) or None.
        output_padding: extra rows and columns at the end, < max(stride, dilation).

    Returns:
        (N, O, OH, OW) with OH = (H - 1) SH - 2 PH + DH (KH - 1) + output_padding + 1, and OW likewise.
    """
    return _transpose("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Setting = 1,
    padding: Setting = 0,
    output_padding: Setting = 0,
    groups: int = 1,
    dilation: Setting = 1,
) -> Tensor:
    """1-D transposed convolution: input (N, C, L), weight (C, O/groups, K); see :func:`conv_transpose2d`."""
    return _transpose("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _convolve(op, rank, input, weight, bias, stride, padding, dilation, groups) -> Tensor:
    batched = _check(op, rank, input, weight, bias, weight.shape[0], weight.shape[1] * groups if weight.ndim > 1 else 0)
    stride, dilation = pair(op, "stride", stride, rank, 1), pair(op, "dilation", dilation, rank, 1)
    if weight.shape[0] % groups:
        raise ShapeError(f"{op}: {weight.shape[0]} filters cannot be cut into {groups} groups")
    if isinstance(padding, str):
        input, padding = _named_padding(op, padding, input, weight, stride, dilation, rank)
    else:
        padding = pair(op, "padding", padding, rank, 0)
    x = input if batched else input.unsqueeze(0)
    for d in range(rank):
        extent = x.shape[2 + d] + 2 * padding[d - rank]
        reach = dilation[d - rank] * (weight.shape[2 + d] - 1) + 1
        if extent < reach:
            raise ShapeError(
                f"{op}: the filter covers {reach} pixels along dimension {2 + d} but the padded input has {extent} "
                f"(input {tuple(input.shape)}, weight {tuple(weight.shape)}); "
                "kernel size can't be greater than input size"
            )
    function = Convolution(stride, padding, dilation, groups, rank == 1)
    y = apply(function, x, weight) if bias is None else apply(function, x, weight, bias)
    return y if batched else y.squeeze(0)


def _transpose(op, rank, input, weight, bias, stride, padding, output_padding, groups, dilation) -> Tensor:
    batched = _check(op, rank, input, weight, bias, weight.shape[1] * groups, weight.shape[0])
    stride, dilation = pair(op, "stride", stride, rank, 1), pair(op, "dilation", dilation, rank, 1)
    padding = pair(op, "padding", padding, rank, 0)
    output_padding = pair(op, "output_padding", output_padding, rank, 0)
    for extra, s, d in zip(output_padding, stride, dilation, strict=True):
        if extra and extra >= max(s, d):
            raise ShapeError(
                f"{op}: output padding must be smaller than either stride or dilation, got output_padding {extra}, "
                f"stride {s}, dilation {d}"
            )
    function = ConvTranspose(stride, padding, dilation, groups, rank == 1, output_padding)
    x = input if batched else input.unsqueeze(0)
    y = apply(function, x, weight) if bias is None else apply(function, x, weight, bias)
    return y if batched else y.squeeze(0)


def _check(op, rank, input, weight, bias, filters, channels) -> bool:
    """Operands fit together; returns whether the input has a batch dimension."""
    try:
        x, w = input._array, weight._array
    except AttributeError:
        refuse_non_tensors(op, input=input, weight=weight)
        raise
    if w.ndim != rank + 2:
        raise ShapeError(f"{op}: weight must have {rank + 2} dimensions, got shape {w.shape}")
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{op}: expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input, got input of shape {x.shape}"
        )
    if x.shape[-1 - rank] != channels:
        raise ShapeError(
            f"{op}: x has {x.shape[-1 - rank]} channels (shape {x.shape}) but weight expects {channels} "
            f"(shape {w.shape}); x.shape[{x.ndim - 1 - rank}] must be weight's channels times groups"
        )
    if x.dtype != w.dtype or x.dtype.kind != "f":
        raise DtypeError(f"{op}: x is {input.dtype} and weight is {weight.dtype}; both must be the same float dtype")
    if bias is not None and (bias._array.shape != (filters,) or bias._array.dtype != w.dtype):
        raise ShapeError(
            f"{op}: bias has shape {bias._array.shape} and dtype {bias.dtype}; it must be ({filters},) {weight.dtype}"
        )
    return x.ndim == rank + 2


def pair(op: str, name: str, value, rank: int, least: int) -> tuple[int, int]:
    """A setting as (vertical, horizontal); of one-dimensional ops the vertical part is neutral (0 or 1)."""
    neutral = 1 if least else 0
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) == 1:
        values = values * rank
    if len(values) != rank or any(not isinstance(v, (int, np.integer)) or v < least for v in values):
        kind = "a number" if rank == 1 else "a number or a pair"
        raise ShapeError(f"{op}: {name} must be {kind} >= {least}, got {value!r}")
    return (neutral, int(values[0])) if rank == 1 else (int(values[0]), int(values[1]))


def _named_padding(op, padding, input, weight, stride, dilation, rank):
    if padding == "valid":
        return input, (0, 0)
    if padding != "same":
        raise ShapeError(f"{op}: padding must be numbers, 'valid' or 'same', got {padding!r}")
    if max(stride) > 1:
        raise ShapeError(f"{op}: padding='same' is not supported for strided convolutions")
    totals = [dilation[d - rank] * (weight.shape[2 + d] - 1) for d in range(rank)]
    if any(total % 2 for total in totals):
        # An odd total cannot be the same on both sides: PyTorch puts the surplus at the end.
        from engine.ops.padding import pad

        surplus = tuple(amount for total in reversed(totals) for amount in (0, total % 2))
        input = pad(input, surplus)
    halves = [total // 2 for total in totals]
    return input, ((0, halves[0]) if rank == 1 else (halves[0], halves[1]))


METHODS: dict = {}
FUNCTIONS = ("conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d")
