"""Tables with named columns, read from CSV files."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DataError

from .delimited import Grid, as_number, is_missing, read_grid

if TYPE_CHECKING:
    from .dataset import TensorDataset

_LISTED = 5
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Table:
    """Features and, if there is one, a target.

    Attributes:
        x: float32, (rows, features).
        y: int64 class numbers (rows,) for classification; float32 (rows, targets) for regression;
            None without a target.
        feature_names: one name per column of `x`; a one-hot column is called `column=category`.
        target_name: name of the target column, or "".
        target_classes: names of the classes in the order of their numbers; empty for regression.
        categories: per categorical column, its categories in the order of their codes.
        dropped: rows left out because a value was missing.
        source: where the numbers come from.
    """

    x: np.ndarray
    y: np.ndarray | None
    feature_names: tuple[str, ...]
    target_name: str = ""
    target_classes: tuple[str, ...] = ()
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dropped: int = 0
    source: str = ""

    @property
    def task(self) -> str:
        """`classification`, `regression` or `none`."""
        if self.y is None:
            return "none"
        return "classification" if self.target_classes else "regression"

    def dataset(self) -> TensorDataset:
        """Return the table as a TensorDataset of `x` and, if there is a target, `y`."""
        from .dataset import TensorDataset
        from .tensors import from_array

        arrays = [self.x] if self.y is None else [self.x, self.y]
        return TensorDataset(*(from_array(array) for array in arrays))


def read_csv(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    categorical: Sequence[str | int] = (),
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    coding: str = "onehot",
    missing: str = "error",
    decimal: str = ".",
    encoding: str = "utf-8-sig",
) -> Table:
    """Read a CSV file into numbers.

    A column whose cells are all numbers is numeric; one without any number, or listed in
    `categorical`, is categorical, its categories sorted. A column of both kinds is an error. A
    categorical target gives class numbers, a numeric one float32 values.

    Args:
        path: the file.
        target: name or position of the target column (negative counts from the end), or None.
        categorical: columns to take as categories although they hold numbers.
        delimiter, header: None finds out (see `delimited.py`).
        coding: of categorical features: `onehot` (a column of 0 and 1 per category) or `integer`
            (one column with the category's number).
        missing: `error`, or `drop` to leave out rows with a missing value. Empty cells and the
            words nan, na, n/a, null, none and ? count as missing.
        decimal: the decimal sign.

    Raises:
        DataError: the file cannot be read or split, a value is missing or infinite, a column is
            neither numeric nor categorical, or a named column does not exist. The message names
            file, line and column.
    """
    if coding not in ("onehot", "integer"):
        raise DataError(f"read_csv: coding must be 'onehot' or 'integer', not {coding!r}")
    if missing not in ("error", "drop"):
        raise DataError(f"read_csv: missing must be 'error' or 'drop', not {missing!r}")
    path = Path(path)
    grid = read_grid(path, delimiter, header, decimal, encoding)
    grid, dropped = _without_missing(path, grid, missing)
    target_at = None if target is None else _position(path, grid.names, target)
    forced = {_position(path, grid.names, column) for column in categorical}
    blocks, names, categories = [], [], {}
    y, classes = None, ()
    for at, name in enumerate(grid.names):
        cells = [row[at] for row in grid.rows]
        values = None if at in forced else _numbers(path, grid, at, decimal)
        if values is not None:
            if at == target_at:
                y = values.astype(np.float32)[:, None]
            else:
                blocks.append(values[:, None])
                names.append(name)
            continue
        found, codes = np.unique(cells, return_inverse=True)
        labels = tuple(str(label) for label in found)
        if at == target_at:
            y, classes = codes.astype(np.int64), labels
            continue
        categories[name] = labels
        blocks.append(np.eye(len(labels))[codes] if coding == "onehot" else codes[:, None])
        names.extend([f"{name}={label}" for label in labels] if coding == "onehot" else [name])
    if not blocks:
        raise DataError(f"{path}: there is no column left for the features beside the target")
    return Table(
        x=np.ascontiguousarray(np.concatenate(blocks, axis=1), dtype=np.float32),
        y=y,
        feature_names=tuple(names),
        target_name="" if target_at is None else grid.names[target_at],
        target_classes=classes,
        categories=categories,
        dropped=dropped,
        source=str(path),
    )


def _without_missing(path: Path, grid: Grid, missing: str) -> tuple[Grid, int]:
    gaps = [
        (line, name)
        for row, line in zip(grid.rows, grid.lines, strict=True)
        for cell, name in zip(row, grid.names, strict=True)
        if is_missing(cell)
    ]
    if not gaps:
        return grid, 0
    if missing == "error":
        listed = "; ".join(f"line {line}, column {name!r}" for line, name in gaps[:_LISTED])
        more = f" and {len(gaps) - _LISTED} more" if len(gaps) > _LISTED else ""
        raise DataError(
            f"{path}: {len(gaps)} missing value(s): {listed}{more}; fill them in, or pass "
            "missing='drop' to leave these rows out"
        )
    bad = {line for line, _ in gaps}
    kept = [(r, n) for r, n in zip(grid.rows, grid.lines, strict=True) if n not in bad]
    if not kept:
        raise DataError(f"{path}: every row has a missing value; nothing is left")
    rows, lines = (list(part) for part in zip(*kept, strict=True))
    return grid._replace(rows=rows, lines=lines), len(bad)


def _numbers(path: Path, grid: Grid, at: int, decimal: str) -> np.ndarray | None:
    """Return the column as float64, or None if it holds no number at all."""
    values = [as_number(row[at], decimal) for row in grid.rows]
    name = grid.names[at]
    if all(value is None for value in values):
        return None
    for value, row, line in zip(values, grid.rows, grid.lines, strict=True):
        if value is None:
            raise DataError(
                f"{path}: line {line}, column {name!r}: {row[at]!r} is not a number, other cells "
                f"of the column are; correct it, or pass categorical=[{name!r}]"
            )
        if not math.isfinite(value) or abs(value) > _LARGEST:
            raise DataError(f"{path}: line {line}, column {name!r}: {row[at]!r} is not a finite float32 number")
    return np.array(values, dtype=np.float64)


def _position(path: Path, names: list[str], column: str | int) -> int:
    if isinstance(column, str):
        if column in names:
            return names.index(column)
        raise DataError(f"{path}: there is no column {column!r}; there are: {', '.join(names)}")
    if not -len(names) <= column < len(names):
        raise DataError(f"{path}: there is no column {column}; there are {len(names)}")
    return column % len(names)
