"""What the head of the network says of its numbers: what they are, of which step, and what is dimmed. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from gui.network.fill import Fill
from gui.network.naming import Naming
from gui.network.values import Wanted
from gui.numbers import format_count

_WORDS = {"forward": "activations", "backward": "gradients", "update": "weight changes"}
#: What of them is said where there is little room.
_BRIEF = {"forward": ("activations",), "backward": ("gradients",), "update": ("weight changes", "Δ weights")}

#: Stops behind which there is nothing to step on to.
_ENDS = ("end", "exception")

Filled = Iterable[tuple[str, str, Wanted | None]]


class Caption(NamedTuple):
    """A text, and shorter ones for where it has no room."""

    text: str
    brief: tuple[str, ...] = ()


def steps_in_words(steps: Iterable[int]) -> str:
    """``step 412``, ``steps 412–413``; "" for none."""
    known = sorted(steps)
    if not known:
        return ""
    low, high = format_count(known[0]), format_count(known[-1])
    return f"step {low}" if low == high else f"steps {low}–{high}"


def at_stop(fill: Fill, shown: Filled, stop: dict[str, Any], sample: int) -> Caption:
    """At a stop; ``shown``: what :meth:`~gui.network.fill.Fill.all` gives. Says where the newest op that is known belongs to
    an earlier step than the one that the script has come to.
    """
    shown = list(shown)
    # Before the first pass, or where the history holds none of it any more.
    if shown and all(wanted is None for _, _, wanted in shown):
        way = ": step back (Alt+F10)" if stop.get("kind") in _ENDS else ""
        return Caption(f"no numbers of it are at hand here{way}", (f"no numbers here{way}", "no numbers here"))
    what = _WORDS[fill.mode]
    steps = stop.get("step")
    if fill.step is not None and steps is not None and steps > fill.step and not fill.validates:
        of = steps_in_words([fill.step])
        return Caption(f"{what}, last seen in {of}", (f"last seen in {of}", of))
    if fill.validates and fill.mode == "forward":
        what += ", no_grad"
    before = _before(fill) if fill.behind and not fill.validates else ""
    # Behind a free run the update at hand is of this step; the pass that it belongs to was not seen.
    here = fill.phase == "update"
    what += before * (not here)
    of, dimmed = _sample(fill, sample), _dimmed(fill, shown) + before * here
    return Caption(what + of + dimmed, (what + of, what + dimmed, what, *_BRIEF[fill.mode]))


def running(fill: Fill, steps: Iterable[int], sample: int) -> Caption:
    """While the script runs freely, and nodes of these steps stand side by side."""
    of = steps_in_words(steps)
    return Caption(f"{_WORDS[fill.mode]}{f' · {of}' if of else ''}{_sample(fill, sample)}", (of,))


def ran(mode: str, steps: Iterable[int]) -> Caption:
    """Behind a free run, of which the newest picture is of these steps."""
    of = steps_in_words(steps)
    seen = f"last seen in {of or 'an earlier step'}"
    return Caption(f"{_WORDS[mode]}, {seen}", (seen, of))


def unseen(mode: str) -> Caption:
    """Behind a free run, of which other numbers were shown than are wanted now."""
    return Caption(f"{_WORDS[mode]} · of a free run there are none: step on (F10)", ("none of a free run",))


def _sample(fill: Fill, sample: int) -> str:
    return "" if fill.batch is None else f" · sample [{min(sample, fill.batch - 1)}] of {fill.batch}"


def _before(fill: Fill) -> str:
    """Of which pass the numbers are, where the network has not seen the newest batch."""
    if fill.ran is None or fill.done is None or (fill.ran >= fill.done and fill.handed):
        return " of the batch before" if fill.handed else ""
    return f" of {steps_in_words([fill.ran])}"


def _dimmed(fill: Fill, shown: Filled) -> str:
    """What the dimmed numbers are."""
    faint = [(id, part, wanted) for id, part, wanted in shown if wanted is not None and wanted.faint]
    if not faint:
        return ""
    if fill.mode == "forward":
        naming = Naming(fill)
        of = sorted({naming.origin(id, part, wanted) for id, part, wanted in faint if part == "values"})
        return f" · dimmed: {', '.join(of) if 0 < len(of) < 3 else 'earlier passes'}"
    # The gradients of the rest are still to come; so are the changes of weights, and outputs have none.
    weights = fill.mode == "update" and any(part == "weight" for _, part, _ in faint)
    return f" · dimmed: {'weights, ' * weights}activations"
