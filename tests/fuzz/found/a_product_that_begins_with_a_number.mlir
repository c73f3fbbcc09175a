// FOUND module 3 gradient -- gradient differs: the initial value of a product is a factor of its gradient
func.func @main(%x: tensor<3xf64>) -> tensor<f64> {
  %0 = stablehlo.constant dense<3.0> : tensor<f64>
  %1 = stablehlo.reduce(%x init: %0) applies stablehlo.multiply across dimensions = [0] : (tensor<3xf64>, tensor<f64>) -> tensor<f64>
  return %1 : tensor<f64>
}
