// FOUND text -- ValueError: more elements than NumPy counts
func.func @f() {
  %c = stablehlo.constant dense<0> : tensor<4294967296x4294967296x4294967296xi8>
  return
}
