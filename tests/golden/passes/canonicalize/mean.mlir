// RUN: opt canonicalize,dce -- a division by a power of two is a product, one by three stays
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %c = stablehlo.constant dense<32.0> : tensor<f32>
  %0 = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<f32>) -> tensor<4xf32>
  %1 = stablehlo.divide %x, %0 : tensor<4xf32>
  %three = stablehlo.constant dense<3.0> : tensor<4xf32>
  %2 = stablehlo.divide %x, %three : tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %0 = stablehlo.constant dense<3.125000e-02> : tensor<4xf32>
    %1 = stablehlo.multiply %x, %0 : tensor<4xf32>
    %three = stablehlo.constant dense<3.000000e+00> : tensor<4xf32>
    %2 = stablehlo.divide %x, %three : tensor<4xf32>
    return %1, %2 : tensor<4xf32>, tensor<4xf32>
  }
}
