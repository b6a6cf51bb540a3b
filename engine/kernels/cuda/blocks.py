"""What the threads of one block do together: sums and largest values, pairwise in shared memory.

The order of the additions follows from the number of threads alone. Sums and largest values are asked for by all threads
of a block, and every one of them gets the result.
"""

from __future__ import annotations

from engine.device import gate
from engine.kernels.cuda.launch import cuda, device_function

#: Threads of the blocks that use these functions at most, and elements of their shared arrays: a power of two.
#: Few in the simulator, where each is a Python thread.
BLOCK_THREADS = 8 if gate.simulated() else 256

#: Threads that a GPU runs together: of fewer it would run as many.
_WARP = 1 if gate.simulated() else 32


def threads_for(count: int) -> int:
    """Threads of a block that works on ``count`` elements: a power of two; idle ones would only lengthen the sums."""
    return min(BLOCK_THREADS, max(_WARP, 1 << max(0, count - 1).bit_length()))


# Elements that a block works on often lie in several runs of one length (the maps of a channel, one for each sample). A
# thread takes every blockDim.x-th of all of them, and finds its run and its place there by one division at the start: of
# whole numbers a GPU divides slowly. Where several blocks share them, each is a part.


@device_function
def first_place_of(part, parts, length):
    """Where a thread begins, and how far it goes each time: run, place in the run, runs, places."""
    thread, step = part * cuda.blockDim.x + cuda.threadIdx.x, parts * cuda.blockDim.x
    return thread // length, thread % length, step // length, step % length


@device_function
def first_place(length):
    """As :func:`first_place_of`, for a block that has them alone."""
    return first_place_of(0, 1, length)


@device_function
def next_place(run, place, runs, places, length):
    """Run and place of the thread's next element."""
    run += runs
    place += places
    return (run + 1, place - length) if place >= length else (run, place)


@device_function
def block_sum(shared, value):
    thread = cuda.threadIdx.x
    shared[thread] = value
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if thread < half:
            shared[thread] += shared[thread + half]
        cuda.syncthreads()
        half //= 2
    total = shared[0]
    cuda.syncthreads()
    return total


@device_function
def block_max(shared, value):
    thread = cuda.threadIdx.x
    shared[thread] = value
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if thread < half:
            a = shared[thread]
            b = shared[thread + half]
            shared[thread] = a if (a >= b or a != a) else b
        cuda.syncthreads()
        half //= 2
    largest = shared[0]
    cuda.syncthreads()
    return largest
