// FOUND text -- pretty form not read: the block arguments of a module were not printed
module {
^bb0(%a: tensor<f32>):
  %b = stablehlo.add %a, %a : tensor<f32>
}
