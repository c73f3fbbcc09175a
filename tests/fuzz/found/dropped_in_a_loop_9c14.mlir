// FOUND module 1081 portable -- KeyError: <stablehlo.reduce#0 : tensor<70xf32>>
module {
  func.func @main() -> tensor<1x70xf32> {
    %0 = stablehlo.constant dense<0.000000e+00> : tensor<1x70xf32>
    %1 = stablehlo.constant dense<0> : tensor<i32>
    %2 = stablehlo.constant dense<0> : tensor<i32>
    %3:2 = stablehlo.while(%arg0 = %2, %arg1 = %0) : tensor<i32>, tensor<1x70xf32>
    cond {
      %4 = stablehlo.constant dense<0> : tensor<i32>
      %5 = stablehlo.compare LT, %arg0, %4 : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %5 : tensor<i1>
    } do {
      %4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %5 = stablehlo.reduce(%0 init: %4) across dimensions = [0] : (tensor<1x70xf32>, tensor<f32>) -> tensor<70xf32>
       reducer(%arg2: tensor<f32>, %arg3: tensor<f32>)  {
        stablehlo.return %arg2 : tensor<f32>
      }
      %6 = stablehlo.broadcast_in_dim %5, dims = [1] : (tensor<70xf32>) -> tensor<1x70xf32>
      stablehlo.return %1, %6 : tensor<i32>, tensor<1x70xf32>
    }
    return %3#1 : tensor<1x70xf32>
  }
}
