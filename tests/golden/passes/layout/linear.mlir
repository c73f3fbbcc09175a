// RUN: opt layout,cse,dce -- x @ W^T transposes the smaller side: x and the result here, W where x has more rows
func.func @main(%x: tensor<16x32xf32>, %w: tensor<96x32xf32>, %y: tensor<64x32xf32>) -> (tensor<16x96xf32>, tensor<64x96xf32>) {
  %t = stablehlo.transpose %w, dims = [1, 0] : (tensor<96x32xf32>) -> tensor<32x96xf32>
  %0 = stablehlo.dot_general %x, %t, contracting_dims = [1] x [0] : (tensor<16x32xf32>, tensor<32x96xf32>) -> tensor<16x96xf32>
  %1 = stablehlo.dot_general %y, %w, contracting_dims = [1] x [1] : (tensor<64x32xf32>, tensor<96x32xf32>) -> tensor<64x96xf32>
  return %0, %1 : tensor<16x96xf32>, tensor<64x96xf32>
}
// GIVES
module {
  func.func @main(%x: tensor<16x32xf32>, %w: tensor<96x32xf32>, %y: tensor<64x32xf32>) -> (tensor<16x96xf32>, tensor<64x96xf32>) {
    %t = stablehlo.transpose %w, dims = [1, 0] : (tensor<96x32xf32>) -> tensor<32x96xf32>
    %0 = stablehlo.transpose %x, dims = [1, 0] : (tensor<16x32xf32>) -> tensor<32x16xf32>
    %1 = stablehlo.dot_general %w, %0, contracting_dims = [1] x [0] : (tensor<96x32xf32>, tensor<32x16xf32>) -> tensor<96x16xf32>
    %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<96x16xf32>) -> tensor<16x96xf32>
    %3 = stablehlo.dot_general %y, %t, contracting_dims = [1] x [0] : (tensor<64x32xf32>, tensor<32x96xf32>) -> tensor<64x96xf32>
    return %2, %3 : tensor<16x96xf32>, tensor<64x96xf32>
  }
}
