"""All losses under one name; each family has a file of its own."""

from engine.ops.loss_binary import binary_cross_entropy, binary_cross_entropy_with_logits, kl_div
from engine.ops.loss_classification import cross_entropy, nll_loss
from engine.ops.loss_regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
]
