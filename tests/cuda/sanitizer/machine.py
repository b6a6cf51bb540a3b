"""Runs one launch: every block, every thread, one after the other between barriers, and looks at all they do."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
import textwrap
from types import FunctionType, GeneratorType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numba.cuda.simulator import kernel as simulator
from numba.np.numpy_support import as_dtype

from tests.cuda.sanitizer.arrays import Local, Shared, Watched, garbage
from tests.cuda.sanitizer.faults import Fault, Faults, place, report
from tests.cuda.sanitizer.log import Log, Turn
from tests.cuda.sanitizer.memory import Global, Memory
from tests.cuda.sanitizer.steps import barrier_of, reaches_barrier, stepped

#: What CUDA allows: sides of a grid, sides of a block, threads of a block.
_LARGEST_GRID, _LARGEST_BLOCK, _MOST_THREADS = (2**31 - 1, 65535, 65535), (1024, 1024, 64), 1024


class Dim3(NamedTuple):
    x: int
    y: int
    z: int


#: Threads of a block of a kernel that would do with any number.
_FEW = 4


@functools.cache
def _divisible(function: FunctionType) -> bool:
    """Whether all that a kernel asks ``cuda`` for is its number in the grid: blocks of any size will do."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "cuda"}
    return "grid" in asked and asked <= {"grid", "jit", "atomic"}


def _dim3(sides: Any) -> Dim3:
    sides = tuple([int(side) for side in sides]) if isinstance(sides, (tuple, list)) else (int(sides),)
    return Dim3(*sides, *(1,) * (3 - len(sides)))


class Machine:
    """One launch. The attributes in lower camel case are what ``cuda`` has of that name in a kernel."""

    def __init__(self, kernel: Any, grid: Any, block: Any, memory: Memory, stream: int) -> None:
        self.function, self.memory, self.stream = kernel.py_func, memory, stream
        self.gridDim, self.blockDim = _dim3(grid), _dim3(block)
        self._check_sides()
        if _divisible(self.function) and self.blockDim.y == self.gridDim.y == 1:
            # Many small blocks find what one of hundreds of threads hides: a last block, of which few have work.
            count = self.gridDim.x * self.blockDim.x
            self.gridDim, self.blockDim = Dim3(count // _FEW + 1, 1, 1), Dim3(_FEW, 1, 1)
        self.found: dict[str, Fault] = {}
        self.log = Log()
        self.turns: list[Turn] = []
        self.turn = -1
        self.threadIdx = self.blockIdx = Dim3(0, 0, 0)
        self.atomic = SimpleNamespace(add=_atomic_add)
        self.local = SimpleNamespace(array=self._local)
        self._space = Global(self, memory)
        # Where engine.kernels.cuda.simulator looks for what cuda.shared is.
        self._shared_arrays = SimpleNamespace(array=self._shared)

    # ---- what kernels ask for ----

    def __getattr__(self, name: str) -> Any:
        # Warps, fences, atomics of other kinds: what they order would have to be taught to the log first.
        raise NotImplementedError(f"cuda.{name} in a kernel: the checker does not know what it orders")

    def grid(self, dimensions: int) -> Any:
        places = [b * n + t for b, n, t in zip(self.blockIdx, self.blockDim, self.threadIdx, strict=True)]
        return places[0] if dimensions == 1 else tuple(places[:dimensions])

    def gridsize(self, dimensions: int) -> Any:
        sizes = [n * m for n, m in zip(self.gridDim, self.blockDim, strict=True)]
        return sizes[0] if dimensions == 1 else tuple(sizes[:dimensions])

    def _shared(self, shape: Any, dtype: Any) -> Watched:
        return self._of_block.array(shape, as_dtype(dtype), sys._getframe(1))

    def _local(self, shape: Any, dtype: Any) -> Watched:
        return Watched(garbage(shape, as_dtype(dtype)), Local(self), f"the local array of line {sys._getframe(1).f_lineno}")

    # ---- running ----

    def fault(self, kind: str, text: str) -> None:
        """Note a fault; the launch goes on."""
        fault = Fault(kind, self.function.__name__, text)
        # Once for all threads.
        self.found.setdefault(str(fault), fault)

    def run(self, *arguments: Any) -> None:
        """The launch.

        Raises:
            Faults: everything that was found.
        """
        names = self.function.__code__.co_varnames
        watched = [
            self._space.watched(argument._ary, name) if hasattr(argument, "_ary") else argument
            for argument, name in zip(arguments, names, strict=False)
        ]
        stamp = self.memory.order.queued(self.stream, self.function.__name__)
        run_block = self._run_together if reaches_barrier(self.function) else self._run_alone
        with simulator._push_kernel_context(self):
            try:
                for z, y, x in itertools.product(*map(range, reversed(self.gridDim))):
                    self.blockIdx = Dim3(x, y, z)
                    self._of_block = Shared(self)
                    run_block(watched)
            except Faults as faults:
                self.found |= {str(fault): fault for fault in faults.found}
        for address, text in self.log.races(self.turns):
            self.fault("race", f"{self._space.names[address]}: one element is {text}")
        report([*self.found.values(), *self._space.used(stamp)])

    def _check_sides(self) -> None:
        for sides, most in ((self.gridDim, _LARGEST_GRID), (self.blockDim, _LARGEST_BLOCK)):
            if not all(0 < side <= limit for side, limit in zip(sides, most, strict=True)):
                report([Fault("launch", self.function.__name__, f"{sides} where CUDA allows {most}")])
        if np.prod(self.blockDim) > _MOST_THREADS:
            report([Fault("launch", self.function.__name__, f"{self.blockDim}: more than {_MOST_THREADS} threads")])

    def _threads(self) -> list[Dim3]:
        return [Dim3(x, y, z) for z, y, x in itertools.product(*map(range, reversed(self.blockDim)))]

    def _take_turn(self, thread: Dim3, interval: int) -> None:
        self.threadIdx = thread
        self.turn += 1
        self.turns.append(Turn(self.blockIdx, thread, interval))

    def _run_alone(self, arguments: list) -> None:
        """A block without barriers."""
        for thread in self._threads():
            self._take_turn(thread, 0)
            self.function(*arguments)

    def _run_together(self, arguments: list) -> None:
        """A block with barriers: all of its threads reach the same one, or all of them end."""
        step = stepped(self.function)
        threads = {thread: step(*arguments) for thread in self._threads()}
        for interval in itertools.count():
            waiting: dict[Dim3, GeneratorType] = {}
            for thread, own in threads.items():
                self._take_turn(thread, interval)
                if next(own, own) is None:
                    waiting[thread] = own
            self._check_barrier(threads, waiting)
            if not waiting:
                break
        for address, text in self._of_block.log.races(self.turns):
            self.fault("race", f"{self._of_block.name_of(address)} is {text}")

    def _check_barrier(self, threads: dict, waiting: dict[Dim3, GeneratorType]) -> None:
        at: dict[tuple, Dim3] = {}
        for thread, own in waiting.items():
            at.setdefault(barrier_of(own), thread)
        said = [f"thread {thread} waits at {' in '.join(place(*line) for line in lines)}" for lines, thread in at.items()]
        ended = [thread for thread in threads if thread not in waiting]
        if waiting and ended:
            said.append(f"thread {ended[0]} has ended")
        if len(said) > 1:
            text = f"block {self.blockIdx}: {', '.join(said)}"
            raise Faults([Fault("divergence", self.function.__name__, text)])


def _atomic_add(array: Watched, index: Any, value: Any) -> Any:
    return array.add(index, value, sys._getframe(1))
