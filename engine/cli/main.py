"""The arguments of ``nablascope`` and what each command does with them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

PROGRAM = "nablascope"

COMMANDS = ("open", "run", "debug", "attach", "doctor", "warmup")

_DESCRIPTION = """Train small neural networks with PyTorch's API on Numba kernels, and look into them.

Without a command the window opens, on a script if one is named:
  nablascope
  nablascope [--as-torch] [-p NAME=VALUE] samples/fashion_cnn.py [...]
Without a window, run a script, or step through it at the terminal:
  nablascope run samples/fashion_cnn.py
  nablascope debug samples/fashion_cnn.py
"""

_OPEN = """Open the window on a script, stopped at its first line. The word "open" may be left out.

-p and what follows FILE mean the same as with "run". Without FILE the window opens on its start page.
"""

_RUN = """Run a training script as "python FILE" does.

With -p, names of the cell tagged "parameters" are set anew right after that cell:
  # %% tags=["parameters"]
What follows FILE belongs to the script (sys.argv). Where the script has a parameters cell, -p may follow FILE
as well, up to a "--"; the other options stand before FILE.
"""

_DEBUG = """Step through a training script at the terminal: forwards, backwards, into the ops, down to the elements.

-p and what follows FILE mean the same as with "run". At the prompt, "help" lists the commands; they are pdb's where pdb
has them. With --commands, a file's lines are carried out instead, and the first that fails ends the session with
exit code 1.
"""

_ATTACH = """Debug a process that has called engine.debug.listen(), here or on another machine.

Its key comes from the environment variable NABLASCOPE_KEY, from --key-file, or is asked for.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command line ``arguments`` (``sys.argv[1:]`` when None) and return the exit code."""
    parser = _parser()
    words = _with_command(sys.argv[1:] if arguments is None else arguments)
    given = parser.parse_args(words)
    if "--as-torch" in getattr(given, "arguments", ()):
        _warn_of_options(words[words.index(given.file) + 1 :])
    if given.command == "open":
        from engine.cli.window import window_command

        return window_command(given.file, given.arguments, parameters=given.parameters, as_torch=given.as_torch)
    if given.command == "run":
        from engine.cli.run import run_command

        return run_command(
            given.file,
            given.arguments,
            parameters=given.parameters,
            as_torch=given.as_torch,
            threads=given.threads,
        )
    if given.command == "debug":
        from engine.cli.debug import debug_command

        return debug_command(
            given.file,
            given.arguments,
            parameters=given.parameters,
            as_torch=given.as_torch,
            threads=given.threads,
            commands=given.commands,
        )
    if given.command == "attach":
        if given.window:
            from engine.cli.window import attach_in_window

            return attach_in_window(given.address, key_file=given.key_file)
        from engine.cli.debug import attach_command

        return attach_command(given.address, key_file=given.key_file, commands=given.commands)
    if given.command == "doctor":
        from engine.cli.doctor import doctor

        return doctor()
    if given.command == "warmup":
        from engine.cli.warmup import warmup

        return warmup()
    parser.error(f"there is no command {given.command!r}")


def _warn_of_options(arguments: Sequence[str]) -> None:
    """Say so where ``--as-torch`` goes to the script because it follows FILE; after a "--" that is meant."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--as-torch" in own:
        print(f"{PROGRAM}: --as-torch follows FILE and so is an argument of the script; put it before FILE to run the "
              "script on this engine", file=sys.stderr)  # fmt: skip


def _with_command(arguments: Sequence[str]) -> list[str]:
    """The arguments with the command "open" in front where they are nothing, a file, or a script's options."""
    if not arguments:
        return ["open"]
    word = arguments[0]
    is_option = word in ("--as-torch", "--parameters") or (word.startswith(("-p", "--parameters=")))
    is_file = not word.startswith("-") and (word.endswith(".py") or "/" in word or os.sep in word or os.path.exists(word))
    return ["open", *arguments] if is_option or (is_file and word not in COMMANDS) else list(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    window = _command(commands, "open", "open the window, on a script if one is named", _OPEN)
    _script_arguments(window, required=False)
    run = _command(commands, "run", "run a script without a window", _RUN)
    _script_arguments(run)
    debug = _command(commands, "debug", "step through a script at the terminal", _DEBUG)
    debug.add_argument("--commands", metavar="FILE", help="carry out the commands of a file ('-': of standard input)")
    _script_arguments(debug)
    attach = _command(commands, "attach", "debug a process that listens for a debugger", _ATTACH)
    attach.add_argument("--window", action="store_true", help="in the window instead of at the terminal")
    attach.add_argument("--key-file", metavar="FILE", help="a file that holds the key")
    attach.add_argument("--commands", metavar="FILE", help="carry out the commands of a file ('-': of standard input)")
    attach.add_argument("address", metavar="HOST:PORT", help="where it listens")
    commands.add_parser("doctor", help="look at the installation and say what to do about what is wrong")
    commands.add_parser("warmup", help="compile the kernels that samples need, once")
    return parser


def _command(commands: Any, name: str, text: str, description: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=text, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _script_arguments(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """The script, its arguments and parameters, and how the engine runs it. Not ``required``: the window's."""
    parser.add_argument(
        "--as-torch",
        action="store_true",
        help="let 'import torch' and 'import torchvision' mean the engine in this script",
    )
    parser.add_argument(
        "-p",
        "--parameters",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a name of the script's parameters cell; can be given several times",
    )
    if required:
        parser.add_argument(
            "--threads", type=_positive, metavar="N", help="threads of the kernels (default: as many as there are cores)"
        )
    parser.add_argument("file", metavar="FILE", nargs=None if required else "?", help="the script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="arguments of the script")


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return number


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_arguments: object) -> None:
        import engine

        print(f"{PROGRAM} {engine.__version__}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
