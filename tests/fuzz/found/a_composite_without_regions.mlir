// FOUND text -- AssertionError: an optional group of regions
func.func @f(%x: tensor<f32>) {
  %0 = stablehlo.composite "a.b" %x {decomposition = @g} : (tensor<f32>) -> tensor<f32>
  return
}
func.func private @g(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
