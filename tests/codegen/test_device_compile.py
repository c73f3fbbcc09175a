"""Every sample of every op becomes PTX for every processor, or is refused by name. LLVM ends the process at what it cannot
select, so this happens in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samples import SAMPLES, Sample

from irc.codegen.gpu.target import PROCESSORS
from irc.driver import compile_module
from irc.errors import UnsupportedError

HERE = Path(__file__).parent
PARTS = 2


def compile_part(part: int, processor: str) -> None:
    """Prints the name of each sample before it is compiled, and after it what came of it."""
    for sample in SAMPLES[part::PARTS]:
        print(sample.id, end=" ", flush=True)
        try:
            compile_module(sample.module(), target=processor).stages.text("ptx")
            print("PTX")
        except UnsupportedError as refusal:
            print("refused here too" if refused_here(sample) else f"refused: {refusal.message}")
    print("all PTX", flush=True)


def refused_here(sample: Sample) -> bool:
    try:
        compile_module(sample.module())
    except UnsupportedError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_sample_compiles(processor: str) -> None:
    made: dict[str, str] = {}
    for child in [start(part, processor) for part in range(PARTS)]:
        printed, errors = child.communicate()
        lines = [line.partition(" ") for line in printed.splitlines()]
        assert child.returncode == 0, f"{processor}: the process ended at {lines[-1][0]}: {errors[-2000:]}"
        made.update((name, what) for name, _, what in lines)
    assert made["all"] == "PTX" and len(made) == len(SAMPLES) + 1
    assert {name: what for name, what in made.items() if what.startswith("refused: ")} == {}


def start(part: int, processor: str) -> subprocess.Popen[Any]:
    code = f"from test_device_compile import compile_part; compile_part({part}, {processor!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
