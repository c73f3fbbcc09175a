// RUN: grad grad -- the reverse of an op points at the line of the op
func.func @main(%x: tensor<3xf64>) -> tensor<f64> {
  %0 = stablehlo.sine %x : tensor<3xf64> loc("net.py":7:5)
  %start = stablehlo.constant dense<0.0> : tensor<f64>
  %loss = stablehlo.reduce(%0 init: %start) applies stablehlo.add across dimensions = [0] : (tensor<3xf64>, tensor<f64>) -> tensor<f64> loc("loss"("net.py":9:12))
  return %loss : tensor<f64>
}
// GIVES
module {
  func.func @main(%x: tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>) {
    %0 = stablehlo.sine %x : tensor<3xf64> loc(#loc0)
    %start = stablehlo.constant dense<0.000000e+00> : tensor<f64>
    %loss = stablehlo.reduce(%0 init: %start) applies stablehlo.add across dimensions = [0] : (tensor<3xf64>, tensor<f64>) -> tensor<f64> loc(#loc2)
    %1 = stablehlo.constant dense<1.000000e+00> : tensor<f64>
    %2 = stablehlo.broadcast_in_dim %1, dims = [] : (tensor<f64>) -> tensor<3xf64> loc(#loc3)
    %3 = stablehlo.cosine %x : tensor<3xf64> loc(#loc4)
    %4 = stablehlo.multiply %2, %3 : tensor<3xf64> loc(#loc4)
    return %loss, %4 : tensor<f64>, tensor<3xf64>
  }
}
#loc0 = loc("net.py":7:5)
#loc1 = loc("net.py":9:12)
#loc2 = loc("loss"(#loc1))
#loc3 = loc(fused<"grad of">[#loc2])
#loc4 = loc(fused<"grad of">[#loc0])
