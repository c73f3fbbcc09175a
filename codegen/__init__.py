"""Code generation: a fused module to kernels, LLVM text and native code."""
