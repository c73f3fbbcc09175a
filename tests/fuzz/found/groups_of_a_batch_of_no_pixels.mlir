// FOUND module 0 exact -- IrcError: evaluating 'stablehlo.convolution' failed: cannot reshape array of size 0
func.func @main(%x: tensor<2x0x3xf32>, %w: tensor<1x3x2xf32>) -> tensor<1x0x2xf32> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {} {batch_group_count = 2 : i64, feature_group_count = 1 : i64} : (tensor<2x0x3xf32>, tensor<1x3x2xf32>) -> tensor<1x0x2xf32>
  return %0 : tensor<1x0x2xf32>
}
