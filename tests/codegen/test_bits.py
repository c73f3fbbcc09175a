"""A result's bits follow from ops, shapes and element types alone: not from fusion, schedules, threads, alignment, the order
of tickets or the process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_kernels import APPROXIMATE, seeded_program
from small_programs import PARALLEL, PROGRAMS, Array, arguments, module_of

from irc import cli
from irc.cli.bits import LAYOUT, PIPELINES, contractions, scheduled, unaligned, verify_bits
from irc.dialects.builtin import Module
from irc.driver import PIPELINE, compile_module
from irc.errors import IrcError
from irc.passes.hooks import explain_difference

HERE = Path(__file__).parent
EDGES = (0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e-30, 1e-42)


def hard_arguments(module: Module, seed: int = 0) -> list[Array]:
    """Random arguments, the numbers that algebra forgets among them."""
    rng, whole = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    made = arguments(module, seed)
    for array in made:
        if array.dtype.kind in "iu" and array.size > 3:
            limits = np.iinfo(array.dtype)
            edges = [limits.min, limits.max, limits.max - 1, 0]
            places = whole.integers(0, array.size, 1 + array.size // 20)
            array.reshape(-1)[places] = whole.choice(np.array(edges, array.dtype), places.size)
        if array.dtype.kind not in "biu" and array.size > 3:
            places = rng.integers(0, array.size, 1 + array.size // 20)
            with np.errstate(over="ignore"):
                array.reshape(-1)[places] = rng.choice(EDGES, places.size).astype(array.dtype)
    return made


@pytest.mark.parametrize("name", [*PROGRAMS, *PARALLEL])
def test_no_way_of_running_changes_a_bit(name: str) -> None:
    module = module_of(name)
    passed = verify_bits(module, hard_arguments(module))
    assert {f"{n} threads" for n in (1, 2, 3, 8)} | {"unaligned arrays", *PIPELINES} <= {*passed, LAYOUT}
    assert (LAYOUT in passed) == ("convolution" not in name)
    assert {"donated", "LLVM's level 0", "bounds checked", "from its text"} <= set(passed)
    assert ("emulated, tickets shuffled" in passed) == (name not in (*PARALLEL, "sum of 4200 rows"))
    assert any(way.startswith("schedule") for way in passed) == ("matmul" in name or "convolution" in name)


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_with_and_without_fusion(seed: int) -> None:
    module = seeded_program(seed, APPROXIMATE, steps=15)
    inputs = hard_arguments(module, seed)
    plain = compile_module(module, pipeline=PIPELINE.removesuffix(",fusion"))
    for want, got in zip(compile_module(module)(*inputs), plain(*inputs), strict=True):
        assert not (difference := explain_difference(want, got)), difference


def test_schedules_are_really_other_kernels() -> None:
    fused = compile_module(module_of("matmul")).stages.fused
    assert fused is not None and len(contractions(fused)) == 1
    edits: Any = {"mr": 3, "nv": 2}
    assert compile_module(scheduled(fused, edits)).object_code != compile_module(fused).object_code


def test_unaligned_arrays_really_are() -> None:
    array = unaligned(np.arange(7, dtype=np.float32))
    assert array.ctypes.data % 64 == 4 and array.tolist() == list(range(7))


def test_a_difference_names_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irc.cli.bits.unaligned", lambda a: a + a.dtype.type(1))
    with pytest.raises(
        IrcError, match="unaligned arrays: result 0 has other bits: 185 of 185 elements differ"
    ):
        verify_bits(module_of("elementwise"), [np.zeros((37, 5), np.float32), np.ones(5, np.float32)])


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "softmax.mlir"
    file.write_text(PROGRAMS["softmax"].strip())
    assert cli.main(["run", "--verify-bits", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "the same bits: without fusion" in lines and "the same bits: emulated" in lines


NAMES = [*list(PROGRAMS)[:26], *PARALLEL]


def report() -> None:
    """Prints a digest of everything that compiling the programs makes."""
    import hashlib

    for name in NAMES:
        program = compile_module(module_of(name))
        stages = [program.stages[stage].encode() for stage in ("fused", "kernel", "llvm")]
        digests = [hashlib.sha256(made).hexdigest() for made in (*stages, program.object_code)]
        print(name, *digests)


def test_every_process_makes_the_same_object_code() -> None:
    """Five processes with different hash seeds at once."""
    command = [sys.executable, "-c", "from test_bits import report; report()"]
    paths = os.pathsep.join([str(HERE), str(HERE.parent)])

    def start(seed: int) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": paths}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    printed = [process.communicate()[0] for process in [start(seed) for seed in range(5)]]
    assert printed[0].count("\n") == len(NAMES)
    assert all(text == printed[0] for text in printed), first_difference(printed)


def first_difference(printed: Sequence[str]) -> str:
    rows = zip(*(text.splitlines() for text in printed), strict=False)
    return next((row[0] for row in rows if len(set(row)) > 1), "lines are missing")
