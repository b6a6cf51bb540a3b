import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(64, 16)
y = torch.randn(64, 1)
model = nn.Sequential(
    nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(),
    nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1),
)
with torch.no_grad():
    for layer in model[2:]:
        if isinstance(layer, nn.Linear):
            layer.weight *= 2
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
loss_fn = nn.MSELoss()

for _ in range(20):
    optimizer.zero_grad()
    output = model(x)
    loss = loss_fn(output, y)
    loss.backward()
    optimizer.step()
