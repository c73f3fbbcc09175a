// RUN: explain -- a layer norm and a product with its activation: each edge is fused or has one reason
func.func @main(%x: tensor<16x8xf32>, %g: tensor<8xf32>, %w: tensor<8x32xf32>, %v: tensor<32x8xf32>) -> (tensor<16x8xf32>, tensor<8x16xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<8.0> : tensor<16x1xf32>
  %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<16x8xf32>, tensor<f32>) -> tensor<16xf32>
  %k = stablehlo.broadcast_in_dim %s, dims = [0] : (tensor<16xf32>) -> tensor<16x1xf32>
  %m = stablehlo.divide %k, %n : tensor<16x1xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<16x1xf32>) -> tensor<16x8xf32>
  %d = stablehlo.subtract %x, %mb : tensor<16x8xf32>
  %gb = stablehlo.broadcast_in_dim %g, dims = [1] : (tensor<8xf32>) -> tensor<16x8xf32>
  %y = stablehlo.multiply %d, %gb : tensor<16x8xf32>
  %h = stablehlo.dot_general %y, %w, contracting_dims = [1] x [0] : (tensor<16x8xf32>, tensor<8x32xf32>) -> tensor<16x32xf32>
  %a = stablehlo.tanh %h : tensor<16x32xf32>
  %o = stablehlo.dot_general %a, %v, contracting_dims = [1] x [0] : (tensor<16x32xf32>, tensor<32x8xf32>) -> tensor<16x8xf32>
  %r = stablehlo.add %o, %x : tensor<16x8xf32>
  %t = stablehlo.transpose %r, dims = [1, 0] : (tensor<16x8xf32>) -> tensor<8x16xf32>
  return %r, %t : tensor<16x8xf32>, tensor<8x16xf32>
}
// GIVES
// kernel                           bytes    FLOPs   line
// @fused_reduce_multiply_subtract  1.0 KiB     400  a_block_of_a_transformer.mlir:5
// @fused_dot_general_tanh          3.5 KiB  31.2 k  a_block_of_a_transformer.mlir:12
// @fused_dot_general_add           4.0 KiB   8.3 k  a_block_of_a_transformer.mlir:14
// transpose                        1.0 KiB       0  a_block_of_a_transformer.mlir:16
//
// edge                                          saves      kernels                                                     line
// reduce -> multiply       fused                128 bytes  @fused_reduce_multiply_subtract                             a_block_of_a_transformer.mlir:7
// multiply -> subtract     fused                128 bytes  @fused_reduce_multiply_subtract                             a_block_of_a_transformer.mlir:9
// subtract -> multiply     fused                  1.0 KiB  @fused_reduce_multiply_subtract                             a_block_of_a_transformer.mlir:11
// multiply -> dot_general  consumer-own-kernel    1.0 KiB  @fused_reduce_multiply_subtract -> @fused_dot_general_tanh  a_block_of_a_transformer.mlir:12
// dot_general -> tanh      fused                  4.0 KiB  @fused_dot_general_tanh                                     a_block_of_a_transformer.mlir:13
// tanh -> dot_general      consumer-own-kernel    4.0 KiB  @fused_dot_general_tanh -> @fused_dot_general_add           a_block_of_a_transformer.mlir:14
// dot_general -> add       fused                  1.0 KiB  @fused_dot_general_add                                      a_block_of_a_transformer.mlir:15
// add -> transpose         elements-moved       512 bytes  @fused_dot_general_add -> transpose                         a_block_of_a_transformer.mlir:16
//
// 5 of 8 edges are fused. The others:
//     2  consumer-own-kernel: the consumer is a kernel of its own, which takes its operands from memory
//     1  elements-moved: the consumer moves elements that the producer's kernel makes in its own order
