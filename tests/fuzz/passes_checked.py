"""Passes in any order keep what a program means: for the interpreter before and after, and for native code."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from outcomes import Outcomes
from text_checks import Finding, check_kept

from irc.dialects.builtin import Module
from irc.errors import UnsupportedError
from irc.interpreter import interpret
from irc.passes.hooks import explain_difference
from irc.passes.manager import run_pipeline

KEEP_BITS = (
    "inline", "canonicalize", "canonicalize", "cse", "dce", "fold", "layout", "loop_invariant_code_motion",
    "shape_inference", "fusion", "fusion{max_ops=1}", "fusion{max_ops=3}",
)  # fmt: skip
EXPANDING = ("dequantize", "subsume", "expand", "split_complex")
"""These write functions as others: a result may round in other places."""

Judge = Callable[[Sequence[Any]], list[str]]


def random_pipeline(seed: int) -> str:
    """One to eight passes in any order, the same one more than once too."""
    r = random.Random(f"passes {seed}")
    names = KEEP_BITS + EXPANDING if not r.randrange(3) else KEEP_BITS
    return ",".join(r.choice(names) for _ in range(r.randrange(1, 9)))


def check_passes(
    module: Module, arrays: Sequence[Any], wants: Sequence[Any], pipeline: str, judge: Judge, notes: Outcomes
) -> Finding | None:
    """What the passes change; `judge` says of results which of them no rounding explains."""
    try:
        after = run_pipeline(module, pipeline)
    except UnsupportedError as e:
        notes.note(f"passes refuse: {e.message[:80]}")
        return None
    after.verify()
    kept = check_kept(after)
    if kept is not None:
        return Finding(f"{kept.kind} after passes", pipeline, kept.detail)
    with np.errstate(all="ignore"):
        gots = interpret(after, *arrays)
    differences = [explain_difference(w, g) for w, g in zip(wants, gots, strict=True)]
    if any(differences) and any(name in pipeline for name in EXPANDING):
        differences = judge(gots)
    for i, difference in enumerate(differences):
        if difference:
            return Finding("passes differ", pipeline, f"{pipeline}: result {i}: {difference}")
    notes.note("passes in any order: the same meaning")
    return None
