"""Diagnostics: an observer that watches a training run and names its faults in plain language.

    from engine import trace
    from engine.debug.diagnostics import Diagnostics
    trace.set_observer(Diagnostics(report=print))

Each family of checks has a file of its own; :mod:`engine.debug.diagnostics.registry` lists them.
"""

from engine.debug.diagnostics.finding import SEVERITIES, Finding, Place
from engine.debug.diagnostics.observer import Diagnostics
from engine.debug.diagnostics.registry import CHECKS, finding_ids

__all__ = ["CHECKS", "SEVERITIES", "Diagnostics", "Finding", "Place", "finding_ids"]
