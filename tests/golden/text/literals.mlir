// RUN: print -- literals keep their bits: decimal where it reads back exactly, hexadecimal elsewhere; splats are found
module @literals attributes {b = "tab\09, \22quoted\22, \C3\A9", a = [1, 2 : i32, true, unit], d = {z = 1 : i8, y = @f::@"g h"}} {
  func.func @main() -> tensor<2xf32> {
    %0 = stablehlo.constant dense<[0.1, 3.14159274]> : tensor<2xf32>
    %1 = stablehlo.constant dense<[0x7F800000, 0xFFC00001]> : tensor<2xf32>
    %2 = stablehlo.constant dense<[[1.5, 1.5], [1.5, 1.5]]> : tensor<2x2xbf16>
    %3 = stablehlo.constant dense<"0x0000803F000000C0"> : tensor<2xf32>
    %4 = stablehlo.constant dense<[(1.0, -2.0), (0x7F800000, 0.0)]> : tensor<2xcomplex<f32>>
    %5 = stablehlo.constant dense<[true, false]> : tensor<2xi1>
    %6 = stablehlo.constant dense<[255, 0]> : tensor<2xui8>
    %7 = stablehlo.constant dense<[-1, 0xFF]> : tensor<2xi8>
    %8 = stablehlo.constant dense<> : tensor<0x3xf32>
    %9 = stablehlo.constant dense<-0.0> : tensor<f64>
    %10 = stablehlo.constant dense<[1, 18446744073709551615]> : tensor<2xui64>
    %11 = stablehlo.constant dense<1.0e-45> : tensor<f32>
    return %3 : tensor<2xf32>
  }
}
// GIVES
module @literals attributes {a = [1, 2 : i32, true, unit], b = "tab\09, \22quoted\22, \C3\A9", d = {y = @f::@"g h", z = 1 : i8}} {
  func.func @main() -> tensor<2xf32> {
    %0 = stablehlo.constant dense<[1.000000e-01, 3.14159274]> : tensor<2xf32>
    %1 = stablehlo.constant dense<[0x7F800000, 0xFFC00001]> : tensor<2xf32>
    %2 = stablehlo.constant dense<1.500000e+00> : tensor<2x2xbf16>
    %3 = stablehlo.constant dense<[1.000000e+00, -2.000000e+00]> : tensor<2xf32>
    %4 = stablehlo.constant dense<[(1.000000e+00,-2.000000e+00), (0x7F800000,0.000000e+00)]> : tensor<2xcomplex<f32>>
    %5 = stablehlo.constant dense<[true, false]> : tensor<2xi1>
    %6 = stablehlo.constant dense<[255, 0]> : tensor<2xui8>
    %7 = stablehlo.constant dense<-1> : tensor<2xi8>
    %8 = stablehlo.constant dense<> : tensor<0x3xf32>
    %9 = stablehlo.constant dense<-0.000000e+00> : tensor<f64>
    %10 = stablehlo.constant dense<[1, 18446744073709551615]> : tensor<2xui64>
    %11 = stablehlo.constant dense<1.401298e-45> : tensor<f32>
    return %3 : tensor<2xf32>
  }
}
