"""An autoencoder: the target is the input."""

import engine as torch
from engine import nn

torch.manual_seed(0)
encoder = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 2))
decoder = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 64), nn.Sigmoid())
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
x = torch.rand(16, 64)
for _step in range(4):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(decoder(encoder(x)), x)
    loss.backward()
    optimizer.step()
