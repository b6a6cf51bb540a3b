"""In-place forms of ops: the tensor's memory is overwritten and its history goes on from the result."""

from __future__ import annotations

from engine.function import Function, apply
from engine.ops.elementwise import copied
from engine.tensor import Tensor, wrap


def overwrite(op: str, function: Function, input: Tensor) -> Tensor:
    """Apply ``function``, whose result has the input's shape and dtype, to ``input`` in place.

    Raises:
        InPlaceError: for leaves and views that require grad.
    """
    input._check_in_place(f"{op}_")
    # What stands for the input on the tape; where backward reads its elements, they are kept from being overwritten.
    before = wrap(copied(input._array) if function.saves_inputs else input._array)
    before._requires_grad, before._function, before._output = input._requires_grad, input._function, input._output
    result = apply(function, before)
    input._write(result._array, function)
    if result._requires_grad:
        input._function, input._output = result._function, result._output
        input._retains_grad = False
    return input
