"""One training pass, from the forward ops to the gradients, as the checks see it."""

from __future__ import annotations

import functools
import heapq
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.backward import sum_of
from engine.debug.diagnostics import kinds
from engine.debug.diagnostics.finding import Place
from engine.debug.memory import on_cpu
from engine.debug.squares import sum_of_squares
from engine.device.cuda_array import CudaArray
from engine.function import Function
from engine.tensor import Tensor, wrap

if TYPE_CHECKING:
    from engine.debug.diagnostics.run import Run

#: Gradients whose norm is this many times larger than any that was measured are not usual.
LARGER = 5.0

#: Elements of a gradient up to which it may be looked at in each pass, be it followed from a distance; and up to which
#: Python is quicker at it than NumPy.
SMALL, FEW = 1024, 128

#: Losses that a series keeps at its end; those at its beginning are kept too.
WINDOW = 200

_NOT_ASKED = object()


class Record:
    """An op that ran forward: the function, its tensors, the module at work and the line of the script."""

    __slots__ = ("_inputs", "_outputs", "_weight", "file", "function", "key", "line", "module")

    def __init__(
        self, function: Function, inputs: tuple, outputs: tuple, module: Any, file: str, line: int, key: tuple = ()
    ) -> None:
        self.function, self._inputs, self._outputs = function, inputs, outputs
        self.module, self.file, self.line, self.key = module, file, line, key
        self._weight: Any = _NOT_ASKED

    def let_go(self) -> None:
        """Forget the arrays, but for the trained weight."""
        self.leaf_weight()
        self._inputs = self._outputs = ()

    @property
    def inputs(self) -> tuple:
        """What the op was given; of tensors on a GPU copies, made when a check first asks."""
        self._inputs = found = _looked_at(self._inputs)
        return found

    @property
    def outputs(self) -> tuple:
        """What it computed; of tensors on a GPU copies."""
        self._outputs = found = _looked_at(self._outputs)
        return found

    @property
    def array(self) -> np.ndarray:
        """The first output."""
        return self.outputs[0]._array

    def leaf_weight(self) -> Tensor | None:
        """The trained matrix (or more dimensions) that a weighted op multiplies with."""
        if self._weight is _NOT_ASKED:
            self._weight = self._find_weight()
        return self._weight

    def _find_weight(self) -> Tensor | None:
        if not isinstance(self.function, kinds.WEIGHTED):
            return None
        for tensor, edge in zip(self.inputs, self.function.edges):
            while edge is not None and edge[1] >= 0 and isinstance(edge[0], kinds.VIEWS):
                edge = edge[0].edges[0]
            if edge is not None and edge[1] < 0 and tensor._array.ndim >= 2:
                return edge[0]
        return None


def _looked_at(tensors: tuple) -> tuple:
    for tensor in tensors:
        if type(tensor._array) is CudaArray:
            return tuple([wrap(on_cpu(t._array)) for t in tensors])
    return tensors


