"""What undo and redo mean where an edit begins another run: go back to the run that was edited, and to the edit again. The
run with the edit stays in the list. No Qt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Run = Mapping[str, Any]


def edited_run(runs: Sequence[Run]) -> Run | None:
    """The run that the current one was forked from, or begun beside with other parameters; None where there is none."""
    current = next((run for run in runs if run.get("current")), {})
    return next((run for run in runs if run["number"] == current.get("parent") and run is not current), None)


def run_of_edit(runs: Sequence[Run]) -> Run | None:
    """The newest run that began with an edit of the current one; None where there is none."""
    current = next((run for run in runs if run.get("current")), None)
    children = [run for run in runs if current is not None and run.get("parent") == current["number"]]
    return max(children, key=lambda run: run["number"], default=None)
