import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
loss_fn = nn.CrossEntropyLoss()

for number in range(40):
    loss = loss_fn(model(x), y) / 4
    loss.backward()
    if number % 4 == 3:  # four batches make a step: adding these up is meant
        optimizer.step()
        optimizer.zero_grad()
