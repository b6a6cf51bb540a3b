"""Tab completion and the history of commands, where Python has readline."""

from __future__ import annotations

import glob
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.terminal.moving import LEVELS
from engine.cli.terminal.registry import COMMANDS
from engine.cli.terminal.shell import EXPECTED

if TYPE_CHECKING:
    from engine.cli.terminal.shell import Shell

#: Commands that the history keeps.
_MOST = 1000

_PATH = re.compile(r"[\w.]+$")


class Completer:
    """What Tab offers: commands, levels, names of tensors, modules and variables, files."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._found: list[str] = []

    def complete(self, text: str, state: int) -> str | None:
        """Readline's call: the ``state``-th way to complete the word ``text``."""
        if state == 0:
            import readline

            self._found = self.candidates(readline.get_line_buffer()[: readline.get_endidx()], text)
        return self._found[state] if state < len(self._found) else None

    def candidates(self, line: str, word: str) -> list[str]:
        """All ways to complete ``word``, the last one of ``line``."""
        before = line[: len(line) - len(word)].strip()
        if not before:
            found = [name for name in COMMANDS if name.isalpha() and len(name) > 1]
            return sorted({name for name in found if name.startswith(word)}) or self._names(word)
        entry = COMMANDS.get(before.split()[0])
        kind = entry.complete if entry is not None else "expression"
        if kind == "command":
            return sorted(name for name in COMMANDS if name.startswith(word))
        if kind == "level":
            return [level for level in LEVELS if level.startswith(word)]
        if kind == "file":
            words = ["op", "module", "forward", "backward", "update", "enter", "exit"]
            files = sorted(glob.glob(glob.escape(word) + "*.py"))
            return [known for known in words if known.startswith(word)] + files + self._names(word)
        return self._names(word) if kind else []

    def _names(self, word: str) -> list[str]:
        shell = self._shell
        if shell.session.current.state != "stopped":
            return []
        match = _PATH.search(word)
        start = match[0] if match else ""
        lead = word[: len(word) - len(start)]
        names = set(shell.tensor_names())
        for source in (self._tensors, lambda: self._variables(start)):
            with suppress(*EXPECTED):
                names.update(source())
        return sorted(lead + name for name in names if name.startswith(start))

    def _tensors(self) -> list[str]:
        found = []
        for module in self._shell.session.request("modules").get("modules", ()):
            found.append(module["path"])
            for parameter in module.get("parameters", ()):
                found += [parameter["name"], parameter["name"] + ".grad"]
        return found

    def _variables(self, start: str) -> list[str]:
        owner, dot, _ = start.rpartition(".")
        expression = f"sorted(dir({owner}))" if dot else "sorted({*globals(), *locals()})"
        answer: dict[str, Any] = self._shell.evaluate(f"' '.join({expression})")
        names = str(answer["result"]).strip("'\"").split()
        private = start.rpartition(".")[2].startswith("_")
        return [f"{owner}{dot}{name}" for name in names if private or not name.startswith("_")]


def install(shell: Shell) -> Path | None:
    """Switch completion and history on; the file that the history is to be saved to. None without readline."""
    try:
        import readline
    except ImportError:
        return None
    readline.set_completer(Completer(shell).complete)
    readline.set_completer_delims(" \t\n,(=")
    readline.parse_and_bind("bind ^I rl_complete" if "libedit" in (readline.__doc__ or "") else "tab: complete")
    readline.set_history_length(_MOST)
    path = history_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            readline.read_history_file(path)
    except OSError:
        return None
    return path


def save(path: Path | None) -> None:
    """Write the history; where that cannot be done it is forgotten."""
    if path is None:
        return
    import readline

    try:
        readline.write_history_file(path)
    except OSError as error:
        print(f"the history of commands was not saved: {error}")


def history_file() -> Path:
    """Where the history of commands lies."""
    import platformdirs

    return Path(platformdirs.user_state_dir("nablascope")) / "history"
