"""A recurrent classifier as one writes it in PyTorch, with its defaults."""

import torch
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(8, 32, batch_first=True)
        self.out = nn.Linear(32, 10)

    def forward(self, x):
        _, last = self.rnn(x)
        return self.out(last[-1])


torch.manual_seed(0)
model = Classifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters())

rows = torch.randn(16, 8, 8)
digits = torch.randint(0, 10, (16,))

for _ in range(3):
    optimizer.zero_grad()
    loss = criterion(model(rows), digits)
    loss.backward()
    optimizer.step()
