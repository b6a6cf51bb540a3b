"""Passing over steps: ops, gradients and updates of shapes only.

An op whose inputs all have contents is run, and so is the Python of the user's own Functions. Everything that depends
on what was skipped is hollow. The memory of a tensor that should have changed is out of date: the tensor, and every
other one on that memory, becomes hollow until the contents come from a checkpoint.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.autograd.function import _Node
from engine.debug.replay.checkpoints import owner
from engine.debug.replay.hollow import Hollow, is_hollow, needed
from engine.debug.replay.living import live_tensors
from engine.debug.replay.tape import FIRST_OP
from engine.device import device_of
from engine.function import Function
from engine.nn.hooks import BackwardHookFunction
from engine.ops.transfer import ToDevice
from engine.optim.kernel_optimizer import KernelOptimizer
from engine.tensor import Tensor

if TYPE_CHECKING:
    from engine.debug.replay.replayer import Replayer

#: Functions whose backward, and whose forward if they have one, is Python of the user's.
_USERS = (_Node, BackwardHookFunction)

#: References to an array that a tensor alone holds, as sys.getrefcount counts them in :meth:`Skipping.empty`.
_ALONE = 3


class _Behind(np.ndarray):
    """What a _Handed is a view of. NumPy shortens the chain of bases only between arrays of plain type: with this one
    behind it, a _Handed stays the base of what is made of it."""


class _Handed(np.ndarray):
    """The base of an array that was handed to the script: it lives as long as that or any view of it."""


class Skipping:
    """What a replay does in place of computing."""

    def __init__(self, replayer: Replayer) -> None:
        self._replayer = replayer
        self._kinds: dict[int, tuple[str, list[tuple], bool]] = {}
        #: (what the script holds, id of the owner of its memory), and arrays of the script's that tensors share.
        self._handed: list[tuple[weakref.ref, int]] = []
        self._prune_at = 64
        self._shared: dict[int, weakref.ref] = {}
        self._settled: dict[tuple[int, int], Any] = {}
        self._index_tick = -1
        self._index: dict[int, list[Tensor]] = {}

    # ---- ops ----

    def run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        """The outputs: computed where all inputs have contents, else hollow."""
        arrays = [t._array for t in inputs]
        if isinstance(function, _USERS):
            return function.forward(*arrays)
        function.__dict__["_shapes"] = [(a.shape, a.dtype, None, None, device_of(a)) for a in arrays]
        for a in arrays:
            if type(a) is Hollow:
                break
        else:
            return function.forward(*arrays)
        name, outputs, returns_tuple = self._next_kind()
        if name != function.name:
            replayer = self._replayer
            replayer.fail(f"at tick {replayer.tick + 1} {function.name} runs in place of {name}; what was skipped is")
        # Only backward of this very call could want what forward would have saved.
        function.__dict__["backward"] = _refuse
        device = function.device if isinstance(function, ToDevice) else device_of(arrays[0])
        made = [Hollow(shape, dtype, None, strides, device) for shape, dtype, strides in outputs]
        return tuple(made) if returns_tuple else made[0]

    def _next_kind(self) -> tuple[str, list[tuple], bool]:
        """Of the op that the tape has next: its name, (shape, dtype, strides) of its outputs, whether they are a tuple."""
        tape, tick = self._replayer.tape, self._replayer.tick
        code = tape.codes[tick]
        kind = self._kinds.get(code)
        if kind is None:
            if code < FIRST_OP:
                return tape.name(code), [], False
            name, outputs, returns_tuple = tape.kinds[code - FIRST_OP]
            described = [(shape, np.dtype(dtype), strides) for shape, dtype, strides in outputs]
            kind = self._kinds[code] = name, described, returns_tuple
        return kind

    def run_backward(self, function: Function, gradients: list[np.ndarray | None]) -> Any:
        """The gradients of the inputs: computed where everything has contents, else hollow."""
        if isinstance(function, _USERS):
            return function.backward(*gradients)  # type: ignore[arg-type]
        skipped = "backward" in function.__dict__
        if not skipped and not any(type(g) is Hollow for g in gradients):
            return function.backward(*gradients)  # type: ignore[arg-type]
        shapes = function.__dict__.get("_shapes")
        if shapes is None:
            return self._replayer.fail(f"backward of {function.name}, which ran before steps were skipped, is")
        return tuple([Hollow(*described) if need else None for described, need in zip(shapes, function.needs, strict=True)])

    # ---- changes ----

    def forbids(self, kind: str, tensor: Tensor, details: Any) -> bool:
        """Whether an update must not happen; then the tensor is hollow, or becomes so."""
        self._refuse_if_lent(tensor)
        if kind == "optimizer":
            if self._settled.get((id(details), id(tensor))) is None or not is_hollow(tensor._array):
                self._settle(tensor, details)
            tensor._bump()
            return True
        if kind == "gradient":
            gradient = tensor._grad
            if gradient is None or (details is not None and not is_hollow(gradient._array)):
                return False
            self.empty(gradient)
            gradient._bump()
            return True
        if is_hollow(tensor._array):
            return True
        if isinstance(details, Function) and "backward" in details.__dict__:
            self.empty(tensor)
            return True
        return False

    def forbids_write(self, tensor: Tensor, values: Any) -> bool:
        """Whether ``values`` cannot be written."""
        self._refuse_if_lent(tensor)
        if is_hollow(tensor._array):
            return True
        if not is_hollow(values):
            return False
        self.empty(tensor)
        return True

    def _settle(self, p: Tensor, optimizer: Any) -> None:
        """Empty a parameter and its state, which is made as the first update would have made it."""
        self._settled[id(optimizer), id(p)] = (optimizer, p)
        self.empty(p)
        if isinstance(optimizer, KernelOptimizer):
            for group in optimizer.param_groups:
                if any(q is p for q in group["params"]) and optimizer._state_names(group):
                    state = optimizer.state[p]
                    if optimizer._lacks_state(state):
                        state.update(optimizer._initial_state(p, group))
        for value in (optimizer.state.get(p) or {}).values():
            if isinstance(value, Tensor):
                self.empty(value)

    def empty(self, tensor: Tensor) -> None:
        """Make ``tensor``, and every tensor on the same memory, hollow."""
        array = tensor._array
        if is_hollow(array):
            return
        if array.base is None and sys.getrefcount(array) <= _ALONE and (type(array) is np.ndarray or _lent_once(array)):
            tensor._array = Hollow(array.shape, array.dtype, array)  # type: ignore[assignment]
            return
        memory = owner(array)
        self._refuse_if_seen(id(memory))
        made: dict[int, Hollow] = {}
        for other in (tensor, *self._on_memory(id(memory))):
            a = other._array
            if not is_hollow(a) and owner(a) is memory:
                if id(a) not in made:
                    made[id(a)] = Hollow(a.shape, a.dtype, a)
                other._array = made[id(a)]  # type: ignore[assignment]

    def _on_memory(self, memory: int) -> list[Tensor]:
        """The tensors whose memory has the owner of this id, as of this tick."""
        if self._index_tick != self._replayer.tick:
            self._index_tick, self._index = self._replayer.tick, {}
            for tensor in live_tensors():
                if not is_hollow(tensor._array):
                    self._index.setdefault(id(owner(tensor._array)), []).append(tensor)
        return self._index.get(memory, [])

    # ---- arrays in the script's hands ----

    def handed(self, array: np.ndarray) -> np.ndarray:
        """``array`` for the script, so that it is known as long as the script holds it or a view of it."""
        return self._hand_out(array, id(owner(array)))

    def lent(self, array: np.ndarray, hollow: Hollow) -> np.ndarray:
        """Contents off the tape, to be read only, until the tensor that they belong to changes."""
        array.flags.writeable = False
        return self._hand_out(array, _memory(hollow))

    def _hand_out(self, array: np.ndarray, memory: int) -> np.ndarray:
        held = array.view(_Behind).view(_Handed)
        if len(self._handed) >= self._prune_at:
            self._handed = [entry for entry in self._handed if entry[0]() is not None]
            self._prune_at = 2 * len(self._handed) + 64
        self._handed.append((weakref.ref(held), memory))
        return held.view(np.ndarray)

    def share(self, array: np.ndarray) -> None:
        """Note an array of the script's that a tensor shares."""
        memory = owner(array)
        if len(self._shared) >= self._prune_at:
            self._shared = {key: held for key, held in self._shared.items() if held() is not None}
            self._prune_at = 2 * len(self._shared) + 64
        self._shared[id(memory)] = weakref.ref(memory)

    def _refuse_if_lent(self, tensor: Tensor) -> None:
        """What the script holds of a hollow tensor would not change with it."""
        array: Any = tensor._array
        if self._handed and is_hollow(array):
            self._refuse_if_seen(_memory(array))

    def _refuse_if_seen(self, memory: int) -> None:
        if memory in self._shared and self._shared[memory]() is not None:
            self._replayer.fail("memory that the script shares with a tensor is")
        if any(known == memory and held() is not None for held, known in self._handed):
            self._replayer.fail("memory that the script holds as a NumPy array is")


def _lent_once(array: Any) -> bool:
    """Whether no other array lies in the GPU memory of ``array``: its loan is held by it, and by this call."""
    return sys.getrefcount(array.loan) <= 2


def _memory(hollow: Hollow) -> int:
    """The id of who owns the memory that ``hollow`` stands for; all that own none count as one."""
    return 0 if hollow.real is None else id(owner(hollow.real))


def _refuse(*gradients: Any) -> Any:
    raise needed("backward")
