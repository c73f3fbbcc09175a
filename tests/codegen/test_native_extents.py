"""Unknown extents natively: one compilation serves every size, with the bits of code that was made for that size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import unknown_extents as programs

from irc.codegen.plan import Planner
from irc.dialects import arith, vector
from irc.dialects.builtin import parse
from irc.dialects.func import Func
from irc.driver import compile_module, compile_text
from irc.errors import IrcError, OutOfBoundsError, OutOfMemoryError, ParseError
from irc.interpreter import interpret
from irc.ir.extents import at
from irc.ir.operation import Operation, Value
from irc.ir.rewriting import Rewriter
from irc.ir.types import tensor_of
from irc.passes.manager import Hook, run_pipeline
from irc.passes.shape_inference import refined
from irc.runtime.sized import KEPT

SIZES = (1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 257, 1000)
LONG = (4095, 4096, 4097, 9000)


def assert_same(found: list[Any], wanted: list[Any], what: Any) -> None:
    assert len(found) == len(wanted)
    for i, (a, b) in enumerate(zip(found, wanted, strict=True)):
        assert a.shape == b.shape, (what, i)
        np.testing.assert_array_equal(a, b, err_msg=f"{what}, result {i}")


@pytest.mark.parametrize("name", programs.EXACT)
def test_one_compilation_has_the_interpreters_bits_at_every_size(name: str) -> None:
    text, shapes = programs.EXACT[name]
    module = parse(text)
    program = compile_module(module)
    for n in (*SIZES, *(LONG if name == "sums" else ())):
        arrays = programs.arguments(shapes, n)
        assert_same(program(*arrays), interpret(module, *arrays), n)


@pytest.mark.parametrize("name", programs.EXPORTED)
def test_what_jax_exports_has_the_bits_of_specialised_code(name: str) -> None:
    module = run_pipeline(parse(programs.exported(name)), "inline")
    program = compile_module(module)
    shapes = programs.EXPORTED[name][1]
    for n in SIZES[:-2]:
        arrays = programs.arguments(shapes, n)
        found = program(*arrays)
        for a, b in zip(found, interpret(module, *arrays), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)
        if n in (1, 7, 33):
            special = compile_module(refined(module, [tensor_of(a) for a in arrays]))
            assert_same(found, special(*arrays), n)


@pytest.mark.parametrize("name", programs.SNIPPETS)
def test_ops_around_which_extents_are_unknown(name: str) -> None:
    module = run_pipeline(parse(programs.exported(name)), "inline")
    program = compile_module(module)
    for n in (4, 7, 35):
        arrays = [np.abs(x) * 3 for x in programs.arguments(programs.SNIPPETS[name][1], n)]
        special = compile_module(refined(module, [tensor_of(a) for a in arrays]))
        assert_same(program(*arrays), special(*arrays), n)


@pytest.mark.parametrize("name", programs.REFUSED)
def test_what_is_refused_and_may_only_get_less(name: str) -> None:
    module = run_pipeline(parse(programs.exported(name)), "inline")
    with pytest.raises(IrcError):
        compile_module(module)


ADD = """
func.func @main(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = stablehlo.add %x, %y : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}"""


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            (ones(3, 4), ones(5, 4)),
            "argument 1: dimension 0 is 5, but must be 3 like dimension 0 of argument 0",
        ),
        ((ones(3, 4), ones(3, 5)), "argument 1: .* dimension 1 is 5 and must be 4"),
        ((ones(0, 4), ones(0, 4)), "argument 0: dimension 0 is 0, but must be at least 1"),
        ((ones(3), ones(3, 4)), "argument 0: expected f32.*, got f32.3."),
    ],
)
def test_sizes_that_do_not_fit_are_named(arrays: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_module(parse(ADD))(*arrays)


def test_an_extent_that_the_program_fixes_is_asked_for() -> None:
    text = """
