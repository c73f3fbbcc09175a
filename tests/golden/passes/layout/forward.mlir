// RUN: opt layout,cse,dce -- a NCHW convolution, its bias, relu and pool run in NHWC; the pooled result is transposed back
func.func @main(%x: tensor<2x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %bias: tensor<4xf32>) -> tensor<2x64xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<2x4x8x8xf32>
  %1 = stablehlo.broadcast_in_dim %bias, dims = [1] : (tensor<4xf32>) -> tensor<2x4x8x8xf32>
  %2 = stablehlo.add %0, %1 : tensor<2x4x8x8xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<2x4x8x8xf32>
  %3 = stablehlo.maximum %2, %zero : tensor<2x4x8x8xf32>
  %least = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %4 = "stablehlo.reduce_window"(%3, %least) <{window_dimensions = array<i64: 1, 1, 2, 2>, window_strides = array<i64: 1, 1, 2, 2>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %5 = stablehlo.maximum %a, %b : tensor<f32>
    stablehlo.return %5 : tensor<f32>
  }) : (tensor<2x4x8x8xf32>, tensor<f32>) -> tensor<2x4x4x4xf32>
  %6 = stablehlo.reshape %4 : (tensor<2x4x4x4xf32>) -> tensor<2x64xf32>
  return %6 : tensor<2x64xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<2x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %bias: tensor<4xf32>) -> tensor<2x64xf32> attributes {irc.layout = "NHWC"} {
    %0 = stablehlo.transpose %x, dims = [0, 2, 3, 1] : (tensor<2x3x8x8xf32>) -> tensor<2x8x8x3xf32>
    %1 = stablehlo.transpose %w, dims = [2, 3, 1, 0] : (tensor<4x3x3x3xf32>) -> tensor<3x3x3x4xf32>
    %2 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %3 = stablehlo.pad %0, %2, low = [0, 1, 1, 0], high = [0, 1, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x8x8x3xf32>, tensor<f32>) -> tensor<2x10x10x3xf32>
    %4 = stablehlo.convolution(%3, %1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x10x10x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x8x8x4xf32>
    %5 = stablehlo.broadcast_in_dim %bias, dims = [3] : (tensor<4xf32>) -> tensor<2x8x8x4xf32>
    %6 = stablehlo.add %4, %5 : tensor<2x8x8x4xf32>
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<2x8x8x4xf32>
    %7 = stablehlo.maximum %6, %zero : tensor<2x8x8x4xf32>
    %least = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %8 = "stablehlo.reduce_window"(%7, %least) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %11 = stablehlo.maximum %a, %b : tensor<f32>
      stablehlo.return %11 : tensor<f32>
    }) : (tensor<2x8x8x4xf32>, tensor<f32>) -> tensor<2x4x4x4xf32>
    %9 = stablehlo.transpose %8, dims = [0, 3, 1, 2] : (tensor<2x4x4x4xf32>) -> tensor<2x4x4x4xf32>
    %10 = stablehlo.reshape %9 : (tensor<2x4x4x4xf32>) -> tensor<2x64xf32>
    return %10 : tensor<2x64xf32>
  }
}
