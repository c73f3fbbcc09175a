// FOUND module 0 exact -- IrcError: evaluating 'stablehlo.scatter' failed: cannot reshape array of size 1 into shape (2,)
func.func @main(%x: tensor<f32>, %i: tensor<2x0xi32>, %u: tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>) {
  %0 = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %2 = stablehlo.subtract %b, %a : tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }) : (tensor<f32>, tensor<2x0xi32>, tensor<2xf32>) -> tensor<f32>
  %1 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<index_vector_dim = 1>, slice_sizes = array<i64>}> : (tensor<f32>, tensor<2x0xi32>) -> tensor<2xf32>
  return %0, %1 : tensor<f32>, tensor<2xf32>
}
