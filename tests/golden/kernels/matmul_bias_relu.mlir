// RUN: kernels -- a product with its bias and relu: two heights of tile, a last panel that reaches past the end
func.func @main(%x: tensor<13x64xf32>, %w: tensor<64x37xf32>, %bias: tensor<37xf32>) -> tensor<13x37xf32> {
  %y = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<13x64xf32>, tensor<64x37xf32>) -> tensor<13x37xf32>
  %wide = stablehlo.broadcast_in_dim %bias, dims = [1] : (tensor<37xf32>) -> tensor<13x37xf32>
  %sum = stablehlo.add %y, %wide : tensor<13x37xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<13x37xf32>
  %relu = stablehlo.maximum %sum, %zero : tensor<13x37xf32>
  return %relu : tensor<13x37xf32>
}
// GIVES
module {
  func.func private @main(%x: memref<13x64xf32>, %w: memref<64x37xf32>, %bias: memref<37xf32>, %arg0: memref<13x37xf32>) attributes {irc.kind = "contraction", irc.schedule = {bc = 1 : i64, kc = 64 : i64, mc = 13 : i64, mr = 8 : i64, nc = 48 : i64, nv = 3 : i64, order = "lanes", pack_a = false, pack_b = "none", prefetch = false}} {
    %0 = arith.constant dense<0.000000e+00> : vector<7x48xf32>
    %1 = arith.constant 0.000000e+00 : f32
    %2 = arith.constant 0 : index
    %3 = arith.constant 64 : index
    %4 = arith.constant 1 : index
    %5 = arith.constant dense<0.000000e+00> : vector<6x48xf32>
    %6 = arith.constant 7 : index
    %7 = memref.reinterpret_cast %x to offset: [0], sizes: [13, 64], strides: [64, 1] : memref<13x64xf32> to memref<13x64xf32, strided<[64, 1]>>
    %8 = memref.reinterpret_cast %w to offset: [0], sizes: [64, 37], strides: [37, 1] : memref<64x37xf32> to memref<64x37xf32, strided<[37, 1]>>
    %9 = memref.reinterpret_cast %arg0 to offset: [0], sizes: [13, 37], strides: [37, 1] : memref<13x37xf32> to memref<13x37xf32, strided<[37, 1]>>
    %10 = memref.reinterpret_cast %bias to offset: [0], sizes: [37], strides: [1] : memref<37xf32> to memref<37xf32, strided<[1]>>
    %11 = memref.subview %7[0, 0] [7, 64] [1, 1] : memref<13x64xf32, strided<[64, 1]>> to memref<7x64xf32, strided<[64, 1]>>
    %12 = scf.for %arg1 = %2 to %3 step %4 iter_args(%arg2 = %0) -> (vector<7x48xf32>) {
      %23 = vector.transfer_read %11[%2, %arg1], %1 {in_bounds = [true, true]} : memref<7x64xf32, strided<[64, 1]>>, vector<7x1xf32>
      %24 = vector.transfer_read %8[%arg1, %2], %1 {in_bounds = [true, false]} : memref<64x37xf32, strided<[37, 1]>>, vector<1x48xf32>
      %25 = vector.contract {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} %23, %24, %arg2 : vector<7x1xf32>, vector<1x48xf32> into vector<7x48xf32>
      scf.yield %25 : vector<7x48xf32>
    }
    %13 = vector.transfer_read %10[%2], %1 {in_bounds = [false]} : memref<37xf32, strided<[1]>>, vector<48xf32>
    %14 = vector.broadcast %13 : vector<48xf32> to vector<7x48xf32>
    %15 = arith.addf %12, %14 : vector<7x48xf32>
    %16 = arith.maximumf %15, %0 : vector<7x48xf32>
    vector.transfer_write %16, %9[%2, %2] {in_bounds = [true, false]} : vector<7x48xf32>, memref<13x37xf32, strided<[37, 1]>>
    %17 = memref.subview %7[7, 0] [6, 64] [1, 1] : memref<13x64xf32, strided<[64, 1]>> to memref<6x64xf32, strided<[64, 1], offset: 448>>
    %18 = scf.for %arg1 = %2 to %3 step %4 iter_args(%arg2 = %5) -> (vector<6x48xf32>) {
      %23 = vector.transfer_read %17[%2, %arg1], %1 {in_bounds = [true, true]} : memref<6x64xf32, strided<[64, 1], offset: 448>>, vector<6x1xf32>
      %24 = vector.transfer_read %8[%arg1, %2], %1 {in_bounds = [true, false]} : memref<64x37xf32, strided<[37, 1]>>, vector<1x48xf32>
      %25 = vector.contract {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} %23, %24, %arg2 : vector<6x1xf32>, vector<1x48xf32> into vector<6x48xf32>
      scf.yield %25 : vector<6x48xf32>
    }
    %19 = vector.transfer_read %10[%2], %1 {in_bounds = [false]} : memref<37xf32, strided<[1]>>, vector<48xf32>
    %20 = vector.broadcast %19 : vector<48xf32> to vector<6x48xf32>
    %21 = arith.addf %18, %20 : vector<6x48xf32>
    %22 = arith.maximumf %21, %5 : vector<6x48xf32>
    vector.transfer_write %22, %9[%6, %2] {in_bounds = [true, false]} : vector<6x48xf32>, memref<13x37xf32, strided<[37, 1]>>
    return
  }
}
