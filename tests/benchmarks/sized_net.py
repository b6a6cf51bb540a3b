"""A network as large as its parameters say, trained on random numbers: what :mod:`tests.benchmarks.sizes` opens."""

import engine as torch
from engine import nn

# %% tags=["parameters"]
net = "mlp"  # "mlp": linear layers, each with a ReLU; "residual": blocks of two convolutions; "images": one convolution
modules = 2  # that many linear layers and ReLUs; residual blocks have six modules each
units = 32  # of each layer; channels of a block; height and width of an image
inputs = 32
batch = 8
steps = 1000

# %%
torch.manual_seed(0)


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, channels):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv2, self.norm2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()

    def forward(self, x):
        y = self.relu1(self.norm1(self.conv1(x)))
        return self.relu2(x + self.norm2(self.conv2(y)))


if net == "mlp":
    sizes = [inputs] + [units] * ((modules + 1) // 2)
    layers = [layer for pair in zip(sizes, sizes[1:]) for layer in (nn.Linear(*pair), nn.ReLU())]
    x, classes = torch.randn(batch, inputs), units
    model = nn.Sequential(*layers[:modules])
elif net == "residual":
    blocks = [Block(units) for _ in range(modules // 6)]
    x, classes = torch.randn(batch, units, 16, 16), 10
    model = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(256 * units, 10))
else:
    x, classes = torch.randn(batch, 3, units, units), 10
    model = nn.Sequential(nn.Conv2d(3, 4, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(4 * (units // 8) ** 2, 10))

t = torch.randint(0, classes, (batch,))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _step in range(steps):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
