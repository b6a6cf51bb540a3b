# %% [markdown]
# # Handwritten digits with a multilayer perceptron
#
# 1,797 pictures of 8 x 8 pixels, ten classes. From loading to the confusion matrix in one page: look at the data,
# scale them to 0 ... 1, split them, train on mini-batches, watch training and test loss, evaluate.

# %%
import engine as torch
from engine import figures, nn
from engine.utils.data import DataLoader, TensorDataset, load_sklearn, random_split

# %% tags=["parameters"]
hidden = 128
dropout = 0.3
learning_rate = 0.05
momentum = 0.9
batch_size = 32
epochs = 40
seed = 0
folder = "runs/digits_mlp"  # where the figures go; "" draws none

# %% [markdown]
# ## Data
# The pixels are whole numbers 0 ... 16. One picture in five is kept for the test, drawn at random.

# %%
torch.manual_seed(seed)
table = load_sklearn("digits")
x = torch.from_numpy(table.x) / 16
y = torch.from_numpy(table.y)
train_set, test_set = random_split(TensorDataset(x, y), [0.8, 0.2])
train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
test_loader = DataLoader(test_set, batch_size=256)
print(f"{len(train_set)} pictures to train, {len(test_set)} to test, {x.shape[1]} pixels each")
for row in x[0].reshape(8, 8).tolist():
    print("   ", "".join(" .:-=+*#%"[round(8 * value)] * 2 for value in row))
print(f"    the first picture: a {y[0].item()}")

# %% [markdown]
# ## The network
# `Dropout` switches off a random part of the hidden units at each training step, so that no unit can lean on a few
# others; in `eval` mode all units take part.

# %%
model = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 10))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=momentum)


def evaluate():
    """Mean loss, accuracy, and how often each true class (row) was predicted as each class (column)."""
    model.eval()
    loss, counts = 0.0, torch.zeros(10, 10, dtype=torch.int64)
    with torch.no_grad():
        for pictures, labels in test_loader:
            logits = model(pictures)
            loss += loss_fn(logits, labels).item() * len(labels)
            for label, predicted in zip(labels.tolist(), logits.argmax(1).tolist()):
                counts[label, predicted] += 1
    model.train()
    right = sum(counts[k, k].item() for k in range(10))
    return loss / len(test_set), right / len(test_set), counts


# %% [markdown]
# ## Training

# %%
history = {"train_loss": [], "val_loss": [], "train_accuracy": [], "val_accuracy": []}
for epoch in range(1, epochs + 1):
    total, right = 0.0, 0
    for pictures, labels in train_loader:
        optimizer.zero_grad()
        logits = model(pictures)
        loss = loss_fn(logits, labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        right += (logits.argmax(1) == labels).sum().item()
    test_loss, test_accuracy, counts = evaluate()
    for name, value in zip(history, (total / len(train_set), test_loss, right / len(train_set), test_accuracy)):
        history[name].append(value)
    if epoch == 1 or epoch % 5 == 0:
        print(
            f"epoch {epoch:3d}  train loss {history['train_loss'][-1]:.4f}  test loss {test_loss:.4f}"
            f"  test accuracy {test_accuracy:.2%}"
        )

# %% [markdown]
# ## Result

# %%
print("confusion matrix (row: true digit, column: predicted digit)")
for digit, row in enumerate(counts.tolist()):
    print(f"  {digit} |" + "".join(f"{count:4d}" if count else "   ." for count in row))
print(f"test accuracy {test_accuracy:.2%}")

# %%
if folder:
    figures.training_curves(history, f"{folder}/curves.png", title="Digits, 64-128-10 (validation: the test set)")
    figures.confusion_matrix(counts, [str(k) for k in range(10)], f"{folder}/confusion.png")
    print(f"figures: {folder}")
