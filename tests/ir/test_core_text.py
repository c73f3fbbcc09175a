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
    "llvm-arithmetic": """llvm.func @f(%x: i32, %y: i32, %z: f32, %p: !llvm.ptr) -> i32 {
  %0 = llvm.add %x, %y overflow<nsw, nuw> : i32
  %1 = llvm.sdiv exact %0, %y : i32
  %2 = llvm.zext nneg %1 : i32 to i64
  %3 = llvm.trunc %2 overflow<nsw> : i64 to i32
  %4 = llvm.icmp "slt" %3, %x : i32
  %5 = llvm.fcmp "olt" %z, %z : f32
  %6 = llvm.select %4, %x, %y : i1, i32
  %7 = llvm.fneg %z : f32
  %8 = llvm.load %p : !llvm.ptr -> i32
  llvm.store %8, %p : i32, !llvm.ptr
  %9 = llvm.alloca %x x i32 : (i32) -> !llvm.ptr
  %10 = llvm.mlir.undef : i32
  llvm.return %6 : i32
}""",
    "flags": """func.func @f(%a: f32, %i: i32) {
  %0 = arith.addf %a, %a fastmath<fast> : f32
  %1 = arith.addi %i, %i overflow<nsw, nuw> : i32
  %2 = math.exp %a fastmath<nnan,contract> : f32
  %3 = arith.cmpf olt, %a, %a fastmath<nnan> : f32
  %4 = arith.shrsi %i, %i exact : i32
  %5 = arith.trunci %i overflow<nsw> : i32 to i8
  %6 = arith.extui %i nneg {more} : i32 to i64
  return
}""",
    "arith": """func.func @f(%a: i32) {
  %0, %1 = arith.mulsi_extended %a, %a : i32
  %2, %3 = arith.mului_extended %a, %a : i32
  %4, %5 = arith.addui_extended %a, %a : i32, i1
  %6 = arith.ceildivsi %a, %a : i32
  %7 = arith.ceildivui %a, %a : i32
  %8 = arith.floordivsi %a, %a : i32
  return
}""",
    "cf": """func.func @f(%c: i1, %a: i32) -> i32 {
  cf.cond_br %c, ^bb1(%a : i32), ^bb2
^bb1(%x: i32):
  return %x : i32
^bb2:
  cf.br ^bb1(%a : i32)
}""",
    "scf-parallel": """func.func @f(%n: index, %m: index, %k: index, %a: i32) {
  scf.parallel (%i, %j) = (%n, %n) to (%m, %m) step (%k, %k) {
    %0 = arith.addi %i, %j : index
  }
  %1 = scf.parallel (%i) = (%n) to (%m) step (%k) init (%a) -> i32 {
    scf.reduce(%a : i32) {
    ^bb0(%u: i32, %v: i32):
      scf.reduce.return %u : i32
    }
  }
  return
}""",
    "sdy": """sdy.mesh @mesh = <["x"=2, "y"=1]>
func.func @main(%x: tensor<4x4xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> tensor<4x4xf32> {
  %0 = sdy.sharding_constraint %x <@mesh, [{}, {"y"}]> : tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
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
