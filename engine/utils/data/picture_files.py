"""Where the IDX files of a picture set lie, and reading a pair of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.errors import DataError

from .idx import read_idx
from .locate import DataNotFoundError


def find_pair(folders: Sequence[Path], stem: str) -> tuple[Path, Path] | None:
    """Return the images and labels file of the first folder that has them, gzipped or plain.

    Args:
        folders: searched in order.
        stem: `train` or `t10k`, in EMNIST with the split's name before it.

    Raises:
        DataNotFoundError: a folder holds one of the two files and not the other.
    """
    wanted = (f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte")
    for folder in folders:
        found = [_existing(folder, name) for name in wanted]
        if found[0] and found[1]:
            return found[0], found[1]
        if found[0] or found[1]:
            absent = wanted[0] if found[1] else wanted[1]
            present = next(path.name for path in found if path)
            raise DataNotFoundError(f"{folder}: holds {present}, but not {absent}[.gz]")
    return None


def read_pair(images: Path, labels: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Read pictures uint8 (n, h, w) and labels int64 (n,).

    Raises:
        DataError: a file is damaged, has another type, the counts differ, or a label is not a
            class number.
    """
    pictures = read_idx(images, expect_dimensions=3)
    targets = read_idx(labels, expect_dimensions=1)
    for path, array in ((images, pictures), (labels, targets)):
        if array.dtype != np.uint8:
            raise DataError(f"{path}: expected unsigned bytes, found {array.dtype}")
    if len(pictures) != len(targets):
        raise DataError(f"{images} holds {len(pictures)} pictures, {labels} holds {len(targets)} labels")
    if not len(targets):
        raise DataError(f"{images}: holds no picture")
    if targets.max() >= classes:
        at = int((targets >= classes).argmax())
        raise DataError(f"{labels}: label {at} is {targets[at]}; there are {classes} classes")
    return pictures, targets.astype(np.int64)


def not_found(name: str, stem: str, folders: Sequence[Path], download: bool) -> DataNotFoundError:
    """Return the error that says which files belong where."""
    refused = "; download=True downloads nothing here" if download else ""
    places = ", ".join(str(folder) for folder in folders)
    return DataNotFoundError(
        f"{name}: Dataset not found{refused}. Put {stem}-images-idx3-ubyte.gz and "
        f"{stem}-labels-idx1-ubyte.gz (or the same without .gz) into one of: {places}"
    )


def _existing(folder: Path, name: str) -> Path | None:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    return None
