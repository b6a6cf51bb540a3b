import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
x = x.abs()
x[5, 3] = 0.0
y = torch.log(x[:, :1] + 1)

model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
scale = torch.ones(8, requires_grad=True)

for _ in range(5):
    optimizer.zero_grad()
    features = torch.log(x * scale)  # fault
    loss = ((model(features) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
