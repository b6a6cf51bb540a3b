"""NumPy's archives of named arrays."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from engine.errors import DataError


def read_npz(path: str | os.PathLike[str], required: tuple[str, ...] | list[str] = ()) -> dict[str, np.ndarray]:
    """Read an `.npz` archive into a dictionary of arrays. Pickled objects are refused.

    Args:
        path: the file, as written by `numpy.savez` or `numpy.savez_compressed`.
        required: names that must be in it.

    Raises:
        DataError: the file cannot be read, is no archive, is damaged, holds Python objects, or
            lacks a required name.
    """
    path = Path(path)
    try:
        with open(path, "rb") as raw:
            if raw.read(2) != b"PK":
                raise DataError(f"{path}: not an .npz archive (a zip file of .npy arrays)")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as archive:
                arrays = {name: _read_member(path, archive, name) for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: the archive is damaged or cut short ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    absent = [name for name in required if name not in arrays]
    if absent:
        raise DataError(
            f"{path}: has no array named {', '.join(map(repr, absent))}; it holds: {', '.join(arrays) or 'nothing'}"
        )
    return arrays


def _read_member(path: Path, archive: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    try:
        value = archive[name]
    except ValueError as error:
        raise DataError(
            f"{path}: array {name!r} cannot be read ({error}); arrays of Python objects are refused"
        ) from error
    if not isinstance(value, np.ndarray):
        raise DataError(f"{path}: member {name!r} is not a .npy array")
    return value
