import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(400, 8)
y = (x[:, 0] > 0).long()
x_val = torch.randn(200, 8)
y_val = (x_val[:, 0] > 0).long()
model = nn.Linear(8, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
loss_fn = nn.CrossEntropyLoss()

for _ in range(60):
    model.train()
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        loss_fn(model(x_val), y_val).item()
