"""Losses over classes on the GPU; arguments as on the CPU (:mod:`engine.kernels.cpu.loss_classification`).

Forward has one block of threads for each row; the totals over the rows are added by one block in a fixed order. What
is one number a row and what is summed is float64, elements are of the dtype of the arrays, as on the CPU.
"""

from __future__ import annotations

from numba import float64, int64

from engine.kernels.cuda.blocks import BLOCK_THREADS, block_sum, threads_for
from engine.kernels.cuda.launch import cuda, device_function, jit, launch, math, one_each
from engine.kernels.cuda.softmax import row_max


@jit
def _first_bad(found, t, size, ignored, number):
    # A block looks at all, each thread at its own; the smallest position wins.
    shared = cuda.shared.array(BLOCK_THREADS, int64)
    thread = cuda.threadIdx.x
    first = int64(-1)
    for n in range(thread, t.size, cuda.blockDim.x):
        if (t[n] < 0 or t[n] >= size) and t[n] != ignored:
            first = n
            break
    shared[thread] = first
    cuda.syncthreads()
    if thread == 0:
        for k in range(1, cuda.blockDim.x):
            if shared[k] >= 0 and (first < 0 or shared[k] < first):
                first = shared[k]
        # A fault that nobody has read yet stays.
        if first >= 0 and found[0] == 0:
            found[0] = number
            found[1] = first
            found[2] = t[first]


def first_bad_label(found, t, classes, ignore_index, number) -> None:
    """found = number, place and value of the first label that is neither a class nor ignore_index, where found[0] is 0."""
    if t.size:
        launch(_first_bad, 1, threads_for(t.size), found, t, classes, ignore_index, number)


@device_function
def _weight(w, label):
    return float64(w[label]) if w.size > 0 else float64(1)


@device_function
def _factor(w, c, like):
    """The weight of class c in the dtype of ``like``."""
    return w[c] if w.size > 0 else like.dtype.type(1)


@device_function
def _is_class(label, classes):
    """Whether ``label`` may be an index: the error of one that is none is told later (:mod:`engine.device.faults`)."""
    return label >= 0 and label < classes


@device_function
def _reduced(totals, mean):
    if not mean:
        return totals[0]
    return totals[0] / totals[1] if totals[1] != 0 else float64(math.nan)


@device_function
def _of_row(dy, totals, mean, n):
    arriving = float64(dy[n]) if dy.size > 1 else float64(dy[0])
    if mean:
        arriving = arriving / totals[1] if totals[1] != 0 else float64(math.nan)
    # Rounded as on the CPU.
    return float64(dy.dtype.type(arriving))


@device_function
def _probabilities(shared, p, x, n):
    """p[n] = softmax(x[n]); returns the largest of x[n] and the sum of the exponentials of how far the others are below."""
    largest = row_max(shared, x, n)
    total = float64(0)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        value = math.exp(x[n, c] - largest)
        p[n, c] = value
        total += value
    total = block_sum(shared, total)
    inverse = x.dtype.type(1.0 / total)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        p[n, c] = p[n, c] * inverse
    return largest, total


@jit
def _cross_entropy_forward(losses, p, x, t, w, ignore_index, smoothing):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    n = cuda.blockIdx.x
    largest, total = _probabilities(shared, p, x, n)
    logarithm = float64(0)
    if cuda.threadIdx.x == 0 or smoothing > 0:
        logarithm = float64(largest) + math.log(total)
    spread = float64(0)
    if smoothing > 0:
        near = x.dtype.type(logarithm)
        for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
            spread += (near - x[n, c]) * _factor(w, c, x)
        spread = block_sum(shared, spread)
    if cuda.threadIdx.x == 0:
        losses[n] = 0
        if t[n] != ignore_index:
            losses[n] = math.nan
            if _is_class(t[n], x.shape[1]):
                loss = (1 - smoothing) * _weight(w, t[n]) * (logarithm - x[n, t[n]])
                losses[n] = loss + smoothing / x.shape[1] * spread


@jit
def _label_totals(y, totals, losses, t, w, classes, ignore_index, mean):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    total = float64(0)
    weight = float64(0)
    for n in range(cuda.threadIdx.x, losses.size, cuda.blockDim.x):
        if t[n] != ignore_index:
            total += losses[n]
            weight += _weight(w, t[n]) if _is_class(t[n], classes) else float64(1)
    total = block_sum(shared, total)
    weight = block_sum(shared, weight)
    if cuda.threadIdx.x == 0:
        totals[0] = total
        totals[1] = weight
        y[0] = _reduced(totals, mean)


def cross_entropy_forward(y, losses, p, totals, x, t, w, ignore_index, smoothing, mean) -> None:
    if x.size:
        launch(_cross_entropy_forward, x.shape[0], threads_for(x.shape[1]), losses, p, x, t, w, ignore_index, smoothing)
    launch(_label_totals, 1, threads_for(losses.size), y, totals, losses, t, w, x.shape[1], ignore_index, mean)


