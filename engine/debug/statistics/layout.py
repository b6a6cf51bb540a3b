"""Which tensors the statistics of a step are about: their names, and the tables that the kernel takes for them.

Steps of a training loop run the same ops on the same parameters. So all of this is found once, and used again for
every step whose ops follow each other in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import attrgetter, is_, itemgetter
from typing import Any, NamedTuple

import numpy as np

from engine.debug.memory import ARRAYS
from engine.debug.statistics.names import gradient_names, op_names, output_names
from engine.device import contiguous, empty
from engine.device.cuda_array import CudaArray
from engine.function import Function
from engine.kernels.cpu import statistics as kernels
from engine.tensor import Tensor

#: Elementary operations an element, in the unit of engine.kernels.jit.PARALLEL_WORK.
WORK = 0.15

_KINDS = {"Relu": kernels.UNITS, "Sigmoid": kernels.SIGMOID, "Tanh": kernels.TANH}
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
_ABSENT = {dtype: np.empty((0,), dtype) for dtype in _DTYPES}


def _kind(array: Any) -> tuple[np.dtype, type]:
    """What all arrays of one launch have in common: dtype, and NumPy's or a GPU's class of arrays."""
    return array.dtype, CudaArray if type(array) is CudaArray else np.ndarray


#: Every kind that there are statistics of.
_ALL_KINDS = [(dtype, place) for place in ARRAYS for dtype in _DTYPES]

#: For each kind, in place of old values of parameters: an array without elements; of a GPU's none is made before it is used.
_NONE_KEPT = [_ABSENT[dtype] if place is np.ndarray else None for dtype, place in _ALL_KINDS]

#: Ops whose outputs have their units on the last axis; elsewhere it is the second.
_UNITS_LAST = ("Linear", "LayerNorm")

_array_of = attrgetter("_array")
_gradient_of = attrgetter("_grad._array")
_flat = np.ndarray.ravel


class Collected(NamedTuple):
    """What a step ran: ops in their order, all their outputs; ops run backward, all gradients that arrived at them."""

    functions: list[Function]
    outputs: list[Tensor]
    backwards: list[Function]
    gradients: list[np.ndarray | None]


def flat(array: np.ndarray) -> np.ndarray:
    """``array`` with one dimension, as kernels take it: a view where it can be, else a copy."""
    return array.ravel() if array.flags.carray else contiguous(array).ravel()


class Parameters:
    """The parameters that one optimizer updates, and room for their values before the update.

    Attributes:
        tensors: those that have a gradient.
        kept: whether ``before`` holds values.
    """

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self._all = [p for group in groups for p in group["params"]]
        self.renew()

    def renew(self) -> None:
        """Find anew which parameters have a gradient."""
        self.tensors = [p for p in self._all if p._grad is not None]
        self.offsets: list[int] = []
        sizes = dict.fromkeys(_ALL_KINDS, 0)
        self._like: dict[tuple, Any] = {}
        for array in map(_array_of, self.tensors):
            kind = _kind(array)
            self.offsets.append(sizes.get(kind, -1))
            if kind in sizes:
                sizes[kind] += array.size
                self._like.setdefault(kind, array)
        self._sizes = sizes
        self.forget()

    def holds(self, groups: list[dict[str, Any]]) -> bool:
        """Whether these are still all parameters of the groups that have a gradient."""
        if len(self.tensors) < len(self._all) and sum(p._grad is not None for p in self._all) != len(self.tensors):
            return False
        now = groups[0]["params"] if len(groups) == 1 else [p for group in groups for p in group["params"]]
        return len(now) == len(self._all) and all(map(is_, now, self._all))

    def keep(self) -> None:
        """Copy all values: an update is about to come."""
        self.kept = True
        self.before = [empty((size,), kind[0], self._like.get(kind)) for kind, size in self._sizes.items()]
        for array, offset in zip(map(_array_of, self.tensors), self.offsets, strict=True):
            if offset >= 0:
                self.before[_ALL_KINDS.index(_kind(array))][offset : offset + array.size] = array.reshape(-1)

    def forget(self) -> None:
        """Free the copies."""
        self.kept = False
        self.before = _NONE_KEPT


class _Chunk:
    """Up to ``kernels.ARRAYS`` tensors of one dtype on one device: what one launch takes."""

    def __init__(self, kind: tuple[np.dtype, type], members: list[int], first: int) -> None:
        dtype, place = kind
        self.dtype, self.members, self.first = dtype, members, first
        self.on_gpu = place is CudaArray
        self.kept = _ALL_KINDS.index(kind)
        self.missing = [_ABSENT[dtype]] * (kernels.ARRAYS - len(members))
        self.table = np.zeros((kernels.ARRAYS, len(kernels.TABLE)), np.int64)
        self.table[:, 0] = -1
        self.run: Any = kernels.summarize.serial
        # itemgetter of one index would return the item itself.
        self.take = itemgetter(*members) if len(members) > 1 else lambda arrays: (arrays[members[0]],)


class _Units(NamedTuple):
    """Where the number of units of a ReLU's output stands; it is written when the output's shape changes."""

    row: np.ndarray
    member: int
    last: bool


class Layout:
    """The tensors of a step: activations, their gradients, parameters' gradients, parameters.

    Args:
        step: what a step ran.
        parameters: those with a gradient that the step's optimizer updates.
        name_of: the name of a parameter, such as ``"conv1.weight"``; empty for tensors that are none.
        path_of: the module path of an op, or an empty string; None where nobody knows.

    Attributes:
        names: for each row of the results the tensor's name; empty for rows not in use.
        row_of: the row of each name.
        of_parameters: the names that are those of parameters.
    """

    def __init__(
        self,
        step: Collected,
        parameters: Parameters,
        name_of: Callable[[Tensor], str],
        path_of: Callable[[Function], str] | None,
    ) -> None:
        self._forward, self._backward = list(map(type, step.functions)), list(map(type, step.backwards))
        self._counts = len(step.outputs), len(step.gradients)
        self.parameters = parameters
        names = output_names(step.functions, op_names(step.functions, name_of, path_of))
        of_parameters = [name_of(p) for p in parameters.tensors]
        all_names = names + gradient_names(step.functions, names, step.backwards)
        all_names += [f"{name}.grad" for name in of_parameters] + of_parameters
        self.of_parameters = frozenset(of_parameters)
        arrays = self._arrays(step)
        usable = [a is not None and a.dtype in _ABSENT and bool(n) for a, n in zip(arrays, all_names, strict=True)]
        self._make_chunks(arrays, all_names, usable)
        self._make_kinds(step.functions)
        self.height = len(self.names)
        self.row_of = {name: row for row, name in enumerate(self.names) if name}

    def _make_chunks(self, arrays: list, names: list[str], usable: list[bool]) -> None:
        self.names: list[str] = []
        self._chunks: list[_Chunk] = []
        first_parameter = len(arrays) - len(self.parameters.tensors)
        for kind in _ALL_KINDS:
            members = [i for i, a in enumerate(arrays) if usable[i] and _kind(a) == kind]
            for start in range(0, len(members), kernels.ARRAYS):
                chunk = _Chunk(kind, members[start : start + kernels.ARRAYS], len(self.names))
                for place, member in enumerate(chunk.members):
                    if member >= first_parameter:
                        chunk.table[place, 0] = self.parameters.offsets[member - first_parameter]
                chunk.run = kernels.summarize.sized(
                    sum(arrays[i].size for i in chunk.members) * WORK, arrays[chunk.members[0]]
                )
                self._chunks.append(chunk)
                self.names += [names[i] for i in chunk.members] + [""] * len(chunk.missing)

    def _make_kinds(self, functions: Sequence[Function]) -> None:
        # Function behind each output, in the order of the outputs.
        owners = [function for function in functions for _ in range(function.outputs)]
        self._units: list[_Units] = []
        self._shapes: list[tuple[int, ...]] = []
        for chunk in self._chunks:
            for place, member in enumerate(chunk.members):
                if member >= len(owners):
                    continue
                function = owners[member]
                kind = chunk.table[place, 1] = _KINDS.get(function.name, kernels.NONE)
                if kind == kernels.UNITS:
                    edge = function.edges[0]
                    last = edge is not None and getattr(edge[0], "name", "") in _UNITS_LAST
                    self._units.append(_Units(chunk.table[place], member, last))
                    self._shapes.append((-1,))

    def fits(self, step: Collected, parameters: Parameters) -> bool:
        """Whether a step ran the same ops on the same parameters."""
        return (
            parameters is self.parameters
            and self._forward == list(map(type, step.functions))
            and self._backward == list(map(type, step.backwards))
            and self._counts == (len(step.outputs), len(step.gradients))
        )

    def _arrays(self, step: Collected) -> list:
        parameters = self.parameters.tensors
        return [
            *map(_array_of, step.outputs), *step.gradients,
            *map(_gradient_of, parameters), *map(_array_of, parameters),
        ]

    def reduce(self, step: Collected, results: np.ndarray, at: int, histograms: bool) -> dict[str, np.ndarray]:
        """Write the statistics into ``results[at]``, (height, len(FIELDS)).

        Returns:
            With ``histograms`` the counts of each tensor in the bins of ``kernels.edges``, by name.

        Raises:
            TypeError: where the arrays are of other dtypes than those that the layout was made for, or missing.
        """
        arrays, before = self._arrays(step), self.parameters.before
        for i, units in enumerate(self._units):
            shape = arrays[units.member].shape
            if shape != self._shapes[i]:
                self._shapes[i] = shape
                axis = len(shape) - 1 if units.last or len(shape) < 2 else 1
                units.row[2:] = (shape[axis], math.prod(shape[axis + 1 :])) if shape else (1, 1)
        counts: dict[str, np.ndarray] = {}
        for chunk in self._chunks:
            taken = chunk.take(arrays)
            if chunk.on_gpu:
                flats = _reduced_on_gpu(chunk, taken, before[chunk.kept], results, at)
                if histograms:
                    counts.update(zip(self.names[chunk.first :], map(_histogram, flats), strict=False))
                continue
            try:
                flats = list(map(_flat, taken))
                chunk.run(results, at, chunk.first, before[chunk.kept], chunk.table, *flats, *chunk.missing)
            except TypeError:
                # Numba's, for a type that is new to the kernel: memory that is read-only, or not aligned.
                if any(array is None or array.dtype != chunk.dtype for array in taken):
                    raise
                flats = list(map(flat, taken))
                chunk.run(results, at, chunk.first, before[chunk.kept], chunk.table, *flats, *chunk.missing)
            if histograms:
                counts.update(zip(self.names[chunk.first :], map(_histogram, flats), strict=False))
        return counts


def _reduced_on_gpu(chunk: _Chunk, taken: Any, before: Any, results: np.ndarray, at: int) -> list:
    """Write a chunk's statistics; the arrays with one dimension.

    Raises:
        TypeError: where the arrays are not what the chunk was made for.
    """
    if any(type(array) is not CudaArray or array.dtype != chunk.dtype for array in taken):
        raise TypeError("other arrays than those of the layout")
    flats = list(map(flat, taken))
    chunk.run(results, at, chunk.first, flats[0][:0] if before is None else before, chunk.table, *flats)
    unused = slice(chunk.first + len(flats), chunk.first + kernels.ARRAYS)
    results[at, unused] = np.nan
    return flats


def _histogram(array: Any) -> np.ndarray:
    counts = np.empty((2 * kernels.OCTAVES + 1,), np.int64)
    kernels.histogram.sized(0, array)(counts, array)
    return counts.astype(np.uint32)
