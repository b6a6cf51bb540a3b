"""Pooling in two dimensions: x (N, C, H, W), y (N, C, OH, OW)."""

import math

from engine.definitions.contract import defines


def _place(axis, window, cell):
    """Where the window's cell lies in the picture: ``2·p + i - 1`` with the settings' numbers."""
    return (
        f"⟦stride[{axis}] != 1:⟦=stride[{axis}]¦S⟧·⟧{window} + ⟦dilation[{axis}] != 1:⟦=dilation[{axis}]¦D⟧·⟧{cell}"
        f"⟦padding[{axis}]: - ⟦=padding[{axis}]¦P⟧⟧"
    )


_H, _V = _place(0, "p", "i"), _place(1, "q", "j")
_H_LATEX, _V_LATEX = _H.replace("·", r"\,"), _V.replace("·", r"\,")
_CELLS = "i<⟦=kernel_size[0]¦KH⟧, j<⟦=kernel_size[1]¦KW⟧"
_INSIDE = "⟦any(padding):; only what lies inside the picture counts⟧"
#: The window of an average: its pixels, and what their sum is divided by.
_WINDOW = (
    "⟦p >= 0:h from ⟦=rows[p, 0]¦first⟧ to ⟦=rows[p, 1] - 1¦last⟧, "
    "v from ⟦=columns[q, 0]¦first⟧ to ⟦=columns[q, 1] - 1¦last⟧"
    "¦h and v run over the window (p, q), KH·KW are the pixels that its mean counts⟧"
)


@defines(
    "y[n, c, p, q]",
    reads="x",
    latex=r"y_{n,c,p,q} = \max_{" + _CELLS + r"}\; x_{n,\;c,\;" + _H_LATEX + r",\;" + _V_LATEX + "}",
    plain=f"y[n, c, p, q] = the greatest x[n, c, {_H}, {_V}], {_CELLS}{_INSIDE}",
)
def max_pool2d_forward(x, kernel_size, stride, padding, dilation, n, c, p, q):
    best = -math.inf
    for i in range(kernel_size[0]):
        h = p * stride[0] + i * dilation[0] - padding[0]
        if 0 <= h < x.shape[2]:
            for j in range(kernel_size[1]):
                v = q * stride[1] + j * dilation[1] - padding[1]
                if 0 <= v < x.shape[3]:
                    pixel = x[n, c, h, v]
                    if pixel > best or pixel != pixel:
                        best = pixel
    return best


@defines(
    "indices[n, c, p, q]",
    reads="x",
    latex=r"k_{n,c,p,q} = ⟦=x.shape[3]¦W⟧\,h + v \text{ of the first maximum of the window}",
    plain="indices[n, c, p, q] = ⟦=x.shape[3]¦W⟧·h + v of the first maximum x[n, c, h, v] of the window",
)
def max_pool2d_indices(x, kernel_size, stride, padding, dilation, n, c, p, q):
    best = -math.inf
    place = -1
    for i in range(kernel_size[0]):
        h = p * stride[0] + i * dilation[0] - padding[0]
        if 0 <= h < x.shape[2]:
            for j in range(kernel_size[1]):
                v = q * stride[1] + j * dilation[1] - padding[1]
                if 0 <= v < x.shape[3]:
                    pixel = x[n, c, h, v]
                    if place < 0 or pixel > best or pixel != pixel:
                        best = pixel
                        place = h * x.shape[3] + v
    return place


@defines(
    "dx[n, c, h, v]",
    reads="dy indices",
    latex=r"\frac{\partial L}{\partial x_{n,c,h,v}} = \sum_{p,q:\,k_{n,c,p,q}=⟦=size[1]¦W⟧\,h+v} "
    r"\frac{\partial L}{\partial y_{n,c,p,q}}",
    plain="dx[n, c, h, v] = Σ_p,q dy[n, c, p, q] over the windows whose maximum is (h, v): indices[n, c, p, q] "
    "= ⟦=size[1]¦W⟧·h + v",
)
def max_pool2d_backward(dy, indices, size, n, c, h, v):
    total = 0.0
    for p in range(dy.shape[2]):
        for q in range(dy.shape[3]):
            if indices[n, c, p, q] == h * size[1] + v:
                total += dy[n, c, p, q]
    return total


@defines(
    "y[n, c, p, q]",
    reads="x rows columns",
    latex=r"y_{n,c,p,q} = \frac{1}{d_{p,q}} \sum_{h,v \,\in\, \mathrm{window}(p,q)} x_{n,c,h,v}",
    plain="y[n, c, p, q] = Σ_h,v x[n, c, h, v] / (⟦=rows[p, 2]¦KH⟧·⟦=columns[q, 2]¦KW⟧), " + _WINDOW,
)
def avg_pool2d_forward(x, rows, columns, n, c, p, q):
    # rows[p] and columns[q] hold: first pixel, end, and factor of the divisor.
    total = 0.0
    for h in range(rows[p, 0], rows[p, 1]):
        for v in range(columns[q, 0], columns[q, 1]):
            total += x[n, c, h, v]
    return total / (rows[p, 2] * columns[q, 2])


@defines(
    "dx[n, c, h, v]",
    reads="dy rows columns",
    latex=r"\frac{\partial L}{\partial x_{n,c,h,v}} = \sum_{p,q:\,(h,v)\in\mathrm{window}(p,q)}"
    r" \frac{1}{d_{p,q}}\,\frac{\partial L}{\partial y_{n,c,p,q}}",
    plain="dx[n, c, h, v] = Σ_p,q dy[n, c, p, q] / divisor over the windows (p, q) that hold (h, v), "
    "divisor = the pixels that the mean of the window counts",
)
def avg_pool2d_backward(dy, rows, columns, n, c, h, v):
    total = 0.0
    for p in range(dy.shape[2]):
        if rows[p, 0] <= h < rows[p, 1]:
            for q in range(dy.shape[3]):
                if columns[q, 0] <= v < columns[q, 1]:
                    total += dy[n, c, p, q] / (rows[p, 2] * columns[q, 2])
    return total
