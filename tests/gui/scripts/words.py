"""Sequences of whole numbers: an embedding, their mean, and a layer."""

import engine as torch
from engine import nn
from engine.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(20, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.out(self.embed(x).mean(dim=1))


model = Words()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = DataLoader(TensorDataset(torch.randint(0, 20, (12, 7)), torch.randint(0, 3, (12,))), batch_size=4)
for _epoch in range(3):
    for x, t in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
