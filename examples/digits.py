"""Trains a small convolutional network on handwritten digits, 8x8 pixels each, and tells how well it reads new ones.

    python examples/digits.py [--epochs 5] [--eager]

Each training step (forward, loss, backward, Adam) is one native program that irc generated. `irc dump examples/digits.py
--stage all` shows every stage it went through."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

import irc
import irc.torch as torch
import irc.torch.nn as nn
import irc.torch.nn.functional as F
from irc.torch import optim
from irc.torch.utils.data import DataLoader, TensorDataset

DATA = Path(__file__).parent / "data" / "digits.npz"


class Net(nn.Module):
    """Two convolutions, a pool, two linear layers: (batch, 1, 8, 8) to (batch, 10) scores."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.fc1 = nn.Linear(64 * 4 * 4, 128)
        self.fc2 = nn.Linear(128, 10)
        self.dropout = nn.Dropout(0.25)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(x.flatten(1))
        return self.fc2(F.relu(self.fc1(x)))


def load(held_out: float = 0.2) -> tuple[TensorDataset, TensorDataset]:
    """The digits, shuffled once, in a training and a held-out part. Pixels become 0..1."""
    with np.load(DATA) as data:
        images = data["images"].astype(np.float32)[:, None] / 16.0
        labels = data["labels"].astype(np.int64)
    order = np.random.default_rng(7).permutation(len(images))
    cut = int(len(images) * held_out)
    parts = []
    for rows in (order[cut:], order[:cut]):
        parts.append(TensorDataset(torch.tensor(images[rows]), torch.tensor(labels[rows])))
    return parts[0], parts[1]


def evaluate(model: Net, loader: DataLoader) -> tuple[float, np.ndarray]:
    """The share of digits read right, and a table [digit, read as] of counts."""
    model.eval()
    counts = np.zeros((10, 10), np.int64)
    with torch.no_grad():
        for images, labels in loader:
            read = model(images).argmax(dim=1)
            np.add.at(counts, (labels.numpy(), read.numpy()), 1)
    model.train()
    return float(np.trace(counts) / counts.sum()), counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--eager", action="store_true", help="do not compile the training step as a whole")
    arguments = parser.parse_args()

    torch.manual_seed(0)
    training, held_out = load()
    loader = DataLoader(training, batch_size=arguments.batch_size, shuffle=True, drop_last=True)
    tests = DataLoader(held_out, batch_size=len(held_out))
    model = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)

    def step(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    if not arguments.eager:
        step = irc.compile(step)
    console = Console()
    start = time.perf_counter()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        for epoch in range(arguments.epochs):
            bar = progress.add_task(f"epoch {epoch + 1}", total=len(loader), said="")
            losses = []
            for images, labels in loader:
                losses.append(step(images, labels))
                progress.update(bar, advance=1)
            mean = float(np.mean([loss.item() for loss in losses]))
            accuracy, counts = evaluate(model, tests)
            said = f"loss {mean:.4f}  held-out accuracy {accuracy:.2%}"
            progress.update(bar, said=said)
            if not console.is_terminal:
                console.print(f"epoch {epoch + 1}/{arguments.epochs}  {said}")
    seconds = time.perf_counter() - start

    table = Table(title=f"Held-out digits, {seconds:.1f} s of training")
    for column in ("digit", "seen", "read right", "accuracy"):
        table.add_column(column, justify="right")
    for digit in range(10):
        seen, right = int(counts[digit].sum()), int(counts[digit, digit])
        table.add_row(str(digit), str(seen), str(right), f"{right / seen:.1%}")
    table.add_row("all", str(int(counts.sum())), str(int(np.trace(counts))), f"{accuracy:.2%}")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
