// RUN: opt layout,dce -- a product whose only use is turned changes sides; one that is used twice, or that would end badly, stays
func.func @main(%x: tensor<4x8xf32>, %g: tensor<4x6xf32>, %p: tensor<2x5x7xf32>, %v: tensor<2x3x7xf32>, %w: tensor<8x6xf32>) -> (tensor<8x6xf32>, tensor<6x4xf32>, tensor<4x6xf32>, tensor<5x2x3xf32>) {
  %0 = stablehlo.dot_general %g, %x, contracting_dims = [0] x [0] : (tensor<4x6xf32>, tensor<4x8xf32>) -> tensor<6x8xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<6x8xf32>) -> tensor<8x6xf32>
  %2 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
  %3 = stablehlo.transpose %2, dims = [1, 0] : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %4 = stablehlo.dot_general %v, %p, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x7xf32>, tensor<2x5x7xf32>) -> tensor<2x3x5xf32>
  %5 = stablehlo.transpose %4, dims = [2, 0, 1] : (tensor<2x3x5xf32>) -> tensor<5x2x3xf32>
  return %1, %3, %2, %5 : tensor<8x6xf32>, tensor<6x4xf32>, tensor<4x6xf32>, tensor<5x2x3xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<4x8xf32>, %g: tensor<4x6xf32>, %p: tensor<2x5x7xf32>, %v: tensor<2x3x7xf32>, %w: tensor<8x6xf32>) -> (tensor<8x6xf32>, tensor<6x4xf32>, tensor<4x6xf32>, tensor<5x2x3xf32>) {
    %0 = stablehlo.dot_general %x, %g, contracting_dims = [0] x [0] : (tensor<4x8xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
    %1 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
    %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<4x6xf32>) -> tensor<6x4xf32>
    %3 = stablehlo.dot_general %v, %p, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x7xf32>, tensor<2x5x7xf32>) -> tensor<2x3x5xf32>
    %4 = stablehlo.transpose %3, dims = [2, 0, 1] : (tensor<2x3x5xf32>) -> tensor<5x2x3xf32>
    return %0, %2, %1, %4 : tensor<8x6xf32>, tensor<6x4xf32>, tensor<4x6xf32>, tensor<5x2x3xf32>
  }
}
