"""The MLP in torch style: 64 -> 32 -> 10, ReLU, cross entropy of logits and rows of class probabilities, SGD."""

from typing import Any

import numpy as np
import starts

import irc.torch as torch
from irc.torch import nn


class MLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(64, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x: Any) -> Any:
        return self.fc2(torch.relu(self.fc1(x)))


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    model = MLP()
    model.load_state_dict(
        {
            "fc1.weight": torch.from_numpy(weights["w1"].T.copy()),
            "fc1.bias": torch.from_numpy(weights["b1"]),
            "fc2.weight": torch.from_numpy(weights["w2"].T.copy()),
            "fc2.bias": torch.from_numpy(weights["b2"]),
        }
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
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
        return {
            "w1": model.fc1.weight.detach().numpy().T,
            "b1": model.fc1.bias.detach().numpy(),
            "w2": model.fc2.weight.detach().numpy().T,
            "b2": model.fc2.bias.detach().numpy(),
        }

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.mlp())
