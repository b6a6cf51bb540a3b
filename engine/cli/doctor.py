"""``nablascope doctor``: look at the installation, and say what to do about whatever is wrong."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: States of a finding: as it should be; works, but could be better; the engine cannot run; just told.
GOOD, ADVICE, BROKEN, TOLD = "ok", "!", "FAIL", "-"

_WIDTH = 100


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        state: GOOD, ADVICE, BROKEN or TOLD.
        subject: what was looked at.
        text: what was found.
        remedy: what to do about it; empty where nothing is to be done.
    """

    state: str
    subject: str
    text: str
    remedy: str = ""


def doctor() -> int:
    """Print a report on versions, processor, cache, CUDA, Qt and data; return 0 if the engine can run, else 1."""
    from engine.cli import examine

    broken = False
    for title, examination in examine.EXAMINATIONS:
        print(title)
        for finding in _guarded(title, examination):
            _show(finding)
            broken = broken or finding.state == BROKEN
    print("\nThe engine cannot run: see the lines marked FAIL." if broken else "\nThe engine can run.")
    return int(broken)


def _guarded(title: str, examination: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What an examination finds; one that fails itself becomes a finding, so that the others still run."""
    try:
        yield from examination()
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if title == "Engine":
            yield Finding(BROKEN, "engine", text, "pip install --force-reinstall nablascope")
        else:
            yield Finding(ADVICE, "not examined", text)


def _show(finding: Finding) -> None:
    head = f"  {finding.state:4} {finding.subject:14} "
    print(textwrap.fill(finding.text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head),
                        break_long_words=False, break_on_hyphens=False))
    if finding.remedy:
        # Not wrapped: it is often a command to be copied.
        print(" " * len(head) + "-> " + finding.remedy)
    sys.stdout.flush()


def usable_cores() -> int:
    """Cores that this process may run on (a container or taskset may allow fewer than there are)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
