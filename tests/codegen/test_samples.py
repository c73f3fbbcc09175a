"""Compiled code gives what the reference gives, on the samples of every op: bit for bit, but for functions that the
reference rounds correctly and compiled code only nearly.

`refused.txt` lists what has no lowering. It may only shrink: `pytest tests/codegen/test_samples.py --update-golden` takes
out what compiles now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import SAMPLES, Sample
from samples.compare import check_bits, check_near

from irc.dialects import stablehlo as S
from irc.dialects.stablehlo.elementwise import Transcendental
from irc.driver import compile_module
from irc.errors import UnsupportedError
from irc.interpreter import interpret
from irc.ir.operation import registered

REFUSED_FILE = Path(__file__).parent / "refused.txt"
REFUSED = dict.fromkeys(REFUSED_FILE.read_text().split())

FAILS: dict[str, str] = {}
"""What is known to be wrong; an entry that works fails the test, so that the list shrinks."""

EXACT = (S.Sqrt, S.Rsqrt)
NEAR = (S.Power, S.Atan2, S.Fft)


def is_near(sample: Sample) -> bool:
    """Whether the op is a function that both sides approximate."""
    cls: Any = registered(sample.op)
    if cls.dialect == "chlo":
        return sample.op != "chlo.top_k"
    return cls in NEAR or (issubclass(cls, Transcendental) and cls not in EXACT)


def cases() -> list[Any]:
    known = [pytest.mark.xfail(reason=reason, strict=True) for reason in FAILS.values()]
    marks = dict(zip(FAILS, known, strict=True))
    return [pytest.param(s, id=s.id, marks=[marks[s.id]] if s.id in marks else []) for s in SAMPLES]


@pytest.mark.parametrize("sample", cases())
def test_compiled_gives_what_the_reference_gives(sample: Sample, request: pytest.FixtureRequest) -> None:
    module = sample.module()
    try:
        executable = compile_module(module)
    except UnsupportedError as refusal:
        assert sample.id in REFUSED, f"{sample.id} is refused, and was not: {refusal}"
        pytest.skip(f"refused: {refusal.message}")
    if sample.id in REFUSED:
        assert request.config.getoption("--update-golden"), (
            f"{sample.id} compiles: take it out of refused.txt"
        )
        forget(sample.id)
    check = check_near if is_near(sample) else check_bits
    for compiled, reference in zip(
        executable(*sample.inputs), interpret(module, *sample.inputs), strict=True
    ):
        check(np.asarray(compiled), reference)


def forget(sample_id: str) -> None:
    lines = [line for line in REFUSED_FILE.read_text().splitlines() if line != sample_id]
    REFUSED_FILE.write_text("".join(f"{line}\n" for line in lines))
