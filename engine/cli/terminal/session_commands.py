"""Commands about the session itself: help, levels, restarting, ending; and what scripted sessions check."""

from __future__ import annotations

import ast

from engine.cli.terminal.moving import LEVELS
from engine.cli.terminal.registry import COMMANDS, GROUPS, CommandError, command
from engine.cli.terminal.shell import Shell


@command("help h ?", "[COMMAND]", group="session", complete="command")
def help_(shell: Shell, text: str) -> None:
    """All commands, or one of them in full."""
    if text:
        entry = COMMANDS.get(text)
        if entry is None:
            raise CommandError(f"there is no command {text!r}; 'help' lists them")
        shell.say(entry.synopsis)
        shell.say_all(f"    {line}".rstrip() for line in entry.text.splitlines())
        return
    for group in GROUPS:
        shell.say(shell.style(group, "bold"))
        for entry in dict.fromkeys(COMMANDS.values()):
            if entry.group == group:
                shell.say(f"  {entry.names:<16} {entry.gist}")
    shell.say("'help COMMAND' says what may follow it, and more.")
    shell.say("An empty line repeats the last command; a line that is no command is run as Python.")
    shell.say("Ctrl+C pauses a script that runs, Ctrl+D quits.")


@command("level", "[LEVEL]", group="session", complete="level")
def level(shell: Shell, text: str) -> None:
    """What 'next' and 'back' mean: epoch, batch, line, module, op or element."""
    if text:
        if text not in LEVELS:
            raise CommandError(f"level {text}: expected one of {', '.join(LEVELS)}")
        shell.level = text
    shell.say(f"next and back move by {shell.level}")


@command("restart", "[-p NAME=VALUE ...]", group="session")
def restart(shell: Shell, text: str) -> None:
    """Begin anew from the same initial weights; with other parameters as another run."""
    settings = [word for word in text.split() if word not in ("-p", "--parameters")]
    wrong = [setting for setting in settings if "=" not in setting]
    if wrong:
        raise CommandError(f"restart: expected NAME=VALUE, got {wrong[0]!r}")
    shell.sources.forget()
    shell.arrive(shell.session.restart(settings or None))


@command("pause", "", group="session")
def pause(shell: Shell, text: str) -> None:
    """Stop a script that runs, where it is."""
    shell.session.pause()
    shell.wait()


@command("quit q exit", "", group="session")
def quit_(shell: Shell, text: str) -> None:
    """End the session, and every process that it has started."""
    shell.done = True


@command("assert", "EXPRESSION", group="session", complete="expression")
def assert_(shell: Shell, text: str) -> None:
    """Fail, and so end a scripted session, unless an expression is true in the current frame."""
    answer = shell.evaluate(f"bool({text})")["result"]
    if answer == "True":
        return
    shown = ""
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.Compare):
            sides = [ast.unparse(side) for side in (tree.left, *tree.comparators)]
            shown = ": " + ", ".join(f"{side} is {shell.evaluate(side)['result']}" for side in sides)
    except SyntaxError:
        shown = ""
    raise CommandError(f"assertion failed: {text}{shown}")


@command("expect", "TEXT", group="session")
def expect(shell: Shell, text: str) -> None:
    """Fail, and so end a scripted session, unless the last command has printed TEXT."""
    if text not in shell.said:
        raise CommandError(f"expected {text!r} in what the last command printed")


@command("echo", "TEXT", group="session")
def echo(shell: Shell, text: str) -> None:
    """Print a text."""
    shell.say(text)
