"""The command as its users see it: what it prints, on which stream, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irc.cli import main

PROGRAM = """func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x3xf32>) -> tensor<4x3xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
  %1 = stablehlo.negate %0 : tensor<4x3xf32>
  %2 = stablehlo.negate %1 : tensor<4x3xf32>
  return %2 : tensor<4x3xf32>
}
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.mlir"
    path.write_text(PROGRAM)
    return path


def test_opt_prints_the_module_after_its_passes(program: Path, capsys: Any) -> None:
    assert (
        main(["opt", str(program), "--passes", "canonicalize,dce", "--timing", "--rewrites", "--no-loc"]) == 0
    )
    printed = capsys.readouterr()
    assert "stablehlo.negate" not in printed.out
    assert "canonicalize" in printed.err
    assert "-(-x) = x" in printed.err


def test_opt_reads_what_it_printed(program: Path, capsys: Any) -> None:
    main(["opt", str(program), "--passes", "canonicalize,dce"])
    first = capsys.readouterr().out
    program.write_text(first)
    main(["opt", str(program)])
    assert capsys.readouterr().out == first


def test_opt_lists_passes(capsys: Any) -> None:
    assert main(["opt", "--list"]) == 0
    assert {"canonicalize", "cse", "dce", "fusion", "layout", "grad"} <= set(capsys.readouterr().out.split())


def test_run_gives_the_reference_s_result(program: Path, tmp_path: Path, capsys: Any) -> None:
    arrays = [np.arange(32, dtype=np.float32).reshape(4, 8), np.ones((8, 3), np.float32)]
    files = []
    for i, array in enumerate(arrays):
        np.save(tmp_path / f"{i}.npy", array)
        files += ["--input", str(tmp_path / f"{i}.npy")]
    assert main(["run", *files, str(program)]) == 0
    native = capsys.readouterr().out
    assert main(["run", *files, "--target", "interpreter", str(program)]) == 0
    assert capsys.readouterr().out == native
    assert "tensor<4x3xf32>" in native
    assert "28." in native


def test_an_error_points_at_the_text(program: Path, capsys: Any) -> None:
    program.write_text(PROGRAM.replace("contracting_dims = [1] x [0]", "contracting_dims = [0] x [0]"))
    assert main(["run", str(program)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {program}:2:8: ")
    assert "[C10]" in said
    assert "^" in said
    assert "Traceback" not in said


def test_a_wrong_command_line_is_status_two() -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["sing"])
    assert stopped.value.code == 2


def test_a_missing_file_is_an_error_not_a_traceback(capsys: Any) -> None:
    assert main(["run", "nowhere.mlir"]) == 1
    assert "nowhere.mlir" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["tensor", "fused", "kernel", "llvm", "asm"])
def test_dump_of_a_text_shows_each_stage(stage: str, program: Path, capsys: Any) -> None:
    assert main(["dump", str(program), "--stage", stage]) == 0
    marks = {
        "tensor": "stablehlo.dot_general",
        "fused": "irc.pipeline",
        "kernel": "vector.contract",
        "llvm": "define void",
    }
    assert marks.get(stage, ".text") in capsys.readouterr().out


def test_dump_all_tells_rewrites_timing_and_memory(program: Path, capsys: Any) -> None:
    assert main(["dump", str(program), "--stage", "all", "--timing", "--memory"]) == 0
    printed = capsys.readouterr().out
    for part in ("// ===== tensor", "-(-x) = x", "// ===== asm", "llvm", "arena"):
        assert part in printed


def test_dump_asks_for_an_input(tmp_path: Path, capsys: Any) -> None:
    model = tmp_path / "model.py"
    model.write_text("import irc.torch.nn as nn\nnet = nn.Linear(4, 2)\n")
    assert main(["dump", str(model)]) == 1
    assert "models in it: net" in capsys.readouterr().err
    assert main(["dump", str(model), "--input", "f32[3,4]"]) == 0
    assert "stablehlo.dot_general" in capsys.readouterr().out


def test_ops_prints_a_reference_page(capsys: Any) -> None:
    assert main(["ops", "dot_general"]) == 0
    page = capsys.readouterr().out
    assert "C12:" in page
    assert "native code: contraction kernel" in page
    assert main(["ops", "nonsense"]) == 1


def test_a_pipe_that_closes_early_is_no_error(program: Path) -> None:
    command = f"{sys.executable} -m irc.cli dump {program} --stage asm | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_colours_are_for_terminals(program: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["dump", str(program)])
    assert "\x1b[" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["dump", str(program)])
    assert "\x1b[" in capsys.readouterr().out
