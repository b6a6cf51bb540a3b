"""Picture sets with the constructor arguments and attributes of `torchvision.datasets`.

Nothing is ever downloaded: `download=True` is satisfied when the files are found.
"""

from __future__ import annotations

import os
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import DataError, MissingError

from .image_folder import ImageFolder
from .locate import samples_data_folder, user_data_folder
from .picture_files import find_pair, not_found, read_pair
from .picture_set import PictureSet
from .sklearn_sets import read_digits

__all__ = ["EMNIST", "MNIST", "Digits", "FashionMNIST", "ImageFolder"]

SYSTEM_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts the whole set."""


class MNIST(PictureSet):
    """The MNIST digits (LeCun, Cortes, Burges), 28 x 28, from IDX files on disk.

    Searched: `root/MNIST/raw` (torchvision's layout), `root`, and `mnist` in the user's data
    folder.

    Raises:
        DataNotFoundError: the files are in none of these places; the message says which files
            belong where.
    """

    classes = [
        *("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four"),
        *("5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine"),
    ]

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, train, transform, target_transform)
        self._load(self._folders(), "train" if train else "t10k", download)

    def _folders(self) -> list[Path]:
        name = type(self).__name__
        return [*_given_folders(self.root, name), user_data_folder(name.lower())]

    def _load(self, folders: list[Path], stem: str, download: bool) -> None:
        pair = find_pair(folders, stem)
        if pair is None:
            raise not_found(type(self).__name__, stem, folders, download)
        self.fill(*read_pair(*pair, classes=len(self.classes)), source=str(pair[0].parent))


class FashionMNIST(PictureSet):
    """Fashion-MNIST (Zalando Research, 2017), 28 x 28: the whole set or the shipped part.

    The whole set (60,000 and 10,000 pictures) is searched in `root/FashionMNIST/raw`, `root`,
    /usr/share/datasets/fashion-mnist and `fashion-mnist` in the user's data folder. Where it is not
    found, the shipped part is used: the first 600 and 100 pictures of each class. `source` says
    which one was taken.

    Args:
        root: the folder to search first; None searches the other places only.
        part: `full` or `shipped` accepts only that one.

    Raises:
        DataNotFoundError: `part="full"` and the whole set is nowhere.
    """

    classes = [
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ]

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        *,
        part: str | None = None,
    ) -> None:
        if part not in (None, "full", "shipped"):
            raise DataError(f"FashionMNIST: part must be 'full', 'shipped' or None, not {part!r}")
        super().__init__(root, train, transform, target_transform)
        stem = "train" if train else "t10k"
        folders = [
            *_given_folders(root, "FashionMNIST"),
            SYSTEM_FASHION_MNIST,
            user_data_folder("fashion-mnist"),
        ]
        pair = None if part == "shipped" else find_pair(folders, stem)
        if pair is None and part == "full":
            raise not_found("FashionMNIST", stem, folders, download)
        what = "files found"
        if pair is None:
            shipped = samples_data_folder() / "fashion-mnist"
            pair, what = find_pair([shipped], stem), "shipped part"
            if pair is None:
                raise not_found("FashionMNIST (shipped part)", stem, [shipped], download)
        pictures, targets = read_pair(*pair, classes=len(self.classes))
        size = f"{len(pictures)} of {60000 if train else 10000} pictures"
        self.fill(pictures, targets, f"{what}, {size}: {pair[0].parent}")


class EMNIST(MNIST):
    """EMNIST (Cohen et al., arXiv:1702.05373), letters and digits, from IDX files on disk.

    The pictures are as in the files, and as in torchvision: rows and columns are exchanged.

    Args:
        split: byclass, bymerge, balanced, letters, digits or mnist.
        kwargs: train, transform, target_transform and download, as for MNIST.
    """

    _merged = frozenset("cijklmopsuvwxyz")
    _characters = frozenset(string.digits + string.ascii_letters)
    classes_split_dict = {
        "byclass": sorted(_characters),
        "bymerge": sorted(_characters - _merged),
        "balanced": sorted(_characters - _merged),
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }
    splits = tuple(classes_split_dict)

    def __init__(self, root: str | os.PathLike[str], split: str, **kwargs: Any) -> None:
        if split not in self.splits:
            raise DataError(f"EMNIST: split must be one of {self.splits}, not {split!r}")
        self.split = split
        self.classes = self.classes_split_dict[split]
        super().__init__(root, **kwargs)

    def _load(self, folders: list[Path], stem: str, download: bool) -> None:
        part = "train" if self.train else "test"
        super()._load(folders, f"emnist-{self.split}-{part}", download)


class Digits(PictureSet):
    """The shipped 8 x 8 digits (UCI Optical Recognition of Handwritten Digits, Alpaydin, Kaynak).

    The first 1,437 of the 1,797 pictures are for training, the last 360 for testing: in the order
    of the file, so that few writers occur in both. The values 0 to 16 are spread to 0 to 255
    (v * 255 // 16), so that ToTensor gives numbers from 0 to 1. `root` and `download` are accepted
    and not needed.
    """

    classes = list(string.digits)
    train_size = 1437

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, train, transform, target_transform)
        images, targets = read_digits()
        half = slice(None, self.train_size) if train else slice(self.train_size, None)
        spread = (images[half].astype(np.uint16) * 255 // 16).astype(np.uint8)
        self.fill(spread, targets[half], f"shipped: {samples_data_folder() / 'digits'}")


def _given_folders(root: str | os.PathLike[str] | None, name: str) -> list[Path]:
    if root is None:
        return []
    folder = Path(root).expanduser()
    return [folder / name / "raw", folder]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise MissingError(f"datasets has no {name!r}; it has: {', '.join(__all__)}")
