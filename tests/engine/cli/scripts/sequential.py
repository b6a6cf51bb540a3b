"""Fit a cosine by powers of x: nn.Sequential, a loss function, and an optimizer."""

import torch

torch.manual_seed(5)
x = torch.linspace(-2, 2, 500)
y = torch.cos(x)
powers = torch.tensor([1, 2, 4])
features = x.unsqueeze(-1).pow(powers)
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
print(model)
for step in range(400):
    prediction = model(features)
    loss = loss_fn(prediction, y)
    if step % 50 == 49:
        print(step, loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

linear = model[0]
print("by the optimizer:", linear.bias.item(), [linear.weight[:, i].item() for i in range(3)])

for _ in range(100):
    loss = loss_fn(model(features), y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 1e-5 * parameter.grad
print("by hand:", loss.item(), linear.bias.item())
