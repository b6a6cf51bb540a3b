"""Transforms that draw random numbers, of the default generator, in torchvision's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import pictures
from .pictures import InterpolationMode


class Transform:
    """Base of the transforms; prints the attributes named in `_shown`."""

    _shown: tuple[str, ...] = ()

    def __repr__(self) -> str:
        parts = []
        for name in self._shown:
            value = getattr(self, name)
            parts.append(f"{name}={value.value if isinstance(value, InterpolationMode) else value}")
        return f"{type(self).__name__}({', '.join(parts)})"


class RandomCrop(Transform):
    """Cut out a rectangle at a random place.

    Args:
        size: (height, width), or one number for a square.
        padding: border added first, as in `pictures.pad`.
        pad_if_needed: add a border where the picture is smaller than `size`.
        fill, padding_mode: value of the border; constant, edge, reflect or symmetric.

    Raises:
        ValueError: the picture is smaller than `size`.
    """

    _shown = ("size", "padding")

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = two_sizes(size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, img: Any) -> Any:
        if self.padding is not None:
            img = pictures.pad(img, self.padding, self.fill, self.padding_mode)
        height, width = self.size
        full_width, full_height = pictures.size_of(img)
        if self.pad_if_needed and full_width < width:
            img = pictures.pad(img, [width - full_width, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and full_height < height:
            img = pictures.pad(img, [0, height - full_height], self.fill, self.padding_mode)
        return pictures.crop(img, *self.get_params(img, self.size))

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width); nothing is drawn if there is one place only."""
        full_width, full_height = pictures.size_of(img)
        height, width = output_size
        if full_height < height or full_width < width:
            raise ValueError(
                f"Required crop size {output_size} is larger than input image size {(full_height, full_width)}"
            )
        if (full_width, full_height) == (width, height):
            return 0, 0, full_height, full_width
        top = _integer(full_height - height + 1)
        left = _integer(full_width - width + 1)
        return top, left, height, width


class RandomHorizontalFlip(Transform):
    """Mirror left and right with probability p."""

    _shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, img: Any) -> Any:
        return pictures.flip(img, horizontal=True) if _uniform(0, 1) < self.p else img


class RandomVerticalFlip(Transform):
    """Mirror top and bottom with probability p."""

    _shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, img: Any) -> Any:
        return pictures.flip(img, horizontal=False) if _uniform(0, 1) < self.p else img


class RandomRotation(Transform):
    """Rotate a PIL image by a random angle, counter-clockwise.

    Args:
        degrees: (min, max), or d for (-d, d).
        interpolation: nearest by default.
        expand: enlarge the picture so that all of it stays visible.
        center: (x, y) of the centre of rotation; the middle by default.
        fill: value outside the rotated picture.
    """

    _shown = ("degrees", "interpolation", "expand", "fill")

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ) -> None:
        self.degrees = _range("degrees", degrees)
        self.center = None if center is None else _pair("center", center)
        self.interpolation = interpolation
        self.expand = expand
        self.fill = fill

    def __call__(self, img: Any) -> Any:
        angle = self.get_params(self.degrees)
        return pictures.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draw the angle in degrees."""
        return _uniform(degrees[0], degrees[1])


class RandomAffine(Transform):
    """Rotate (clockwise), move, scale and shear a PIL image at random, about its centre.

    Args:
        degrees: (min, max), or d for (-d, d); 0 for none.
        translate: (a, b): at most a of the width and b of the height.
        scale: (min, max).
        shear: s for x in (-s, s); (min, max) for x; (min x, max x, min y, max y).
        interpolation, fill, center: as for RandomRotation.
    """

    _shown = ("degrees", "translate", "scale", "shear", "interpolation", "fill")

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        self.degrees = _range("degrees", degrees)
        self.translate = None if translate is None else _pair("translate", translate)
        if translate is not None and not all(0 <= share <= 1 for share in translate):
            raise ValueError(f"translation values should be between 0 and 1, got {translate}")
        self.scale = None if scale is None else _pair("scale", scale)
        if scale is not None and not all(factor > 0 for factor in scale):
            raise ValueError(f"scale values should be positive, got {scale}")
        self.shear = None if shear is None else _range("shear", shear, (2, 4))
        self.interpolation = interpolation
        self.fill = fill
        self.center = None if center is None else _pair("center", center)

    def __call__(self, img: Any) -> Any:
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, pictures.size_of(img))
        return pictures.affine(img, *drawn, self.interpolation, self.fill, self.center)

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Draw (angle, (pixels right, pixels down), scale, (shear x, shear y))."""
        angle = _uniform(degrees[0], degrees[1])
        move, scale, shear = (0, 0), 1.0, (0.0, 0.0)
        if translate is not None:
            right, down = translate[0] * img_size[0], translate[1] * img_size[1]
            move = (round(_uniform(-right, right)), round(_uniform(-down, down)))
        if scale_ranges is not None:
            scale = _uniform(scale_ranges[0], scale_ranges[1])
        if shears is not None:
            along_x = _uniform(shears[0], shears[1])
            shear = (along_x, _uniform(shears[2], shears[3]) if len(shears) == 4 else 0.0)
        return angle, move, scale, shear


def two_sizes(size: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width) of torchvision's `size` argument."""
    sizes = (size,) if isinstance(size, int) else tuple(size)
    if len(sizes) not in (1, 2) or any(value < 1 for value in sizes):
        raise ValueError(f"size should be a positive int or (height, width), got {size!r}")
    return sizes[0], sizes[-1]


def _range(name: str, value: float | Sequence[float], lengths: tuple[int, ...] = (2,)) -> tuple[float, ...]:
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive, got {value}")
        return -float(value), float(value)
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a number or a sequence, got {value!r}")
    if len(value) not in lengths:
        raise ValueError(f"{name} should be a number or a sequence of length {lengths}: {value!r}")
    return tuple(float(number) for number in value)


def _pair(name: str, value: Sequence[float]) -> tuple[float, float]:
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a sequence of two numbers, got {value!r}")
    if len(value) != 2:
        raise ValueError(f"{name} should be a sequence of two numbers, got {value!r}")
    return value[0], value[1]


def _uniform(low: float, high: float) -> float:
    from engine import random

    return float(random.uniform((1,), np.float32, float(low), float(high))[0])


def _integer(high: int) -> int:
    from engine import random

    return int(random.integers(0, high, (1,))[0])
