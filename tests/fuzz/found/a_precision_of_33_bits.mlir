// FOUND text -- generic form not read: exponent bits past 32 bits
func.func @f(%x: tensor<2xf32>) {
  %y = stablehlo.reduce_precision %x, format = e2147483648m1 : tensor<2xf32>
  return
}
