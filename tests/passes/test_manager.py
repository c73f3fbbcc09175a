"""Pipelines as text, and the hooks around passes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pass_programs import F23, I23, P23, const, names, program, tensor

from irc.dialects import stablehlo as S
from irc.dialects.builtin import Module, parse
from irc.dialects.func import Func
from irc.errors import IrcError, VerifyError
from irc.ir.builder import Builder
from irc.ir.locations import FileLineCol
from irc.ir.operation import Value
from irc.ir.types import bf16, i8
from irc.passes.hooks import (
    CompareEach,
    PrintTree,
    Record,
    Reproducer,
    Timing,
    VerifyEach,
    explain_difference,
    hooks_from_environment,
    random_inputs,
)
from irc.passes.manager import (
    Context,
    FunctionPass,
    parse_pipeline,
    pass_class,
    pass_names,
    pipeline_text,
    replay,
    run_pipeline,
)


@dataclass(frozen=True)
class Wrong(FunctionPass, name="test.wrong"):
    """Turns tanh into `into`: a pass with a mistake."""

    into: str = "Negate"
    scale: float = 1.5
    only: tuple[int, ...] = ()
    loud: bool = False

    def function(self, func: Func, module: Module, context: Context) -> Func:
        from irc.ir.rewriting import Rewriter, RewriteSet

        rules = RewriteSet()
        rules.rewrite("tanh = wrong", S.Tanh)(lambda op, b: b.emit(getattr(S, self.into)(op.operand)))
        return func.with_block(Rewriter(rules, context.rewrites).block_of(func.block))


@dataclass(frozen=True)
class Broken(FunctionPass, name="test.broken"):
    """Raises, or leaves an op with a wrong result type."""

    raises: bool = True

    def function(self, func: Func, module: Module, context: Context) -> Func:
        if self.raises:
            raise RuntimeError("out of luck")
        from irc.ir.operation import Block

        *body, end = func.block.operations
        bad = S.Tanh.create([func.arguments[0]], [I23], {})
        return func.with_block(Block(func.arguments, [*body, bad, end]))


def tanh_of_sum() -> Module:
    def body(b: Builder, x: Value) -> Value:
        b.location = FileLineCol("model.py", 3, 5)
        return b.emit(S.Tanh(b.emit(S.Add(x, const(b, -0.0)))))

    return program([F23], body)


# Text


@pytest.mark.parametrize(
    "text",
    [
        "canonicalize,cse,dce",
        "fold{max_bytes=64},canonicalize{rounds=1}",
        "test.wrong{into=Abs scale=2.0 only=1,2 loud=true}",
        "",
    ],
)
def test_a_pipeline_reads_back(text: str) -> None:
    assert pipeline_text(parse_pipeline(text)) == text


def test_defaults_and_spaces_are_left_out_and_a_bare_name_is_true() -> None:
    assert pipeline_text(parse_pipeline(" canonicalize{rounds=4} ,  cse{} ")) == "canonicalize,cse"
    assert parse_pipeline("test.wrong{loud}") == (Wrong(loud=True),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("canonicalise", "there is no pass 'canonicalise'"),
        ("cse,,dce", "from character 5"),
        ("cse dce", "from character 1"),
        ("fold{max_bytes=64", "from character 1"),
        ("fold{bytes=64}", "pass 'fold' has no option 'bytes'"),
        ("fold{max_bytes=many}", "option 'max_bytes' of pass 'fold' takes int, not 'many'"),
        ("test.wrong{loud=maybe}", "takes bool, not 'maybe'"),
        ("os", "there is no pass 'os'"),
        ("manager", "there is no pass 'manager'"),
    ],
)
def test_a_bad_pipeline_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(IrcError, match=re.escape(message)):
        parse_pipeline(text)


def test_the_list_of_passes_is_complete_and_documented() -> None:
    known = pass_names()
    assert {"canonicalize", "cse", "dce", "fold", "inline", "layout"} <= set(known)
    for name in known:
        assert pass_class(name).__doc__, name


# Hooks


def test_dumps_are_numbered_and_carry_what_is_left(tmp_path: Path) -> None:
    hook = PrintTree(tmp_path)
    module = tanh_of_sum()
    run_pipeline(module, "canonicalize,cse,dce", hooks=[hook])
    files = sorted(p.name for p in tmp_path.iterdir())
    assert files == ["0000.input.mlir", "0001.after-canonicalize.mlir", "0002.after-dce.mlir"]
    for file in files:
        assert names(replay(parse((tmp_path / file).read_text()))) == ["tanh"]


def test_times_are_taken() -> None:
    timing = Timing()
    run_pipeline(tanh_of_sum(), "canonicalize,dce", hooks=[timing])
    assert [name for name, _ in timing.seconds] == ["canonicalize", "dce"]
    assert timing.report().splitlines()[-1].endswith("in all")


def test_a_pass_that_breaks_an_op_is_found() -> None:
    with pytest.raises(VerifyError):
        run_pipeline(tanh_of_sum(), "test.broken{raises=false}", hooks=[VerifyEach()])


def test_a_pass_that_changes_the_meaning_is_found_with_the_element() -> None:
    with pytest.raises(
        IrcError, match=r"pass 'test.wrong' changed result 0: 6 of 6 elements differ, first at \[0, 0\]"
    ):
        run_pipeline(tanh_of_sum(), "canonicalize,test.wrong", hooks=[CompareEach()])
    run_pipeline(tanh_of_sum(), "canonicalize,cse,dce", hooks=[CompareEach()])


def test_inputs_for_the_comparison_may_be_given() -> None:
    zeros = [np.zeros((2, 3), np.float32)]
    run_pipeline(tanh_of_sum(), "test.wrong{into=Sine}", hooks=[CompareEach(zeros)])


def test_a_failing_pass_leaves_a_reproducer_that_fails_alike(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        run_pipeline(tanh_of_sum(), "canonicalize,test.broken,cse", hooks=[Reproducer(tmp_path)])
    (file,) = tmp_path.iterdir()
    assert f"irc opt {file}" in caught.value.__notes__[0]
    again = parse(file.read_text())
    assert again.attributes["irc.pipeline"].value == "test.broken,cse"  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="out of luck"):
        replay(again)


def test_a_failed_check_leaves_a_reproducer_as_well(tmp_path: Path) -> None:
    with pytest.raises(IrcError):
        run_pipeline(tanh_of_sum(), "test.wrong", hooks=[CompareEach(), Reproducer(tmp_path)])
    assert [p.name for p in tmp_path.iterdir()] == ["reproducer-0000-test.wrong.mlir"]


def test_rewrites_are_recorded_with_their_lines() -> None:
    record = Record()
    run_pipeline(tanh_of_sum(), "canonicalize,cse", hooks=[record])
    assert record.report() == 'canonicalize:\n  1x  x + 0 = x, for floats x + -0.0 = x  ("model.py":3:5)'


def test_hooks_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IRC_DUMP_DIR", "IRC_VERIFY_EACH", "IRC_COMPARE_EACH"):
        monkeypatch.delenv(name, raising=False)
    assert hooks_from_environment() == []
    monkeypatch.setenv("IRC_VERIFY_EACH", "0")
    assert hooks_from_environment() == []
    for name, value in (("IRC_DUMP_DIR", str(tmp_path)), ("IRC_VERIFY_EACH", "1"), ("IRC_COMPARE_EACH", "1")):
        monkeypatch.setenv(name, value)
    hooks = hooks_from_environment()
    assert [type(h) for h in hooks] == [PrintTree, Reproducer, VerifyEach, CompareEach]
    run_pipeline(tanh_of_sum(), "canonicalize", hooks=hooks)
    run_pipeline(tanh_of_sum(), "canonicalize", hooks=hooks_from_environment())
    assert len(list(tmp_path.iterdir())) == 4


# Comparison


def test_random_inputs_depend_on_the_seed_alone() -> None:
    module = program(
        [F23, I23, P23, tensor(None, element=bf16), tensor(50, element=i8)], lambda b, *args: list(args)
    )
    one, two, other = random_inputs(module, 1), random_inputs(module, 1), random_inputs(module, 2)
    assert all(np.array_equal(x, y) for x, y in zip(one, two, strict=True))
    assert not any(np.array_equal(x, y) for x, y in zip(one[:2], other[:2], strict=True))
    assert one[3].shape == (3,)


@pytest.mark.parametrize(
    ("want", "got", "tolerance", "same"),
    [
        ([0.0], [0.0], 0.0, True),
        ([0.0], [-0.0], 0.0, False),
        ([np.nan], [-np.nan], 0.0, True),
        ([np.nan], [0.0], 1.0, False),
        ([1.0, 100.0], [1.0, 100.0001], 1e-5, True),
        ([1.0, 100.0], [1.0, 100.1], 1e-5, False),
        ([np.inf], [3e38], 1e-2, False),
    ],
)
def test_differences_are_explained(want: list[float], got: list[float], tolerance: float, same: bool) -> None:
    found = explain_difference(np.float32(want), np.float32(got), tolerance)
    assert (not found) == same
    assert same or "1 of" in found


def test_shapes_and_types_are_compared() -> None:
    assert explain_difference(np.zeros(2, np.float32), np.zeros(2)) == "float32[2] became float64[2]"
    assert explain_difference(np.zeros((2, 1)), np.zeros(2)) == "float64[2, 1] became float64[2]"
    assert explain_difference(np.zeros(0), np.zeros(0)) == ""
