"""IDX files: the format of MNIST, Fashion-MNIST and EMNIST.

Layout (LeCun, Cortes, Burges, "The MNIST database of handwritten digits"): two zero bytes, a byte
for the element type, a byte for the number of dimensions d, d big-endian uint32 sizes, then the
elements in C order, big-endian.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.errors import DataError

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 8
MAX_BYTES = 1 << 32
"""Sizes above this (4 GiB) are taken for a damaged header: EMNIST, the largest set, has 0.55 GB."""


def read_idx(path: str | os.PathLike[str], expect_dimensions: int | None = None) -> np.ndarray:
    """Read one IDX file, plain or gzip (told apart by content, not by name).

    Args:
        path: the file.
        expect_dimensions: number of dimensions that the file must have (3 for images, 1 for
            labels); None accepts any.

    Returns:
        A C-contiguous, writable array in native byte order, with the sizes of the header.

    Raises:
        DataError: the file cannot be read, is empty, truncated, longer than its header says, not
            IDX, or of absurd size. The message names file, expectation and finding.
    """
    path = Path(path)
    try:
        with open(path, "rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if zipped:
                with gzip.open(raw, "rb") as stream:
                    return _read_stream(path, stream, expect_dimensions)  # type: ignore[arg-type]
            return _read_stream(path, raw, expect_dimensions)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: the gzip stream is damaged or cut short ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _read_stream(path: Path, stream: BinaryIO, expect_dimensions: int | None) -> np.ndarray:
    head = stream.read(4)
    if not head:
        raise DataError(f"{path}: the file is empty; expected an IDX file")
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _DTYPES:
        known = ", ".join(f"{code:02x}" for code in _DTYPES)
        raise DataError(
            f"{path}: not an IDX file; expected the bytes 00 00, a type ({known}) and a number of "
            f"dimensions, found {head.hex(' ')}"
        )
    dimensions = head[3]
    if expect_dimensions is not None and dimensions != expect_dimensions:
        raise DataError(f"{path}: expected {expect_dimensions} dimensions, the header says {dimensions}")
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise DataError(f"{path}: the header says {dimensions} dimensions; expected 1 to 8")
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(
            f"{path}: cut short in the header; expected {4 * dimensions} bytes of sizes, found {len(sizes)}"
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    return _read_elements(path, stream, shape, np.dtype(_DTYPES[head[2]]))


def _read_elements(path: Path, stream: BinaryIO, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    expected = math.prod(shape) * dtype.itemsize
    if expected > MAX_BYTES:
        raise DataError(
            f"{path}: the header says shape {shape}, which is {expected} bytes; at most "
            f"{MAX_BYTES} are accepted, so the header is taken for damaged"
        )
    content = stream.read(expected + 1)
    if len(content) < expected:
        raise DataError(f"{path}: cut short; shape {shape} needs {expected} bytes of elements, found {len(content)}")
    if len(content) > expected:
        raise DataError(f"{path}: longer than its header says; shape {shape} needs {expected} bytes of elements")
    elements = np.frombuffer(content, dtype, count=math.prod(shape)).reshape(shape)
    return elements.astype(dtype.newbyteorder("="), copy=True)
