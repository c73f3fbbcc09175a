// FOUND module 2000397 -- other bits: donated: what a barrier passes on was written over
module {
  func.func @main(%arg0: tensor<f8E4M3FNUZ>) -> (tensor<f8E4M3FNUZ>, tensor<f8E4M3FNUZ>, tensor<f8E4M3FNUZ>, tensor<1x1xf8E4M3FNUZ>) {
    %0 = stablehlo.constant dense<0.000000e+00> : tensor<1x1xf8E4M3FNUZ>
    %1 = stablehlo.optimization_barrier %arg0 : tensor<f8E4M3FNUZ>
    %2 = stablehlo.remainder %arg0, %1 : tensor<f8E4M3FNUZ>
    return %2, %1, %1, %0 : tensor<f8E4M3FNUZ>, tensor<f8E4M3FNUZ>, tensor<f8E4M3FNUZ>, tensor<1x1xf8E4M3FNUZ>
  }
}
