"""Commands that ask "what if": changes that fork runs, and comparing runs."""

from __future__ import annotations

from typing import Any

from engine.cli.terminal.registry import CommandError, command
from engine.cli.terminal.shell import EXPECTED, Shell
from engine.cli.terminal.targets import literal, parse_target, split_assignment
from engine.cli.terminal.text import exact, number, sparkline
from engine.debug.session import Run, SessionError

_UNKNOWN = "no parameter or module is called"

_TENSORS = ("Tensor", "Parameter", "Buffer")

# Looks the parameter up by its name, or by variable and name, in every frame of the script from the innermost outwards.
_FREEZE = """
def __nablascope_freeze(wanted):
    import sys
    frame = sys._getframe(1)
    while frame is not None:
        for variable, value in list({{**frame.f_globals, **frame.f_locals}}.items()):
            if hasattr(value, "named_parameters") and not isinstance(value, type):
                found = [
                    parameter for name, parameter in value.named_parameters()
                    if (name + ".").startswith(wanted + ".") or (variable + "." + name + ".").startswith(wanted + ".")
                ]
                for parameter in found:
                    parameter.requires_grad_(False)
                    parameter.grad = None
                if found:
                    return
        frame = frame.f_back
    raise NameError("{unknown} " + repr(wanted))
__nablascope_freeze({name!r})
del __nablascope_freeze
"""


def _fork(shell: Shell, edits: list[dict[str, Any]], name: str | None, what: str) -> None:
    shell.require_stop()
    parent = shell.session.current
    run = shell.session.fork(edits, name or None)
    shell.say(f"{run.name}: as {parent.name} up to here, {what}")
    assert run.stop is not None
    shell.arrive(run.stop)


@command("fork", "[NAME]", group="what if")
def fork(shell: Shell, text: str) -> None:
    """A second run that is equal up to here and goes its own way from here, beside this one; it becomes the current one."""
    _fork(shell, [], text, "and changed by whatever you do now")


@command("set", "TARGET = VALUE | parameters NAME = VALUE", group="what if", complete="tensor")
def set_(shell: Shell, text: str) -> None:
    """Fork a run in which something is different from here on.

    TARGET: a weight (conv1.weight[0, 0, 1, 1]), an activation or a gradient of the current op (y[3, 2]), a label
    (labels[5]), or anything that Python can assign to (optimizer.param_groups[0]["lr"]).
    'set parameters learning_rate = 0.1' starts another run of the script with that parameter.
    """
    word, _, rest = text.partition(" ")
    if word in ("parameters", "parameter") and not rest.lstrip().startswith("="):
        _set_parameter(shell, rest)
        return
    sides = split_assignment(text)
    if sides is None:
        raise CommandError(f"set {text}: write 'set TARGET = VALUE'")
    shell.require_stop()
    target, value = sides
    edit = _tensor_edit(shell, target, value) or {"kind": "exec", "code": text}
    _fork(shell, [edit], None, f"then {target} = {value}")


def _set_parameter(shell: Shell, text: str) -> None:
    name, equals, value = text.partition("=")
    if not equals:
        name, _, value = text.strip().partition(" ")
    if not name.strip() or not value.strip():
        raise CommandError("set parameters: write 'set parameters NAME = VALUE'")
    setting = f"{name.strip()}={value.strip()}"
    stop = shell.session.restart([setting])
    shell.say(f"{shell.session.current.name}: begins anew with {setting}")
    shell.arrive(stop)


def _tensor_edit(shell: Shell, text: str, value_text: str) -> dict[str, Any] | None:
    """The change of one element, where the target is one and the value a number; None: leave it to Python."""
    target = parse_target(text, shell.tensor_names())
    value = literal(value_text)
    if target.index is None or not isinstance(value, (bool, int, float)):
        return None
    reference = shell.reference(target.name)
    if "expression" in reference:
        try:
            kind = shell.evaluate(target.name).get("type", "").rpartition(".")[2]
        except EXPECTED:
            kind = "Tensor"  # a parameter by its name is no expression of Python
        if kind not in _TENSORS:
            return None
        reference = {"expression": target.name}
    return {"kind": "tensor", "reference": reference, "index": target.index, "value": value}


