"""Transforms of pictures with the names, arguments and semantics of `torchvision.transforms`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.errors import DataError, MissingError, ShapeError

from . import pictures
from .pictures import InterpolationMode
from .random_transforms import (
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    Transform,
    two_sizes,
)
from .tensors import Tensor, from_array, to_array

__all__ = [
    "CenterCrop",
    "Compose",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "RandomAffine",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "ToTensor",
]


class Compose:
    """Apply several transforms one after another."""

    def __init__(self, transforms: Sequence[Callable]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"Compose({lines}\n)"


class ToTensor(Transform):
    """Turn a picture (H, W) or (H, W, C) into a tensor (C, H, W).

    PIL images of 8 bits a band and uint8 arrays become float32 in [0, 1], divided by 255; PIL
    images of mode F, and arrays of another dtype, keep their values.

    Raises:
        TypeError: it is neither a PIL image nor an array. ValueError: not 2 or 3 dimensions.
        DtypeError: the engine has no such dtype (modes I and I;16).
    """

    def __call__(self, pic: Any) -> Tensor:
        if pictures.is_pil(pic):
            array = np.array(pic, dtype=np.uint8) * 255 if pic.mode == "1" else np.array(pic)
        elif isinstance(pic, np.ndarray):
            array = pic
        else:
            raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
        if array.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
        if array.ndim == 2:
            array = array[:, :, None]
        return from_array(to_unit_range(array[None])[0], "ToTensor: picture")


class Normalize(Transform):
    """Subtract the mean and divide by the standard deviation, channel by channel.

    Args:
        mean, std: one number per channel, or one for all.
        inplace: write the result into the given tensor.

    Raises:
        TypeError: the argument is no float tensor. ValueError: it is not (..., C, H, W), or a
            standard deviation is 0. ShapeError: another number of channels than of means.
    """

    _shown = ("mean", "std")

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
        if not tensor.is_floating_point():
            raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
        if tensor.ndim < 3:
            raise ValueError(
                "Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = "
                f"{tuple(tensor.shape)}"
            )
        array = to_array(tensor)
        if self.inplace:
            tensor._check_in_place("Normalize")
            return tensor._write(self.of_array(array), "Normalize")
        if tensor.requires_grad:
            mean, std = (from_array(value) for value in self.statistics(array))
            return (tensor - mean) / std
        return from_array(self.of_array(array))

    def of_array(self, array: np.ndarray) -> np.ndarray:
        """Normalize an array (..., C, H, W)."""
        mean, std = self.statistics(array)
        result = array - mean
        result /= std
        return result

    def statistics(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and std in the dtype of the array, shaped (C or 1, 1, 1)."""
        mean = np.asarray(to_array(self.mean), array.dtype).reshape(-1, 1, 1)
        std = np.asarray(to_array(self.std), array.dtype).reshape(-1, 1, 1)
        if not std.all():
            raise ValueError(
                f"std evaluated to zero after conversion to {array.dtype}, leading to division by zero: {self.std}"
            )
        for name, value in (("means", mean), ("standard deviations", std)):
            if len(value) not in (1, array.shape[-3]):
                raise ShapeError(
                    f"Normalize: the picture has {array.shape[-3]} channels (shape "
                    f"{array.shape}), but {len(value)} {name} were given"
                )
        return mean, std


class Lambda:
    """Apply a function of your own."""

    def __init__(self, lambd: Callable) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"


class Resize(Transform):
    """Resize a PIL image.

    Args:
        size: (height, width), or one number: the length of the shorter side, in proportion.
        interpolation: bilinear by default, with Pillow's antialiasing.
        max_size: greatest length of the longer side, if `size` is one number.
        antialias: accepted as in torchvision, which always antialiases PIL images.
    """

    _shown = ("size", "interpolation", "max_size", "antialias")

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        if not isinstance(size, int) and not (isinstance(size, Sequence) and len(size) in (1, 2)):
            raise ValueError(f"Resize: size should be an int or 1 or 2 ints, got {size!r}")
        if max_size is not None and not isinstance(size, int) and len(size) == 2:
            raise ValueError("Resize: max_size should only be passed if size specifies one length")
        self.size = size
        self.interpolation = interpolation
        self.max_size = max_size
        self.antialias = antialias

    def __call__(self, img: Any) -> Any:
        return pictures.resize(img, self.size, self.interpolation, self.max_size)


class CenterCrop(Transform):
    """Cut out the middle, (height, width) or a square; smaller pictures get a border of 0."""

    _shown = ("size",)

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = two_sizes(size)

    def __call__(self, img: Any) -> Any:
        height, width = self.size
        full_width, full_height = pictures.size_of(img)
        if width > full_width or height > full_height:
            wide, high = max(0, width - full_width), max(0, height - full_height)
            img = pictures.pad(img, [wide // 2, high // 2, (wide + 1) // 2, (high + 1) // 2])
            full_width, full_height = pictures.size_of(img)
        top, left = round((full_height - height) / 2), round((full_width - width) / 2)
        return pictures.crop(img, top, left, height, width)


def to_unit_range(batch: np.ndarray) -> np.ndarray:
    """Turn pictures (N, H, W, C) into (N, C, H, W); uint8 becomes float32 divided by 255."""
    channels_first = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
    if channels_first.dtype != np.uint8:
        return channels_first
    result = channels_first.astype(np.float32)
    result /= np.float32(255)
    return result


def of_whole_batch(transform: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the transform of many uint8 pictures at once, (N, H, W) to (N, 1, H, W) float32.

    There is one for ToTensor, alone or followed by Normalize in a Compose; the numbers are those of
    transforming each picture by itself. None for any other transform.
    """
    steps: list[Any] = list(transform.transforms) if type(transform) is Compose else [transform]
    if not steps or type(steps[0]) is not ToTensor:
        return None
    if not all(type(step) is Normalize for step in steps[1:]):
        return None

    def apply(batch: np.ndarray) -> np.ndarray:
        if batch.dtype != np.uint8 or batch.ndim != 3:
            raise DataError(f"expected uint8 pictures (N, H, W), got {batch.dtype} {batch.shape}")
        result = to_unit_range(batch[:, :, :, None])
        for step in steps[1:]:
            result = step.of_array(result)
        return result

    return apply


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise MissingError(f"transforms has no {name!r}; it has: {', '.join(__all__)}")
