"""Keeps, for one step, references to the arrays that are wanted of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from engine import trace
from engine.debug.event_arrays import gradient_arrays, named_inputs
from engine.debug.events import frozen
from engine.debug.lines import user_frame
from engine.debug.live.structure import Op, Place
from engine.debug.memory import ARRAYS
from engine.debug.names import Names
from engine.debug.replay.measures import is_loss
from engine.debug.watching import loader_name
from engine.function import Function
from engine.tensor import Tensor


class Forward(NamedTuple):
    """An op that has run: inputs and outputs by name, and the op itself, which backward may have emptied since."""

    function: Function
    arrays: dict[str, Any]


class Batch(NamedTuple):
    """What a DataLoader has handed out: its arrays, and the numbers of the samples in the dataset; the loader and its
    name, and which epoch and batch it is.
    """

    parts: list[np.ndarray]
    samples: Any
    loader: Any
    name: str
    epoch: int
    index: int

    @classmethod
    def of(cls, loader: Any, index: int, batch: Any, samples: Any, epoch: int) -> Batch:
        parts = batch if isinstance(batch, (tuple, list)) else (batch,)
        arrays = [part._array for part in parts if isinstance(part, Tensor)]
        return cls(arrays, samples, loader, loader_name(loader, user_frame(sys._getframe(1))), epoch, index)


class Looking(trace.Observer):
    """Hands calls on to the picture that is being taken: so one observer does for all pictures."""

    watches = frozenset(("forward", "backward", "update", "batch"))

    def __init__(self) -> None:
        self.picture: Picture | None = None

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        if self.picture is not None:
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
    """Looks at one step. Ops never write their inputs, so references stay what they were until the step has ended.

    Args:
        ops: the structure that the step should have.
        wanted: what the views are of.
        names: of parameters.
        batch: what was handed out for it. epoch: tells which epoch it is.

    Attributes:
        fits: whether the step has had that structure so far.
        forward, backward, update: what was kept, by node or parameter.
        loss: the last loss that was computed.
        handed_out: the batch; None without a DataLoader.
        seconds: that this has taken.
    """

    def __init__(
        self, ops: Sequence[Op], wanted: frozenset[Place], names: Names, batch: Batch | None, epoch: Callable[[], int]
    ) -> None:
        self._ops, self._wanted, self._names = ops, wanted, names
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
        self._numbers[id(function)] = at
        loss = is_loss(function)
        if not loss and ("forward", node) not in self._wanted and ("backward", node) not in self._wanted:
            return
        began = time.perf_counter()
        arrays = named_inputs(function, [t._array for t in inputs])
        for i, output in enumerate(outputs):
            arrays[function.returns[i] if i < len(function.returns) else f"y{i}"] = output._array
        # Backward empties the op itself.
        self.forward[node] = kept = Forward(frozen(function) if loss else function, arrays)
        if loss:
            self.loss = kept
        self.seconds += time.perf_counter() - began

    def after_backward(
        self,
        function: Function,
        gradients: tuple[np.ndarray | None, ...],
        input_gradients: tuple[np.ndarray | None, ...],
    ) -> None:
        at = self._numbers.get(id(function))
        if at is not None and ("backward", node := self._ops[at].node) in self._wanted:
            self.backward[node] = gradient_arrays(function, gradients, input_gradients)

    def before_update(self, kind: str, tensor: Tensor) -> None:
        if kind == "optimizer" and ("update", label := self._names.tensor(tensor)) in self._wanted:
            began = time.perf_counter()
            gradient = tensor._grad
            self.update[label] = {"w": tensor._array.copy(), "dw": None if gradient is None else gradient._array}
            self.seconds += time.perf_counter() - began

    def after_update(self, kind: str, tensor: Tensor) -> None:
        if kind == "optimizer" and (kept := self.update.get(self._names.tensor(tensor))) is not None:
            kept["w_new"] = tensor._array

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        # What was seen before it belongs to no step that has an end.
        self.begin(Batch.of(loader, index, batch, samples, self._epoch()))

    def array(self, place: Place, name: str) -> np.ndarray | None:
        """What was kept under that name there; None where there is no such array."""
        kind, node = place
        if kind == "update":
            return self.update.get(node, {}).get(name)
        found = self.backward.get(node, {}).get(name) if kind == "backward" else None
        if found is None and node in self.forward:
            found = self.forward[node].arrays.get(name)
        return found if isinstance(found, ARRAYS) else None
