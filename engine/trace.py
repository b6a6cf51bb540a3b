"""Where a debugger looks in: one observer of everything that the tape, the modules and the optimisers do.

With no observer attached an op pays one comparison. The engine calls the observer *before* an op runs, so that it
can stop there, and *after*, with the results. All calls come from the thread that runs the script; an observer stops
the script by not returning.

What an observer is handed are the engine's own objects. Ops never write their inputs, so references to
arrays stay valid records; the only things that change afterwards are announced by ``before_update``.

An observer says in ``watches`` which groups of calls it wants; for each group one name of this module holds the
observer that wants it, or None (``on_forward``, ``on_backward`` ...). So one that only counts steps costs little. One
that ``defers`` is told of most ops not one by one but of many at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from engine.function import Function
    from engine.tensor import Tensor


#: An op that has run: the function, its inputs and its outputs.
Ran = tuple["Function", tuple["Tensor", ...], tuple["Tensor", ...]]

#: The groups of calls: what each contains stands in :class:`Observer`, in this order.
GROUPS = ("forward", "backward", "update", "change", "module", "pass", "batch", "read")
_NAMES = {group: f"on_{group}" for group in GROUPS}


class NoContents:
    """Base of what stands for an array whose contents nobody computed: it has a shape and a dtype, and no numbers."""

    __slots__ = ()


class Observer:
    """Does nothing at every call; a debugger overrides what it needs, and names in ``watches`` the groups it wants."""

    watches: frozenset[str] = frozenset(GROUPS)

    #: False while a replay passes over steps without computing them: then arrays have no contents.
    computes: bool = True

    #: True while a replay repeats what the recorded run has done already, and has written to files already.
    repeats: bool = False

    #: False where ``run_forward`` and ``run_backward`` do no more than run the op: then they are not called.
    runs: bool = True

    #: True: what ops have saved for backward is kept until ``end_backward`` has been called.
    looks_back: bool = False

    #: True: ops on the tape, but for losses, and some small ones beside it wait, and the observer is told of many at once
    #: (``after_forwards``). It sees to it, before it does anything at another call, that it is told of them (:func:`tell`).
    defers: bool = False

    #: True: as a listener, whom another observer hands calls on to, it need not be told of an op at once.
    can_wait: bool = False

    # ---- group "forward" ----

    def run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        """Run an op: its outputs' arrays, as ``function.forward`` returns them. A replay may not run it at all."""
        self.before_forward(function, inputs)
        return function.forward(*[t._array for t in inputs])

    def before_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> None:
        """An op is about to run; ``function`` already holds its parameters (stride, padding ...)."""

    def after_forward(
        self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        """An op has run. ``function.seq`` is its place on the tape, or -1 when nothing was recorded."""

    def after_forwards(self, ops: list[Ran]) -> None:
        """:meth:`after_forward` of several ops that have run one after the other."""
        for function, inputs, outputs in ops:
            self.after_forward(function, inputs, outputs)

    # ---- group "backward" ----

    def run_backward(self, function: Function, gradients: list[np.ndarray | None]) -> Any:
        """Run an op's backward: the gradients of its inputs, as ``function.backward`` returns them."""
        self.before_backward(function, tuple(gradients))
        return function.backward(*gradients)  # type: ignore[arg-type]

    def before_backward(self, function: Function, gradients: tuple[np.ndarray | None, ...]) -> None:
        """An op's backward is about to run; ``gradients`` belong to its outputs, in their order."""

    def after_backward(
        self,
        function: Function,
        gradients: tuple[np.ndarray | None, ...],
        input_gradients: tuple[np.ndarray | None, ...],
    ) -> None:
        """An op's backward has run; ``input_gradients`` belong to its inputs, in their order."""

    # ---- groups "update" and "change" ----

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> bool | None:
        """``tensor`` is about to change in place; returning True forbids the change (a replay that skips it).

        ``kind`` is ``"optimizer"`` or ``"gradient"`` (accumulation into ``.grad``) in group "update", ``"in-place"``
        or ``"buffer"`` (running statistics) in group "change"; ``details`` is what does it: the optimizer, the
        function, the module.
        """

    def after_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        """The change announced by :meth:`before_update` is done."""

    def before_write(self, tensor: Tensor, values: Any, details: Any) -> bool | None:
        """:meth:`before_update` of kind ``"in-place"`` (group "change"), with what is to be written."""
        return self.before_update("in-place", tensor, details)

    def made(self, tensor: Tensor) -> None:
        """``tensor`` is new, with a copy of another one's contents that no op has made (group "change")."""

    # ---- group "module" ----

    def enter_module(self, module: Any, inputs: tuple) -> None:
        """``module(*inputs)`` begins."""

    def exit_module(self, module: Any, outputs: Any) -> None:
        """``module(*inputs)`` has returned ``outputs``."""

    # ---- group "pass" ----

    def begin_backward(self, roots: tuple[Tensor, ...], seeds: tuple[Tensor | None, ...]) -> None:
        """``backward`` begins at ``roots``, each with the gradient that it is given; None stands for 1."""

    def end_backward(self, roots: tuple[Tensor, ...]) -> None:
        """``backward`` is done."""

    def made_optimizer(self, optimizer: Any) -> None:
        """The script has made an optimizer."""

    def begin_step(self, optimizer: Any) -> None:
        """``optimizer.step()`` begins."""

    def end_step(self, optimizer: Any) -> None:
        """``optimizer.step()`` is done."""

    # ---- group "batch" ----

    def begin_epoch(self, loader: Any) -> None:
        """A pass over a DataLoader begins."""

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        """A DataLoader hands out batch number ``index`` of the pass (from 0).

        ``samples`` are the indices in the dataset that it was made of; None where the dataset decides by itself.
        """

    def end_epoch(self, loader: Any) -> None:
        """A pass over a DataLoader has come to its end."""

    # ---- group "read" ----

    def read(self, what: str, compute: Callable[[], Any]) -> Any:
        """Array contents become Python values: the value, which ``compute`` finds (``"item"``, ``"tolist"`` ...)."""
        return compute()

    def sharing(self, array: np.ndarray) -> None:
        """``array``, which the script made with NumPy, becomes the memory of a tensor as well."""

    # ---- files: to every observer ----

    def wrote(self, path: str) -> None:
        """The engine has written the file ``path`` as a whole; while ``repeats`` holds, it would have."""

    def removed(self, path: str) -> None:
        """The engine has removed the file ``path``; while ``repeats`` holds, it would have."""

    def opened(self, path: str) -> str:
        """``path`` is about to be read: where the contents lie that it has at this place of the run."""
        return path


observer: Observer | None = None

on_forward: Observer | None = None
#: The observer of group "forward", where it runs the ops itself.
on_run: Observer | None = None
on_backward: Observer | None = None
on_update: Observer | None = None
on_change: Observer | None = None
on_module: Observer | None = None
on_pass: Observer | None = None
on_batch: Observer | None = None
on_read: Observer | None = None


#: Ops that wait to be told of, and how many of them at most: they keep arrays that would be free else.
untold: list[Ran] = []
MOST_UNTOLD = 64
#: ``untold`` while the observer of group "forward" defers, else None.
waiting: list[Ran] | None = None


def tell() -> None:
    """Tell the observer of the ops that wait."""
    if untold and observer is not None:
        ops = untold[:]
        del untold[: len(ops)]
        observer.after_forwards(ops)


def tell_at_once() -> None:
    """From the next op on have the observer told of each op at once, until one is attached again. From any thread."""
    global waiting
    waiting = None


def set_observer(new: Observer | None) -> Observer | None:
    """Attach ``new`` (or detach with None) and return the observer that was attached before.

    An observer whose ``watches`` have changed is attached again: :func:`renew`.
    """
    global observer, waiting
    tell()
    previous, observer = observer, new
    names = globals()
    watched = frozenset() if new is None else new.watches
    for group, name in _NAMES.items():
        names[name] = new if group in watched else None
    names["on_run"] = on_forward if on_forward is not None and on_forward.runs else None
    waiting = untold if on_forward is not None and on_forward.defers else None
    return previous


def renew() -> None:
    """The attached observer's ``watches`` have changed, or those of an observer that it hands calls on to."""
    set_observer(observer)


def reading(what: str, compute: Callable[[], Any]) -> Any:
    """The value of ``compute()``, which reads array contents into Python; the observer may know it already."""
    return compute() if on_read is None else on_read.read(what, compute)


def made(tensor: Tensor) -> Tensor:
    """``tensor`` itself, a copy that no op has made; the observer is told."""
    if on_change is not None:
        on_change.made(tensor)
    return tensor


def sharing(array: np.ndarray) -> np.ndarray:
    """``array`` itself, which the script shares with a tensor; the observer is told."""
    if on_read is not None:
        on_read.sharing(array)
    return array
