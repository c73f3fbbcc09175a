"""Each barrier, commit and wait of the kernels that are made for devices is needed, and the interpreter tells when one is
missing."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from device_programs import arrays_for, dot, on_matrix_units

from irc.codegen.gpu.emulated import EmulatedDevice
from irc.codegen.gpu.execution import LoadedProgram
from irc.codegen.ptx_interpreter import PtxError
from irc.dialects.builtin import Module
from irc.driver import compile_module

MATMUL = "contracting_dims = [1] x [0]"
PROGRAMS: dict[str, Module] = {
    "f32, copied": dot("70x40", "40x70", "70x70", "f32", MATMUL),
    "f64, copied": dot("70x40", "40x70", "70x70", "f64", MATMUL),
    "bf16, stored": dot("70x72", "72x40", "70x40", "bf16", MATMUL),
    "bf16, matrix units": dot("128x128", "128x128", "128x128", "bf16", MATMUL + on_matrix_units("bf16")),
}
"""Three tiles of depth and more, so that both stages of shared memory are used again."""
ORDERS = re.compile(r"\t(bar\.sync|cp\.async\.(?:wait_group|commit_group))\b")


@functools.cache
def compiled(name: str) -> tuple[Any, list[str]]:
    program: Any = compile_module(PROGRAMS[name], target="sm_80")
    return program.device_program, program.device_program.ptx.split("\n")


def results(name: str, lines: list[str]) -> list[Any]:
    program, _ = compiled(name)
    arrays = [a.copy() for a in arrays_for(PROGRAMS[name])]
    changed = replace(program)
    vars(changed)["ptx"] = "\n".join(lines)
    return [a.numpy() for a in LoadedProgram(changed, EmulatedDevice())(*arrays)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_without_any_of_them_a_kernel_is_wrong(name: str) -> None:
    _, lines = compiled(name)
    places = [n for n, line in enumerate(lines) if ORDERS.match(line)]
    assert len(places) >= 2
    for n in places:
        with pytest.raises(PtxError, match=r"no barrier between|nobody has waited for|still on its way"):
            results(name, [*lines[:n], "\t// " + lines[n].strip(), *lines[n + 1 :]])
            print(f"line {n + 1}, {lines[n].strip()}, is not missed")


@pytest.mark.parametrize("name", PROGRAMS)
def test_with_all_of_them_it_is_right(name: str) -> None:
    _, lines = compiled(name)
    a, b, c = (x.astype(np.float64) for x in arrays_for(PROGRAMS[name]))
    (got,) = results(name, lines)
    wide = 1e-12 if got.dtype == np.float64 else 1e-4 if got.dtype == np.float32 else 1e-2
    np.testing.assert_allclose(got.astype(np.float64), a @ b + c, rtol=wide, atol=wide * 10)
