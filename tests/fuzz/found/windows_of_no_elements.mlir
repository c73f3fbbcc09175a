// FOUND module 0 exact -- ZeroDivisionError: integer modulo by zero in the lowering of gather
func.func @main(%x: tensor<4x3xf32>, %i: tensor<2xi32>, %y: tensor<4x0xf32>, %u: tensor<2x0xf32>) -> (tensor<2x0xf32>, tensor<4x0xf32>) {
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 0>}> : (tensor<4x3xf32>, tensor<2xi32>) -> tensor<2x0xf32>
  %1 = "stablehlo.scatter"(%y, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    stablehlo.return %b : tensor<f32>
  }) : (tensor<4x0xf32>, tensor<2xi32>, tensor<2x0xf32>) -> tensor<4x0xf32>
  return %0, %1 : tensor<2x0xf32>, tensor<4x0xf32>
}
