// RUN: kernels -- an embedding: the start index is clamped, the row is copied by vectors
func.func @main(%table: tensor<10x40xf32>, %ids: tensor<3xi32>) -> tensor<3x40xf32> {
  %0 = "stablehlo.gather"(%table, %ids) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 40>}> : (tensor<10x40xf32>, tensor<3xi32>) -> tensor<3x40xf32>
  return %0 : tensor<3x40xf32>
}
// GIVES
module {
  func.func private @main(%arg0: memref<10x40xf32>, %arg1: memref<3xi32>, %arg2: memref<3x40xf32>) {
    %0 = arith.constant 0 : index
    %1 = arith.constant 9 : index
    %2 = arith.constant 0.000000e+00 : f32
    %3 = arith.constant 32 : index
    %4 = arith.constant 3 : index
    %5 = arith.constant 1 : index
    scf.for %arg3 = %0 to %4 step %5 {
      %6 = memref.load %arg1[%arg3] : memref<3xi32>
      %7 = arith.index_cast %6 : i32 to index
      %8 = arith.maxsi %7, %0 : index
      %9 = arith.minsi %8, %1 : index
      %10 = vector.transfer_read %arg0[%9, %0], %2 {in_bounds = [true]} : memref<10x40xf32>, vector<32xf32>
      vector.transfer_write %10, %arg2[%arg3, %0] {in_bounds = [true]} : vector<32xf32>, memref<3x40xf32>
      %11 = vector.transfer_read %arg0[%9, %3], %2 {in_bounds = [true]} : memref<10x40xf32>, vector<8xf32>
      vector.transfer_write %11, %arg2[%arg3, %3] {in_bounds = [true]} : vector<8xf32>, memref<3x40xf32>
    }
    return
  }
}
