// RUN: opt loop_invariant_code_motion -- a loop of which one rewrite makes a loop for the other
func.func @main(%n: tensor<i32>, %v: tensor<1xi32>) -> (tensor<i32>, tensor<i32>, tensor<1xi32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %last:4 = stablehlo.while(%w = %v, %i = %zero, %j = %zero, %u = %v) : tensor<1xi32>, tensor<i32>, tensor<i32>, tensor<1xi32>
  cond {
    %go = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %go : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %k = stablehlo.add %j, %one : tensor<i32>
    %l = stablehlo.add %i, %one : tensor<i32>
    %m = stablehlo.add %u, %w : tensor<1xi32>
    stablehlo.return %w, %l, %k, %m : tensor<1xi32>, tensor<i32>, tensor<i32>, tensor<1xi32>
  }
  return %last#1, %last#2, %last#3 : tensor<i32>, tensor<i32>, tensor<1xi32>
}
// GIVES
module {
  func.func @main(%n: tensor<i32>, %v: tensor<1xi32>) -> (tensor<i32>, tensor<i32>, tensor<1xi32>) {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %0:2 = stablehlo.while(%i = %zero, %u = %v) : tensor<i32>, tensor<1xi32>
    cond {
      %go = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %go : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %k = stablehlo.add %i, %one : tensor<i32>
      %l = stablehlo.add %i, %one : tensor<i32>
      %m = stablehlo.add %u, %v : tensor<1xi32>
      stablehlo.return %l, %m : tensor<i32>, tensor<1xi32>
    }
    return %0#0, %0#0, %0#1 : tensor<i32>, tensor<i32>, tensor<1xi32>
  }
}
