// RUN: kernels -- x times the transpose of w: squares of w are turned and packed by the ticket that needs them
func.func @main(%x: tensor<20x64xf32>, %w: tensor<32x64xf32>) -> tensor<20x32xf32> {
  %y = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1] : (tensor<20x64xf32>, tensor<32x64xf32>) -> tensor<20x32xf32>
  return %y : tensor<20x32xf32>
}
// GIVES
module {
  func.func private @main(%x: memref<20x64xf32>, %w: memref<32x64xf32>, %arg0: memref<20x32xf32>, %arg1: memref<1x1x64x32xf32>) attributes {irc.kind = "contraction", irc.schedule = {bc = 1 : i64, kc = 64 : i64, mc = 20 : i64, mr = 14 : i64, nc = 32 : i64, nv = 2 : i64, order = "lanes", pack_a = false, pack_b = "block", prefetch = false}} {
    %0 = arith.constant 0.000000e+00 : f32
    %1 = arith.constant 0 : index
    %2 = arith.constant 32 : index
    %3 = arith.constant 16 : index
    %4 = arith.constant 64 : index
    %5 = arith.constant 10 : index
    %6 = arith.constant dense<0.000000e+00> : vector<10x32xf32>
    %7 = arith.constant 1 : index
    %8 = arith.constant 2 : index
    %9 = memref.reinterpret_cast %x to offset: [0], sizes: [20, 64], strides: [64, 1] : memref<20x64xf32> to memref<20x64xf32, strided<[64, 1]>>
    %10 = memref.reinterpret_cast %w to offset: [0], sizes: [32, 64], strides: [64, 1] : memref<32x64xf32> to memref<32x64xf32, strided<[64, 1]>>
    %11 = memref.reinterpret_cast %arg0 to offset: [0], sizes: [20, 32], strides: [32, 1] : memref<20x32xf32> to memref<20x32xf32, strided<[32, 1]>>
    scf.for %arg2 = %1 to %4 step %3 {
      scf.for %arg3 = %1 to %2 step %3 {
        %12 = vector.transfer_read %10[%arg3, %arg2], %0 {in_bounds = [true, true]} : memref<32x64xf32, strided<[64, 1]>>, vector<16x16xf32>
        %13 = vector.transpose %12, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
        vector.transfer_write %13, %arg1[%1, %1, %arg2, %arg3] {in_bounds = [true, true]} : vector<16x16xf32>, memref<1x1x64x32xf32>
      }
    }
    scf.for %arg2 = %1 to %8 step %7 {
      %12 = arith.muli %arg2, %5 : index
      %13 = memref.subview %9[%12, 0] [10, 64] [1, 1] : memref<20x64xf32, strided<[64, 1]>> to memref<10x64xf32, strided<[64, 1], offset: ?>>
      %14 = scf.for %arg3 = %1 to %4 step %7 iter_args(%arg4 = %6) -> (vector<10x32xf32>) {
        %15 = vector.transfer_read %13[%1, %arg3], %0 {in_bounds = [true, true]} : memref<10x64xf32, strided<[64, 1], offset: ?>>, vector<10x1xf32>
        %16 = vector.transfer_read %arg1[%1, %1, %arg3, %1], %0 {in_bounds = [true, true]} : memref<1x1x64x32xf32>, vector<1x32xf32>
        %17 = vector.contract {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} %15, %16, %arg4 : vector<10x1xf32>, vector<1x32xf32> into vector<10x32xf32>
        scf.yield %17 : vector<10x32xf32>
      }
      vector.transfer_write %14, %11[%12, %1] {in_bounds = [true, true]} : vector<10x32xf32>, memref<20x32xf32, strided<[32, 1]>>
    }
    return
  }
}
