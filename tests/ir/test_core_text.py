"""Texts of MLIR's core dialects that programs around a kernel hold: read, printed, and the same to MLIR."""

from __future__ import annotations

import mlir_oracle
import pytest

from irc.dialects.builtin import parse

TEXTS = {
    "llvm-function": """llvm.func internal @f(%x: i32 {llvm.noundef}, %p: !llvm.ptr) -> i32 attributes {no_inline} {
  llvm.return %x : i32
}
llvm.func @g(i64, ...)""",
    "llvm-call": """llvm.mlir.global internal constant @s("Hi\\00") {addr_space = 0 : i32} : !llvm.array<3 x i8>
llvm.mlir.global external @n(42 : i32) {addr_space = 0 : i32} : i32
llvm.func @puts(!llvm.ptr)
llvm.func @main(%f: !llvm.ptr) -> i32 {
  %0 = llvm.mlir.addressof @s : !llvm.ptr
  llvm.call @puts(%0) : (!llvm.ptr) -> ()
  %1 = llvm.mlir.constant(7 : i64) : i64
  %2 = llvm.call %f(%1) : !llvm.ptr, (i64) -> i32
  llvm.return %2 : i32
}""",
    "ub": """func.func @f() {
  %0 = ub.poison : i32
  %1 = ub.poison <#ub.poison> : vector<4xi64>
  ub.unreachable
}""",
    "memref": """func.func @f(%n: index) {
  %0 = memref.alloc(%n) {alignment = 64 : i64} : memref<?x4xf32>
  %1 = memref.alloc(%n) : memref<?x4xf32>
  memref.copy %0, %1 : memref<?x4xf32> to memref<?x4xf32>
  memref.dealloc %0 : memref<?x4xf32>
  return
}""",
    "vector": """func.func @f(%b: memref<8xf32>, %i: index, %m: vector<4xi1>, %v: vector<4xf32>, %a: f32) {
  %0 = vector.maskedload %b[%i], %m, %v : memref<8xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
  vector.maskedstore %b[%i], %m, %0 : memref<8xf32>, vector<4xi1>, vector<4xf32>
  %1 = vector.reduction <add>, %0 : vector<4xf32> into f32
  %2 = vector.reduction <maximumf>, %0, %a fastmath<nnan> : vector<4xf32> into f32
  return
}""",
    "scf": """func.func @f(%n: index, %x: i32) {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %2 = "scf.parallel"(%0, %n, %1, %x) ({
  ^bb0(%i: index):
    scf.reduce(%x : i32) {
    ^bb0(%a: i32, %b: i32):
      %3 = arith.addi %a, %b : i32
      scf.reduce.return %3 : i32
    }
  }) {operandSegmentSizes = array<i32: 1, 1, 1, 1>} : (index, index, index, i32) -> i32
  return
}""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_core_dialects(name: str) -> None:
    module = parse(TEXTS[name])
    assert str(parse(str(module))) == str(module)
    assert mlir_oracle.generic(str(module)) == mlir_oracle.generic(TEXTS[name])
