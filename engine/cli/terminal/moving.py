"""Commands that move: forwards, and back in time."""

from __future__ import annotations

import re
from typing import Any

from engine.cli.terminal.registry import CommandError, command
from engine.cli.terminal.shell import Shell
from engine.cli.terminal.targets import parse_target

#: Levels that a step can have, coarse to fine.
LEVELS = ("epoch", "batch", "line", "module", "op", "element")

#: Lines that 'until' without a line steps over at most.
_MOST_LINES = 100_000


def _count(text: str) -> int:
    if not text:
        return 1
    if not text.isdecimal() or int(text) < 1:
        raise CommandError(f"how many times? Expected a number from 1 on, got {text!r}")
    return int(text)


def _level_and_count(text: str, default: str) -> tuple[str, int]:
    level, times = default, ""
    for word in text.split():
        if word in LEVELS:
            level = word
        else:
            times = word
    return level, _count(times)


def steps(shell: Shell, request: str, times: int, **arguments: Any) -> None:
    """A step, several times, until something else stops the script."""
    for _ in range(times):
        shell.move(request, **arguments)
        if shell.stop.ended or shell.stop.reason not in ("step", "goto", "replay"):
            return


@command("next n", "[LEVEL] [N]", group="moving", complete="level")
def next_(shell: Shell, text: str) -> None:
    """Step over, N times: to the next line of this function, or to the next batch, module, op ...

    Without LEVEL the level is 'line', or what 'level' has set; inside of an element it is 'element'.
    """
    default = "element" if shell.stop.get("element") is not None else shell.level
    level, times = _level_and_count(text, default)
    steps(shell, "next", times, granularity=level)


@command("step s", "[N]", group="moving")
def step(shell: Shell, text: str) -> None:
    """Stop at the first thing that happens: the next line, in whatever function, or the next op."""
    level = "element" if shell.stop.get("element") is not None else "line"
    steps(shell, "stepIn", _count(text), granularity=level)


@command("into", "[TENSOR[INDEX]]", group="moving", complete="tensor")
def into(shell: Shell, text: str) -> None:
    """Step one level finer: from an epoch to its batches, a batch to its lines, a line to its ops, an op to an element.

    At an op, 'into y[0, 3]' steps through the computation of that element, line by line of its definition.
    """
    if not text:
        shell.move("stepIn")
        return
    target = parse_target(text, shell.tensor_names())
    if target.index is None:
        raise CommandError(f"into {text}: write the element as TENSOR[INDEX], such as y[0, 3]")
    shell.move("stepIn", tensor=target.name, index=target.index)


@command("return r out", "", group="moving")
def return_(shell: Shell, text: str) -> None:
    """Step out, one level coarser: to the caller of this function, from an op to the end of its module, and so on."""
    shell.move("stepOut")


@command("continue c cont", "", group="moving")
def continue_(shell: Shell, text: str) -> None:
    """Run to the next breakpoint or to the end. Ctrl+C pauses."""
    if shell.session.current.state == "running":
        shell.wait()
    else:
        shell.move("continue")


@command("until unt", "[LINE]", group="moving")
def until(shell: Shell, text: str) -> None:
    """Run to a line of the current file; without LINE, on until a line beyond this one, which leaves a loop."""
    if text:
        if not text.isdecimal():
            raise CommandError(f"until {text}: expected the number of a line")
        shell.move("runTo", line=int(text))
        return
    begun, file = shell.require_stop().get("line") or 0, shell.stop.get("file")
    for _ in range(_MOST_LINES):
        stop = shell.session.step("next", granularity="line")
        if stop.ended or stop.reason != "step" or stop.get("file") != file or (stop.get("line") or 0) > begun:
            shell.arrive(stop)
            return
    shell.arrive(stop)


@command("epoch", "[N]", group="moving")
def epoch(shell: Shell, text: str) -> None:
    """Run to the next pass over a DataLoader, N times."""
    steps(shell, "next", _count(text), granularity="epoch")


@command("batch", "[N]", group="moving")
def batch(shell: Shell, text: str) -> None:
    """Run to the next batch, N times; without a DataLoader to the end of the next optimizer step."""
    steps(shell, "next", _count(text), granularity="batch")


@command("line", "[N]", group="moving")
def line(shell: Shell, text: str) -> None:
    """Step over to the next line of this function, N times."""
    steps(shell, "next", _count(text), granularity="line")


@command("module", "[N]", group="moving")
def module(shell: Shell, text: str) -> None:
    """Run to the end of the next module's call (on the way back, to the next module), N times."""
    steps(shell, "next", _count(text), granularity="module")


@command("op", "[N]", group="moving")
def op(shell: Shell, text: str) -> None:
    """Run to the next op: forward, backward, or the update of a parameter; N times."""
    steps(shell, "next", _count(text), granularity="op")


@command("element", "[N]", group="moving")
def element(shell: Shell, text: str) -> None:
    """Step through the computation of one element of the current op, line by line of its definition; N lines."""
    steps(shell, "next", _count(text), granularity="element")


_UNTIL = re.compile(r"(?:until\s+)?(step|epoch|batch|line)\s+(\d+)$")


@command("run", "until step|epoch|batch|line N | until CONDITION | RUN", group="moving", complete="expression")
def run(shell: Shell, text: str) -> None:
    """Run to a place: the end of optimizer step N, the first batch of epoch N, batch N, line N, or until a condition holds.

    The condition is Python over the names of the script and of the stop: 'run until loss < 0.5'.
    'run 2' makes run 2 the current one.
    """
    place = _UNTIL.match(text)
    if place is not None:
        shell.move("runTo", **{place[1]: int(place[2])})
    elif text.startswith("until "):
        shell.move("runTo", condition=text.removeprefix("until ").strip())
    elif text:
        shell.session.switch(text)
        current = shell.session.current
        if current.stop is not None:
            shell.arrive(current.stop)
    else:
        raise CommandError("run what? 'run until step 10', 'run until loss < 0.5', 'run 2'; 'runs' lists the runs")


# ---- back ----


@command("back", "[LEVEL] [N]", group="going back", complete="level")
def back(shell: Shell, text: str) -> None:
    """Step back, N times: to the line, batch, op ... before; the level as with 'next'.

    What this process does not remember is replayed by a fresh one, which takes its place.
    """
    default = "element" if shell.stop.get("element") is not None else shell.level
    level, times = _level_and_count(text, default)
    steps(shell, "stepBack", times, granularity=level)


@command("rc", "", group="going back")
def reverse_continue(shell: Shell, text: str) -> None:
    """Run backwards to the previous place at which a breakpoint would have stopped."""
    shell.move("reverseContinue")


@command("goto", "POSITION", group="going back")
def goto(shell: Shell, text: str) -> None:
    """Go to a position, in the past or to come: 812, 812.3 or 812.3.1, as 'where' and 'events' show them."""
    parts = text.replace(",", ".").split(".")
    if not all(part.strip().isdecimal() for part in parts) or len(parts) > 3:
        raise CommandError(f"goto {text}: expected a position such as 812 or 812.3.1")
    position = [int(part) for part in parts]
    shell.require_stop()
    shell.travel([*position, 0, 0][:3])
