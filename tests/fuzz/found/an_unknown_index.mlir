// FOUND text -- pretty form not read: ? was printed as None
func.func @f(%x: tuple<tensor<f32>>) {
  %y = stablehlo.custom_call @g(%x) {output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [1], operand_index = 0, operand_tuple_indices = [?]>]} : (tuple<tensor<f32>>) -> tuple<tensor<f32>>
  return
}
