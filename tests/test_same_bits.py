"""One training, the same bits: looked at or not, compiled or not, with any number of threads, in every process."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc
import irc.torch as torch
import irc.torch.nn as nn
import irc.torch.nn.functional as F
from irc import driver
from irc.frontends.recorder import backend
from irc.interpreter import interpret
from irc.torch import optim

ROOT = Path(__file__).parent.parent


class Cnn(nn.Module):
    """The seed network, smaller, with batch normalisation and dropout on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.25)
        self.fc1 = nn.Linear(8 * 6 * 6, 20)
        self.fc2 = nn.Linear(20, 10)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        x = self.drop(x.view(x.size(0), -1))
        return self.fc2(torch.tanh(self.fc1(x)))


def train(how: str, steps: int = 6) -> tuple[str, list[float]]:
    """Digest of all parameters and buffers after training, and the losses that were looked at."""
    torch.manual_seed(3)
    rng = np.random.default_rng(5)
    model = Cnn()
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss()
    images = torch.tensor(rng.standard_normal((10, 3, 12, 12), dtype=np.float32))
    labels = torch.tensor(rng.integers(0, 10, 10))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        if how == "looked at":
            losses.append(float(loss.item()))
        loss.backward()
        if how == "looked at":
            model.fc1.weight.grad.numpy()
        optimizer.step()
        return loss

    losses: list[float] = []
    run: Callable[..., Any] = irc.compile(step) if how == "compiled" else step
    for _ in range(steps):
        loss = run(images, labels)
        if how == "compiled":
            losses.append(float(loss.item()))
    state = model.state_dict()
    digest = hashlib.sha256(b"".join(state[k].numpy().tobytes() for k in sorted(state))).hexdigest()
    return digest, losses


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = irc.get_num_threads()
    yield irc.set_num_threads
    irc.set_num_threads(before)


def test_looked_at_undecorated_and_compiled_agree() -> None:
    looked, told = train("looked at")
    undecorated, _ = train("undecorated")
    compiled, compiled_told = train("compiled")
    assert looked == undecorated == compiled
    assert told == compiled_told
    assert told[-1] < told[0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_threads(count: int, threads: Callable[[int], None]) -> None:
    expected, _ = train("compiled")
    threads(count)
    assert train("compiled")[0] == expected
    assert train("undecorated")[0] == expected


@pytest.mark.slow
def test_fifty_steps_over_threads_and_processes() -> None:
    """The same weights after 50 steps with 1, 2, 3 and 8 threads and in five processes with different hash seeds."""
    code = "from test_same_bits import train; print(train('compiled', 50)[0], train('undecorated', 50)[0])"
    printed = set()
    for seed, count in ((0, 1), (1, 2), (2, 3), (3, 8), (4, 2)):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "IRC_NUM_THREADS": str(count)}
        environment["PYTHONPATH"] = str(ROOT / "tests")
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        printed |= set(done.stdout.split())
    assert len(printed) == 1


def test_every_process() -> None:
    """Five processes with different hash seeds: the same weights, from the same object code."""
    code = "from test_same_bits import report; report()"
    printed = set()
    for seed in range(5):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT / "tests")}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        printed.add(done.stdout)
    assert len(printed) == 1


def report() -> None:
    """Prints the digest of a training and of every program it compiled."""

    class Keep(driver.Observer):
        def compiled(self, executable: driver.Executable, hooks: Any) -> None:
            print(hashlib.sha256(executable.object_code).hexdigest())

    with driver.observing(Keep()):
        print(train("compiled")[0], train("undecorated")[0])


def test_native_losses_are_the_reference_s() -> None:
    """Over 20 steps, native code and the interpreter agree to 1e-4 relative."""
    native = train("compiled", 20)[1]

    def reference(module: Any, donate: Any) -> Any:
        return lambda *arrays: interpret(module, *(np.array(a) for a in arrays))

    with backend.using(reference):
        slow = train("compiled", 20)[1]
    np.testing.assert_allclose(native, slow, rtol=1e-4)


def test_memory_is_bounded() -> None:
    """1,000 steps whose loss nobody looks at: the peak at the last is within 10 % of the peak at step 10."""
    code = "from test_same_bits import peaks; peaks()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    early, late = map(int, done.stdout.split())
    assert late <= early * 1.1


def peaks() -> None:
    """Prints the process's peak memory after 10 and after 1,000 steps of the seed network b)."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 1), nn.Sigmoid()
    )
    optimizer = optim.Adam(model.parameters())
    criterion = nn.BCELoss()
    inputs, targets = torch.randn(100, 10), torch.randint(0, 2, (100, 1)).float()
    for step in range(1, 1001):
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        optimizer.step()
        if step in (10, 1000):
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
