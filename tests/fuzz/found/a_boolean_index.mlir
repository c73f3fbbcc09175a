// FOUND text -- pretty form not read: true was printed as True
func.func @f(%x: tensor<3xf32>, %i: tensor<3x1xi64>) {
  %y = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = true>, slice_sizes = array<i64: 1>}> : (tensor<3xf32>, tensor<3x1xi64>) -> tensor<3xf32>
  return
}
