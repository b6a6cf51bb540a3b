"""Sequences of different lengths in one tensor (``torch.nn.utils.rnn``, without what packs them for recurrent layers)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.errors import MissingError, ShapeError
from engine.nn.functional import pad
from engine.tensor import Tensor

__all__ = ["pad_sequence"]


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences, each filled up to the length of the longest.

    Args:
        sequences: tensors (L, ...) of the same dtype, alike behind their first dimension.
        batch_first: whether the result is (B, T, ...) instead of (T, B, ...).
        padding_value: of the elements that are added.
        padding_side: where they are added: ``"right"``, the end, or ``"left"``.

    Raises:
        RuntimeError: ``padding_side`` is neither, or there is no sequence.
        ShapeError: sequences differ behind their first dimension.
    """
    from engine.ops.joining import stack

    sequences = list(sequences)
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: padding_side is {padding_side!r}; it must be 'left' or 'right'")
    if not sequences:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    for number, sequence in enumerate(sequences):
        if sequence.dim() == 0 or sequence.shape[1:] != sequences[0].shape[1:]:
            raise ShapeError(
                f"pad_sequence: sequence {number} has shape {tuple(sequence.shape)} but the first has "
                f"{tuple(sequences[0].shape)}; they may differ in their first dimension only"
            )
    longest = max(sequence.shape[0] for sequence in sequences)
    rows = []
    for sequence in sequences:
        more = longest - sequence.shape[0]
        ends = (more, 0) if padding_side == "left" else (0, more)
        rows.append(pad(sequence, (0, 0) * (sequence.dim() - 1) + ends, value=padding_value) if more else sequence)
    return stack(rows, 0 if batch_first else 1)


def __getattr__(name: str) -> Any:
    raise MissingError(
        f"module 'engine.nn.utils.rnn' has no '{name}': this subset of PyTorch, which has no recurrent layers, lacks "
        f"torch.nn.utils.rnn.{name}"
    )
