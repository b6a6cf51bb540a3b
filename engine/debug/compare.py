"""Where two runs of one script first differ: in their losses, and in which op, tensor and element. Standard library only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engine.debug.client import ConnectionLost, RequestError
from engine.debug.run import Run

if TYPE_CHECKING:
    from engine.debug.session import Session

#: Elements that are asked for at once.
_CHUNK = 1 << 18

#: Seconds for which a replay may neither report progress nor arrive: nobody else watches its process.
_PATIENCE = 120.0

#: What must be equal for two events to be the same op.
_SAME = ("position", "kind", "name", "module")


def compare(session: Session, a: Run, b: Run) -> dict[str, Any]:
    """Compare two runs up to where both have come.

    Returns:
        ``curves``: of each run by name its ``steps`` and ``losses``; ``common``: how many backward passes both have done;
        ``step``, ``losses``: the first step on which their losses differ, and these (None where none does);
        ``event``: the first op whose arrays differ (as of the request ``checksums``), or None; ``tensor``, ``index``,
        ``values``: its first array that does, the first element of that, and its value in a and in b; ``instead``: the op
        of b in the place of that of a, where it is another one (None where it is the same); ``note``: what else there is
        to say, or ``""``.
    """
    curves = {run.name: _curve(run) for run in (a, b)}
    first, second = (list(zip(curve["steps"], curve["losses"])) for curve in curves.values())
    differing = next((pair for pair in zip(first, second) if not _equal(*pair)), None)
    result: dict[str, Any] = {
        "curves": curves, "common": min(len(first), len(second)),
        "step": differing[0][0] if differing else None,
        "losses": [differing[0][1], differing[1][1]] if differing else None,
        "event": None, "tensor": None, "index": None, "values": None, "instead": None, "note": "",
    }  # fmt: skip
    result.update(_located(session, a, b, result["step"]))
    return result


def _curve(run: Run) -> dict[str, list]:
    try:
        body = run.client.request("curves")
    except ConnectionLost:
        return {"steps": [], "losses": []}
    return {"steps": body["steps"].tolist(), "losses": body["losses"].tolist()}


def _equal(one: tuple, other: tuple) -> bool:
    return all(x == y or (x != x and y != y) for x, y in zip(one, other))


def common_past(a: Run, b: Run) -> tuple[int, ...] | None:
    """Up to which position two runs are one, because one was forked from the other or both from a third."""
    places: dict[int, tuple[int, ...] | None] = {}
    run: Run | None = a
    limit: tuple[int, ...] | None = None
    while run is not None:
        places[id(run)] = limit
        limit = _earlier(limit, run.forked_at)
        run = run.parent
    run, limit = b, None
    while run is not None:
        if id(run) in places:
            return _earlier(limit, places[id(run)])
        limit = _earlier(limit, run.forked_at)
        run = run.parent
    return None


def _earlier(one: tuple[int, ...] | None, other: tuple[int, ...] | None) -> tuple[int, ...] | None:
    known = [place for place in (one, other) if place is not None]
    return min(known) if known else None


# ---------------------------------------------------------------------------------------------------- the first op


def _located(session: Session, a: Run, b: Run, step: int | None) -> dict[str, Any]:
    """The first difference, from what both processes remember, or else from replays of both."""
    past = common_past(a, b)
    found = _remembered(a, b, past)
    if found is not None or (step is None and past is None):
        return found or {}
    if a.recording is None or b.recording is None:
        return {"note": "where exactly cannot be said: no recording of these runs can be replayed"}
    examiners: list[Run] = []
    try:
        for run in (a, b):
            examiners.append(session.examiner(run, {"at": list(past or (0, 0, 0))}))
        return _replayed(examiners, past, step)
    finally:
        for examiner in examiners:
            session.discard(examiner)


def _remembered(a: Run, b: Run, past: tuple[int, ...] | None) -> dict[str, Any] | None:
    """The first difference, where both processes remember everything since they parted."""
    if past is None:
        return None
    sides = []
    for run in (a, b):
        try:
            sums = run.client.request("checksums")["checksums"]
        except (RequestError, ConnectionLost):
            return None
        if not sums or tuple(sums[0]["position"]) > past:
            return None
        sides.append((run, sums))
    found = _difference(sides)
    # Where one ran freely for a while its memory has a gap, which looks as if the other did something else there.
    return None if found is not None and found.get("tensor") is None else found


def _replayed(examiners: list[Run], past: tuple[int, ...] | None, step: int | None) -> dict[str, Any]:
    """The first difference in the step after the runs parted; failing that, in the step whose loss differs."""
    begun = max((run.stop or {}).get("step") or 0 for run in examiners)
    # A run to the end of a step watches that step closely, and what comes before it not.
    ends = [begun + 1, begun + 2]
    if step is not None and step > begun + 1:
        ends += [end for end in (step, step + 1) if end > begun + 2]
    for end in ends:
        for run in examiners:
            run.client.drain()
            try:
                run.client.request("runTo", _PATIENCE, step=end)
                _wait(run)
            except (RequestError, ConnectionLost):
                return {"note": "a replay could not be followed to where the runs differ"}
            except TimeoutError:
                words = f"without progress for {_PATIENCE:g} seconds on its way to the end of step {end}: it was given up"
                return {"note": f"where exactly cannot be said: the replay of {run.name} was {words}"}
        sides = [(run, run.client.request("checksums")["checksums"]) for run in examiners]
        found = _difference(sides)
        if found is not None:
            if end > begun + 2:
                found["note"] = f"in step {step}; what lies between there and where the runs parted was not looked at"
            return found
    return {}


def _wait(run: Run) -> None:
    """Wait until a replay arrives; TimeoutError where it neither does nor reports progress within the patience."""
    while True:
        progress = run.progress
        try:
            run.arrive(run.client.wait_for(("stopped", "exited"), _PATIENCE))
            return
        except TimeoutError:
            if run.progress is progress:
                raise


def _difference(sides: list[tuple[Run, list[dict]]]) -> dict[str, Any] | None:
    """The first pair of events that differ, with tensor and element; None where there is none."""
    (a, first), (b, second) = sides
    start = max(tuple(sums[0]["position"]) if sums else () for sums in (first, second))
    lists = [[entry for entry in sums if tuple(entry["position"]) >= start] for sums in (first, second)]
    for one, other in zip(*lists):
        if any(one[key] != other[key] for key in _SAME):
            note = f"from here on they do different things: {one['description']}, and {other['description']}"
            return {"event": one, "instead": other, "note": note}
        names = [*one["checksums"], *(name for name in other["checksums"] if name not in one["checksums"])]
        for name in names:
            if one["checksums"].get(name) != other["checksums"].get(name):
                label = next((t.get("label") for t in one.get("tensors", ()) if t["name"] == name), None)
                place = _element((a, one["seq"]), (b, other["seq"]), name)
                return {"event": one, "tensor": f"{name} ({label})" if label else name, **place}
    return None


# ---------------------------------------------------------------------------------------------------- the first element


def _element(one: tuple[Run, int], other: tuple[Run, int], name: str) -> dict[str, Any]:
    """Index and values of the first element of an array that differs between two events."""
    found: dict[str, Any] = {"index": None, "values": None}
    with suppress(RequestError, ConnectionLost):  # an array that only one of them has, or that cannot be sent
        for (place, x), (_, y) in zip(_elements(*one, name), _elements(*other, name)):
            if x != y and not (x != x and y != y):
                return {"index": list(place), "values": [x, y]}
    return found


def _elements(run: Run, seq: int, name: str) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Index and value of every element, in C order, fetched in parts."""
    reference = {"event": seq, "name": name}
    shape = run.client.request("tensor", reference=reference, maxShape=[1, 1])["shape"]
    if not shape:
        yield (), run.client.request("tensor", reference=reference)["data"].tolist()
        return
    matrix = shape[-2:] if len(shape) > 1 else [1, *shape]
    for lead in itertools.product(*[range(n) for n in shape[:-2]]):
        for top, bottom, left, right in _tiles(*matrix):
            parts = [*map(str, lead), *([f"{top}:{bottom}"] if len(shape) > 1 else []), f"{left}:{right}"]
            most = [max(1, bottom - top), max(1, right - left)]
            body = run.client.request("tensor", reference=reference, slice=", ".join(parts), maxShape=most)
            values = body["data"].tolist()
            for i, row in enumerate(values if len(shape) > 1 else [values], top):
                for j, value in enumerate(row, left):
                    yield ((*lead, i, j) if len(shape) > 1 else (j,)), value


def _tiles(rows: int, columns: int) -> Iterator[tuple[int, int, int, int]]:
    """Parts of a matrix, each of so many elements at most: first and last row, first and last column."""
    wide = min(columns, _CHUNK)
    high = max(1, _CHUNK // max(1, wide))
    for top in range(0, rows, high):
        for left in range(0, columns, max(1, wide)):
            yield top, min(top + high, rows), left, min(left + wide, columns)
