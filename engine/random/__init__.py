"""Random streams that give the numbers of PyTorch's generators.

On the CPU, after the same seed and the same sequence of calls, these functions return what PyTorch 2.13
returns on an x86-64 CPU: bit by bit where the arithmetic is exact or fixed by PyTorch (every
function, in float32), and up to the last bit of the C library's ``log``, ``sin`` and ``cos`` in
float64.

Arrays on a GPU are drawn there, by another generator, which as in PyTorch gives other numbers after
the same seed: see :mod:`engine.definitions.random`.

Everything here works on arrays: NumPy's, and on a GPU CudaArrays.
"""

from __future__ import annotations

from engine.random.default import (
    cuda_generator,
    default_generator,
    fork_rng,
    get_all_states,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_all_states,
    set_rng_state,
)
from engine.random.discrete import bernoulli, integers, random_full
from engine.random.fill import exponential, normal, uniform
from engine.random.generator import Generator
from engine.random.sample import dropout_mask, multinomial, permutation, trunc_normal

__all__ = [
    "Generator",
    "bernoulli",
    "cuda_generator",
    "default_generator",
    "dropout_mask",
    "exponential",
    "fork_rng",
    "get_all_states",
    "get_rng_state",
    "initial_seed",
    "integers",
    "manual_seed",
    "multinomial",
    "normal",
    "permutation",
    "random_full",
    "seed",
    "set_all_states",
    "set_rng_state",
    "trunc_normal",
    "uniform",
]
