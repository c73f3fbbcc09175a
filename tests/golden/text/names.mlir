// RUN: print -- hints are kept and made unique, numbers and arguments are counted anew, inner regions may reuse names
func.func @main(%x: tensor<2xf32>, %arg7: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xi32>) {
  %17 = stablehlo.add %x, %arg7 : tensor<2xf32>
  %y = stablehlo.add %17, %17 : tensor<2xf32>
  %y_0 = stablehlo.add %y, %17 : tensor<2xf32>
  %c = stablehlo.constant dense<0> : tensor<2xi32>
  %0:2 = "stablehlo.sort"(%y_0, %c) <{dimension = 0 : i64}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %arg2: tensor<i32>, %arg3: tensor<i32>):
    %y_1 = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %y_1 : tensor<i1>
  }) : (tensor<2xf32>, tensor<2xi32>) -> (tensor<2xf32>, tensor<2xi32>)
  return %0#0, %0#1 : tensor<2xf32>, tensor<2xi32>
}
func.func private @other(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<2xf32>, %arg0: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xi32>) {
    %0 = stablehlo.add %x, %arg0 : tensor<2xf32>
    %y = stablehlo.add %0, %0 : tensor<2xf32>
    %y_0 = stablehlo.add %y, %0 : tensor<2xf32>
    %c = stablehlo.constant dense<0> : tensor<2xi32>
    %1:2 = "stablehlo.sort"(%y_0, %c) <{dimension = 0 : i64}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>, %arg1: tensor<i32>, %arg2: tensor<i32>):
      %y_1 = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %y_1 : tensor<i1>
    }) : (tensor<2xf32>, tensor<2xi32>) -> (tensor<2xf32>, tensor<2xi32>)
    return %1#0, %1#1 : tensor<2xf32>, tensor<2xi32>
  }
  func.func private @other(%x: tensor<2xf32>) -> tensor<2xf32> {
    return %x : tensor<2xf32>
  }
}
