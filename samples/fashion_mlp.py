# %% [markdown]
# # Fashion-MNIST without convolutions, and without writing the loop
#
# A multilayer perceptron sees a picture as 784 numbers in a row and knows nothing of neighbouring pixels. The
# training loop is left to `Trainer`: it runs the epochs, measures loss and accuracy on both sets, and calls the
# callbacks; here one ends the training when the validation loss has stopped falling, and one keeps the best model.
# Compare the result with `fashion_cnn.py`, whose network has fewer parameters.

# %%
import engine as torch
from engine import figures, nn
from engine.trainer import EarlyStopping, ModelCheckpoint, Trainer
from engine.utils.data import DataLoader, datasets, random_split, transforms

# %% tags=["parameters"]
whole = False  # True: all 60,000 pictures where they are installed, not the shipped 6,000
epochs = 20
batch_size = 64
hidden = 128
dropout = 0.3
learning_rate = 1e-3
weight_decay = 1e-2
patience = 4  # epochs without improvement before training ends
seed = 0
folder = "runs/fashion_mlp"  # where the best model and the figures go

# %% [markdown]
# ## Data
# A tenth of the training pictures is set aside for validation: what is chosen by looking at a set (here the epoch to
# stop at) must not be judged on that set. The test set is used once, at the end.

# %%
torch.manual_seed(seed)
to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.2860, 0.3530)])
part = "full" if whole else "shipped"
train_set, val_set = random_split(datasets.FashionMNIST(transform=to_tensor, part=part), [0.9, 0.1])
test_set = datasets.FashionMNIST(train=False, transform=to_tensor, part=part)
train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
val_loader = DataLoader(val_set, batch_size=500)
test_loader = DataLoader(test_set, batch_size=500)
print(f"{len(train_set)} pictures to train, {len(val_set)} to validate, {len(test_set)} to test")

# %%
model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(28 * 28, hidden), nn.ReLU(), nn.Dropout(dropout),
    nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
    nn.Linear(hidden, 10),
)  # fmt: skip
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)

# %% [markdown]
# ## Training

# %%
best = ModelCheckpoint(dirpath=folder, filename="best", monitor="val_loss", save_weights_only=True)
trainer = Trainer(max_epochs=epochs, callbacks=[EarlyStopping(patience=patience), best])
history = trainer.fit(model, loss_fn, optimizer, train_loader, val_loader)
print(history)

# %% [markdown]
# ## Result
# The weights of the best epoch, on pictures that neither training nor the choice of the epoch has seen.

# %%
model.load_state_dict(torch.load(best.best_model_path)["state_dict"])
model.eval()
with torch.no_grad():
    batches = [(model(pictures), labels) for pictures, labels in test_loader]
logits, labels = (torch.cat(parts) for parts in zip(*batches))
accuracy = (logits.argmax(dim=1) == labels).float().mean().item()
print(f"test loss {loss_fn(logits, labels).item():.4f}")
print(f"test accuracy {accuracy:.2%}")

# %%
curves = {name: history[name] for name in ("train_loss", "val_loss", "train_accuracy", "val_accuracy")}
figures.training_curves(curves, f"{folder}/curves.png", title="Fashion-MNIST, multilayer perceptron")
figures.filters(
    model[1].weight.reshape(hidden, 1, 28, 28), f"{folder}/weights.png", "Weights of hidden units, as pictures", 32
)
probabilities = torch.softmax(logits, dim=1)
figures.mistakes(test_set.data, labels, probabilities, test_set.classes, f"{folder}/mistakes.png")
print(f"figures: {folder}")
