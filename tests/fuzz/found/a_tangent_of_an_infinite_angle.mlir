// FOUND module 958 portable -- the hyperbolic tangent of 100 + i inf is no number
module {
  func.func @main(%arg0: tensor<15x4xbf16>, %arg1: tensor<15x4xf32>) -> tensor<4xf32> {
    %0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %1 = stablehlo.constant dense<1.000000e+02> : tensor<f32>
    %2 = stablehlo.clamp %0, %arg1, %1 : (tensor<f32>, tensor<15x4xf32>, tensor<f32>) -> tensor<15x4xf32>
    %3 = stablehlo.complex %2, %arg1 : tensor<15x4xcomplex<f32>>
    %4 = stablehlo.tanh %3 : tensor<15x4xcomplex<f32>>
    %5 = stablehlo.real %4 : (tensor<15x4xcomplex<f32>>) -> tensor<15x4xf32>
    %6 = stablehlo.constant dense<0.000000e+00> : tensor<4xf32>
    %7 = stablehlo.constant dense<0.000000e+00> : tensor<4xf32>
    %8:3 = "stablehlo.batch_norm_training"(%5, %6, %7) <{epsilon = 1.000000e-03 : f32, feature_index = 1 : i64}> : (tensor<15x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<15x4xf32>, tensor<4xf32>, tensor<4xf32>)
    return %8#2 : tensor<4xf32>
  }
}
