"""Convolution (cross-correlation, as deep learning uses the word) and transposed convolution in two dimensions.

x (N, C, H, W), w (O, C/G, KH, KW), b (O) or absent, y (N, O, OH, OW), with stride (SH, SW), padding (PH, PW),
dilation (DH, DW) and G groups: filter o reads the channels of its group only.
Source: Dumoulin and Visin 2016, arXiv:1603.07285.
"""

from engine.definitions.contract import defines


def _place(axis, window, cell):
    """Where the window's cell lies in the picture: ``2·p + i - 1`` with the settings' numbers."""
    return (
        f"⟦stride[{axis}] != 1:⟦=stride[{axis}]¦S⟧·⟧{window} + ⟦dilation[{axis}] != 1:⟦=dilation[{axis}]¦D⟧·⟧{cell}"
        f"⟦padding[{axis}]: - ⟦=padding[{axis}]¦P⟧⟧"
    )


def _window(axis, window, cell, place):
    """Which window has the cell at ``place``: ``h + 1 - i``; its own name where only some have (stride)."""
    return (
        f"⟦stride[{axis}] != 1:{window}¦{place}⟦padding[{axis}]: + ⟦=padding[{axis}]¦P⟧⟧"
        f" - ⟦dilation[{axis}] != 1:⟦=dilation[{axis}]¦D⟧·⟧{cell}⟧"
    )


def _latex(formula):
    """``formula`` with the indices' product signs as a typesetter has them."""
    for sign, command in (("·", r"\,"), ("⌊", r"\lfloor "), ("⌋", r"\rfloor "), (" mod ", r"\;\mathrm{mod}\;")):
        formula = formula.replace(sign, command)
    return formula


_H, _V = _place(0, "p", "i"), _place(1, "q", "j")
_P, _Q = _window(0, "p", "i", "h"), _window(1, "q", "j", "v")
#: The windows that a sum runs over where the stride leaves some out.
_WINDOWS = f"⟦stride[0] != 1:, {_H} = h⟧⟦stride[1] != 1:, {_V} = v⟧"
_WINDOWS_LATEX = _latex(f"⟦stride[0] != 1:,\\; {_H} = h⟧⟦stride[1] != 1:,\\; {_V} = v⟧")
_EDGE = "⟦any(padding):; outside the picture {} counts as 0⟧"
#: Channel c of the group that filter o, or channel c of a transposed convolution's input, belongs to.
_OF_GROUP = "⟦groups != 1:⌊{0}/⟦={1}¦per group⟧⌋·⟦={2}¦C/G⟧ + ⟧{3}"
_X_CHANNEL = _OF_GROUP.format("o", "w.shape[0] // groups", "w.shape[1]", "c")
_DX_CHANNEL = _OF_GROUP.format("o", "dy.shape[1] // groups", "x.shape[1] // groups", "c")
_DY_CHANNEL = _OF_GROUP.format("c", "w.shape[0] // groups", "w.shape[1]", "o")
_DW_CHANNEL = _OF_GROUP.format("c", "x.shape[1] // groups", "dy.shape[1] // groups", "o")
_OWN_CHANNEL, _OWN_OUTPUT = (f"⟦groups != 1:{name} mod ⟦=w.shape[1]¦C/G⟧¦{name}⟧" for name in "co")
_INPUTS = "⟦groups != 1:; c runs over the channels of output channel o's group, ⟦=w.shape[0] // groups¦C/G⟧ in all⟧"
_FILTERS = "⟦groups != 1:; o runs over the filters of channel {}'s group, ⟦=w.shape[0] // groups¦O/G⟧ in all⟧"


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
    latex=r"y_{n,o,p,q} = \sum_{c,i,j} x_{n,\;" + _latex(rf"{_X_CHANNEL},\;{_H},\;{_V}") + r"}\,w_{o,c,i,j}⟦b: + b_o⟧",
    plain=f"y[n, o, p, q] = Σ_c,i,j x[n, {_X_CHANNEL}, {_H}, {_V}]·w[o, c, i, j]⟦b: + b[o]⟧{_EDGE.format('x')}",
)
def conv2d_forward(x, w, b, stride, padding, dilation, groups, n, o, p, q):
    total = window_sum(x, w, n, o, p, q, stride, padding, dilation, groups)
    if b.shape[0] > 0:
        total += b[o]
    return total


