"""The arguments of ``nablascope`` and what each command does with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

PROGRAM = "nablascope"

_DESCRIPTION = """Train small neural networks with PyTorch's API on Numba kernels, and look into them.

There is no window in this version; run a script without one:
  nablascope run samples/fashion_cnn.py
"""

_RUN = """Run a training script as "python FILE" does.

With -p, names of the cell tagged "parameters" are set anew right after that cell:
  # %% tags=["parameters"]
What follows FILE belongs to the script (sys.argv). Where the script has a parameters cell, -p may follow FILE
as well, up to a "--".
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command line ``arguments`` (``sys.argv[1:]`` when None) and return the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command == "run":
        from engine.cli.run import run_command

        return run_command(
            given.file,
            given.arguments,
            parameters=given.parameters,
            as_torch=given.as_torch,
            threads=given.threads,
        )
    if given.command == "doctor":
        from engine.cli.doctor import doctor

        return doctor()
    if given.command == "warmup":
        from engine.cli.warmup import warmup

        return warmup()
    parser.print_help()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run a script without a window",
        description=_RUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument(
        "--as-torch",
        action="store_true",
        help="let 'import torch' and 'import torchvision' mean the engine in this script",
    )
    run.add_argument(
        "-p",
        "--parameters",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a name of the script's parameters cell; can be given several times",
    )
    run.add_argument(
        "--threads", type=_positive, metavar="N", help="threads of the kernels (default: as many as there are cores)"
    )
    run.add_argument("file", metavar="FILE", help="the script")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="arguments of the script")
    commands.add_parser("doctor", help="look at the installation and say what to do about what is wrong")
    commands.add_parser("warmup", help="compile the kernels that samples need, once")
    return parser


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
