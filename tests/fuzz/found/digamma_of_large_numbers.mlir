// FOUND module 0 portable -- IrcError: evaluating 'chlo.digamma' failed: (34, 'Numerical result out of range')
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = stablehlo.constant dense<1.0e30> : tensor<4xf32>
  %y = stablehlo.multiply %x, %c : tensor<4xf32>
  %z = stablehlo.abs %y : tensor<4xf32>
  %0 = chlo.digamma %z : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
