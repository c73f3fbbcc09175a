"""Training steps of the frontends as PTX: forward, backward and update have the host's bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from device_programs import arrays_for, differences

import irc.torch as torch
from irc.aliases import LIBRARIES, install_as
from irc.cli.collecting import Collector
from irc.cli.programs import run_program
from irc.driver import observing, retargeted
from irc.frontends.recorder.backend import apart
from irc.torch import nn

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"


def check(programs: Collector) -> int:
    """Compares every program that was compiled; how many there were."""
    for number, (program, _) in enumerate(programs.programs):
        assert program.stages.tensor is not None
        module = retargeted(program.stages.tensor)
        assert differences(module, arrays_for(module)) == [], f"program {number}: {program!r}"
    return len(programs.programs)


def test_a_training_step_of_a_small_network() -> None:
    """Convolution, batch normalisation, pooling, dropout, cross entropy and Adam."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64, 5),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    @torch.compile
    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    programs = Collector()
    with observing(programs):
        step(torch.randn(6, 1, 8, 8), torch.randint(0, 5, (6,))).item()
    assert check(programs) > 0


def test_models_run_on_the_target_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded operations and compiled functions alike."""

    def losses() -> list[float]:
        torch.manual_seed(1)
        model = nn.Linear(6, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        x, found = torch.randn(4, 6), []
        for _ in range(3):
            optimizer.zero_grad()
            loss = model(x).tanh().pow(2).mean()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    with apart():
        host = losses()
    programs = Collector()
    monkeypatch.setenv("IRC_TARGET", "ptx-emulated")
    with apart(), observing(programs):
        assert losses() == host
    assert programs.programs and all(p.stages.target.is_device for p, _ in programs.programs)


def check_example(path: str, library: str) -> None:
    """Runs an example, and compares what it compiled."""
    programs = Collector()
    install_as(library)
    with observing(programs):
        run_program(path, [])
    assert check(programs) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "library"),
    [
        ("digits.py", "torch"),
        ("seeds/mlp.py", "torch"),
        ("seeds/rnn.py", "torch"),
        ("seeds/tf1_rnn.py", "tensorflow1"),
    ],
)
def test_examples(example: str, library: str) -> None:
    """In a process of its own, since an example runs as the library it names."""
    assert library in LIBRARIES
    code = f"from test_device_training import check_example; check_example({str(EXAMPLES / example)!r}, {library!r})"
    paths = os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
