"""The seed of 10 -> 10 -> 10 -> 1 as one writes it in PyTorch, with its defaults."""

import torch
import torch.nn as nn
import torch.optim as optim


class SimpleNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(10, 10)
        self.fc2 = nn.Linear(10, 10)
        self.fc3 = nn.Linear(10, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return torch.sigmoid(self.fc3(x))


torch.manual_seed(0)
model = SimpleNN()
criterion = nn.BCELoss()
optimizer = optim.Adam(model.parameters())

inputs = torch.randn(100, 10)
targets = torch.randint(0, 2, (100, 1)).float()

for _ in range(3):
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
