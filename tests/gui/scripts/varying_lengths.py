"""Sequences that are longer from batch to batch."""

import engine as torch
from engine import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for length in (5, 7, 9, 11):
    x = torch.randn(6, length, 3)
    optimizer.zero_grad()
    model(x).pow(2).mean().backward()
    optimizer.step()
