// FOUND module 2001017 exact -- native differs: a start of 253 was taken for one of -3
func.func @main(%y: tensor<6xi8>, %x: tensor<6xi8>) -> (tensor<6xi8>, tensor<2xi8>) {
  %0 = stablehlo.slice %x [0:1] : (tensor<6xi8>) -> tensor<1xi8>
  %1 = stablehlo.reshape %0 : (tensor<1xi8>) -> tensor<i8>
  %2 = stablehlo.convert %1 : (tensor<i8>) -> tensor<ui8>
  %3 = stablehlo.constant dense<128> : tensor<ui8>
  %4 = stablehlo.or %2, %3 : tensor<ui8>
  %5 = stablehlo.constant dense<0> : tensor<2xi8>
  %6 = stablehlo.dynamic_update_slice %y, %5, %4 : (tensor<6xi8>, tensor<2xi8>, tensor<ui8>) -> tensor<6xi8>
  %7 = stablehlo.dynamic_slice %x, %4, sizes = [2] : (tensor<6xi8>, tensor<ui8>) -> tensor<2xi8>
  return %6, %7 : tensor<6xi8>, tensor<2xi8>
}
