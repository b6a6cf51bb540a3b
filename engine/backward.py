"""Backward: the chain rule over the recorded Functions.

Functions get ascending sequence numbers when they are recorded, and can only use what was there before
them. So the descending order of these numbers is a valid order for reverse-mode differentiation, and one
gradient table is all the state there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np

from engine import trace
from engine.device import one
from engine.errors import GradientError, ShapeError
from engine.function import Function
from engine.tensor import Tensor, clock, grad_mode, wrap


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | None | Sequence[Tensor | None] = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add to ``.grad`` of every leaf (or of ``inputs`` only) the gradient of the sum of ``tensors``.

    Args:
        tensors: where to begin; each without ``grad_tensors`` must hold a single element.
        grad_tensors: for each tensor the gradient that arrives at it, of its shape.
        retain_graph: keep the saved arrays, so that backward can run once more.
        create_graph: not available: there is no gradient of a gradient here.
        inputs: the leaves to accumulate into; all when None.

    Raises:
        GradientError: when nothing requires a gradient, the graph was freed, or a saved tensor was changed.
    """
    roots = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if grad_tensors is None or isinstance(grad_tensors, Tensor):
        grad_tensors = (grad_tensors,) * len(roots)
    accumulate = accumulate_gradient
    if inputs is not None:
        only = {id(t) for t in inputs}

        def accumulate(leaf: Tensor, gradient: np.ndarray, shared: bool) -> None:
            if id(leaf) in only:
                accumulate_gradient(leaf, gradient, shared)

    _run(roots, tuple(grad_tensors), bool(retain_graph), create_graph, accumulate)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | None | Sequence[Tensor | None] = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of ``outputs`` with respect to ``inputs``, without touching any ``.grad``.

    Raises:
        GradientError: when an input was not used and ``allow_unused`` is false.
    """
    roots = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
    wanted = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None or isinstance(grad_outputs, Tensor):
        grad_outputs = (grad_outputs,) * len(roots)
    for t in wanted:
        if not t._requires_grad:
            raise GradientError("grad: one of the differentiated tensors does not require grad")
    found: dict[object, np.ndarray] = {}
    keys = [id(t) if t._function is None else (t._function, t._output) for t in wanted]
    interior = {key for key in keys if type(key) is tuple}

    def accumulate(leaf: Tensor, gradient: np.ndarray, shared: bool) -> None:
        before = found.get(id(leaf))
        found[id(leaf)] = gradient if before is None else before + gradient

    def passing(function: Function, gradients: list) -> None:
        for i, gradient in enumerate(gradients):
            if (function, i) in interior and gradient is not None:
                found[(function, i)] = gradient

    _run(roots, tuple(grad_outputs), bool(retain_graph), create_graph, accumulate, passing)
    results = []
    for number, key in enumerate(keys):
        gradient = found.get(key)
        if gradient is None and not allow_unused:
            raise GradientError(
                f"grad: input {number} was not used in the graph of the outputs; "
                "set allow_unused=True if this is wanted"
            )
        results.append(None if gradient is None else wrap(gradient.copy()))
    return tuple(results)


def _run(roots, seeds, retain_graph, create_graph, accumulate, passing=None) -> None:
    if create_graph:
        raise GradientError(
            "backward: create_graph=True is not available: backward works on arrays, "
            "so that there is no gradient of a gradient in this engine"
        )
    table: dict[Function, list] = {}
    queue: list[tuple[int, Function]] = []
    kept: list[Function] | None = None
    if trace.on_pass is not None:
        trace.on_pass.begin_backward(roots, seeds)
        kept = [] if trace.on_pass.looks_back and not retain_graph else None
    for root, seed in zip(roots, seeds, strict=True):
        _send(_edge(root), _seed(root, seed), table, queue, accumulate, True)
    try:
        _differentiate(table, queue, retain_graph, accumulate, passing, kept)
        if trace.on_pass is not None:
            trace.on_pass.end_backward(roots)
    finally:
        for function in kept or ():
            _release(function)


def _differentiate(table, queue, retain_graph, accumulate, passing, kept) -> None:
    before = grad_mode.enabled
    grad_mode.enabled = False
    try:
        while queue:
            function = heappop(queue)[1]
            gradients = table.pop(function)
            if function.hooks is not None:
                _run_hooks(function, gradients)
            if passing is not None:
                passing(function, gradients)
            if function.released or function.recorded_at != clock.now:
                _check_saved(function)
            # Looked up for each op: a debugger that has stopped here may watch more, or less, than before.
            observer = trace.on_backward
            if observer is None or not observer.runs:
                results = function.backward(*gradients)
            else:
                results = observer.run_backward(function, gradients)
            if not isinstance(results, tuple):
                results = (results,)
            if observer is not None:
                observer.after_backward(function, tuple(gradients), results)
            shared = function.passes_gradient
            for edge, gradient in zip(function.edges, results):
                if edge is None or gradient is None:
                    continue
                node, output = edge
                if output >= 0 and node not in table and node.outputs == 1:
                    # The usual case, spelled out: this loop is the cost of a small network.
                    table[node] = [gradient]
                    heappush(queue, (-node.seq, node))
                else:
                    _send(edge, gradient, table, queue, accumulate, shared)
            if kept is not None:
                kept.append(function)
            elif not retain_graph:
                _release(function)
    finally:
        grad_mode.enabled = before


def _edge(root: Tensor) -> tuple:
    if not root._requires_grad:
        raise GradientError("element 0 of tensors does not require grad and does not have a grad_fn")
    return (root, -1) if root._function is None else (root._function, root._output)


def _seed(root: Tensor, seed: Tensor | None) -> np.ndarray:
    if seed is None:
        if root._array.size != 1:
            raise GradientError(
                "grad can be implicitly created only for scalar outputs: "
                f"backward began at a tensor of shape {root._array.shape}; reduce it (.sum(), .mean()) or give a gradient"
            )
        return one(root._array).reshape(root._array.shape)
    if seed._array.shape != root._array.shape:
        raise ShapeError(
            f"backward: the gradient has shape {seed._array.shape} but the tensor has shape {root._array.shape}; "
            "they must be equal"
        )
    return seed._array.astype(root._array.dtype, copy=False)


def _send(edge, gradient, table, queue, accumulate, shared) -> None:
    node, output = edge
    if output < 0:
        if node._hooks:
            gradient = _call_hooks(node._hooks, gradient)
        accumulate(node, gradient, shared)
        return
    arrived = table.get(node)
    if arrived is None:
        arrived = table[node] = [None] * node.outputs
        heappush(queue, (-node.seq, node))
    before = arrived[output]
    arrived[output] = gradient if before is None else sum_of(before, gradient)


def sum_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Two gradients that arrive at one place."""
    # NumPy makes a scalar of the sum of two arrays without dimensions.
    total = a + b
    return np.asarray(total) if isinstance(total, np.generic) else total


