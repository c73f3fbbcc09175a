// RUN: opt loop_invariant_code_motion,cse,dce -- two stacks with the same rows are one; one with other rows stays
func.func @main(%x: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %empty = stablehlo.constant dense<0.0> : tensor<3x4xf32>
  %0:5 = stablehlo.while(%i = %zero, %h = %x, %a = %empty, %b = %empty, %c = %empty) : tensor<i32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
  cond {
    %three = stablehlo.constant dense<3> : tensor<i32>
    %p = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %nought = stablehlo.constant dense<0> : tensor<i32>
    %g = stablehlo.tanh %h : tensor<4xf32>
    %r = stablehlo.reshape %g : (tensor<4xf32>) -> tensor<1x4xf32>
    %q = stablehlo.reshape %h : (tensor<4xf32>) -> tensor<1x4xf32>
    %a1 = stablehlo.dynamic_update_slice %a, %r, %i, %nought : (tensor<3x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<3x4xf32>
    %b1 = stablehlo.dynamic_update_slice %b, %q, %i, %nought : (tensor<3x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<3x4xf32>
    %c1 = stablehlo.dynamic_update_slice %c, %r, %i, %nought : (tensor<3x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<3x4xf32>
    %j = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %j, %g, %a1, %b1, %c1 : tensor<i32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
  }
  return %0#2, %0#3, %0#4 : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %empty = stablehlo.constant dense<0.000000e+00> : tensor<3x4xf32>
    %0:4 = stablehlo.while(%i = %zero, %h = %x, %a = %empty, %b = %empty) : tensor<i32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
    cond {
      %three = stablehlo.constant dense<3> : tensor<i32>
      %p = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %p : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %nought = stablehlo.constant dense<0> : tensor<i32>
      %g = stablehlo.tanh %h : tensor<4xf32>
      %r = stablehlo.reshape %g : (tensor<4xf32>) -> tensor<1x4xf32>
      %q = stablehlo.reshape %h : (tensor<4xf32>) -> tensor<1x4xf32>
      %a1 = stablehlo.dynamic_update_slice %a, %r, %i, %nought : (tensor<3x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<3x4xf32>
      %b1 = stablehlo.dynamic_update_slice %b, %q, %i, %nought : (tensor<3x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<3x4xf32>
      %j = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %j, %g, %a1, %b1 : tensor<i32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
    }
    return %0#2, %0#3, %0#2 : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
  }
}
