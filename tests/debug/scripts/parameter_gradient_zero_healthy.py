import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
trunk = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
extra = nn.Linear(8, 2)
optimizer = torch.optim.SGD([*trunk.parameters(), *extra.parameters()], lr=0.1)
weight = 1.0
loss_fn = nn.CrossEntropyLoss()

for _ in range(30):
    optimizer.zero_grad()
    scores = trunk(x) + weight * extra(x)
    loss = loss_fn(scores, y)
    loss.backward()
    optimizer.step()
