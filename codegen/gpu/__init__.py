"""NVIDIA GPUs: kernels cut out of the host's program, PTX, and the host's list of launches."""
