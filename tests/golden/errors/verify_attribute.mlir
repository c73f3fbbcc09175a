// RUN: error -- an attribute of the wrong kind
func.func @main(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.add %0, %0 : tensor<2x4xf32>
  %2 = stablehlo.compare GT, %0, %1, FLOAT : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xi1>
  %3 = stablehlo.select %2, %0, %1 : tensor<2x4xi1>, tensor<2x4xf32>
  %4 = "stablehlo.sort"(%3) <{dimension = 1 : i32, is_stable = true}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %5 = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %5 : tensor<i1>
  }) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}
// GIVES
// verify_attribute.mlir:7:8: 'stablehlo.sort' op attribute 'dimension' failed to satisfy constraint: 64-bit signless integer attribute, found 1 : i32 [attributes]
//       %4 = "stablehlo.sort"(%3) <{dimension = 1 : i32, is_stable = true}> ({
//            ^^^^^^^^^^^^^^^^
