"""`irc explain`: its edges are those of the fused program, and each that is not fused has one reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import irc
from irc.cli import main
from irc.dialects.func import Call
from irc.dialects.stablehlo import Constant
from irc.driver import PIPELINE
from irc.ir.operation import Block
from irc.passes.fusion.cost import Cost, Roofs, cost_of
from irc.passes.fusion.reasons import MEANINGS, EdgeRemark, Reason
from irc.passes.hooks import Record
from irc.passes.manager import Remark

PROGRAM = """func.func @main(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>, %i: tensor<i32>) -> tensor<16x8xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %1 = stablehlo.tanh %0 : tensor<8x16xf32>
  %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<8x16xf32>, tensor<f32>) -> tensor<8xf32>
  %3 = stablehlo.broadcast_in_dim %2, dims = [0] : (tensor<8xf32>) -> tensor<8x16xf32>
  %4 = stablehlo.divide %1, %3 : tensor<8x16xf32>
  %5 = stablehlo.slice %4 [0:8, 0:8] : (tensor<8x16xf32>) -> tensor<8x8xf32>
  %6 = stablehlo.slice %4 [0:8, 8:16] : (tensor<8x16xf32>) -> tensor<8x8xf32>
  %7 = stablehlo.concatenate %6, %5, dim = 0 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
  %8 = stablehlo.negate %7 : tensor<16x8xf32>
  return %8 : tensor<16x8xf32>
}
"""


def edges(text: str) -> tuple[Any, list[EdgeRemark]]:
    record = Record()
    module = irc.opt(irc.parse(text), PIPELINE, [record])
    remarks: list[Remark] = record.remarks
    return module, [r for r in remarks if isinstance(r, EdgeRemark)]


def flows(block: Block) -> set[tuple[str, str]]:
    """Which kernels of a block read what which others wrote."""

    def name(op: Any) -> str:
        return f"@{op.callee}" if isinstance(op, Call) else op.name.partition(".")[2]

    return {
        (name(v.op), name(op))
        for op in block.operations[:-1]
        for v in op.operands
        if v.op is not None and not isinstance(v.op, Constant)
    }


def test_the_edges_that_are_not_fused_are_what_flows_between_kernels() -> None:
    module, found = edges(PROGRAM)
    apart = {(r.producer_kernel, r.consumer_kernel) for r in found if r.reason is not None}
    assert apart == flows(module.symbols["main"].block)
    assert all(r.producer_kernel == r.consumer_kernel for r in found if r.reason is None)
    assert {r.reason for r in found} >= {None, Reason.OWN, Reason.STORED}


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Reason)


def test_the_table_names_kernels_edges_and_times(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("irc.runtime.roofs.measured", lambda: (1e11, ((1 << 20, 1e10),)))
    path = tmp_path / "program.mlir"
    # Large enough for the clock.
    path.write_text(
        re.sub(r"\b8x(16|8)x|<8xf32>", lambda m: m[0].replace("8x", "512x", 1), PROGRAM)
        .replace("[0:8,", "[0:512,")
        .replace("16x8xf32", "1024x8xf32")
    )
    assert main(["explain", str(path)]) == 0
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("@fused_dot_general_tanh"))
    assert "us" in row and "%" in row and "program.mlir:3" in row
    assert "consumer-own-kernel: the consumer is a kernel of its own" in printed
    assert "100 GFLOP/s" in printed
    assert main(["explain", str(path), "--no-times", "--unfused"]) == 0
    printed = capsys.readouterr().out
    assert "measured" not in printed and " fused " not in printed


def test_a_program_is_executed_and_its_lines_are_named(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "model.py"
    path.write_text(
        "import irc\nimport irc.torch as torch\n\n@irc.compile\ndef f(x):\n    return (x @ x).tanh()\n\nf(torch.ones(4, 4))\n"
    )
    assert main(["explain", str(path), "--no-times"]) == 0
    assert "dot_general -> tanh" in (printed := capsys.readouterr().out)
    assert "model.py:6" in printed


def test_the_cost_of_a_product() -> None:
    text = """func.func @main(%x: tensor<8x16xf32>, %w: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}"""
    cost = cost_of(irc.parse(text).symbols["main"])  # type: ignore[arg-type]
    assert cost == Cost(4 * (8 * 16 + 16 * 4 + 8 * 4), 2 * 8 * 16 * 4)


@pytest.mark.parametrize(
    ("cost", "seconds"), [(Cost(100, 10), 1.0), (Cost(10, 1000), 10.0), (Cost(400, 1), 8.0)]
)
def test_the_lower_roof_decides(cost: Cost, seconds: float) -> None:
    assert Roofs(100.0, ((200, 100.0), (300, 50.0))).seconds(cost) == seconds


def test_what_is_only_indexed_is_not_read_whole() -> None:
    text = """func.func @main(%t: tensor<1000x8xf32>, %i: tensor<i32>) -> tensor<1x8xf32> {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.dynamic_slice %t, %i, %z, sizes = [1, 8] : (tensor<1000x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}"""
    assert cost_of(irc.parse(text).symbols["main"]).bytes == 4 * (8 + 8 + 1)  # type: ignore[arg-type]
