// RUN: opt fusion -- a reshape of what a kernel writes costs nothing and stays outside
func.func @main(%x: tensor<4x6xf32>) -> tensor<24xf32> {
  %0 = stablehlo.tanh %x : tensor<4x6xf32>
  %1 = stablehlo.negate %0 : tensor<4x6xf32>
  %2 = stablehlo.reshape %1 : (tensor<4x6xf32>) -> tensor<24xf32>
  return %2 : tensor<24xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<4x6xf32>) -> tensor<24xf32> {
    %0 = call @fused_tanh_negate(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
    %1 = stablehlo.reshape %0 : (tensor<4x6xf32>) -> tensor<24xf32>
    return %1 : tensor<24xf32>
  }
  func.func private @fused_tanh_negate(%x: tensor<4x6xf32>) -> tensor<4x6xf32> attributes {irc.kind = "loop"} {
    %0 = stablehlo.tanh %x : tensor<4x6xf32>
    %1 = stablehlo.negate %0 : tensor<4x6xf32>
    return %1 : tensor<4x6xf32>
  }
}
