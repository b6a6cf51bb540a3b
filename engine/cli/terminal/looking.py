"""Commands that look at the script: source, frames, variables, events."""

from __future__ import annotations

import ast
import os
from typing import Any

from engine.cli.terminal.registry import CommandError, command
from engine.cli.terminal.shell import Shell
from engine.cli.terminal.text import shape_text

_AROUND = 5


def _place(shell: Shell) -> tuple[str, int]:
    """File and line of the frame chosen."""
    stop = shell.require_stop()
    if shell.frame and shell.frames:
        frame = shell.frames[shell.frame]
        return frame["source"]["path"], frame["line"]
    element = stop.get("element")
    if element:
        return element["file"], element["line"]
    if stop.get("file"):
        return stop["file"], stop["line"]
    if shell.session.program is None:
        raise CommandError("no line of the script belongs to this stop")
    return shell.session.program, 1


def _list(shell: Shell, path: str, first: int, last: int, current: int) -> None:
    lines = shell.sources.lines(path)
    if not lines:
        raise CommandError(f"the source of {path} is not at hand")
    stops = {point.body["line"] for point in shell.points if point.kind == "line" and os.path.samefile(point.path, path)}
    for number in range(max(first, 1), min(last, len(lines)) + 1):
        mark = f"{'B' if number in stops else ' '}{'->' if number == current else '  '}"
        text = f"{number:>5} {mark} {lines[number - 1]}".rstrip()
        shell.say(shell.style(text, "bold") if number == current else text)
    shell.listed = min(last, len(lines))


@command("list l", "[FIRST[, LAST] | .]", group="script")
def list_(shell: Shell, text: str) -> None:
    """Lines of source around the current one, or on from those shown last; '.' goes back to the current one."""
    path, current = _place(shell)
    if text in ("", "."):
        first = shell.listed + 1 if shell.listed and not text else current - _AROUND
        _list(shell, path, first, first + 2 * _AROUND, current)
        return
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts) or len(parts) > 2:
        raise CommandError(f"list {text}: expected numbers of lines")
    first = int(parts[0])
    last = int(parts[1]) if len(parts) == 2 else first + 2 * _AROUND
    _list(shell, path, first, last if last >= first else first + last, current)


@command("longlist ll", "", group="script")
def longlist(shell: Shell, text: str) -> None:
    """The whole function, or the whole file, that the current line lies in."""
    path, current = _place(shell)
    lines = shell.sources.lines(path)
    first, last = _function(lines, current)
    _list(shell, path, first, last, current)


def _function(lines: list[str], current: int) -> tuple[int, int]:
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return 1, len(lines)
    found = (1, len(lines))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno <= current <= (node.end_lineno or 0):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if last_is_narrower(found, (first, node.end_lineno or first)):
                found = (first, node.end_lineno or first)
    return found


def last_is_narrower(known: tuple[int, int], new: tuple[int, int]) -> bool:
    """Whether the range ``new`` is shorter than ``known``."""
    return new[1] - new[0] < known[1] - known[0]


@command("where w bt", "", group="script")
def where(shell: Shell, text: str) -> None:
    """The functions of the script that are at work, the innermost last, and the position of the stop."""
    stop = shell.require_stop()
    for number in range(len(shell.frames) - 1, -1, -1):
        frame = shell.frames[number]
        path = (frame.get("source") or {}).get("path", "")
        mark = ">" if number == shell.frame else " "
        shell.say(f"{mark} {os.path.basename(path)}:{frame['line']} {frame['name']}")
        source = shell.sources.line(path, frame["line"]).strip()
        if source:
            shell.say(f"    {source}")
    shell.say(f"position {'.'.join(map(str, stop.position or ()))}" + ("" if stop.live else ", in the past"))


def _choose(shell: Shell, number: int) -> None:
    count = len(shell.frames)
    if not 0 <= number < count:
        end = "innermost" if number < 0 else "outermost"
        raise CommandError(f"{shell.frames[shell.frame]['name']} is the {end} frame" if count else "there is no frame")
    shell.frame, shell.listed = number, None
    frame = shell.frames[number]
    path = (frame.get("source") or {}).get("path", "")
    shell.say(f"> {os.path.basename(path)}:{frame['line']} {frame['name']}")
    source = shell.sources.line(path, frame["line"])
    if source:
        shell.say(f"{frame['line']:>7}  {source.rstrip()}")


