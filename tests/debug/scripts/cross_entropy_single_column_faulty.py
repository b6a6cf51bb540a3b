import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_fn = nn.CrossEntropyLoss()

for _ in range(40):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y * 0)  # fault
    loss.backward()
    optimizer.step()
