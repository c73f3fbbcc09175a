// RUN: opt fusion -- a pad decides where elements are written: its producers join it, its users do not
func.func @main(%x: tensor<2x3xf32>) -> tensor<4x5xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.tanh %x : tensor<2x3xf32>
  %1 = stablehlo.pad %0, %zero, low = [1, 1], high = [1, 1], interior = [0, 0] : (tensor<2x3xf32>, tensor<f32>) -> tensor<4x5xf32>
  %2 = stablehlo.negate %1 : tensor<4x5xf32>
  return %2 : tensor<4x5xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<2x3xf32>) -> tensor<4x5xf32> {
    %0 = call @fused_tanh_pad(%x) : (tensor<2x3xf32>) -> tensor<4x5xf32>
    %1 = stablehlo.negate %0 : tensor<4x5xf32>
    return %1 : tensor<4x5xf32>
  }
  func.func private @fused_tanh_pad(%x: tensor<2x3xf32>) -> tensor<4x5xf32> attributes {irc.kind = "loop"} {
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.tanh %x : tensor<2x3xf32>
    %1 = stablehlo.pad %0, %zero, low = [1, 1], high = [1, 1], interior = [0, 0] : (tensor<2x3xf32>, tensor<f32>) -> tensor<4x5xf32>
    return %1 : tensor<4x5xf32>
  }
}
