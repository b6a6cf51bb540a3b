"""A layer of one unit between two wider ones."""

import engine as torch
from engine import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(5, 1), nn.Tanh(), nn.Linear(1, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, t = torch.randn(6, 5), torch.randint(0, 3, (6,))
for _step in range(4):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
