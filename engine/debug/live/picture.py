"""Keeps, for one step, references to the arrays that are wanted of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from engine import trace
from engine.debug.event_arrays import gradient_arrays, op_arrays
from engine.debug.events import frozen
from engine.debug.lines import user_frame
from engine.debug.live.structure import Op, Place
from engine.debug.memory import ARRAYS, on_cpu
from engine.debug.names import Names
from engine.debug.replay.measures import is_loss
from engine.debug.views.slices import index_of
from engine.debug.watching import loader_name
from engine.function import Function
from engine.tensor import Tensor

#: Bytes of a part that is copied when its op is told of; of a larger one a reference is kept until the step has ended. Then
#: it is made small at once, up to a size where that takes some tenths of a millisecond; it is copied, up to a larger size,
#: and made small on another thread; or made small at once, which takes the script's time.
COPIED, AT_ONCE, COPIED_THEN = 128 << 10, 1 << 20, 4 << 20


class Cut:
    """A part of an op's array that is copied when the op is told of: id of the view, name of the array, slice."""

    __slots__ = ("_index", "_shape", "id", "name", "part")

    def __init__(self, id: str, name: str, part: Any) -> None:
        self.id, self.name, self.part = id, name, part
        self._shape: tuple[int, ...] | None = None
        self._index: Any = None

    def of(self, array: Any) -> Any:
        """The part, a view of ``array``; raises as :func:`engine.debug.views.slices.selection` does."""
        if array.shape != self._shape:
            self._index = index_of(array, self.part)
            self._shape = array.shape
        return array[self._index]


def _array(function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], name: str) -> Any:
    """What an op was given or has made, by its name; None where it has no such array."""
    if function.returns[0] == name:
        return outputs[0]._array  # mostly; the rest is slower
    return op_arrays(function, inputs, outputs).get(name)


def copied(chosen: np.ndarray, most: int) -> np.ndarray | None:
    """A copy, on the CPU, of a part of an array that the next step may write to; None where it has more bytes."""
    if chosen.nbytes > most:
        return None
    there = on_cpu(chosen)
    return np.array(there) if there is chosen else there


class Forward(NamedTuple):
    """An op that has run: inputs and outputs by name, and the op itself, which backward may have emptied since."""

    function: Function
    arrays: dict[str, Any]


class Batch(NamedTuple):
    """What a DataLoader has handed out: its arrays, and the numbers of the samples in the dataset; the loader and its
    name ("" where nobody asks for it: to look for it takes time), and which epoch and batch it is.
    """

    parts: list[np.ndarray]
    samples: Any
    loader: Any
    name: str
    epoch: int
    index: int

    @classmethod
    def of(cls, loader: Any, index: int, batch: Any, samples: Any, epoch: int, named: bool) -> Batch:
        parts = batch if isinstance(batch, (tuple, list)) else (batch,)
        arrays = [part._array for part in parts if isinstance(part, Tensor)]
        name = loader_name(loader, user_frame(sys._getframe(1))) if named else ""
        return cls(arrays, samples, loader, name, epoch, index)


class Plan(NamedTuple):
    """What is taken of a step: places that references are kept of; what is copied of ops that run forward, by their
    nodes; whether the loss and the loader's name are wanted; and whether the step is looked at at all.
    """

    whole: frozenset[Place]
    cuts: Mapping[str, Sequence[Cut]]
    loss: bool
    looks: bool


class Looking(trace.Observer):
    """Hands calls on to the picture that is being taken: so one observer does for all pictures."""

    watches = frozenset(("forward", "batch"))
    can_wait = True

    def __init__(self) -> None:
        self.picture: Picture | None = None

    def at(self, picture: Picture) -> None:
        """Take this picture: hear of what it wants, and of nothing else."""
        self.picture = picture
        # Places are of kinds that are named as the groups of calls are.
        self.watches = Looking.watches.union([kind for kind, _ in picture.plan.whole])

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        if self.picture is not None:
            self.picture.after_forward(function, inputs, outputs)

    def after_forwards(self, ops: list[trace.Ran]) -> None:
        if self.picture is not None:
            for function, inputs, outputs in ops:
                self.picture.after_forward(function, inputs, outputs)

    def after_backward(
        self,
        function: Function,
        gradients: tuple[np.ndarray | None, ...],
        input_gradients: tuple[np.ndarray | None, ...],
    ) -> None:
        if self.picture is not None:
            self.picture.after_backward(function, gradients, input_gradients)

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> bool | None:
        if self.picture is not None:
            self.picture.before_update(kind, tensor)
        return None

    def after_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        if self.picture is not None:
            self.picture.after_update(kind, tensor)

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        if self.picture is not None:
            self.picture.batch(loader, index, batch, samples)


