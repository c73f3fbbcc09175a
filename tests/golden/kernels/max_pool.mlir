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
          %26 = vector.transfer_read %10[%13, %23, %25, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %27 = arith.muli %12, %2 : index
          %28 = arith.addi %27, %5 : index
          %29 = arith.muli %arg2, %2 : index
          %30 = vector.transfer_read %10[%13, %28, %29, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %31 = arith.muli %12, %2 : index
          %32 = arith.addi %31, %5 : index
          %33 = arith.muli %arg2, %2 : index
          %34 = arith.addi %33, %3 : index
          %35 = vector.transfer_read %10[%13, %32, %34, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %36 = arith.muli %12, %2 : index
          %37 = arith.muli %arg2, %2 : index
          %38 = arith.addi %37, %5 : index
          %39 = vector.transfer_read %10[%13, %36, %38, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %40 = arith.muli %12, %2 : index
          %41 = arith.muli %arg2, %2 : index
          %42 = vector.transfer_read %10[%13, %40, %41, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %43 = arith.muli %12, %2 : index
          %44 = arith.muli %arg2, %2 : index
          %45 = arith.addi %44, %3 : index
          %46 = vector.transfer_read %10[%13, %43, %45, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %47 = arith.muli %12, %2 : index
          %48 = arith.addi %47, %3 : index
          %49 = arith.muli %arg2, %2 : index
          %50 = arith.addi %49, %5 : index
          %51 = vector.transfer_read %10[%13, %48, %50, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %52 = arith.muli %12, %2 : index
          %53 = arith.addi %52, %3 : index
          %54 = arith.muli %arg2, %2 : index
          %55 = vector.transfer_read %10[%13, %53, %54, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %56 = arith.muli %12, %2 : index
          %57 = arith.addi %56, %3 : index
          %58 = arith.muli %arg2, %2 : index
          %59 = arith.addi %58, %3 : index
          %60 = vector.transfer_read %10[%13, %57, %59, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %61 = arith.maximumf %26, %60 : vector<16xf32>
          %62 = arith.maximumf %61, %42 : vector<16xf32>
          %63 = arith.maximumf %30, %46 : vector<16xf32>
          %64 = arith.maximumf %35, %51 : vector<16xf32>
          %65 = arith.maximumf %39, %55 : vector<16xf32>
          %66 = arith.maximumf %62, %64 : vector<16xf32>
          %67 = arith.maximumf %63, %65 : vector<16xf32>
          %68 = arith.maximumf %66, %67 : vector<16xf32>
          %69 = arith.maximumf %21, %68 : vector<16xf32>
          vector.transfer_write %69, %11[%13, %12, %arg2, %7] {in_bounds = [true]} : vector<16xf32>, memref<2x4x4x16xf32, strided<[256, 64, 16, 1]>>
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
          %31 = vector.transfer_read %10[%13, %25, %29, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %32 = arith.select %30, %31, %21 : vector<16xf32>
          %33 = arith.muli %12, %2 : index
          %34 = arith.addi %33, %5 : index
          %35 = arith.cmpi ult, %34, %8 : index
          %36 = arith.select %35, %34, %7 : index
          %37 = arith.muli %arg2, %2 : index
          %38 = arith.cmpi ult, %37, %8 : index
          %39 = arith.select %38, %37, %7 : index
          %40 = arith.andi %35, %38 : i1
          %41 = vector.transfer_read %10[%13, %36, %39, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %42 = arith.select %40, %41, %21 : vector<16xf32>
          %43 = arith.muli %12, %2 : index
          %44 = arith.addi %43, %5 : index
          %45 = arith.cmpi ult, %44, %8 : index
          %46 = arith.select %45, %44, %7 : index
          %47 = arith.muli %arg2, %2 : index
          %48 = arith.addi %47, %3 : index
          %49 = arith.cmpi ult, %48, %8 : index
          %50 = arith.select %49, %48, %7 : index
          %51 = arith.andi %45, %49 : i1
          %52 = vector.transfer_read %10[%13, %46, %50, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %53 = arith.select %51, %52, %21 : vector<16xf32>
          %54 = arith.muli %12, %2 : index
          %55 = arith.cmpi ult, %54, %8 : index
          %56 = arith.select %55, %54, %7 : index
          %57 = arith.muli %arg2, %2 : index
          %58 = arith.addi %57, %5 : index
          %59 = arith.cmpi ult, %58, %8 : index
          %60 = arith.select %59, %58, %7 : index
          %61 = arith.andi %55, %59 : i1
          %62 = vector.transfer_read %10[%13, %56, %60, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %63 = arith.select %61, %62, %21 : vector<16xf32>
          %64 = arith.muli %12, %2 : index
          %65 = arith.cmpi ult, %64, %8 : index
          %66 = arith.select %65, %64, %7 : index
          %67 = arith.muli %arg2, %2 : index
          %68 = arith.cmpi ult, %67, %8 : index
          %69 = arith.select %68, %67, %7 : index
          %70 = arith.andi %65, %68 : i1
          %71 = vector.transfer_read %10[%13, %66, %69, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %72 = arith.select %70, %71, %21 : vector<16xf32>
          %73 = arith.muli %12, %2 : index
          %74 = arith.cmpi ult, %73, %8 : index
          %75 = arith.select %74, %73, %7 : index
          %76 = arith.muli %arg2, %2 : index
          %77 = arith.addi %76, %3 : index
          %78 = arith.cmpi ult, %77, %8 : index
          %79 = arith.select %78, %77, %7 : index
          %80 = arith.andi %74, %78 : i1
          %81 = vector.transfer_read %10[%13, %75, %79, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %82 = arith.select %80, %81, %21 : vector<16xf32>
          %83 = arith.muli %12, %2 : index
          %84 = arith.addi %83, %3 : index
          %85 = arith.cmpi ult, %84, %8 : index
          %86 = arith.select %85, %84, %7 : index
          %87 = arith.muli %arg2, %2 : index
          %88 = arith.addi %87, %5 : index
          %89 = arith.cmpi ult, %88, %8 : index
          %90 = arith.select %89, %88, %7 : index
          %91 = arith.andi %85, %89 : i1
          %92 = vector.transfer_read %10[%13, %86, %90, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %93 = arith.select %91, %92, %21 : vector<16xf32>
          %94 = arith.muli %12, %2 : index
          %95 = arith.addi %94, %3 : index
          %96 = arith.cmpi ult, %95, %8 : index
          %97 = arith.select %96, %95, %7 : index
          %98 = arith.muli %arg2, %2 : index
          %99 = arith.cmpi ult, %98, %8 : index
          %100 = arith.select %99, %98, %7 : index
          %101 = arith.andi %96, %99 : i1
          %102 = vector.transfer_read %10[%13, %97, %100, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %103 = arith.select %101, %102, %21 : vector<16xf32>
          %104 = arith.muli %12, %2 : index
          %105 = arith.addi %104, %3 : index
          %106 = arith.cmpi ult, %105, %8 : index
          %107 = arith.select %106, %105, %7 : index
          %108 = arith.muli %arg2, %2 : index
          %109 = arith.addi %108, %3 : index
          %110 = arith.cmpi ult, %109, %8 : index
          %111 = arith.select %110, %109, %7 : index
          %112 = arith.andi %106, %110 : i1
          %113 = vector.transfer_read %10[%13, %107, %111, %7], %6 {in_bounds = [true]} : memref<2x7x7x16xf32, strided<[784, 112, 16, 1]>>, vector<16xf32>
          %114 = arith.select %112, %113, %21 : vector<16xf32>
          %115 = arith.maximumf %32, %114 : vector<16xf32>
          %116 = arith.maximumf %115, %72 : vector<16xf32>
          %117 = arith.maximumf %42, %82 : vector<16xf32>
          %118 = arith.maximumf %53, %93 : vector<16xf32>
          %119 = arith.maximumf %63, %103 : vector<16xf32>
          %120 = arith.maximumf %116, %118 : vector<16xf32>
          %121 = arith.maximumf %117, %119 : vector<16xf32>
          %122 = arith.maximumf %120, %121 : vector<16xf32>
          %123 = arith.maximumf %21, %122 : vector<16xf32>
          vector.transfer_write %123, %11[%13, %12, %arg2, %7] {in_bounds = [true]} : vector<16xf32>, memref<2x4x4x16xf32, strided<[256, 64, 16, 1]>>
        }
      }
    }
    return
  }
}
