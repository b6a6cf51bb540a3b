"""The text of a tensor, as PyTorch writes it: ``tensor([[1., 2.],\\n        [3., 4.]], requires_grad=True)``.

Floats have 4 digits behind the point; when all are whole numbers, only the point; scientific notation when the
greatest magnitude is more than 1000 times the least, above 1e8, or the least below 1e-4. Above 1000 elements only
three at each end of each dimension are shown.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine import dtypes
from engine.device import on_host
from engine.tensor import Tensor


@dataclass(slots=True)
class PrintOptions:
    """What :func:`set_printoptions` sets."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}

options = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How tensors are printed; None leaves a setting as it is (but ``sci_mode=None`` chooses by the values).

    Args:
        precision: digits behind the point.
        threshold: elements above which only the edges are shown.
        edgeitems: how many elements an edge has.
        linewidth: characters in a line.
        profile: ``"default"``, ``"short"`` or ``"full"``.
        sci_mode: scientific notation always or never.
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
    settings: dict[str, Any] = dict(_PROFILES[profile]) if profile else {}
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    settings |= {name: value for name, value in given.items() if value is not None}
    for name, value in settings.items():
        setattr(options, name, value)
    options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The present settings, as keyword arguments of :func:`set_printoptions`."""
    return asdict(options)


@contextlib.contextmanager
def printoptions(**settings: Any) -> Iterator[None]:
    """Other settings inside a ``with`` block."""
    before = get_printoptions()
    set_printoptions(**settings)
    try:
        yield
    finally:
        set_printoptions(**before)


def tensor_text(tensor: Tensor) -> str:
    """``repr(tensor)`` without what subclasses put before it."""
    array = on_host(tensor._array)
    prefix = "tensor(" if type(tensor).__name__ in ("Tensor", "Parameter") else f"{type(tensor).__name__}("
    indent = len(prefix)
    dtype = dtypes.from_numpy(array.dtype)
    suffixes = []
    if array.size:
        summarize = array.size > options.threshold
        shown = _edges(array) if summarize else array
        body = _nested(array, indent, summarize, _formatter(shown))
        if not options.edgeitems:
            suffixes.append(f"size={tuple(array.shape)}")
        usual = dtype in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_)
    else:
        body = "[]"
        if array.ndim != 1:
            suffixes.append(f"size={tuple(array.shape)}")
        usual = dtype is dtypes.get_default_dtype()
    if tensor.is_cuda:
        suffixes.append(f"device='{tensor.device}'")
    if not usual:
        suffixes.append(f"dtype={dtype}")
    if tensor._function is not None:
        suffixes.append(f"grad_fn={tensor._function!r}")
    elif tensor._requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(prefix + body, suffixes, indent)


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    # PyTorch counts the last line one too long, so that breaks come one character early.
    length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > options.linewidth:
            text += ",\n" + " " * indent + suffix
            length = indent + len(suffix)
        else:
            text += ", " + suffix
            length += len(suffix) + 2
    return text + ")"


def _edges(array: np.ndarray) -> np.ndarray:
    """Only the elements that a summary shows."""
    for axis, extent in enumerate(array.shape):
        edge = options.edgeitems
        if extent > 2 * edge:
            array = np.take(array, [*range(edge), *range(extent - edge, extent)], axis)
    return array


Formatter = Callable[[Any], str]


def _formatter(shown: np.ndarray) -> tuple[Formatter, int]:
    """How to write one element (a Python number), and the width of all of them."""
    if shown.dtype.kind != "f":
        width = max((len(str(value)) for value in shown.reshape(-1).tolist()), default=1)
        return (lambda value: str(value).rjust(width)), width
    write, values = _float_style(shown)
    width = max((len(write(value)) for value in values), default=1)
    return (lambda value: write(value).rjust(width)), width


def _float_style(shown: np.ndarray) -> tuple[Formatter, list[float]]:
    """How to write a float, and those that the width is measured on: neither zero nor infinite nor NaN."""
    measured = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
    digits = options.precision
    whole = bool((measured == np.ceil(measured)).all())
    scientific = bool(options.sci_mode) and measured.size > 0
    if options.sci_mode is None and measured.size:
        sizes = np.absolute(measured)
        least, greatest = sizes.min(), sizes.max()
        scientific = bool(greatest / least > 1000.0 or greatest > 1.0e8 or least < 1.0e-4)

    def write(value: float) -> str:
        if scientific:
            return f"{value:.{digits}e}"
        if not whole:
            return f"{value:.{digits}f}"
        return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"

    return write, measured.tolist()


def _nested(array: np.ndarray, indent: int, summarize: bool, style: tuple[Formatter, int]) -> str:
    write, width = style
    if array.ndim == 0:
        return write(array.item())
    edge = options.edgeitems
    shorten = summarize and array.shape[0] > 2 * edge
    if array.ndim == 1:
        if shorten:
            head, tail = array[:edge].tolist(), array[len(array) - edge :].tolist()
            items = [*map(write, head), " ..." if edge else "...", *map(write, tail)]
        else:
            items = list(map(write, array.tolist()))
        per_line = max(1, (options.linewidth - indent) // (width + 2))
        lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [*range(edge), *range(len(array) - edge, len(array))] if shorten else range(len(array))
    parts = [_nested(array[i], indent + 1, summarize, style) for i in rows]
    if shorten:
        parts.insert(edge, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"
