// RUN: grad grad -- a branch returns what its reverse reads, the other branch zeros in its place
func.func @main(%x: tensor<3xf64>, %p: tensor<i1>) -> tensor<f64> {
  %y = "stablehlo.if"(%p) ({
    %0 = stablehlo.tanh %x : tensor<3xf64>
    %1 = stablehlo.sine %0 : tensor<3xf64>
    stablehlo.return %1 : tensor<3xf64>
  }, {
    %2 = stablehlo.multiply %x, %x : tensor<3xf64>
    stablehlo.return %2 : tensor<3xf64>
  }) : (tensor<i1>) -> tensor<3xf64>
  %zero = stablehlo.constant dense<0.0> : tensor<f64>
  %sum = stablehlo.reduce(%y init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<3xf64>, tensor<f64>) -> tensor<f64>
  return %sum : tensor<f64>
}
// GIVES
module {
  func.func @main(%x: tensor<3xf64>, %p: tensor<i1>) -> (tensor<f64>, tensor<3xf64>) {
    %0:2 = "stablehlo.if"(%p) ({
      %4 = stablehlo.tanh %x : tensor<3xf64>
      %5 = stablehlo.sine %4 : tensor<3xf64>
      stablehlo.return %5, %4 : tensor<3xf64>, tensor<3xf64>
    }, {
      %4 = stablehlo.multiply %x, %x : tensor<3xf64>
      %5 = stablehlo.constant dense<0.000000e+00> : tensor<3xf64>
      stablehlo.return %4, %5 : tensor<3xf64>, tensor<3xf64>
    }) : (tensor<i1>) -> (tensor<3xf64>, tensor<3xf64>)
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<f64>
    %sum = stablehlo.reduce(%0#0 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<3xf64>, tensor<f64>) -> tensor<f64>
    %1 = stablehlo.constant dense<1.000000e+00> : tensor<f64>
    %2 = stablehlo.broadcast_in_dim %1, dims = [] : (tensor<f64>) -> tensor<3xf64>
    %3 = "stablehlo.if"(%p) ({
      %4 = stablehlo.cosine %0#1 : tensor<3xf64>
      %5 = stablehlo.multiply %2, %4 : tensor<3xf64>
      %6 = stablehlo.multiply %0#1, %0#1 : tensor<3xf64>
      %7 = stablehlo.constant dense<1.000000e+00> : tensor<3xf64>
      %8 = stablehlo.subtract %7, %6 : tensor<3xf64>
      %9 = stablehlo.multiply %5, %8 : tensor<3xf64>
      stablehlo.return %9 : tensor<3xf64>
    }, {
      %4 = stablehlo.multiply %2, %x : tensor<3xf64>
      %5 = stablehlo.multiply %2, %x : tensor<3xf64>
      %6 = stablehlo.add %4, %5 : tensor<3xf64>
      stablehlo.return %6 : tensor<3xf64>
    }) : (tensor<i1>) -> tensor<3xf64>
    return %sum, %3 : tensor<f64>, tensor<3xf64>
  }
}
