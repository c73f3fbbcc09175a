"""One program, four opinions: the interpreter, native code, the emulator, and XLA.

Samples of every op are compared with the interpreter in `test_samples.py`; here native code meets the emulator on them, and
random programs meet all four."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import xla_oracle
from hypothesis import HealthCheck, given, settings
from random_kernels import APPROXIMATE, INTEGERS, programs, seeded_program
from samples import SAMPLES, Sample
from test_bits import hard_arguments

from irc.codegen.emulator import emulate
from irc.dialects.builtin import Module
from irc.driver import Executable, compile_module
from irc.errors import UnsupportedError
from irc.interpreter import interpret
from irc.passes.hooks import explain_difference

quiet = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def shuffled(count: int) -> list[int]:
    return random.Random(count).sample(range(count), count)


def check_bits(wants: Any, gots: Any, where: str) -> None:
    for i, (want, got) in enumerate(zip(wants, gots, strict=True)):
        difference = explain_difference(want, got)
        assert not difference, f"{where}, result {i}: {difference}"


def check_emulator(program: Executable, inputs: Any, native: Any) -> None:
    kernels = program.stages.kernel
    assert kernels is not None
    check_bits(native, emulate(kernels, *inputs, order=shuffled), "emulator and native code")


def check_all(module: Module, inputs: Any, *, exact: bool) -> None:
    """Native code against the emulator, and against the interpreter where no function is approximated."""
    program = compile_module(module)
    native = program(*inputs)
    check_emulator(program, inputs, native)
    if exact:
        with np.errstate(all="ignore"):
            check_bits(interpret(module, *inputs), native, "interpreter and native code")


def compiled(sample: Sample) -> Executable:
    try:
        return compile_module(sample.module())
    except UnsupportedError as refusal:
        pytest.skip(f"refused: {refusal.message}")


@pytest.mark.parametrize("sample", SAMPLES, ids=[s.id for s in SAMPLES])
def test_samples_give_native_bits_in_the_emulator(sample: Sample) -> None:
    program = compiled(sample)
    check_emulator(program, sample.inputs, program(*sample.inputs))


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_to_the_bit(seed: int) -> None:
    module = seeded_program(seed)
    check_all(module, hard_arguments(module, seed), exact=True)


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_with_approximated_functions(seed: int) -> None:
    module = seeded_program(seed, APPROXIMATE)
    check_all(module, hard_arguments(module, seed), exact=False)


@quiet
@given(module=programs(steps=8))
def test_programs_that_shrink(module: Module) -> None:
    check_all(module, hard_arguments(module), exact=True)


@pytest.mark.parametrize("seed", range(25))
def test_integer_programs_as_xla_runs_them(seed: int) -> None:
    """Integers and booleans have one answer."""
    module = seeded_program(seed, INTEGERS, steps=12)
    inputs = hard_arguments(module, seed)
    check_bits(xla_oracle.run(str(module), inputs), compile_module(module)(*inputs), "XLA and native code")
