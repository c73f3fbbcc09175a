"""The seed CNN in torch style: NCHW, cross entropy that ignores class -100 (PyTorch's default), SGD."""

from typing import Any

import numpy as np
import starts

import irc.torch as torch
import irc.torch.nn.functional as F
from irc.torch import nn, optim


class SimpleCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(64 * 16 * 16, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(x, 2)
        x = x.view(x.size(0), -1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    model = SimpleCNN()
    with torch.no_grad():
        model.conv1.weight.copy_(torch.from_numpy(weights["w0"]).permute(3, 2, 0, 1))
        for layer, w, b in ((model.fc1, "w1", "b1"), (model.fc2, "w2", "b2")):
            layer.weight.copy_(torch.from_numpy(weights[w]).T)
            layer.bias.copy_(torch.from_numpy(weights[b]))
        model.conv1.bias.copy_(torch.from_numpy(weights["b0"]))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    steps = torch.zeros((), dtype=torch.int64)

    def forward(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    def step(x: np.ndarray, y: np.ndarray) -> float:
        images, labels = torch.from_numpy(x), torch.from_numpy(y)
        steps.add_(1)
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def read() -> starts.Arrays:
        found = {"w0": model.conv1.weight.detach().numpy().transpose(2, 3, 1, 0), "b0": model.conv1.bias}
        found |= {"w1": model.fc1.weight.detach().numpy().T, "b1": model.fc1.bias}
        found |= {"w2": model.fc2.weight.detach().numpy().T, "b2": model.fc2.bias}
        return {k: v if isinstance(v, np.ndarray) else v.detach().numpy() for k, v in found.items()}

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.seed_cnn())
