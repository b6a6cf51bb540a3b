"""Which arrays stand behind "gradient", "last update" and the differences of a tensor that was selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gui.panels.tensor_runs import KINDS, Ask, find
from gui.state import Selection

#: What can be shown of a tensor: key -> (text of the choice, what it means).
VIEWS = {
    "data": ("data", "The numbers of the tensor"),
    "gradient": ("gradient", "The derivative of the loss by each number of the tensor"),
    "update": ("last update", "What the optimizer's last step added to each number: new − old"),
    "difference": ("− last step", "Difference to the last step: this occurrence − the previous one (one batch earlier)"),
}

#: Before the number of a run: the difference to the same tensor of that run, in the same step.
RUN = "run:"

#: Events that are looked through for an earlier occurrence.
_MOST = 2000

#: Arrays of an event that it is about, the first of them that it has is shown.
_MAIN = ("w_new", "dw", "dx", "y", "dy")
_MAIN_FORWARD = ("y",)


@dataclass(frozen=True)
class Source:
    """What is to be fetched.

    Attributes:
        references: of the protocol: one; or two, of which the second is subtracted from the first.
        title: how the head calls it.
        problem: why there is nothing, else "".
        run: the run that the second reference is of, where that is not the current one.
    """

    references: tuple[dict[str, Any], ...] = ()
    title: str = ""
    problem: str = ""
    run: int | None = None

    def run_of(self, place: int) -> int | None:
        """The run to ask for a reference; None: the current one."""
        return self.run if place else None

    def shows(self, reference: dict[str, Any] | None) -> bool:
        """Whether that tensor of the current run is (part of) what is shown."""
        own = self.references[:1] if self.run is not None else self.references
        return reference is not None and reference in own


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
        return Subject(selection.reference or {}, selection.label or selection.expression, label)
    if selection.event is not None and selection.name is not None:
        own = next((t for t in tensors if t["name"] == selection.name), {}) if selection.event == stop.get("seq") else {}
        title = selection.label or own.get("label") or _title(selection.name, stop)
        label = own.get("label") or (title if selection.name in ("w", "b") and title.endswith(("weight", "bias")) else "")
        return Subject({"event": selection.event, "name": selection.name}, title, label)
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


def resolve(
    subject: Subject, view: str, upto: int | None, ask: Ask, then: Callable[[Source], object], run_names: Mapping[int, str]
) -> None:
    """Find what ``view`` (a key of :data:`VIEWS`, or :data:`RUN` and a number) of ``subject`` is; ``then`` gets it, now or
    later.

    Args:
        upto: number of the event where the cursor is: later ones are of the future.
        ask: asks the engine.
        run_names: by their numbers.
    """
    if view == "data" or (view == "gradient" and _is_gradient(subject)):
        then(Source((subject.reference,), subject.title))
    elif view == "gradient":
        _gradient(subject, upto, ask, then)
    elif view == "update":
        _update(subject, upto, ask, then)
    elif view.startswith(RUN):
        run = int(view.removeprefix(RUN))
        _other_run(subject, run, run_names[run], upto, ask, then)
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

    def found(event: int | None, name: str) -> None:
        if event is None:
            then(Source(problem=f"No earlier occurrence of {subject.title} is recorded."))
        else:
            _before(subject, {"event": event, "name": name}, upto, ask, then)

    _made(reference, ask, found)


def _made(reference: dict[str, Any], ask: Ask, then: Callable[[int | None, str], object]) -> None:
    """The event that computed what an expression means, where that is known, and its name there."""
    arguments = {"reference": reference, "maxShape": [1, 1]}
    ask("tensor", arguments, lambda body: then(body["event"], body["name"]))


def _other_run(
    subject: Subject, run: int, run_name: str, upto: int | None, ask: Ask, then: Callable[[Source], object]
) -> None:
    """The tensor minus that of another run in the same step: of the event that is the same one there."""
    title = f"{subject.title} − {run_name}"

    def with_event(seq: int | None, name: str) -> None:
        def with_events(events: list[dict[str, Any]]) -> None:
            own = next((event for event in events if event["seq"] == seq), None)
            own_name = name
            if own is None and "expression" in subject.reference:
                # Nothing has computed it yet, as with first weights: then an op has read it.
                label = subject.reference["expression"]
                own = next((e for e in events if any(t.get("label") == label for t in e["tensors"])), None)
                own_name = next((t["name"] for t in own["tensors"] if t.get("label") == label), name) if own else name
            if own is None:
                problem = f"{subject.title} is not of a recorded op of this run. Step over an op that reads or computes it."
                then(Source(problem=problem))
                return
            mine = {"event": own["seq"], "name": own_name}

            def found(event: Any) -> None:
                theirs, where = {"event": event["seq"], "name": own_name}, f"{title}, step {own['step'] + 1:,}"
                then(Source((mine, theirs), where, run=run))

            def missing(why: str) -> None:
                then(Source(problem=f"{subject.title} cannot be compared with {run_name}: {why}."))

            find(own, own_name, run, ask, found, missing)

        _events(ask, list(KINDS), upto, with_events)

    if "event" in subject.reference:
        with_event(subject.reference["event"], subject.reference["name"])
    else:
        _made(subject.reference, ask, with_event)


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
            then(Source(pair, f"{subject.title}: step {own['step'] + 1:,} − step {earlier['step'] + 1:,}"))  # type: ignore[index]

    _events(ask, ["forward", "backward", "update"], upto, found)
