"""The seed of 10 -> 10 -> 10 -> 1 in torch style: binary cross entropy of logits, Adam.

PyTorch adds Adam's epsilon to the root of the corrected second moment, Keras and TensorFlow to that of the uncorrected
one: epsilon is 0 here, where both are one definition. It corrects with numbers of double precision, they with those of
the parameters' precision, as PyTorch does when `capturable`."""

from typing import Any

import numpy as np
import starts

import irc.torch as torch
from irc.torch import nn


class SimpleNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(10, 10)
        self.fc2 = nn.Linear(10, 10)
        self.fc3 = nn.Linear(10, 1)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    model = SimpleNN()
    for i, layer in enumerate((model.fc1, model.fc2, model.fc3), 1):
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights[f"w{i}"].T.copy()))
            layer.bias.copy_(torch.from_numpy(weights[f"b{i}"]))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.9, 0.999), eps=0.0, capturable=True)

    def forward(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    def step(x: np.ndarray, y: np.ndarray) -> float:
        inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    def read() -> starts.Arrays:
        layers = {"1": model.fc1, "2": model.fc2, "3": model.fc3}
        found = {f"w{i}": layer.weight.detach().numpy().T for i, layer in layers.items()}
        return found | {f"b{i}": layer.bias.detach().numpy() for i, layer in layers.items()}

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.seed_mlp())
