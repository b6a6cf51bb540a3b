"""Stepping through the computation of one element: the element function line by line, forwards and backwards.

The function runs once, in plain Python and float64, on arrays that note what is read; every line is kept with the
locals that it changed. Looking at a step afterwards costs no computing.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from engine.debug.events import Event
from engine.debug.explain.formula import element
from engine.debug.explain.reading import ExplainError, question
from engine.debug.explain.recording_arrays import RecordingArray, plain
from engine.debug.explain.traced import rebuilt


class Step(NamedTuple):
    """A line about to run, or a function about to return.

    Attributes:
        frame: number of the call; depth: how deep it lies (the element function: 0); function: its name.
        line: in the file. changed: locals that differ from the call's step before. reads: how many were done before.
        ends, returned: whether the function returns here, and what.
    """

    frame: int
    depth: int
    function: str
    line: int
    changed: dict[str, Any]
    reads: int
    ends: bool = False
    returned: Any = None


class ElementSteps:
    """The steps in which element ``index`` of array ``name`` of ``event`` is computed.

    Args:
        index: in the tensor's own shape.
        limit: steps that are kept; what comes after them is computed, but not kept.

    Attributes:
        file: source file of the element function; source: (line number, text) of it and of the helpers it calls.
        steps: the steps; truncated: whether there were more.
        result: the value computed, in float64; actual: the kernel's.
        launch: of an element that a GPU computed the thread (:func:`engine.debug.explain.thread.launch_of`), else None.
        arrays: the arrays read: name -> (shape in which the function indexes them, shapes of the tensors by name).

    Raises:
        ExplainError: as :func:`engine.debug.explain.element.explain`.
    """

    def __init__(self, event: Event, name: str, index: Iterable[int], limit: int = 20_000) -> None:
        asked = question(event, name, index)
        function, used = rebuilt(asked.definition.function)
        self.op, self.name, self.index = event.name, asked.name, asked.index
        self.plain, self.actual = asked.formula()[1], asked.actual
        self.file = inspect.getsourcefile(asked.definition.function) or ""
        self.source = [line for one in sorted(used, key=_first_line) for line in _source(one)]
        self.launch = asked.launch
        self.arrays = {
            operand.name: (operand.shape, {part: array.shape for part, array in operand.parts})
            for operand in asked.operands
        }
        self._log: list = []
        arrays = [RecordingArray(operand, self._log) for operand in asked.operands]
        recorder = _Recorder({one.__code__ for one in used}, arrays, self._log, limit)
        self.result = _plain(recorder.run(lambda: asked.evaluate(function, arrays)))
        self.steps, self.truncated = recorder.steps, recorder.truncated
        self._accumulators = {one.__name__: _accumulators(one) for one in used}

    def __len__(self) -> int:
        return len(self.steps)

    def at(self, i: int) -> dict[str, Any]:
        """Step ``i`` (negative: from the end) as plain values.

        Returns:
            ``step``, ``steps``, ``truncated``; ``function``, ``line``, ``depth``, ``locals`` (before the line runs),
            ``accumulator`` and ``partial`` (name and value of the sum or product so far, or None), ``reads`` (how many
            were done before), ``new_reads`` (what this line reads itself: tensor, index in its own shape, value),
            ``ends`` and ``returned`` (whether the function returns here, and what), ``stack`` (the callers' functions
            and lines).

        Raises:
            IndexError: there is no such step.
        """
        steps = self.steps
        i = range(len(steps))[i]
        step = steps[i]
        values = self._locals(i)
        accumulator = next((name for name in self._accumulators[step.function] if name in values), None)
        return {
            "step": i, "steps": len(steps), "truncated": self.truncated,
            "function": step.function, "line": step.line, "depth": step.depth, "locals": values,
            "accumulator": accumulator, "partial": values.get(accumulator) if accumulator else None,
            "reads": step.reads, "new_reads": self._reads(i),
            "ends": step.ends, "returned": step.returned, "stack": self._stack(i),
        }

    def _locals(self, i: int) -> dict[str, Any]:
        """Its own variables before the arguments, which stay as they are from step to step."""
        first, *later = [step.changed for step in self.steps[: i + 1] if step.frame == self.steps[i].frame]
        values = {name: None for changed in later for name in changed if name not in first} | first
        for changed in later:
            values.update(changed)
        return values

    def _stack(self, i: int) -> list[dict[str, Any]]:
        """The calls that are under way at step ``i``, the outermost first."""
        lines: dict[int, Step] = {}
        for step in self.steps[: i + 1]:
            lines[step.depth] = step
        return [{"function": lines[depth].function, "line": lines[depth].line} for depth in range(self.steps[i].depth)]

    def _reads(self, i: int) -> list[dict[str, Any]]:
        """What the line of step ``i`` reads itself: until its function's next step, without what its callees read."""
        steps, depth = self.steps, self.steps[i].depth
        intervals, k = [], i
        while not steps[i].ends and k + 1 < len(steps):
            if k == i or (steps[k].ends and steps[k].depth == depth + 1):
                intervals.append((steps[k].reads, steps[k + 1].reads))
            k += 1
            if steps[k].depth <= depth:
                break
        found = []
        for start, stop in intervals:
            for operand, index, value in self._log[start:stop]:
                part, own = operand.place(index)
                name = operand.parts[part][0]
                found.append({"tensor": name, "index": list(own), "value": _plain(value), "text": element(name, own)})
        return found


