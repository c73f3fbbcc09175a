// RUN: grad grad -- a scan keeps the states it went through, and nothing that can be sliced or counted again
func.func @main(%xs: tensor<6x3xf64>, %h: tensor<3xf64>) -> tensor<f64> {
  %start = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %end = stablehlo.constant dense<6> : tensor<i32>
  %0:3 = stablehlo.while(%i = %start, %state = %h, %inputs = %xs) : tensor<i32>, tensor<3xf64>, tensor<6x3xf64>
  cond {
    %more = stablehlo.compare LT, %i, %end, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %more : tensor<i1>
  } do {
    %row = stablehlo.dynamic_slice %inputs, %i, %start, sizes = [1, 3] : (tensor<6x3xf64>, tensor<i32>, tensor<i32>) -> tensor<1x3xf64>
    %x = stablehlo.reshape %row : (tensor<1x3xf64>) -> tensor<3xf64>
    %scaled = stablehlo.multiply %state, %x : tensor<3xf64>
    %next = stablehlo.sine %scaled : tensor<3xf64>
    %j = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %j, %next, %inputs : tensor<i32>, tensor<3xf64>, tensor<6x3xf64>
  }
  %zero = stablehlo.constant dense<0.0> : tensor<f64>
  %sum = stablehlo.reduce(%0#1 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<3xf64>, tensor<f64>) -> tensor<f64>
  return %sum : tensor<f64>
}
// GIVES
module {
  func.func @main(%xs: tensor<6x3xf64>, %h: tensor<3xf64>) -> (tensor<f64>, tensor<6x3xf64>, tensor<3xf64>) {
    %start = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %end = stablehlo.constant dense<6> : tensor<i32>
    %0 = stablehlo.constant dense<0.000000e+00> : tensor<6x3xf64>
    %1:4 = stablehlo.while(%arg0 = %start, %arg1 = %h, %arg2 = %xs, %arg3 = %0) : tensor<i32>, tensor<3xf64>, tensor<6x3xf64>, tensor<6x3xf64>
    cond {
      %more = stablehlo.compare LT, %arg0, %end, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %more : tensor<i1>
    } do {
      %row = stablehlo.dynamic_slice %arg2, %arg0, %start, sizes = [1, 3] : (tensor<6x3xf64>, tensor<i32>, tensor<i32>) -> tensor<1x3xf64>
      %x = stablehlo.reshape %row : (tensor<1x3xf64>) -> tensor<3xf64>
      %scaled = stablehlo.multiply %arg1, %x : tensor<3xf64>
      %next = stablehlo.sine %scaled : tensor<3xf64>
      %j = stablehlo.add %arg0, %one : tensor<i32>
      %7 = stablehlo.constant dense<0> : tensor<i32>
      %8 = stablehlo.reshape %arg1 : (tensor<3xf64>) -> tensor<1x3xf64>
      %9 = stablehlo.dynamic_update_slice %arg3, %8, %arg0, %7 : (tensor<6x3xf64>, tensor<1x3xf64>, tensor<i32>, tensor<i32>) -> tensor<6x3xf64>
      stablehlo.return %j, %next, %arg2, %9 : tensor<i32>, tensor<3xf64>, tensor<6x3xf64>, tensor<6x3xf64>
    }
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<f64>
    %sum = stablehlo.reduce(%1#1 init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<3xf64>, tensor<f64>) -> tensor<f64>
    %2 = stablehlo.constant dense<1.000000e+00> : tensor<f64>
    %3 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<f64>) -> tensor<3xf64>
    %4 = stablehlo.constant dense<0.000000e+00> : tensor<6x3xf64>
    %5 = stablehlo.constant dense<0> : tensor<i32>
    %6:3 = stablehlo.while(%arg0 = %5, %arg1 = %3, %arg2 = %4) : tensor<i32>, tensor<3xf64>, tensor<6x3xf64>
    cond {
      %7 = stablehlo.constant dense<6> : tensor<i32>
      %8 = stablehlo.compare LT, %arg0, %7, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %8 : tensor<i1>
    } do {
      %7 = stablehlo.constant dense<5> : tensor<i32>
      %8 = stablehlo.subtract %7, %arg0 : tensor<i32>
      %9 = stablehlo.constant dense<0> : tensor<i32>
      %10 = stablehlo.dynamic_slice %1#3, %8, %9, sizes = [1, 3] : (tensor<6x3xf64>, tensor<i32>, tensor<i32>) -> tensor<1x3xf64>
      %11 = stablehlo.reshape %10 : (tensor<1x3xf64>) -> tensor<3xf64>
      %row = stablehlo.dynamic_slice %xs, %8, %start, sizes = [1, 3] : (tensor<6x3xf64>, tensor<i32>, tensor<i32>) -> tensor<1x3xf64>
      %x = stablehlo.reshape %row : (tensor<1x3xf64>) -> tensor<3xf64>
      %scaled = stablehlo.multiply %11, %x : tensor<3xf64>
      %12 = stablehlo.cosine %scaled : tensor<3xf64>
      %13 = stablehlo.multiply %arg1, %12 : tensor<3xf64>
      %14 = stablehlo.multiply %13, %x : tensor<3xf64>
      %15 = stablehlo.multiply %13, %11 : tensor<3xf64>
      %16 = stablehlo.reshape %15 : (tensor<3xf64>) -> tensor<1x3xf64>
      %17 = stablehlo.dynamic_slice %arg2, %8, %start, sizes = [1, 3] : (tensor<6x3xf64>, tensor<i32>, tensor<i32>) -> tensor<1x3xf64>
      %18 = stablehlo.add %17, %16 : tensor<1x3xf64>
      %19 = stablehlo.dynamic_update_slice %arg2, %18, %8, %start : (tensor<6x3xf64>, tensor<1x3xf64>, tensor<i32>, tensor<i32>) -> tensor<6x3xf64>
      %20 = stablehlo.constant dense<1> : tensor<i32>
      %21 = stablehlo.add %arg0, %20 : tensor<i32>
      stablehlo.return %21, %14, %19 : tensor<i32>, tensor<3xf64>, tensor<6x3xf64>
    }
    return %sum, %6#2, %6#1 : tensor<f64>, tensor<6x3xf64>, tensor<3xf64>
  }
}
