// FOUND text -- no place: the error of an op whose location is a name had no line
func.func @f(%x: tensor<2xf32>) -> tensor<3xf32> {
  %y = stablehlo.abs %x : tensor<2xf32> loc("a")
  return %y : tensor<2xf32> loc(unknown)
}
