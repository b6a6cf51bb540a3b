"""Conv1d over signals of two channels."""

import engine as torch
from engine import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv1d(2, 8, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(56, 3),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x, t = torch.randn(8, 2, 32), torch.randint(0, 3, (8,))
for _step in range(4):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
