import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 1] > 0).long()

layers = [nn.Linear(8, 16)]
for _ in range(8):
    layers += [nn.Tanh(), nn.Linear(16, 16)]
model = nn.Sequential(*layers, nn.Tanh(), nn.Linear(16, 2))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.05)
        nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
loss_fn = nn.CrossEntropyLoss()

for _ in range(10):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)  # fault
    loss.backward()
    optimizer.step()
