import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.rand(64, 4) * 2 - 1
x = torch.cat([x, -x])
y = (x[:, 0] * x[:, 1] > 0).float().unsqueeze(1)
model = nn.Linear(4, 1)
nn.init.normal_(model.weight, std=0.01)
nn.init.zeros_(model.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_fn = nn.BCEWithLogitsLoss()

for _ in range(310):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()  # fault
    optimizer.step()
