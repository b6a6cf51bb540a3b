"""Commands for breakpoints and watchpoints."""

from __future__ import annotations

import re
from typing import Any

from engine.cli.terminal.points import Point
from engine.cli.terminal.registry import CommandError, command
from engine.cli.terminal.shell import Shell
from engine.cli.terminal.targets import literal, parse_target, split_condition
from engine.debug.protocol import EXCEPTION_FILTERS
from engine.plural import plural

_DIRECTIONS = ("forward", "backward", "update")


def _place(shell: Shell, text: str) -> tuple[str, dict[str, Any], str]:
    """Kind, body and path of what stands after ``break``."""
    words = text.split()
    if words[0] == "op":
        return "op", _op_body(words[1:]), ""
    if words[0] == "module":
        when = words[-1] if words[-1] in ("enter", "exit") else "enter"
        names = [word for word in words[1:] if word not in ("enter", "exit")]
        if len(names) != 1:
            raise CommandError("break module: write a module's path or pattern, such as 'conv1' or 'features.*'")
        return "module", {"module": names[0], "when": when}, ""
    if words[0] in _DIRECTIONS:
        return "op", {"direction": words[0]}, ""
    return _line_place(shell, text)


def _op_body(words: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word in _DIRECTIONS:
            body["direction"] = word
        elif word == "in" and waiting:
            body["module"] = waiting.pop(0)
        elif "op" not in body:
            body["op"] = word
        else:
            raise CommandError(f"break op: {word!r} is one word too many; write 'op Conv2d backward in features.*'")
    return body


def _line_place(shell: Shell, text: str) -> tuple[str, dict[str, Any], str]:
    current = shell.stop.get("file") or shell.session.program
    name, colon, line = text.rpartition(":")
    path = shell.sources.resolve(name, current) if colon else current
    if line.isdecimal() and path:
        return "line", {"line": int(line)}, path
    function = re.fullmatch(r"[\w.]+", text)
    if function is not None and current:
        pattern = re.compile(rf"\s*(async\s+)?(def|class)\s+{re.escape(text.rpartition('.')[2])}\b")
        for number, source in enumerate(shell.sources.lines(current), 1):
            if pattern.match(source):
                return "line", {"line": number + 1}, current
    raise CommandError(
        f"break {text}: expected LINE, FILE:LINE, a function of this file, 'op NAME [forward|backward|update]' or "
        f"'module PATH [exit]'"
    )


def _break(shell: Shell, text: str, **more: Any) -> None:
    log = None
    if " log " in text:
        text, _, log = text.partition(" log ")
    place, condition = split_condition(text)
    if condition is None and " if " in place:
        place, _, condition = place.partition(" if ")
    kind, body, path = _place(shell, place.strip())
    point = shell.points.add(kind, body, path=path, condition=condition, log=log, **more)
    _tell(shell, point)


def _tell(shell: Shell, point: Point) -> None:
    shell.say(f"{point.number}: {point}" + (f" (cannot be hit: {point.message})" if point.message else ""))


@command("break b", "[PLACE][, CONDITION] [log TEXT]", group="breakpoints", complete="file")
def break_(shell: Shell, text: str) -> None:
    """Set a breakpoint; without PLACE list them all.

    PLACE: LINE, FILE:LINE, a function of the current file; 'op Conv2d [forward|backward|update] [in MODULE]';
    'module conv1 [exit]'. Ops and modules may be patterns: 'op Conv*', 'module features.*'.
    With 'log TEXT' it prints TEXT, with {expressions} filled in, and does not stop.
    """
    if text:
        _break(shell, text)
    elif not len(shell.points):
        shell.say("no breakpoints")
    for point in () if text else shell.points:
        notes = [note for note, there in (("disabled", not point.enabled), ("once", point.temporary)) if there]
        notes += [f"hit {point.hits} {plural(point.hits, 'time')}"] if point.hits else []
        notes += [f"cannot be hit: {point.message}"] if point.message else []
        shell.say(f"{point.number}: {point}" + (f" ({', '.join(notes)})" if notes else ""))


@command("tbreak", "PLACE[, CONDITION]", group="breakpoints", complete="file")
def tbreak(shell: Shell, text: str) -> None:
    """A breakpoint that is removed when it is first hit."""
    if not text:
        raise CommandError("tbreak: where? See 'help break'")
    _break(shell, text, temporary=True)


def _points(shell: Shell, text: str) -> list[Point]:
    numbers = text.replace(",", " ").split()
    return [shell.points.get(number) for number in numbers] if numbers else list(shell.points)


@command("clear cl unwatch", "[N ...]", group="breakpoints")
def clear(shell: Shell, text: str) -> None:
    """Remove breakpoints and watchpoints by number; without a number all."""
    gone = _points(shell, text)
    shell.points.remove(gone)
    for point in gone:
        shell.say(f"removed {point.number}: {point}")


@command("enable", "[N ...]", group="breakpoints")
def enable(shell: Shell, text: str) -> None:
    """Set breakpoints again that were disabled."""
    for point in _points(shell, text):
        shell.points.change(point, enabled=True)
        _tell(shell, point)


@command("disable", "[N ...]", group="breakpoints")
def disable(shell: Shell, text: str) -> None:
    """Keep breakpoints, but do not stop at them."""
    for point in _points(shell, text):
        shell.points.change(point, enabled=False)
        shell.say(f"{point.number}: {point} (disabled)")


@command("condition", "N [CONDITION]", group="breakpoints", complete="expression")
def condition(shell: Shell, text: str) -> None:
    """Let a breakpoint stop only where a condition holds; without CONDITION always."""
    number, _, expression = text.partition(" ")
    point = shell.points.get(number)
    shell.points.change(point, condition=expression.strip() or None)
    _tell(shell, point)


@command("ignore", "N [COUNT]", group="breakpoints")
def ignore(shell: Shell, text: str) -> None:
    """Let the next COUNT hits of a breakpoint pass (none without COUNT)."""
    number, _, count = text.partition(" ")
    if count and not count.strip().isdecimal():
        raise CommandError(f"ignore: expected how many hits, got {count.strip()!r}")
    point = shell.points.get(number)
    shell.points.change(point, ignore=int(count or 0))
    _tell(shell, point)


@command("catch", "[raised | uncaught] [off]", group="breakpoints")
def catch(shell: Shell, text: str) -> None:
    """Stop at exceptions: every one raised in your files, or those that end the script (on at first).

    With 'off' not any more; without a word it says which stop the script. For NaN and infinity: 'watch nan-inf'.
    """
    words = text.split()
    if words and (words[0] not in EXCEPTION_FILTERS or words[1:] not in ([], ["off"])):
        filters = " or ".join(map(repr, EXCEPTION_FILTERS))
        raise CommandError(f"catch {text}: expected {filters}, and 'off' or nothing after it")
    if words:
        shell.points.catch(words[0], len(words) == 1)
    for filter, on in shell.points.exceptions.items():
        shell.say(f"{filter} exceptions: {'the script stops' if on else 'off'}")


@command("watch", "[KIND [TENSOR[INDEX]] [THRESHOLD]][, CONDITION]", group="breakpoints", complete="tensor")
def watch(shell: Shell, text: str) -> None:
    """Stop at the op that makes a number what is waited for; without KIND list the watchpoints.

    KIND: nan-inf, nan, inf; max-above, max-below, and the like for min, mean, std, range; gradient-norm-above, -below;
    update-ratio-above, -below; dead-units-above; saturation-above; loss-rise; weight-crosses. TENSOR is a name or a pattern:
      watch nan-inf
      watch max-above conv1.weight 3
      watch weight-crosses fc.weight[0, 3] 0.5
    """
    if not text:
        found = [point for point in shell.points if point.kind == "watch"]
        shell.say_all([f"{point.number}: {point}" for point in found] or ["no watchpoints"])
        return
    match = re.fullmatch(r"(?P<kind>[\w-]+)\s*(?P<rest>.*?)(?:,\s*(?P<condition>[^\[\]]*))?", text)
    if match is None:
        raise CommandError(f"watch {text}: see 'help watch'")
    body: dict[str, Any] = {"kind": match["kind"]}
    rest = match["rest"].strip()
    head, _, last = rest.rpartition(" ")
    threshold = literal(last)
    if isinstance(threshold, (int, float)) and not isinstance(threshold, bool):
        body["threshold"], rest = threshold, head.strip()
    if rest:
        target = parse_target(rest)
        body["tensor"] = target.name
        if target.index is not None:
            body["index"] = target.index
    point = shell.points.add("watch", body, condition=match["condition"])
    _tell(shell, point)