def accumulate_gradient(leaf: Tensor, gradient: np.ndarray, shared: bool) -> None:
    """Add ``gradient`` to ``leaf.grad``; take it as it is when there is none yet and nothing else holds it."""
    before = leaf._grad
    observer = trace.on_update
    forbidden = observer is not None and observer.before_update("gradient", leaf, None)
    if before is None:
        leaf._grad = wrap(gradient.copy() if shared else gradient)
    elif not forbidden:
        np.add(before._array, gradient, out=before._array)
        before._bump()
    if observer is not None:
        observer.after_update("gradient", leaf, None)


def _check_saved(function: Function) -> None:
    if function.released:
        raise GradientError(
            "Trying to backward through the graph a second time: "
            f"the arrays that {function.name} saved were freed by the first backward; "
            "call it with retain_graph=True to keep them"
        )
    counters = [t._version for t in function.saved if t._version is not None]
    if any(counter[0] > function.recorded_at for counter in (*counters, *function.watched)):
        raise GradientError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"backward of {function.name} needs a tensor that was changed in place after {function.name} had used it; "
            "use the out-of-place form, or clone() the tensor first"
        )


def _release(function: Function) -> None:
    # Free what was saved as soon as it has been used; the shape of the graph stays.
    edges, outputs, seq = function.edges, function.outputs, function.seq
    function.__dict__.clear()
    function.edges, function.outputs, function.seq = edges, outputs, seq
    function.released = True


def _run_hooks(function: Function, gradients: list) -> None:
    for output, (hooks, retainer) in (function.hooks or {}).items():
        gradient = gradients[output]
        if gradient is None:
            continue
        if hooks:
            gradient = gradients[output] = _call_hooks(hooks, gradient)
        tensor = retainer() if retainer is not None else None
        if tensor is not None:
            before = tensor._grad
            tensor._grad = wrap(gradient.copy() if before is None else before._array + gradient)


def _call_hooks(hooks: dict, gradient: np.ndarray) -> np.ndarray:
    for hook in list(hooks.values()):
        result = hook(wrap(gradient))
        if result is not None:
            if not isinstance(result, Tensor) or result._array.shape != gradient.shape:
                raise GradientError(
                    "a tensor hook must return None or a tensor of the gradient's shape "
                    f"{gradient.shape}, got {result!r}"
                )
            gradient = result._array
    return gradient


def _tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add to ``.grad`` of every leaf the gradient of this tensor; see :func:`engine.autograd.backward`."""
    backward(self, gradient, retain_graph, create_graph, inputs)


Tensor.backward = _tensor_backward
