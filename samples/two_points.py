# %% [markdown]
# # Two points, one network, every number
#
# The smallest network worth stepping through: two inputs, eight hidden units, one output (2-8-1). It shall learn
#
#     (0.9, -0.2) -> 0
#     (0.75, 0.6) -> 1
#
# Training repeats five statements: clear the gradients, forward, loss, backward, step. What each of them does to
# each number is printed for the first step, and can be looked into in every other.

# %%
import engine as torch
from engine import figures, nn

# %% tags=["parameters"]
hidden = 8
learning_rate = 0.01
epochs = 1000
seed = 0
folder = "runs/two_points"  # where the figures go; "" draws none

# %%
x = torch.tensor([[0.9, -0.2], [0.75, 0.6]])
y = torch.tensor([[0.0], [1.0]])

# %% [markdown]
# ## The network
# `Sigmoid` turns the last number into a probability p between 0 and 1, and the binary cross-entropy
# `BCELoss` says how bad it is: -log p where the target is 1, -log(1 - p) where it is 0, averaged over the points.

# %%
torch.manual_seed(seed)
model = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 1), nn.Sigmoid())
loss_fn = nn.BCELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
print(model)


# %% [markdown]
# ## Training
# After the first step: each weight of the output layer, its gradient, and where the step moved it. SGD's rule is
# new = old - learning_rate * gradient.


# %%
def show_step(before, layer):
    print("output layer, first step:   before   gradient      after")
    for i in range(hidden):
        old, slope, new = (t[0, i].item() for t in (before, layer.weight.grad, layer.weight))
        print(f"  weight {i}             {old:10.6f} {slope:10.6f} {new:10.6f}")


losses = []
for epoch in range(1, epochs + 1):
    before = model[2].weight.detach().clone()

    optimizer.zero_grad()
    p = model(x)
    loss = loss_fn(p, y)
    loss.backward()
    optimizer.step()

    losses.append(loss.item())
    if epoch == 1:
        show_step(before, model[2])
    if epoch == 1 or epoch % max(1, epochs // 10) == 0:
        print(f"epoch {epoch:4d}  loss {losses[-1]:.6f}  p {p[0, 0].item():.4f} {p[1, 0].item():.4f}")

# %% [markdown]
# ## Result

# %%
with torch.no_grad():
    p = model(x)
for point, probability, target in zip(x.tolist(), p.flatten().tolist(), y.flatten().tolist()):
    print(f"({point[0]:.2f}, {point[1]:.2f}) -> {probability:.4f}, wanted {target:.0f}")

# %% [markdown]
# ## Figures

# %%
if folder:
    with torch.no_grad():
        figures.decision_regions(
            lambda plane: model(torch.from_numpy(plane)), x, y, f"{folder}/plane.png", title="Two points, 2-8-1",
        )
    figures.lines(
        {"loss": (range(1, epochs + 1), losses)}, f"{folder}/loss.png",
        title="Two points, 2-8-1", x_label="epoch", y_label="binary cross-entropy",
    )
    print(f"figures: {folder}")
