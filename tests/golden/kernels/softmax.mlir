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
      %8 = vector.transfer_read %arg0[%arg2, %2], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<64xf32>
      %9 = vector.transfer_read %arg0[%arg2, %3], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<36xf32>
      %10 = vector.extract_strided_slice %8 {offsets = [0], sizes = [36], strides = [1]} : vector<64xf32> to vector<36xf32>
      %11 = arith.maximumf %10, %9 : vector<36xf32>
      %12 = vector.insert_strided_slice %11, %8 {offsets = [0], strides = [1]} : vector<36xf32> into vector<64xf32>
      %13 = vector.extract_strided_slice %12 {offsets = [32], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %14 = vector.extract_strided_slice %12 {offsets = [0], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %15 = arith.maximumf %14, %13 : vector<32xf32>
      %16 = vector.extract_strided_slice %15 {offsets = [16], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %17 = vector.extract_strided_slice %15 {offsets = [0], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %18 = arith.maximumf %17, %16 : vector<16xf32>
      %19 = vector.extract_strided_slice %18 {offsets = [8], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %20 = vector.extract_strided_slice %18 {offsets = [0], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %21 = arith.maximumf %20, %19 : vector<8xf32>
      %22 = vector.extract_strided_slice %21 {offsets = [4], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %23 = vector.extract_strided_slice %21 {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %24 = arith.maximumf %23, %22 : vector<4xf32>
      %25 = vector.extract_strided_slice %24 {offsets = [2], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %26 = vector.extract_strided_slice %24 {offsets = [0], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %27 = arith.maximumf %26, %25 : vector<2xf32>
      %28 = vector.extract_strided_slice %27 {offsets = [1], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %29 = vector.extract_strided_slice %27 {offsets = [0], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %30 = arith.maximumf %29, %28 : vector<1xf32>
      %31 = vector.extract %30[0] : f32 from vector<1xf32>
      %32 = arith.maximumf %0, %31 : f32
      %33 = vector.transfer_read %arg0[%arg2, %2], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<64xf32>
      %34 = vector.broadcast %32 : f32 to vector<64xf32>
      %35 = arith.subf %33, %34 : vector<64xf32>
      %36 = math.exp %35 : vector<64xf32>
      %37 = vector.transfer_read %arg0[%arg2, %3], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<36xf32>
      %38 = vector.broadcast %32 : f32 to vector<36xf32>
      %39 = arith.subf %37, %38 : vector<36xf32>
      %40 = math.exp %39 : vector<36xf32>
      %41 = vector.extract_strided_slice %36 {offsets = [0], sizes = [36], strides = [1]} : vector<64xf32> to vector<36xf32>
      %42 = arith.addf %41, %40 : vector<36xf32>
      %43 = vector.insert_strided_slice %42, %36 {offsets = [0], strides = [1]} : vector<36xf32> into vector<64xf32>
      %44 = vector.extract_strided_slice %43 {offsets = [32], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %45 = vector.extract_strided_slice %43 {offsets = [0], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %46 = arith.addf %45, %44 : vector<32xf32>
      %47 = vector.extract_strided_slice %46 {offsets = [16], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %48 = vector.extract_strided_slice %46 {offsets = [0], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %49 = arith.addf %48, %47 : vector<16xf32>
      %50 = vector.extract_strided_slice %49 {offsets = [8], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %51 = vector.extract_strided_slice %49 {offsets = [0], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %52 = arith.addf %51, %50 : vector<8xf32>
      %53 = vector.extract_strided_slice %52 {offsets = [4], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %54 = vector.extract_strided_slice %52 {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %55 = arith.addf %54, %53 : vector<4xf32>
      %56 = vector.extract_strided_slice %55 {offsets = [2], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %57 = vector.extract_strided_slice %55 {offsets = [0], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %58 = arith.addf %57, %56 : vector<2xf32>
      %59 = vector.extract_strided_slice %58 {offsets = [1], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %60 = vector.extract_strided_slice %58 {offsets = [0], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %61 = arith.addf %60, %59 : vector<1xf32>
      %62 = vector.extract %61[0] : f32 from vector<1xf32>
      %63 = arith.addf %1, %62 : f32
      scf.for %arg3 = %2 to %4 step %5 {
        %70 = vector.transfer_read %arg0[%arg2, %arg3], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<16xf32>
        %71 = vector.broadcast %32 : f32 to vector<16xf32>
        %72 = arith.subf %70, %71 : vector<16xf32>
        %73 = math.exp %72 : vector<16xf32>
        %74 = vector.broadcast %63 : f32 to vector<16xf32>
        %75 = arith.divf %73, %74 : vector<16xf32>
        vector.transfer_write %75, %arg1[%arg2, %arg3] {in_bounds = [true]} : vector<16xf32>, memref<4x100xf32>
      }
      %64 = vector.transfer_read %arg0[%arg2, %4], %1 {in_bounds = [true]} : memref<4x100xf32>, vector<4xf32>
      %65 = vector.broadcast %32 : f32 to vector<4xf32>
      %66 = arith.subf %64, %65 : vector<4xf32>
      %67 = math.exp %66 : vector<4xf32>
      %68 = vector.broadcast %63 : f32 to vector<4xf32>
      %69 = arith.divf %67, %68 : vector<4xf32>
      vector.transfer_write %69, %arg1[%arg2, %4] {in_bounds = [true]} : vector<4xf32>, memref<4x100xf32>
    }
    return
  }
}
