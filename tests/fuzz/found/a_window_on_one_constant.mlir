// FOUND module 0 exact native -- no native code: a constant that is no initial value was taken into the kernel of a window
func.func @main(%x: tensor<f32>) -> tensor<i1> {
  %0 = stablehlo.constant dense<3.0> : tensor<f32>
  %1 = stablehlo.constant dense<1.0> : tensor<f32>
  %2:2 = "stablehlo.reduce_window"(%0, %x, %1, %1) <{window_dimensions = array<i64>, window_strides = array<i64>, base_dilations = array<i64>, window_dilations = array<i64>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>, %d: tensor<f32>):
    %5 = stablehlo.add %a, %c : tensor<f32>
    %6 = stablehlo.multiply %b, %d : tensor<f32>
    stablehlo.return %5, %6 : tensor<f32>, tensor<f32>
  }) : (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  %3 = stablehlo.add %2#0, %2#1 : tensor<f32>
  %4 = stablehlo.compare LT, %3, %x : (tensor<f32>, tensor<f32>) -> tensor<i1>
  return %4 : tensor<i1>
}
