// FOUND text -- OverflowError: an integer past 64 bits
func.func @f(%x: tensor<2xf32>, %y: tensor<f32>) {
  %z = stablehlo.pad %x, %y, low = [18446744073709551616], high = [0], interior = [0] : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return
}
