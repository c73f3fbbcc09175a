// RUN: opt layout,dce -- values times weights, as JAX writes them: the sides change, and heads are moved in whole rows
func.func @main(%v: tensor<2x5x3x4xf32>, %p: tensor<2x3x5x5xf32>) -> tensor<2x5x3x4xf32> {
  %0 = stablehlo.dot_general %v, %p, batching_dims = [0, 2] x [0, 1], contracting_dims = [1] x [3] : (tensor<2x5x3x4xf32>, tensor<2x3x5x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = stablehlo.transpose %0, dims = [0, 3, 1, 2] : (tensor<2x3x4x5xf32>) -> tensor<2x5x3x4xf32>
  return %1 : tensor<2x5x3x4xf32>
}
// GIVES
module {
  func.func @main(%v: tensor<2x5x3x4xf32>, %p: tensor<2x3x5x5xf32>) -> tensor<2x5x3x4xf32> {
    %0 = stablehlo.dot_general %p, %v, batching_dims = [0, 1] x [0, 2], contracting_dims = [3] x [1] : (tensor<2x3x5x5xf32>, tensor<2x5x3x4xf32>) -> tensor<2x3x5x4xf32>
    %1 = stablehlo.transpose %0, dims = [0, 2, 1, 3] : (tensor<2x3x5x4xf32>) -> tensor<2x5x3x4xf32>
    return %1 : tensor<2x5x3x4xf32>
  }
}