func.func @main(%x: tensor<?xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %x, %y : (tensor<?xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}"""
    program = compile_module(parse(text))
    np.testing.assert_array_equal(program(ones(4), ones(4))[0], 2 * ones(4))
    with pytest.raises(ValueError, match="argument 0"):
        program(ones(5), ones(4))


def test_entries_of_many_sizes_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(Planner, "run", lambda self, run=Planner.run: made.append(self) or run(self))
    program = compile_module(parse(ADD), hooks=[Hook()])
    for n in range(1, 200):
        np.testing.assert_array_equal(program(ones(n, 4), ones(n, 4))[0], 2 * ones(n, 4))
    assert len(made) == 1 and len(program.program.entries) == KEPT


def test_every_stage_compiles_again() -> None:
    text, shapes = programs.EXACT["products"]
    program = compile_module(parse(text))
    arrays = programs.arguments(shapes, 9)
    for stage in ("kernel", "llvm", "asm"):
        assert_same(compile_text(program.stages[stage])(*arrays), program(*arrays), stage)


@pytest.mark.parametrize(
    "name", [*programs.EXACT, "mlp_step", "attention", "scan", "dynamic_slice", "differences", "joined"]
)
def test_the_fused_text_says_its_extents_and_gives_the_same_code(name: str) -> None:
    text, shapes = programs.EXACT[name] if name in programs.EXACT else (programs.exported(name), ())
    program = compile_module(parse(text))
    fused = program.stages["fused"]
    again = compile_text(fused)
    assert again.object_code == program.object_code
    assert again.stages["fused"] == fused
    arrays = programs.arguments(shapes or (programs.EXPORTED | programs.SNIPPETS)[name][1], 9)
    assert_same(again(*arrays), program(*arrays), name)


def test_a_dump_between_passes_says_its_extents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRC_DUMP_DIR", str(tmp_path))
    program = compile_module(parse(programs.exported("mlp_step")))
    monkeypatch.delenv("IRC_DUMP_DIR")
    dumps = [path for path in sorted(tmp_path.iterdir()) if "irc.unknown" in path.read_text()]
    assert len(dumps) > 3
    for path in dumps[:: len(dumps) - 1]:
        assert compile_text(path.read_text()).object_code == program.object_code, path.name


def test_too_many_or_too_few_extents_are_refused() -> None:
    fused = compile_module(parse(programs.EXACT["products"][0])).stages["fused"]
    with pytest.raises(IrcError, match=r"says what [0-9]+ extents are, the text has"):
        compile_text(fused.replace('irc.unknown = ["n0", ', "irc.unknown = ["))
    with pytest.raises(ParseError, match="not an extent"):
        parse(
            programs.EXACT["elementwise"][0].replace(
                "{", "{\n %q = stablehlo.slice %x [0:n0*, 0:2] : (tensor<?x5xf32>) -> tensor<?x2xf32>", 1
            )
        )


@pytest.mark.parametrize("name", ["elementwise", "sums", "products"])
def test_bounds_are_checked_for_every_size(name: str) -> None:
    text, shapes = programs.EXACT[name]
    plain, guarded = compile_module(parse(text)), compile_module(parse(text), check_bounds=True)
    assert "cf.assert" in guarded.stages["kernel"]
    for n in (1, 9, 33):
        arrays = programs.arguments(shapes, n)
        assert_same(guarded(*arrays), plain(*arrays), n)


class Shifted(Rewriter):
    """Adds the size to the last index of every write."""

    def __init__(self, size: Value) -> None:
        super().__init__()
        self.size = size

    def replay(self, op: Operation) -> None:
        if isinstance(op, vector.TransferWrite):
            last = len(op.operands) - 1
            by = self.emit(arith.AddI(op.operands[last], self.size))
            op = op.with_operands([*op.operands[:last], by])
        super().replay(op)


def test_an_access_outside_a_size_is_reported() -> None:
    text = "func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {\n  %0 = stablehlo.add %x, %x : tensor<?xf32>\n  return %0 : tensor<?xf32>\n}"
    kernels = compile_module(parse(text)).stages.kernel
    assert kernels is not None
    shifted = [
        op.with_block(Shifted(op.arguments[-1]).block_of(op.block)) if isinstance(op, Func) else op
        for op in kernels.operations
    ]
    program = compile_module(kernels.with_operations(shifted), check_bounds=True)
    for n in (1, 9, 40):
        with pytest.raises(OutOfBoundsError, match="dimension 0"):
            program(ones(n))
    assert compile_module(kernels, check_bounds=True)(ones(9))[0].tolist() == [2] * 9


def test_the_plan_is_an_expression_and_too_much_is_refused_at_the_call() -> None:
    module = run_pipeline(parse(programs.exported("mlp_step")), "inline")
    program = compile_module(module, memory_limit=1 << 20)
    shapes = programs.EXPORTED["mlp_step"][1]
    for n in (1, 33, 400):
        arrays = programs.arguments(shapes, n)
        results = program(*arrays)
        plan = program.memory_plan.at({"n0": n})
        assert plan.arena_bytes == at(program.arena_bytes, {"n0": n})
        assert plan.input_bytes == sum(a.nbytes for a in arrays)
        assert plan.output_bytes == sum(a.nbytes for a in results)
        used = [(b.index, b.index + b.nbytes, b.first, b.last) for b in plan.buffers]
        for i, (low, high, first, last) in enumerate(used):
            assert low >= 0 and high <= plan.arena_bytes
            for start, stop, begin, end in used[:i]:
                assert high <= start or stop <= low or last < begin or end < first
    with pytest.raises(OutOfMemoryError, match=r"for these sizes .*memory_limit"):
        program(*programs.arguments(shapes, 100_000))


def test_a_donated_argument_becomes_the_result() -> None:
    program = compile_module(parse(ADD), donate=(0,))
    x, y = ones(7, 4), ones(7, 4)
    (result,) = program(x, y)
    assert result is x and (x == 2).all()


def test_out_is_written() -> None:
    program = compile_module(parse(ADD))
    out = np.zeros((6, 4), np.float32)
    program.program.into(ones(6, 4), ones(6, 4), out)
    assert (out == 2).all()
