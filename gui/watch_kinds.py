"""The kinds of watchpoints for forms and lists: name, what it asks for, and the sentence that says when it stops.

The engine refuses what does not fit; this table only says what to ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class WatchKind(NamedTuple):
    """One kind of watchpoint.

    Attributes:
        name: for the protocol.
        label: what a menu says.
        parameters: what can be given, in this order: "tensor" (a pattern), "threshold", "index", "window".
        threshold: a value to begin with; None where it takes none.
        sentence: when it stops; ``{tensor}``, ``{threshold}`` and ``{index}`` stand for what was given.
    """

    name: str
    label: str
    parameters: tuple[str, ...]
    threshold: float | None
    sentence: str


_LIMIT = ("tensor", "threshold")


def _pair(name: str, label: str, words: str, threshold: float, low: float) -> list[WatchKind]:
    return [
        WatchKind(f"{name}-above", f"{label} above", _LIMIT, threshold, f"{words} of {{tensor}} exceeds {{threshold}}"),
        WatchKind(f"{name}-below", f"{label} below", _LIMIT, low, f"{words} of {{tensor}} falls below {{threshold}}"),
    ]


_ALL = [
    WatchKind("nan-inf", "NaN or infinity", ("tensor",), None, "there is NaN or infinity in {tensor}"),
    WatchKind("nan", "NaN", ("tensor",), None, "there is NaN in {tensor}"),
    WatchKind("inf", "infinity", ("tensor",), None, "there is infinity in {tensor}"),
    *_pair("gradient-norm", "gradient norm", "the gradient norm", 10.0, 1e-6),
    *_pair("update-ratio", "update-to-weight ratio", "the update-to-weight ratio", 0.1, 1e-5),
    WatchKind("dead-units-above", "share of dead units above", _LIMIT, 0.5, "over {threshold} of {tensor} is dead"),
    WatchKind("saturation-above", "saturated share above", _LIMIT, 0.5, "over {threshold} of {tensor} is saturated"),
    WatchKind("loss-rise", "loss rise", ("threshold", "window"), 2.0, "the loss exceeds {threshold} × its recent mean"),
    WatchKind(
        "weight-crosses", "weight crosses", ("tensor", "index", "threshold"), 0.0, "{tensor}[{index}] crosses {threshold}"
    ),
    *_pair("max", "maximum", "the maximum", 100.0, 0.0),
    *_pair("min", "minimum", "the minimum", 0.0, -100.0),
    *_pair("mean", "mean", "the mean", 10.0, -10.0),
    *_pair("std", "standard deviation", "the standard deviation", 10.0, 1e-6),
    *_pair("range", "range", "maximum minus minimum", 100.0, 1e-6),
]  # fmt: skip

#: All kinds by name, those first that are wanted most.
WATCH_KINDS = {kind.name: kind for kind in _ALL}


def watch_sentence(watchpoint: Mapping[str, Any]) -> str:
    """When a watchpoint of the protocol stops, in words; its kind's name where that is not known."""
    kind = WATCH_KINDS.get(str(watchpoint.get("kind")))
    if kind is None:
        return str(watchpoint.get("kind"))
    index = watchpoint.get("index")
    parts = index if isinstance(index, (list, tuple)) else [index]
    return kind.sentence.format(
        tensor=watchpoint.get("tensor") or "any tensor",
        threshold=f"{watchpoint.get('threshold') or 0:g}",
        index=", ".join(str(part) for part in parts if part is not None),
    )
