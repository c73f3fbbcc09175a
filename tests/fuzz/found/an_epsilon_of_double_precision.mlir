// FOUND module 0 portable -- XLA differs: an epsilon built as 0.001 was not rounded to f32
func.func @main(%x: tensor<16x4xf64>, %s: tensor<4xf64>) -> tensor<16x4xf64> {
  %y:3 = "stablehlo.batch_norm_training"(%x, %s, %s) <{epsilon = 1.000000e-03 : f32, feature_index = 1 : i64}> : (tensor<16x4xf64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<16x4xf64>, tensor<4xf64>, tensor<4xf64>)
  return %y#0 : tensor<16x4xf64>
}
