"""`irc reduce`, and the reproducers that faults of irc's own leave behind: with miscompiles and crashes that are planted."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irc.cli import main
from irc.cli.failures import said_by
from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module, parse
from irc.ir.operation import Operation
from irc.ir.rewriting import Rewriter
from irc.passes.canonicalize import REWRITES
from irc.passes.reduce import reduced
from irc.passes.reduce_text import smallest, smallest_text

PROGRAM = """module attributes {mhlo.num_partitions = 1 : i32} {
  func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x6xf32>, %n: tensor<i32>) -> (tensor<4x6xf32>, tensor<i32>) {
    %dot = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %x = stablehlo.tanh %dot : tensor<4x6xf32>
    %more = stablehlo.compare GT, %n, %zero : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %y = "stablehlo.if"(%more) ({
      %m = stablehlo.maximum %x, %dot : tensor<4x6xf32>
      stablehlo.return %m : tensor<4x6xf32>
    }, {
      %s = func.call @helper(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
      stablehlo.return %s : tensor<4x6xf32>
    }) : (tensor<i1>) -> tensor<4x6xf32>
    %z = stablehlo.subtract %y, %dot : tensor<4x6xf32>
    %w = stablehlo.minimum %z, %x : tensor<4x6xf32>
    return %w, %n : tensor<4x6xf32>, tensor<i32>
  }
  func.func private @helper(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
    %s = stablehlo.cosine %x : tensor<4x6xf32>
    return %s : tensor<4x6xf32>
  }
}
"""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests have loaded libraries with threads of their own, which do not bear a fork."""
    for module in ("irc.cli.reduce", "irc.cli.crash"):
        monkeypatch.setattr(f"{module}.outcome", lambda action, seconds=0.0: said_by(action))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.mlir"
    path.write_text(PROGRAM)
    return path


