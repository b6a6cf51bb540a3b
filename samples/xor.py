# %% [markdown]
# # XOR: why a hidden layer is needed
#
# Four points, and the class is 1 where exactly one coordinate is 1. No straight line separates the classes, so a
# single layer cannot learn them, whatever its weights: at best it gets three of the four right. With a hidden layer
# the network first maps the points to a place where a straight line does separate them.

# %%
import engine as torch
from engine import figures, nn

# %% tags=["parameters"]
hidden = 4
learning_rate = 0.5
epochs = 2000
seed = 0
folder = "runs/xor"  # where the figures go; "" draws none

# %% [markdown]
# ## The points

# %%
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])

# %% [markdown]
# ## Training
# `BCEWithLogitsLoss` joins the sigmoid and the binary cross-entropy: the network's output is a logit, any real
# number; its sigmoid is the probability of class 1.


# %%
def train(model):
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    losses = []
    for epoch in range(1, epochs + 1):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if epoch == 1 or epoch % max(1, epochs // 4) == 0:
            print(f"  epoch {epoch:4d}  loss {losses[-1]:.4f}")
    return losses


def report(model):
    with torch.no_grad():
        probability = torch.sigmoid(model(x))
    right = ((probability > 0.5) == (y > 0.5)).sum().item()
    for point, p, target in zip(x.tolist(), probability.flatten().tolist(), y.flatten().tolist()):
        print(f"  {point} -> {p:.3f} (class {target:.0f})")
    print(f"  right: {right} of 4")


# %% [markdown]
# ## One layer
# The loss settles at log 2 = 0.693: the network says one half everywhere.

# %%
torch.manual_seed(seed)
print("one layer")
line = nn.Linear(2, 1)
line_losses = train(line)
report(line)

# %% [markdown]
# ## With a hidden layer

# %%
torch.manual_seed(seed)
print(f"with a hidden layer of {hidden}")
network = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1))
network_losses = train(network)
report(network)

# %% [markdown]
# ## Figures

# %%
if folder:
    for name, model in (("one_layer", line), ("hidden_layer", network)):
        with torch.no_grad():
            figures.decision_regions(
                lambda plane, model=model: torch.sigmoid(model(torch.from_numpy(plane))),
                x, y, f"{folder}/{name}.png", title=f"XOR: {name.replace('_', ' ')}",
            )
    epochs_run = range(1, epochs + 1)
    figures.lines(
        {"one layer": (epochs_run, line_losses), "hidden layer": (epochs_run, network_losses)},
        f"{folder}/loss.png", title="XOR", x_label="epoch", y_label="binary cross-entropy",
    )
    print(f"figures: {folder}")
