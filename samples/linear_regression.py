# %% [markdown]
# # A straight line by gradient descent
#
# Forty points lie near the line y = 2.5 x - 1. A model with one weight w and one bias b shall find it from the
# points alone. It predicts w x + b; the loss is the mean squared distance between prediction and point; backward
# computes how the loss changes with w and with b; and a step moves both a little against that slope:
#
#     w <- w - learning_rate * dloss/dw
#     b <- b - learning_rate * dloss/db
#
# Everything is written out here, so that each statement can be stepped over and looked into.

# %%
import engine as torch
from engine import figures

# %% tags=["parameters"]
points = 40
noise = 0.5  # standard deviation of the points around the line
learning_rate = 0.05
epochs = 100
seed = 0
folder = "runs/linear_regression"  # where the figures go; "" draws none

# %% [markdown]
# ## The points

# %%
torch.manual_seed(seed)
x = torch.linspace(-2, 2, points)
y = 2.5 * x - 1 + noise * torch.randn(points)

# %% [markdown]
# ## Training
# Both parameters begin at 0. In each epoch all points are used for one step.

# %%
w = torch.zeros((), requires_grad=True)
b = torch.zeros((), requires_grad=True)
losses = []

for epoch in range(1, epochs + 1):
    prediction = w * x + b
    loss = ((prediction - y) ** 2).mean()

    loss.backward()
    with torch.no_grad():
        w -= learning_rate * w.grad
        b -= learning_rate * b.grad
    if epoch in (1, 2, 5) or epoch % 20 == 0:
        print(
            f"epoch {epoch:3d}  loss {loss.item():8.4f}  w {w.item():7.4f}  b {b.item():7.4f}"
            f"  dloss/dw {w.grad.item():9.5f}  dloss/db {b.grad.item():9.5f}"
        )
    w.grad = None
    b.grad = None
    losses.append(loss.item())

# %% [markdown]
# ## Check
# A straight line is the one model whose best parameters are known in closed form (least squares):
# w = cov(x, y) / var(x) and b = mean(y) - w mean(x). Gradient descent must come to the same.

# %%
best_w = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
best_b = y.mean() - best_w * x.mean()
print(f"gradient descent: y = {w.item():.4f} x {b.item():+.4f}")
print(f"least squares:    y = {best_w.item():.4f} x {best_b.item():+.4f}")

# %% [markdown]
# ## Figures

# %%
if folder:
    line = (w * x + b).detach()
    figures.lines(
        {"found by gradient descent": (x, line), "the line behind the points": (x, 2.5 * x - 1)},
        f"{folder}/line.png", title="Linear regression", points=(x, y),
    )
    figures.training_curves({"train_loss": losses}, f"{folder}/curves.png", title="Linear regression")
    print(f"figures: {folder}")
