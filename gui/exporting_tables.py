"""Tables as CSV: the curves of all runs, the layers of the newest step. The same on every machine, whatever its language."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gui.curve_data import QUANTITIES, Series, epoch_at, series_of
from gui.exporting_files import write_whole

if TYPE_CHECKING:
    from gui.panels.layers_table import Row


class Table(NamedTuple):
    """Names of columns, and rows of texts, numbers and None (an empty cell)."""

    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


def write_csv(table: Table, path: str | os.PathLike[str]) -> None:
    """Write a table as CSV (RFC 4180, UTF-8). Raises OSError where it cannot be written."""
    write_whole(path, csv_text(table).encode("utf-8"))


def csv_text(table: Table) -> str:
    """A table as CSV: a point before decimals, every digit of a number, ``nan``, ``inf`` and ``-inf``."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([cell(value) for value in row] for row in table.rows)
    return buffer.getvalue()


def cell(value: Any) -> str:
    """A value as a cell; numbers can be read back without loss."""
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if not math.isfinite(number):
            return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"
        # A float32 gets the few digits that tell it from its neighbours, not those of the double that it becomes.
        return str(value) if isinstance(value, np.floating) else repr(number)
    return str(value)


def curves_table(
    curves: Mapping[int, Mapping[str, Any]], measures: Mapping[int, Mapping[str, Any]], run_names: Mapping[int, str]
) -> Table:
    """A line for every step of every run at which something is known: run, step, epoch where there are any, every series.

    Args:
        curves, measures, run_names: by number of the run, as the window's state holds them.
    """
    runs = {run: series_of(curves.get(run), measures.get(run)) for run in dict.fromkeys([*curves, *measures])}
    names = list(dict.fromkeys((one.quantity, one.name) for series in runs.values() for one in series))
    names.sort(key=lambda name: list(QUANTITIES).index(name[0]))
    epochs = any(epoch_at(measured, 0) is not None for measured in measures.values())
    columns = ["run", "step", *(["epoch"] if epochs else []), *(_column(*name) for name in names)]

    def rows() -> Iterable[list[Any]]:
        for run, series in runs.items():
            known = {(one.quantity, one.name): one for one in series}
            steps = np.unique(np.concatenate([one.x for one in series])) if series else np.zeros(0)
            values = [_at(known.get(name), steps) for name in names]
            for i, step in enumerate(steps.tolist()):
                epoch = [epoch_at(measures.get(run), step)] if epochs else []
                yield [run_names[run], int(step), *epoch, *(column[i] for column in values)]

    return Table(columns, rows())


def _column(quantity: str, name: str) -> str:
    unit = QUANTITIES[quantity]
    return f"{name} {quantity}{f' in {unit}' if unit else ''}"


def _at(one: Series | None, steps: np.ndarray) -> list[float | None]:
    """The values of a series at ``steps``; None where it has none. What holds until the next value is filled in."""
    if one is None or not len(one.x):
        return [None] * len(steps)
    places = np.searchsorted(one.x, steps, "right") - 1
    fits = (places >= 0) & (True if one.hold else one.x[np.maximum(places, 0)] == steps)
    return [float(one.y[place]) if fit else None for place, fit in zip(places.tolist(), fits.tolist())]


def layers_table(rows: Iterable[Row]) -> Table:
    """A line for every layer and parameter: what it is, and every number known of its values and of its gradient."""
    rows = list(rows)
    values = _names(row.values for row in rows)
    gradient = _names(row.gradient for row in rows)
    columns = ["layer", "kind", *values, *(f"gradient {name}" for name in gradient)]

    def lines() -> Iterable[list[Any]]:
        for row in rows:
            sides = ((_from_one(row.values), values), (_from_one(row.gradient), gradient))
            told = [numbers.get(name) for numbers, names in sides for name in names]
            yield [row.name, "parameter" if row.parameter else "output", *told]

    return Table(columns, lines())


def _from_one(numbers: Mapping[str, Any]) -> Mapping[str, Any]:
    """The engine counts steps from 0, the window from 1."""
    return {**numbers, "step": numbers["step"] + 1} if "step" in numbers else numbers


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of all numbers in the mappings, in the order in which they come."""
    found: dict[str, None] = {}
    for mapping in mappings:
        for name, value in mapping.items():
            if value is None or isinstance(value, (str, bool, int, float, np.generic)):
                found[name] = None
    return list(found)
