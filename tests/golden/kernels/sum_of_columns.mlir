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
    %2 = arith.constant 64 : index
    %3 = arith.constant 32 : index
    %4 = arith.constant 16 : index
    %5 = arith.constant 48 : index
    %6 = arith.constant 8 : index
    %7 = arith.constant 40 : index
    %8 = arith.constant 24 : index
    %9 = arith.constant 56 : index
    %10 = arith.constant 4 : index
    %11 = arith.constant 68 : index
    %12 = arith.constant 36 : index
    %13 = arith.constant 20 : index
    %14 = arith.constant 52 : index
    %15 = arith.constant 12 : index
    %16 = arith.constant 44 : index
    %17 = arith.constant 28 : index
    %18 = arith.constant 60 : index
    %19 = arith.constant 2 : index
    %20 = arith.constant 1 : index
    %21 = vector.broadcast %0 : f32 to vector<16xf32>
    %22 = memref.alloca() {alignment = 64 : i64} : memref<4x16xf32>
    scf.for %arg2 = %1 to %19 step %20 {
      %28 = vector.transfer_read %arg0[%arg2, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %29 = arith.addi %arg2, %2 : index
      %30 = vector.transfer_read %arg0[%29, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %31 = arith.addf %28, %30 : vector<16xf32>
      %32 = arith.addi %arg2, %3 : index
      %33 = vector.transfer_read %arg0[%32, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %34 = arith.addf %31, %33 : vector<16xf32>
      %35 = arith.addi %arg2, %4 : index
      %36 = vector.transfer_read %arg0[%35, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %37 = arith.addi %arg2, %5 : index
      %38 = vector.transfer_read %arg0[%37, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %39 = arith.addf %36, %38 : vector<16xf32>
      %40 = arith.addf %34, %39 : vector<16xf32>
      %41 = arith.addi %arg2, %6 : index
      %42 = vector.transfer_read %arg0[%41, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %43 = arith.addi %arg2, %7 : index
      %44 = vector.transfer_read %arg0[%43, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %45 = arith.addf %42, %44 : vector<16xf32>
      %46 = arith.addi %arg2, %8 : index
      %47 = vector.transfer_read %arg0[%46, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %48 = arith.addi %arg2, %9 : index
      %49 = vector.transfer_read %arg0[%48, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %50 = arith.addf %47, %49 : vector<16xf32>
      %51 = arith.addf %45, %50 : vector<16xf32>
      %52 = arith.addf %40, %51 : vector<16xf32>
      %53 = arith.addi %arg2, %10 : index
      %54 = vector.transfer_read %arg0[%53, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %55 = arith.addi %arg2, %11 : index
      %56 = vector.transfer_read %arg0[%55, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %57 = arith.addf %54, %56 : vector<16xf32>
      %58 = arith.addi %arg2, %12 : index
      %59 = vector.transfer_read %arg0[%58, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %60 = arith.addf %57, %59 : vector<16xf32>
      %61 = arith.addi %arg2, %13 : index
      %62 = vector.transfer_read %arg0[%61, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %63 = arith.addi %arg2, %14 : index
      %64 = vector.transfer_read %arg0[%63, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %65 = arith.addf %62, %64 : vector<16xf32>
      %66 = arith.addf %60, %65 : vector<16xf32>
      %67 = arith.addi %arg2, %15 : index
      %68 = vector.transfer_read %arg0[%67, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %69 = arith.addi %arg2, %16 : index
      %70 = vector.transfer_read %arg0[%69, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %71 = arith.addf %68, %70 : vector<16xf32>
      %72 = arith.addi %arg2, %17 : index
      %73 = vector.transfer_read %arg0[%72, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %74 = arith.addi %arg2, %18 : index
      %75 = vector.transfer_read %arg0[%74, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %76 = arith.addf %73, %75 : vector<16xf32>
      %77 = arith.addf %71, %76 : vector<16xf32>
      %78 = arith.addf %66, %77 : vector<16xf32>
      %79 = arith.addf %52, %78 : vector<16xf32>
      vector.transfer_write %79, %22[%arg2, %1] {in_bounds = [true]} : vector<16xf32>, memref<4x16xf32>
    }
    scf.for %arg2 = %19 to %10 step %20 {
      %28 = vector.transfer_read %arg0[%arg2, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %29 = arith.addi %arg2, %2 : index
      %30 = vector.transfer_read %arg0[%29, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %31 = arith.addf %28, %30 : vector<16xf32>
      %32 = arith.addi %arg2, %3 : index
      %33 = vector.transfer_read %arg0[%32, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %34 = arith.addf %31, %33 : vector<16xf32>
      %35 = arith.addi %arg2, %4 : index
      %36 = vector.transfer_read %arg0[%35, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %37 = arith.addi %arg2, %5 : index
      %38 = vector.transfer_read %arg0[%37, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %39 = arith.addf %36, %38 : vector<16xf32>
      %40 = arith.addf %34, %39 : vector<16xf32>
      %41 = arith.addi %arg2, %6 : index
      %42 = vector.transfer_read %arg0[%41, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %43 = arith.addi %arg2, %7 : index
      %44 = vector.transfer_read %arg0[%43, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %45 = arith.addf %42, %44 : vector<16xf32>
      %46 = arith.addi %arg2, %8 : index
      %47 = vector.transfer_read %arg0[%46, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %48 = arith.addi %arg2, %9 : index
      %49 = vector.transfer_read %arg0[%48, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %50 = arith.addf %47, %49 : vector<16xf32>
      %51 = arith.addf %45, %50 : vector<16xf32>
      %52 = arith.addf %40, %51 : vector<16xf32>
      %53 = arith.addi %arg2, %10 : index
      %54 = vector.transfer_read %arg0[%53, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %55 = arith.addi %arg2, %12 : index
      %56 = vector.transfer_read %arg0[%55, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %57 = arith.addf %54, %56 : vector<16xf32>
      %58 = arith.addi %arg2, %13 : index
      %59 = vector.transfer_read %arg0[%58, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %60 = arith.addi %arg2, %14 : index
      %61 = vector.transfer_read %arg0[%60, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %62 = arith.addf %59, %61 : vector<16xf32>
      %63 = arith.addf %57, %62 : vector<16xf32>
      %64 = arith.addi %arg2, %15 : index
      %65 = vector.transfer_read %arg0[%64, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %66 = arith.addi %arg2, %16 : index
      %67 = vector.transfer_read %arg0[%66, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %68 = arith.addf %65, %67 : vector<16xf32>
      %69 = arith.addi %arg2, %17 : index
      %70 = vector.transfer_read %arg0[%69, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %71 = arith.addi %arg2, %18 : index
      %72 = vector.transfer_read %arg0[%71, %1], %0 {in_bounds = [true]} : memref<70x16xf32>, vector<16xf32>
      %73 = arith.addf %70, %72 : vector<16xf32>
      %74 = arith.addf %68, %73 : vector<16xf32>
      %75 = arith.addf %63, %74 : vector<16xf32>
      %76 = arith.addf %52, %75 : vector<16xf32>
      vector.transfer_write %76, %22[%arg2, %1] {in_bounds = [true]} : vector<16xf32>, memref<4x16xf32>
    }
    scf.for %arg2 = %1 to %19 step %20 {
      %28 = arith.addi %arg2, %19 : index
      %29 = vector.transfer_read %22[%28, %1], %0 {in_bounds = [true]} : memref<4x16xf32>, vector<16xf32>
      %30 = vector.transfer_read %22[%arg2, %1], %0 {in_bounds = [true]} : memref<4x16xf32>, vector<16xf32>
      %31 = arith.addf %30, %29 : vector<16xf32>
      vector.transfer_write %31, %22[%arg2, %1] {in_bounds = [true]} : vector<16xf32>, memref<4x16xf32>
    }
    %23 = vector.transfer_read %22[%20, %1], %0 {in_bounds = [true]} : memref<4x16xf32>, vector<16xf32>
    %24 = vector.transfer_read %22[%1, %1], %0 {in_bounds = [true]} : memref<4x16xf32>, vector<16xf32>
    %25 = arith.addf %24, %23 : vector<16xf32>
    vector.transfer_write %25, %22[%1, %1] {in_bounds = [true]} : vector<16xf32>, memref<4x16xf32>
    %26 = vector.transfer_read %22[%1, %1], %0 {in_bounds = [true]} : memref<4x16xf32>, vector<16xf32>
    %27 = arith.addf %21, %26 : vector<16xf32>
    vector.transfer_write %27, %arg1[%1] {in_bounds = [true]} : vector<16xf32>, memref<16xf32>
    return
  }
}
