"""Sorting rows: x (N, M) → values (N, K), indices (N, K); the K results start at rank ``first`` of each row.

An element's rank in its row is the number of elements that come before it. Equal elements keep their order, and
NaN counts as the greatest number.
"""

from engine.definitions.contract import defines


def comes_before(a, b, earlier, descending):
    """Whether a stands before b; ``earlier`` says whether it does in x, which decides for equal elements."""
    a_nan = a != a
    b_nan = b != b
    if a == b or (a_nan and b_nan):
        return earlier
    if descending:
        return a_nan or a > b
    return b_nan or a < b


def rank(x, descending, n, j):
    """The number of elements of row n that come before element j."""
    count = 0
    for m in range(x.shape[1]):
        if m != j and comes_before(x[n, m], x[n, j], m < j, descending):
            count += 1
    return count


@defines(
    "indices[n, i]",
    reads="x",
    latex=r"\mathrm{indices}_{n,i} = j \;\text{with}\; \operatorname{rank}(x_{n,j}) = \mathrm{first} + i",
    plain="indices[n, i] = the j at which x[n, j] is, when row n is sorted ⟦not descending:upwards¦downwards⟧, "
    "at place ⟦=first + i¦⟦first:⟦=first¦first⟧ + ⟧i⟧ (counted from 0)",
)
def sort_indices(x, descending, first, n, i):
    result = 0
    for j in range(x.shape[1]):
        if rank(x, descending, n, j) == first + i:
            result = j
    return result


@defines(
    "values[n, i]",
    reads="x",
    latex=r"\mathrm{values}_{n,i} = x_{n,j} \;\text{with}\; \operatorname{rank}(x_{n,j}) = \mathrm{first} + i",
    plain="values[n, i] = the x[n, j] that is, when row n is sorted ⟦not descending:upwards¦downwards⟧, at "
    "place ⟦=first + i¦⟦first:⟦=first¦first⟧ + ⟧i⟧ (counted from 0)",
)
def sort_values(x, descending, first, n, i):
    result = x[n, 0]
    for j in range(x.shape[1]):
        if rank(x, descending, n, j) == first + i:
            result = x[n, j]
    return result


@defines(
    "dx[n, j]",
    reads="dvalues x",
    latex=r"\frac{\partial L}{\partial x_{n,j}} = "
    r"\frac{\partial L}{\partial \mathrm{values}_{n,\operatorname{rank}(x_{n,j}) - \mathrm{first}}}",
    plain="dx[n, j] = the element of dvalues at the place of x[n, j] in the sorted row; 0 where it has none",
)
def sort_backward(dvalues, x, descending, first, n, j):
    i = rank(x, descending, n, j) - first
    result = 0.0
    if i >= 0 and i < dvalues.shape[1]:
        result = dvalues[n, i]
    return result
