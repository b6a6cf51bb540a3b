"""Operations on one picture, a PIL image or a tensor (..., H, W), with torchvision's semantics.

Geometry that needs interpolation (resize, rotate, affine) is done by Pillow and takes PIL images.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import Enum
from math import cos, radians, sin, tan
from typing import TYPE_CHECKING, Any

import numpy as np

from .tensors import Tensor, from_array, to_array

if TYPE_CHECKING:
    from PIL import Image

_PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


class InterpolationMode(Enum):
    """How values between pixels are found; names and values are torchvision's."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


def is_pil(picture: Any) -> bool:
    """Tell whether it is a PIL image, without importing Pillow for things that are none."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(picture, module.Image)


def size_of(picture: Any) -> tuple[int, int]:
    """Return (width, height).

    Raises:
        TypeError: it is neither a PIL image nor a tensor of at least 2 dimensions.
    """
    if is_pil(picture):
        return picture.size
    if isinstance(picture, Tensor) and picture.ndim >= 2:
        height, width = tuple(picture.shape)[-2:]
        return width, height
    raise TypeError(f"expected a PIL image or a tensor (..., H, W), got {type(picture).__name__}")


def crop(picture: Any, top: int, left: int, height: int, width: int) -> Any:
    """Cut out a rectangle; what lies outside the picture is 0."""
    if is_pil(picture):
        return picture.crop((left, top, left + width, top + height))
    full_width, full_height = size_of(picture)
    outside = [-left, -top, left + width - full_width, top + height - full_height]
    if max(outside) > 0:
        added = [max(0, side) for side in outside]
        picture = pad(picture, added)
        top, left = top + added[1], left + added[0]
    inside = to_array(picture)[..., top : top + height, left : left + width]
    return from_array(np.ascontiguousarray(inside))


def flip(picture: Any, horizontal: bool) -> Any:
    """Mirror left and right, or top and bottom."""
    if is_pil(picture):
        from PIL.Image import Transpose

        side = Transpose.FLIP_LEFT_RIGHT if horizontal else Transpose.FLIP_TOP_BOTTOM
        return picture.transpose(side)
    size_of(picture)
    return from_array(np.ascontiguousarray(np.flip(to_array(picture), -1 if horizontal else -2)))


def pad(picture: Any, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Add a border. `padding`: all sides, (left and right, top and bottom), or (l, t, r, b).

    Raises:
        ValueError: padding has another length, is negative, or the mode is unknown.
    """
    left, top, right, bottom = four_sides(padding)
    if padding_mode not in _PADDING_MODES:
        raise ValueError(f"padding_mode should be one of {_PADDING_MODES}, not {padding_mode!r}")
    if is_pil(picture) and padding_mode == "constant":
        from PIL import ImageOps

        return ImageOps.expand(picture, border=(left, top, right, bottom), fill=fill_of(picture, fill))
    border = ((top, bottom), (left, right))
    how: dict[str, Any] = {"mode": padding_mode}
    if padding_mode == "constant":
        how["constant_values"] = fill
    if is_pil(picture):
        from PIL import Image

        array = np.asarray(picture)
        return Image.fromarray(np.pad(array, border + ((0, 0),) * (array.ndim - 2), **how))
    size_of(picture)
    array = to_array(picture)
    return from_array(np.pad(array, ((0, 0),) * (array.ndim - 2) + border, **how))


