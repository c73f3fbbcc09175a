// RUN: kernels -- windows at the border take a path with checks, the others one without
func.func @main(%x: tensor<2x7x7x16xf32>) -> tensor<2x4x4x16xf32> {
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %y = "stablehlo.reduce_window"(%x, %low) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %m = stablehlo.maximum %a, %b : tensor<f32>
    stablehlo.return %m : tensor<f32>
  }) : (tensor<2x7x7x16xf32>, tensor<f32>) -> tensor<2x4x4x16xf32>
  return %y : tensor<2x4x4x16xf32>
}
// GIVES
module {
  func.func private @main(%x: memref<2x7x7x16xf32>, %arg0: memref<2x4x4x16xf32>) attributes {irc.kind = "window"} {
    %0 = arith.constant 4 : index
    %1 = arith.constant 0xFF800000 : f32
    %2 = arith.constant 2 : index
    %3 = arith.constant 1 : index
    %4 = arith.constant 5 : index
    %5 = arith.constant -1 : index
    %6 = arith.constant 0.000000e+00 : f32
    %7 = arith.constant 0 : index
    %8 = arith.constant 7 : index
    %9 = arith.constant 8 : index
    %10 = memref.reinterpret_cast %x to offset: [0], sizes: [2, 7, 7, 16], strides: [784, 112, 16, 1] : memref<2x7x7x16xf32> to memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>
    %11 = memref.reinterpret_cast %arg0 to offset: [0], sizes: [2, 4, 4, 16], strides: [256, 64, 16, 1] : memref<2x4x4x16xf32> to memref<2x4x4x16xf32, strided<[256, 64, 16, 1]>>
    scf.for %arg1 = %7 to %9 step %3 {
      %12 = arith.remui %arg1, %0 : index
      %13 = arith.divui %arg1, %0 : index
      scf.for %arg2 = %7 to %0 step %3 {
        %14 = arith.muli %12, %2 : index
        %15 = arith.subi %14, %3 : index
        %16 = arith.cmpi ult, %15, %4 : index
        %17 = arith.muli %arg2, %2 : index
        %18 = arith.subi %17, %3 : index
        %19 = arith.cmpi ult, %18, %4 : index
        %20 = arith.andi %16, %19 : i1
        scf.if %20 {
          %21 = vector.broadcast %1 : f32 to vector<16xf32>
          %22 = arith.muli %12, %2 : index
          %23 = arith.addi %22, %5 : index
          %24 = arith.muli %arg2, %2 : index
          %25 = arith.addi %24, %5 : index
          %26 = arith.muli %arg2, %2 : index
          %27 = arith.muli %arg2, %2 : index
          %28 = arith.addi %27, %3 : index
          %29 = arith.muli %12, %2 : index
          %30 = arith.muli %12, %2 : index
          %31 = arith.addi %30, %3 : index
          %32 = vector.transfer_read %10[%13, %23, %25, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %33 = vector.transfer_read %10[%13, %23, %26, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %34 = vector.transfer_read %10[%13, %23, %28, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %35 = vector.transfer_read %10[%13, %29, %25, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %36 = vector.transfer_read %10[%13, %29, %26, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %37 = vector.transfer_read %10[%13, %29, %28, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %38 = vector.transfer_read %10[%13, %31, %25, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %39 = vector.transfer_read %10[%13, %31, %26, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %40 = vector.transfer_read %10[%13, %31, %28, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %41 = arith.maximumf %32, %40 : vector<16xf32>
          %42 = arith.maximumf %41, %36 : vector<16xf32>
          %43 = arith.maximumf %33, %37 : vector<16xf32>
          %44 = arith.maximumf %34, %38 : vector<16xf32>
          %45 = arith.maximumf %35, %39 : vector<16xf32>
          %46 = arith.maximumf %42, %44 : vector<16xf32>
          %47 = arith.maximumf %43, %45 : vector<16xf32>
          %48 = arith.maximumf %46, %47 : vector<16xf32>
          %49 = arith.maximumf %21, %48 : vector<16xf32>
          vector.transfer_write %49, %11[%13, %12, %arg2, %7] {in_bounds = [true]} : vector<16xf32>, memref<2x4x4x16xf32, strided<[256, 64, 16, 1]>>
        } else {
          %21 = vector.broadcast %1 : f32 to vector<16xf32>
          %22 = arith.muli %12, %2 : index
          %23 = arith.addi %22, %5 : index
          %24 = arith.cmpi ult, %23, %8 : index
          %25 = arith.select %24, %23, %7 : index
          %26 = arith.muli %arg2, %2 : index
          %27 = arith.addi %26, %5 : index
          %28 = arith.cmpi ult, %27, %8 : index
          %29 = arith.select %28, %27, %7 : index
          %30 = arith.andi %24, %28 : i1
          %31 = arith.muli %arg2, %2 : index
          %32 = arith.cmpi ult, %31, %8 : index
          %33 = arith.select %32, %31, %7 : index
          %34 = arith.andi %24, %32 : i1
          %35 = arith.muli %arg2, %2 : index
          %36 = arith.addi %35, %3 : index
          %37 = arith.cmpi ult, %36, %8 : index
          %38 = arith.select %37, %36, %7 : index
          %39 = arith.andi %24, %37 : i1
          %40 = arith.muli %12, %2 : index
          %41 = arith.cmpi ult, %40, %8 : index
          %42 = arith.select %41, %40, %7 : index
          %43 = arith.andi %41, %28 : i1
          %44 = arith.andi %41, %32 : i1
          %45 = arith.andi %41, %37 : i1
          %46 = arith.muli %12, %2 : index
          %47 = arith.addi %46, %3 : index
          %48 = arith.cmpi ult, %47, %8 : index
          %49 = arith.select %48, %47, %7 : index
          %50 = arith.andi %48, %28 : i1
          %51 = arith.andi %48, %32 : i1
          %52 = arith.andi %48, %37 : i1
          %53 = vector.transfer_read %10[%13, %25, %29, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %54 = arith.select %30, %53, %21 : vector<16xf32>
          %55 = vector.transfer_read %10[%13, %25, %33, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %56 = arith.select %34, %55, %21 : vector<16xf32>
          %57 = vector.transfer_read %10[%13, %25, %38, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %58 = arith.select %39, %57, %21 : vector<16xf32>
          %59 = vector.transfer_read %10[%13, %42, %29, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %60 = arith.select %43, %59, %21 : vector<16xf32>
          %61 = vector.transfer_read %10[%13, %42, %33, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %62 = arith.select %44, %61, %21 : vector<16xf32>
          %63 = vector.transfer_read %10[%13, %42, %38, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %64 = arith.select %45, %63, %21 : vector<16xf32>
          %65 = vector.transfer_read %10[%13, %49, %29, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %66 = arith.select %50, %65, %21 : vector<16xf32>
          %67 = vector.transfer_read %10[%13, %49, %33, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %68 = arith.select %51, %67, %21 : vector<16xf32>
          %69 = vector.transfer_read %10[%13, %49, %38, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %70 = arith.select %52, %69, %21 : vector<16xf32>
          %71 = arith.maximumf %54, %70 : vector<16xf32>
          %72 = arith.maximumf %71, %62 : vector<16xf32>
          %73 = arith.maximumf %56, %64 : vector<16xf32>
          %74 = arith.maximumf %58, %66 : vector<16xf32>
          %75 = arith.maximumf %60, %68 : vector<16xf32>
          %76 = arith.maximumf %72, %74 : vector<16xf32>
          %77 = arith.maximumf %73, %75 : vector<16xf32>
          %78 = arith.maximumf %76, %77 : vector<16xf32>
          %79 = arith.maximumf %21, %78 : vector<16xf32>
          vector.transfer_write %79, %11[%13, %12, %arg2, %7] {in_bounds = [true]} : vector<16xf32>, memref<2x4x4x16xf32, strided<[256, 64, 16, 1]>>
        }
      }
    }
    return
  }
}
