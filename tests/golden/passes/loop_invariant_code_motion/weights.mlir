// RUN: opt loop_invariant_code_motion -- what a loop carries unchanged is seen from outside; the weight is scaled and turned once
func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %n: tensor<i32>) -> tensor<4x8xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0:4 = stablehlo.while(%i = %zero, %h = %x, %v = %w, %stop = %n) : tensor<i32>, tensor<4x8xf32>, tensor<8x8xf32>, tensor<i32>
  cond {
    %c = stablehlo.compare LT, %i, %stop : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %two = stablehlo.constant dense<2.0> : tensor<f32>
    %twos = stablehlo.broadcast_in_dim %two, dims = [] : (tensor<f32>) -> tensor<8x8xf32>
    %d = stablehlo.multiply %v, %twos : tensor<8x8xf32>
    %t = stablehlo.transpose %d, dims = [1, 0] : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %m = stablehlo.dot_general %h, %t, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
    %g = stablehlo.tanh %m : tensor<4x8xf32>
    %j = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %j, %g, %v, %stop : tensor<i32>, tensor<4x8xf32>, tensor<8x8xf32>, tensor<i32>
  }
  return %0#1 : tensor<4x8xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %n: tensor<i32>) -> tensor<4x8xf32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %two = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %twos = stablehlo.broadcast_in_dim %two, dims = [] : (tensor<f32>) -> tensor<8x8xf32>
    %d = stablehlo.multiply %w, %twos : tensor<8x8xf32>
    %t = stablehlo.transpose %d, dims = [1, 0] : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %0:2 = stablehlo.while(%i = %zero, %h = %x) : tensor<i32>, tensor<4x8xf32>
    cond {
      %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %two_0 = stablehlo.constant dense<2.000000e+00> : tensor<f32>
      %twos_0 = stablehlo.broadcast_in_dim %two_0, dims = [] : (tensor<f32>) -> tensor<8x8xf32>
      %m = stablehlo.dot_general %h, %t, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
      %g = stablehlo.tanh %m : tensor<4x8xf32>
      %j = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %j, %g : tensor<i32>, tensor<4x8xf32>
    }
    return %0#1 : tensor<4x8xf32>
  }
}
