"""Two networks that train against each other (a small GAN in the plane)."""

import engine as torch
from engine import nn

torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
critic = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
make = torch.optim.Adam(generator.parameters(), lr=0.01)
judge = torch.optim.Adam(critic.parameters(), lr=0.01)
loss_fn = nn.BCEWithLogitsLoss()
real, ones, zeros = torch.randn(8, 2) + 2, torch.ones(8, 1), torch.zeros(8, 1)
for _step in range(4):
    made = generator(torch.randn(8, 2))
    judge.zero_grad()
    loss = loss_fn(critic(real), ones) + loss_fn(critic(made.detach()), zeros)
    loss.backward()
    judge.step()
    make.zero_grad()
    loss = loss_fn(critic(made), ones)
    loss.backward()
    make.step()
