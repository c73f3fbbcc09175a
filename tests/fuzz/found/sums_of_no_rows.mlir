// FOUND module 2000786 -- EmulationError: sums of no rows were read and stored
module {
  func.func @main() -> tensor<0xf32> {
    %0 = stablehlo.constant dense<> : tensor<0x1xf32>
    %1 = stablehlo.constant dense<0> : tensor<ui32>
    %2 = stablehlo.constant dense<> : tensor<0x1xbf16>
    %3 = stablehlo.constant dense<> : tensor<0x1xui32>
    %4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %5 = stablehlo.constant dense<0.000000e+00> : tensor<bf16>
    %6:3 = stablehlo.reduce(%0 init: %4), (%2 init: %5), (%3 init: %1) across dimensions = [1] : (tensor<0x1xf32>, tensor<0x1xbf16>, tensor<0x1xui32>, tensor<f32>, tensor<bf16>, tensor<ui32>) -> (tensor<0xf32>, tensor<0xbf16>, tensor<0xui32>)
     reducer(%arg0: tensor<f32>, %arg3: tensor<f32>) (%arg1: tensor<bf16>, %arg4: tensor<bf16>) (%arg2: tensor<ui32>, %arg5: tensor<ui32>)  {
      stablehlo.return %arg0, %arg1, %arg5 : tensor<f32>, tensor<bf16>, tensor<ui32>
    }
    return %6#0 : tensor<0xf32>
  }
}
