"""What fusion computes again: values that cost less to compute than to store and read, by rates that no machine sets."""

from __future__ import annotations

import numpy as np

import irc
from irc.driver import PIPELINE
from irc.passes.fusion.reasons import EdgeRemark, Reason
from irc.passes.hooks import Record
from irc.passes.manager import run_pipeline

SIDE = 768
Y = f"tensor<{SIDE}x{SIDE}xf32>"
PRODUCT = f"contracting_dims = [1] x [0] : ({Y}, {Y}) -> {Y}"


def two_products(middle: str) -> str:
    """%h and %v are made after one product, and used after a second one that needs the first."""
    return f"""func.func @main(%a: {Y}, %b: {Y}) -> {Y} {{
  %h = stablehlo.dot_general %a, %b, {PRODUCT}
  %v = stablehlo.{middle} %h{", %h" if middle in ("multiply", "divide") else ""} : {Y}
  %w = stablehlo.abs %v : {Y}
  %p = stablehlo.dot_general %w, %b, {PRODUCT}
  %q = stablehlo.multiply %p, %v : {Y}
  %r = stablehlo.add %q, %h : {Y}
  return %r : {Y}
}}"""


def fused(source: str) -> tuple[irc.Module, list[EdgeRemark]]:
    record = Record()
    module = run_pipeline(irc.parse(source), PIPELINE, hooks=[record])
    return module, [r for r in record.remarks if isinstance(r, EdgeRemark)]


def results(module: irc.Module, name: str) -> int:
    (call,) = (
        op for op in module.symbols["main"].block.operations if getattr(op, "callee", "").startswith(name)
    )
    return len(call.results)


def test_a_cheap_value_is_computed_again() -> None:
    module, remarks = fused(two_products("multiply"))
    edges = {(r.producer, r.consumer): r.reason for r in remarks}
    assert edges["multiply", "multiply"] is Reason.RECOMPUTED
    assert results(module, "fused_dot_general_multiply_abs") == 2
    module, remarks = fused(two_products("sine"))
    assert Reason.RECOMPUTED not in [r.reason for r in remarks]
    assert results(module, "fused_dot_general_sine_abs") == 3


def test_bits_stay() -> None:
    module = irc.parse(two_products("multiply").replace(str(SIDE), "512"))
    rng = np.random.default_rng(0)
    given = [rng.standard_normal((512, 512), dtype=np.float32) * 0.1 for _ in range(2)]
    (found,) = irc.compile_module(module)(*given)
    pipeline = PIPELINE.replace(",fusion", ",fusion{recompute=false}")
    (stored,) = irc.compile_module(module, pipeline=pipeline)(*given)
    np.testing.assert_array_equal(found.view(np.int32), stored.view(np.int32))


def test_a_producer_that_all_consumers_compute_is_no_kernel() -> None:
    """Two reductions of squares along different dimensions: neither can be in the other's kernel."""
    x, s, z = f"tensor<{SIDE}x{SIDE}xf32>", f"tensor<{SIDE}xf32>", "tensor<f32>"
    source = f"""func.func @main(%x: {x}) -> ({s}, {s}) {{
  %z = stablehlo.constant dense<0.0> : {z}
  %0 = stablehlo.multiply %x, %x : {x}
  %1 = stablehlo.reduce(%0 init: %z) applies stablehlo.add across dimensions = [1] : ({x}, {z}) -> {s}
  %2 = stablehlo.reduce(%0 init: %z) applies stablehlo.add across dimensions = [0] : ({x}, {z}) -> {s}
  return %1, %2 : {s}, {s}
}}"""
    module, remarks = fused(source)
    assert [r.reason for r in remarks if r.producer == "multiply"] == [Reason.RECOMPUTED] * 2
    names = [op.name for op in module.symbols["main"].block.operations]
    assert names.count("func.call") == 2 and "stablehlo.multiply" not in names
    given = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    for found, expected in zip(
        irc.compile_module(irc.parse(source))(given), irc.interpret(irc.parse(source), given), strict=True
    ):
        np.testing.assert_array_equal(found.view(np.int32), expected.view(np.int32))
