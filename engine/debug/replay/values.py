"""Values that were read out of tensors, as the tape keeps them: exactly, and as JSON.

Numbers, bools, strings and None stand for themselves; everything else is a dict that says what it is:
``{"l": [...]}`` a list, ``{"t": [...]}`` a tuple, ``{"d": [[key, value], ...]}`` a dict,
``{"a": [dtype, shape, base64]}`` an array, ``{"n": [dtype, base64]}`` a NumPy number. Floats survive exactly, NaN and
infinity included.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np

#: A value that was too large or of a type that is not kept: what it was, a replay must compute.
GAP = {"gap": True}

#: A read whose computation runs ops or reads itself: a replay must run it, and its inner reads are on the tape.
THROUGH = {"through": True}

#: Elements of lists and bytes of arrays of one value beyond which it is not kept.
MOST_ELEMENTS = 4096
MOST_BYTES = 16 << 10


class _TooMuchError(Exception):
    """The value is not kept."""


def encode(value: Any) -> Any:
    """``value`` for the tape; :data:`GAP` where it is not kept."""
    try:
        return _encode(value, [MOST_ELEMENTS])
    except _TooMuchError:
        return GAP


def decode(kept: Any) -> Any:
    """What :func:`encode` was given, new and of its own memory."""
    if type(kept) is not dict:
        return kept
    (tag, content), *_ = kept.items()
    if tag == "l":
        return [decode(value) for value in content]
    if tag == "t":
        return tuple([decode(value) for value in content])
    if tag == "d":
        return {decode(key): decode(value) for key, value in content}
    if tag == "a":
        dtype, shape, data = content
        return np.frombuffer(base64.b64decode(data), np.dtype(dtype)).reshape(shape).copy()
    if tag == "n":
        return np.frombuffer(base64.b64decode(content[1]), np.dtype(content[0]))[0]
    raise ValueError(f"the tape has a value of the unknown kind {tag!r}")


def same(a: Any, b: Any) -> bool:
    """Whether two kept values are equal to the bit (a NaN is equal to any NaN)."""
    if type(a) is float and type(b) is float:
        return (a == b and math.copysign(1.0, a) == math.copysign(1.0, b)) or (a != a and b != b)
    if type(a) is not type(b):
        return False
    if type(a) is dict:
        return a is b or json.dumps(a) == json.dumps(b)
    return a == b


def _encode(value: Any, left: list[int]) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return value
    left[0] -= 1
    if left[0] < 0:
        raise _TooMuchError
    if kind is str:
        if len(value) > MOST_BYTES:
            raise _TooMuchError
        return value
    if kind in (list, tuple):
        if len(value) > left[0]:
            raise _TooMuchError
        left[0] -= len(value)
        return {"l" if kind is list else "t": [_encode(v, left) for v in value]}
    if kind is dict:
        return {"d": [[_encode(k, left), _encode(v, left)] for k, v in value.items()]}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return {"n": [value.dtype.str, _text(value.tobytes())]}
    if kind is np.ndarray and value.dtype.kind in "biuf" and value.nbytes <= MOST_BYTES:
        return {"a": [value.dtype.str, list(value.shape), _text(value.tobytes())]}
    raise _TooMuchError


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
