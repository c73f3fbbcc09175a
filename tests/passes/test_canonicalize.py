"""Canonicalization: every rewrite has programs in which it fires and programs, one for each guard, in which it must not."""

from __future__ import annotations

import pytest
from canonicalize_samples import FIRES, STAYS, Sample
from pass_programs import assert_same_meaning, program

from irc.dialects.builtin import Module
from irc.ir.rewriting import Rewriter, RewriteSet
from irc.passes.canonicalize import REWRITES
from irc.passes.layout import dot
from irc.passes.manager import Context, map_functions, run_pipeline

ALL = RewriteSet(REWRITES, dot.rules)
SENTENCES = {r.name: r.sentence for r in ALL}


def _run(sample: Sample) -> tuple[Module, Module, Context]:
    before = program(sample.types, sample.body)
    context = Context()
    after = map_functions(before, lambda f: f.with_block(Rewriter(ALL, context.rewrites).block_of(f.block)))
    return before, after, context


@pytest.mark.parametrize("sample", FIRES, ids=str)
def test_fires_and_keeps_bits(sample: Sample) -> None:
    before, after, context = _run(sample)
    assert context.rewrites.count(SENTENCES[sample.rewrite]), context.rewrites.lines()
    assert_same_meaning(before, after)


@pytest.mark.parametrize("sample", STAYS, ids=str)
def test_guard_holds(sample: Sample) -> None:
    before, after, context = _run(sample)
    assert not context.rewrites.count(SENTENCES[sample.rewrite]), context.rewrites.lines()
    assert_same_meaning(before, after)


@pytest.mark.parametrize("name", SENTENCES)
@pytest.mark.parametrize("kind", ["fires", "stays"])
def test_every_rewrite_has_samples(name: str, kind: str) -> None:
    assert any(s.rewrite == name for s in (FIRES if kind == "fires" else STAYS)), f"{name}-{kind}-sample"


def test_names_and_sentences_are_unique() -> None:
    rewrites = list(ALL)
    assert len({r.name for r in rewrites}) == len({r.sentence for r in rewrites}) == len(rewrites)


@pytest.mark.parametrize("sample", FIRES + STAYS, ids=str)
def test_a_canonical_program_is_left_as_it_is(sample: Sample) -> None:
    after = run_pipeline(program(sample.types, sample.body), "canonicalize,dce")
    assert run_pipeline(after, "canonicalize,dce") is after