@defines(
    "dx[n, c, h, v]",
    reads="dy w",
    latex=r"\frac{\partial L}{\partial x_{n,c,h,v}} = \sum_{o,i,j} \frac{\partial L}{\partial y_{n,\;o,\;"
    + _latex(rf"{_P},\;{_Q}") + r"}}\,w_{o,\;" + _latex(_OWN_CHANNEL) + r",\;i,\;j}" + _WINDOWS_LATEX,
    plain=f"dx[n, c, h, v] = Σ_o,i,j dy[n, o, {_P}, {_Q}]·w[o, {_OWN_CHANNEL}, i, j]{_WINDOWS}{_FILTERS.format('c')}"
    + _EDGE.format("dy"),
)
def conv2d_backward_input(dy, w, stride, padding, dilation, groups, n, c, h, v):
    return reverse_window_sum(dy, w, n, c, h, v, stride, padding, dilation, groups)


@defines(
    "dw[o, c, i, j]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial w_{o,c,i,j}} = \sum_{n,p,q} \frac{\partial L}{\partial y_{n,o,p,q}}\,x_{n,\;"
    + _latex(rf"{_DX_CHANNEL},\;{_H},\;{_V}") + "}",
    plain=f"dw[o, c, i, j] = Σ_n,p,q dy[n, o, p, q]·x[n, {_DX_CHANNEL}, {_H}, {_V}]{_EDGE.format('x')}",
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
    latex=r"y_{n,o,h,v} = \sum_{c,i,j} x_{n,\;c,\;" + _latex(rf"{_P},\;{_Q}") + r"}\,w_{c,\;"
    + _latex(_OWN_OUTPUT) + r",\;i,\;j}⟦b: + b_o⟧" + _WINDOWS_LATEX,
    plain=f"y[n, o, h, v] = Σ_c,i,j x[n, c, {_P}, {_Q}]·w[c, {_OWN_OUTPUT}, i, j]⟦b: + b[o]⟧{_WINDOWS}{_INPUTS}"
    + _EDGE.format("x"),
)
def conv_transpose2d_forward(x, w, b, stride, padding, dilation, groups, n, o, h, v):
    total = reverse_window_sum(x, w, n, o, h, v, stride, padding, dilation, groups)
    if b.shape[0] > 0:
        total += b[o]
    return total


@defines(
    "dx[n, c, p, q]",
    reads="dy w",
    latex=r"\frac{\partial L}{\partial x_{n,c,p,q}} = \sum_{o,i,j} \frac{\partial L}{\partial y_{n,\;"
    + _latex(rf"{_DY_CHANNEL},\;{_H},\;{_V}") + r"}}\,w_{c,o,i,j}",
    plain=f"dx[n, c, p, q] = Σ_o,i,j dy[n, {_DY_CHANNEL}, {_H}, {_V}]·w[c, o, i, j]{_EDGE.format('dy')}",
)
def conv_transpose2d_backward_input(dy, w, stride, padding, dilation, groups, n, c, p, q):
    return window_sum(dy, w, n, c, p, q, stride, padding, dilation, groups)


@defines(
    "dw[c, o, i, j]",
    reads="dy x",
    latex=r"\frac{\partial L}{\partial w_{c,o,i,j}} = \sum_{n,p,q} x_{n,c,p,q}\,\frac{\partial L}{\partial y_{n,\;"
    + _latex(rf"{_DW_CHANNEL},\;{_H},\;{_V}") + "}}",
    plain=f"dw[c, o, i, j] = Σ_n,p,q x[n, c, p, q]·dy[n, {_DW_CHANNEL}, {_H}, {_V}]{_EDGE.format('dy')}",
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
