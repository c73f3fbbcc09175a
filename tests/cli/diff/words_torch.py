"""A small classifier of sequences of words as one writes it in PyTorch."""

import torch
import torch.nn as nn

torch.manual_seed(0)
words, answers = torch.randint(0, 50, (8, 6)), torch.rand(8, 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 12, batch_first=True)
        self.norm = nn.LayerNorm(12)
        self.head = nn.Linear(12, 1)

    def forward(self, x):
        _, (last, _) = self.lstm(self.embed(x))
        return torch.sigmoid(self.head(self.norm(last[-1])))


net = Net()
criterion = nn.BCELoss()
optimizer = torch.optim.RMSprop(net.parameters(), lr=0.001)

for _ in range(3):
    optimizer.zero_grad()
    loss = criterion(net(words), answers)
    loss.backward()
    optimizer.step()
