// RUN: opt cse,dce -- equal reductions merge, one over another body stays; a branch uses what was computed before it
func.func @main(%x: tensor<2x4xf32>, %p: tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = stablehlo.reduce(%x init: %zero) applies stablehlo.maximum across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
  %3 = stablehlo.tanh %x : tensor<2x4xf32>
  %4 = "stablehlo.if"(%p) ({
    %5 = stablehlo.tanh %x : tensor<2x4xf32>
    stablehlo.return %5 : tensor<2x4xf32>
  }, {
    %6 = stablehlo.negate %3 : tensor<2x4xf32>
    stablehlo.return %6 : tensor<2x4xf32>
  }) : (tensor<i1>) -> tensor<2x4xf32>
  return %0, %1, %2, %4 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<2x4xf32>, %p: tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>) {
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
    %1 = stablehlo.reduce(%x init: %zero) applies stablehlo.maximum across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
    %2 = stablehlo.tanh %x : tensor<2x4xf32>
    %3 = "stablehlo.if"(%p) ({
      stablehlo.return %2 : tensor<2x4xf32>
    }, {
      %4 = stablehlo.negate %2 : tensor<2x4xf32>
      stablehlo.return %4 : tensor<2x4xf32>
    }) : (tensor<i1>) -> tensor<2x4xf32>
    return %0, %0, %1, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>
  }
}
