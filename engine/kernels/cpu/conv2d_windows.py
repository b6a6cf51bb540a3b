"""2-D cross-correlation on the CPU with any stride, dilation and groups: im2col in tiles, times the filters by BLAS.

x (N, C, H, W), w (O, C/groups, KH, KW), b (O) or size 0, y (N, O, OH, OW);
OH = (H + 2 PH - DH (KH - 1) - 1) // SH + 1, and OW likewise.

A tile is a run of output rows of one sample. Its columns (one for each output pixel, holding the window that the
pixel sees: C/groups·KH·KW numbers) are gathered into a small buffer, and one matrix product makes the tile of
all filters. The samples are cut into a fixed number of teams, whatever the thread count; a team has its own
buffer and, for the filters' gradient, its own partial sum, and the partial sums are added in a fixed order. So
results repeat bit by bit.
Source of the lowering: Chellapilla, Puri and Simard 2006, "High performance convolutional neural networks for
document processing".
"""

from numba import prange

from engine.kernels.cpu.blas import gemm
from engine.kernels.jit import helper, kernel

#: Numbers that one tile of columns may hold: 256 KiB in float32, a quarter of a usual L2 cache.
TILE_NUMBERS = 1 << 16


def teams(samples: int) -> int:
    """Into how many teams ``samples`` are cut."""
    return min(samples, 16)


