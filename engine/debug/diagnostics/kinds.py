"""Kinds of ops that checks speak of."""

from __future__ import annotations

from engine.function import Function
from engine.ops.activation import Relu, Sigmoid, Tanh
from engine.ops.arithmetic import Abs, Add, Sub
from engine.ops.conv import Convolution, ConvTranspose
from engine.ops.dropout import Dropout
from engine.ops.elementwise import Cast, Clone
from engine.ops.linear import Linear
from engine.ops.loss_base import ElementLoss
from engine.ops.loss_binary import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from engine.ops.loss_classification import CrossEntropy, NllLoss, RowLoss, SoftCrossEntropy
from engine.ops.loss_regression import MseLoss
from engine.ops.matmul import Addmm, Bmm
from engine.ops.movement import Contiguous, Expand, Reshape
from engine.ops.norm import BatchNorm
from engine.ops.permuting import Permute, Transpose
from engine.ops.pool import MaxPool2d
from engine.ops.powers import Pow
from engine.ops.reduction import Mean, Sum
from engine.ops.scattering import MaskedFill
from engine.ops.selection import Where
from engine.ops.softmax import LogSoftmax, Softmax

#: Ops that hand elements on as they are.
VIEWS = (Reshape, Permute, Transpose, Expand, Contiguous, Clone, Cast)
#: Ops that multiply with a weight. Bmm is the base of Mm, Mv and Dot.
WEIGHTED = (Linear, Convolution, ConvTranspose, Addmm, Bmm)
#: Losses that are one op.
LOSSES = (ElementLoss, RowLoss)
#: Losses of class labels.
LABEL_LOSSES = (CrossEntropy, NllLoss)
#: Ops that behave differently in training and evaluation.
MODAL = (Dropout, BatchNorm)
#: Ops that put constants, which may be infinite on purpose, in the place of elements.
MASKS = (MaskedFill, Where)
#: What a loss written by hand may consist of, behind the difference of output and target.
LOSS_PARTS = (Pow, Abs, Mean, Sum)


def is_kind(function: Function, kinds: tuple) -> bool:
    """Whether the op is one of ``kinds``."""
    return isinstance(function, kinds)


__all__ = [
    "LABEL_LOSSES", "LOSSES", "LOSS_PARTS", "MASKS", "MODAL", "VIEWS", "WEIGHTED", "Add", "BatchNorm",
    "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits", "Convolution", "CrossEntropy", "Dropout", "Expand", "Linear",
    "LogSoftmax", "MaxPool2d", "MseLoss", "NllLoss", "Relu", "Sigmoid", "SoftCrossEntropy", "Softmax", "Sub", "Tanh",
    "is_kind",
]  # fmt: skip