@jit
def _cross_entropy_backward(dx, p, t, w, dy, totals, ignore_index, smoothing, mean):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    n = cuda.blockIdx.x
    columns = p.shape[1]
    real = p.dtype.type
    total = float64(columns)
    if w.size > 0:
        total = float64(0)
        for c in range(cuda.threadIdx.x, columns, cuda.blockDim.x):
            total += w[c]
        total = block_sum(shared, total)
    factor = _of_row(dy, totals, mean, n) if t[n] != ignore_index else float64(0)
    label = t[n] if _is_class(t[n], columns) else 0
    of_label = factor * (1 - smoothing) * _weight(w, label)
    of_class = factor * smoothing / columns
    hit, even, slope = real(of_label), real(of_class), real(of_label + of_class * total)
    for c in range(cuda.threadIdx.x, columns, cuda.blockDim.x):
        if t[n] == ignore_index:
            dx[n, c] = 0
        else:
            own = even * _factor(w, c, p)
            if c == t[n]:
                own += hit
            dx[n, c] = p[n, c] * slope - own


def cross_entropy_backward(dx, p, t, w, dy, totals, ignore_index, smoothing, mean) -> None:
    if dx.size:
        threads = threads_for(p.shape[1])
        launch(_cross_entropy_backward, p.shape[0], threads, dx, p, t, w, dy, totals, ignore_index, smoothing, mean)


@jit
def _soft_cross_entropy_forward(losses, p, x, t, w, smoothing):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    n = cuda.blockIdx.x
    largest, total = _probabilities(shared, p, x, n)
    logarithm = x.dtype.type(float64(largest) + math.log(total))
    rest, even = x.dtype.type(1 - smoothing), x.dtype.type(smoothing / x.shape[1])
    loss = float64(0)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        loss += (rest * t[n, c] + even) * (logarithm - x[n, c]) * _factor(w, c, x)
    loss = block_sum(shared, loss)
    if cuda.threadIdx.x == 0:
        losses[n] = loss


@jit
def _row_totals(y, totals, losses, mean):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    total = float64(0)
    for n in range(cuda.threadIdx.x, losses.size, cuda.blockDim.x):
        total += losses[n]
    total = block_sum(shared, total)
    if cuda.threadIdx.x == 0:
        totals[0] = total
        totals[1] = losses.size
        y[0] = _reduced(totals, mean)


def soft_cross_entropy_forward(y, losses, p, totals, x, t, w, smoothing, mean) -> None:
    if x.size:
        launch(_soft_cross_entropy_forward, x.shape[0], threads_for(x.shape[1]), losses, p, x, t, w, smoothing)
    launch(_row_totals, 1, threads_for(losses.size), y, totals, losses, mean)


@jit
def _soft_cross_entropy_backward(dx, p, t, w, dy, totals, smoothing, mean):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    n = cuda.blockIdx.x
    columns = p.shape[1]
    rest, even = p.dtype.type(1 - smoothing), p.dtype.type(smoothing / columns)
    total = float64(0)
    for c in range(cuda.threadIdx.x, columns, cuda.blockDim.x):
        total += (rest * t[n, c] + even) * _factor(w, c, p)
    slope = p.dtype.type(block_sum(shared, total))
    factor = p.dtype.type(_of_row(dy, totals, mean, n))
    for c in range(cuda.threadIdx.x, columns, cuda.blockDim.x):
        own = (rest * t[n, c] + even) * _factor(w, c, p)
        dx[n, c] = factor * (p[n, c] * slope - own)


def soft_cross_entropy_backward(dx, p, t, w, dy, totals, smoothing, mean) -> None:
    if dx.size:
        threads = threads_for(p.shape[1])
        launch(_soft_cross_entropy_backward, p.shape[0], threads, dx, p, t, w, dy, totals, smoothing, mean)


@jit
def _nll_loss_forward(losses, x, t, w, ignore_index):
    n = cuda.grid(1)
    if n < losses.size:
        losses[n] = 0
        if t[n] != ignore_index:
            losses[n] = -_weight(w, t[n]) * x[n, t[n]] if _is_class(t[n], x.shape[1]) else math.nan


def nll_loss_forward(y, losses, totals, x, t, w, ignore_index, mean) -> None:
    if losses.size:
        launch(_nll_loss_forward, *one_each(losses.size), losses, x, t, w, ignore_index)
    launch(_label_totals, 1, threads_for(losses.size), y, totals, losses, t, w, x.shape[1], ignore_index, mean)


@jit
def _nll_loss_backward(dx, t, w, dy, totals, ignore_index, mean):
    place = cuda.grid(1)
    if place < dx.size:
        n = place // dx.shape[1]
        c = place % dx.shape[1]
        dx[n, c] = 0
        if t[n] == c and t[n] != ignore_index:
            dx[n, c] = -_weight(w, c) * _of_row(dy, totals, mean, n)


def nll_loss_backward(dx, t, w, dy, totals, ignore_index, mean) -> None:
    if dx.size:
        launch(_nll_loss_backward, *one_each(dx.size), dx, t, w, dy, totals, ignore_index, mean)
