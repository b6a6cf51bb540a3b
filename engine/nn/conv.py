"""Convolutions and transposed convolutions."""

from __future__ import annotations

import math
from typing import Any

from engine.nn import functional as F
from engine.nn import init
from engine.nn.make import new_parameter, pair
from engine.nn.module import Module
from engine.nn.parameter import Parameter
from engine.tensor import Tensor

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
    """What convolutions have in common; ``_rank`` is the number of spatial dimensions."""

    _rank = 0
    _transposed = False

    weight: Parameter
    bias: Parameter | None

    def _set_up(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        _check_channels(in_channels, out_channels, groups)
        rank = self._rank
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair(kernel_size, rank)
        self.stride = pair(stride, rank)
        self.padding = padding if isinstance(padding, str) else pair(padding, rank)
        self.dilation = pair(dilation, rank)
        self.output_padding = pair(output_padding, rank)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check_padding()
        to, of = (in_channels, out_channels) if self._transposed else (out_channels, in_channels)
        self.weight = new_parameter((to, of // groups, *self.kernel_size), device, dtype)
        self.bias = new_parameter((out_channels,), device, dtype) if bias else None
        self.reset_parameters()

    def _check_padding(self) -> None:
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}")
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {_PADDING_MODES}, but got padding_mode='{self.padding_mode}'"
            )
        if self._transposed and self.padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {self._get_name()}')

    def reset_parameters(self) -> None:
        """Draw new initial values: uniform in ±1/√fan_in."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def _padded(self, input: Tensor) -> Tensor:
        """``input`` padded as ``padding_mode`` says, for a convolution without padding."""
        sides: list[int] = []
        for size, dilation, amount in zip(
            reversed(self.kernel_size), reversed(self.dilation), self._amounts(), strict=True
        ):
            total = dilation * (size - 1)
            sides += (total // 2, total - total // 2) if amount is None else (amount, amount)
        return F.pad(input, tuple(sides), mode=self.padding_mode)

    def _amounts(self) -> Any:
        if self.padding == "same":
            return (None,) * self._rank
        return (0,) * self._rank if self.padding == "valid" else self.padding[::-1]

    def extra_repr(self) -> str:
        zero, one = (0,) * self._rank, (1,) * self._rank
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != zero:
            parts.append(f"padding={self.padding}")
        if self.dilation != one:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != zero:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Forward(_Conv):
    """A convolution, not transposed."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: str | int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode,
            device, dtype,
        )


class Conv1d(_Forward):
    """Convolution of (N, C, L) with weight (O, C/groups, K) and bias (O).

    Weight and bias begin uniform in ±1/√(C/groups·K).
    """

    _rank = 1

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode != "zeros":
            return F.conv1d(self._padded(input), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return F.conv1d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_Forward):
    """Convolution of (N, C, H, W) with weight (O, C/groups, KH, KW) and bias (O).

    Weight and bias begin uniform in ±1/√(C/groups·KH·KW).
    """

    _rank = 2

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode != "zeros":
            return F.conv2d(self._padded(input), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class _Transposed(_Conv):
    """A transposed convolution: the gradient of a convolution with respect to its input, as a layer."""

    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, ...] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )

    def _output_padding(self, input: Tensor, output_size: list[int] | None) -> tuple[int, ...]:
        if output_size is None:
            return self.output_padding
        rank = self._rank
        wanted = list(output_size)[-rank:]
        found = []
        for d in range(rank):
            least = (
                (input.shape[d - rank] - 1) * self.stride[d]
                - 2 * self.padding[d]
                + self.dilation[d] * (self.kernel_size[d] - 1)
                + 1
            )
            if not least <= wanted[d] < least + self.stride[d]:
                raise ValueError(
                    f"requested an output size of {wanted}, but valid sizes range from {least} to "
                    f"{least + self.stride[d] - 1} in dimension {d} (for an input of {tuple(input.shape[-rank:])})"
                )
            found.append(wanted[d] - least)
        return tuple(found)


class ConvTranspose1d(_Transposed):
    """Transposed convolution of (N, C, L) with weight (C, O/groups, K) and bias (O)."""

    _rank = 1

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        extra = self._output_padding(input, output_size)
        return F.conv_transpose1d(
            input, self.weight, self.bias, self.stride, _numbers(self.padding), extra, self.groups, self.dilation
        )


class ConvTranspose2d(_Transposed):
    """Transposed convolution of (N, C, H, W) with weight (C, O/groups, KH, KW) and bias (O)."""

    _rank = 2

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        extra = self._output_padding(input, output_size)
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, _numbers(self.padding), extra, self.groups, self.dilation
        )


def _check_channels(in_channels: int, out_channels: int, groups: int) -> None:
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups != 0:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups != 0:
        raise ValueError("out_channels must be divisible by groups")


def _numbers(padding: tuple[int, ...] | str) -> tuple[int, ...]:
    """Padding of a transposed convolution, which knows no named padding."""
    assert not isinstance(padding, str)
    return padding
