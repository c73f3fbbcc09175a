"""A recurrent classifier in torch style: h = tanh(x W + b + h U) as a loop of the program, cross entropy, SGD."""

from typing import Any

import numpy as np
import starts

import irc
import irc.torch as torch
import irc.torch.nn.functional as F
from irc.torch import nn


class RNN(nn.Module):
    """nn.RNN has two biases; this one has that of Keras's SimpleRNN."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.empty(inputs, hidden))
        self.u = nn.Parameter(torch.empty(hidden, hidden))
        self.b = nn.Parameter(torch.zeros(hidden))

    def forward(self, x: Any) -> Any:
        parts = x.transpose(0, 1) @ self.w + self.b
        start = torch.zeros(x.shape[0], self.u.shape[0])
        last, _ = irc.scan(lambda h, part: (torch.tanh(part + h @ self.u), []), start, parts)
        return last


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = RNN(8, 32)
        self.out = nn.Linear(32, 10)

    def forward(self, x: Any) -> Any:
        return self.out(self.rnn(x))


def build(weights: starts.Arrays) -> tuple[Any, Any, Any]:
    model = Classifier()
    model.load_state_dict(
        {
            "rnn.w": torch.from_numpy(weights["w"]),
            "rnn.u": torch.from_numpy(weights["u"]),
            "rnn.b": torch.from_numpy(weights["b"]),
            "out.weight": torch.from_numpy(weights["w_out"].T.copy()),
            "out.bias": torch.from_numpy(weights["b_out"]),
        }
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    steps = torch.zeros((), dtype=torch.int64)

    def forward(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    def step(x: np.ndarray, y: np.ndarray) -> float:
        rows, labels = torch.from_numpy(x), torch.from_numpy(y)
        steps.add_(1)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(rows), F.one_hot(labels, 10).float())
        loss.backward()
        optimizer.step()
        return loss.item()

    def read() -> starts.Arrays:
        found = {"w": model.rnn.w, "u": model.rnn.u, "b": model.rnn.b}
        found |= {"w_out": model.out.weight.T, "b_out": model.out.bias}
        return {name: tensor.detach().numpy() for name, tensor in found.items()}

    return forward, step, read


if __name__ == "__main__":
    starts.run(build, starts.rnn())
