"""Every stage is text: MLIR takes the kernels, and compiling any stage's text again gives the same object code."""

from __future__ import annotations

import pytest
from kernel_oracle import verified
from small_programs import PARALLEL, PROGRAMS, module_of

from irc.dialects.builtin import parse
from irc.driver import Executable, compile_module, compile_text
from irc.runtime.elf import code_digest

COMPILED: dict[str, Executable] = {}


def compiled(name: str) -> Executable:
    if name not in COMPILED:
        COMPILED[name] = compile_module(module_of(name))
    return COMPILED[name]


@pytest.mark.parametrize("name", [*PROGRAMS, *PARALLEL])
def test_what_mlir_makes_of_the_kernels_compiles_to_the_same_code(name: str) -> None:
    """MLIR parses, verifies and prints the kernels; its text is the same program."""
    first = compiled(name)
    again = compile_text(verified(first.stages["kernel"]))
    assert code_digest(again.object_code) == code_digest(first.object_code)


@pytest.mark.parametrize("stage", ["tensor", "fused", "kernel", "llvm", "asm"])
@pytest.mark.parametrize("name", [*list(PROGRAMS)[:24], *PARALLEL])
def test_every_stage_compiles_to_the_same_code(name: str, stage: str) -> None:
    first = compiled(name)
    again = compile_text(first.stages[stage])
    assert code_digest(again.object_code) == code_digest(first.object_code)


@pytest.mark.parametrize("name", PROGRAMS)
def test_kernels_read_again_print_as_they_were(name: str) -> None:
    text = compiled(name).stages["kernel"]
    assert str(parse(text)) == text
