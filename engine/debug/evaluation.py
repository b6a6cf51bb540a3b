"""What users type at breakpoints: expressions, log messages and hit counts, evaluated without disturbing the run."""

from __future__ import annotations

import ast
import builtins
import operator
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine import trace
from engine.random import get_all_states, set_all_states
from engine.tensor import grad_mode


@contextmanager
def quiet(calls: bool = True) -> Iterator[None]:
    """A block that the run does not notice.

    Inside, no observer is attached and no op is recorded. With ``calls`` also ``sys.settrace`` is off, and afterwards
    the engine's, Python's and NumPy's default random streams are where they were. That costs some 0.2 ms; an
    expression that calls nothing cannot draw numbers or run lines, and goes without.
    """
    observer, recording = trace.set_observer(None), grad_mode.enabled
    grad_mode.enabled = False
    try:
        if calls:
            with _kept_streams():
                yield
        else:
            yield
    finally:
        grad_mode.enabled = recording
        trace.set_observer(observer)


@contextmanager
def _kept_streams() -> Iterator[None]:
    tracer = sys.gettrace()
    sys.settrace(None)
    engine, python, numpy = get_all_states(), random.getstate(), np.random.get_state(legacy=False)
    try:
        yield
    finally:
        set_all_states(engine)
        random.setstate(python)
        np.random.set_state(numpy)
        sys.settrace(tracer)


def said(error: object) -> str:
    """What an exception says; one of the user's own classes may fail at that."""
    try:
        return str(error)
    except Exception as failure:
        return f"(its text cannot be had: {type(failure).__name__})"


def error_text(error: BaseException) -> str:
    """``"NameError: name 'lose' is not defined"``"""
    text = said(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class Expression:
    """A Python expression.

    Raises:
        ValueError: it is none; the message quotes it and says why.
    """

    def __init__(self, text: str, what: str = "condition") -> None:
        self.text = text.strip()
        try:
            tree = ast.parse(self.text, mode="eval")
            self._code = compile(tree, f"<{what}>", "eval", dont_inherit=True)
        except SyntaxError as error:
            raise ValueError(f"the {what} {self.text!r} is not a Python expression: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"the {what} is not a Python expression: {error_text(error)}") from None
        # An index may run the __getitem__ of a dataset that draws numbers.
        self._calls = any(isinstance(node, (ast.Call, ast.Subscript)) for node in ast.walk(tree))

    def value(self, names: Mapping[str, Any], finish: Callable[[Any], Any] = lambda value: value) -> Any:
        """``finish`` of the expression's value, with ``names`` known to it; raises what the expression raises."""
        scope = dict(names)
        scope.setdefault("__builtins__", builtins)
        with quiet(self._calls):
            return finish(eval(self._code, scope))

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether the value is true."""
        return self.value(names, bool)


class LogMessage:
    """Text with expressions in braces: ``"step {step}: loss is {loss.item():.4f}"``; ``{{`` is a brace.

    A format and a conversion (``!r``) may follow an expression as in f-strings.

    Raises:
        ValueError: a brace is not closed, or what stands in a pair is no expression.
    """

    def __init__(self, text: str) -> None:
        self._pieces: list[str | tuple[Expression, str, str]] = []
        at = 0
        while at < len(text):
            if text[at : at + 2] in ("{{", "}}"):
                self._pieces.append(text[at])
                at += 2
            elif text[at] == "{":
                end = _closing_brace(text, at)
                self._pieces.append(_replacement(text[at + 1 : end]))
                at = end + 1
            elif text[at] == "}":
                raise ValueError(f"the log message {text!r} has a '}}' without a '{{' at character {at}")
            else:
                end = min((i for i in (text.find("{", at), text.find("}", at)) if i >= 0), default=len(text))
                self._pieces.append(text[at:end])
                at = end

    def text(self, names: Callable[[], Mapping[str, Any]]) -> str:
        """The message; in the place of an expression that raises stands its error in angle brackets."""
        return "".join(piece if isinstance(piece, str) else _filled(piece, names) for piece in self._pieces)


def _closing_brace(text: str, start: int) -> int:
    depth, quote, at = 0, "", start
    while at < len(text):
        character = text[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "{[(":
            depth += 1
        elif character in "}])":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise ValueError(f"the log message {text!r} has a '{{' at character {start} that is not closed")


def _replacement(inside: str) -> tuple[Expression, str, str]:
    """Expression, conversion and format; the longest beginning that is an expression is the expression."""
    ends = [len(inside), *(i for i in range(len(inside) - 1, 0, -1) if inside[i] in ":!")]
    for end in ends:
        try:
            expression = Expression(inside[:end], "log message's expression")
        except ValueError:
            continue
        rest = re.fullmatch(r"(?:!([rsa]))?(?::(.*))?", inside[end:], re.DOTALL)
        if rest is not None:
            return expression, rest[1] or "", rest[2] or ""
    raise ValueError(f"{{{inside}}} in the log message is not a Python expression")


_CONVERSIONS = {"": lambda value: value, "r": repr, "s": str, "a": ascii}


def _filled(piece: tuple[Expression, str, str], names: Callable[[], Mapping[str, Any]]) -> str:
    expression, conversion, form = piece
    try:
        return expression.value(names(), lambda value: format(_CONVERSIONS[conversion](value), form))
    except (Exception, SystemExit) as error:
        return f"<{error_text(error)}>"


_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "": operator.eq,
    "=": operator.eq,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "%": lambda count, number: count % number == 0,
}


class HitCondition:
    """Which hits count: ``"5"`` the fifth, ``">= 3"`` from the third on, ``"% 10"`` every tenth; None: every one.

    Raises:
        ValueError: the text is nothing of the kind.
    """

    def __init__(self, text: str | None) -> None:
        parts = re.fullmatch(r"\s*(==|>=|<=|=|>|<|%|)\s*(\d{1,18})\s*", text) if text else None
        if text and (parts is None or (parts[1] == "%" and int(parts[2]) == 0)):
            raise ValueError(f"the hit condition {text!r} must be a count such as '5', '>= 3' or '% 10'")
        self._holds = None if parts is None else _COMPARISONS[parts[1]]
        self._number = 0 if parts is None else int(parts[2])

    @property
    def counts(self) -> bool:
        """Whether it matters which hit it is."""
        return self._holds is not None

    def holds(self, count: int) -> bool:
        """Whether hit number ``count`` (from 1) counts."""
        return self._holds is None or self._holds(count, self._number)
