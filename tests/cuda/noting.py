"""Kernels that write which thread computes an element. A module of its own, imported where there is a GPU or the simulator
(which looks for ``cuda`` among a kernel's globals)."""

from engine.kernels.cuda.launch import cuda, cuda_kernel


@cuda_kernel
def flat(result):
    place = cuda.grid(1)
    if place < result.shape[0] * result.shape[1]:
        result[place // result.shape[1], place % result.shape[1]] = cuda.blockIdx.x * 1000 + cuda.threadIdx.x


@cuda.jit
def matrices(result):
    """The places as :func:`engine.kernels.cuda.matmul.naive` finds them."""
    j, i = cuda.grid(2)
    n = cuda.blockIdx.z
    if i < result.shape[1] and j < result.shape[2]:
        own = cuda.blockIdx.y * 1000 + cuda.blockIdx.x * 100 + cuda.threadIdx.y * 10 + cuda.threadIdx.x
        result[n, i, j] = own
