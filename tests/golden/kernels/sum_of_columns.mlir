// RUN: kernels -- a reduction over rows keeps 64 lanes of columns in a small buffer, and halves it
func.func @main(%x: tensor<70x16xf32>) -> tensor<16xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<70x16xf32>, tensor<f32>) -> tensor<16xf32>
  return %0 : tensor<16xf32>
}
// GIVES
module {
  func.func private @main(%arg0: memref<70x16xf32>, %arg1: memref<16xf32>) {
    %0 = arith.constant 0.000000e+00 : f32
    %1 = arith.constant 0 : index
    %2 = arith.constant 16 : index
    %3 = arith.constant 32 : index
    %4 = arith.constant 48 : index
    %5 = arith.constant 64 : index
    %6 = arith.constant 6 : index
    %7 = arith.constant 1 : index
    %8 = arith.constant 8 : index
    %9 = arith.constant 4 : index
    %10 = arith.constant 2 : index
    %11 = vector.broadcast %0 : f32 to vector<16xf32>
    %12 = memref.alloca() {alignment = 64 : i64} : memref<16x16xf32>
    scf.for %arg2 = %1 to %6 step %7 {
      %18 = vector.transfer_read %arg0[%arg2, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %19 = arith.addi %arg2, %2 : index
      %20 = vector.transfer_read %arg0[%19, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %21 = arith.addi %arg2, %3 : index
      %22 = vector.transfer_read %arg0[%21, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %23 = arith.addi %arg2, %4 : index
      %24 = vector.transfer_read %arg0[%23, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %25 = arith.addi %arg2, %5 : index
      %26 = vector.transfer_read %arg0[%25, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %27 = arith.addf %18, %26 : vector<16xf32>
      %28 = arith.addf %27, %22 : vector<16xf32>
      %29 = arith.addf %20, %24 : vector<16xf32>
      %30 = arith.addf %28, %29 : vector<16xf32>
      vector.transfer_write %30, %12[%arg2, %1] {in_bounds = [true]} : vector<16xf32>, memref<16x16xf32>
    }
    scf.for %arg2 = %6 to %2 step %7 {
      %18 = vector.transfer_read %arg0[%arg2, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %19 = arith.addi %arg2, %2 : index
      %20 = vector.transfer_read %arg0[%19, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %21 = arith.addi %arg2, %3 : index
      %22 = vector.transfer_read %arg0[%21, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %23 = arith.addi %arg2, %4 : index
      %24 = vector.transfer_read %arg0[%23, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %25 = arith.addf %18, %22 : vector<16xf32>
      %26 = arith.addf %20, %24 : vector<16xf32>
      %27 = arith.addf %25, %26 : vector<16xf32>
      vector.transfer_write %27, %12[%arg2, %1] {in_bounds = [true]} : vector<16xf32>, memref<16x16xf32>
    }
    scf.for %arg2 = %1 to %8 step %7 {
      %18 = arith.addi %arg2, %8 : index
      %19 = vector.transfer_read %12[%18, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
      %20 = vector.transfer_read %12[%arg2, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
      %21 = arith.addf %20, %19 : vector<16xf32>
      vector.transfer_write %21, %12[%arg2, %1] {in_bounds = [true]} : vector<16xf32>, memref<16x16xf32>
    }
    scf.for %arg2 = %1 to %9 step %7 {
      %18 = arith.addi %arg2, %9 : index
      %19 = vector.transfer_read %12[%18, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
      %20 = vector.transfer_read %12[%arg2, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
      %21 = arith.addf %20, %19 : vector<16xf32>
      vector.transfer_write %21, %12[%arg2, %1] {in_bounds = [true]} : vector<16xf32>, memref<16x16xf32>
    }
    scf.for %arg2 = %1 to %10 step %7 {
      %18 = arith.addi %arg2, %10 : index
      %19 = vector.transfer_read %12[%18, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
      %20 = vector.transfer_read %12[%arg2, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
      %21 = arith.addf %20, %19 : vector<16xf32>
      vector.transfer_write %21, %12[%arg2, %1] {in_bounds = [true]} : vector<16xf32>, memref<16x16xf32>
    }
    %13 = vector.transfer_read %12[%7, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
    %14 = vector.transfer_read %12[%1, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
    %15 = arith.addf %14, %13 : vector<16xf32>
    vector.transfer_write %15, %12[%1, %1] {in_bounds = [true]} : vector<16xf32>, memref<16x16xf32>
    %16 = vector.transfer_read %12[%1, %1], %0 {in_bounds = [true]} : memref<16x16xf32>, vector<16xf32>
    %17 = arith.addf %11, %16 : vector<16xf32>
    vector.transfer_write %17, %arg1[%1] {in_bounds = [true]} : vector<16xf32>, memref<16xf32>
    return
  }
}
