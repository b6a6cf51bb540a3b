"""Pictures in one folder per class, as torchvision's ImageFolder reads them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DataError
from engine.plural import plural

from .dataset import Dataset
from .locate import DataNotFoundError

if TYPE_CHECKING:
    from PIL import Image

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def default_loader(path: str) -> Image.Image:
    """Read a picture with Pillow and convert it to RGB."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: not a picture that Pillow can read") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: the picture is damaged or cannot be read ({error})") from error


class ImageFolder(Dataset):
    """Samples `root/class_name/.../picture.png`; classes are the sub-folders of root, sorted.

    Args:
        root: the folder.
        transform: applied to the picture. target_transform: applied to the class number.
        loader: turns a path into a picture; the default gives an RGB PIL image.
        is_valid_file: chooses files by path; by default by the usual endings of pictures.
        allow_empty: accept classes without a picture.

    Attributes:
        classes: names, sorted. class_to_idx: name to number.
        samples (also `imgs`): list of (path, class number). targets: list of class numbers.

    Raises:
        DataNotFoundError: root is no folder, has no sub-folder, or a class has no picture.
        DataError: on access, if a picture cannot be read; the message names the file.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        self.root = root
        self.transform = transform
        self.target_transform = target_transform
        self.loader = loader
        self.classes, self.class_to_idx = self.find_classes(root)
        self.samples = self._find_samples(is_valid_file or _is_picture, allow_empty)
        self.imgs = self.samples
        self.targets = [target for _, target in self.samples]

    def find_classes(self, directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
        """Return the class names, sorted, and their numbers."""
        if not os.path.isdir(directory):
            raise DataNotFoundError(f"ImageFolder: {directory} is not a folder")
        classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        if not classes:
            raise DataNotFoundError(f"ImageFolder: {directory} has no sub-folder; expected one folder per class")
        return classes, {name: number for number, name in enumerate(classes)}

    def broken_files(self) -> list[str]:
        """Read every picture and return the paths of those that cannot be read."""
        broken = []
        for path, _ in self.samples:
            try:
                self.loader(path)
            except DataError:
                broken.append(path)
        return broken

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        sample = self.loader(path)
        if self.transform is not None:
            sample = self.transform(sample)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return sample, target

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        pictures = f"{len(self)} {plural(len(self), 'picture')}"
        classes = f"{len(self.classes)} {plural(len(self.classes), 'class', 'classes')}"
        return f"ImageFolder({os.fspath(self.root)!r}, {pictures}, {classes})"

    def _find_samples(self, is_valid_file: Callable[[str], bool], allow_empty: bool) -> list[tuple[str, int]]:
        samples, empty = [], []
        for name, number in self.class_to_idx.items():
            found = []
            for folder, _, files in sorted(os.walk(Path(self.root) / name, followlinks=True)):
                paths = [os.path.join(folder, file) for file in sorted(files)]
                found.extend((path, number) for path in paths if is_valid_file(path))
            samples.extend(found)
            if not found:
                empty.append(name)
        if empty and not allow_empty:
            raise DataNotFoundError(
                f"ImageFolder: no picture in the folders of these classes under {self.root}: "
                f"{', '.join(empty)}; endings taken for pictures: {', '.join(IMG_EXTENSIONS)}"
            )
        return samples


def _is_picture(path: str) -> bool:
    return path.lower().endswith(IMG_EXTENSIONS)
