// RUN: kernels -- a sum of more than a block: the blocks first, each a ticket, then the tree over them
func.func @main(%x: tensor<10000xf32>) -> tensor<f32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<10000xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// GIVES
module {
  func.func private @main(%arg0: memref<10000xf32>, %arg1: memref<f32>, %arg2: memref<3xf32>) {
    %0 = arith.constant 4096 : index
    %1 = arith.constant 0.000000e+00 : f32
    %2 = arith.constant 64 : index
    %3 = arith.constant 8192 : index
    %4 = arith.constant 1792 : index
    %5 = arith.constant 9984 : index
    scf.forall (%arg3) in (2) {
      %32 = arith.muli %arg3, %0 : index
      %33 = vector.transfer_read %arg0[%32], %1 {in_bounds = [true]} : memref<10000xf32>, vector<64xf32>
      %34 = scf.for %arg4 = %2 to %0 step %2 iter_args(%arg5 = %33) -> (vector<64xf32>) {
        %55 = arith.addi %32, %arg4 : index
        %56 = vector.transfer_read %arg0[%55], %1 {in_bounds = [true]} : memref<10000xf32>, vector<64xf32>
        %57 = arith.addf %arg5, %56 : vector<64xf32>
        scf.yield %57 : vector<64xf32>
      }
      %35 = vector.extract_strided_slice %34 {offsets = [32], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %36 = vector.extract_strided_slice %34 {offsets = [0], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
      %37 = arith.addf %36, %35 : vector<32xf32>
      %38 = vector.extract_strided_slice %37 {offsets = [16], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %39 = vector.extract_strided_slice %37 {offsets = [0], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
      %40 = arith.addf %39, %38 : vector<16xf32>
      %41 = vector.extract_strided_slice %40 {offsets = [8], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %42 = vector.extract_strided_slice %40 {offsets = [0], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
      %43 = arith.addf %42, %41 : vector<8xf32>
      %44 = vector.extract_strided_slice %43 {offsets = [4], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %45 = vector.extract_strided_slice %43 {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
      %46 = arith.addf %45, %44 : vector<4xf32>
      %47 = vector.extract_strided_slice %46 {offsets = [2], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %48 = vector.extract_strided_slice %46 {offsets = [0], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
      %49 = arith.addf %48, %47 : vector<2xf32>
      %50 = vector.extract_strided_slice %49 {offsets = [1], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %51 = vector.extract_strided_slice %49 {offsets = [0], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
      %52 = arith.addf %51, %50 : vector<1xf32>
      %53 = vector.extract %52[0] : f32 from vector<1xf32>
      %54 = memref.reinterpret_cast %arg2 to offset: [%arg3], sizes: [], strides: [] : memref<3xf32> to memref<f32, strided<[], offset: ?>>
      memref.store %53, %54[] : memref<f32, strided<[], offset: ?>>
    }
    %6 = vector.transfer_read %arg0[%3], %1 {in_bounds = [true]} : memref<10000xf32>, vector<64xf32>
    %7 = scf.for %arg3 = %2 to %4 step %2 iter_args(%arg4 = %6) -> (vector<64xf32>) {
      %32 = arith.addi %3, %arg3 : index
      %33 = vector.transfer_read %arg0[%32], %1 {in_bounds = [true]} : memref<10000xf32>, vector<64xf32>
      %34 = arith.addf %arg4, %33 : vector<64xf32>
      scf.yield %34 : vector<64xf32>
    }
    %8 = vector.transfer_read %arg0[%5], %1 {in_bounds = [true]} : memref<10000xf32>, vector<16xf32>
    %9 = vector.extract_strided_slice %7 {offsets = [0], sizes = [16], strides = [1]} : vector<64xf32> to vector<16xf32>
    %10 = arith.addf %9, %8 : vector<16xf32>
    %11 = vector.insert_strided_slice %10, %7 {offsets = [0], strides = [1]} : vector<16xf32> into vector<64xf32>
    %12 = vector.extract_strided_slice %11 {offsets = [32], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
    %13 = vector.extract_strided_slice %11 {offsets = [0], sizes = [32], strides = [1]} : vector<64xf32> to vector<32xf32>
    %14 = arith.addf %13, %12 : vector<32xf32>
    %15 = vector.extract_strided_slice %14 {offsets = [16], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
    %16 = vector.extract_strided_slice %14 {offsets = [0], sizes = [16], strides = [1]} : vector<32xf32> to vector<16xf32>
    %17 = arith.addf %16, %15 : vector<16xf32>
    %18 = vector.extract_strided_slice %17 {offsets = [8], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
    %19 = vector.extract_strided_slice %17 {offsets = [0], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
    %20 = arith.addf %19, %18 : vector<8xf32>
    %21 = vector.extract_strided_slice %20 {offsets = [4], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
    %22 = vector.extract_strided_slice %20 {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
    %23 = arith.addf %22, %21 : vector<4xf32>
    %24 = vector.extract_strided_slice %23 {offsets = [2], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
    %25 = vector.extract_strided_slice %23 {offsets = [0], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
    %26 = arith.addf %25, %24 : vector<2xf32>
    %27 = vector.extract_strided_slice %26 {offsets = [1], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
    %28 = vector.extract_strided_slice %26 {offsets = [0], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
    %29 = arith.addf %28, %27 : vector<1xf32>
    %30 = vector.extract %29[0] : f32 from vector<1xf32>
    %31 = memref.reinterpret_cast %arg2 to offset: [2], sizes: [], strides: [] : memref<3xf32> to memref<f32, strided<[], offset: 2>>
    memref.store %30, %31[] : memref<f32, strided<[], offset: 2>>
    return
  }
  func.func private @main_1(%arg0: memref<10000xf32>, %arg1: memref<f32>, %arg2: memref<3xf32>) {
    %0 = arith.constant 0.000000e+00 : f32
    %1 = arith.constant 0 : index
    %2 = vector.transfer_read %arg2[%1], %0 {in_bounds = [true]} : memref<3xf32>, vector<3xf32>
    %3 = vector.extract_strided_slice %2 {offsets = [2], sizes = [1], strides = [1]} : vector<3xf32> to vector<1xf32>
    %4 = vector.extract_strided_slice %2 {offsets = [0], sizes = [2], strides = [1]} : vector<3xf32> to vector<2xf32>
    %5 = vector.extract_strided_slice %4 {offsets = [0], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
    %6 = arith.addf %5, %3 : vector<1xf32>
    %7 = vector.insert_strided_slice %6, %4 {offsets = [0], strides = [1]} : vector<1xf32> into vector<2xf32>
    %8 = vector.extract_strided_slice %7 {offsets = [1], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
    %9 = vector.extract_strided_slice %7 {offsets = [0], sizes = [1], strides = [1]} : vector<2xf32> to vector<1xf32>
    %10 = arith.addf %9, %8 : vector<1xf32>
    %11 = vector.extract %10[0] : f32 from vector<1xf32>
    %12 = arith.addf %0, %11 : f32
    memref.store %12, %arg1[] : memref<f32>
    return
  }
}