@pytest.fixture
def subtraction_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the interpreter subtracts the wrong way round."""
    monkeypatch.setattr(S.Subtract, "evaluate", lambda self, a, b: b - a)


def names(module: Module) -> list[str]:
    return [op.name for op in module.walk() if op.name.startswith("stablehlo") and not op.terminator]


def replayed(text: str) -> list[str]:
    """The arguments of the command in the first line."""
    return shlex.split(text.splitlines()[0].removeprefix("// replay: irc "))


@pytest.mark.usefixtures("subtraction_is_wrong")
def test_a_miscompile_is_left_alone_in_the_module(program: Path, tmp_path: Path, capsys: Any) -> None:
    small = tmp_path / "small.mlir"
    assert main(["reduce", str(program), "--differs", "interpreter,native", "-o", str(small)]) == 0
    text = small.read_text()
    left = names(parse(text))
    assert left.count("stablehlo.subtract") == 1 and len(left) <= 3
    assert "tensor<4x6xf32>" not in text, "extents shrink too"
    assert "@helper" not in text and "mhlo" not in text
    said = capsys.readouterr().err
    assert "differs: 16 operations" in said and f"replay with: irc reduce {small}" in said
    assert main(replayed(text)) == 0, "it still fails"


def test_what_does_not_fail_is_not_reduced(program: Path, capsys: Any) -> None:
    assert main(["reduce", str(program), "--differs", "interpreter,native"]) == 1
    assert "does not fail" in capsys.readouterr().err
    assert main(["reduce", str(program), "--differs", "interpreter,abacus"]) == 1
    assert "takes two of interpreter, passes, native" in capsys.readouterr().err


def test_a_rewrite_that_is_wrong(program: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(op: Operation, b: Rewriter) -> Any:
        return op.operands[0]

    monkeypatch.setitem(REWRITES.by_class, S.Minimum, [])
    REWRITES.rewrite("min(x, y) = x, which is planted", S.Minimum)(wrong)
    command = ["reduce", str(program), "--differs", "interpreter,passes", "--passes", "canonicalize"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "stablehlo.minimum" in names(parse(text)) and len(names(parse(text))) <= 3


def test_a_crash_in_a_pass_names_its_reproducer(
    program: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(op: Operation, b: Rewriter) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(REWRITES.by_class, S.Cosine, [])
    REWRITES.rewrite("cos, which is planted", S.Cosine)(crash)
    monkeypatch.chdir(tmp_path)
    for command in (["run"], ["opt", "--passes", "inline,canonicalize"]):
        assert main([*command, str(program)]) == 3
        said = capsys.readouterr().err
        assert "internal error: ZeroDivisionError: planted" in said
        replay = next(line for line in said.splitlines() if "replay with: irc " in line).partition("irc ")[2]
        path = next(tmp_path.glob("irc-crash-*.mlir"))
        assert names(parse(path.read_text())) == ["stablehlo.constant", "stablehlo.cosine"]
        assert main(shlex.split(replay)) == 0, "it still crashes"
        assert "ZeroDivisionError" in capsys.readouterr().err
        path.unlink()


def test_a_command_says_what_fails(program: Path, capsys: Any) -> None:
    assert main(["reduce", str(program), "--check", "! grep -q stablehlo.maximum {}"]) == 0
    text = capsys.readouterr().out
    assert (
        names(parse(text)) == ["stablehlo.constant", "stablehlo.constant", "stablehlo.maximum"]
        or len(names(parse(text))) == 2
    )
    assert main(["reduce", str(program), "--check", "true"]) == 1


def test_the_verifier_and_the_reader_may_be_what_fails(
    program: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(op: Operation) -> None:
        if isinstance(op, S.Tanh):
            raise KeyError("planted")

    monkeypatch.setattr("irc.ir.verify.check_declared", crash)
    assert main(["reduce", str(program), "--crash"]) == 0
    text = capsys.readouterr().out
    assert "tanh" in text and "maximum" not in text and len(text) < 400
    monkeypatch.undo()
    monkeypatch.setattr(S.Tanh, "create", classmethod(lambda cls, *parts: crash(cls.__new__(cls))))
    assert main(["reduce", str(program), "--crash"]) == 0
    text = capsys.readouterr().out
    assert "tanh" in text and "maximum" not in text and len(text) < 400


def test_candidates_are_valid_and_no_larger() -> None:
    module = parse(PROGRAM)
    seen = 0

    def fails(candidate: Module) -> bool:
        nonlocal seen
        seen += 1
        candidate.verify()
        return "stablehlo.if" in str(candidate)

    small = reduced(module, fails)
    assert seen > 10 and len(str(small)) < len(str(module)) / 2 and "stablehlo.if" in str(small)
    assert reduced(module, fails, budget=0) is module


def test_delta_debugging_of_lists_and_texts() -> None:
    assert smallest(range(100), lambda kept: 17 in kept and 80 in kept) == [17, 80]
    assert smallest([1, 2, 3], lambda kept: True) == []
    assert smallest_text("a b\nc (d e)\nf", lambda text: "d" in text).split() == ["d"]


def test_inputs_of_a_smaller_program_are_made_anew() -> None:
    module = parse(PROGRAM)
    small = reduced(module, lambda m: "stablehlo.tanh" in str(m))
    main_function: Any = small.symbols["main"]
    assert len(main_function.arguments) == 0
    assert np.prod([n for op in small.walk() for r in op.results for n in r.type.shape], initial=1) == 1


OUTCOMES = """
import os, signal, time
from irc.cli.failures import outcome
from irc.errors import IrcError

def refuses(): raise IrcError("no")
def crashes(): raise KeyError("planted")
def dies(): os.kill(os.getpid(), signal.SIGSEGV)
def hangs(): time.sleep(60)

for action in (lambda: "differs", refuses, crashes, dies, hangs):
    print(repr(outcome(action, 2.0)))
"""


def test_each_module_is_tried_in_a_process_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", OUTCOMES], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["'differs'", "''", "'KeyError'", "'signal 11'", "'takes too long'"], (
        done.stderr
    )


def test_the_command_as_its_users_run_it(program: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "irc.cli",
        "reduce",
        str(program),
        "--check",
        "! grep -q stablehlo.tanh {}",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "stablehlo.tanh" in done.stdout, done.stderr
    assert "status 1: 16 operations" in done.stderr and len(names(parse(done.stdout))) <= 2


def test_a_fault_of_the_reader_names_its_reproducer(
    program: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(cls: type[Operation], *parts: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(S.Tanh, "create", classmethod(crash))
    monkeypatch.chdir(tmp_path)
    for command in ("run", "opt", "dump"):
        assert main([command, str(program)]) == 3
        said = capsys.readouterr().err
        assert "internal error: KeyError: 'planted'" in said and "Traceback" not in said
        path = next(tmp_path.glob("irc-crash-*.mlir"))
        assert "stablehlo.tanh" in path.read_text() and len(path.read_text()) < 500
        path.unlink()


def test_a_file_that_is_not_there_is_no_fault(program: Path, capsys: Any) -> None:
    assert main(["run", "--input", "nowhere.npy", str(program)]) == 1
    assert "nowhere.npy" in capsys.readouterr().err
