"""Where a debugger looks in: one observer of everything that the tape, the modules and the optimisers do.

With no observer attached (``observer is None``) an op pays one comparison. The engine calls the observer
*before* an op runs, so that it can stop there, and *after*, with the results. All calls come from the thread
that runs the script; an observer stops the script by not returning.

What an observer is handed are the engine's own objects. Ops never write their inputs, so references to
arrays stay valid records; the only things that change afterwards are announced by ``before_update``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from engine.function import Function
    from engine.tensor import Tensor


class Observer:
    """Does nothing at every call; a debugger overrides what it needs."""

    def before_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> None:
        """An op is about to run; ``function`` already holds its parameters (stride, padding ...)."""

    def after_forward(
        self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        """An op has run. ``function.seq`` is its place on the tape, or -1 when nothing was recorded."""

    def before_backward(self, function: Function, gradients: tuple[np.ndarray | None, ...]) -> None:
        """An op's backward is about to run; ``gradients`` belong to its outputs, in their order."""

    def after_backward(
        self,
        function: Function,
        gradients: tuple[np.ndarray | None, ...],
        input_gradients: tuple[np.ndarray | None, ...],
    ) -> None:
        """An op's backward has run; ``input_gradients`` belong to its inputs, in their order."""

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        """``tensor`` is about to change in place.

        ``kind`` is ``"optimizer"``, ``"gradient"`` (accumulation into ``.grad``), ``"in-place"`` or
        ``"buffer"`` (running statistics); ``details`` is what does it: the optimizer, the function, the module.
        """

    def after_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        """The change announced by :meth:`before_update` is done."""

    def enter_module(self, module: Any, inputs: tuple) -> None:
        """``module(*inputs)`` begins."""

    def exit_module(self, module: Any, outputs: Any) -> None:
        """``module(*inputs)`` has returned ``outputs``."""

    def begin_backward(self, roots: tuple[Tensor, ...]) -> None:
        """``backward`` begins at ``roots``."""

    def end_backward(self, roots: tuple[Tensor, ...]) -> None:
        """``backward`` is done."""

    def begin_step(self, optimizer: Any) -> None:
        """``optimizer.step()`` begins."""

    def end_step(self, optimizer: Any) -> None:
        """``optimizer.step()`` is done."""

    def begin_epoch(self, loader: Any) -> None:
        """A pass over a DataLoader begins."""

    def batch(self, loader: Any, index: int, batch: Any) -> None:
        """A DataLoader hands out batch number ``index`` of the pass (from 0)."""

    def end_epoch(self, loader: Any) -> None:
        """A pass over a DataLoader has come to its end."""


observer: Observer | None = None


def set_observer(new: Observer | None) -> Observer | None:
    """Attach ``new`` (or detach with None) and return the observer that was attached before."""
    global observer
    previous, observer = observer, new
    return previous
