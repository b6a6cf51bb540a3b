"""Embedding on the CPU: indices t (R), table (V, D), gradients dy (R, D) → dw (V, D)."""

from numba import prange

from engine.kernels.jit import kernel

#: Columns of the table that one thread adds up.
_COLUMNS = 64


@kernel
def first_bad_index(found, t, size, number):
    """found = number, place and value of the first index outside [0, size), where found[0] is 0."""
    for r in range(t.size):
        if t[r] < 0 or t[r] >= size:
            if found[0] == 0:
                found[0], found[1], found[2] = number, r, t[r]
            break


@kernel
def embedding_forward(y, t, w):
    for r in prange(y.shape[0]):
        source, goal = w[t[r]], y[r]
        for d in range(goal.size):
            goal[d] = source[d]


@kernel
def embedding_backward(dw, dy, t, padding_idx):
    # Each column block has one owner, who adds the rows in their order: the sum does not depend on the threads.
    rows, columns = dw.shape
    for block in prange((columns + _COLUMNS - 1) // _COLUMNS):
        start, stop = block * _COLUMNS, min(columns, (block + 1) * _COLUMNS)
        for v in range(rows):
            dw[v, start:stop] = 0
        for r in range(t.size):
            v = t[r]
            if v != padding_idx:
                goal, source = dw[v, start:stop], dy[r, start:stop]
                for d in range(goal.size):
                    goal[d] += source[d]
