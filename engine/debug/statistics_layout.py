"""Which tensors the statistics of one step are about: their names, and the tables that the kernel takes for them.

Steps of a training loop run the same ops on the same parameters, so that all of this is found once and used again
for every step whose ops follow each other in the same order.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.device import contiguous
from engine.function import Function
from engine.kernels.cpu import statistics as kernels
from engine.tensor import Tensor

#: Elementary operations an element, in the unit of engine.kernels.jit.PARALLEL_WORK.
_WORK = 0.3

_KINDS = {"Relu": kernels.UNITS, "Sigmoid": kernels.SIGMOID, "Tanh": kernels.TANH}
_ABSENT = {np.dtype(kind): np.empty((0,), kind) for kind in (np.float32, np.float64)}

#: Ops whose outputs have their units on the last axis; elsewhere it is the second.
_UNITS_LAST = ("Linear", "LayerNorm")

#: One op that has run: the function, its inputs, its outputs.
Call = tuple[Function, tuple[Tensor, ...], tuple[Tensor, ...]]

#: One op that has run backward: the function, the gradients of its outputs.
Backward = tuple[Function, list]


def flat(array: np.ndarray) -> np.ndarray:
    """``array`` with one dimension, as kernels take it: a view where it is contiguous, else a copy."""
    return array.ravel() if array.flags.carray else contiguous(array).ravel()


class Copies:
    """Parameters as they were after the last step, flat, one array for each dtype."""

    def __init__(self, parameters: list[Tensor]) -> None:
        self.parameters = parameters
        self.offsets: list[int] = []
        sizes = dict.fromkeys(_ABSENT, 0)
        for p in parameters:
            dtype = p._array.dtype
            self.offsets.append(sizes.get(dtype, -1))
            if dtype in sizes:
                sizes[dtype] += p._array.size
        self.arrays = {dtype: np.empty((size,), dtype) for dtype, size in sizes.items()}
        self.versions: list[int | None] = []

    def refresh(self) -> None:
        """Copy all parameters where one has changed since :meth:`note`."""
        if self.versions == self._now():
            return
        for p, offset in zip(self.parameters, self.offsets, strict=True):
            if offset >= 0:
                self.arrays[p._array.dtype][offset : offset + p._array.size] = p._array.reshape(-1)

    def note(self) -> None:
        """The copies are up to date now."""
        self.versions = self._now()

    def _now(self) -> list[int | None]:
        return [None if p._version is None else p._version[0] for p in self.parameters]


class _Chunk:
    """Up to ``kernels.ARRAYS`` tensors of one dtype: what one launch takes."""

    def __init__(self, dtype: np.dtype, members: list[int], first: int) -> None:
        self.dtype, self.members = dtype, members
        self.rows = slice(first, first + kernels.ARRAYS)
        self.missing = [_ABSENT[dtype]] * (kernels.ARRAYS - len(members))
        self.offsets = np.full((kernels.ARRAYS,), -1, np.int64)
        self.kinds = np.zeros((kernels.ARRAYS,), np.int64)
        self.units = np.ones((kernels.ARRAYS, 2), np.int64)
        self.work = 0.0


class _Units(NamedTuple):
    """Where the number of units of a ReLU's output stands; it is written when the shape of a sample changes."""

    table: np.ndarray
    member: int
    last: bool


