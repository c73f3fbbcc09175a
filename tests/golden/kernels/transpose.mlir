// RUN: kernels -- a transpose works on square tiles that are turned in registers
func.func @main(%x: tensor<20x40xf32>) -> tensor<40x20xf32> {
  %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<20x40xf32>) -> tensor<40x20xf32>
  return %0 : tensor<40x20xf32>
}
// GIVES
module {
  func.func private @main(%arg0: memref<20x40xf32>, %arg1: memref<40x20xf32>) {
    %0 = arith.constant 0 : index
    %1 = arith.constant 0.000000e+00 : f32
    %2 = arith.constant 16 : index
    %3 = arith.constant 32 : index
    %4 = memref.reinterpret_cast %arg0 to offset: [0], sizes: [40, 20], strides: [1, 40] : memref<20x40xf32> to memref<40x20xf32, strided<[1, 40]>>
    scf.for %arg2 = %0 to %3 step %2 {
      %9 = vector.transfer_read %arg0[%0, %arg2], %1 {in_bounds = [true, true]} : memref<20x40xf32>, vector<16x16xf32>
      %10 = vector.transpose %9, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
      vector.transfer_write %10, %arg1[%arg2, %0] {in_bounds = [true, true]} : vector<16x16xf32>, memref<40x20xf32>
      %11 = vector.transfer_read %arg0[%2, %arg2], %1 {in_bounds = [true, true]} : memref<20x40xf32>, vector<4x16xf32>
      %12 = vector.transpose %11, [1, 0] : vector<4x16xf32> to vector<16x4xf32>
      vector.transfer_write %12, %arg1[%arg2, %2] {in_bounds = [true, true]} : vector<16x4xf32>, memref<40x20xf32>
    }
    %5 = vector.transfer_read %arg0[%0, %3], %1 {in_bounds = [true, true]} : memref<20x40xf32>, vector<16x8xf32>
    %6 = vector.transpose %5, [1, 0] : vector<16x8xf32> to vector<8x16xf32>
    vector.transfer_write %6, %arg1[%3, %0] {in_bounds = [true, true]} : vector<8x16xf32>, memref<40x20xf32>
    %7 = vector.transfer_read %arg0[%2, %3], %1 {in_bounds = [true, true]} : memref<20x40xf32>, vector<4x8xf32>
    %8 = vector.transpose %7, [1, 0] : vector<4x8xf32> to vector<8x4xf32>
    vector.transfer_write %8, %arg1[%3, %2] {in_bounds = [true, true]} : vector<8x4xf32>, memref<40x20xf32>
    return
  }
}
