"""The canonical form: keeps meaning, settles at once, and is blind to names, sequence and spelling."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pass_programs import assert_same_meaning
from random_programs import programs
from shuffled import shuffled

from irc.dialects.builtin import Module, parse
from irc.dialects.func import Func
from irc.dialects.stablehlo import Reduce
from irc.ir.operation import Block
from irc.passes.canonical import canonical_text
from irc.passes.canonical.symmetry import OneWay
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
    once = run_pipeline(module, "canonical")
    assert str(run_pipeline(once, "canonical")) == str(once)


@quiet
@given(module=programs())
def test_symmetric_ops_are_turned_once(module: Module) -> None:
    """What is turned one way stays: the rounds of simplification come to an end."""
    for op in module.operations:
        assert isinstance(op, Func)
        once = OneWay().block_of(op.block)
        assert OneWay().block_of(once) is once


@quiet
@given(module=programs(), seed=SEEDS)
def test_blind_to_names_and_sequence(module: Module, seed: int) -> None:
    assert canonical_text(shuffled(module, seed)) == canonical_text(module)


LOOP_IN_LOOP = """
func.func @main(%n: tensor<i32>, %x: tensor<2xf32>) -> tensor<2xf32> {
  %y = stablehlo.negate %x : tensor<2xf32>
  %r:2 = stablehlo.while(%i = %n, %a = %x) : tensor<i32>, tensor<2xf32>
  cond {
    %c = stablehlo.constant dense<4> : tensor<i32>
    %p = stablehlo.compare LT, %i, %c : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %j = stablehlo.add %i, %one : tensor<i32>
    %two = stablehlo.constant dense<2> : tensor<i32>
    %odd = stablehlo.remainder %i, %two : tensor<i32>
    %q = stablehlo.compare EQ, %odd, %one : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %b = "stablehlo.if"(%q) ({
      stablehlo.return %y : tensor<2xf32>
    }, {
      stablehlo.return %a : tensor<2xf32>
    }) : (tensor<i1>) -> tensor<2xf32>
    stablehlo.return %j, %b : tensor<i32>, tensor<2xf32>
  }
  return %r#1 : tensor<2xf32>
}
"""


def test_a_value_that_only_an_inner_region_returns() -> None:
    module = parse(LOOP_IN_LOOP)
    after = run_pipeline(module, "canonical")
    after.verify()
    assert_same_meaning(module, after)


PLACES = """
func.func @main(%x: tensor<{x}xf32>, %w: tensor<{w}xf32>, %b: tensor<{b}xf32>) -> tensor<{y}xf32> {{
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [{i}] x [{j}] : (tensor<{x}xf32>, tensor<{w}xf32>) -> tensor<{y}xf32>
  %1 = stablehlo.broadcast_in_dim %b, dims = [{d}] : (tensor<{b}xf32>) -> tensor<{y}xf32>
  %2 = stablehlo.add %0, %1 : tensor<{y}xf32>
  return %2 : tensor<{y}xf32>
}}
"""


def test_blind_to_extents_of_one() -> None:
    """A product with one column, held as (3, 1), as (1, 3), and as a vector."""
    column = PLACES.format(x="5x3", w="3x1", b="1", y="5x1", i=1, j=0, d=1)
    row = PLACES.format(x="3x5", w="1x3", b="1", y="5x1", i=0, j=1, d=1)
    vector = PLACES.format(x="5x3", w="3", b="", y="5", i=1, j=0, d="").replace("<xf32>", "<f32>")
    texts = [canonical_text(parse(text)) for text in (column, row, vector)]
    assert texts[0] == texts[1] == texts[2]
    assert "1x" not in texts[0] and "x1x" not in texts[0]


SHARED = """
func.func @main(%x: tensor<4x3xf32>, %y: tensor<4x3xf32>) -> (tensor<3xf32>, tensor<4xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.multiply %x, %y : tensor<4x3xf32>
  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<4x3xf32>, tensor<f32>) -> tensor<3xf32>
  %2 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x3xf32>, tensor<f32>) -> tensor<4xf32>
  return %1, %2 : tensor<3xf32>, tensor<4xf32>
}
"""


def test_blind_to_shared_regions() -> None:
    """A recorded program may hold one region in two ops."""
    module = parse(SHARED)
    (main,) = module.operations
    assert isinstance(main, Func)
    first, second = (op for op in main.block.operations if isinstance(op, Reduce))
    shared = second.with_operands(second.operands, first.regions)
    operations = [shared if op is second else op for op in main.block.operations]
    end = main.block.terminator
    operations[-1] = end.with_operands((end.operands[0], shared.results[0]))
    made = Module.of([main.with_block(Block(main.arguments, operations))])
    assert canonical_text(made) == canonical_text(parse(SHARED))
