// RUN: opt fusion -- a value that is needed outside its group becomes a result of it; siblings over one shape share a kernel
func.func @main(%m: tensor<8xf32>, %v: tensor<8xf32>, %g: tensor<8xf32>, %p: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %0 = stablehlo.add %m, %g : tensor<8xf32>
  %1 = stablehlo.multiply %g, %g : tensor<8xf32>
  %2 = stablehlo.add %v, %1 : tensor<8xf32>
  %3 = stablehlo.sqrt %2 : tensor<8xf32>
  %4 = stablehlo.divide %0, %3 : tensor<8xf32>
  %5 = stablehlo.subtract %p, %4 : tensor<8xf32>
  return %0, %2, %5 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}
// GIVES
module {
  func.func @main(%m: tensor<8xf32>, %v: tensor<8xf32>, %g: tensor<8xf32>, %p: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
    %0:3 = call @fused_add_multiply_sqrt(%m, %g, %v, %p) : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
    return %0#0, %0#1, %0#2 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  }
  func.func private @fused_add_multiply_sqrt(%m: tensor<8xf32>, %g: tensor<8xf32>, %v: tensor<8xf32>, %p: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) attributes {irc.kind = "loop"} {
    %0 = stablehlo.add %m, %g : tensor<8xf32>
    %1 = stablehlo.multiply %g, %g : tensor<8xf32>
    %2 = stablehlo.add %v, %1 : tensor<8xf32>
    %3 = stablehlo.sqrt %2 : tensor<8xf32>
    %4 = stablehlo.divide %0, %3 : tensor<8xf32>
    %5 = stablehlo.subtract %p, %4 : tensor<8xf32>
    return %0, %2, %5 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  }
}
