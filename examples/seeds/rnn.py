"""A recurrent network that reads handwritten digits row by row: the loop over time is a `while` of the IR.

    irc run --as torch examples/seeds/rnn.py"""

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

with np.load(Path(__file__).parent.parent / "data" / "digits.npz") as data:
    images = torch.from_numpy((data["images"].reshape(-1, 8, 8) / 16.0).astype("float32"))
    labels = torch.from_numpy(data["labels"].astype("int64"))
order = torch.from_numpy(np.random.default_rng(0).permutation(len(images)))
train, test = order[360:], order[:360]


class RNNClassifier(nn.Module):
    def __init__(self, pixels=8, hidden=64, classes=10):
        super().__init__()
        self.rnn = nn.RNN(pixels, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, classes)

    def forward(self, x):
        _, last = self.rnn(x)
        return self.fc(last[0])


torch.manual_seed(0)
model = RNNClassifier()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.005)

for epoch in range(15):
    shuffled = train[torch.randperm(len(train))]
    total = 0.0
    for start in range(0, len(shuffled) - 63, 64):
        rows = shuffled[start : start + 64]
        optimizer.zero_grad()
        loss = criterion(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        right = (model(images[test]).argmax(dim=1) == labels[test]).float().mean().item()
    print(f"epoch {epoch + 1}: loss {total / (len(shuffled) // 64):.4f} accuracy {100 * right:.1f}%")
