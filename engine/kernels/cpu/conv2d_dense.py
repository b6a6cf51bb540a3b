"""2-D cross-correlation with stride 1 on the CPU, without building the matrix of windows.

x (N, C, H, W), w (O, C, KH, KW), y (N, O, OH, OW) with OH = H + 2 PH - DH (KH - 1), OW likewise; no groups.

Each sample is copied into a padded picture with rows of WP = W + 2 PW numbers. There pixel (p, q) of window position
(c, i, j) lies at offsets[c, i, j] + p·WP + q, so that a run of pixels, even across rows, is a run in memory: exactly
what vector instructions load (:mod:`engine.kernels.cpu.simd`). The OW..WP tail of every row is computed too, and
dropped.

The gradient with respect to x is such a correlation again: of dy, padded by DH (KH - 1) - PH, with the filters
turned by 180° and their two channel dimensions exchanged.

The samples are cut into teams whose number does not depend on the thread count; each has its own scratch and its
own partial sum of the filters' gradient, added up in a fixed order.
"""

# Numba passes an intrinsic's typing context itself.
# pyright: reportCallIssue=false

from numba import prange

from engine.kernels.cpu.simd import (
    FILTERS,
    GRADIENT_FILTERS,
    GRADIENT_TAPS,
    MOST_LANES,
    VECTORS,
    correlate_block,
    gradient_block,
    lanes,
)
from engine.kernels.jit import helper, kernel

#: Numbers behind the end of a padded picture that the last vectors may read.
SLACK = 2 * VECTORS * MOST_LANES


