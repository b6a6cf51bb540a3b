"""Delimited text as rows of cells: finds the delimiter and the header, checks row lengths."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from engine.errors import DataError

DELIMITERS = (",", ";", "\t", "|", " ")
_SNIFFED_LINES = 50
MISSING_WORDS = frozenset({"", "nan", "na", "n/a", "null", "none", "?"})
"""Cells that stand for a missing value, in lower case."""


class Grid(NamedTuple):
    """The cells of a file: column names, rows of equal length, the file's line of each row."""

    names: list[str]
    rows: list[list[str]]
    lines: list[int]
    delimiter: str


def read_grid(
    path: str | os.PathLike[str],
    delimiter: str | None = None,
    header: bool | None = None,
    decimal: str = ".",
    encoding: str = "utf-8-sig",
) -> Grid:
    """Read a delimited text file. Empty lines are skipped; lines are counted from 1.

    Args:
        delimiter: one character, or None to find it among comma, semicolon, tab, bar and blank.
        header: whether the first row names the columns; None finds out (`has_header`).

    Raises:
        DataError: unreadable, not text, empty, only a header, or rows of different lengths.
    """
    path = Path(path)
    text = _read_text(path, encoding)
    if "\0" in text:
        raise DataError(f"{path}: not a text file (it contains null bytes)")
    if delimiter is None:
        delimiter = sniff_delimiter(text, decimal)
    elif len(delimiter) != 1:
        raise DataError(f"{path}: the delimiter must be one character, not {delimiter!r}")
    rows, lines = _split(path, text, delimiter)
    if not rows:
        raise DataError(f"{path}: the file is empty; expected rows of cells")
    _check_lengths(path, rows, lines, delimiter)
    if header is None:
        header = has_header(rows, decimal)
    if not header:
        return Grid([f"column {i}" for i in range(len(rows[0]))], rows, lines, delimiter)
    if len(rows) == 1:
        raise DataError(f"{path}: holds a header and no row of data")
    names = rows[0]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(f"{path}: the header names {twice[0]!r} more than once")
    return Grid(names, rows[1:], lines[1:], delimiter)


def sniff_delimiter(text: str, decimal: str = ".") -> str:
    """Return the delimiter that cuts most of the first 50 lines into equally many, several cells.

    Ties go to the one that makes more cells, then to the order of `DELIMITERS`; a comma if none
    occurs (one column). The decimal sign is no candidate.
    """
    lines = [line for line in text.splitlines() if line.strip()][:_SNIFFED_LINES]
    best, best_score = ",", (0, 0)
    for candidate in (d for d in DELIMITERS if d != decimal):
        cut = csv.reader(lines, delimiter=candidate, skipinitialspace=True)
        counts = Counter(len([c for c in row if c or candidate != " "]) for row in cut)
        counts.pop(1, None)
        if counts:
            cells, agreeing = counts.most_common(1)[0]
            if (agreeing, cells) > best_score:
                best, best_score = candidate, (agreeing, cells)
    return best


def has_header(rows: list[list[str]], decimal: str = ".") -> bool:
    """Tell whether the first row names the columns.

    It does if none of its cells is a number or missing, and either some column below holds a
    number in the second row, or its cells are all different and none occurs again in its column.
    """
    first, rest = rows[0], rows[1:]
    if any(is_missing(cell) or as_number(cell, decimal) is not None for cell in first):
        return False
    if rest and any(as_number(cell, decimal) is not None for cell in rest[0]):
        return True
    if not rest or len(set(first)) < len(first):
        return False
    return not any(row[i] == name for row in rest for i, name in enumerate(first))


def is_missing(cell: str) -> bool:
    """Tell whether a cell stands for a missing value."""
    return cell.lower() in MISSING_WORDS


def as_number(cell: str, decimal: str = ".") -> float | None:
    """Return the number that a cell holds, or None."""
    if decimal != ".":
        cell = cell.replace(".", "_").replace(decimal, ".")
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _read_text(path: Path, encoding: str) -> str:
    try:
        return path.read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not text in {encoding} (byte {error.start}: {error.reason}); "
            "name another encoding, for instance encoding='latin-1'"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _split(path: Path, text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True, strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if delimiter == " ":
                cells = [cell for cell in cells if cell]
            if any(cells):
                rows.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}") from error
    return rows, lines


def _check_lengths(path: Path, rows: list[list[str]], lines: list[int], delimiter: str) -> None:
    expected = Counter(len(row) for row in rows).most_common(1)[0][0]
    for row, line in zip(rows, lines, strict=True):
        if len(row) != expected:
            raise DataError(
                f"{path}: line {line} has {len(row)} cells, most lines have {expected} (delimiter {delimiter!r})"
            )
