"""Findings of the diagnoses as panels show them: of each fault the newest. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_PLACE = ("file", "line", "module", "op", "parameter")


def fault_of(finding: dict[str, Any]) -> tuple:
    """What tells a fault from others: it is told again, with newer numbers and its newest step, as it goes on."""
    place = finding.get("place") or {}
    return (finding.get("id"), *(place.get(name) for name in _PLACE))


def newest(findings: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest finding of each fault, in the order in which the faults were found."""
    return list({fault_of(finding): finding for finding in findings}.values())
