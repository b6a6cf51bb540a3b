"""784-4096-4096-10: layers of thousands of units; the square weight holds 64 MiB."""

import engine as torch
from engine import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(784, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, t = torch.randn(32, 784), torch.randint(0, 10, (32,))
for _step in range(4):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