class Picture:
    """Looks at one step. Ops never write their inputs, so references stay what they were until the step has ended. But
    arrays that are kept so long cannot be used again meanwhile, and the step runs through other memory than those
    before it: of what is small copies are kept, made before the backward pass.

    Args:
        ops: the structure that the step should have.
        plan: what is taken of it.
        names: of parameters.
        batch: what was handed out for it. epoch: tells which epoch it is.

    Attributes:
        fits: whether the step has had that structure so far.
        forward, backward, update: what was kept, by node or parameter.
        parts: the copies, by the ids of their views, each with the shape of the whole array.
        loss: the last loss that was computed.
        handed_out: the batch; None without a DataLoader.
        seconds: that this has taken.
    """

    def __init__(
        self,
        ops: Sequence[Op],
        plan: Plan,
        names: Names,
        batch: Batch | None,
        epoch: Callable[[], int],
    ) -> None:
        self._ops, self.plan, self._names = ops, plan, names
        self._epoch = epoch
        self.seconds = 0.0
        self.begin(batch)

    def begin(self, batch: Batch | None) -> None:
        """What was seen so far belongs to no step; it begins now, with this batch."""
        self.fits = True
        self.at = 0
        self.forward: dict[str, Forward] = {}
        self.backward: dict[str, dict[str, Any]] = {}
        self.update: dict[str, dict[str, Any]] = {}
        self.parts: dict[str, tuple[np.ndarray, tuple[int, ...]]] = {}
        self.loss: Forward | None = None
        self.handed_out = batch
        self._numbers: dict[int, int] = {}

    @property
    def complete(self) -> bool:
        """Whether all ops of the structure have run, and no others."""
        return self.fits and self.at == len(self._ops)

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        at, self.at = self.at, self.at + 1
        if at >= len(self._ops) or self._ops[at].name != function.name:
            self.fits = False
            return
        node = self._ops[at].node
        cuts, wanted = self.plan.cuts.get(node, ()), self.plan.whole
        kept = ("forward", node) in wanted
        if ("backward", node) in wanted:
            self._numbers[id(function)], kept = at, True
        loss = self.plan.loss and is_loss(function)
        if not (kept or loss or cuts):
            return
        began = time.perf_counter()
        arrays: dict[str, Any] = {}
        if kept or loss:
            arrays = op_arrays(function, inputs, outputs)
        for cut in cuts:
            array = _array(function, inputs, outputs, cut.name)
            if isinstance(array, ARRAYS) and not self._cut(cut, array):
                arrays[cut.name] = array
        if arrays:
            # Backward empties the op itself.
            self.forward[node] = Forward(frozen(function) if loss else function, arrays)
        if loss:
            self.loss = self.forward[node]
        self.seconds += time.perf_counter() - began

    def _cut(self, cut: Cut, array: Any) -> bool:
        """Copy a part; False where it is too large. One that is not there is left out."""
        with suppress(ValueError, IndexError):  # a slice that does not fit this step's array
            part = copied(cut.of(array), COPIED)
            if part is None:
                return False
            self.parts[cut.id] = part, array.shape
        return True

    def after_backward(
        self,
        function: Function,
        gradients: tuple[np.ndarray | None, ...],
        input_gradients: tuple[np.ndarray | None, ...],
    ) -> None:
        at = self._numbers.get(id(function))
        if at is not None and ("backward", node := self._ops[at].node) in self.plan.whole:
            self.backward[node] = gradient_arrays(function, gradients, input_gradients)

    def before_update(self, kind: str, tensor: Tensor) -> None:
        if kind == "optimizer" and ("update", label := self._names.tensor(tensor)) in self.plan.whole:
            began = time.perf_counter()
            gradient = tensor._grad
            self.update[label] = {"w": tensor._array.copy(), "dw": None if gradient is None else gradient._array}
            self.seconds += time.perf_counter() - began

    def after_update(self, kind: str, tensor: Tensor) -> None:
        if kind == "optimizer" and (kept := self.update.get(self._names.tensor(tensor))) is not None:
            kept["w_new"] = tensor._array

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        # What was seen before it belongs to no step that has an end.
        self.begin(Batch.of(loader, index, batch, samples, self._epoch(), self.plan.loss))

    def array(self, place: Place, name: str) -> np.ndarray | None:
        """What was kept under that name there; None where there is no such array."""
        kind, node = place
        if kind == "update":
            return self.update.get(node, {}).get(name)
        found = self.backward.get(node, {}).get(name) if kind == "backward" else None
        if found is None and node in self.forward:
            found = self.forward[node].arrays.get(name)
        return found if isinstance(found, ARRAYS) else None
