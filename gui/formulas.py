"""LaTeX formulas as outlines, made by matplotlib's mathtext.

mathtext knows neither ``cases`` nor ``\\tfrac`` and the like: the former are laid out here, the latter rewritten.
:func:`formula` takes some milliseconds, the first some hundred: :mod:`gui.typesetting` calls it in a process of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PyQt6.QtGui import QPainterPath, QTransform

#: Units of the outlines to one em.
EM = 100.0

_CASES = re.compile(r"\\begin\{cases\}(.*?)\\end\{cases\}", re.DOTALL)
_REWRITTEN = (
    (re.compile(r"\\tfrac\s*(\d)\s*(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\tfrac\s*(\d)"), r"\\frac{\1}"),
    (re.compile(r"\\tfrac"), r"\\frac"),
    (re.compile(r"(\\(?:sum|prod)(?:_(?:\{[^{}]*\}|\w))?)(?!\s*\\,)"), r"\1\\,"),
    (re.compile(r"\\(le|ge)(?![A-Za-z])"), r"\\\1q"),
    (re.compile(r"\\(?:[bB]ig+)[lr]?(?=[()\[\]|])"), ""),
    (re.compile(r"\\sqrt\s*(\d)"), r"\\sqrt{\1}"),
    (re.compile(r"\\begin\{(?!cases)\w+\}|\\end\{(?!cases)\w+\}"), ""),
)


@dataclass(frozen=True)
class Box:
    """An outline on its baseline: y grows downwards, the baseline is y = 0."""

    path: QPainterPath
    width: float
    ascent: float
    descent: float


@dataclass(frozen=True)
class Formula:
    """A formula in pieces: between two of them a line may end."""

    pieces: tuple[Box, ...]


def formula(latex: str) -> Formula:
    """The outlines of a formula. Raises ValueError where mathtext cannot read it."""
    return Formula(tuple(_box(piece) for piece in pieces(latex)))


def pieces(latex: str) -> list[str]:
    """A formula cut before its outermost ``=``, its outermost sums' `` + ``, and behind ``,\\;``."""
    cuts, depth, i = [], 0, 0
    while i < len(latex):
        rest = latex[i:]
        command = re.match(r"\\(?:left|right|begin|end|[A-Za-z]+|.)", rest)
        if command is not None:
            depth += {"\\left": 1, "\\begin": 1, "\\right": -1, "\\end": -1}.get(command[0], 0)
            i += len(command[0])
            if command[0] in ("\\left", "\\right"):
                i += 1  # the bracket is part of it
            if command[0] == "\\;" and depth == 0 and latex[: i - 2].endswith(","):
                cuts.append(i)
            continue
        depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(rest[0], 0)
        if depth == 0 and i and (rest[0] == "=" or rest.startswith("+ ")):
            cuts.append(i)
        i += 1
    ends = [0, *cuts, len(latex)]
    return [piece for a, b in zip(ends, ends[1:]) if (piece := latex[a:b].strip())]


def rewritten(latex: str) -> str:
    """A formula in the words that mathtext knows."""
    for pattern, replacement in _REWRITTEN:
        latex = pattern.sub(replacement, latex)
    return re.sub(r"\\text\{([^}]*)\}", lambda found: r"\mathrm{" + found[1].replace(" ", r"\ ") + "}", latex)


def _box(latex: str) -> Box:
    parts: list[Box] = []
    at = 0
    for found in _CASES.finditer(latex):
        if found.start() > at:
            parts.append(_text(latex[at : found.start()]))
        parts.append(_cases(found[1]))
        at = found.end()
    if latex[at:].strip():
        parts.append(_text(latex[at:]))
    return _beside(parts, 0.12 * EM)


def _text(latex: str) -> Box:
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath, text_to_path

    # Behind an empty group mathtext takes a sign for the one of a sum, with space around it.
    text = f"${{}}{_displayed(rewritten(latex).strip())}$"
    properties = _font()
    try:
        width, height, descent = text_to_path.get_text_width_height_descent(text, properties, ismath=True)
        outline = TextPath((0, 0), text, prop=properties)
    except Exception as error:
        # mathtext raises what its parser raises, and RuntimeError for what its fonts lack.
        raise ValueError(f"{latex}: {str(error).strip().splitlines()[-1]}") from error
    path = QPainterPath()
    for points, code in outline.iter_segments(simplify=False, curves=True):
        xy = [float(value) for value in points]
        if code == Path.MOVETO:
            path.moveTo(xy[0], -xy[1])
        elif code == Path.LINETO:
            path.lineTo(xy[0], -xy[1])
        elif code == Path.CURVE3:
            path.quadTo(xy[0], -xy[1], xy[2], -xy[3])
        elif code == Path.CURVE4:
            path.cubicTo(xy[0], -xy[1], xy[2], -xy[3], xy[4], -xy[5])
        else:
            path.closeSubpath()
    return Box(path, float(width), float(height - descent), float(descent))


def _displayed(latex: str) -> str:
    """The outermost fractions in the size of displays."""
    found, depth = "", 0
    for piece in re.split(r"(\\frac(?![A-Za-z])|[{}])", latex):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        found += r"\dfrac" if piece == r"\frac" and depth == 0 else piece
    return found


@lru_cache(maxsize=1)
def _font() -> Any:
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=EM, math_fontfamily="stix")


def _beside(parts: list[Box], gap: float) -> Box:
    path, x = QPainterPath(), 0.0
    for part in parts:
        path.addPath(part.path.translated(x, 0))
        x += part.width + gap
    ascent = max((part.ascent for part in parts), default=0.0)
    descent = max((part.descent for part in parts), default=0.0)
    return Box(path, max(0.0, x - gap), ascent, descent)


def _cases(inside: str) -> Box:
    """Rows with a brace before them; the second column begins at one place."""
    rows = [[_text(cell) for cell in row.split("&") if cell.strip()] for row in inside.split(r"\\") if row.strip()]
    second = max(row[0].width for row in rows) + 0.8 * EM
    lead = 0.25 * EM
    heights = [(max(cell.ascent for cell in row), max(cell.descent for cell in row)) for row in rows]
    total = sum(a + d for a, d in heights) + lead * (len(rows) - 1)
    axis = 0.26 * EM  # where fractions have their line
    path = _brace(total)
    x0, y = path.boundingRect().width() + 0.18 * EM, -total / 2
    path.translate(0, -axis)
    width = 0.0
    for row, (ascent, descent) in zip(rows, heights):
        x = x0
        for cell in row:
            path.addPath(cell.path.translated(x, y + ascent - axis))
            width = max(width, x + cell.width)
            x = x0 + second
        y += ascent + descent + lead
    return Box(path, width, total / 2 + axis, total / 2 - axis)


def _brace(height: float) -> QPainterPath:
    brace = _text(r"\{").path
    rect = brace.boundingRect()
    path = QTransform.fromScale(1.15, 1.08 * height / rect.height()).map(brace.translated(-rect.left(), -rect.center().y()))
    return path
