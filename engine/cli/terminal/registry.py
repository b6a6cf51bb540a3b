"""The table of commands: names, usage, help; the decorator that fills it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.cli.terminal.shell import Shell

Handler = Callable[["Shell", str], None]

#: Groups of commands, in the order of the help.
GROUPS = ("moving", "going back", "breakpoints", "script", "numbers", "what if", "session")


class CommandError(Exception):
    """A command that cannot be done; the message says why."""


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: in full; aliases: further names.
        usage: what may follow, as the help shows it.
        text: the help.
        complete: what its argument is, for Tab: ``"expression"``, ``"tensor"``, ``"file"``, ``"command"``, ``"level"``,
            or ``""``.
    """

    name: str
    aliases: tuple[str, ...]
    usage: str
    text: str
    group: str
    handler: Handler
    complete: str = ""

    @property
    def names(self) -> str:
        """All names: ``n(ext)`` where the short name begins the long one."""
        short = [alias for alias in self.aliases if self.name.startswith(alias)]
        others = [alias for alias in self.aliases if alias not in short]
        return ", ".join([f"{short[0]}({self.name[len(short[0]) :]})" if short else self.name, *others])

    @property
    def synopsis(self) -> str:
        """Names and usage."""
        return f"{self.names} {self.usage}".rstrip()

    @property
    def gist(self) -> str:
        """The beginning of the help, up to the first stop, colon or semicolon."""
        return re.split(r"(?<=\w)[.:;](?=\s|$)", self.text, maxsplit=1)[0].replace("\n", " ")


#: Every command by each of its names.
COMMANDS: dict[str, Command] = {}


def command(names: str, usage: str = "", *, group: str, complete: str = "") -> Callable[[Handler], Handler]:
    """Decorator: the function carries out a command; its docstring is the help.

    Args:
        names: ``"next n"``: the name, then its other names.
    """
    name, *aliases = names.split()

    def register(handler: Handler) -> Handler:
        text = inspect.getdoc(handler) or ""
        entry = Command(name, tuple(aliases), usage, text, group, handler, complete)
        for known in (name, *aliases):
            if known in COMMANDS:
                raise ValueError(f"the command {known!r} is there twice")
            COMMANDS[known] = entry
        return handler

    return register
