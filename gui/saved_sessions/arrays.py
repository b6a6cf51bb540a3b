"""Values with arrays in them as JSON and .npy files, and back. Nothing in a file is ever unpickled. No Qt."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from engine.debug.protocol import DTYPES, Array, ProtocolError

#: Lists and dicts inside each other.
_MOST_DEPTH = 64


def pack(value: Any, arrays: list[bytes]) -> Any:
    """``value`` as JSON has it: each array in it (the protocol's, or NumPy's) is appended to ``arrays`` as the contents of
    a .npy file and becomes ``{"$array": number}``. Raises TypeError for what cannot be kept."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        if not all(isinstance(key, str) and key != "$array" for key in value):
            raise TypeError("the names in a saved value are strings other than '$array'")
        return {key: pack(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [pack(item, arrays) for item in value]
    if isinstance(value, np.generic):
        return pack(value.item(), arrays)
    array = value.numpy() if isinstance(value, Array) else value
    if not isinstance(array, np.ndarray):
        raise TypeError(f"a session cannot keep a {type(value).__name__}")
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
    arrays.append(buffer.getvalue())
    return {"$array": len(arrays) - 1}


def unpack(value: Any, arrays: list[Array], depth: int = 0) -> Any:
    """What :func:`pack` was given, with the protocol's arrays. Raises ValueError for what it has not written."""
    if depth > _MOST_DEPTH:
        raise ValueError(f"values nest deeper than {_MOST_DEPTH} levels")
    if isinstance(value, list):
        return [unpack(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if "$array" not in value:
        return {key: unpack(item, arrays, depth + 1) for key, item in value.items()}
    number = value["$array"]
    if len(value) != 1 or type(number) is not int or not 0 <= number < len(arrays):
        raise ValueError(f"array {str(number)[:40]} of {len(arrays)} is referred to")
    return arrays[number]


def size_of(value: Any) -> int:
    """Bytes of the arrays in ``value``."""
    if isinstance(value, dict):
        return sum(size_of(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return sum(size_of(item) for item in value)
    return value.data.nbytes if isinstance(value, Array) else getattr(value, "nbytes", 0)


def read_array(data: bytes) -> Array:
    """The array in the contents of a .npy file. Raises ValueError: it is none, or one of Python objects."""
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError, MemoryError, OverflowError) as error:
        raise ValueError(f"no array of numbers: {str(error)[:120]}") from None
    if not isinstance(array, np.ndarray):
        raise ValueError("no array of numbers")
    dtype = array.dtype.str
    if dtype not in DTYPES:
        raise ValueError(f"an array of {dtype} has no place in a session")
    try:
        return Array(dtype, array.shape, np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    except ProtocolError as error:
        raise ValueError(str(error)) from None
