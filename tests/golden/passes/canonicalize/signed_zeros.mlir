// RUN: opt canonicalize,dce -- which zeros may go: x + -0.0, x - 0.0 and -0.0 - x; not x + 0.0, x - -0.0, 0.0 * x
func.func @main(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<8xf32>
  %minus = stablehlo.constant dense<-0.0> : tensor<8xf32>
  %0 = stablehlo.add %x, %minus : tensor<8xf32>
  %1 = stablehlo.subtract %x, %zero : tensor<8xf32>
  %2 = stablehlo.subtract %minus, %x : tensor<8xf32>
  %3 = stablehlo.add %x, %zero : tensor<8xf32>
  %4 = stablehlo.subtract %x, %minus : tensor<8xf32>
  %5 = stablehlo.multiply %zero, %x : tensor<8xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<8xf32>
    %minus = stablehlo.constant dense<-0.000000e+00> : tensor<8xf32>
    %0 = stablehlo.negate %x : tensor<8xf32>
    %1 = stablehlo.add %x, %zero : tensor<8xf32>
    %2 = stablehlo.subtract %x, %minus : tensor<8xf32>
    %3 = stablehlo.multiply %x, %zero : tensor<8xf32>
    return %x, %x, %0, %1, %2, %3 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  }
}
