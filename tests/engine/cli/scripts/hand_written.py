"""Fit a bell curve by a fourth-order polynomial, with gradients written by hand."""

import math

import torch

device = torch.device("cpu")
torch.manual_seed(3)
x = torch.linspace(-1.5, 1.5, 301, device=device, dtype=torch.float)
y = torch.exp(-(x**2))
a, b, c = (torch.randn((), device=device, dtype=torch.float) for _ in range(3))

rate = 2e-4
for step in range(200):
    square = x.pow(2)
    prediction = a + (b * square) + (c * square.pow(2))
    loss = (prediction - y).pow(2).sum().item()
    if step % 20 == 19:
        print(step, loss)
    slope = 2.0 * (prediction - y)
    grad_b = torch.matmul(input=slope, other=square).sum()
    a -= rate * slope.sum()
    b -= rate * grad_b
    c -= rate * (slope * square * square).sum()

print(f"y = {a.item()} + {b.item()} x^2 + {c.item()} x^4, at pi/4: {(a + b * (math.pi / 4) ** 2).item()}")
