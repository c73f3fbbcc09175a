// RUN: opt loop_invariant_code_motion -- from the inner loop through the outer one; the broadcast of what moved stays, and reads it
func.func @main(%x: tensor<2x4xf32>, %b: tensor<1x8xf32>) -> tensor<2x4xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0:3 = stablehlo.while(%i = %zero, %h = %x, %v = %b) : tensor<i32>, tensor<2x4xf32>, tensor<1x8xf32>
  cond {
    %five = stablehlo.constant dense<5> : tensor<i32>
    %c = stablehlo.compare LT, %i, %five : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %nought = stablehlo.constant dense<0> : tensor<i32>
    %1:3 = stablehlo.while(%j = %nought, %g = %h, %u = %v) : tensor<i32>, tensor<2x4xf32>, tensor<1x8xf32>
    cond {
      %three = stablehlo.constant dense<3> : tensor<i32>
      %d = stablehlo.compare LT, %j, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %d : tensor<i1>
    } do {
      %uno = stablehlo.constant dense<1> : tensor<i32>
      %s = stablehlo.slice %u [0:1, 2:6] : (tensor<1x8xf32>) -> tensor<1x4xf32>
      %r = stablehlo.reshape %s : (tensor<1x4xf32>) -> tensor<4xf32>
      %w = stablehlo.broadcast_in_dim %r, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
      %a = stablehlo.add %g, %w : tensor<2x4xf32>
      %t = stablehlo.tanh %a : tensor<2x4xf32>
      %k = stablehlo.add %j, %uno : tensor<i32>
      stablehlo.return %k, %t, %u : tensor<i32>, tensor<2x4xf32>, tensor<1x8xf32>
    }
    %n = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %n, %1#1, %v : tensor<i32>, tensor<2x4xf32>, tensor<1x8xf32>
  }
  return %0#1 : tensor<2x4xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<2x4xf32>, %b: tensor<1x8xf32>) -> tensor<2x4xf32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %s = stablehlo.slice %b [0:1, 2:6] : (tensor<1x8xf32>) -> tensor<1x4xf32>
    %0:2 = stablehlo.while(%i = %zero, %h = %x) : tensor<i32>, tensor<2x4xf32>
    cond {
      %five = stablehlo.constant dense<5> : tensor<i32>
      %c = stablehlo.compare LT, %i, %five : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %nought = stablehlo.constant dense<0> : tensor<i32>
      %1:2 = stablehlo.while(%j = %nought, %g = %h) : tensor<i32>, tensor<2x4xf32>
      cond {
        %three = stablehlo.constant dense<3> : tensor<i32>
        %d = stablehlo.compare LT, %j, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %d : tensor<i1>
      } do {
        %uno = stablehlo.constant dense<1> : tensor<i32>
        %r = stablehlo.reshape %s : (tensor<1x4xf32>) -> tensor<4xf32>
        %w = stablehlo.broadcast_in_dim %r, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
        %a = stablehlo.add %g, %w : tensor<2x4xf32>
        %t = stablehlo.tanh %a : tensor<2x4xf32>
        %k = stablehlo.add %j, %uno : tensor<i32>
        stablehlo.return %k, %t : tensor<i32>, tensor<2x4xf32>
      }
      %n = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %n, %1#1 : tensor<i32>, tensor<2x4xf32>
    }
    return %0#1 : tensor<2x4xf32>
  }
}