@command("up u", "[N]", group="script")
def up(shell: Shell, text: str) -> None:
    """Look from the caller of this function (N functions up)."""
    _choose(shell, shell.frame + int(text or 1))


@command("down d", "[N]", group="script")
def down(shell: Shell, text: str) -> None:
    """Look from the function that this one called (N functions down)."""
    _choose(shell, shell.frame - int(text or 1))


@command("print p", "EXPRESSION", group="script", complete="expression")
def print_(shell: Shell, text: str) -> None:
    """The value of an expression in the current frame.

    Names that are no variables there may be arrays of the current op; 'tensor' always means these first.
    """
    shell.say(shell.evaluate(text)["result"])


@command("pp", "EXPRESSION", group="script", complete="expression")
def pp(shell: Shell, text: str) -> None:
    """The value of an expression, laid out over several lines."""
    answer = shell.evaluate(f"__import__('pprint').pformat(({text}), width=100)")["result"]
    try:
        shell.say(str(ast.literal_eval(answer)))
    except (ValueError, SyntaxError):
        shell.say(answer)


@command("whatis", "EXPRESSION", group="script", complete="expression")
def whatis(shell: Shell, text: str) -> None:
    """The type of an expression's value."""
    answer = shell.evaluate(text)
    shell.say(answer.get("type") or answer["result"])


@command("! exec", "STATEMENT", group="script", complete="expression")
def execute(shell: Shell, text: str) -> None:
    """Run a statement in the current frame, as does any line that is no command. It changes this run; see also 'set'."""
    answer = shell.evaluate(text, "repl")["result"]
    if answer not in ("", "None"):
        shell.say(answer)


@command("args a", "", group="script")
def args(shell: Shell, text: str) -> None:
    """The local variables of the current function (those of the script at its top level), arguments first."""
    shell.require_stop()
    number = shell.frame_id
    if number is None:
        raise CommandError("no function of the script is at work here")
    scope = shell.session.request("scopes", frameId=number)["scopes"][0]
    for variable in shell.session.request("variables", variablesReference=scope["variablesReference"])["variables"]:
        value = variable["value"].splitlines()
        more = " ..." if len(value) > 1 else ""
        shell.say(f"{variable['name']} = {value[0] if value else ''}{more}")


@command("display", "[EXPRESSION]", group="script", complete="expression")
def display(shell: Shell, text: str) -> None:
    """Show an expression's value at every stop; without one show all values again."""
    if text and text not in shell.displays:
        shell.evaluate(text)
        shell.displays.append(text)
    for expression in [text] if text else shell.displays:
        shell.say(f"display {expression}: {shell.evaluate(expression)['result']}")


@command("undisplay", "[EXPRESSION]", group="script")
def undisplay(shell: Shell, text: str) -> None:
    """Show an expression no longer; without one none."""
    if text and text not in shell.displays:
        raise CommandError(f"undisplay: {text} is not displayed")
    shell.displays[:] = [other for other in shell.displays if text and other != text]


@command("events", "[N]", group="script")
def events(shell: Shell, text: str) -> None:
    """The newest N recorded events (20 without N) up to here, each with its position for 'goto'."""
    count = int(text) if text.isdecimal() else 20
    here = shell.stop.get("seq")
    body = shell.session.request("events", count=10_000, kinds=None)
    shown = [event for event in body["events"] if here is None or event["seq"] <= here][-count:]
    for event in shown:
        shell.say(_event_line(event, event["seq"] == here))


def _event_line(event: dict[str, Any], current: bool) -> str:
    position = ".".join(map(str, event["position"]))
    arrays = ", ".join(f"{entry['name']} {shape_text(entry['shape'])}" for entry in (event.get("tensors") or ())[:6])
    mark = "->" if current else "  "
    return f"{mark} {position:<12} {event.get('description') or event['kind']}" + (f"  [{arrays}]" if arrays else "")
