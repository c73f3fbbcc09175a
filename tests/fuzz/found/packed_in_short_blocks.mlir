// FOUND module 0 exact -- process ended: blocks of 7 were packed by sixteen, past their buffer
func.func @main(%x: tensor<7x17x16xi32>, %w: tensor<16xi32>, %y: tensor<5x48xf32>, %v: tensor<33x48xf32>) -> (tensor<7x17xi32>, tensor<5x33xf32>) {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [2] x [0] : (tensor<7x17x16xi32>, tensor<16xi32>) -> tensor<7x17xi32>
  %1 = stablehlo.dot_general %y, %v, contracting_dims = [1] x [1] : (tensor<5x48xf32>, tensor<33x48xf32>) -> tensor<5x33xf32>
  return %0, %1 : tensor<7x17xi32>, tensor<5x33xf32>
}
