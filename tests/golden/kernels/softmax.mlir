// RUN: kernels -- a row kernel: two passes reduce a row by the tree, the third writes it
func.func @main(%x: tensor<4x100xf32>) -> tensor<4x100xf32> {
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<4x100xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<4xf32>) -> tensor<4x100xf32>
  %2 = stablehlo.subtract %x, %1 : tensor<4x100xf32>
  %3 = stablehlo.exponential %2 : tensor<4x100xf32>
  %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x100xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<4xf32>) -> tensor<4x100xf32>
  %6 = stablehlo.divide %3, %5 : tensor<4x100xf32>
  return %6 : tensor<4x100xf32>
}
// GIVES
module {
  func.func private @main(%arg0: memref<4x100xf32>, %arg1: memref<4x100xf32>) {
    %0 = arith.constant 0xFF800000 : f32
    %1 = arith.constant 0.000000e+00 : f32
    %2 = arith.constant 0 : index
    %3 = arith.constant 64 : index
    %4 = arith.constant 96 : index
    %5 = arith.constant 16 : index
    %6 = arith.constant 4 : index
    %7 = arith.constant 1 : index
    scf.for %arg2 = %2 to %6 step %7 {
      %8 = memref.alloca() {alignment = 64 : i64} : memref<100xf32>
      %9 = vector.transfer_read %arg0[%arg2, %2], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<64xf32>
      %10 = vector.transfer_read %arg0[%arg2, %3], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<36xf32>
      %11 = vector.extract_strided_slice %9 {offsets = [0], sizes = [36], strides = [1]} : vector<64xf32> to vector<36xf32>
      %12 = arith.maximumf %11, %10 : vector<36xf32>
      %13 = vector.insert_strided_slice %12, %9 {offsets = [0], strides = [1]} : vector<36xf32> into vector<64xf32>
      %14 = vector.extract_strided_slice %13 {offsets = [32], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %15 = vector.extract_strided_slice %13 {offsets = [0], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %16 = arith.maximumf %15, %14 : vector<32xf32>
      %17 = vector.extract_strided_slice %16 {offsets = [16], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %18 = vector.extract_strided_slice %16 {offsets = [0], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %19 = arith.maximumf %18, %17 : vector<16xf32>
      %20 = vector.extract_strided_slice %19 {offsets = [8], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %21 = vector.extract_strided_slice %19 {offsets = [0], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %22 = arith.maximumf %21, %20 : vector<8xf32>
      %23 = vector.extract_strided_slice %22 {offsets = [4], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %24 = vector.extract_strided_slice %22 {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %25 = arith.maximumf %24, %23 : vector<4xf32>
      %26 = vector.extract_strided_slice %25 {offsets = [2], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %27 = vector.extract_strided_slice %25 {offsets = [0], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %28 = arith.maximumf %27, %26 : vector<2xf32>
      %29 = vector.extract_strided_slice %28 {offsets = [1], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %30 = vector.extract_strided_slice %28 {offsets = [0], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %31 = arith.maximumf %30, %29 : vector<1xf32>
      %32 = vector.extract %31[0] : f32 from vector<1xf32>
      %33 = arith.maximumf %0, %32 : f32
      %34 = vector.transfer_read %arg0[%arg2, %2], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<64xf32>
      %35 = vector.broadcast %33 : f32 to vector<64xf32>
      %36 = arith.subf %34, %35 : vector<64xf32>
      %37 = math.exp %36 : vector<64xf32>
      vector.transfer_write %37, %8[%2] {in_bounds = [true]} : vector<64xf32>, memref<100xf32>
      %38 = vector.transfer_read %arg0[%arg2, %3], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<36xf32>
      %39 = vector.broadcast %33 : f32 to vector<36xf32>
      %40 = arith.subf %38, %39 : vector<36xf32>
      %41 = math.exp %40 : vector<36xf32>
      vector.transfer_write %41, %8[%3] {in_bounds = [true]} : vector<36xf32>, memref<100xf32>
      %42 = vector.extract_strided_slice %37 {offsets = [0], sizes = [36], strides = [1]} : vector<64xf32> to vector<36xf32>
      %43 = arith.addf %42, %41 : vector<36xf32>
      %44 = vector.insert_strided_slice %43, %37 {offsets = [0], strides = [1]} : vector<36xf32> into vector<64xf32>
      %45 = vector.extract_strided_slice %44 {offsets = [32], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %46 = vector.extract_strided_slice %44 {offsets = [0], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %47 = arith.addf %46, %45 : vector<32xf32>
      %48 = vector.extract_strided_slice %47 {offsets = [16], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %49 = vector.extract_strided_slice %47 {offsets = [0], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %50 = arith.addf %49, %48 : vector<16xf32>
      %51 = vector.extract_strided_slice %50 {offsets = [8], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %52 = vector.extract_strided_slice %50 {offsets = [0], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %53 = arith.addf %52, %51 : vector<8xf32>
      %54 = vector.extract_strided_slice %53 {offsets = [4], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %55 = vector.extract_strided_slice %53 {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %56 = arith.addf %55, %54 : vector<4xf32>
      %57 = vector.extract_strided_slice %56 {offsets = [2], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %58 = vector.extract_strided_slice %56 {offsets = [0], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %59 = arith.addf %58, %57 : vector<2xf32>
      %60 = vector.extract_strided_slice %59 {offsets = [1], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %61 = vector.extract_strided_slice %59 {offsets = [0], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %62 = arith.addf %61, %60 : vector<1xf32>
      %63 = vector.extract %62[0] : f32 from vector<1xf32>
      %64 = arith.addf %1, %63 : f32
      scf.for %arg3 = %2 to %4 step %5 {
        %68 = vector.transfer_read %8[%arg3], %1 {in_bounds = [true]} : memref<100xf32>, vector<16xf32>
        %69 = vector.broadcast %64 : f32 to vector<16xf32>
        %70 = arith.divf %68, %69 : vector<16xf32>
        vector.transfer_write %70, %arg1[%arg2, %arg3] {in_bounds = [true]} : vector<16xf32>, memref<4x100xf32>
      }
      %65 = vector.transfer_read %8[%4], %1 {in_bounds = [true]} : memref<100xf32>, vector<4xf32>
      %66 = vector.broadcast %64 : f32 to vector<4xf32>
      %67 = arith.divf %65, %66 : vector<4xf32>
      vector.transfer_write %67, %arg1[%arg2, %4] {in_bounds = [true]} : vector<4xf32>, memref<4x100xf32>
    }
    return
  }
}
