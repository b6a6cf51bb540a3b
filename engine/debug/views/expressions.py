"""Python that the user types at a stop: expressions, statements and assignments, with the names of a frame.

What is run here is not part of the run: no observer sees it, no op of it is recorded for backward (``with
torch.enable_grad()`` around it does), and random streams are afterwards where they were. What it changes stays changed.
"""

from __future__ import annotations

import ast
import ctypes
import inspect
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import CodeType, FrameType
from typing import Any

import numpy as np

from engine import trace
from engine.debug.evaluation import error_text, quiet
from engine.debug.server import RequestFailedError
from engine.tensor import Tensor

#: Characters of printed output that are kept.
MOST_OUTPUT = 1 << 16

_NAME = "<console>"

#: Called with an array before evaluated code changes it in place.
Overwriting = Callable[[np.ndarray], None]


class EvaluationError(RequestFailedError):
    """What was typed cannot be evaluated: type and text of the error, and what was printed before it."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__("failed", message, output=output)
        self.output = output


class _Guard(trace.Observer):
    """Announces changes of tensors, so that the history keeps what they were."""

    watches = frozenset({"update", "change"})

    def __init__(self, overwriting: Overwriting) -> None:
        self._overwriting = overwriting

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        changing = tensor._grad if kind == "gradient" else tensor
        if changing is not None:
            self._overwriting(changing._array)


class _Tail(io.TextIOBase):
    """Keeps the first ``MOST_OUTPUT`` characters that are written."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text[: max(0, MOST_OUTPUT - len(self.text))]
        return len(text)


@contextmanager
def aside(overwriting: Overwriting | None = None) -> Iterator[_Tail]:
    """A block that runs the user's code beside the run; what it prints is in ``.text``.

    Raises:
        EvaluationError: for whatever the block raises, also SystemExit and KeyboardInterrupt.
    """
    printed = _Tail()
    with quiet():
        if overwriting is not None:
            trace.set_observer(_Guard(overwriting))
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                yield printed
        except BaseException as error:
            raise EvaluationError(error_text(error), printed.text) from None


def evaluate(
    frame: FrameType | None,
    source: str,
    statements: bool = False,
    overwriting: Overwriting | None = None,
    extra: Mapping[str, Any] | None = None,
) -> tuple[Any, str]:
    """(value, printed output) of ``source`` with the names of ``frame``.

    Args:
        frame: None where there is none: then only the names in ``extra`` are known, and statements are not allowed.
        statements: also allow statements. The value is that of the last one where it is an expression, else
            :data:`NOTHING`. What they assign to is assigned in the frame; new names live as long as the frame. In a
            function, functions defined here see its names as they are now.
        extra: further names, for where the frame has none of that name.

    Raises:
        EvaluationError: syntax errors, and what the code raises.
    """
    more = dict(extra or {})
    if not statements or frame is None:
        code = _compiled(_parsed(source, "eval"), "eval")
        names = more if frame is None else {**more, **frame.f_globals, **frame.f_locals}
        with aside(overwriting) as printed:
            return eval(code, names), printed.text
    module = _parsed(source, "exec")
    shared = _declared_global(module)
    last = module.body.pop() if module.body and isinstance(module.body[-1], ast.Expr) else None
    body = _compiled(module, "exec")
    ending = _compiled(ast.Expression(last.value), "eval") if isinstance(last, ast.Expr) else None
    return _execute(frame, body, ending, shared, overwriting, more)


#: The value of statements.
NOTHING = type("Nothing", (), {"__repr__": lambda self: ""})()


def assign(frame: FrameType, target: str, source: str, overwriting: Overwriting | None = None) -> Any:
    """Evaluate ``source`` and assign it to ``target`` (a name, attribute or element); the target's new value.

    Raises:
        EvaluationError: either is no such thing, or what the code raises.
    """
    place, value = _parsed(target, "eval").body, _parsed(source, "eval").body
    if not isinstance(place, (ast.Name, ast.Attribute, ast.Subscript)):
        raise EvaluationError(f"cannot assign to {target.strip()!r}: it is no name, attribute or element")
    stored: Any = _parsed(target, "eval").body
    stored.ctx = ast.Store()
    statement = ast.Module([ast.Assign([stored], value)], [])
    ast.fix_missing_locations(statement)
    ending = _compiled(ast.fix_missing_locations(ast.Expression(place)), "eval")
    return _execute(frame, _compiled(statement, "exec"), ending, set(), overwriting, {})[0]


def _parsed(source: str, mode: str) -> Any:
    try:
        return ast.parse(source.strip() if mode == "eval" else source, _NAME, mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        detail = error.msg if isinstance(error, SyntaxError) else str(error)
        raise EvaluationError(f"{type(error).__name__}: {detail}: {source.strip()[:200]!r}") from None


def _compiled(tree: Any, mode: str) -> CodeType:
    try:
        return compile(tree, _NAME, mode, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise EvaluationError(error_text(error)) from None


def _declared_global(tree: ast.AST) -> set[str]:
    """The names in ``global`` statements, also of functions that are defined there."""
    return {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}


def _execute(
    frame: FrameType,
    body: CodeType,
    ending: CodeType | None,
    shared: set[str],
    overwriting: Overwriting | None,
    extra: dict[str, Any],
) -> tuple[Any, str]:
    """Run statements, then an expression; names in ``shared`` are the globals' also where ``frame`` is a function's."""
    in_function = frame.f_locals is not frame.f_globals
    # In one dict, so that functions and comprehensions in the code find the frame's variables too.
    names = {**extra, **frame.f_globals, **frame.f_locals} if in_function else frame.f_globals
    lent = {name: value for name, value in extra.items() if not in_function and name not in names}
    names.update(lent)
    before = dict(names)
    try:
        with aside(overwriting) as printed:
            exec(body, names)
            return (NOTHING if ending is None else eval(ending, names)), printed.text
    finally:
        # Also after an error: the statements before it have been carried out.
        if in_function:
            _write_back(frame, before, names, shared)
        for name, value in lent.items():
            if names.get(name, NOTHING) is value:
                del names[name]


def _write_back(frame: FrameType, before: dict[str, Any], after: dict[str, Any], shared: set[str]) -> None:
    """Make the frame's variables what they are in ``after``, where that differs from ``before``."""
    changed = {name: value for name, value in after.items() if before.get(name, NOTHING) is not value}
    changed.pop("__builtins__", None)
    target = frame.f_locals
    gone = [name for name in target if name not in after]
    for name, value in changed.items():
        (frame.f_globals if name in shared else target)[name] = value
    if sys.version_info >= (3, 13):
        # Since then f_locals writes through, and the variables of a function cannot be unbound from outside.
        for name in gone:
            target[name] = None
        return
    for name in gone:
        del target[name]
    if frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        # f_locals of a function is a copy of its variables: write it back. 1: unbind those that are gone.
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(1 if gone else 0))
