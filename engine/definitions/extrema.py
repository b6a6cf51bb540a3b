"""Greatest, least and middle elements: x (K, R) with the kept dimensions first, values and indices (K)."""

from engine.definitions.contract import defines

_DX = r"\frac{\partial L}{\partial x_{k,r}} = \frac{\partial L}{\partial y_k}"


def better(value, best, sign):
    """Whether ``value`` takes the place of ``best``: NaN takes it from every number."""
    if best != best:
        return False
    return value != value or value * sign > best * sign


def extreme_of(x, sign, k):
    best = x[k, 0]
    for r in range(1, x.shape[1]):
        if better(x[k, r], best, sign):
            best = x[k, r]
    return best


@defines(
    "y[k]",
    reads="x",
    latex=r"y_k = ⟦sign > 0:\max¦\min⟧_r\, x_{k,r}",
    plain="y[k] = the ⟦sign > 0:greatest¦least⟧ x[k, r]",
)
def extreme_forward(x, sign, k):
    return extreme_of(x, sign, k)


@defines(
    "dx[k, r]",
    reads="dy x y",
    latex=_DX + r"\,\frac{[x_{k,r} = y_k]}{\#\{s : x_{k,s} = y_k\}}",
    plain="dx[k, r] = dy[k] / (how many of the row equal y[k]) if x[k, r] = y[k], else 0",
)
def extreme_backward(dy, x, y, k, r):
    ties = 0.0
    for s in range(x.shape[1]):
        if x[k, s] == y[k] or (x[k, s] != x[k, s] and y[k] != y[k]):
            ties += 1.0
    if x[k, r] == y[k] or (x[k, r] != x[k, r] and y[k] != y[k]):
        return dy[k] / ties
    return 0.0


@defines("values[k]", reads="x indices", latex=r"v_k = x_{k, i_k}", plain="values[k] = x[k, indices[k]]")
def picked_forward(x, indices, k):
    return x[k, indices[k]]


@defines(
    "indices[k]",
    reads="x",
    latex=r"i_k = \mathrm{arg⟦sign > 0:max¦min⟧}_r\, x_{k,r}",
    plain="indices[k] = the first r at which x[k, r] is ⟦sign > 0:greatest¦least⟧",
)
def extreme_indices(x, sign, k):
    best = 0
    for r in range(1, x.shape[1]):
        if better(x[k, r], x[k, best], sign):
            best = r
    return best


@defines(
    "dx[k, r]",
    reads="dvalues indices",
    latex=r"\frac{\partial L}{\partial x_{k,r}} = "
    r"\frac{\partial L}{\partial v_k}\,[r = i_k]",
    plain="dx[k, r] = dvalues[k] if r = indices[k], else 0",
)
def picked_backward(dvalues, indices, k, r):
    if r == indices[k]:
        return dvalues[k]
    return 0.0


def median_position(x, k):
    """Position of the lower median; of the first NaN where there is one."""
    n = x.shape[1]
    for r in range(n):
        if x[k, r] != x[k, r]:
            return r
    for r in range(n):
        before = 0
        for s in range(n):
            if x[k, s] < x[k, r] or (x[k, s] == x[k, r] and s < r):
                before += 1
        if before == (n - 1) // 2:
            return r
    return 0


@defines(
    "y[k]", reads="x", latex=r"y_k = x_{k,(\lfloor (R + 1) / 2 \rfloor)}",
    plain="y[k] = the middle of the sorted x[k, r], the lower of two",
)
def median_forward(x, k):
    return x[k, median_position(x, k)]


@defines(
    "indices[k]", reads="x", latex=r"i_k : x_{k,i_k} = \mathrm{median}_r\, x_{k,r}",
    plain="indices[k] = where the middle of the sorted x[k, r] is, the lower of two",
)
def median_indices(x, k):
    return median_position(x, k)
