# %% [markdown]
# # Overfitting, and three remedies
#
# Few noisy points and a network with many weights: it learns the points by heart, noise included. The training loss
# goes on falling while the loss on points it has not seen rises again. The same network is trained four times from
# the same start: as it is; with weight decay, which pulls every weight towards 0; with dropout; and stopped where the
# validation loss was lowest.

# %%
import engine as torch
from engine import figures, nn
from engine.utils.data import playground

# %% tags=["parameters"]
train_points = 60
noise = 0.35  # of the moons
hidden = 64
weight_decay = 2.0  # AdamW takes learning_rate * weight_decay of each weight away in every step
dropout = 0.5
learning_rate = 0.01
epochs = 400
seed = 1
folder = "runs/overfitting"  # where the figures go; "" draws none

# %% [markdown]
# ## Data
# Two half moons that overlap. The validation set is large, so that its loss says well how the network does on new
# points.

# %%
x, y = playground.moons(train_points + 1000, noise=noise, seed=seed)
x = torch.from_numpy(x) / 3
y = torch.from_numpy(y).float().unsqueeze(1)
x_train, y_train = x[:train_points], y[:train_points]
x_val, y_val = x[train_points:], y[train_points:]
loss_fn = nn.BCEWithLogitsLoss()


# %%
def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return ((model(x) > 0) == (y > 0.5)).float().mean().item()


def train(name, weight_decay=0.0, dropout=0.0, stop_early=False):
    """Train a fresh network on all training points at once; return it and its losses over the epochs."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(2, hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, 1),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    train_losses, val_losses, best = [], [], None
    for _ in range(epochs):
        model.train()
        optimizer.zero_grad()
        loss = loss_fn(model(x_train), y_train)
        loss.backward()
        optimizer.step()

        model.eval()
        with torch.no_grad():
            train_losses.append(loss_fn(model(x_train), y_train).item())
            val_losses.append(loss_fn(model(x_val), y_val).item())
        if stop_early and val_losses[-1] == min(val_losses):
            best = {key: value.clone() for key, value in model.state_dict().items()}
    if best is not None:
        model.load_state_dict(best)
    epoch = 1 + val_losses.index(min(val_losses)) if stop_early else epochs
    print(
        f"{name:15s} epoch {epoch:4d}  loss: training {train_losses[epoch - 1]:.4f}  validation"
        f" {val_losses[epoch - 1]:.4f}  accuracy: training {accuracy(model, x_train, y_train):.1%}"
        f"  validation {accuracy(model, x_val, y_val):.1%}"
    )
    return model, train_losses, val_losses


# %% [markdown]
# ## Four runs

# %%
runs = {
    "as it is": train("as it is"),
    "weight decay": train("weight decay", weight_decay=weight_decay),
    "dropout": train("dropout", dropout=dropout),
    "early stopping": train("early stopping", stop_early=True),
}
_, train_losses, val_losses = runs["as it is"]
lowest = min(val_losses)
best_epoch = 1 + val_losses.index(lowest)
print(f"as it is: lowest validation loss {lowest:.4f} at epoch {best_epoch}, at the end {val_losses[-1]:.4f}")

# %% [markdown]
# ## Figures

# %%
if folder:
    steps = range(1, epochs + 1)
    curves = {"as it is: training": (steps, train_losses)}
    curves |= {f"{name}: validation": (steps, run[2]) for name, run in list(runs.items())[:3]}
    figures.lines(curves, f"{folder}/curves.png", "Overfitting", "epoch", "binary cross-entropy")
    for name, (model, _, _) in runs.items():
        model.eval()
        with torch.no_grad():
            figures.decision_regions(
                lambda plane, model=model: torch.sigmoid(model(torch.from_numpy(plane))),
                x_train, y_train, f"{folder}/{name.replace(' ', '_')}.png", title=f"Two moons, {name}",
            )
    print(f"figures: {folder}")
