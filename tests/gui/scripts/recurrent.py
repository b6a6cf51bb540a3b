"""One module used again and again: a recurrent cell over eight steps of time."""

import engine as torch
from engine import nn

torch.manual_seed(0)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.into, self.again, self.out = nn.Linear(3, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 6)
        for time in range(x.shape[1]):
            h = torch.tanh(self.into(x[:, time]) + self.again(h))
        return self.out(h)


model = Recurrent()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, t = torch.randn(5, 8, 3), torch.randint(0, 2, (5,))
for _step in range(4):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
