// FOUND text -- AttributeError: reduce of what is no tensor
func.func @f(%x: f64, %y: tensor<f64>) {
  %z = stablehlo.reduce(%x init: %y) applies stablehlo.add across dimensions = [0] : (f64, tensor<f64>) -> tensor<f64>
  return
}
