// FOUND module 0 exact passes=split_complex -- VerifyError: 'stablehlo.map' op requires one result, found 2 [results]
func.func @main(%x: tensor<5xcomplex<f32>>, %y: tensor<5xcomplex<f32>>, %p: tensor<i1>) -> tensor<5xcomplex<f32>> {
  %0 = "stablehlo.map"(%x, %y) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<complex<f32>>, %b: tensor<complex<f32>>):
    %1 = "stablehlo.if"(%p) ({
      stablehlo.return %a : tensor<complex<f32>>
    }, {
      stablehlo.return %b : tensor<complex<f32>>
    }) : (tensor<i1>) -> tensor<complex<f32>>
    %2 = stablehlo.subtract %1, %b : tensor<complex<f32>>
    stablehlo.return %2 : tensor<complex<f32>>
  }) : (tensor<5xcomplex<f32>>, tensor<5xcomplex<f32>>) -> tensor<5xcomplex<f32>>
  return %0 : tensor<5xcomplex<f32>>
}
