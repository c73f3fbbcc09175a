module {
  func.func private @fused(%arg0: memref<20x64xf32>, %arg1: memref<32x64xf32>, %arg2: memref<20x32xf32>, %arg3: memref<1x1x64x32xf32>) attributes {irc.kind = "contraction", irc.schedule = {bc = 1 : i64, kc = 64 : i64, mc = 20 : i64, mr = 14 : i64, nc = 32 : i64, nv = 2 : i64, order = "rows", pack_a = false, pack_b = "block"}} {
    %0 = arith.constant 0.000000e+00 : f32
    %1 = arith.constant 0 : index
    %2 = arith.constant 16 : index
    %3 = arith.constant 64 : index
    %4 = arith.constant 10 : index
    %5 = arith.constant dense<0.000000e+00> : vector<10x32xf32>
    %6 = arith.constant 1 : index
    %7 = arith.constant 2 : index
    %8 = memref.reinterpret_cast %arg0 to offset: [0], sizes: [20, 64], strides: [64, 1] : memref<20x64xf32> to memref<20x64xf32, strided<[64, 1]>>
    %9 = memref.reinterpret_cast %arg1 to offset: [0], sizes: [32, 64], strides: [64, 1] : memref<32x64xf32> to memref<32x64xf32, strided<[64, 1]>>
    %10 = memref.reinterpret_cast %arg2 to offset: [0], sizes: [20, 32], strides: [32, 1] : memref<20x32xf32> to memref<20x32xf32, strided<[32, 1]>>
    scf.for %arg4 = %1 to %3 step %2 {
      %11 = vector.transfer_read %9[%1, %arg4], %0 {in_bounds = [true, true]} : memref<32x64xf32, strided<[64, 1]>>, vector<16x16xf32>
      %12 = vector.transpose %11, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
      vector.transfer_write %12, %arg3[%1, %1, %arg4, %1] {in_bounds = [true, true]} : vector<16x16xf32>, memref<1x1x64x32xf32>
      %13 = vector.transfer_read %9[%2, %arg4], %0 {in_bounds = [true, true]} : memref<32x64xf32, strided<[64, 1]>>, vector<16x16xf32>
      %14 = vector.transpose %13, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
      vector.transfer_write %14, %arg3[%1, %1, %arg4, %2] {in_bounds = [true, true]} : vector<16x16xf32>, memref<1x1x64x32xf32>
    }
    scf.for %arg4 = %1 to %7 step %6 {
      %11 = arith.muli %arg4, %4 : index
      %12 = memref.subview %8[%11, 0] [10, 64] [1, 1] : memref<20x64xf32, strided<[64, 1]>> to memref<10x64xf32, strided<[64, 1], offset: ?>>
      %13 = scf.for %arg5 = %1 to %3 step %6 iter_args(%arg6 = %5) -> (vector<10x32xf32>) {
        %14 = vector.transfer_read %12[%1, %arg5], %0 {in_bounds = [true, true]} : memref<10x64xf32, strided<[64, 1], offset: ?>>, vector<10x1xf32>
        %15 = vector.transfer_read %arg3[%1, %1, %arg5, %1], %0 {in_bounds = [true, true]} : memref<1x1x64x32xf32>, vector<1x32xf32>
        %16 = vector.contract {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} %14, %15, %arg6 : vector<10x1xf32>, vector<1x32xf32> into vector<10x32xf32>
        scf.yield %16 : vector<10x32xf32>
      }
      vector.transfer_write %13, %10[%11, %1] {in_bounds = [true, true]} : vector<10x32xf32>, memref<20x32xf32, strided<[32, 1]>>
    }
    return
  }
}
