import engine as torch
from engine import nn

torch.manual_seed(0)
age, income, rate = 20 + 60 * torch.rand(128), 20000 + 50000 * torch.rand(128), torch.rand(128)
table = torch.stack([age, income, rate], dim=1)
y = (rate > 0.5).long()
x = table
model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()

for _ in range(20):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)  # fault
    loss.backward()
    optimizer.step()
