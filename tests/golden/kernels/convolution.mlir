module {
  func.func private @fused(%arg0: memref<2x10x10x4xf32>, %arg1: memref<3x3x4x64xf32>, %arg2: memref<2x8x8x64xf32>) attributes {irc.kind = "contraction", irc.schedule = {bc = 1 : i64, kc = 36 : i64, mc = 128 : i64, mr = 6 : i64, nc = 64 : i64, nv = 4 : i64, order = "rows", pack_a = false, pack_b = "none"}} {
    %0 = arith.constant 8 : index
    %1 = arith.constant 4 : index
    %2 = arith.constant dense<0.000000e+00> : vector<4x64xf32>
    %3 = arith.constant 0.000000e+00 : f32
    %4 = arith.constant 0 : index
    %5 = arith.constant 12 : index
    %6 = arith.constant 1 : index
    %7 = arith.constant 3 : index
    %8 = arith.constant 2 : index
    %9 = arith.constant 16 : index
    %10 = memref.reinterpret_cast %arg0 to offset: [0], sizes: [2, 8, 3, 8, 12], strides: [400, 40, 40, 4, 1] : memref<2x10x10x4xf32> to memref<2x8x3x8x12xf32, strided<[400, 40, 40, 4, 1]>>
    %11 = memref.reinterpret_cast %arg1 to offset: [0], sizes: [3, 12, 64], strides: [768, 64, 1] : memref<3x3x4x64xf32> to memref<3x12x64xf32, strided<[768, 64, 1]>>
    %12 = memref.reinterpret_cast %arg2 to offset: [0], sizes: [2, 8, 8, 64], strides: [4096, 512, 64, 1] : memref<2x8x8x64xf32> to memref<2x8x8x64xf32, strided<[4096, 512, 64, 1]>>
    scf.for %arg3 = %4 to %9 step %6 {
      %13 = arith.remui %arg3, %0 : index
      %14 = arith.divui %arg3, %0 : index
      scf.for %arg4 = %4 to %8 step %6 {
        %15 = arith.muli %arg4, %1 : index
        %16 = memref.subview %10[%14, %13, 0, %15, 0] [1, 1, 3, 4, 12] [1, 1, 1, 1, 1] : memref<2x8x3x8x12xf32, strided<[400, 40, 40, 4, 1]>> to memref<1x1x3x4x12xf32, strided<[400, 40, 40, 4, 1], offset: ?>>
        %17 = scf.for %arg5 = %4 to %7 step %6 iter_args(%arg6 = %2) -> (vector<4x64xf32>) {
          %18 = scf.for %arg7 = %4 to %5 step %6 iter_args(%arg8 = %arg6) -> (vector<4x64xf32>) {
            %19 = vector.transfer_read %16[%4, %4, %arg5, %4, %arg7], %3 {in_bounds = [true, true]} : memref<1x1x3x4x12xf32, strided<[400, 40, 40, 4, 1], offset: ?>>, vector<4x1xf32>
            %20 = vector.transfer_read %11[%arg5, %arg7, %4], %3 {in_bounds = [true, true]} : memref<3x12x64xf32, strided<[768, 64, 1]>>, vector<1x64xf32>
            %21 = vector.contract {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} %19, %20, %arg8 : vector<4x1xf32>, vector<1x64xf32> into vector<4x64xf32>
            scf.yield %21 : vector<4x64xf32>
          }
          scf.yield %18 : vector<4x64xf32>
        }
        vector.transfer_write %17, %12[%14, %13, %15, %4] {in_bounds = [true, true]} : vector<4x64xf32>, memref<2x8x8x64xf32, strided<[4096, 512, 64, 1]>>
      }
    }
    return
  }
}
