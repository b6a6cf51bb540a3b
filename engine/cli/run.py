"""``nablascope run``: execute a script as ``python FILE`` does, with parameters and with the engine as torch."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Sequence
from typing import Any

from engine.cli.main import PROGRAM
from engine.debug.exit_status import note_exit
from engine.script.program import ScriptError, exit_code, main_module, prepare, show_error

#: Exit codes: the command line or the script cannot be used; the script was interrupted from the keyboard.
USAGE_ERROR = 2
INTERRUPTED = 130


def run_command(
    file: str,
    arguments: Sequence[str] = (),
    *,
    parameters: Sequence[str] = (),
    as_torch: bool = False,
    threads: int | None = None,
) -> int:
    """Run the script ``file`` and return its exit code.

    Args:
        file: path of the script.
        arguments: what the script finds in ``sys.argv[1:]``.
        parameters: texts ``NAME=VALUE`` for the cell tagged ``parameters``.
        as_torch: ``import torch`` and ``import torchvision`` mean the engine.
        threads: number of threads for the kernels.
    """
    try:
        code, arguments = prepare(file, arguments, parameters)
    except ScriptError as error:
        print(f"{PROGRAM} run: {error}", file=sys.stderr)
        return USAGE_ERROR
    if threads is not None:
        import engine

        engine.set_num_threads(threads)
    with contextlib.ExitStack() as stack:
        namespace = stack.enter_context(main_module(file, arguments))
        if as_torch:
            from engine.script.as_torch import as_torch as engine_as_torch

            stack.enter_context(engine_as_torch())
        return _execute(code, namespace)


def _execute(code: types.CodeType, namespace: dict[str, Any]) -> int:
    try:
        exec(code, namespace)
    except SystemExit as request:
        note_exit(request)
        return exit_code(request)
    except KeyboardInterrupt as interrupt:
        show_error(interrupt, code.co_filename)
        return INTERRUPTED
    except BaseException as error:
        show_error(error, code.co_filename)
        return 1
    return 0
