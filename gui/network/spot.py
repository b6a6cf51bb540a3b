"""A place on the canvas. No Qt."""

from __future__ import annotations

from typing import NamedTuple


class Spot(NamedTuple):
    """What lies at a point: a node, and there a ``part`` ("values", "weight"; "" for the whole) and an ``index``."""

    node: str
    part: str = ""
    index: tuple[int, ...] | None = None
