"""A minute of fuzzing, the same every time; and everything that fuzzing has ever found."""

from __future__ import annotations

import random
from pathlib import Path

import found_cases
import pytest
from corpus import own_texts
from fuzz import fuzz, module_finding, text_finding
from hypothesis import HealthCheck, given, settings
from module_checks import check_module
from mutations import MUTATIONS, mutated
from outcomes import Outcomes
from random_kernels import Traits
from random_modules import KINDS, case_of
from test_bits import hard_arguments
from text_checks import Finding, check_text, guarded
from text_programs import PROGRAMS
from wide_modules import WIDE, wide_programs

import irc
from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module, parse
from irc.errors import IrcError

TEXTS = 20_000
MODULES = 8
"""Of each maker."""


@pytest.mark.parametrize("part", range(4))
def test_mutated_texts_are_read_or_refused_with_a_place(part: int) -> None:
    texts = own_texts()
    for seed in range(part, TEXTS, 4):
        finding = text_finding(mutated(seed, texts))
        assert finding is None, f"seed {seed}: {finding}"


@pytest.mark.parametrize("maker", range(len(KINDS)), ids=[name for name, _ in KINDS])
def test_interpreter_native_code_and_xla_agree_about_random_modules(maker: int) -> None:
    outcomes = Outcomes()
    for seed in range(maker, MODULES * len(KINDS), len(KINDS)):
        finding = module_finding(seed, outcomes)
        assert finding is None, f"seed {seed}: {finding}"
    native = sum(n for what, n in outcomes.counts.items() if what.startswith("native"))
    assert native > MODULES / 2, outcomes.counts
    assert sum(n for what, n in outcomes.counts.items() if what.startswith("the same bits")) > 8 * native


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(module=wide_programs(Traits(elements=WIDE), steps=6))
def test_modules_that_shrink(module: Module) -> None:
    """Made by Hypothesis: other ones each time, but for continuous integration."""
    assert check_module(module, hard_arguments(module), exact=True, portable=False, ways=0) is None


@pytest.mark.parametrize("path", found_cases.found(), ids=lambda path: path.stem)
def test_what_was_found_stays_mended(path: Path) -> None:
    assert found_cases.replay(path) is None


def test_every_mutation_changes_texts() -> None:
    texts = own_texts()
    for mutation in MUTATIONS:
        r = random.Random(0)
        assert any(mutation(r, texts[0], texts) != texts[0] for _ in range(5)), mutation.__name__


def test_a_seed_is_a_case() -> None:
    assert [mutated(s, own_texts()) for s in range(20)] == [mutated(s, own_texts()) for s in range(20)]
    for seed in range(len(KINDS)):
        assert str(case_of(seed).module) == str(case_of(seed).module)


# The fuzzer itself.


def test_a_traceback_is_found_and_made_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(S.Reverse, "infer", broken)
    text = PROGRAMS["tensor"]
    finding = guarded(lambda: check_text(text), 10)
    # The reader turns what `infer` trips over into an error with a place: a traceback needs a worse bug.
    assert finding is None
    monkeypatch.setattr(
        irc.ir.verify, "check_declared", lambda op: broken(op) if op.name == S.Reverse.name else None
    )
    finding = text_finding(text)
    assert finding is not None and finding.kind == "KeyError"
    path = found_cases.keep_text(text, finding, text_finding, tmp_path)
    kept = path.read_text()
    assert len(kept) < 0.7 * len(text) and "stablehlo.reverse" in kept and "stablehlo.gather" not in kept
    assert found_cases.replay(path) is not None
    monkeypatch.undo()
    assert found_cases.replay(path) is None


def test_a_wrong_result_is_found_and_made_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S.Maximum, "evaluate", lambda self, a, b: a)
    seed, finding = next(
        (s, f) for s in range(0, 600, len(KINDS)) if (f := module_finding(s, Outcomes())) is not None
    )
    assert finding.kind == "native differs"
    path = found_cases.keep_module(seed, finding, tmp_path)
    assert sum(1 for _ in parse(path.read_text()).walk()) <= 10
    assert "stablehlo.maximum" in path.read_text()
    assert found_cases.replay(path) is not None
    monkeypatch.undo()
    assert found_cases.replay(path) is None


def test_other_bits_in_another_way_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    module = parse("""
func.func @main(%x: tensor<300xf32>) -> tensor<300xf32> {
  %0 = stablehlo.add %x, %x : tensor<300xf32>
  return %0 : tensor<300xf32>
}""")
    arrays = hard_arguments(module)
    outcomes = Outcomes()
    assert check_module(module, arrays, exact=True, portable=False, outcomes=outcomes) is None
    passed = {what.partition(": ")[2] for what in outcomes.counts if what.startswith("the same bits")}
    assert {"8 threads", "each op alone", "donated", "emulated", "as PTX", "bounds checked"} <= passed
    monkeypatch.setattr("irc.cli.bits.unaligned", lambda array: array * 2)
    finding = check_module(module, arrays, exact=True, portable=False)
    assert finding is not None and finding.key == ("other bits", "unaligned arrays")


def test_a_hang_is_found() -> None:
    def forever() -> Finding | None:
        while True:
            pass

    finding = guarded(forever, 0.2)
    assert finding is not None and finding.kind == "hang"


def test_batches_in_processes_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz(("texts",), 60, 50, 0) == 0
    assert "50 texts, 0 kinds of findings" in capsys.readouterr().out


# What is too large is read and verified, and refused where it would be computed.


HUGE = """func.func @main() -> tensor<99999999999999xf32> {{
  %0 = {} : tensor<99999999999999xf32>
  return %0 : tensor<99999999999999xf32>
}}
"""


@pytest.mark.parametrize("op", ["stablehlo.iota dim = 0", "stablehlo.constant dense<1.0>"])
def test_programs_larger_than_memory_are_refused(op: str) -> None:
    module = irc.parse(HUGE.format(op))
    assert str(irc.parse(str(module))) == str(module)
    with pytest.raises(IrcError):
        irc.interpret(module)
    with pytest.raises(IrcError):
        irc.compile_module(module)()
