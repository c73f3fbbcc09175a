module {
  func.func private @fused(%arg0: memref<13x64xf32>, %arg1: memref<64x37xf32>, %arg2: memref<37xf32>, %arg3: memref<13x37xf32>, %arg4: memref<13x37xf32>) attributes {irc.kind = "contraction", irc.schedule = {bc = 1 : i64, kc = 64 : i64, mc = 13 : i64, mr = 8 : i64, nc = 48 : i64, nv = 3 : i64, order = "rows", pack_a = false, pack_b = "none"}} {
    %0 = arith.constant dense<0.000000e+00> : vector<7x48xf32>
    %1 = arith.constant 0.000000e+00 : f32
    %2 = arith.constant 0 : index
    %3 = arith.constant 64 : index
    %4 = arith.constant 1 : index
    %5 = arith.constant dense<0.000000e+00> : vector<6x48xf32>
    %6 = arith.constant 7 : index
    %7 = memref.reinterpret_cast %arg0 to offset: [0], sizes: [13, 64], strides: [64, 1] : memref<13x64xf32> to memref<13x64xf32, strided<[64, 1]>>
    %8 = memref.reinterpret_cast %arg1 to offset: [0], sizes: [64, 37], strides: [37, 1] : memref<64x37xf32> to memref<64x37xf32, strided<[37, 1]>>
    %9 = memref.reinterpret_cast %arg3 to offset: [0], sizes: [13, 37], strides: [37, 1] : memref<13x37xf32> to memref<13x37xf32, strided<[37, 1]>>
    %10 = memref.reinterpret_cast %arg4 to offset: [0], sizes: [13, 37], strides: [37, 1] : memref<13x37xf32> to memref<13x37xf32, strided<[37, 1]>>
    %11 = memref.reinterpret_cast %arg2 to offset: [0], sizes: [37], strides: [1] : memref<37xf32> to memref<37xf32, strided<[1]>>
    %12 = memref.subview %7[0, 0] [7, 64] [1, 1] : memref<13x64xf32, strided<[64, 1]>> to memref<7x64xf32, strided<[64, 1]>>
    %13 = scf.for %arg5 = %2 to %3 step %4 iter_args(%arg6 = %0) -> (vector<7x48xf32>) {
      %24 = vector.transfer_read %12[%2, %arg5], %1 {in_bounds = [true, true]} : memref<7x64xf32, strided<[64, 1]>>, vector<7x1xf32>
      %25 = vector.transfer_read %8[%arg5, %2], %1 {in_bounds = [true, false]} : memref<64x37xf32, strided<[37, 1]>>, vector<1x48xf32>
      %26 = vector.contract {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} %24, %25, %arg6 : vector<7x1xf32>, vector<1x48xf32> into vector<7x48xf32>
      scf.yield %26 : vector<7x48xf32>
    }
    %14 = vector.transfer_read %11[%2], %1 {in_bounds = [false]} : memref<37xf32, strided<[1]>>, vector<48xf32>
    %15 = vector.broadcast %14 : vector<48xf32> to vector<7x48xf32>
    %16 = arith.addf %13, %15 : vector<7x48xf32>
    %17 = arith.maximumf %16, %0 : vector<7x48xf32>
    vector.transfer_write %16, %9[%2, %2] {in_bounds = [true, false]} : vector<7x48xf32>, memref<13x37xf32, strided<[37, 1]>>
    vector.transfer_write %17, %10[%2, %2] {in_bounds = [true, false]} : vector<7x48xf32>, memref<13x37xf32, strided<[37, 1]>>
    %18 = memref.subview %7[7, 0] [6, 64] [1, 1] : memref<13x64xf32, strided<[64, 1]>> to memref<6x64xf32, strided<[64, 1], offset: 448>>
    %19 = scf.for %arg5 = %2 to %3 step %4 iter_args(%arg6 = %5) -> (vector<6x48xf32>) {
      %24 = vector.transfer_read %18[%2, %arg5], %1 {in_bounds = [true, true]} : memref<6x64xf32, strided<[64, 1], offset: 448>>, vector<6x1xf32>
      %25 = vector.transfer_read %8[%arg5, %2], %1 {in_bounds = [true, false]} : memref<64x37xf32, strided<[37, 1]>>, vector<1x48xf32>
      %26 = vector.contract {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} %24, %25, %arg6 : vector<6x1xf32>, vector<1x48xf32> into vector<6x48xf32>
      scf.yield %26 : vector<6x48xf32>
    }
    %20 = vector.transfer_read %11[%2], %1 {in_bounds = [false]} : memref<37xf32, strided<[1]>>, vector<48xf32>
    %21 = vector.broadcast %20 : vector<48xf32> to vector<6x48xf32>
    %22 = arith.addf %19, %21 : vector<6x48xf32>
    %23 = arith.maximumf %22, %5 : vector<6x48xf32>
    vector.transfer_write %22, %9[%6, %2] {in_bounds = [true, false]} : vector<6x48xf32>, memref<13x37xf32, strided<[37, 1]>>
    vector.transfer_write %23, %10[%6, %2] {in_bounds = [true, false]} : vector<6x48xf32>, memref<13x37xf32, strided<[37, 1]>>
    return
  }
}
