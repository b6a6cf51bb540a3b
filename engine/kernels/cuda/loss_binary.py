"""Binary cross-entropy on the GPU; arguments as on the CPU (:mod:`engine.kernels.cpu.loss_binary`)."""

from engine.definitions import loss_binary as definitions
from engine.kernels.cuda.losses import gradient, reduced

binary_cross_entropy_reduced = reduced(definitions.binary_cross_entropy_element)
binary_cross_entropy_backward = gradient(definitions.binary_cross_entropy_backward)
binary_cross_entropy_with_logits_reduced = reduced(definitions.binary_cross_entropy_with_logits_element)
binary_cross_entropy_with_logits_backward = gradient(definitions.binary_cross_entropy_with_logits_backward)
