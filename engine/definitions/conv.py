"""Convolution (cross-correlation, as deep learning uses the word) and transposed convolution in two dimensions.

x (N, C, H, W), w (O, C/G, KH, KW), b (O) or absent, y (N, O, OH, OW), with stride (SH, SW), padding (PH, PW),
dilation (DH, DW) and G groups: filter o reads the channels of its group only.
Source: Dumoulin and Visin 2016, arXiv:1603.07285.
"""

from engine.definitions.contract import defines


def window_sum(x, w, n, o, p, q, stride, padding, dilation, groups):
    """Σ over the window of output pixel (p, q) under filter o; outside the picture x counts as 0."""
    first = o // (w.shape[0] // groups) * w.shape[1]
    total = 0.0
    for c in range(w.shape[1]):
        for i in range(w.shape[2]):
            h = p * stride[0] + i * dilation[0] - padding[0]
            if 0 <= h < x.shape[2]:
                for j in range(w.shape[3]):
                    v = q * stride[1] + j * dilation[1] - padding[1]
                    if 0 <= v < x.shape[3]:
                        total += x[n, first + c, h, v] * w[o, c, i, j]
    return total


def reverse_window_sum(dy, w, n, c, h, v, stride, padding, dilation, groups):
    """Σ over every output pixel whose window covers pixel (h, v) of channel c."""
    share = w.shape[0] // groups
    group = c // w.shape[1]
    total = 0.0
    for o in range(group * share, (group + 1) * share):
        for i in range(w.shape[2]):
            down = h + padding[0] - i * dilation[0]
            p = down // stride[0]
            if down >= 0 and p * stride[0] == down and p < dy.shape[2]:
                for j in range(w.shape[3]):
                    right = v + padding[1] - j * dilation[1]
                    q = right // stride[1]
                    if right >= 0 and q * stride[1] == right and q < dy.shape[3]:
                        total += dy[n, o, p, q] * w[o, c - group * w.shape[1], i, j]
    return total


def filter_sum(dy, x, o, c, i, j, stride, padding, dilation, groups):
    """Σ over samples and output pixels of gradient times the pixel that filter element (o, c, i, j) met there."""
    first = o // (dy.shape[1] // groups) * (x.shape[1] // groups)
    total = 0.0
    for n in range(dy.shape[0]):
        for p in range(dy.shape[2]):
            h = p * stride[0] + i * dilation[0] - padding[0]
            if 0 <= h < x.shape[2]:
                for q in range(dy.shape[3]):
                    v = q * stride[1] + j * dilation[1] - padding[1]
                    if 0 <= v < x.shape[3]:
                        total += dy[n, o, p, q] * x[n, first + c, h, v]
    return total


def plane_sum(dy, o):
    """Σ of channel o over samples and pixels."""
    total = 0.0
    for n in range(dy.shape[0]):
        for p in range(dy.shape[2]):
            for q in range(dy.shape[3]):
                total += dy[n, o, p, q]
    return total


@defines(
    "y[n, o, p, q]",
    reads="x w b",
    latex=r"y_{n,o,p,q} = b_o + \sum_{c,i,j} x_{n,\,c,\,pS_H+iD_H-P_H,\,qS_W+jD_W-P_W}\,w_{o,c,i,j}",
    plain="y[n, o, p, q] = b[o] + Σ_c,i,j x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW]·w[o, c, i, j]",
)
def conv2d_forward(x, w, b, stride, padding, dilation, groups, n, o, p, q):
    total = window_sum(x, w, n, o, p, q, stride, padding, dilation, groups)
    if b.shape[0] > 0:
        total += b[o]
    return total


@defines(
    "dx[n, c, h, v]",
    reads="dy w",
    latex=r"\frac{\partial L}{\partial x_{n,c,h,v}} = \sum_{o,i,j} \frac{\partial L}{\partial y_{n,o,p,q}}\,w_{o,c,i,j}"
    r",\quad pS_H = h + P_H - iD_H,\; qS_W = v + P_W - jD_W",
    plain="dx[n, c, h, v] = Σ_o,i,j dy[n, o, p, q]·w[o, c, i, j], p·SH = h + PH - i·DH, q·SW = v + PW - j·DW",
)
def conv2d_backward_input(dy, w, stride, padding, dilation, groups, n, c, h, v):
    return reverse_window_sum(dy, w, n, c, h, v, stride, padding, dilation, groups)


