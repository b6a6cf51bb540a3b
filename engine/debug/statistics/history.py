"""The statistics of the last steps, in bounded memory, and how they are asked for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from typing import Any

import numpy as np

from engine.debug.statistics.layout import Layout
from engine.kernels.cpu.statistics import FIELDS, edges

#: Steps of a page.
_PAGE = 64

_COLUMN = {field: i for i, field in enumerate(FIELDS)}
_WHOLE = ("count", "zeros", "nans", "infs")
_OF_SOME = ("update_ratio", "dead", "saturated")


class Page:
    """Results of up to ``_PAGE`` steps of one layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.results = np.empty((_PAGE, layout.height, len(FIELDS)))
        self.steps: list[int] = []
        self.histograms: dict[int, dict[str, np.ndarray]] = {}
        self.nbytes = self.results.nbytes

    def end(self, step: int, histograms: dict[str, np.ndarray]) -> None:
        """The next row is written: it is that of ``step``."""
        if histograms:
            self.histograms[step] = histograms
            self.nbytes += sum(counts.nbytes for counts in histograms.values())
        self.steps.append(step)


class History:
    """The results of at least the last ``limit`` steps (up to a page more) and about ``limit_bytes`` bytes at most."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self.limit, self.limit_bytes = limit, limit_bytes
        self.pages: deque[Page] = deque()
        self._open: dict[int, Page] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all results that are kept."""
        return sum(page.nbytes for page in self.pages)

    def page(self, layout: Layout) -> Page:
        """A page with a free row, number ``len(page.steps)``."""
        page = self._open.get(id(layout))
        if page is None or len(page.steps) == _PAGE:
            page = self._open[id(layout)] = Page(layout)
            self.pages.append(page)
            self._drop()
        return page

    def _drop(self) -> None:
        newest = max((page.steps[-1] for page in self.pages if page.steps), default=0)
        while len(self.pages) > 1 and (
            self.nbytes > self.limit_bytes
            or not self.pages[0].steps
            or self.pages[0].steps[-1] <= newest - self.limit
        ):
            page = self.pages.popleft()
            if self._open.get(id(page.layout)) is page:
                del self._open[id(page.layout)]

    def names(self) -> list[str]:
        """Every name that has a value, in the order in which the tensors first came."""
        return list(dict.fromkeys(name for page in self.pages if page.steps for name in page.layout.row_of))

    def latest(self) -> dict[str, dict[str, Any]]:
        """The newest values of every tensor: {name: {"step": ..., "parameter": whether it is one, field: value}}."""
        found: dict[str, dict[str, Any]] = {}
        for page in sorted((p for p in self.pages if p.steps), key=lambda p: p.steps[-1], reverse=True):
            for name, row in page.layout.row_of.items():
                if name not in found:
                    values = as_dict(page.results[len(page.steps) - 1, row])
                    found[name] = {"step": page.steps[-1], "parameter": name in page.layout.of_parameters, **values}
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
        column = _COLUMN[field]
        pages = [page for page in self.pages if page.steps and name in page.layout.row_of]
        if not pages:
            raise KeyError(f"statistics: no tensor {name!r} in the kept steps; there are {', '.join(self.names())}")
        steps: list[int] = []
        values: list[float] = []
        for page in pages:
            start = bisect_left(page.steps, from_step)
            stop = len(page.steps) if to_step is None else bisect_right(page.steps, to_step)
            if start < stop:
                steps += page.steps[start:stop]
                values += page.results[start:stop, page.layout.row_of[name], column].tolist()
        if steps != sorted(steps):  # pages of several layouts overlap
            order = sorted(range(len(steps)), key=steps.__getitem__)
            return [steps[i] for i in order], [values[i] for i in order]
        return steps, values

    def histogram(self, name: str, step: int | None = None) -> dict[str, Any]:
        """The histogram of a tensor at ``step`` (None: the newest): {"step", "edges", "counts", "nonfinite"}.

        Raises:
            KeyError: where none was made.
        """
        made = [
            (at, page)
            for page in self.pages
            for at, counts in page.histograms.items()
            if name in counts and step in (None, at)
        ]
        if not made:
            raise KeyError(f"statistics: no histogram of {name!r}" + ("" if step is None else f" at step {step}"))
        at, page = max(made, key=lambda pair: pair[0])
        row = page.results[page.steps.index(at), page.layout.row_of[name]]
        nonfinite = int(row[_COLUMN["nans"]] + row[_COLUMN["infs"]])
        counts = page.histograms[at][name]
        return {"step": at, "edges": edges().tolist(), "counts": counts.tolist(), "nonfinite": nonfinite}

    def histograms(
        self, name: str, from_step: int = 0, to_step: int | None = None, most: int = 512
    ) -> dict[str, np.ndarray]:
        """The histograms of a tensor over the steps, of at most ``most`` of them, evenly chosen.

        Returns:
            ``steps`` (n) int64, ``counts`` (n, bins) uint32, ``edges`` (bins + 1) float64; n is 0 where none was made.
        """
        made = {
            at: counts[name]
            for page in self.pages
            for at, counts in page.histograms.items()
            if name in counts and at >= from_step and (to_step is None or at <= to_step)
        }
        steps = sorted(made)
        if len(steps) > most:
            steps = [steps[i] for i in np.linspace(0, len(steps) - 1, most).round().astype(int).tolist()]
        counts = np.array([made[step] for step in steps], np.uint32).reshape(len(steps), len(edges()) - 1)
        return {"steps": np.array(steps, np.int64), "counts": counts, "edges": edges()}


def as_dict(row: np.ndarray) -> dict[str, Any]:
    """A row of results by field, as Python numbers; fields that the tensor has not are left out."""
    values: dict[str, Any] = dict(zip(FIELDS, row.tolist(), strict=True))
    for field in _WHOLE:
        values[field] = int(values[field])
    return {field: value for field, value in values.items() if field not in _OF_SOME or value == value}
