// RUN: opt fold,dce -- sums, quotients and roots are computed while compiling, exponentials are not
func.func @main() -> (tensor<3xf32>, tensor<3xf32>) {
  %a = stablehlo.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %b = stablehlo.constant dense<3.0> : tensor<3xf32>
  %0 = stablehlo.divide %a, %b : tensor<3xf32>
  %1 = stablehlo.sqrt %0 : tensor<3xf32>
  %2 = stablehlo.exponential %1 : tensor<3xf32>
  return %1, %2 : tensor<3xf32>, tensor<3xf32>
}
// GIVES
module {
  func.func @main() -> (tensor<3xf32>, tensor<3xf32>) {
    %0 = stablehlo.constant dense<[0.577350259, 8.164966e-01, 1.000000e+00]> : tensor<3xf32>
    %1 = stablehlo.exponential %0 : tensor<3xf32>
    return %0, %1 : tensor<3xf32>, tensor<3xf32>
  }
}
