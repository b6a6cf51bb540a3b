# %% [markdown]
# # A convolutional network on Fashion-MNIST
#
# Pictures of clothes, 28 x 28 pixels, ten classes. Two convolutions look for small patterns anywhere in the picture,
# pooling keeps the strongest answers and halves the size, and two dense layers decide.

# %%
from tqdm import tqdm

import engine as torch
from engine import figures, nn
from engine.utils.data import DataLoader, datasets, transforms

# %% tags=["parameters"]
whole = False  # True: all 60,000 pictures where they are installed (see `nablascope doctor`), not the shipped 6,000
epochs = 10
batch_size = 64
learning_rate = 4e-3  # at its highest
dropout = 0.25
seed = 0
folder = "runs/fashion_cnn"  # where the figures go; "" draws none

# %% [markdown]
# ## Data
# The pixels, 0 ... 255, become numbers with mean 0 and standard deviation 1 over the training set.

# %%
torch.manual_seed(seed)
to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.2860, 0.3530)])
part = "full" if whole else "shipped"
train_set = datasets.FashionMNIST(train=True, transform=to_tensor, part=part)
test_set = datasets.FashionMNIST(train=False, transform=to_tensor, part=part)
train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True, drop_last=True)
test_loader = DataLoader(test_set, batch_size=500)
print(f"training: {train_set.source}\ntest:     {test_set.source}")


# %%
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(32 * 7 * 7, 64)
        self.output = nn.Linear(64, 10)

    def forward(self, x):  # (N, 1, 28, 28)
        x = self.pool(torch.relu(self.conv1(x)))  # (N, 16, 14, 14)
        x = self.pool(torch.relu(self.conv2(x)))  # (N, 32, 7, 7)
        x = self.dropout(x.flatten(1))  # (N, 1568)
        x = self.dropout(torch.relu(self.hidden(x)))  # (N, 64)
        return self.output(x)  # (N, 10) logits


def evaluate(model):
    """Mean loss, probabilities (N, 10) and true classes (N,) on the test set."""
    model.eval()
    with torch.no_grad():
        batches = [(model(pictures), labels) for pictures, labels in test_loader]
    logits, labels = (torch.cat(parts) for parts in zip(*batches))
    return loss_fn(logits, labels).item(), torch.softmax(logits, dim=1), labels


# %% [markdown]
# ## Training
# Adam with a learning rate that rises and falls again over the run (`OneCycleLR`).

# %%
model = Network()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters())
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=epochs * len(train_loader))
history = {"train_loss": [], "val_loss": [], "train_accuracy": [], "val_accuracy": []}
print("epoch  train loss  test loss  train accuracy  test accuracy")
with tqdm(total=epochs * len(train_loader), desc="training", unit="batch", disable=None) as bar:
    for epoch in range(1, epochs + 1):
        model.train()
        total, right, seen = 0.0, 0, 0
        for pictures, labels in train_loader:
            optimizer.zero_grad()
            logits = model(pictures)
            loss = loss_fn(logits, labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(labels)
            right += (logits.argmax(dim=1) == labels).sum().item()
            seen += len(labels)
            bar.update()
            bar.set_postfix(epoch=epoch, loss=f"{loss.item():.3f}", refresh=False)
        test_loss, probabilities, truth = evaluate(model)
        accuracy = (probabilities.argmax(dim=1) == truth).float().mean().item()
        for name, value in zip(history, (total / seen, test_loss, right / seen, accuracy)):
            history[name].append(value)
        bar.write(f"{epoch:5d} {total / seen:11.4f} {test_loss:10.4f} {right / seen:15.2%} {accuracy:14.2%}")

# %%
counts = torch.zeros(10, 10, dtype=torch.int64)
for label, predicted in zip(truth.tolist(), probabilities.argmax(dim=1).tolist()):
    counts[label, predicted] += 1
print("confusion matrix (row: true class, column: predicted class)")
for name, row in zip(test_set.classes, counts.tolist()):
    print(f"  {name:>11} |" + "".join(f"{count:5d}" if count else "    ." for count in row))
print(f"test accuracy {accuracy:.2%}")

# %%
if folder:
    figures.training_curves(history, f"{folder}/curves.png", title="Fashion-MNIST (validation: the test set)")
    figures.filters(model.conv1.weight, f"{folder}/filters.png", title="Filters of the first convolution")
    with torch.no_grad():
        first = torch.relu(model.conv1(test_set[0][0].unsqueeze(0)))
        second = torch.relu(model.conv2(model.pool(first)))
    figures.feature_maps(test_set.data[0], {"conv1": first[0], "conv2": second[0]}, f"{folder}/feature_maps.png")
    figures.confusion_matrix(counts, test_set.classes, f"{folder}/confusion.png")
    figures.mistakes(test_set.data, truth, probabilities, test_set.classes, f"{folder}/mistakes.png")
    print(f"figures: {folder}")
