// RUN: opt canonicalize,dce -- a bias that was reshaped, broadcast and broadcast again is broadcast once
func.func @main(%x: tensor<2x3x4x4xf32>, %bias: tensor<3xf32>) -> tensor<2x3x4x4xf32> {
  %0 = stablehlo.reshape %bias : (tensor<3xf32>) -> tensor<1x3x1x1xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1, 2, 3] : (tensor<1x3x1x1xf32>) -> tensor<1x3x4x4xf32>
  %2 = stablehlo.broadcast_in_dim %1, dims = [0, 1, 2, 3] : (tensor<1x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %3 = stablehlo.add %x, %2 : tensor<2x3x4x4xf32>
  return %3 : tensor<2x3x4x4xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<2x3x4x4xf32>, %bias: tensor<3xf32>) -> tensor<2x3x4x4xf32> {
    %0 = stablehlo.broadcast_in_dim %bias, dims = [1] : (tensor<3xf32>) -> tensor<2x3x4x4xf32>
    %1 = stablehlo.add %x, %0 : tensor<2x3x4x4xf32>
    return %1 : tensor<2x3x4x4xf32>
  }
}
