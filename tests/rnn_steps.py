"""One training step of a recurrent classifier, in PyTorch's style and in Keras's, for a number of time steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, PIXELS, HIDDEN, CLASSES = 16, 8, 32, 10


def data(steps: int, seed: int = 0) -> tuple[Any, Any]:
    """Sequences and their classes."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((BATCH, steps, PIXELS)).astype(np.float32)
    return x, rng.integers(0, CLASSES, BATCH)


def torch_step(steps: int) -> Any:
    """A step of `nn.RNN` and SGD, undecorated; gives the model and the loss."""
    import irc.torch as torch

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = torch.nn.RNN(PIXELS, HIDDEN, batch_first=True)
            self.fc = torch.nn.Linear(HIDDEN, CLASSES)

        def forward(self, x: Any) -> Any:
            return self.fc(self.rnn(x)[1][0])

    x, y = data(steps)
    model = Classifier()
    weights = [p.detach().numpy().copy() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = torch.nn.functional.cross_entropy(model(torch.tensor(x)), torch.tensor(y))
    loss.backward()
    optimizer.step()
    return weights, float(loss)


def keras_step(steps: int, weights: Any = None) -> Any:
    """A step of `SimpleRNN` in `train_on_batch`; gives the model and the loss."""
    import irc.tensorflow as tf

    keras = tf.keras
    model = keras.Sequential(
        [keras.Input((steps, PIXELS)), keras.layers.SimpleRNN(HIDDEN), keras.layers.Dense(CLASSES)]
    )
    if weights is not None:
        model.set_weights(weights)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    return model, float(model.train_on_batch(*data(steps)))


def losses(steps: int) -> tuple[float, float]:
    """The first loss in either style, from equal weights."""
    (w, u, b, c, v, d), ours = torch_step(steps)
    _, theirs = keras_step(steps, [w.T, u.T, b + c, v.T, d])
    return ours, theirs


STYLES: dict[str, Callable[[int], Any]] = {"torch": torch_step, "keras": keras_step}
