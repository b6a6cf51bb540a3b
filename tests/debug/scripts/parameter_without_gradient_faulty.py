import engine as torch
from engine import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
encoder = nn.Sequential(nn.Linear(8, 16), nn.ReLU())
head = nn.Linear(16, 2)
optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.1)
loss_fn = nn.CrossEntropyLoss()

for _ in range(25):
    optimizer.zero_grad()
    h = encoder(x)  # fault
    loss = loss_fn(head(h.detach()), y)
    loss.backward()
    optimizer.step()
