"""Code for other processors than the host: of their own vector width, and with the same bits where it can be run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_programs import PARALLEL, PROGRAMS, arguments, module_of

import irc
from irc.driver import compile_module
from irc.runtime.target import PROCESSORS

LESSER = PROCESSORS["x86-64-v3"]
needs_avx2 = pytest.mark.skipif(not LESSER.runs_here, reason="the host has no AVX2")


@needs_avx2
@pytest.mark.parametrize("name", [*PROGRAMS, *PARALLEL])
def test_256_bits_give_the_bits_of_the_host(name: str) -> None:
    module = module_of(name)
    wants = compile_module(module)(*arguments(module))
    program = compile_module(module, target="x86-64-v3")
    for want, got in zip(wants, program(*arguments(module)), strict=True):
        assert want.tobytes() == got.tobytes()


def test_kernels_have_the_width_of_their_processor() -> None:
    module = module_of("matmul")
    narrow, wide, arm = (
        compile_module(module, target=t).stages["asm"] for t in ("x86-64-v3", "x86-64-v4", "aarch64")
    )
    assert re.search(r"vfmadd\w+ps.*ymm", narrow)
    assert "zmm" not in narrow
    assert re.search(r"vfmadd\w+ps.*zmm", wide)
    assert re.search(r"fmla\s+v\d+\.4s", arm)


def test_code_for_another_machine_is_not_run() -> None:
    foreign = "aarch64" if not PROCESSORS["aarch64"].runs_here else "x86-64-v3"
    module = module_of("matmul")
    program = compile_module(module, target=foreign)
    assert foreign in repr(program) or "generic" in repr(program)
    with pytest.raises(irc.UnsupportedError, match="cannot run"):
        program(*arguments(module))


CHILD = """
import sys
sys.path[:0] = sys.argv[1:]
from small_programs import PARALLEL, PROGRAMS, module_of
from irc.driver import compile_module
for name in [*PROGRAMS, *PARALLEL]:
    code = compile_module(module_of(name), target="aarch64").object_code
    assert code[:4] == b"\\x7fELF" and code[18] == 0xB7, name
    print(name)
"""


def test_every_program_assembles_for_aarch64() -> None:
    """In a process of its own: LLVM ends one where it finds no instruction."""
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(here), str(here.parent)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [*PROGRAMS, *PARALLEL]
