"""LaTeX formulas as outlines, made by matplotlib's mathtext.

mathtext knows neither ``cases`` nor ``\\tfrac`` and the like: the former are laid out here, the latter rewritten.
:func:`formula` takes some milliseconds, the first some hundred: :mod:`gui.typesetting` calls it in a process of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PyQt6.QtGui import QPainterPath, QTransform

#: Units of the outlines to one em.
EM = 100.0

#: A command, with the bracket that it is the size of, or a character; what they add to the depth of brackets.
_TOKEN = re.compile(r"(?P<size>\\(?:left|right)(?![A-Za-z]))\s*(?:\\[A-Za-z]+|\\.|.)|\\[A-Za-z]+|\\.|.", re.DOTALL)
_DEPTHS = {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1, "\\left": 1, "\\right": -1, "\\begin": 1, "\\end": -1}
#: What stands between two equations, behind a comma.
_APART = ("\\quad", "\\;")

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
    """A formula's equations, each in pieces: a line may end between equations, and if it must between pieces."""

    equations: tuple[tuple[Box, ...], ...]


def formula(latex: str) -> Formula:
    """The outlines of a formula. Raises ValueError where mathtext cannot read it."""
    return Formula(tuple(tuple(map(_box, pieces(equation))) for equation in equations(latex)))


def equations(latex: str) -> list[str]:
    """A formula cut behind its outermost ``,\\quad`` and ``,\\;``, which are left out but for the comma."""
    cuts = [(i, i + len(token)) for i, token in _outermost(latex) if token in _APART and latex[:i].rstrip().endswith(",")]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(latex)]
    return [part for a, b in zip(starts, ends, strict=True) if (part := latex[a:b].strip())]


def pieces(equation: str) -> list[str]:
    """An equation cut before its outermost ``=``, `` + `` and `` - ``; not before the sign of a number."""
    ends = [0, *(i for i, token in _outermost(equation) if i and _joins(equation, i, token)), len(equation)]
    return [piece for a, b in zip(ends, ends[1:]) if (piece := equation[a:b].strip())]


def _joins(latex: str, i: int, token: str) -> bool:
    """Whether the token at ``i`` stands between two things that it relates or adds."""
    if token == "=":
        return True
    before = latex[:i].rstrip()
    return token in ("+", "-") and latex[i + 1 : i + 2] == " " and before[-1:] not in ("", "=", "^", "_", ",")


def _outermost(latex: str) -> Iterator[tuple[int, str]]:
    """Commands and characters outside of all brackets, with their places."""
    depth = 0
    for found in _TOKEN.finditer(latex):
        token = found[0]
        before, depth = depth, depth + _DEPTHS.get(found["size"] or token, 0)
        if before == depth == 0:
            yield found.start(), token


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
