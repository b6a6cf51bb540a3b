"""A small classifier with a DataLoader, as the terminal's tests debug it."""

# %%
import engine as torch
from engine import nn
from engine.utils.data import DataLoader, TensorDataset

# %% tags=["parameters"]
epochs = 5
learning_rate = 0.1

# %%
torch.manual_seed(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        hidden = torch.relu(self.fc1(x))
        return self.fc2(hidden)


# %%
data = TensorDataset(torch.randn(32, 4), torch.randint(0, 3, (32,)))
loader = DataLoader(data, batch_size=8, shuffle=True)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(epochs):
    total = 0.0
    for x, labels in loader:
        optimizer.zero_grad()
        y = model(x)
        loss = loss_fn(y, labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch} loss {total / len(loader):.6f}")
print("done")
