// RUN: grad grad{wrt=1,2,3,4} -- the gradient of a two-layer network at its weights
func.func @main(%x: tensor<4x3xf64>, %w1: tensor<3x5xf64>, %b1: tensor<5xf64>, %w2: tensor<5x2xf64>, %b2: tensor<2xf64>) -> tensor<f64> {
  %0 = stablehlo.dot_general %x, %w1, contracting_dims = [1] x [0] : (tensor<4x3xf64>, tensor<3x5xf64>) -> tensor<4x5xf64>
  %1 = stablehlo.broadcast_in_dim %b1, dims = [1] : (tensor<5xf64>) -> tensor<4x5xf64>
  %2 = stablehlo.add %0, %1 : tensor<4x5xf64>
  %zero = stablehlo.constant dense<0.0> : tensor<4x5xf64>
  %relu = stablehlo.maximum %2, %zero : tensor<4x5xf64>
  %3 = stablehlo.dot_general %relu, %w2, contracting_dims = [1] x [0] : (tensor<4x5xf64>, tensor<5x2xf64>) -> tensor<4x2xf64>
  %4 = stablehlo.broadcast_in_dim %b2, dims = [1] : (tensor<2xf64>) -> tensor<4x2xf64>
  %5 = stablehlo.add %3, %4 : tensor<4x2xf64>
  %square = stablehlo.multiply %5, %5 : tensor<4x2xf64>
  %start = stablehlo.constant dense<0.0> : tensor<f64>
  %loss = stablehlo.reduce(%square init: %start) applies stablehlo.add across dimensions = [0, 1] : (tensor<4x2xf64>, tensor<f64>) -> tensor<f64>
  return %loss : tensor<f64>
}
// GIVES
module {
  func.func @main(%x: tensor<4x3xf64>, %w1: tensor<3x5xf64>, %b1: tensor<5xf64>, %w2: tensor<5x2xf64>, %b2: tensor<2xf64>) -> (tensor<f64>, tensor<3x5xf64>, tensor<5xf64>, tensor<5x2xf64>, tensor<2xf64>) {
    %0 = stablehlo.dot_general %x, %w1, contracting_dims = [1] x [0] : (tensor<4x3xf64>, tensor<3x5xf64>) -> tensor<4x5xf64>
    %1 = stablehlo.broadcast_in_dim %b1, dims = [1] : (tensor<5xf64>) -> tensor<4x5xf64>
    %2 = stablehlo.add %0, %1 : tensor<4x5xf64>
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<4x5xf64>
    %relu = stablehlo.maximum %2, %zero : tensor<4x5xf64>
    %3 = stablehlo.dot_general %relu, %w2, contracting_dims = [1] x [0] : (tensor<4x5xf64>, tensor<5x2xf64>) -> tensor<4x2xf64>
    %4 = stablehlo.broadcast_in_dim %b2, dims = [1] : (tensor<2xf64>) -> tensor<4x2xf64>
    %5 = stablehlo.add %3, %4 : tensor<4x2xf64>
    %square = stablehlo.multiply %5, %5 : tensor<4x2xf64>
    %start = stablehlo.constant dense<0.000000e+00> : tensor<f64>
    %loss = stablehlo.reduce(%square init: %start) applies stablehlo.add across dimensions = [0, 1] : (tensor<4x2xf64>, tensor<f64>) -> tensor<f64>
    %6 = stablehlo.constant dense<1.000000e+00> : tensor<f64>
    %7 = stablehlo.broadcast_in_dim %6, dims = [] : (tensor<f64>) -> tensor<4x2xf64>
    %8 = stablehlo.multiply %7, %5 : tensor<4x2xf64>
    %9 = stablehlo.multiply %7, %5 : tensor<4x2xf64>
    %10 = stablehlo.add %8, %9 : tensor<4x2xf64>
    %11 = stablehlo.constant dense<0.000000e+00> : tensor<f64>
    %12 = stablehlo.reduce(%10 init: %11) applies stablehlo.add across dimensions = [0] : (tensor<4x2xf64>, tensor<f64>) -> tensor<2xf64>
    %13 = stablehlo.dot_general %10, %w2, contracting_dims = [1] x [1] : (tensor<4x2xf64>, tensor<5x2xf64>) -> tensor<4x5xf64>
    %14 = stablehlo.dot_general %relu, %10, contracting_dims = [0] x [0] : (tensor<4x5xf64>, tensor<4x2xf64>) -> tensor<5x2xf64>
    %15 = stablehlo.compare GT, %relu, %zero, FLOAT : (tensor<4x5xf64>, tensor<4x5xf64>) -> tensor<4x5xi1>
    %16 = stablehlo.constant dense<0.000000e+00> : tensor<4x5xf64>
    %17 = stablehlo.select %15, %13, %16 : tensor<4x5xi1>, tensor<4x5xf64>
    %18 = stablehlo.reduce(%17 init: %11) applies stablehlo.add across dimensions = [0] : (tensor<4x5xf64>, tensor<f64>) -> tensor<5xf64>
    %19 = stablehlo.dot_general %x, %17, contracting_dims = [0] x [0] : (tensor<4x3xf64>, tensor<4x5xf64>) -> tensor<3x5xf64>
    return %loss, %19, %18, %14, %12 : tensor<f64>, tensor<3x5xf64>, tensor<5xf64>, tensor<5x2xf64>, tensor<2xf64>
  }
}
