// RUN: opt layout,cse,dce -- x @ W^T: 16 rows against large weights swap sides, 4 rows are left to the kernel
func.func @main(%x: tensor<16x64xf32>, %w: tensor<1200x64xf32>, %y: tensor<4x64xf32>) -> (tensor<16x1200xf32>, tensor<4x1200xf32>) {
  %t = stablehlo.transpose %w, dims = [1, 0] : (tensor<1200x64xf32>) -> tensor<64x1200xf32>
  %0 = stablehlo.dot_general %x, %t, contracting_dims = [1] x [0] : (tensor<16x64xf32>, tensor<64x1200xf32>) -> tensor<16x1200xf32>
  %1 = stablehlo.dot_general %y, %t, contracting_dims = [1] x [0] : (tensor<4x64xf32>, tensor<64x1200xf32>) -> tensor<4x1200xf32>
  return %0, %1 : tensor<16x1200xf32>, tensor<4x1200xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<16x64xf32>, %w: tensor<1200x64xf32>, %y: tensor<4x64xf32>) -> (tensor<16x1200xf32>, tensor<4x1200xf32>) {
    %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<16x64xf32>) -> tensor<64x16xf32>
    %1 = stablehlo.dot_general %w, %0, contracting_dims = [1] x [0] : (tensor<1200x64xf32>, tensor<64x16xf32>) -> tensor<1200x16xf32>
    %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<1200x16xf32>) -> tensor<16x1200xf32>
    %3 = stablehlo.dot_general %y, %w, contracting_dims = [1] x [1] : (tensor<4x64xf32>, tensor<1200x64xf32>) -> tensor<4x1200xf32>
    return %2, %3 : tensor<16x1200xf32>, tensor<4x1200xf32>
  }
}
