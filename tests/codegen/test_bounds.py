"""Bounds checks in generated code: right programs keep their bits, an access outside is reported and not done."""

from __future__ import annotations

import numpy as np
import pytest

import irc
from irc.codegen.bounds import checked
from irc.driver import compile_module, compile_text

PROGRAM = """func.func @main(%x: tensor<5x7xf32>, %i: tensor<3xi32>, %w: tensor<7x33xf32>) -> (tensor<5x33xf32>, tensor<3x7xf32>, tensor<7xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<5x7xf32>, tensor<7x33xf32>) -> tensor<5x33xf32>
  %1 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 7>}> : (tensor<5x7xf32>, tensor<3xi32>) -> tensor<3x7xf32>
  %2 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<5x7xf32>, tensor<f32>) -> tensor<7xf32>
  return %0, %1, %2 : tensor<5x33xf32>, tensor<3x7xf32>, tensor<7xf32>
}"""


def inputs() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [
        random.standard_normal((5, 7), np.float32),
        np.array([4, 0, 9], np.int32),
        random.standard_normal((7, 33), np.float32),
    ]


def test_right_programs_keep_their_bits() -> None:
    plain = compile_module(irc.parse(PROGRAM))
    guarded = compile_module(irc.parse(PROGRAM), check_bounds=True)
    assert "cf.assert" in guarded.stages["kernel"]
    assert "cf.assert" not in plain.stages["kernel"]
    for a, b in zip(plain(*inputs()), guarded(*inputs()), strict=True):
        assert a.tobytes() == b.tobytes()


def test_checked_kernels_are_a_stage_like_any_other() -> None:
    guarded = compile_module(irc.parse(PROGRAM), check_bounds=True)
    for stage in ("kernel", "llvm"):
        again = compile_text(guarded.stages[stage])
        for a, b in zip(again(*inputs()), guarded(*inputs()), strict=True):
            assert a.tobytes() == b.tobytes()


KERNEL = """module attributes {{irc.signature = (tensor<16xf32>, tensor<i64>) -> tensor<16xf32>}} {{
  func.func @main(%x: memref<16xf32>, %at: memref<i64>, %y: memref<16xf32>, %arena: memref<1xi8>) {{
    func.call @shift(%x, %at, %y) : (memref<16xf32>, memref<i64>, memref<16xf32>) -> ()
    return
  }}
  func.func private @shift(%x: memref<16xf32>, %at: memref<i64>, %y: memref<16xf32>) {{
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %f0 = arith.constant 0.000000e+00 : f32
    %n = memref.load %at[] : memref<i64>
    %i = arith.index_cast %n : i64 to index
    {access}
    return
  }}
}}"""

ACCESSES = {
    "load": "%v = memref.load %x[%i] : memref<16xf32>\n    memref.store %v, %y[%c0] : memref<16xf32>",
    "store": "memref.store %f0, %y[%i] : memref<16xf32>",
    "vector.load": "%v = vector.load %x[%i] : memref<16xf32>, vector<4xf32>\n"
    "    vector.store %v, %y[%c0] : memref<16xf32>, vector<4xf32>",
    "vector.store": "%v = vector.load %x[%c4] : memref<16xf32>, vector<4xf32>\n"
    "    vector.store %v, %y[%i] : memref<16xf32>, vector<4xf32>",
    "transfer_read": "%v = vector.transfer_read %x[%i], %f0 {in_bounds = [true]} : memref<16xf32>, vector<4xf32>\n"
    "    vector.store %v, %y[%c0] : memref<16xf32>, vector<4xf32>",
    "transfer_write": "%v = vector.load %x[%c4] : memref<16xf32>, vector<4xf32>\n"
    "    vector.transfer_write %v, %y[%i] {in_bounds = [true]} : vector<4xf32>, memref<16xf32>",
    "gather": "%s = vector.step : vector<4xindex>\n    %m = arith.constant dense<true> : vector<4xi1>\n"
    "    %p = arith.constant dense<0.0> : vector<4xf32>\n"
    "    %v = vector.gather %x[%i] [%s], %m, %p : memref<16xf32>, vector<4xindex>, vector<4xi1>, vector<4xf32> into vector<4xf32>\n"
    "    vector.store %v, %y[%c0] : memref<16xf32>, vector<4xf32>",
    "reinterpret_cast": "%r = memref.reinterpret_cast %x to offset: [%i], sizes: [4], strides: [1] : memref<16xf32> to memref<4xf32, strided<[1], offset: ?>>\n"
    "    %v = memref.load %r[%c0] : memref<4xf32, strided<[1], offset: ?>>\n"
    "    memref.store %v, %y[%c0] : memref<16xf32>",
}


@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("at", [-1, 0, 12, 13, 16, 1 << 40])
def test_an_access_outside_is_reported(access: str, at: int) -> None:
    program = compile_module(
        irc.parse(KERNEL.format(access=ACCESSES[access]), "shift.mlir"), check_bounds=True
    )
    last = 15 if access in ("load", "store") else 12
    x = np.arange(16, dtype=np.float32)
    if 0 <= at <= last:
        program(x, np.int64(at))
        return
    with pytest.raises(irc.OutOfBoundsError, match=rf"@shift: .*{access}.* from shift\.mlir:\d+"):
        program(x, np.int64(at))
    program(x, np.int64(0))


def test_the_pass_leaves_other_modules_alone() -> None:
    module = irc.parse(PROGRAM)
    assert str(checked(module)) == str(module)
