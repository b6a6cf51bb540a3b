"""Numbers, tensors and curves as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

BARS = "▁▂▃▄▅▆▇█"
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


class Style:
    """Colours, where the terminal has them."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __call__(self, text: str, *names: str) -> str:
        """``text`` in colours and weights of these names."""
        if not self.enabled or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"


def number(value: Any) -> str:
    """A number as short as tells it apart: four decimals, an exponent where that shows nothing."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4f}".rstrip("0").rstrip(".") or "0"
    return f"{value:.3e}"


def exact(value: Any) -> str:
    """A float32 or float64 with nine digits, which tell two float32 apart."""
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def shape_text(shape: Iterable[int]) -> str:
    """A shape as Python writes it: ``(64, 16)``."""
    return str(tuple(shape))


def grid(values: Any, width: int = 140) -> list[str]:
    """Lines that show nested lists of numbers (or one number) in aligned columns, a block for each matrix."""
    if not isinstance(values, list):
        return [number(values)]
    flat = [number(v) for v in _leaves(values)]
    if not flat:
        return ["(no elements)"]
    column = max(map(len, flat)) + 2
    return list(_blocks(values, column, max(1, width // column), ()))


def _blocks(values: list, column: int, fitting: int, place: tuple[int, ...]) -> Iterable[str]:
    if not values or not isinstance(values[0], list):
        yield from _rows(values, column, fitting)
    elif values[0] and isinstance(values[0][0], list):
        for i, part in enumerate(values):
            if part and isinstance(part[0], list) and part[0] and isinstance(part[0][0], list):
                yield from _blocks(part, column, fitting, (*place, i))
                continue
            yield f"[{', '.join(map(str, (*place, i)))}]"
            yield from _blocks(part, column, fitting, (*place, i))
    else:
        for row in values:
            yield from _rows(row, column, fitting)


def _rows(row: Sequence[Any], column: int, fitting: int) -> Iterable[str]:
    texts = [number(v) for v in row]
    for start in range(0, max(len(texts), 1), fitting):
        part = "".join(text.rjust(column) for text in texts[start : start + fitting])
        yield part if start == 0 else f"   {part}"


def _leaves(values: Any) -> Iterable[Any]:
    if isinstance(values, list):
        for value in values:
            yield from _leaves(value)
    else:
        yield values


def summary(values: Any) -> str:
    """Range and mean of nested lists of numbers, with a count of what is not finite."""
    flat = [float(v) for v in _leaves(values)]
    finite = [v for v in flat if math.isfinite(v)]
    if not finite:
        return f"no finite number among {len(flat)}" if flat else "no elements"
    text = f"min {number(min(finite))}  max {number(max(finite))}  mean {number(math.fsum(finite) / len(finite))}"
    missing = len(flat) - len(finite)
    return text + (f"  {missing} NaN or infinite" if missing else "")


def sparkline(values: Sequence[float], width: int = 72) -> str:
    """A curve in one line: each character is the mean of the values that fall on it; a gap where none is finite."""
    if not values:
        return ""
    width = min(width, len(values))
    groups = [values[i * len(values) // width : (i + 1) * len(values) // width] for i in range(width)]
    means = [_mean(group) for group in groups]
    finite = [m for m in means if m is not None]
    if not finite:
        return " " * width
    low, high = min(finite), max(finite)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if m is None else BARS[round((m - low) * scale)] for m in means)


def _mean(values: Sequence[float]) -> float | None:
    finite = [v for v in values if math.isfinite(v)]
    return math.fsum(finite) / len(finite) if finite else None


def histogram(counts: Sequence[int], edges: Sequence[float], width: int = 50) -> list[str]:
    """A bar a bin, the longest ``width`` wide."""
    most = max(counts, default=0)
    labels = [number(float(edge)) for edge in edges]
    wide = max(map(len, labels), default=0)
    lines = []
    for i, count in enumerate(counts):
        length = count / most * width if most else 0.0
        bar = "█" * int(length)
        if 0 < length < 1:
            bar = "▏"
        lines.append(f"{labels[i]:>{wide}} .. {labels[i + 1]:>{wide}}  {bar} {count}".rstrip())
    return lines
