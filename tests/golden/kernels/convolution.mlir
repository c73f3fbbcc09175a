// RUN: kernels -- a convolution is a product of strided views: filter width and channels are one run of depth
func.func @main(%x: tensor<2x10x10x4xf32>, %w: tensor<3x3x4x64xf32>) -> tensor<2x8x8x64xf32> {
  %y = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x10x10x4xf32>, tensor<3x3x4x64xf32>) -> tensor<2x8x8x64xf32>
  return %y : tensor<2x8x8x64xf32>
}
// GIVES
module {
  func.func private @main(%x: memref<2x10x10x4xf32>, %w: memref<3x3x4x64xf32>, %arg0: memref<2x8x8x64xf32>) attributes {irc.kind = "contraction", irc.schedule = {bc = 1 : i64, kc = 36 : i64, mc = 128 : i64, mr = 14 : i64, nc = 64 : i64, nv = 2 : i64, order = "lanes", pack_a = false, pack_b = "none", prefetch = false}} {
    %0 = arith.constant 32 : index
    %1 = arith.constant dense<0.000000e+00> : vector<1x8x32xf32>
    %2 = arith.constant 0.000000e+00 : f32
    %3 = arith.constant 0 : index
    %4 = arith.constant 12 : index
    %5 = arith.constant 1 : index
    %6 = arith.constant 3 : index
    %7 = arith.constant 2 : index
    %8 = arith.constant 8 : index
    %9 = memref.reinterpret_cast %x to offset: [0], sizes: [2, 8, 3, 8, 12], strides: [400, 40, 40, 4, 1] : memref<2x10x10x4xf32> to memref<2x8x3x8x12xf32, strided<[400, 40, 40, 4, 1]>>
    %10 = memref.reinterpret_cast %w to offset: [0], sizes: [3, 12, 64], strides: [768, 64, 1] : memref<3x3x4x64xf32> to memref<3x12x64xf32, strided<[768, 64, 1]>>
    %11 = memref.reinterpret_cast %arg0 to offset: [0], sizes: [2, 8, 8, 64], strides: [4096, 512, 64, 1] : memref<2x8x8x64xf32> to memref<2x8x8x64xf32, strided<[4096, 512, 64, 1]>>
    scf.for %arg1 = %3 to %7 step %5 {
      scf.for %arg2 = %3 to %8 step %5 {
        %12 = memref.subview %9[%arg1, %arg2, 0, 0, 0] [1, 1, 3, 8, 12] [1, 1, 1, 1, 1] : memref<2x8x3x8x12xf32, strided<[400, 40, 40, 4, 1]>> to memref<1x1x3x8x12xf32, strided<[400, 40, 40, 4, 1], offset: ?>>
        scf.for %arg3 = %3 to %7 step %5 {
          %13 = arith.muli %arg3, %0 : index
          %14 = memref.subview %10[0, 0, %13] [3, 12, 32] [1, 1, 1] : memref<3x12x64xf32, strided<[768, 64, 1]>> to memref<3x12x32xf32, strided<[768, 64, 1], offset: ?>>
          %15 = scf.for %arg4 = %3 to %6 step %5 iter_args(%arg5 = %1) -> (vector<1x8x32xf32>) {
            %16 = scf.for %arg6 = %3 to %4 step %5 iter_args(%arg7 = %arg5) -> (vector<1x8x32xf32>) {
              %17 = vector.transfer_read %12[%3, %3, %arg4, %3, %arg6], %2 {in_bounds = [true, true, true], permutation_map = affine_map<(d0, d1, d2, d3, d4) -> (d1, d3, d4)>} : memref<1x1x3x8x12xf32, strided<[400, 40, 40, 4, 1], offset: ?>>, vector<1x8x1xf32>
              %18 = vector.transfer_read %14[%arg4, %arg6, %3], %2 {in_bounds = [true, true]} : memref<3x12x32xf32, strided<[768, 64, 1], offset: ?>>, vector<1x32xf32>
              %19 = vector.contract {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d3, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} %17, %18, %arg7 : vector<1x8x1xf32>, vector<1x32xf32> into vector<1x8x32xf32>
              scf.yield %19 : vector<1x8x32xf32>
            }
            scf.yield %16 : vector<1x8x32xf32>
          }
          vector.transfer_write %15, %11[%arg1, %arg2, %3, %13] {in_bounds = [true, true, true]} : vector<1x8x32xf32>, memref<2x8x8x64xf32, strided<[4096, 512, 64, 1]>>
        }
      }
    }
    return
  }
}
