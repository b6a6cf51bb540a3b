"""A network of one Linear."""

import engine as torch
from engine import nn

torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, t = torch.randn(6, 3), torch.randn(6, 1)
for _step in range(4):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), t)
    loss.backward()
    optimizer.step()
