"""The examples, run as a person runs them: the digits, the seed programs broken and repaired."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "examples" / "seeds"
GOLDEN = Path(__file__).parent / "golden" / "diagnostics"


def irc(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, from the checkout, with nothing on PATH: a compiler that needs other programs would fail here."""
    return subprocess.run(
        [sys.executable, "-m", "irc.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": "", **environment},
        capture_output=True,
        text=True,
    )


def losses(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"loss (?:after \d+ steps: )?([\d.]+)", text)]


def test_digits_are_learned() -> None:
    """Above 97 % of held-out digits after five epochs."""
    done = subprocess.run(
        [sys.executable, "examples/digits.py"],
        cwd=ROOT,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    accuracies = [float(x) for x in re.findall(r"accuracy ([\d.]+)%", done.stdout)]
    assert len(accuracies) == 5
    assert accuracies[-1] > 97.0


def test_too_little_memory_is_said_with_the_batch_that_fits() -> None:
    """A training step with dropout and Adam: its images and labels are the batch, nothing that is trained."""
    done = subprocess.run(
        [sys.executable, "examples/digits.py"],
        cwd=ROOT,
        env={**os.environ, "IRC_MEMORY_LIMIT": "3M"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "digits.py:43:33: the program needs" in done.stderr
    assert re.search(
        r"the largest batch that fits is \d+ \(dimension 0 of argument 0, argument 1; here it is 32\)",
        done.stderr,
    )


def test_seed_cnn_trains() -> None:
    done = irc("run", "--as", "torch", "examples/seeds/cnn.py")
    assert done.returncode == 0, done.stderr
    told = losses(done.stdout)
    assert len(told) == 20
    assert told[-1] < told[0] < 3.0


def test_seed_mlp_trains() -> None:
    done = irc("run", "--as", "torch", "examples/seeds/mlp.py")
    assert done.returncode == 0, done.stderr
    (last,) = losses(done.stdout)
    assert last < 0.1


def test_a_missing_import_is_pythons_own_error() -> None:
    done = irc("run", "--as", "torch", "examples/seeds/cnn_as_published.py")
    assert done.returncode != 0
    assert done.stderr.rstrip().endswith("NameError: name 'F' is not defined")


@pytest.mark.parametrize("name", ["cnn_with_import", "mlp_as_published"])
def test_diagnostics(name: str, pytestconfig: pytest.Config) -> None:
    """The error of a broken program is what the golden file says: the user's line, a caret, what to write."""
    done = irc("run", "--as", "torch", f"examples/seeds/{name}.py")
    assert done.returncode == 1
    golden = GOLDEN / f"{name}.txt"
    if pytestconfig.getoption("--update-golden"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(done.stderr)
    assert done.stderr == golden.read_text(), f"{golden} differs; `pytest --update-golden` rewrites it"


KERAS = {
    "keras_cnn_as_published": 1,
    "keras_cnn_softmax": 0,
    "keras_mlp_tape_as_published": 1,
}
"""Keras programs that irc has something to say about, and whether they go on."""


@pytest.mark.parametrize("name", KERAS)
def test_keras_diagnostics(name: str, pytestconfig: pytest.Config) -> None:
    """Errors and warnings at the user's line, as the golden file has them."""
    done = irc("run", "--as", "tensorflow", f"examples/seeds/{name}.py")
    assert done.returncode == KERAS[name]
    golden = GOLDEN / f"{name}.txt"
    if pytestconfig.getoption("--update-golden"):
        golden.write_text(done.stderr)
    assert done.stderr == golden.read_text(), f"{golden} differs; `pytest --update-golden` rewrites it"


@pytest.mark.parametrize(("name", "lines"), [("keras_cnn", 20), ("keras_mlp_tape", 5)])
def test_repaired_keras_programs_train(name: str, lines: int) -> None:
    done = irc("run", "--as", "tensorflow", f"examples/seeds/{name}.py")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = losses(done.stdout)
    assert len(told) == lines
    assert told[-1] < told[0] < 3.0


RECURRENT = {"rnn": "torch", "keras_rnn": "tensorflow", "tf1_rnn": "tensorflow1"}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_networks_read_digits(name: str) -> None:
    """More than 90 % of digits not seen; the loop over time is a `while` of the IR."""
    done = irc("run", "--as", RECURRENT[name], f"examples/seeds/{name}.py")
    assert done.returncode == 0, done.stderr
    last = re.findall(r"accuracy ([\d.]+)(%?)", done.stdout)[-1]
    assert float(last[0]) * (1 if last[1] else 100) > 90
    shown = irc("dump", "--as", RECURRENT[name], f"examples/seeds/{name}.py")
    assert "stablehlo.while" in shown.stdout


PROGRAMS = ["examples/seeds/cnn.py", "examples/seeds/mlp.py", "examples/digits.py"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_stage_enters_again(program: str, tmp_path: Path) -> None:
    """What `irc dump` prints of any stage gives the same object code when it is run, for the biggest program of each."""
    frontend = ["--as", "torch"] if "seeds" in program else []
    digests = {}
    for stage in ("tensor", "fused", "kernel", "llvm", "asm"):
        shown = irc("dump", *frontend, "--stage", stage, "--program", "1", program, "--", *_short(program))
        assert shown.returncode == 0, shown.stderr
        text = tmp_path / f"program.{stage}"
        text.write_text(shown.stdout)
        again = irc("run", "--digest", str(text))
        assert again.returncode == 0, again.stderr
        digests[stage] = again.stdout.strip()
    assert len(set(digests.values())) == 1, digests


def _short(program: str) -> list[str]:
    return ["--epochs", "1"] if "digits" in program else []


def test_object_code_is_the_same_in_every_process() -> None:
    """Five processes with different hash seeds."""
    texts = {
        irc(
            "dump", "--as", "torch", "--stage", "asm", "examples/seeds/mlp.py", PYTHONHASHSEED=str(seed)
        ).stdout
        for seed in range(5)
    }
    assert len(texts) == 1
    assert len(texts.pop()) > 1000
