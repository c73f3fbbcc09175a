"""An MLP as one writes it in PyTorch, with its defaults."""

import torch
import torch.nn as nn

torch.manual_seed(0)
images, labels = torch.randn(32, 64), torch.randint(0, 10, (32,))

model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for _ in range(3):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
