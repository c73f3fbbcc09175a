"""Products by the processor's dot-product instructions: the composite stands for its decomposition to the bit, bytes keep
the bits of the plain product, and bf16 is as near to the exact sums as without."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import irc
from irc.codegen.emulator import emulate
from irc.driver import compile_text, stamped, target_of
from irc.passes.manager import run_pipeline
from irc.runtime.target import host_target

BEFORE = "layout,canonicalize"
DTYPES = {"bf16": ml_dtypes.bfloat16, "i8": np.int8, "ui8": np.uint8}
needs = {
    kind: pytest.mark.skipif(not host_target().has(feature), reason=f"the processor lacks {feature}")
    for kind, feature in (("bf16", "avx512bf16"), ("i8", "avx512vnni"), ("ui8", "avx512vnni"))
}


def dot(lhs: tuple, rhs: tuple, out: tuple, element: str, result: str, dims: str) -> str:
    x, y, z = (
        f"tensor<{'x'.join(map(str, (*s, e)))}>" for s, e in ((lhs, element), (rhs, element), (out, result))
    )
    return f"""func.func @main(%x: {x}, %w: {y}) -> {z} {{
  %0 = stablehlo.dot_general %x, %w, {dims} : ({x}, {y}) -> {z}
  return %0 : {z}
}}"""


def convolution(element: str, result: str, window: str = "") -> str:
    x, w = f"tensor<2x11x13x16x{element}>", f"tensor<3x3x16x32x{element}>"
    y = f"tensor<2x{'6x7' if window else '11x13'}x32x{result}>"
    return f"""func.func @main(%x: {x}, %w: {w}) -> {y} {{
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {{{window}pad = [[1, 1], [1, 1]]}} {{batch_group_count = 1 : i64, feature_group_count = 1 : i64}}
    : ({x}, {w}) -> {y}
  return %0 : {y}
}}"""


ROWS, TURNED = "contracting_dims = [1] x [0]", "contracting_dims = [1] x [1]"
SHAPES: dict[str, Any] = {
    "both lie in rows": ((70, 36), (36, 90), (70, 90), ROWS),
    "one row against columns": ((1, 3072), (64, 3072), (1, 64), TURNED),
    "two rows against columns": ((2, 1544), (48, 1544), (2, 48), TURNED),
    "rows against columns": ((9, 144), (150, 144), (9, 150), TURNED),
    "many rows against columns": ((260, 64), (48, 64), (260, 48), TURNED),
    "depth in blocks": ((32, 4200), (4200, 32), (32, 32), ROWS),
    "depth first": ((68, 44), (68, 50), (44, 50), "contracting_dims = [0] x [0]"),
    "batches": (
        (3, 40, 32),
        (3, 32, 40),
        (3, 40, 40),
        "batching_dims = [0] x [0], contracting_dims = [2] x [1]",
    ),
    "the result's rows are the right side's": ((64, 80), (80,), (64,), ROWS),
    "two dimensions of depth": ((40, 5, 24), (5, 24, 40), (40, 40), "contracting_dims = [1, 2] x [0, 1]"),
}
KINDS = [
    pytest.param(e, r, marks=needs[e])
    for e, r in (("bf16", "f32"), ("bf16", "bf16"), ("i8", "i32"), ("ui8", "i32"))
]


def arrays(module: irc.Module, seed: int = 0) -> list[np.ndarray]:
    """Random bytes; random bf16 numbers, some of them and some products too small to be normal."""
    rng, made = np.random.default_rng(seed), []
    for argument in module.symbols["main"].arguments:
        shape, dtype = argument.type.static_shape, argument.type.element.numpy
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            made.append(rng.integers(limits.min, limits.max + 1, shape).astype(dtype))
        else:
            scale = np.where(rng.random(shape) < 0.3, 2.0 ** rng.integers(-130, -50, shape), 1.0)
            made.append((rng.standard_normal(shape) * scale).astype(dtype))
    return made


def transformed(module: irc.Module, target: str = "cpu") -> irc.Module:
    return run_pipeline(stamped(module, target_of(target)), f"{BEFORE},dot_products")


def ops_of(module: irc.Module) -> list[str]:
    return [op.name for op in module.symbols["main"].block.operations]


def agrees(source: str, seed: int = 0) -> tuple[Any, Any]:
    """(the decomposition's results, what is computed), after comparing the bits of compiled and emulated kernels."""
    module = irc.parse(source)
    given, changed = arrays(module, seed), transformed(module)
    changed.verify()
    assert "stablehlo.composite" in ops_of(changed)
    (expected,) = irc.interpret(changed, *given)
    program = irc.compile_module(module)
    assert "irc.packs" in program.stages.text("kernel")
    (found,) = program(*given)
    np.testing.assert_array_equal(found.view(np.uint8), np.asarray(expected).view(np.uint8))
    return np.asarray(expected), irc.interpret(module, *given)[0]


@pytest.fixture(autouse=True)
def every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irc.passes.dot_products.LEAST_FLOPS", 1)
    monkeypatch.setattr("irc.passes.dot_products.LEAST_REUSE", 1)
    monkeypatch.setenv("IRC_CACHE", "0")


@pytest.mark.parametrize(("element", "result"), KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_compiled_bits_are_those_of_the_decomposition(shape: str, element: str, result: str) -> None:
    lhs, rhs, out, dims = SHAPES[shape]
    expected, plain = agrees(dot(lhs, rhs, out, element, result, dims))
    if result == "i32":
        np.testing.assert_array_equal(expected, plain)


@pytest.mark.parametrize("window", ["", "stride = [2, 2], "])
@pytest.mark.parametrize(("element", "result"), KINDS[:3])
def test_convolutions_as_well(element: str, result: str, window: str) -> None:
    expected, plain = agrees(convolution(element, result, window))
    if result == "i32":
        np.testing.assert_array_equal(expected, plain)


@pytest.mark.parametrize(("element", "result"), KINDS)
def test_the_emulator_has_the_same_bits(element: str, result: str) -> None:
    lhs, rhs, out, dims = SHAPES["rows against columns"]
    module = irc.parse(dot(lhs, rhs, out, element, result, dims))
    given, program = arrays(module), irc.compile_module(module)
    (found,) = program(*given)
    (emulated,) = emulate(irc.parse(program.stages.text("kernel")), *given)
    np.testing.assert_array_equal(found.view(np.uint8), emulated.view(np.uint8))


@needs["bf16"]
def test_bits_of_any_kind_go_through_as_the_instruction_takes_them() -> None:
    """Infinities, numbers that are none, zeros of both signs, and what is too small to be normal."""
    lhs, rhs, out, dims = SHAPES["both lie in rows"]
    module = irc.parse(dot(lhs, rhs, out, "bf16", "f32", dims))
    rng = np.random.default_rng(3)
    pool = np.array([0, 0x8000, 1, 0x8001, 0x0080, 0x8080, 0x2000, 0xA000, 0x1F81, 0x3F80], np.uint16)
    given = [rng.choice(pool, s).view(ml_dtypes.bfloat16) for s in (lhs, rhs)]
    for position, bits in enumerate((0x7F80, 0xFF80, 0x7FC0)):
        given[0].view(np.uint16)[position, 5] = bits
    (expected,) = irc.interpret(transformed(module), *given)
    (found,) = irc.compile_module(module)(*given)
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), nan)
    np.testing.assert_array_equal(found.view(np.int32)[~nan], expected.view(np.int32)[~nan])
    assert nan.any() and np.isinf(expected).any() and (expected.view(np.uint32) == 1 << 31).any()


