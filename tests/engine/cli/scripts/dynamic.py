"""A Module whose forward takes another path in each step and uses one weight several times."""

import random

import torch
from torch import nn, optim


class Series(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.randn(()))
        self.b = nn.Parameter(torch.randn(()))
        self.tail = torch.nn.Parameter(torch.randn(()))

    def forward(self, x):
        y = self.a + self.b * x
        for power in range(2, random.randint(3, 5)):
            y = y + self.tail * x**power
        return y


random.seed(1)
torch.manual_seed(7)
x = torch.linspace(-1, 1, 200)
y = torch.tanh(x)
model = Series()
criterion = nn.MSELoss(reduction="sum")
optimizer = optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
for step in range(300):
    loss = criterion(model(x), y)
    if step % 60 == 59:
        print(step, loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
for name, parameter in model.named_parameters():
    print(name, parameter.item(), tuple(parameter.shape))