def four_sides(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of torchvision's `padding` argument."""
    sides = [padding] if isinstance(padding, int) else list(padding)
    if len(sides) not in (1, 2, 4) or any(side < 0 for side in sides):
        raise ValueError(
            f"padding must be a non-negative int or 1, 2 or 4 of them (left, top, right, bottom), got {padding!r}"
        )
    left, top, right, bottom = sides * (4 // len(sides))
    return left, top, right, bottom


def resize(picture: Image.Image, size: int | Sequence[int], interpolation: Any, max_size: int | None) -> Image.Image:
    """Resize to (height, width), or so that the shorter side is `size`, in proportion.

    Raises:
        TypeError: it is no PIL image. ValueError: max_size does not exceed size.
    """
    require_pil(picture, "Resize")
    width, height = picture.size
    if isinstance(size, int) or len(size) == 1:
        shorter = size if isinstance(size, int) else size[0]
        new_width, new_height = _in_proportion(width, height, shorter, max_size)
    else:
        new_height, new_width = size
    if (new_width, new_height) == (width, height):
        return picture
    return picture.resize((new_width, new_height), pil_filter(interpolation))


def rotate(picture: Image.Image, angle: float, interpolation: Any, expand: bool, center: Any, fill: Any) -> Image.Image:
    """Rotate counter-clockwise by `angle` degrees around the centre of the picture."""
    require_pil(picture, "RandomRotation")
    return picture.rotate(angle, pil_filter(interpolation), expand, center, fillcolor=fill_of(picture, fill))


def affine(
    picture: Image.Image,
    angle: float,
    translate: tuple[float, float],
    scale: float,
    shear: tuple[float, float],
    interpolation: Any,
    fill: Any,
    center: Any,
) -> Image.Image:
    """Rotate clockwise by `angle`, scale and shear around the centre, then translate by pixels."""
    from PIL.Image import Transform

    require_pil(picture, "RandomAffine")
    if center is None:
        center = (picture.width * 0.5, picture.height * 0.5)
    return picture.transform(
        picture.size,
        Transform.AFFINE,
        inverse_affine(center, angle, translate, scale, shear),
        pil_filter(interpolation),
        fillcolor=fill_of(picture, fill),
    )


def inverse_affine(
    center: Sequence[float],
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
) -> list[float]:
    """Return (a, b, c, d, e, f): output point (x, y) shows source (a x + b y + c, d x + e y + f).

    Forward, a point is sheared along x by -tan(sx), along y by -tan(sy), rotated by `angle`, scaled
    (all about `center`), then translated. The 2x2 part without the scale has determinant 1, so its
    inverse is its adjugate. Angles in degrees.
    """
    turn, along_x, along_y = radians(angle), radians(shear[0]), radians(shear[1])
    a = cos(turn - along_y) / cos(along_y)
    b = -cos(turn - along_y) * tan(along_x) / cos(along_y) - sin(turn)
    c = sin(turn - along_y) / cos(along_y)
    d = -sin(turn - along_y) * tan(along_x) / cos(along_y) + cos(turn)
    (xx, xy), (yx, yy) = (d / scale, -b / scale), (-c / scale, a / scale)
    x, y = -center[0] - translate[0], -center[1] - translate[1]
    return [xx, xy, xx * x + xy * y + center[0], yx, yy, yx * x + yy * y + center[1]]


def pil_filter(interpolation: Any) -> Image.Resampling:
    """Return Pillow's constant of an InterpolationMode (or of Pillow's own constant)."""
    from PIL.Image import Resampling

    if isinstance(interpolation, InterpolationMode):
        return Resampling[interpolation.name.removesuffix("_EXACT")]
    if isinstance(interpolation, int):
        return Resampling(interpolation)
    raise TypeError(f"interpolation should be an InterpolationMode, got {interpolation!r}")


def fill_of(picture: Image.Image, fill: Any) -> Any:
    """Return a fill value for every band of the picture."""
    bands = len(picture.getbands())
    if isinstance(fill, (list, tuple)):
        values = tuple(fill) * (bands if len(fill) == 1 else 1)
        if len(values) != bands:
            raise ValueError(f"fill has {len(fill)} values, the picture has {bands} bands")
        return values if bands > 1 else values[0]
    fill = 0 if fill is None else fill
    return (fill,) * bands if bands > 1 else fill


def require_pil(picture: Any, what: str) -> None:
    """Raise TypeError unless it is a PIL image."""
    if not is_pil(picture):
        raise TypeError(
            f"{what}: expected a PIL image, got {type(picture).__name__}; put this transform before ToTensor"
        )


def _in_proportion(width: int, height: int, shorter: int, max_size: int | None) -> tuple[int, int]:
    longer = int(shorter * max(width, height) / min(width, height))
    if max_size is not None:
        if max_size <= shorter:
            raise ValueError(f"max_size={max_size} must be greater than size={shorter}")
        if longer > max_size:
            shorter, longer = int(max_size * shorter / longer), max_size
    return (shorter, longer) if width <= height else (longer, shorter)