@needs["bf16"]
def test_bf16_is_as_accurate_as_in_order() -> None:
    module = irc.parse(dot((96, 512), (512, 96), (96, 96), "bf16", "f32", ROWS))
    rng = np.random.default_rng(0)
    given = [
        rng.standard_normal(v.type.shape).astype(DTYPES["bf16"]) for v in module.symbols["main"].arguments
    ]
    exact = given[0].astype(np.float64) @ given[1].astype(np.float64)
    (found,) = irc.compile_module(module)(*given)
    (plain,) = irc.interpret(module, *given)
    errors = [np.abs(v - exact).mean() for v in (found, plain)]
    assert not np.array_equal(found, plain)
    assert errors[0] <= 1.05 * errors[1]


@needs["bf16"]
def test_sums_keep_their_order_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    module = irc.parse(dot((64, 64), (64, 64), (64, 64), "bf16", "f32", ROWS))
    given = arrays(module)
    (plain,) = irc.interpret(module, *given)
    monkeypatch.setenv("IRC_DOT_INSTRUCTIONS", "0")
    (found,) = irc.compile_module(module)(*given)
    np.testing.assert_array_equal(found.view(np.int32), plain.view(np.int32))


@needs["bf16"]
def test_constant_sides_are_packed_while_compiling() -> None:
    w = np.random.default_rng(1).standard_normal((64, 48)).astype(DTYPES["bf16"])
    source = dot((32, 64), (64, 48), (32, 48), "bf16", "f32", ROWS)
    x = arrays(irc.parse(source))[0]
    (given,) = irc.compile_module(irc.parse(source))(x, w)
    literal = f'stablehlo.constant dense<"0x{w.tobytes().hex().upper()}"> : tensor<64x48xbf16>'
    fixed = source.replace(", %w: tensor<64x48xbf16>", "").replace("  %0 =", f"  %w = {literal}\n  %0 =")
    assert "stablehlo.shift_left" in ops_of(transformed(irc.parse(source)))
    assert "stablehlo.shift_left" not in ops_of(transformed(irc.parse(fixed)))
    (found,) = irc.compile_module(irc.parse(fixed))(x)
    np.testing.assert_array_equal(found, given)


