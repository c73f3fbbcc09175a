"""The driver: donations, stages that enter again, refusals by name, what observers are told."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import irc
from irc import driver
from irc.interpreter import interpret
from irc.runtime.elf import code_digest

UPDATE = """
func.func @main(%p: tensor<6x5xf32>, %m: tensor<6x5xf32>, %v: tensor<6x5xf32>, %g: tensor<5x6xf32>)
    -> (tensor<6x5xf32>, tensor<6x5xf32>, tensor<6x5xf32>) {
  %0 = stablehlo.transpose %g, dims = [1, 0] : (tensor<5x6xf32>) -> tensor<6x5xf32>
  %1 = stablehlo.add %m, %0 : tensor<6x5xf32>
  %2 = stablehlo.multiply %0, %0 : tensor<6x5xf32>
  %3 = stablehlo.add %v, %2 : tensor<6x5xf32>
  %4 = stablehlo.multiply %1, %3 : tensor<6x5xf32>
  %5 = stablehlo.subtract %p, %4 : tensor<6x5xf32>
  return %5, %1, %3 : tensor<6x5xf32>, tensor<6x5xf32>, tensor<6x5xf32>
}
"""


def inputs(module: Any) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    main = module.symbols["main"]
    return [rng.standard_normal(a.type.shape).astype(a.type.element.numpy) for a in main.arguments]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_results_may_take_over_any_buffers(order: tuple[int, ...]) -> None:
    """An optimizer's update in place, whichever result goes to whichever argument."""
    module = irc.parse(UPDATE)
    arrays = inputs(module)
    wanted = interpret(module, *arrays)
    program = irc.compile_module(module, donate=dict(enumerate(order)))
    for got, want in zip(program(*(a.copy() for a in arrays)), wanted, strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_donated_argument_becomes_the_result() -> None:
    program = irc.compile_module(irc.parse(UPDATE), donate=[0])
    arrays = inputs(irc.parse(UPDATE))
    assert program(*arrays)[0] is arrays[0]


SWAP = """
func.func @main(%a: tensor<300xf32>, %b: tensor<300xf32>, %n: tensor<i32>) -> (tensor<300xf32>, tensor<300xf32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0:3 = stablehlo.while(%i = %zero, %x = %a, %y = %b) : tensor<i32>, tensor<300xf32>, tensor<300xf32>
    cond {
      %1 = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %1 : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %1 = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %1, %y, %x : tensor<i32>, tensor<300xf32>, tensor<300xf32>
    }
  return %0#1, %0#2 : tensor<300xf32>, tensor<300xf32>
}
"""


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
def test_carried_values_that_change_places(turns: int) -> None:
    a, b = np.arange(300, dtype=np.float32), -np.arange(300, dtype=np.float32)
    x, y = irc.compile_module(irc.parse(SWAP))(a, b, np.int32(turns))
    np.testing.assert_array_equal(x, b if turns % 2 else a)
    np.testing.assert_array_equal(y, a if turns % 2 else b)


def test_every_stage_enters_again() -> None:
    program = irc.compile_module(irc.parse(UPDATE), donate=[0, 1, 2])
    wanted = code_digest(program.object_code)
    for stage in driver.STAGES:
        again = driver.compile_text(program.stages[stage])
        assert code_digest(again.object_code) == wanted, stage
        assert again.stamp == program.stamp, stage


def test_a_later_stage_knows_nothing_of_earlier_ones() -> None:
    program = driver.compile_text(irc.compile_module(irc.parse(UPDATE)).stages["kernel"])
    with pytest.raises(irc.IrcError, match="later stage than 'tensor'"):
        program.stages["tensor"]


def test_the_memory_plan_is_what_is_allocated() -> None:
    program = irc.compile_module(irc.parse(SWAP))
    plan = program.memory_plan
    assert plan.arena_bytes <= program.arena_bytes == max(plan.arena_bytes, 1)
    for a, b in itertools.combinations(plan.buffers, 2):
        together = a.first <= b.last and b.first <= a.last
        apart = a.index + a.nbytes <= b.index or b.index + b.nbytes <= a.index
        assert apart or not together, f"{a} and {b} overlap while both live"


def test_what_has_no_lowering_is_refused_by_name() -> None:
    text = """func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = stablehlo.custom_call @mystery(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}"""
    with pytest.raises(irc.UnsupportedError, match="custom_call") as refused:
        irc.compile_module(irc.parse(text, "program.mlir"))
    assert refused.value.line == 2


def test_a_module_for_another_machine_is_refused() -> None:
    text = irc.compile_module(irc.parse(UPDATE)).stages["fused"]
    other = text.replace('triple = "', 'triple = "other-')
    with pytest.raises(irc.IrcError, match="was made for"):
        driver.compile_text(other)


def test_results_go_into_given_arrays() -> None:
    t = "tensor<3xf32>"
    text = f"func.func @main(%a: {t}) -> ({t}, {t}) {{\n  %0 = stablehlo.add %a, %a : {t}\n  return %0, %a : {t}, {t}\n}}"
    program = irc.compile_module(irc.parse(text))
    a, first, second = (np.full(3, i, np.float32) for i in range(3))
    made = program(a + 5, out=[first, second])
    assert made[0] is first and made[1] is second
    assert (first.tolist(), second.tolist()) == ([10] * 3, [5] * 3)
    with pytest.raises(ValueError, match="shares memory"):
        program(a, out=[a, second])
    with pytest.raises(TypeError, match="argument 2: expected f32"):
        program(a, out=[first, second.astype(np.float64)])
    with pytest.raises(TypeError, match="takes no output arrays"):
        irc.compile_module(irc.parse(text), donate=[0])(a, out=[first, second])


def test_unknown_targets_are_refused() -> None:
    with pytest.raises(irc.UnsupportedError, match="no target 'abacus'"):
        irc.compile_module(irc.parse(UPDATE), target="abacus")
