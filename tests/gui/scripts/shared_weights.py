"""Two paths through one layer (a siamese network), and a decoder that reads the encoder's weight."""

import engine as torch
from engine import nn

torch.manual_seed(0)


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(6, 4)
        self.decode = nn.Linear(4, 6)

    def forward(self, a, b):
        left, right = torch.tanh(self.encode(a)), torch.tanh(self.encode(b))
        back = nn.functional.linear(left, self.encode.weight.t(), self.decode.bias)
        return (left - right) ** 2, back


model = Siamese()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
a, b = torch.randn(5, 6), torch.randn(5, 6)
for _step in range(4):
    optimizer.zero_grad()
    apart, back = model(a, b)
    loss = apart.mean() + nn.functional.mse_loss(back, a)
    loss.backward()
    optimizer.step()
