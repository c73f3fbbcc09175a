// FOUND module 0 exact -- hang: as many operands as elements
func.func @main(%x0: tensor<1xf32>) -> tensor<131072xf32> {
  %x1 = stablehlo.concatenate %x0, %x0, dim = 0 : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
  %x2 = stablehlo.concatenate %x1, %x1, dim = 0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %x3 = stablehlo.concatenate %x2, %x2, dim = 0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  %x4 = stablehlo.concatenate %x3, %x3, dim = 0 : (tensor<8xf32>, tensor<8xf32>) -> tensor<16xf32>
  %x5 = stablehlo.concatenate %x4, %x4, dim = 0 : (tensor<16xf32>, tensor<16xf32>) -> tensor<32xf32>
  %x6 = stablehlo.concatenate %x5, %x5, dim = 0 : (tensor<32xf32>, tensor<32xf32>) -> tensor<64xf32>
  %x7 = stablehlo.concatenate %x6, %x6, dim = 0 : (tensor<64xf32>, tensor<64xf32>) -> tensor<128xf32>
  %x8 = stablehlo.concatenate %x7, %x7, dim = 0 : (tensor<128xf32>, tensor<128xf32>) -> tensor<256xf32>
  %x9 = stablehlo.concatenate %x8, %x8, dim = 0 : (tensor<256xf32>, tensor<256xf32>) -> tensor<512xf32>
  %x10 = stablehlo.concatenate %x9, %x9, dim = 0 : (tensor<512xf32>, tensor<512xf32>) -> tensor<1024xf32>
  %x11 = stablehlo.concatenate %x10, %x10, dim = 0 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<2048xf32>
  %x12 = stablehlo.concatenate %x11, %x11, dim = 0 : (tensor<2048xf32>, tensor<2048xf32>) -> tensor<4096xf32>
  %x13 = stablehlo.concatenate %x12, %x12, dim = 0 : (tensor<4096xf32>, tensor<4096xf32>) -> tensor<8192xf32>
  %x14 = stablehlo.concatenate %x13, %x13, dim = 0 : (tensor<8192xf32>, tensor<8192xf32>) -> tensor<16384xf32>
  %x15 = stablehlo.concatenate %x14, %x14, dim = 0 : (tensor<16384xf32>, tensor<16384xf32>) -> tensor<32768xf32>
  %x16 = stablehlo.concatenate %x15, %x15, dim = 0 : (tensor<32768xf32>, tensor<32768xf32>) -> tensor<65536xf32>
  %x17 = stablehlo.concatenate %x16, %x16, dim = 0 : (tensor<65536xf32>, tensor<65536xf32>) -> tensor<131072xf32>
  return %x17 : tensor<131072xf32>
}
