"""The statistics of the last steps, in bounded memory, and how they are asked for."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from engine.debug.statistics_layout import Layout
from engine.kernels.cpu.statistics import FIELDS, edges

_COLUMN = {field: i for i, field in enumerate(FIELDS)}
_WHOLE = ("count", "zeros", "nans", "infs")


class Record(NamedTuple):
    """One step: rows of FIELDS as ``layout`` names them, and the histograms by name where they were made."""

    step: int
    layout: Layout
    rows: np.ndarray
    histograms: dict[str, np.ndarray]

    @property
    def nbytes(self) -> int:
        return self.rows.nbytes + sum(counts.nbytes for counts in self.histograms.values())


class History:
    """The records of at most ``limit`` steps and ``limit_bytes`` bytes; the oldest leave first."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self.records: deque[Record] = deque()
        self.limit, self.limit_bytes = limit, limit_bytes
        self.nbytes = 0

    def add(self, record: Record) -> None:
        """Keep ``record``, and drop what is then too old."""
        records = self.records
        records.append(record)
        self.nbytes += record.rows.nbytes if not record.histograms else record.nbytes
        while len(records) > self.limit or (self.nbytes > self.limit_bytes and len(records) > 1):
            self.nbytes -= records.popleft().nbytes

    def names(self) -> list[str]:
        """Every name that has a value, in the order in which the tensors first came."""
        layouts = {id(record.layout): record.layout for record in self.records}
        return list(dict.fromkeys(name for layout in layouts.values() for name in layout.row_of))

    def latest(self) -> dict[str, dict[str, Any]]:
        """The newest values of every tensor: {name: {"step": ..., field: value}}."""
        seen: set[int] = set()
        found: dict[str, dict[str, Any]] = {}
        for record in reversed(self.records):
            if id(record.layout) in seen:
                continue
            seen.add(id(record.layout))
            for name, row in record.layout.row_of.items():
                if name not in found:
                    found[name] = {"step": record.step, **as_dict(record.rows[row])}
        return found

    def series(
        self, name: str, field: str, from_step: int = 0, to_step: int | None = None
    ) -> tuple[list[int], list[float]]:
        """Steps and values of ``field`` from ``from_step`` to ``to_step`` (included), ascending.

        Raises:
            KeyError: for a field that is none, or a name that no kept step has.
        """
        if field not in _COLUMN:
            raise KeyError(f"statistics: {field!r} is not a field; the fields are {', '.join(FIELDS)}")
        steps, values = [], []
        known = False
        for record in self.records:
            row = record.layout.row_of.get(name)
            if row is None:
                continue
            known = True
            if record.step >= from_step and (to_step is None or record.step <= to_step):
                steps.append(record.step)
                values.append(float(record.rows[row, _COLUMN[field]]))
        if not known:
            raise KeyError(f"statistics: no tensor {name!r} in the kept steps; there are {', '.join(self.names())}")
        return steps, values

    def histogram(self, name: str, step: int | None = None) -> dict[str, Any]:
        """The histogram of a tensor at ``step`` (None: the newest): {"step", "edges", "counts", "nonfinite"}.

        Raises:
            KeyError: where none was made.
        """
        for record in reversed(self.records):
            counts = record.histograms.get(name)
            if counts is not None and step in (None, record.step):
                row = record.rows[record.layout.row_of[name]]
                nonfinite = int(row[_COLUMN["nans"]] + row[_COLUMN["infs"]])
                return {
                    "step": record.step, "edges": edges().tolist(), "counts": counts.tolist(), "nonfinite": nonfinite,
                }
        raise KeyError(f"statistics: no histogram of {name!r}" + ("" if step is None else f" at step {step}"))


def as_dict(row: np.ndarray) -> dict[str, Any]:
    """A row of results by field, as Python numbers; fields that the tensor has not are left out."""
    values = dict(zip(FIELDS, row.tolist(), strict=True))
    for field in _WHOLE:
        values[field] = int(values[field])
    return {
        field: value
        for field, value in values.items()
        if field not in ("update_ratio", "dead", "saturated") or value == value
    }
