"""A graph that changes between steps: every second one goes through a further layer."""

import engine as torch
from engine import nn

torch.manual_seed(0)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.extra, self.last = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x, step):
        x = torch.relu(self.first(x))
        if step % 2:
            x = x + torch.relu(self.extra(x))
        return self.last(x)


model = Network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, t = torch.randn(6, 4), torch.randint(0, 2, (6,))
for step in range(6):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x, step), t)
    loss.backward()
    optimizer.step()
