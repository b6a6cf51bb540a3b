"""What a check reports: a fault, its evidence, its place, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: From the gravest on. An error makes the training wrong or useless, a warning probably harms it, a hint may.
SEVERITIES = ("error", "warning", "hint")


@dataclass(frozen=True)
class Place:
    """Where a fault shows.

    Attributes:
        op: name of the op, as the tape has it (``"Relu"``); ``""`` where no single op is to blame.
        module: dotted path of the module in its root module (``"features.0"``); ``""`` for the root and outside.
        parameter: dotted name of a parameter, or ``""``.
        file, line: the line of the user's script; ``""`` and 0 when there is none.
        step: optimizer steps ended before.
    """

    op: str = ""
    module: str = ""
    parameter: str = ""
    file: str = ""
    line: int = 0
    step: int = 0


@dataclass(frozen=True)
class Finding:
    """A fault of a training run.

    Attributes:
        id: the kind of fault (``"dead-relu"``).
        title: a few words.
        severity: one of :data:`SEVERITIES`.
        cause: what happens and why it harms, in one or two sentences.
        sentence: the evidence in words; ``evidence`` has its numbers by name.
        place: where.
        suggestion: what to do.
        what_if: statements that can be tried in a fork of the run, written with the names that most scripts use
            (``model``, ``optimizer``); None where no edit of the running program helps.
        begins: after how many optimizer steps the trial is best begun; None: where the run stands.
        source: where the threshold or the rule comes from; ``""`` where it is self-evident.
        badness: how bad it is, in the measure of its kind; a finding comes again only when this has doubled.
    """

    id: str
    title: str
    severity: str
    cause: str
    sentence: str
    suggestion: str
    place: Place = field(default_factory=Place)
    evidence: dict[str, Any] = field(default_factory=dict)
    what_if: str | None = None
    source: str = ""
    badness: float = 1.0
    begins: int | None = None

    @property
    def key(self) -> tuple:
        """Findings of equal keys are the same fault, seen at different steps."""
        place = self.place
        return self.id, place.file, place.line, place.module, place.op, place.parameter

    def to_json(self) -> dict[str, Any]:
        """The finding as dicts, lists, strings and numbers."""
        return {
            "id": self.id,
            "title": self.title,
            "severity": self.severity,
            "cause": self.cause,
            "sentence": self.sentence,
            "evidence": {name: _plain(value) for name, value in self.evidence.items()},
            "place": dict(vars(self.place)),
            "suggestion": self.suggestion,
            "what_if": self.what_if,
            "begins": self.begins,
            "source": self.source,
            "badness": float(self.badness),
        }

    def __str__(self) -> str:
        place = f"{self.place.file}:{self.place.line}: " if self.place.file else ""
        return f"{place}{self.severity}: {self.title}. {self.cause} {self.sentence} {self.suggestion}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return value.item() if hasattr(value, "item") else str(value)


def number(value: float) -> str:
    """A number for a sentence: three significant digits."""
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share for a sentence."""
    return f"{share:.0%}" if 0.01 <= share <= 0.99 or share in (0, 1) else f"{share:.2%}"
