"""Which arrays stand behind "gradient", "last update" and "difference" of a tensor that was selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gui.state import Selection

#: What can be shown of a tensor: key -> (text of the choice, what it means).
VIEWS = {
    "data": ("data", "The numbers of the tensor"),
    "gradient": ("gradient", "The derivative of the loss by each number of the tensor"),
    "update": ("last update", "What the optimizer's last step added to each number: new − old"),
    "difference": ("difference", "This occurrence − the previous one (the same op, one batch earlier)"),
}

#: Events that are looked through for an earlier occurrence.
_MOST = 2000

#: Arrays of an event that it is about, the first of them that it has is shown.
_MAIN = ("w_new", "dw", "dx", "y", "dy")
_MAIN_FORWARD = ("y",)

Ask = Callable[[str, dict[str, Any], Callable[[dict[str, Any]], object]], None]


@dataclass(frozen=True)
class Source:
    """What is to be fetched.

    Attributes:
        references: of the protocol: one; or two, of which the second is subtracted from the first.
        title: how the head calls it.
        problem: why there is nothing, else "".
    """

    references: tuple[dict[str, Any], ...] = ()
    title: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Subject:
    """A tensor that was selected: ``reference`` of the protocol, and what it is called; ``label``: its parameter's name."""

    reference: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    label: str = ""


def subject_of(selection: Selection, stop: dict[str, Any]) -> Subject | None:
    """What is shown for a selection: itself, or what the stop's op is about; None where there is neither."""
    tensors = stop.get("tensors") or ()
    if selection.expression:
        known = any(selection.expression.removesuffix(".grad") == tensor.get("label") for tensor in tensors)
        parameter = known or selection.expression.removesuffix(".grad").endswith((".weight", ".bias"))
        label = selection.expression if parameter else ""
        return Subject({"expression": selection.expression}, selection.label or selection.expression, label)
    if selection.event is not None and selection.name is not None:
        own = next((t for t in tensors if t["name"] == selection.name), {}) if selection.event == stop.get("seq") else {}
        title = selection.label or own.get("label") or _title(selection.name, stop)
        return Subject({"event": selection.event, "name": selection.name}, title, own.get("label") or "")
    wanted = _MAIN_FORWARD if stop.get("direction") == "forward" else _MAIN
    names = [tensor["name"] for tensor in tensors]
    name = next((name for name in (*wanted, *names) if name in names), None)
    if name is None or stop.get("seq") is None:
        return None
    tensor = tensors[names.index(name)]
    label = tensor.get("label") or ""
    return Subject({"event": stop["seq"], "name": name}, label or _title(name, stop), label)


def _title(name: str, stop: dict[str, Any]) -> str:
    return f"{stop.get('module') or stop.get('op') or stop.get('name') or ''} {name}".strip()


def resolve(subject: Subject, view: str, upto: int | None, ask: Ask, then: Callable[[Source], object]) -> None:
    """Find what ``view`` (a key of :data:`VIEWS`) of ``subject`` is; ``then`` gets it, now or later.

    Args:
        upto: number of the event where the cursor is: later ones are of the future.
        ask: asks the engine: (command, arguments, then).
    """
    if view == "data" or (view == "gradient" and _is_gradient(subject)):
        then(Source((subject.reference,), subject.title))
    elif view == "gradient":
        _gradient(subject, upto, ask, then)
    elif view == "update":
        _update(subject, upto, ask, then)
    else:
        _difference(subject, upto, ask, then)


def _is_gradient(subject: Subject) -> bool:
    name = subject.reference.get("name") or ""
    gradient = name.startswith("d") and len(name) > 1 and name != "data"
    return gradient or name.startswith("grad") or subject.label.endswith(".grad")


def _events(
    ask: Ask, kinds: list[str], upto: int | None, then: Callable[[list[dict[str, Any]]], object]
) -> None:
    """The newest events of these kinds up to the cursor, newest first."""

    def answered(body: dict[str, Any]) -> None:
        events = [event for event in body["events"] if upto is None or event["seq"] <= upto]
        then(events[::-1])

    ask("events", {"kinds": kinds, "count": _MOST}, answered)


