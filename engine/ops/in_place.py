"""How an op changes a tensor in place and its history goes on.

The op runs out of place on a stand-in for the tensor; the result is written into the tensor's memory; and where it
was recorded, the tensor takes over the result's place in the graph.
"""

from __future__ import annotations

import numpy as np

from engine.errors import InPlaceError
from engine.function import Function, apply
from engine.ops.elementwise import copied
from engine.tensor import Tensor, clock, grad_mode, wrap


def check_in_place(tensor: Tensor, op: str, values: tuple = ()) -> None:
    """Refuse what PyTorch refuses, and what this engine cannot follow.

    Raises:
        InPlaceError: for leaves and views that require grad, for ``values`` that require grad put into views, and for
            memory that several elements share.
    """
    tensor._check_in_place(op)
    if not tensor._array.flags.writeable:
        raise InPlaceError(
            f"{op}: unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location (it was expanded), or its memory is read-only. Please clone() the tensor before performing the "
            "operation."
        )
    if tensor._base is None or tensor._array.dtype.kind != "f" or not grad_mode.enabled:
        return
    if any(isinstance(value, Tensor) and value._requires_grad for value in values):
        raise InPlaceError(
            f"{op}: writing a value that requires grad into a view is not followed by this engine; "
            "write into the tensor itself (base[...] = value), or use the out-of-place form, cat() or where()"
        )


def stand_in(tensor: Tensor, array: np.ndarray) -> Tensor:
    """A tensor at ``tensor``'s place in the graph with ``array`` as its elements."""
    other = wrap(array)
    other._requires_grad, other._function, other._output = tensor._requires_grad, tensor._function, tensor._output
    return other


def take_over(tensor: Tensor, result: Tensor, op: object) -> Tensor:
    """Write ``result`` into ``tensor``, which goes on in the graph from there."""
    tensor._write(result._array, op)
    if result._requires_grad:
        tensor._requires_grad, tensor._function, tensor._output = True, result._function, result._output
        tensor._retains_grad = False
        # Views that were taken before have another history than their memory now: Function refuses them.
        tensor._version_counter()[1:] = [clock.now]
    return tensor


def overwrite(op: str, function: Function, input: Tensor, *others: Tensor) -> Tensor:
    """Apply ``function``, whose result has the input's shape and dtype, to ``input`` and ``others`` in place.

    Raises:
        InPlaceError: see :func:`check_in_place`.
    """
    check_in_place(input, op, others)
    # Where backward reads the input's elements, they are kept from being overwritten.
    before = copied(input._array) if 0 in function.saves_inputs else input._array
    return take_over(input, apply(function, stand_in(input, before), *others), function)
