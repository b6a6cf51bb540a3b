"""Numbers as the window writes them: 4 significant digits, an exponent only outside 1e-3 to 1e5."""

from __future__ import annotations

import math
from collections.abc import Iterable


def format_number(x: float | int | bool | None) -> str:
    """``0.1235``, ``12.35``, ``12346``, ``1.235e-05``; whole numbers as they are; ``nan``, ``inf``, ``-inf``."""
    if x is None:
        return "–"
    if isinstance(x, bool):
        return str(x)
    x = float(x) if not isinstance(x, int) else x
    if isinstance(x, float) and not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    size = abs(x)
    if size == 0:
        return "0"
    if isinstance(x, int) and size < 1e9:
        return str(x)
    if size < 1e-3 or size >= 1e5:
        return f"{x:.3e}"
    exponent = int(f"{size:.3e}".partition("e")[2])  # of the rounded number: 999.96 has four digits before the point
    return f"{x:.{max(0, 3 - exponent)}f}"


def trimmed(text: str) -> str:
    """A formatted number without zeros at the end: ``0.9`` for ``0.9000``, ``1e-08`` for ``1.000e-08``."""
    digits, e, power = text.partition("e")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + e + power


def format_numbers(values: Iterable[float | int | bool | None]) -> list[str]:
    """Several numbers as texts of one width, aligned at the point."""
    texts = [format_number(value) for value in values]
    before = [len(text.partition(".")[0].partition("e")[0]) for text in texts]
    widest = max(before, default=0)
    texts = [" " * (widest - count) + text for text, count in zip(texts, before)]
    width = max(map(len, texts), default=0)
    return [text.ljust(width) for text in texts]


def format_count(n: float | int) -> str:
    """A count with its thousands apart: ``1,240``."""
    return f"{round(n):,}"


def plural(count: float, one: str, many: str = "") -> str:
    """``one`` for exactly one, else ``many``, by default ``one`` with an s: ``f"{n} {plural(n, 'unit')}"``."""
    return one if count == 1 else many or f"{one}s"


def format_bytes(n: float | int) -> str:
    """``38 MB``: bytes in the unit that suits them (1 MB is 2**20 bytes)."""
    for unit in ("B", "kB", "MB"):
        if n < 1024:
            return f"{n:.0f} {unit}" if n >= 10 or n == int(n) else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:.1f} GB"


def format_shape(shape: Iterable[int]) -> str:
    """``64 × 8 × 14 × 14``; ``scalar`` for no dimension."""
    return " × ".join(map(str, shape)) or "scalar"
