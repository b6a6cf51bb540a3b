"""Padding layers."""

from __future__ import annotations

from engine.nn import functional as F
from engine.nn.make import pair
from engine.nn.module import Module
from engine.tensor import Tensor


class _Pad2d(Module):
    """Padding of (N, C, H, W): left, right, top, bottom, or one number for all sides; negative numbers cut off."""

    _mode = "constant"

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.padding = pair(padding, 4)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad2d(_Pad2d):
    """Puts ``value`` around the image."""

    def __init__(self, padding: int | tuple[int, int, int, int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroPad2d(_Pad2d):
    """Puts zeros around the image."""


class ReflectionPad2d(_Pad2d):
    """Continues the image by its mirror image, the border pixels not repeated."""

    _mode = "reflect"


class ReplicationPad2d(_Pad2d):
    """Continues the image by its border pixels."""

    _mode = "replicate"
