// RUN: opt fusion -- the body of a loop is fused like any block
func.func @main(%x: tensor<8xf32>, %n: tensor<i32>) -> tensor<8xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, tensor<8xf32>
    cond {
      %limit = stablehlo.constant dense<3> : tensor<i32>
      %1 = stablehlo.compare LT, %i, %limit, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %1 : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %1 = stablehlo.add %i, %one : tensor<i32>
      %2 = stablehlo.tanh %y : tensor<8xf32>
      %3 = stablehlo.multiply %2, %y : tensor<8xf32>
      stablehlo.return %1, %3 : tensor<i32>, tensor<8xf32>
    }
  return %0#1 : tensor<8xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<8xf32>, %n: tensor<i32>) -> tensor<8xf32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %0:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, tensor<8xf32>
    cond {
      %1 = func.call @fused_compare(%i) : (tensor<i32>) -> tensor<i1>
      stablehlo.return %1 : tensor<i1>
    } do {
      %1 = func.call @fused_add(%i) : (tensor<i32>) -> tensor<i32>
      %2 = func.call @fused_tanh_multiply(%y) : (tensor<8xf32>) -> tensor<8xf32>
      stablehlo.return %1, %2 : tensor<i32>, tensor<8xf32>
    }
    return %0#1 : tensor<8xf32>
  }
  func.func private @fused_compare(%i: tensor<i32>) -> tensor<i1> attributes {irc.kind = "loop"} {
    %limit = stablehlo.constant dense<3> : tensor<i32>
    %0 = stablehlo.compare LT, %i, %limit, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    return %0 : tensor<i1>
  }
  func.func private @fused_add(%i: tensor<i32>) -> tensor<i32> attributes {irc.kind = "loop"} {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %0 = stablehlo.add %i, %one : tensor<i32>
    return %0 : tensor<i32>
  }
  func.func private @fused_tanh_multiply(%y: tensor<8xf32>) -> tensor<8xf32> attributes {irc.kind = "loop"} {
    %0 = stablehlo.tanh %y : tensor<8xf32>
    %1 = stablehlo.multiply %0, %y : tensor<8xf32>
    return %1 : tensor<8xf32>
  }
}
