"""Losses of numbers on the GPU; arguments as on the CPU (:mod:`engine.kernels.cpu.loss_regression`)."""

from engine.definitions import loss_regression as definitions
from engine.kernels.cuda.losses import gradient, reduced

mse_loss_reduced = reduced(definitions.mse_loss_element)
mse_loss_backward = gradient(definitions.mse_loss_backward)
l1_loss_reduced = reduced(definitions.l1_loss_element)
l1_loss_backward = gradient(definitions.l1_loss_backward)
smooth_l1_loss_reduced = reduced(definitions.smooth_l1_loss_element)
smooth_l1_loss_backward = gradient(definitions.smooth_l1_loss_backward)
huber_loss_reduced = reduced(definitions.huber_loss_element)
huber_loss_backward = gradient(definitions.huber_loss_backward)
