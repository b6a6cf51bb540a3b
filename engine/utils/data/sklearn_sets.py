"""scikit-learn's small data sets by name; `digits` also without scikit-learn."""

from __future__ import annotations

import numpy as np

from engine.errors import DataError

from .locate import samples_data_folder
from .npz import read_npz
from .table import Table

SKLEARN_SETS = ("iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud")
"""The sets that scikit-learn carries inside its package; none of them is downloaded."""


def load_sklearn(name: str) -> Table:
    """Load one of scikit-learn's sets that need no download.

    Args:
        name: `iris` (150 x 4, 3 classes), `wine` (178 x 13, 3), `breast_cancer` (569 x 30, 2),
            `digits` (1797 x 64, values 0 to 16, 10 classes), `diabetes` (442 x 10, regression) or
            `linnerud` (20 x 3, regression to 3 targets). `digits` is read from the shipped file,
            the others from the installed scikit-learn.

    Raises:
        DataError: there is no such set, or scikit-learn is not installed.
    """
    if name == "digits":
        return _digits()
    if name not in SKLEARN_SETS:
        raise DataError(f"load_sklearn: there is no set {name!r}; there are: {SKLEARN_SETS}")
    try:
        from sklearn import datasets
    except ImportError as error:
        raise DataError(f"load_sklearn: {name!r} needs scikit-learn, which is missing") from error
    bunch = getattr(datasets, f"load_{name}")()
    x = np.ascontiguousarray(bunch.data, dtype=np.float32)
    names = tuple(str(feature) for feature in bunch.feature_names)
    if name in ("diabetes", "linnerud"):
        y = np.asarray(bunch.target, dtype=np.float32).reshape(len(x), -1)
        target = "disease progression" if name == "diabetes" else ", ".join(bunch.target_names)
        return Table(x, y, names, target, source=f"scikit-learn {name}")
    classes = tuple(str(label) for label in bunch.target_names)
    return Table(x, bunch.target.astype(np.int64), names, "class", classes, source=f"scikit-learn {name}")


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the shipped 8x8 digits: uint8 (1797, 8, 8) of 0 to 16 and int64 (1797,)."""
    path = samples_data_folder() / "digits" / "digits.npz"
    arrays = read_npz(path, required=("images", "targets"))
    images, targets = arrays["images"], arrays["targets"]
    if images.ndim != 3 or images.shape[1:] != (8, 8) or targets.shape != images.shape[:1]:
        raise DataError(f"{path}: expected images (n, 8, 8) and targets (n,), found {images.shape} and {targets.shape}")
    return images, targets.astype(np.int64)


def _digits() -> Table:
    images, targets = read_digits()
    return Table(
        images.reshape(len(images), 64).astype(np.float32),
        targets,
        tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8)),
        "digit",
        tuple(str(digit) for digit in range(10)),
        source="shipped digits.npz (UCI Optical Recognition of Handwritten Digits)",
    )
