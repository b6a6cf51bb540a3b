"""Parameters as one vector and back."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import ShapeError
from engine.tensor import Tensor, wrap


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of ``parameters`` in one vector, in order."""
    from engine.ops.joining import cat

    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let ``parameters`` hold consecutive pieces of ``vec``, sharing its memory."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        if end > vec.numel():
            raise ShapeError(
                f"vector_to_parameters: the vector has {vec.numel()} elements, but the parameters up to shape "
                f"{tuple(parameter.shape)} need {end}"
            )
        parameter.data = wrap(vec._array[start:end].reshape(parameter._array.shape))
        start = end
