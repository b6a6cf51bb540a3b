import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(64, 4)
y = x[:, 0] - 2 * x[:, 1]
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for _ in range(20):
    optimizer.zero_grad()
    loss = ((model(x).squeeze(1) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
