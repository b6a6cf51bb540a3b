"""What a comparison of two runs has found, in words."""

from __future__ import annotations

import re
from typing import Any

from gui.numbers import plural
from gui.steps import step_number


def quoted(name: str) -> str:
    """A run's name within a sentence: one that says what was edited looks like a part of it."""
    return name if re.fullmatch(r"run \d+", name) else f"“{name}”"


def compared_words(a: str, b: str, result: dict[str, Any]) -> str:
    """What a comparison of two runs has found, in a sentence or two."""
    a, b = quoted(a), quoted(b)
    if result.get("step") is None and result.get("event") is None:
        note = f" {result['note']}" if result.get("note") else ""
        steps = plural(common := result.get("common", 0), "step")
        return f"{a} and {b} do not differ in the {common} {steps} that both have done.{note}"
    words = []
    if result.get("event"):
        event, index = result["event"], result.get("index")
        where = f"{event.get('module') or ''} {event.get('name') or ''}".strip()
        at = f"[{', '.join(map(str, index))}]" if index else ""
        what = f"{event.get('kind', '')} {where}, {result.get('tensor')}{at}"
        values = " and ".join(f"{value:.6g}" for value in result.get("values") or ())
        words.append(f"{a} and {b} first differ in {what} (step {step_number(event):,}): {values}.")
    if result.get("losses"):
        first, second = result["losses"]
        words.append(f"The losses part at step {result['step'] + 1:,}: {first:.6g} and {second:.6g}.")
    return " ".join(words)