class _Recorder:
    """Runs a function under ``sys.settrace`` and keeps the steps of the code given; then the tracing is as before."""

    def __init__(self, codes: set[types.CodeType], arrays: list[RecordingArray], log: list, limit: int) -> None:
        self.steps: list[Step] = []
        self.truncated = False
        self._codes, self._arrays, self._log, self._limit = codes, arrays, log, limit
        self._frames = 0
        self._calls: list[tuple[int, dict[str, Any]]] = []

    def run(self, compute: Callable[[], Any]) -> Any:
        previous = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return compute()
        finally:
            sys.settrace(previous)

    def _enter(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        if frame.f_code not in self._codes or self.truncated:
            return None
        self._calls.append((self._frames, {}))
        self._frames += 1
        return self._line

    def _line(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        if self.truncated:
            return None
        if event not in ("line", "return"):
            return self._line
        if len(self.steps) >= self._limit:
            self.truncated = True
            for array in self._arrays:
                array.log = None
            sys.settrace(None)
            return None
        number, before = self._calls[-1]
        changed = {}
        for name, value in frame.f_locals.items():
            if name not in before or before[name] is not value:
                before[name] = value
                changed[name] = _plain(value)
        ends, depth = event == "return", len(self._calls) - 1
        returned = _plain(argument) if ends else None
        self.steps.append(
            Step(number, depth, frame.f_code.co_name, frame.f_lineno, changed, len(self._log), ends, returned)
        )
        if ends:
            self._calls.pop()
        return self._line


def _plain(value: Any) -> Any:
    """A local as a plain value; an array as its name and shape."""
    if isinstance(value, RecordingArray):
        return {"array": value.operand.name, "shape": list(value.operand.shape)}
    return list(value) if isinstance(value, tuple) else plain(value)


def _first_line(function: types.FunctionType) -> int:
    return function.__code__.co_firstlineno


@lru_cache(maxsize=1024)
def _source(function: types.FunctionType) -> tuple[tuple[int, str], ...]:
    """The lines of ``function`` from ``def`` on; those of its decorator are left out."""
    try:
        lines, first = inspect.getsourcelines(function)
    except OSError as error:
        raise ExplainError(f"the source of {function.__name__} is not at hand: {error}") from error
    start = next(i for i, line in enumerate(lines) if line.lstrip().startswith("def "))
    return tuple((first + i, line.rstrip("\n")) for i, line in enumerate(lines) if i >= start)


@lru_cache(maxsize=1024)
def _accumulators(function: types.FunctionType) -> tuple[str, ...]:
    """Locals that have a value before a loop and are changed by it; first those that ``+=`` and its like change."""
    tree = ast.parse(textwrap.dedent("\n".join(text for _, text in _source(function))))
    looped = [node for loop in ast.walk(tree) if isinstance(loop, ast.For) for node in ast.walk(loop)]
    inside = set(map(id, looped))
    started = {name for node in ast.walk(tree) if id(node) not in inside for name in _targets(node, ast.Assign)}
    added = [name for node in ast.walk(tree) for name in _targets(node, ast.AugAssign)]
    assigned = [name for node in looped for name in _targets(node, ast.Assign)]
    return tuple(dict.fromkeys(name for name in added + assigned if name in started))


def _targets(node: ast.AST, kind: type) -> list[str]:
    if not isinstance(node, kind):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # pyright: ignore[reportAttributeAccessIssue]
    return [target.id for target in targets if isinstance(target, ast.Name)]
