"""Random numbers on the GPU: flat arrays, one thread an element, straight from the definitions.

Dropout's masks, which every step of a training draws, have a kernel that works on four elements at a time.
"""

from __future__ import annotations

from engine.definitions import random as definitions
from engine.kernels import derive
from engine.kernels.cuda.launch import ELEMENT_THREADS, cuda, jit, launch, one_each

uniform_float32 = derive.cuda(definitions.random_uniform_float32)
uniform_float64 = derive.cuda(definitions.random_uniform_float64)
normal_float32 = derive.cuda(definitions.random_normal_float32)
normal_float64 = derive.cuda(definitions.random_normal_float64)
exponential_float32 = derive.cuda(definitions.random_exponential_float32)
exponential_float64 = derive.cuda(definitions.random_exponential_float64)
integers = derive.cuda(definitions.random_integers)
wide_integers = derive.cuda(definitions.random_wide_integers)
bernoulli = derive.cuda(definitions.random_bernoulli)
bernoulli_each = derive.cuda(definitions.random_bernoulli_each)

words = derive.cuda_helper(definitions.random_dropout_mask, "words")


@jit
def _dropout_mask(mask, seed, offset, threshold, scale):
    # One thread for the four neighbours that share a block of words, which takes far longer to make than to use.
    block = cuda.grid(1)
    i = 4 * block
    if i < mask.size:
        first, second, third, fourth = words(seed, offset, block)
        mask[i] = scale if first < threshold else 0.0
        if i + 1 < mask.size:
            mask[i + 1] = scale if second < threshold else 0.0
        if i + 2 < mask.size:
            mask[i + 2] = scale if third < threshold else 0.0
        if i + 3 < mask.size:
            mask[i + 3] = scale if fourth < threshold else 0.0


def dropout_mask(mask, seed, offset, threshold, scale) -> None:
    """mask (n): scale where the word of the element is below threshold, else 0."""
    if mask.size:
        launch(_dropout_mask, *one_each(-(-mask.size // 4), ELEMENT_THREADS), mask, seed, offset, threshold, scale)
