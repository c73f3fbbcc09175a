// FOUND module 40066 exact -- other bits: a depth of 0 by 2 writes no result
module {
  func.func @main(%0: tensor<1x0x2xf8E3M4>, %1: tensor<1x2x0x1xf8E3M4>) -> tensor<1xf8E3M4> {
    %2 = stablehlo.dot_general %0, %1, contracting_dims = [1, 2, 0] x [2, 1, 0] : (tensor<1x0x2xf8E3M4>, tensor<1x2x0x1xf8E3M4>) -> tensor<1xf8E3M4>
    return %2 : tensor<1xf8E3M4>
  }
}
