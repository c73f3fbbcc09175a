"""The canonical form: keeps meaning, settles at once, and is blind to names, sequence and spelling."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pass_programs import assert_same_meaning
from random_programs import programs
from shuffled import shuffled

from irc.dialects.builtin import Module
from irc.dialects.stablehlo import DotGeneral
from irc.passes.canonical import canonical_text
from irc.passes.manager import run_pipeline

quiet = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
SEEDS = st.integers(0, 2**32)


@quiet
@given(module=programs())
def test_meaning_is_kept(module: Module) -> None:
    after = run_pipeline(module, "canonical")
    after.verify()
    assert_same_meaning(module, after)


@quiet
@given(module=programs())
def test_settles_at_once(module: Module) -> None:
    # x x^T is its own transpose: how it is read depends on how it was written.
    assume(not any(isinstance(op, DotGeneral) and op.lhs is op.rhs for op in module.walk()))
    once = run_pipeline(module, "canonical")
    assert str(run_pipeline(once, "canonical")) == str(once)


@quiet
@given(module=programs(), seed=SEEDS)
def test_blind_to_names_and_sequence(module: Module, seed: int) -> None:
    assert canonical_text(shuffled(module, seed)) == canonical_text(module)
