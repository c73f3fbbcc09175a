// RUN: print -- the pretty forms of reduce, while, convolution, slices and calls
func.func @main(%x: tensor<1x8x8x3xf32>, %w: tensor<3x3x3x4xf32>) -> tensor<1x3x3xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 0], [0, 0]], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]} : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x3x3x4xf32>
  %cst = stablehlo.constant dense<0.0> : tensor<f32>
  %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [3] : (tensor<1x3x3x4xf32>, tensor<f32>) -> tensor<1x3x3xf32>
  %c = stablehlo.constant dense<0> : tensor<i32>
  %c_0 = stablehlo.constant dense<4> : tensor<i32>
  %2:2 = stablehlo.while(%i = %c, %acc = %1) : tensor<i32>, tensor<1x3x3xf32> attributes {note = "counts"}
    cond {
      %p = stablehlo.compare LT, %i, %c_0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %p : tensor<i1>
    } do {
      %n = func.call @inc(%i) : (tensor<i32>) -> tensor<i32>
      %s = stablehlo.slice %acc [0:1, 0:3, 0:3:1] : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
      %r:2 = stablehlo.reduce(%s init: %cst), (%s init: %cst) across dimensions = [] : (tensor<1x3x3xf32>, tensor<1x3x3xf32>, tensor<f32>, tensor<f32>) -> (tensor<1x3x3xf32>, tensor<1x3x3xf32>)
        reducer(%a: tensor<f32>, %b: tensor<f32>) (%e: tensor<f32>, %f: tensor<f32>) {
          %t = stablehlo.add %a, %b : tensor<f32>
          stablehlo.return %t, %e : tensor<f32>, tensor<f32>
        }
      stablehlo.return %n, %r#0 : tensor<i32>, tensor<1x3x3xf32>
    }
  return %2#1 : tensor<1x3x3xf32>
}
func.func private @inc(%x: tensor<i32>) -> tensor<i32> attributes {irc.kind = "loop"} {
  %one = stablehlo.constant dense<1> : tensor<i32>
  %0 = "stablehlo.add"(%x, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
  return %0 : tensor<i32>
}
// GIVES
module {
  func.func @main(%x: tensor<1x8x8x3xf32>, %w: tensor<3x3x3x4xf32>) -> tensor<1x3x3xf32> {
    %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 0], [0, 0]], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]} : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x3x3x4xf32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [3] : (tensor<1x3x3x4xf32>, tensor<f32>) -> tensor<1x3x3xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<4> : tensor<i32>
    %2:2 = stablehlo.while(%i = %c, %acc = %1) : tensor<i32>, tensor<1x3x3xf32> attributes {note = "counts"}
    cond {
      %p = stablehlo.compare LT, %i, %c_0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %p : tensor<i1>
    } do {
      %n = func.call @inc(%i) : (tensor<i32>) -> tensor<i32>
      %s = stablehlo.slice %acc [0:1, 0:3, 0:3] : (tensor<1x3x3xf32>) -> tensor<1x3x3xf32>
      %r:2 = stablehlo.reduce(%s init: %cst), (%s init: %cst) across dimensions = [] : (tensor<1x3x3xf32>, tensor<1x3x3xf32>, tensor<f32>, tensor<f32>) -> (tensor<1x3x3xf32>, tensor<1x3x3xf32>)
       reducer(%a: tensor<f32>, %b: tensor<f32>) (%e: tensor<f32>, %f: tensor<f32>)  {
        %t = stablehlo.add %a, %b : tensor<f32>
        stablehlo.return %t, %e : tensor<f32>, tensor<f32>
      }
      stablehlo.return %n, %r#0 : tensor<i32>, tensor<1x3x3xf32>
    }
    return %2#1 : tensor<1x3x3xf32>
  }
  func.func private @inc(%x: tensor<i32>) -> tensor<i32> attributes {irc.kind = "loop"} {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %0 = stablehlo.add %x, %one : tensor<i32>
    return %0 : tensor<i32>
  }
}