@needs["bf16"]
def test_what_is_fused_after_it_and_a_dump_that_compiles_again() -> None:
    x, w, y = "tensor<64x128xbf16>", "tensor<96x128xbf16>", "tensor<64x96xbf16>"
    source = f"""func.func @main(%x: {x}, %w: {w}, %b: tensor<96xbf16>) -> {y} {{
  %0 = stablehlo.dot_general %x, %w, {TURNED} : ({x}, {w}) -> {y}
  %1 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<96xbf16>) -> {y}
  %2 = stablehlo.add %0, %1 : {y}
  %3 = stablehlo.tanh %2 : {y}
  return %3 : {y}
}}"""
    program = irc.compile_module(irc.parse(source))
    calls = [op for op in program.stages.fused.symbols["main"].block.operations if op.name == "func.call"]
    assert len(calls) == 1
    again = compile_text(program.stages.text("fused"))
    assert again.stages.text("llvm") == program.stages.text("llvm")
    given = arrays(irc.parse(source))
    np.testing.assert_array_equal(again(*given)[0], program(*given)[0])


@pytest.mark.parametrize("target", ["x86-64-v4", "sm_90a"])
def test_processors_without_the_instructions_keep_their_products(target: str) -> None:
    for element, result in (("bf16", "f32"), ("i8", "i32")):
        module = irc.parse(dot((64, 64), (64, 64), (64, 64), element, result, ROWS))
        assert "stablehlo.composite" not in ops_of(transformed(module, target))


@needs["bf16"]
@pytest.mark.parametrize(
    "source",
    [
        dot((64, 63), (63, 64), (64, 64), "bf16", "f32", ROWS),
        dot((64, 64), (64, 8), (64, 8), "bf16", "f32", ROWS),
        dot((64, 64), (64, 64), (64, 64), "bf16", "f32", f"{ROWS}, precision = [HIGHEST, HIGHEST]"),
        dot((64, 64), (64, 64), (64, 64), "f16", "f32", ROWS),
    ],
    ids=["odd depth", "few lanes", "highest precision", "other elements"],
)
def test_what_does_not_fit_stays_a_product(source: str) -> None:
    assert "stablehlo.composite" not in ops_of(transformed(irc.parse(source)))