def _names(event: dict[str, Any]) -> set[str]:
    return {tensor["name"] for tensor in event["tensors"]}


def _same_op(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a["name"] == b["name"] and a["module"] == b["module"]


def _gradient(subject: Subject, upto: int | None, ask: Ask, then: Callable[[Source], object]) -> None:
    title = f"gradient of {subject.title}"
    if subject.label:
        then(Source(({"expression": f"{subject.label}.grad"},), title))
        return
    name = subject.reference.get("name")
    if name is None:
        then(Source(({"expression": f"{subject.reference['expression']}.grad"},), title))
        return

    def found(events: list[dict[str, Any]]) -> None:
        own = next((event for event in events if event["seq"] == subject.reference["event"]), None)
        gradient = f"d{name}"
        if own is None:
            then(Source(problem=f"The op of {subject.title} is not in the history any more."))
            return
        backwards = (e for e in events if e["kind"] == "backward" and _same_op(e, own) and gradient in _names(e))
        at = next((e for e in backwards if e["step"] == own["step"]), None)
        if at is None:
            problem = f"The gradient of {subject.title} is not computed yet. Step on to the backward of {own['name']}."
            then(Source(problem=problem))
        else:
            then(Source(({"event": at["seq"], "name": gradient},), title))

    _events(ask, ["forward", "backward"], upto, found)


def _update(subject: Subject, upto: int | None, ask: Ask, then: Callable[[Source], object]) -> None:
    label = (subject.label or subject.reference.get("expression") or "").removesuffix(".grad")

    def found(events: list[dict[str, Any]]) -> None:
        at = next((e for e in events if any(t.get("label") == label for t in e["tensors"])), None)
        if at is None:
            problem = f"No update of {subject.title} is recorded yet. Only parameters are updated, by optimizer.step()."
            then(Source(problem=problem))
        else:
            pair = ({"event": at["seq"], "name": "w_new"}, {"event": at["seq"], "name": "w"})
            then(Source(pair, f"last update of {label}"))

    _events(ask, ["update"], upto, found)


def _difference(subject: Subject, upto: int | None, ask: Ask, then: Callable[[Source], object]) -> None:
    reference = subject.reference
    if "event" in reference:
        _before(subject, reference, upto, ask, then)
        return

    # What an expression means was computed by an event, where that is known.
    def answered(body: dict[str, Any]) -> None:
        if body["event"] is None:
            then(Source(problem=f"No earlier occurrence of {subject.title} is recorded."))
        else:
            _before(subject, {"event": body["event"], "name": body["name"]}, upto, ask, then)

    ask("tensor", {"reference": reference, "maxShape": [1, 1]}, answered)


def _before(
    subject: Subject, reference: dict[str, Any], upto: int | None, ask: Ask, then: Callable[[Source], object]
) -> None:
    seq, name = reference["event"], reference["name"]

    def found(events: list[dict[str, Any]]) -> None:
        own = next((event for event in events if event["seq"] == seq), None)
        labels = {t.get("label") for t in own["tensors"] if t["name"] == name} if own else set()
        earlier = next(
            (
                e for e in events
                if own is not None and e["seq"] < seq and e["kind"] == own["kind"] and _same_op(e, own)
                and any(t["name"] == name and t.get("label") in labels for t in e["tensors"])
            ),
            None,
        )  # fmt: skip
        if earlier is None:
            then(Source(problem=f"No earlier occurrence of {subject.title} is in the history. Step on by one batch."))
        else:
            pair = ({"event": seq, "name": name}, {"event": earlier["seq"], "name": name})
            then(Source(pair, f"{subject.title}: step {own['step']} − step {earlier['step']}"))  # type: ignore[index]

    _events(ask, ["forward", "backward", "update"], upto, found)
