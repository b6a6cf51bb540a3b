"""Resampling to another size: x (N, C, H, W), y (N, C, OH, OW).

Output row p lies between the input rows low[p] and high[p], at the share down[p] of the way; columns likewise with
left, right and along. With nearest neighbours the shares are 0.
"""

from engine.definitions.contract import defines


@defines(
    "y[n, c, p, q]",
    reads="x low high down left right along",
    latex=r"y_{n,c,p,q} = ⟦any(down) or any(along):(1-s_p)\big((1-t_q)x_{l_p,a_q} + t_q x_{l_p,b_q}\big)"
    r" + s_p\big((1-t_q)x_{h_p,a_q} + t_q x_{h_p,b_q}\big)¦x_{n,\;c,\;l_p,\;a_q}⟧",
    plain="y[n, c, p, q] = ⟦any(down) or any(along):(1 - s)·(1 - t)·x[n, c, ⟦=low[p]¦low⟧, ⟦=left[q]¦left⟧]"
    " + (1 - s)·t·x[n, c, ⟦=low[p]¦low⟧, ⟦=right[q]¦right⟧] + s·(1 - t)·x[n, c, ⟦=high[p]¦high⟧, ⟦=left[q]¦left⟧]"
    " + s·t·x[n, c, ⟦=high[p]¦high⟧, ⟦=right[q]¦right⟧], s = ⟦=down[p]¦share of the way from low to high⟧, "
    "t = ⟦=along[q]¦share of the way from left to right⟧"
    "¦(1 - 0)·(1 - 0)·x[n, c, ⟦=low[p]¦row⟧, ⟦=left[q]¦column⟧], the nearest⟧",
)
def interpolate_forward(x, low, high, down, left, right, along, n, c, p, q):
    s = down[p]
    t = along[q]
    total = (1 - s) * (1 - t) * x[n, c, low[p], left[q]]
    if t > 0:
        total += (1 - s) * t * x[n, c, low[p], right[q]]
    if s > 0:
        total += s * (1 - t) * x[n, c, high[p], left[q]]
    if s > 0 and t > 0:
        total += s * t * x[n, c, high[p], right[q]]
    return total


@defines(
    "dx[n, c, h, v]",
    reads="dy low high down left right along",
    latex=r"\frac{\partial L}{\partial x_{n,c,h,v}} = \sum_{p,q} u_{p,h}\,u_{q,v}\,"
    r"\frac{\partial L}{\partial y_{n,c,p,q}}",
    plain="dx[n, c, h, v] = Σ_p,q (share of row h in row p)·(share of column v in column q)·dy[n, c, p, q]",
)
def interpolate_backward(dy, low, high, down, left, right, along, n, c, h, v):
    total = 0.0
    for p in range(dy.shape[2]):
        vertical = 0.0
        if low[p] == h:
            vertical += 1 - down[p]
        if high[p] == h:
            vertical += down[p]
        if vertical != 0:
            for q in range(dy.shape[3]):
                horizontal = 0.0
                if left[q] == v:
                    horizontal += 1 - along[q]
                if right[q] == v:
                    horizontal += along[q]
                if horizontal != 0:
                    total += vertical * horizontal * dy[n, c, p, q]
    return total