class Series:
    """Losses in the order of the passes: the first ones, the latest ones, and how many."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[float] = []
        self.last: list[float] = []

    def append(self, value: float) -> None:
        """Take one more."""
        self.count += 1
        if len(self.first) < WINDOW:
            self.first.append(value)
        self.last.append(value)
        if len(self.last) > 2 * WINDOW:
            del self.last[:WINDOW]


class Site:
    """A line of the script at which backward passes begin.

    Attributes:
        count: passes that have been counted: all, but for those whose turn it was to be looked at and that were not.
        leaves, places: of the newest pass that was followed closely, the tensors that got gradients, and for each op
            its class, module, file and line.
        small: of these leaves the biases; where there are none, those of at most :data:`SMALL` elements; else all. What
            goes wrong in a layer shows in the gradient of its bias.
        usual: the square of the norm of their gradients up to which a pass is not looked at further.
    """

    def __init__(self, file: str, line: int) -> None:
        self.file, self.line = file, line
        self.count = 0
        self.losses = Series()
        self.norms = Series()
        self.usual = 0.0
        self.leaves: dict[int, Tensor] = {}
        self.small: dict[int, Tensor] = {}
        self.places: list[tuple] = []

    def followed(self, leaves: dict[int, Tensor], places: list[tuple]) -> None:
        """A pass was followed closely: it had these leaves, and its ops these places."""
        self.leaves, self.places = leaves, places
        small = {key: leaf for key, leaf in leaves.items() if leaf._array.size <= SMALL}
        self.small = {key: leaf for key, leaf in small.items() if leaf._array.ndim == 1} or small or leaves

    def is_usual(self) -> bool:
        """Whether the small gradients are finite, and not much larger than those that were measured before."""
        numbers: list[float] = []
        others = []
        for leaf in self.small.values():
            if leaf._grad is not None:
                gradient = leaf._grad._array
                if gradient.size <= FEW and type(gradient) is np.ndarray:
                    # By the time of this call the kernels have thrown NumPy's state of errors and BLAS out of the cache:
                    # they would take longer than all else that is done in a pass.
                    numbers += gradient.tolist() if gradient.ndim == 1 else gradient.ravel().tolist()
                else:
                    others.append(gradient)
        norm = math.hypot(*numbers)
        total = norm * norm
        if others:
            with np.errstate(over="ignore"):  # a sum that is infinite is not usual
                total += sum(map(sum_of_squares, others))
        return total <= self.usual


def _squares(leaves: dict[int, Tensor]) -> Iterator[tuple[int, Tensor, float]]:
    """The leaves that have a gradient, and the square of its norm."""
    for key, leaf in leaves.items():
        if leaf._grad is not None:
            yield key, leaf, sum_of_squares(leaf._grad._array)


class Pass:
    """A training pass. What is derived from the ops is computed when a check first asks for it."""

    def __init__(
        self,
        run: Run,
        site: Site,
        roots: tuple[Tensor, ...],
        seeds: tuple[Tensor | None, ...],
        ops: list[tuple],
        looked_at: bool,
    ) -> None:
        self.run, self.site, self.looked_at = run, site, looked_at
        self.roots: tuple[Tensor, ...] = roots
        self._seeds: tuple[Tensor | None, ...] = seeds
        self._ops = ops
        #: Whether what the ops have saved is kept until the pass has ended, as :meth:`backward_ops` needs.
        self.looks_back = True
        self.norms: dict[int, tuple[Tensor, float]] = {}
        self.norm = 0.0
        array = roots[0]._array
        self.loss = float(array.reshape(-1)[0]) if len(roots) == 1 and array.size == 1 else math.nan
        self.scalar = len(roots) == 1 and array.size == 1

    def measure(self, leaves: dict[int, Tensor]) -> None:
        """Take the norms of the gradients that the pass has left."""
        small, total, of_small = self.site.small, 0.0, 0.0
        with np.errstate(over="ignore"):  # an infinite norm is what a check reports
            for key, leaf, square in _squares(leaves):
                total += square
                of_small += square if key in small else 0.0
                self.norms[key] = (leaf, math.sqrt(square) if square >= 0 else math.nan)
        self.norm = math.sqrt(total) if total >= 0 else math.nan
        if math.isfinite(of_small):
            self.site.usual = max(self.site.usual, LARGER**2 * of_small)

    @functools.cached_property
    def every_record(self) -> list[Record]:
        """All recorded ops since the last pass, in order; whether or not this pass runs through them."""
        records, seen = [], {}
        known = self.site.places
        for i, (function, inputs, outputs, *place) in enumerate(self._ops):
            if not place:
                # Followed from a distance: the step before ran the same ops at the same places, or it is not known.
                same = i < len(known) and known[i][0] is type(function)
                place = known[i][1:] if same else (None, "", 0)
            module, file, line = place
            key = (function.name, id(module), line)
            number = seen[key] = seen.get(key, -1) + 1
            records.append(Record(function, inputs, outputs, module, file, line, (*key, number)))
        return records

    def op_places(self) -> list[tuple]:
        """For each op its class, module, file and line; for a pass that was followed closely."""
        return [(type(function), *place) for function, _, _, *place in self._ops]

    @functools.cached_property
    def records(self) -> list[Record]:
        """The ops that the roots were computed by, in order."""
        found: set[int] = set()
        waiting = [root._function for root in self.roots if root._function is not None]
        while waiting:
            function = waiting.pop()
            if id(function) in found:
                continue
            found.add(id(function))
            waiting += [edge[0] for edge in function.edges if edge is not None and edge[1] >= 0]
        return [record for record in self.every_record if id(record.function) in found]

    @functools.cached_property
    def by_function(self) -> dict[int, Record]:
        return {id(record.function): record for record in self.every_record}

    @functools.cached_property
    def consumers(self) -> dict[int, list[Record]]:
        """For the id of each function the ops that take its results."""
        table: dict[int, list[Record]] = {}
        for record in self.records:
            for edge in record.function.edges:
                if edge is not None and edge[1] >= 0:
                    table.setdefault(id(edge[0]), []).append(record)
        return table

    @functools.cached_property
    def weighted(self) -> list[Record]:
        """The ops with a trained weight, in order."""
        return [record for record in self.records if record.leaf_weight() is not None]

    @functools.cached_property
    def losses(self) -> list[Record]:
        """The ops that are losses."""
        return [record for record in self.records if isinstance(record.function, kinds.LOSSES)]

    def backward_ops(self) -> Iterator[tuple[Function, list, tuple]]:
        """Each op on the way back, with the gradients of its outputs and of its inputs.

        They are computed once more, while what the ops have saved is still there: to keep those of each pass in case
        that something is wrong with one would cost more than many such repetitions. Hooks are not called.
        """
        queue: list[tuple[int, Function]] = []
        table: dict[Function, list] = {}

        def send(function: Function, output: int, gradient: np.ndarray) -> None:
            if function not in table:
                table[function] = [None] * function.outputs
                heapq.heappush(queue, (-function.seq, function))
            arrived = table[function]
            arrived[output] = gradient if arrived[output] is None else sum_of(arrived[output], gradient)

        for root, seed in zip(self.roots, self._seeds):
            if root._function is not None:
                send(root._function, root._output, np.ones_like(root._array) if seed is None else seed._array)
        while queue:
            function = heapq.heappop(queue)[1]
            gradients = table.pop(function)
            results = function.backward(*gradients)
            results = results if isinstance(results, tuple) else (results,)
            yield function, gradients, results
            for edge, gradient in zip(function.edges, results):
                if edge is not None and edge[1] >= 0 and gradient is not None:
                    send(edge[0], edge[1], gradient)

    def producer(self, record: Record, number: int = 0, through: tuple = kinds.VIEWS) -> Record | None:
        """The op that made input ``number``, passing over ops of the kinds ``through``; None for data and leaves."""
        edges = record.function.edges
        edge = edges[number] if number < len(edges) else None
        while edge is not None and edge[1] >= 0:
            if not isinstance(edge[0], through):
                return self.by_function.get(id(edge[0]))
            edge = edge[0].edges[0]
        return None

    def readers(self, record: Record) -> int:
        """How many ops read what ``record`` gives out."""
        return len(self.consumers.get(id(record.function), ()))

    def leads_on(self, record: Record) -> Iterator[Record]:
        """The ops behind ``record`` on the way to the roots."""
        waiting, found = [record], set()
        while waiting:
            for consumer in self.consumers.get(id(waiting.pop().function), ()):
                if id(consumer) not in found:
                    found.add(id(consumer))
                    waiting.append(consumer)
                    yield consumer

    def is_hidden(self, record: Record) -> bool:
        """Whether a weighted op follows."""
        return any(consumer.leaf_weight() is not None for consumer in self.leads_on(record))

    def best_step(self) -> int | None:
        """After how many steps the loss was least of those remembered: weights have not grown yet there.

        None where a step is not one pass, or where there was none before.
        """
        before, losses = self.run.step, self.site.losses
        recent = [loss if math.isfinite(loss) else math.inf for loss in losses.last[:-1]]
        if not recent or losses.count != before + 1:
            return None
        return before - len(recent) + recent.index(min(recent))

    def let_go(self) -> None:
        """Forget the arrays that the ops were given and have made; and have what they saved forgotten once it was used,
        where no op makes of finite numbers others than finite ones.
        """
        ops = self._ops
        ops[:] = [(op[0], (), (), *op[3:]) for op in ops]
        for record in self.__dict__.get("every_record", ()):
            record.let_go()
        self.looks_back = not ops or not all(op[0].stays_finite for op in ops)

    def release(self) -> None:
        """Forget the ops and arrays: the pass is over."""
        self._ops, self.roots, self._seeds = [], (), ()
        if "every_record" in self.__dict__:  # which all others are made of
            for name in ("every_record", "records", "by_function", "consumers", "weighted", "losses"):
                self.__dict__.pop(name, None)

    def place(self, record: Record | None = None, parameter: Tensor | None = None) -> Place:
        """The place of an op of this pass; without one, the line at which the pass begins."""
        run = self.run
        name = "" if parameter is None else run.parameter_name(parameter)
        if record is None:
            return Place("", "", name, self.site.file, self.site.line, run.step)
        return Place(
            record.function.name, run.module_name(record.module), name, record.file, record.line, run.step
        )
