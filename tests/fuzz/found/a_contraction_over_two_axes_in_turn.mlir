// FOUND module 0 exact -- process ended: by default, blocks of 2 along the contiguous axis were packed by sixteen
func.func @main(%x: tensor<100x16x200xf32>, %w: tensor<40x200x16xf32>) -> tensor<100x40xf32> {
  %0 = stablehlo.dot_general %x, %w, contracting_dims = [1, 2] x [2, 1] : (tensor<100x16x200xf32>, tensor<40x200x16xf32>) -> tensor<100x40xf32>
  return %0 : tensor<100x40xf32>
}
