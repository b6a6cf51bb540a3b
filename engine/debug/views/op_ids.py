"""Names of the ops of a forward pass that are the same in every pass: the module's path, the op, and which in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.nn.module import Module


def op_id(path: str, op: str, seen: dict[tuple[str, str], int]) -> str:
    """``"features.0/Convolution"``; the second such op of a pass ``"features.0/Convolution#2"``. Counts in ``seen``.

    Outside of modules (``path`` empty) it is the op alone: ``"CrossEntropy"``.
    """
    number = seen[path, op] = seen.get((path, op), 0) + 1
    name = f"{path}/{op}" if path else op
    return name if number == 1 else f"{name}#{number}"


class OpIds:
    """Names the ops of one pass as they run.

    Args:
        model: whose modules are called.
        paths: the path of a module; by default the one within ``model``, and the class for ``model`` itself, as of
            :class:`engine.debug.names.Names`.
    """

    def __init__(self, model: Module, paths: Callable[[Module], str] | None = None) -> None:
        self._paths = {
            module: paths(module) if paths is not None else path or type(model).__name__
            for path, module in model.named_modules()
        }
        self._seen: dict[tuple[str, str], int] = {}
        self._stack: list[str] = []

    @property
    def path(self) -> str:
        """The path of the innermost module at work."""
        return self._stack[-1] if self._stack else ""

    def enter(self, module: Any) -> None:
        """``module`` begins. One that is made on the way has the path of the module that calls it."""
        self._stack.append(self._paths.get(module, self.path))

    def leave(self, module: Any) -> str:
        """``module`` has ended: its path."""
        return self._stack.pop() if self._stack else self._paths.get(module, "")

    def next(self, op: str) -> str:
        """The id of the op that runs now."""
        return op_id(self.path, op, self._seen)