def tile_rows(window: int, rows: int, width: int) -> int:
    """Output rows of a tile, for windows of ``window`` numbers and output planes of (rows, width)."""
    most = max(1, TILE_NUMBERS // (window * width))
    tiles = -(-rows // most)
    return -(-rows // tiles)


@helper
def _gather(columns, x, n, first_channel, channels, row, stop, width, kernel_size, stride, padding, dilation):
    """Columns of the output rows [row, stop) of sample n: columns[(c, i, j), (p, q)] = x[n, c, window of (p, q)]."""
    height, breadth = x.shape[2], x.shape[3]
    kh, kw = kernel_size
    sh, sw = stride
    ph, pw = padding
    dh, dw = dilation
    pixels = (stop - row) * width
    k = 0
    for c in range(first_channel, first_channel + channels):
        for i in range(kh):
            for j in range(kw):
                shift = j * dw - pw
                # Output columns [low, high) read inside the picture; the others read padding.
                low = min(width, max(0, (-shift + sw - 1) // sw))
                high = max(low, min(width, (breadth - shift + sw - 1) // sw))
                at = k * pixels
                for p in range(row, stop):
                    h = p * sh + i * dh - ph
                    target = columns[at : at + width]
                    if h < 0 or h >= height:
                        for q in range(width):
                            target[q] = 0
                    else:
                        for q in range(low):
                            target[q] = 0
                        if high > low:
                            source = x[n, c, h, low * sw + shift :]
                            inside = target[low:high]
                            for q in range(high - low):
                                inside[q] = source[q * sw]
                        for q in range(high, width):
                            target[q] = 0
                    at += width
                k += 1


@helper
def _scatter(dx, columns, n, first_channel, channels, row, stop, width, kernel_size, stride, padding, dilation):
    """The reverse of ``_gather``: adds every column to the window that it came from."""
    height, breadth = dx.shape[2], dx.shape[3]
    kh, kw = kernel_size
    sh, sw = stride
    ph, pw = padding
    dh, dw = dilation
    pixels = (stop - row) * width
    k = 0
    for c in range(first_channel, first_channel + channels):
        for i in range(kh):
            for j in range(kw):
                shift = j * dw - pw
                low = min(width, max(0, (-shift + sw - 1) // sw))
                high = max(low, min(width, (breadth - shift + sw - 1) // sw))
                at = k * pixels
                for p in range(row, stop):
                    h = p * sh + i * dh - ph
                    if h >= 0 and h < height and high > low:
                        target = dx[n, c, h, low * sw + shift :]
                        source = columns[at + low : at + high]
                        for q in range(high - low):
                            target[q * sw] += source[q]
                    at += width
                k += 1


@kernel(alone=True)
def windows_forward(y, columns, x, w, b, rows, stride, padding, dilation, groups):
    """y[n, o, p, q] = b[o] + Σ_c,i,j x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW]·w[o, c, i, j]

    Args:
        columns: (teams, C/groups·KH·KW·rows·OW) scratch.
        rows: output rows of a tile.
    """
    samples, filters, height, width = y.shape
    channels = w.shape[1]
    kernel_size = (w.shape[2], w.shape[3])
    window = channels * kernel_size[0] * kernel_size[1]
    share = filters // groups
    count = columns.shape[0]
    for team in prange(count):
        for n in range(samples * team // count, samples * (team + 1) // count):
            for g in range(groups):
                for row in range(0, height, rows):
                    stop = min(height, row + rows)
                    pixels = (stop - row) * width
                    _gather(columns[team], x, n, g * channels, channels, row, stop, width, kernel_size,
                            stride, padding, dilation)
                    beta = 0.0
                    if b.size > 0:
                        beta = 1.0
                        for o in range(g * share, (g + 1) * share):
                            for p in range(row, stop):
                                for q in range(width):
                                    y[n, o, p, q] = b[o]
                    start = ((n * filters + g * share) * height + row) * width
                    gemm(False, False, share, pixels, window, w, g * share * window, window,
                         columns, team * columns.shape[1], pixels, beta, y, start, height * width)


@kernel(alone=True)
def windows_backward_input(dx, columns, dy, w, rows, stride, padding, dilation, groups):
    """dx[n, c, h, v] = Σ_o,i,j dy[n, o, p, q]·w[o, c, i, j] over the outputs (p, q) whose window covers (h, v)

    Args:
        columns: (teams, C/groups·KH·KW·rows·OW) scratch.
        rows: output rows of a tile.
    """
    samples, filters, height, width = dy.shape
    channels = w.shape[1]
    kernel_size = (w.shape[2], w.shape[3])
    window = channels * kernel_size[0] * kernel_size[1]
    share = filters // groups
    count = columns.shape[0]
    for team in prange(count):
        for n in range(samples * team // count, samples * (team + 1) // count):
            for c in range(dx.shape[1]):
                for h in range(dx.shape[2]):
                    for v in range(dx.shape[3]):
                        dx[n, c, h, v] = 0
            for g in range(groups):
                for row in range(0, height, rows):
                    stop = min(height, row + rows)
                    pixels = (stop - row) * width
                    start = ((n * filters + g * share) * height + row) * width
                    gemm(True, False, window, pixels, share, w, g * share * window, window,
                         dy, start, height * width, 0.0, columns, team * columns.shape[1], pixels)
                    _scatter(dx, columns[team], n, g * channels, channels, row, stop, width, kernel_size,
                             stride, padding, dilation)


@kernel(alone=True)
def windows_backward_weight(dw, db, parts, columns, dy, x, rows, stride, padding, dilation, groups):
    """dw[o, c, i, j] = Σ_n,p,q dy[n, o, p, q]·x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW], db[o] = Σ_n,p,q dy[n, o, p, q]

    Args:
        parts: (teams, O·C/groups·KH·KW) scratch, one partial sum a team.
        columns: (teams, C/groups·KH·KW·rows·OW) scratch.
        rows: output rows of a tile.
    """
    samples, filters, height, width = dy.shape
    channels = dw.shape[1]
    kernel_size = (dw.shape[2], dw.shape[3])
    window = channels * kernel_size[0] * kernel_size[1]
    share = filters // groups
    count = columns.shape[0]
    for team in prange(count):
        beta = 0.0
        for n in range(samples * team // count, samples * (team + 1) // count):
            for row in range(0, height, rows):
                stop = min(height, row + rows)
                pixels = (stop - row) * width
                for g in range(groups):
                    _gather(columns[team], x, n, g * channels, channels, row, stop, width, kernel_size,
                            stride, padding, dilation)
                    start = ((n * filters + g * share) * height + row) * width
                    gemm(False, True, share, window, pixels, dy, start, height * width,
                         columns, team * columns.shape[1], pixels,
                         beta, parts, team * parts.shape[1] + g * share * window, window)
                beta = 1.0
    flat = dw.reshape(dw.size)
    for k in range(flat.size):
        total = parts[0, k]
        for team in range(1, count):
            total += parts[team, k]
        flat[k] = total
    for o in range(db.size):
        total = 0.0
        for n in range(samples):
            for p in range(height):
                for q in range(width):
                    total += dy[n, o, p, q]
        db[o] = total