def round_up(number: int, unit: int) -> int:
    """The next multiple of ``unit``."""
    return -(-number // unit) * unit


def run_length(rows: int, pitch: int) -> int:
    """Room for one filter's run of output pixels, rounded up to whole blocks."""
    return round_up(rows * pitch, VECTORS * MOST_LANES) + VECTORS * MOST_LANES


def together(numbers: int) -> int:
    """Samples whose gradients are summed in one go, where one sample takes ``numbers``: as many as stay in the cache."""
    return max(1, min(8, 100_000 // numbers))


def teams(samples: int) -> int:
    """Into how many teams ``samples`` are cut."""
    return min(samples, 16)


@helper
def _pad(picture, start, x, n, padding, pitch, plane):
    """Copy sample n into the middle of the padded picture, whose border is zero already."""
    ph, pw = padding
    for c in range(x.shape[1]):
        for h in range(x.shape[2]):
            row = x[n, c, h]
            at = start + c * plane + (h + ph) * pitch + pw
            target = picture[at : at + row.shape[0]]
            for v in range(row.shape[0]):
                target[v] = row[v]


@helper
def _spread(run, start, plane, pitch):
    """Copy the rows of ``plane`` to distance ``pitch``; returns the sum of its elements."""
    total = plane.dtype.type(0)
    for p in range(plane.shape[0]):
        source = plane[p]
        target = run[start + p * pitch : start + p * pitch + source.shape[0]]
        for q in range(source.shape[0]):
            target[q] = source[q]
            total += source[q]
    return total


@kernel
def pack_filters(packed, w, turned):
    """Filters as ``correlate_block`` reads them: packed[block, k, o in block]; missing filters are zero.

    With ``turned``, the filters of the gradient with respect to x: turned by 180°, O and C exchanged.
    """
    kh, kw = w.shape[2], w.shape[3]
    filters = w.shape[1] if turned else w.shape[0]
    channels = w.shape[0] if turned else w.shape[1]
    window = channels * kh * kw
    for block in range((filters + FILTERS - 1) // FILTERS):
        for c in range(channels):
            for i in range(kh):
                for j in range(kw):
                    at = (block * window + (c * kh + i) * kw + j) * FILTERS
                    for lane in range(FILTERS):
                        o = block * FILTERS + lane
                        if o >= filters:
                            packed[at + lane] = 0
                        elif turned:
                            packed[at + lane] = w[c, o, kh - 1 - i, kw - 1 - j]
                        else:
                            packed[at + lane] = w[o, c, i, j]


@kernel(alone=True)
def correlate(y, x, packed, offsets, b, pictures, runs, padding):
    """y[n, o, p, q] = b[o] + Σ_k w[o, k]·picture_n[offsets[k] + p·WP + q]

    Args:
        packed: filters from ``pack_filters``.     offsets: (C·KH·KW) int64.     b: (O) or size 0.
        pictures: (teams, C·HP·WP + SLACK) scratch.     runs: (teams, FILTERS·run_length) scratch.
    """
    samples, filters, rows, width = y.shape
    height = x.shape[2] + 2 * padding[0]
    pitch = x.shape[3] + 2 * padding[1]
    window = offsets.size
    count = pictures.shape[0]
    length = runs.shape[1] // FILTERS
    step = VECTORS * lanes(x)
    pixels = (rows - 1) * pitch + width
    for team in prange(count):
        picture = pictures[team]
        run = runs[team]
        for v in range(picture.size):
            picture[v] = 0
        for n in range(samples * team // count, samples * (team + 1) // count):
            _pad(picture, 0, x, n, padding, pitch, height * pitch)
            for block in range((filters + FILTERS - 1) // FILTERS):
                for t in range(0, pixels, step):
                    correlate_block(run, t, length, picture, t, offsets, window, packed, block * window * FILTERS)
                for o in range(block * FILTERS, min(filters, (block + 1) * FILTERS)):
                    shift = y.dtype.type(0)
                    if b.size > 0:
                        shift = b[o]
                    for p in range(rows):
                        at = (o - block * FILTERS) * length + p * pitch
                        source = run[at : at + width]
                        target = y[n, o, p]
                        for q in range(width):
                            target[q] = source[q] + shift


@kernel(alone=True)
def correlate_backward_weight(dw, db, dy, x, offsets, parts, sums, pictures, runs, padding):
    """dw[o, k] = Σ_n,p,q dy[n, o, p, q]·picture_n[offsets[k] + p·WP + q] and db[o] = Σ_n,p,q dy[n, o, p, q]

    Args:
        db: (O) or size 0.
        offsets: (C·KH·KW rounded up to GRADIENT_TAPS) int64, the surplus zero.
        parts: (teams, O rounded up to GRADIENT_FILTERS times the length of offsets) scratch.
        sums: (teams, O) scratch.
        pictures: (teams, samples together, C·HP·WP + SLACK) scratch.
        runs: (teams, samples together, O rounded up times run_length) scratch.
    """
    samples, filters, rows, width = dy.shape
    height = x.shape[2] + 2 * padding[0]
    pitch = x.shape[3] + 2 * padding[1]
    window = offsets.size
    count, together = pictures.shape[0], pictures.shape[1]
    blocks = (filters + GRADIENT_FILTERS - 1) // GRADIENT_FILTERS
    length = runs.shape[2] // (blocks * GRADIENT_FILTERS)
    pixels = (rows - 1) * pitch + width
    for team in prange(count):
        picture = pictures[team].reshape(pictures.shape[1] * pictures.shape[2])
        run = runs[team].reshape(runs.shape[1] * runs.shape[2])
        part = parts[team]
        for v in range(picture.size):
            picture[v] = 0
        for v in range(run.size):
            run[v] = 0
        for v in range(part.size):
            part[v] = 0
        for o in range(filters):
            sums[team, o] = 0
        last = samples * (team + 1) // count
        for first in range(samples * team // count, last, together):
            group = min(together, last - first)
            for s in range(group):
                _pad(picture, s * pictures.shape[2], x, first + s, padding, pitch, height * pitch)
                for o in range(filters):
                    sums[team, o] += _spread(run, s * runs.shape[2] + o * length, dy[first + s, o], pitch)
            for k in range(0, window, GRADIENT_TAPS):
                for block in range(blocks):
                    o = block * GRADIENT_FILTERS
                    gradient_block(part, o * window + k, window, run, o * length, length, runs.shape[2],
                                   picture, pictures.shape[2], offsets, k, pixels, group)
    flat = dw.reshape(dw.size)
    taps = flat.size // filters
    for o in range(filters):
        for k in range(taps):
            total = parts[0, o * window + k]
            for team in range(1, count):
                total += parts[team, o * window + k]
            flat[o * taps + k] = total
    for o in range(db.size):
        total = sums[0, o]
        for team in range(1, count):
            total += sums[team, o]
        db[o] = total