class Layout:
    """The tensors of a step, in the order: activations, their gradients, parameters' gradients, parameters.

    Args:
        calls: recorded ops of the step, in their order.
        backwards: ops run backward, in their order.
        copies: the parameters that the optimizer updates, and their copies.
        name_of: the name of a parameter, such as ``"conv1.weight"``; empty for tensors that are none.
        path_of: the module path of an op, or an empty string; None where nobody knows.

    Attributes:
        names: for each row of the results the tensor's name; empty for rows not in use.
        row_of: the row of each name.
    """

    def __init__(
        self,
        calls: list[Call],
        backwards: list[Backward],
        copies: Copies,
        name_of: Callable[[Tensor], str],
        path_of: Callable[[Function], str] | None,
    ) -> None:
        self.forward = [call[0].__class__ for call in calls]
        self.backward = [run[0].__class__ for run in backwards]
        self.copies = copies
        parameters = [name_of(p) for p in copies.parameters]
        ops = _op_names(calls, name_of, path_of)
        self._activations = [
            (i, j)
            for i, call in enumerate(calls)
            for j, output in enumerate(call[2])
            if output._array.dtype in _ABSENT and not _repeats_input(call)
        ]
        number_of = {id(call[0]): i for i, call in enumerate(calls)}
        of_gradients = []
        self._gradients = []
        for i, (function, gradients) in enumerate(backwards):
            number = number_of.get(id(function), -1)
            for j, gradient in enumerate(gradients):
                if (number, j) in self._activations and gradient is not None:
                    self._gradients.append((i, j))
                    of_gradients.append(_output_name(ops[number], calls[number], j) + ".grad")
        names = [_output_name(ops[i], calls[i], j) for i, j in self._activations]
        names += of_gradients + [name + ".grad" for name in parameters] + parameters
        arrays = self._collect(calls, backwards)
        self._dtypes = [a.dtype for a in arrays]
        self._make_chunks(arrays, names)
        self._samples: list[tuple[int, ...] | None] = []
        self._units: list[_Units] = []
        self._make_kinds(calls)
        self.height = len(self.names)
        self.row_of = {name: row for row, name in enumerate(self.names) if name}

    def _make_chunks(self, arrays: list[np.ndarray], names: list[str]) -> None:
        self.names: list[str] = []
        self._chunks: list[_Chunk] = []
        without_copy = len(arrays) - len(self.copies.parameters)
        for dtype in _ABSENT:
            members = [i for i, a in enumerate(arrays) if a.dtype == dtype]
            for start in range(0, len(members), kernels.ARRAYS):
                chunk = _Chunk(dtype, members[start : start + kernels.ARRAYS], len(self.names))
                for place, member in enumerate(chunk.members):
                    chunk.work += arrays[member].size * _WORK
                    if member >= without_copy:
                        chunk.offsets[place] = self.copies.offsets[member - without_copy]
                self._chunks.append(chunk)
                self.names += [names[i] for i in chunk.members] + [""] * len(chunk.missing)

    def _make_kinds(self, calls: list[Call]) -> None:
        for chunk in self._chunks:
            for place, member in enumerate(chunk.members):
                if member >= len(self._activations):
                    continue
                function, inputs, _ = calls[self._activations[member][0]]
                chunk.kinds[place] = kind = _KINDS.get(function.name, kernels.NONE)
                if kind == kernels.UNITS:
                    maker = inputs[0]._function
                    last = maker is not None and maker.name in _UNITS_LAST
                    self._units.append(_Units(chunk.units[place], member, last))
                    self._samples.append(None)

    def fits(self, calls: list[Call], backwards: list[Backward], copies: Copies) -> bool:
        """Whether a step ran the same ops on the same parameters."""
        return (
            copies is self.copies
            and self.forward == [call[0].__class__ for call in calls]
            and self.backward == [run[0].__class__ for run in backwards]
        )

    def arrays(self, calls: list[Call], backwards: list[Backward]) -> list[np.ndarray] | None:
        """The step's arrays; None where they are others than those that the layout was made for."""
        try:
            arrays = self._collect(calls, backwards)
        except (AttributeError, IndexError):
            # A gradient is None that was there before, or an op has fewer outputs.
            return None
        return arrays if [a.dtype for a in arrays] == self._dtypes else None

    def _collect(self, calls: list[Call], backwards: list[Backward]) -> list[np.ndarray]:
        parameters = self.copies.parameters
        return (
            [calls[i][2][j]._array for i, j in self._activations]
            + [backwards[i][1][j] for i, j in self._gradients]
            + [p._grad._array for p in parameters]  # type: ignore[union-attr]
            + [p._array for p in parameters]
        )

    def reduce(self, arrays: list[np.ndarray]) -> np.ndarray:
        """The statistics, (height, len(FIELDS)) float64; the copies of the parameters are brought up to date."""
        for i, units in enumerate(self._units):
            shape = arrays[units.member].shape
            if shape[1:] != self._samples[i] or len(shape) < 2:
                self._samples[i] = shape[1:]
                axis = len(shape) - 1 if units.last or len(shape) < 2 else 1
                units.table[:] = (shape[axis], math.prod(shape[axis + 1 :])) if shape else (1, 1)
        rows = np.empty((self.height, len(kernels.FIELDS)))
        for chunk in self._chunks:
            kernels.summarize.sized(chunk.work)(
                rows[chunk.rows], self.copies.arrays[chunk.dtype], chunk.offsets, chunk.kinds, chunk.units,
                *[flat(arrays[i]) for i in chunk.members], *chunk.missing,
            )
        self.copies.note()
        return rows

    def histograms(self, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
        """The counts of each tensor in the bins of ``kernels.edges``, by name."""
        found = {}
        for chunk in self._chunks:
            for name, member in zip(self.names[chunk.rows], chunk.members, strict=False):
                counts = np.empty((2 * kernels.OCTAVES + 1,), np.int64)
                kernels.histogram(counts, flat(arrays[member]))
                found[name] = counts.astype(np.uint32)
        return found


def _repeats_input(call: Call) -> bool:
    """Whether an op's output shows exactly the elements of its input (reshape, transpose ...)."""
    function, inputs, outputs = call
    return function.is_view and len(outputs) == 1 and outputs[0]._array.size == inputs[0]._array.size


def _output_name(op: str, call: Call, number: int) -> str:
    if len(call[2]) == 1:
        return op
    returns = call[0].returns
    return f"{op}.{returns[number] if len(returns) == len(call[2]) else number}"


def _op_names(
    calls: list[Call], name_of: Callable[[Tensor], str], path_of: Callable[[Function], str] | None
) -> list[str]:
    """For each op the path of its module, with a number from the second op of that module on; else ``"relu#2"``."""
    names = []
    counts: Counter[str] = Counter()
    for function, inputs, _ in calls:
        path = path_of(function) if path_of is not None else _owner(inputs, name_of)
        name = path or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", function.name).lower()
        counts[name] += 1
        names.append(name if path and counts[name] == 1 else f"{name}#{counts[name]}")
    return names


def _owner(inputs: tuple[Tensor, ...], name_of: Callable[[Tensor], str]) -> str:
    """The path of the module whose parameter is among the inputs: ``"conv1"`` for ``"conv1.weight"``."""
    for t in inputs:
        if t._function is None and t._requires_grad:
            return name_of(t).rpartition(".")[0]
    return ""
