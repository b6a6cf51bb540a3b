"""Kernels with a fault each, for the tests of the checker, and the same without. A module of its own, imported where there
is a GPU or the simulator."""

import numpy as np
from numba import float32, float64

from engine.kernels.cuda.blocks import block_sum
from engine.kernels.cuda.launch import cuda, device_function

N = 4


@cuda.jit
def sound(y, x):
    """y[block] = the sum of the block's elements, by neighbours: every barrier that is needed."""
    shared = cuda.shared.array(N, float64)
    thread = cuda.threadIdx.x
    shared[thread] = x[cuda.grid(1)]
    cuda.syncthreads()
    total = shared[thread] + shared[(thread + 1) % N]
    cuda.syncthreads()
    shared[thread] = total
    total = block_sum(shared, total)
    if thread == 0:
        y[cuda.blockIdx.x] = total / 2


@cuda.jit
def no_barrier_before_reading(y, x):
    shared = cuda.shared.array(N, float64)
    thread = cuda.threadIdx.x
    shared[thread] = 0
    cuda.syncthreads()
    shared[thread] = x[thread]
    y[thread] = shared[N - 1 - thread]


@cuda.jit
def no_barrier_before_writing_again(y, x):
    shared = cuda.shared.array(N, float64)
    thread = cuda.threadIdx.x
    for turn in range(2):
        shared[thread] = x[thread] + turn
        cuda.syncthreads()
        y[thread] = shared[N - 1 - thread]


@cuda.jit
def halves_within_a_warp(y, x):
    """What ran before Volta: threads of one warp in step."""
    shared = cuda.shared.array(N, float64)
    thread = cuda.threadIdx.x
    shared[thread] = x[thread]
    cuda.syncthreads()
    if thread < 2:
        shared[thread] += shared[thread + 2]
    if thread < 1:
        y[0] = shared[0] + shared[1]


@cuda.jit
def all_write_one(y, x):
    place = cuda.grid(1)
    if place < x.size:
        y[0] += x[place]


@cuda.jit
def all_add_to_one(y, x):
    place = cuda.grid(1)
    if place < x.size:
        cuda.atomic.add(y, 0, x[place])


@cuda.jit
def adds_and_reads(y, x):
    place = cuda.grid(1)
    if place < x.size:
        cuda.atomic.add(y, 0, x[place])
        x[place] = y[0]


@cuda.jit
def in_place_shift(y, x):
    place = cuda.grid(1)
    if place + 1 < x.size:
        x[place] = x[place + 1]


@cuda.jit
def blocks_meet(y, x):
    """A barrier orders the threads of one block, not blocks."""
    y[cuda.grid(1)] = x[cuda.grid(1)]
    cuda.syncthreads()
    if cuda.grid(1) == 0:
        y[0] = y[y.size - 1]


@cuda.jit
def threads_of_a_block_meet(y, x):
    y[cuda.grid(1)] = x[cuda.grid(1)]
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        last = cuda.grid(1) + cuda.blockDim.x - 1
        y[cuda.grid(1)] = y[last]


@cuda.jit
def shared_never_written(y, x):
    shared = cuda.shared.array(N, float64)
    thread = cuda.threadIdx.x
    if thread > 0:
        shared[thread] = x[thread]
    cuda.syncthreads()
    if thread == 0:
        y[cuda.blockIdx.x] = shared[0]


@cuda.jit
def shared_of_the_block_before(y, x):
    shared = cuda.shared.array(N, float64)
    if cuda.blockIdx.x == 0:
        shared[cuda.threadIdx.x] = x[cuda.threadIdx.x]
    y[cuda.grid(1)] = shared[cuda.threadIdx.x]


@cuda.jit
def local_never_written(y, x):
    own = cuda.local.array(2, float64)
    own[0] = x[0]
    if x[0] > 100:
        own[1] = x[1]
    y[cuda.grid(1)] = own[0] + own[1]


@cuda.jit
def reads_result(y, x):
    place = cuda.grid(1)
    if place < y.size:
        y[place] += x[place]


@cuda.jit
def one_too_many(y, x):
    place = cuda.grid(1)
    if place <= y.size:
        y[place] = 1


@cuda.jit
def from_the_end(y, x):
    y[cuda.grid(1)] = x[cuda.grid(1) - 1]


@cuda.jit
def outside_shared(y, x):
    shared = cuda.shared.array(N, float64)
    shared[cuda.threadIdx.x + 1] = 0


@cuda.jit
def some_wait(y, x):
    if cuda.threadIdx.x < 2:
        cuda.syncthreads()
    y[cuda.grid(1)] = 1


@cuda.jit
def returns_early(y, x):
    if cuda.grid(1) >= 6:
        return
    y[cuda.grid(1)] = 1
    cuda.syncthreads()


@cuda.jit
def two_barriers(y, x):
    if cuda.threadIdx.x < 2:
        cuda.syncthreads()
    else:
        cuda.syncthreads()


@device_function
def meet():
    cuda.syncthreads()


@cuda.jit
def waits_in_other_turns(y, x):
    for _ in range(cuda.threadIdx.x + 1):
        meet()


@cuda.jit
def unaligned_view(y, x):
    tile = cuda.shared.array(8, float32)
    if cuda.threadIdx.x == 0:
        tile.view(np.complex128)[0] = 1


@cuda.jit
def takes_warps_for_granted(y, x):
    cuda.syncwarp()


@cuda.jit
def copy(y, x):
    place = cuda.grid(1)
    if place < y.size:
        y[place] = x[place]


@cuda.jit
def beyond(memory, x):
    """As kernels reach many arrays: the first element behind the one that ``memory`` begins with."""
    if cuda.grid(1) == 0:
        memory[x.size] = 1
