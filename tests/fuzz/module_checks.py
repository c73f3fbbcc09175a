"""What holds of a valid module: it prints and reads back, and interpreter, native code and XLA agree about it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xla_oracle
from explained import DIFFERENCES, FATAL, REFUSALS
from gradients_checked import check_gradient, gradient_of
from jitter import spread, unexplained
from outcomes import Outcomes
from passes_checked import check_passes
from text_checks import Finding, check_kept
from ways_checked import EVERY_WAY, check_ways

from irc.dialects.builtin import Module
from irc.driver import compile_module
from irc.errors import IrcError, UnsupportedError
from irc.interpreter import interpret
from irc.passes.hooks import explain_difference


def check_module(
    module: Module,
    arrays: Sequence[Any],
    *,
    exact: bool = False,
    portable: bool = True,
    gradient: bool = False,
    ways: int = EVERY_WAY,
    pipeline: str = "",
    outcomes: Outcomes | None = None,
) -> Finding | None:
    """The first thing that is wrong. `exact`: native code has the interpreter's bits; `portable`: XLA is asked too;
    `gradient`: so does its gradient, which is right; `ways` chooses among the ways to run native code; `pipeline` is some
    passes, which must not matter."""
    notes = outcomes or Outcomes()
    module.verify()
    kept = check_kept(module)
    if kept is not None:
        return kept
    try:
        with np.errstate(all="ignore"):
            wants = interpret(module, *arrays)
    except UnsupportedError as e:
        notes.note(f"interpreter refuses: {e.message[:80]}")
        return None
    runs: list[list[Any]] = []
    finding = check_native(module, arrays, wants, runs, exact, ways, notes)
    if finding is None and portable:
        finding = check_xla(module, arrays, wants, runs, notes)
    if finding is None and pipeline:
        judge = partial(judged, module, arrays, wants, runs=runs)
        finding = check_passes(module, arrays, wants, pipeline, judge, notes)
    reverse = gradient_of(module, arrays, notes) if finding is None and gradient else None
    if reverse is not None:
        finding = check_gradient(module, arrays, *reverse, notes)
        notes.note("gradient: as a program of its own")
        again = partial(check_module, *reverse, portable=False, ways=ways, pipeline=pipeline, outcomes=notes)
        finding = finding or again()
    return finding


def check_native(
    module: Module,
    arrays: Sequence[Any],
    wants: Sequence[Any],
    runs: list[list[Any]],
    exact: bool,
    ways: int,
    notes: Outcomes,
) -> Finding | None:
    try:
        program = compile_module(module)
    except UnsupportedError as e:
        notes.note(f"no native code: {e.message[:80]}")
        return None
    gots = program(*(np.array(a, order="C") for a in arrays))
    differences = [explain_difference(w, g) for w, g in zip(wants, gots, strict=True)]
    same = not any(differences)
    if not same and not exact:
        differences = judged(module, arrays, wants, gots, runs)
    for i, difference in enumerate(differences):
        if difference:
            return Finding("native differs", culprit(module, i), f"result {i}: {difference}")
    notes.note("native: the interpreter's bits" if same else "native: within what rounding explains")
    return check_ways(module, program, arrays, gots, ways, notes)


def check_xla(
    module: Module, arrays: Sequence[Any], wants: Sequence[Any], runs: list[list[Any]], notes: Outcomes
) -> Finding | None:
    for known in FATAL:
        if known.applies(module):
            notes.note(f"XLA not asked: {known.reason}")
            return None
    try:
        gots = xla_oracle.run(str(module), arrays)
    except Exception as e:
        reason = next((why for said, why in REFUSALS.items() if said in str(e)), None)
        if reason is None:
            return Finding(
                "XLA refuses", str(e).strip().splitlines()[-1][:80] if str(e).strip() else "?", str(e)[:1500]
            )
        notes.note(f"XLA refuses: {reason}")
        return None
    if not any(explain_difference(w, g) for w, g in zip(wants, gots, strict=True)):
        notes.note("XLA: the same bits")
        return None
    for i, difference in enumerate(judged(module, arrays, wants, gots, runs)):
        if difference:
            known_reason = next((e.reason for e in DIFFERENCES if e.applies(module)), None)
            if known_reason is None:
                return Finding("XLA differs", culprit(module, i), f"result {i}: {difference}")
            notes.note(f"XLA differs, explained: {known_reason}")
            return None
    notes.note("XLA: within what rounding explains")
    return None


def judged(
    module: Module, arrays: Sequence[Any], wants: Sequence[Any], gots: Sequence[Any], runs: list[list[Any]]
) -> list[str]:
    """What of each result no rounding explains. The jittered runs are made once."""
    if not runs:
        try:
            runs += spread(module, arrays)
        except IrcError as e:
            return [f"a run with other roundings failed: {e}"]
    return [unexplained(w, g, r) for w, g, r in zip(wants, gots, runs, strict=True)]


def culprit(module: Module, index: int) -> str:
    """The op behind a result: what findings are sorted by."""
    value = module.symbols["main"].returned[index]  # type: ignore[attr-defined]
    return value.op.name if value.op is not None else "argument"
