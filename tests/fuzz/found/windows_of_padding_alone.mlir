// FOUND module 27745 exact -- EmulationError: memref.load reaches index 0 of dimension 2, outside memref<4x4x0xi8>
module {
  func.func @main() -> tensor<2x3x1xf8E5M2> {
    %0 = stablehlo.constant dense<> : tensor<4x4x0xf8E5M2>
    %1 = stablehlo.constant dense<0.000000e+00> : tensor<f8E5M2>
    %2 = "stablehlo.reduce_window"(%0, %1) <{base_dilations = array<i64: 1, 2, 2>, padding = dense<[[2, -1], [-1, 1], [2, 0]]> : tensor<3x2xi64>, window_dilations = array<i64: 1, 2, 2>, window_dimensions = array<i64: 2, 2, 1>, window_strides = array<i64: 2, 2, 2>}> ({
    ^bb0(%arg0: tensor<f8E5M2>, %arg1: tensor<f8E5M2>):
      stablehlo.return %arg0 : tensor<f8E5M2>
    }) : (tensor<4x4x0xf8E5M2>, tensor<f8E5M2>) -> tensor<2x3x1xf8E5M2>
    return %2 : tensor<2x3x1xf8E5M2>
  }
}
