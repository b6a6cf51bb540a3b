"""A residual network of 60 modules."""

import engine as torch
from engine import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv2, self.norm2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x):
        y = self.relu(self.norm1(self.conv1(x)))
        return self.relu(x + self.norm2(self.conv2(y)))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.blocks = nn.Sequential(*[Block(8) for _ in range(9)])
        self.out = nn.Linear(8, 10)

    def forward(self, x):
        x = self.blocks(self.relu(self.stem(x)))
        return self.out(x.mean(dim=(2, 3)))


model = Network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
x, t = torch.randn(8, 3, 16, 16), torch.randint(0, 10, (8,))
for _step in range(4):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
