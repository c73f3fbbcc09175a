// RUN: kernels -- a loop kernel: tiles along the contiguous dimension, a broadcast operand read as a row, the tail in full width
func.func @main(%x: tensor<3x70xf32>, %b: tensor<70xf32>) -> tensor<3x70xf32> {
  %0 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<70xf32>) -> tensor<3x70xf32>
  %1 = stablehlo.add %x, %0 : tensor<3x70xf32>
  return %1 : tensor<3x70xf32>
}
// GIVES
module {
  func.func private @main(%arg0: memref<3x70xf32>, %arg1: memref<70xf32>, %arg2: memref<3x70xf32>) {
    %0 = arith.constant 0.000000e+00 : f32
    %1 = arith.constant 0 : index
    %2 = arith.constant 64 : index
    %3 = arith.constant 32 : index
    %4 = arith.constant 3 : index
    %5 = arith.constant 1 : index
    scf.for %arg3 = %1 to %4 step %5 {
      scf.for %arg4 = %1 to %2 step %3 {
        %9 = vector.transfer_read %arg0[%arg3, %arg4], %0 {in_bounds = [true]} : memref<3x70xf32>, vector<32xf32>
        %10 = vector.transfer_read %arg1[%arg4], %0 {in_bounds = [true]} : memref<70xf32>, vector<32xf32>
        %11 = arith.addf %9, %10 : vector<32xf32>
        vector.transfer_write %11, %arg2[%arg3, %arg4] {in_bounds = [true]} : vector<32xf32>, memref<3x70xf32>
      }
      %6 = vector.transfer_read %arg0[%arg3, %2], %0 {in_bounds = [true]} : memref<3x70xf32>, vector<6xf32>
      %7 = vector.transfer_read %arg1[%2], %0 {in_bounds = [true]} : memref<70xf32>, vector<6xf32>
      %8 = arith.addf %6, %7 : vector<6xf32>
      vector.transfer_write %8, %arg2[%arg3, %2] {in_bounds = [true]} : vector<6xf32>, memref<3x70xf32>
    }
    return
  }
}
