// FOUND text -- pretty form not read: a byte that is no UTF-8 was printed as it was
func.func @f(%x: tensor<2xf32>) {
  %y = stablehlo.abs %x : tensor<2xf32> loc("net\c1"("a\ff.py":1:2))
  return
}