@command("freeze", "NAME", group="what if", complete="tensor")
def freeze(shell: Shell, text: str) -> None:
    """Fork a run in which a parameter (fc.weight), or all of a module (conv1), is no longer trained.

    It gets requires_grad=False and no gradient; where backward has begun already, this takes effect with the next step.
    """
    if not text:
        raise CommandError("freeze what? Write a parameter or a module, such as conv1.weight or conv1")
    try:
        _fork(shell, [{"kind": "exec", "code": _FREEZE.format(name=text, unknown=_UNKNOWN)}], None, f"then {text} is frozen")
    except SessionError as error:
        if f"NameError: {_UNKNOWN}" in str(error):
            raise CommandError(f"freeze: {_UNKNOWN} {text!r} here") from None
        raise


@command("runs", "", group="what if")
def runs(shell: Shell, text: str) -> None:
    """All runs, the current one marked: where each stands, and what it was forked from."""
    for run in shell.session.runs:
        shell.say(f"{'->' if run is shell.session.current else '  '} {_run_line(run)}")


def _run_line(run: Run) -> str:
    parts = [f"{run.number}: {run.name}", run.state]
    if run.stop is not None and run.stop.get("step") is not None:
        parts.append(f"step {run.stop['step']}")
    if run.stop is not None and run.stop.position is not None:
        parts.append(f"position {'.'.join(map(str, run.stop.position))}")
    if run.parent is not None:
        parts.append(f"forked from {run.parent.name} at {'.'.join(map(str, run.forked_at or ()))}")
    if run.parameters:
        parts.append(" ".join(run.parameters))
    return ", ".join(parts)


@command("drop", "RUN", group="what if")
def drop(shell: Shell, text: str) -> None:
    """End a run other than the current one, and forget it."""
    shell.session.drop(text)


@command("compare", "[A B]", group="what if")
def compare(shell: Shell, text: str) -> None:
    """Where two runs first differ (op, tensor, element), and their losses on the same steps.

    Without A and B: the current run and the one that it was forked from, or the first other one.
    """
    a, b = _two_runs(shell, text)
    found = shell.session.compare(a, b)
    shell.say(f"steps in both: {found['common']}")
    for run in (a, b):
        losses = found["curves"][run.name]["losses"]
        shell.say(f"{run.name:<12} {sparkline(losses)}  last {number(losses[-1]) if losses else 'none'}")
    if found["step"] is None:
        shell.say("no loss differs on the steps that both have taken")
    else:
        one, other = map(exact, found["losses"])
        shell.say(f"the loss first differs at step {found['step']}: {one} and {other}")
    event = found["event"]
    if event is not None:
        shell.say(f"first difference: {event['description']} at position {'.'.join(map(str, event['position']))}")
    if found["tensor"] is not None and found["index"] is not None:
        values = " and ".join(exact(value) for value in found["values"])
        shell.say(f"  {found['tensor']}{found['index']}: {values}")
    elif found["tensor"] is not None:
        shell.say(f"  {found['tensor']}")
    if found["note"]:
        shell.say(found["note"])


def _two_runs(shell: Shell, text: str) -> tuple[Run, Run]:
    session = shell.session
    names = text.split()
    if len(names) == 2:
        return session.find(names[0]), session.find(names[1])
    if len(names) == 1:
        return session.find(names[0]), session.current
    if names or len(session.runs) < 2:
        raise CommandError("compare: there is one run only; 'fork' or 'set' makes another")
    current = session.current
    other = current.parent if current.parent in session.runs else None
    if other is None:
        other = next(run for run in session.runs if run is not current)
    return (other, current) if other.number < current.number else (current, other)
