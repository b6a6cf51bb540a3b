"""Fit a saw tooth by three sine waves; gradients by autograd, steps by hand, a Function of one's own."""

import math

import torch
from torch.autograd import Function


class Swish(Function):
    """x * sigmoid(x), with the derivative written by hand."""

    @staticmethod
    def forward(ctx, x):
        s = torch.sigmoid(x)
        ctx.save_for_backward(x, s)
        return x * s

    @staticmethod
    def backward(ctx, grad_output):
        x, s = ctx.saved_tensors
        return grad_output * (s + x * s * (1 - s))


device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
print(f"on {device}")
torch.manual_seed(11)
x = torch.linspace(-math.pi, math.pi, 400)
y = x / math.pi
a = torch.randn((), requires_grad=True)
b = torch.full((), 0.5, requires_grad=True)
c = torch.zeros((), requires_grad=True)
swish = Swish.apply

for step in range(300):
    prediction = a * torch.sin(x) + b * torch.sin(2 * x) + c * swish(x)
    loss = (prediction - y).pow(2).sum()
    if step % 50 == 49:
        print(step, loss.item())
    loss.backward()
    with torch.no_grad():
        a -= 1e-4 * a.grad
        b -= 1e-4 * b.grad
        c -= 1e-5 * c.grad
        a.grad = b.grad = c.grad = None

print(a.item(), b.item(), c.item(), isinstance(a, torch.Tensor), a.is_leaf)
