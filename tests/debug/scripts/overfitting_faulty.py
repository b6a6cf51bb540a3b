import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(20, 8)
y = torch.randint(0, 2, (20,))
x_val = torch.randn(200, 8)
y_val = torch.randint(0, 2, (200,))
model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 2))
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
        loss_fn(model(x_val), y_val).item()  # fault
