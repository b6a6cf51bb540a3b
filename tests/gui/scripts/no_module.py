"""No module at all: raw tensors, and a step of gradient descent by hand."""

import engine as torch

torch.manual_seed(0)
x, t = torch.randn(6, 3), torch.randn(6, 1)
w1 = torch.randn(3, 4, requires_grad=True)
w2 = torch.randn(4, 1, requires_grad=True)
for _step in range(4):
    hidden = (x @ w1).tanh()
    loss = ((hidden @ w2 - t) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for w in (w1, w2):
            w -= 0.1 * w.grad
            w.grad = None