@defines(
    "dw[o, c, i, j]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial w_{o,c,i,j}} = \sum_{n,p,q} \frac{\partial L}{\partial y_{n,o,p,q}}"
    r"\,x_{n,\,c,\,pS_H+iD_H-P_H,\,qS_W+jD_W-P_W}",
    plain="dw[o, c, i, j] = Σ_n,p,q dy[n, o, p, q]·x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW]",
)
def conv2d_backward_weight(dy, x, stride, padding, dilation, groups, o, c, i, j):
    return filter_sum(dy, x, o, c, i, j, stride, padding, dilation, groups)


@defines(
    "db[o]",
    reads="dy",
    latex=r"\frac{\partial L}{\partial b_o} = \sum_{n,p,q} \frac{\partial L}{\partial y_{n,o,p,q}}",
    plain="db[o] = Σ_n,p,q dy[n, o, p, q]",
)
def conv2d_backward_bias(dy, o):
    return plane_sum(dy, o)


# Transposed: the forward pass of the one is the backward pass of the other. w is (C, O/G, KH, KW).


@defines(
    "y[n, o, h, v]",
    reads="x w b",
    latex=r"y_{n,o,h,v} = b_o + \sum_{c,i,j} x_{n,c,p,q}\,w_{c,o,i,j}"
    r",\quad pS_H = h + P_H - iD_H,\; qS_W = v + P_W - jD_W",
    plain="y[n, o, h, v] = b[o] + Σ_c,i,j x[n, c, p, q]·w[c, o, i, j], p·SH = h + PH - i·DH, q·SW = v + PW - j·DW",
)
def conv_transpose2d_forward(x, w, b, stride, padding, dilation, groups, n, o, h, v):
    total = reverse_window_sum(x, w, n, o, h, v, stride, padding, dilation, groups)
    if b.shape[0] > 0:
        total += b[o]
    return total


@defines(
    "dx[n, c, p, q]",
    reads="dy w",
    latex=r"\frac{\partial L}{\partial x_{n,c,p,q}} = \sum_{o,i,j}"
    r" \frac{\partial L}{\partial y_{n,\,o,\,pS_H+iD_H-P_H,\,qS_W+jD_W-P_W}}\,w_{c,o,i,j}",
    plain="dx[n, c, p, q] = Σ_o,i,j dy[n, o, p·SH + i·DH - PH, q·SW + j·DW - PW]·w[c, o, i, j]",
)
def conv_transpose2d_backward_input(dy, w, stride, padding, dilation, groups, n, c, p, q):
    return window_sum(dy, w, n, c, p, q, stride, padding, dilation, groups)


@defines(
    "dw[c, o, i, j]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial w_{c,o,i,j}} = \sum_{n,p,q} x_{n,c,p,q}\,"
    r"\frac{\partial L}{\partial y_{n,\,o,\,pS_H+iD_H-P_H,\,qS_W+jD_W-P_W}}",
    plain="dw[c, o, i, j] = Σ_n,p,q x[n, c, p, q]·dy[n, o, p·SH + i·DH - PH, q·SW + j·DW - PW]",
)
def conv_transpose2d_backward_weight(dy, x, stride, padding, dilation, groups, c, o, i, j):
    return filter_sum(x, dy, c, o, i, j, stride, padding, dilation, groups)


@defines(
    "db[o]",
    reads="dy",
    latex=r"\frac{\partial L}{\partial b_o} = \sum_{n,h,v} \frac{\partial L}{\partial y_{n,o,h,v}}",
    plain="db[o] = Σ_n,h,v dy[n, o, h, v]",
)
def conv_transpose2d_backward_bias(dy, o):
    return plane_sum(dy, o)
