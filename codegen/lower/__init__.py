"""From fused-level functions to kernels: tensor ops become loops over buffers and tiles, once for every target."""
