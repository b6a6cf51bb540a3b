"""Embedding: rows of a table by number. Indices t (R), table w (V, D) → y (R, D); gradient dy (R, D) → dw (V, D)."""

from engine.definitions.contract import defines


@defines("y[r, d]", reads="t w", latex=r"y_{r,d} = w_{t_r,d}", plain="y[r, d] = w[t[r], d]")
def embedding_forward(t, w, r, d):
    return w[t[r], d]


@defines(
    "dw[v, d]",
    reads="dy t",
    latex=r"\frac{\partial L}{\partial w_{v,d}} = \sum_{r:\,t_r = v} \frac{\partial L}{\partial y_{r,d}}",
    plain="dw[v, d] = Σ_r dy[r, d] over the r with t[r] = v⟦padding_idx >= 0:; 0 for v = "
    "⟦=padding_idx¦padding_idx⟧, the padding⟧",
)
def embedding_backward(dy, t, padding_idx, v, d):
    total = 0.0
    if v != padding_idx:
        for r in range(t.shape[0]):
            if t[r] == v:
                total += dy[r, d]
    return total
