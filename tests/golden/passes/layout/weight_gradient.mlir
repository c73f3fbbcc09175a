// RUN: opt layout,cse,dce -- a weight gradient sums over the batch of NHWC tensors; only the small result is transposed
func.func @main(%x: tensor<2x3x6x6xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<4x3x3x3xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x6x6xf32>, tensor<4x3x3x3xf32>) -> tensor<2x4x4x4xf32>
  %1 = stablehlo.convolution(%x, %0) dim_numbers = [f, b, 0, 1]x[i, o, 0, 1]->[f, b, 0, 1], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x6x6xf32>, tensor<2x4x4x4xf32>) -> tensor<4x3x3x3xf32>
  return %1 : tensor<4x3x3x3xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<2x3x6x6xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<4x3x3x3xf32> attributes {irc.layout = "NHWC"} {
    %0 = stablehlo.transpose %x, dims = [0, 2, 3, 1] : (tensor<2x3x6x6xf32>) -> tensor<2x6x6x3xf32>
    %1 = stablehlo.transpose %w, dims = [2, 3, 1, 0] : (tensor<4x3x3x3xf32>) -> tensor<3x3x3x4xf32>
    %2 = stablehlo.convolution(%0, %1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x6x6x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x4x4x4xf32>
    %3 = stablehlo.convolution(%0, %2) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x6x6x3xf32>, tensor<2x4x4x4xf32>) -> tensor<3x3x3x4xf32>
    %4 = stablehlo.transpose %3, dims = [3, 2, 0, 1] : (tensor<3x3x3x4xf32>) -> tensor<4x3x3x3xf32>
    return %4 : tensor<4x3x3x3xf32>
  }
}
