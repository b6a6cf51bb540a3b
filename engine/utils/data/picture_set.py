"""A set of grey pictures in memory: what MNIST and its kin have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .dataset import Dataset
from .tensors import Tensor, as_rows, from_array, to_array
from .transforms import of_whole_batch


class PictureSet(Dataset):
    """Grey pictures in memory.

    Attributes:
        data: uint8 tensor (n, height, width). targets: int64 tensor (n,).
        classes: names in the order of the class numbers. class_to_idx: name to number.
        source: where the pictures come from, in words.

    `dataset[i]` is (picture, class number), the picture a PIL image of mode L given to `transform`.
    """

    classes: list[str] = []

    def __init__(
        self,
        root: str | os.PathLike[str] | None,
        train: bool,
        transform: Callable | None,
        target_transform: Callable | None,
    ) -> None:
        self.root = root
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        self.source = ""
        self.data: Tensor
        self.targets: Tensor

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from PIL import Image

        picture: Any = Image.fromarray(to_array(self.data)[index])
        target: Any = int(to_array(self.targets)[index])
        if self.transform is not None:
            picture = self.transform(picture)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return picture, target

    def __len__(self) -> int:
        return len(self.data)

    def gather_batch(self, indices: list[int]) -> list | None:
        """Return the collated batch of these samples if the transform works on whole batches."""
        if type(self).__getitem__ is not PictureSet.__getitem__ or self.target_transform:
            return None
        apply, rows = of_whole_batch(self.transform), as_rows(indices)
        if apply is None or rows is None:
            return None
        pictures = apply(to_array(self.data)[rows])
        return [from_array(pictures), from_array(to_array(self.targets)[rows])]

    def __repr__(self) -> str:
        lines = [
            f"Dataset {type(self).__name__}",
            f"Number of datapoints: {len(self)}",
            f"Root location: {self.root}",
            f"Split: {'Train' if self.train else 'Test'}",
            f"Source: {self.source}",
        ]
        if self.transform is not None:
            lines.append("Transform: " + repr(self.transform).replace("\n", "\n    "))
        return "\n    ".join(lines)

    def fill(self, pictures: np.ndarray, targets: np.ndarray, source: str) -> None:
        """Take pictures uint8 (n, h, w) and class numbers int64 (n,)."""
        self.data = from_array(pictures)
        self.targets = from_array(targets)
        self.source = source
