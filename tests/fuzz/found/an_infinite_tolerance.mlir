// FOUND text -- pretty form not read: a tolerance that is infinite
func.func @f(%x: tensor<2xf32>) {
  %y = stablehlo.log %x {result_accuracy = #stablehlo.result_accuracy<atol = 1e400, rtol = 1.0, ulps = 5, mode = #stablehlo.result_accuracy_mode<TOLERANCE>>} : tensor<2xf32>
  return
}
