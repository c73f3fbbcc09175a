"""`irc bench`: peers get the same work, results are compared before anybody is timed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irc.aliases import ALIASES
from irc.cli import bench, main

PROGRAM = """func.func @main(%a: tensor<96x96xf32> {tf.aliasing_output = 0 : i32}, %b: tensor<96x96xf32>) -> tensor<96x96xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<96x96xf32>, tensor<96x96xf32>) -> tensor<96x96xf32>
  return %0 : tensor<96x96xf32>
}
"""

MODEL = """import torch
import torch.nn as nn

net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BATCH", 0.001)
    monkeypatch.setattr("irc.runtime.roofs.measured", lambda: (1e11, ((1 << 20, 1e10),)))


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_a_text_is_given_to_xla(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "program.mlir"
    path.write_text(PROGRAM)
    assert main(["bench", str(path), "--rounds", "1", "--peers", "jax"]) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line for line in printed.splitlines() if line.strip()}
    assert "1.00 x" in rows["irc"]
    assert " x" in rows["XLA"] and "not timed" not in rows["XLA"]
    assert "% of the roofs" in printed


@pytest.fixture
def own_torch() -> Iterator[None]:
    """Gives the process PyTorch back after a command has put irc in its place."""

    def loaded() -> list[str]:
        return [name for name in sys.modules if name.partition(".")[0] == "torch"]

    modules, aliases = {name: sys.modules[name] for name in loaded()}, dict(ALIASES)
    yield
    for name in loaded():
        del sys.modules[name]
    sys.modules.update(modules)
    ALIASES.clear()
    ALIASES.update(aliases)


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.usefixtures("own_torch")
def test_a_model_is_called_by_pytorch_with_the_same_weights(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "model.py"
    path.write_text(MODEL)
    command = [
        "bench",
        str(path),
        "--as",
        "torch",
        "--input",
        "f32[2,4]",
        "--rounds",
        "1",
        "--peers",
        "torch",
    ]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "model net on f32[2,4]" in printed
    row = next(line for line in printed.splitlines() if line.startswith("PyTorch"))
    assert "not timed" not in row


def test_a_peer_that_differs_is_not_timed(tmp_path: Path) -> None:
    work = bench.Work(lambda: None, [np.ones(3, np.float32)], tmp_path)
    np.savez(tmp_path / "jax.npz", np.array([1, 1, 1.1], np.float32))
    assert "result 0 differs" in bench._difference(work, "jax")
    np.savez(tmp_path / "jax.npz", np.array([1, 1, 1.00001], np.float32))
    assert bench._difference(work, "jax") == ""
    np.savez(tmp_path / "jax.npz", np.ones((3, 1), np.float32))
    assert "[3, 1]" in bench._difference(work, "jax")


def test_an_unknown_peer_is_an_error(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "program.mlir"
    path.write_text(PROGRAM)
    assert main(["bench", str(path), "--peers", "cobol"]) == 1
    assert "peers: jax, torch, onnxruntime, openvino" in capsys.readouterr().err
